"""Which providers build a unit: the program's own, those of the unit's target, or the default."""
# ruff: noqa: PLC0415 - a provider is imported only by a program that uses it

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import pulumi

from dativo_infra.adapters.pulumi.values import content
from dativo_infra.diagnostics import Diagnostic, rules
from dativo_infra.resources.kubernetes import KubernetesObject
from dativo_infra.values import Pseudo, tokens

if TYPE_CHECKING:
    from dativo_infra.planning import Unit
    from dativo_infra.project import PlacedTarget


class Providers:
    """One explicit provider for each target and package, made when the first unit needs it.

    Args:
        opts: options of the components. A provider in them or of their parent is the one for its
            package, whatever the target.
        name: what the providers are called, instead of their target.
    """

    def __init__(self, opts: pulumi.ResourceOptions | None, name: str | None = None) -> None:
        self._opts = opts or pulumi.ResourceOptions()
        self._name = name
        self._made: dict[tuple[PlacedTarget, str], pulumi.ProviderResource] = {}

    def missing(self, units: Iterable[Unit]) -> Iterator[Diagnostic]:
        """Yield an error for each unit whose objects would go to a cluster by accident."""
        config = pulumi.Config("kubernetes")
        if self._gives("kubernetes") or config.get("context") or config.get("kubeconfig"):
            return
        for unit in units:
            if "kubernetes" in _packages(unit) and not unit.target.kubernetes_context:
                message = f"{unit.description}: no Kubernetes context is given for {unit.target}."
                yield rules.NO_KUBERNETES_CONTEXT.at(unit.resources[0].origin, message)

    def options(
        self, unit: Unit, depends_on: Sequence[pulumi.Resource] = ()
    ) -> pulumi.ResourceOptions:
        """Return the options of a unit's component, with the providers of the unit's target."""
        wanted = (each for each in sorted(_packages(unit)) if not self._gives(each))
        every = [self._provider(unit.target, package) for package in wanted if unit.target.name]
        added = pulumi.ResourceOptions(
            providers=[provider for provider in every if provider], depends_on=depends_on
        )
        return pulumi.ResourceOptions.merge(self._opts, added)

    def _gives(self, package: str) -> bool:
        """Return whether the program's own options say which provider a package has."""
        opts, several = self._opts, self._opts.providers or ()
        own = (opts.provider, *(several.values() if isinstance(several, Mapping) else several))
        if any(each and each.package == package for each in own):
            return True
        return bool(opts.parent and opts.parent.get_provider(f"{package}:index:Any"))

    def _provider(self, target: PlacedTarget, package: str) -> pulumi.ProviderResource | None:
        key = (target, package)
        if key not in self._made:
            name = self._name or target.name
            opts = pulumi.ResourceOptions(parent=self._opts.parent)
            if package == "aws" and (target.account or target.region):
                import pulumi_aws as aws

                accounts = [target.account] if target.account else None
                # An explicit provider does not read the stack's configuration by itself.
                region = target.region or pulumi.Config("aws").get("region")
                self._made[key] = aws.Provider(
                    name, region=region, allowed_account_ids=accounts, opts=opts
                )
            elif package == "kubernetes" and target.kubernetes_context:
                import pulumi_kubernetes as kubernetes

                self._made[key] = kubernetes.Provider(
                    name,
                    context=target.kubernetes_context,
                    # Else a change of what one holds deletes it first: their names are fixed.
                    enable_config_map_mutable=True,
                    enable_secret_mutable=True,
                    opts=opts,
                )
        return self._made.get(key)


def _packages(unit: Unit) -> set[str]:
    """Return the provider packages that a unit's resources, and the facts in them, come from."""
    facts = (token for each in unit.resources for token in tokens(content(each)))
    return {
        *("kubernetes" if isinstance(each, KubernetesObject) else "aws" for each in unit.resources),
        *("aws" for token in facts if isinstance(token, Pseudo)),
    }
