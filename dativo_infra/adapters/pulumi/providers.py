"""Which providers build a unit: the program's own, those of the unit's target, or the default."""
# ruff: noqa: PLC0415 - a provider is imported only by a program that uses it

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pulumi

from dativo_infra.adapters.pulumi.values import content
from dativo_infra.diagnostics import Diagnostic, Rule, rules
from dativo_infra.resources.databricks import (
    DatabricksCluster,
    DatabricksInstancePool,
    DatabricksJob,
)
from dativo_infra.resources.kubernetes import KubernetesObject
from dativo_infra.values import Pseudo, tokens

if TYPE_CHECKING:
    from dativo_infra.planning import Unit
    from dativo_infra.project import PlacedTarget
    from dativo_infra.resources import Resource

_PACKAGES: Mapping[type[Resource], str] = {
    DatabricksCluster: "databricks",
    DatabricksInstancePool: "databricks",
    DatabricksJob: "databricks",
    KubernetesObject: "kubernetes",
}
"""The provider package of a kind; of all others it is that of AWS."""

_EXTRAS: Mapping[str, str] = {"databricks": "databricks"}
"""The extra that installs a package; of all others it is `pulumi`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """What must say where a package's resources go, which no machine may say by accident."""

    what: str
    field: str
    """Of a target."""
    settings: tuple[str, ...]
    """Of the stack's configuration, which the default provider reads."""
    rule: Rule


_PLACES: Mapping[str, _Place] = {
    "databricks": _Place(
        what="workspace",
        field="databricks_host",
        settings=("host", "profile"),
        rule=rules.NO_DATABRICKS_WORKSPACE,
    ),
    "kubernetes": _Place(
        what="Kubernetes context",
        field="kubernetes_context",
        settings=("context", "kubeconfig"),
        rule=rules.NO_KUBERNETES_CONTEXT,
    ),
}


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
        """Yield an error for each package that is missing, and each unit without a place.

        Without one its objects would go to some cluster or workspace by accident.
        """
        units = tuple(units)
        for package in sorted({package for unit in units for package in _packages(unit)}):
            if find_spec(module := f"pulumi_{package}") is None:
                yield rules.MISSING_PACKAGE.at(
                    None,
                    f"The Python package `{module}` is not installed.",
                    remedy=f"pip install 'dativo-infra[{_EXTRAS.get(package, 'pulumi')}]'",
                )
        for package, place in _PLACES.items():
            config = pulumi.Config(package)
            if self._gives(package) or any(config.get(each) for each in place.settings):
                continue
            for unit in units:
                if package in _packages(unit) and not getattr(unit.target, place.field):
                    message = f"{unit.description}: no {place.what} is given for {unit.target}."
                    yield place.rule.at(unit.resources[0].origin, message)

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
            elif package == "databricks" and target.databricks_host:
                import pulumi_databricks as databricks

                self._made[key] = databricks.Provider(name, host=target.databricks_host, opts=opts)
        return self._made.get(key)


def _packages(unit: Unit) -> set[str]:
    """Return the provider packages that a unit's resources, and the facts in them, come from."""
    facts = (token for each in unit.resources for token in tokens(content(each)))
    return {
        *(_PACKAGES.get(type(each), "aws") for each in unit.resources),
        *("aws" for token in facts if isinstance(token, Pseudo)),
    }
