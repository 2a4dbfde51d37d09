"""Building jobs in a Pulumi program: in somebody's own, or in the stack of this repository."""

from __future__ import annotations

import gc
import os
from graphlib import TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pulumi

from dativo_infra.adapters.pulumi.arguments import report, rooted
from dativo_infra.adapters.pulumi.components import COMPONENTS, Component
from dativo_infra.adapters.pulumi.values import content, given, lookup
from dativo_infra.diagnostics import Diagnostic, DiagnosticError, raise_errors, rules
from dativo_infra.loading import Loaded, load, load_project, read_env_file
from dativo_infra.names import PULUMI, Identity
from dativo_infra.planning import JobPlan, Plan, Selection, Unit, parse_shard, plan
from dativo_infra.resources.kubernetes import KubernetesObject
from dativo_infra.values import Parameter, Pseudo, is_known, tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from dativo_infra.model import Job
    from dativo_infra.project import LoadedProject, PlacedTarget

TOOL = "pulumi"


def build(
    jobs: Loaded | Iterable[Job] | Plan,
    *,
    project: LoadedProject | None = None,
    provider: str | None = None,
    parameters: Mapping[str, pulumi.Input[Any]] | None = None,
    opts: pulumi.ResourceOptions | None = None,
) -> dict[str, Component]:
    """Build what Pulumi owns of some jobs; return the components by `tenant/environment/name`.

    Args:
        jobs: what was loaded, with its errors; or jobs alone; or a plan that was made before.
        project: the project of the jobs; without one the defaults hold.
        provider: `pulumi` to build jobs that say another provider, too.
        parameters: values of variables that are known to the program alone.
        opts: options of every component. Providers in them are used for everything; without them
            each target of the project gets its own, and jobs without a target the default one.

    Raises:
        DiagnosticError: a job has an error, or cannot be read; nothing was registered then.
        TypeError: a plan was given with what it was to be made with.
    """
    if isinstance(jobs, Plan):
        if project is not None or provider is not None:
            raise TypeError("a plan is made already: give `project` and `provider` to `plan`")
        planned = jobs
    else:
        found: tuple[Diagnostic, ...] = ()
        if isinstance(jobs, Loaded):
            jobs, found = jobs.jobs, jobs.diagnostics
        report(found)
        planned = plan(jobs, project, provider=provider)
    report(planned.diagnostics)
    built = build_units(planned.owned_by(TOOL), parameters=parameters, opts=opts)
    return {str(identity): component for identity, component in built.items()}


def build_units(
    units: Iterable[Unit],
    *,
    parameters: Mapping[str, pulumi.Input[Any]] | None = None,
    opts: pulumi.ResourceOptions | None = None,
) -> dict[Identity, Component]:
    """Build units, each after those that it needs.

    Raises:
        DiagnosticError: two would have one name, a Kubernetes cluster is not named, or parameters
            have no value.
    """
    by_identity = {unit.identity: unit for unit in units}
    providers = _Providers(opts)
    raise_errors([*_equal_names(by_identity.values()), *providers.missing(by_identity.values())])
    consumed = [(*unit.resources, unit.exports) for unit in by_identity.values()]
    values = given((item for items in consumed for item in items), parameters or {})
    built: dict[Identity, Component] = {}
    # What a unit needs may be in another shard, and so in another stack.
    needs = {
        identity: [each for each in unit.needs if each in by_identity]
        for identity, unit in by_identity.items()
    }
    for identity in TopologicalSorter(needs).static_order():
        unit = by_identity[identity]
        options = pulumi.ResourceOptions(
            depends_on=[built[each] for each in needs[identity]], providers=providers.of(unit)
        )
        merged = pulumi.ResourceOptions.merge(opts, options)
        built[identity] = COMPONENTS[unit.component].of(unit, values, merged)
    return built


class _Providers:
    """One explicit provider for each target and package, made when the first unit needs it."""

    def __init__(self, opts: pulumi.ResourceOptions | None) -> None:
        self._opts = opts or pulumi.ResourceOptions()
        self._made: dict[tuple[PlacedTarget, str], pulumi.ProviderResource] = {}

    @property
    def _given(self) -> bool:
        return bool(self._opts.provider or self._opts.providers or self._opts.parent)

    def missing(self, units: Iterable[Unit]) -> Iterator[Diagnostic]:
        """Yield an error for each unit whose objects would go to a cluster by accident."""
        config = pulumi.Config("kubernetes")
        if self._given or config.get("context") or config.get("kubeconfig"):
            return
        for unit in units:
            if "kubernetes" in _packages(unit) and not unit.target.kubernetes_context:
                message = f"{unit.description}: no Kubernetes context is given for {unit.target}."
                yield rules.NO_KUBERNETES_CONTEXT.at(unit.resources[0].origin, message)

    def of(self, unit: Unit) -> list[pulumi.ProviderResource]:
        """Return the providers of a unit's target; none where other providers are meant."""
        if not unit.target.name or self._opts.provider or self._opts.providers:
            return []
        every = (self._provider(unit.target, package) for package in sorted(_packages(unit)))
        return [provider for provider in every if provider]

    def _provider(self, target: PlacedTarget, package: str) -> pulumi.ProviderResource | None:
        key = (target, package)
        if key not in self._made:
            opts = pulumi.ResourceOptions(parent=self._opts.parent)
            if package == "aws":
                import pulumi_aws as aws  # noqa: PLC0415 - imported where it is used

                accounts = [target.account] if target.account else None
                self._made[key] = aws.Provider(
                    target.name, region=target.region, allowed_account_ids=accounts, opts=opts
                )
            elif target.kubernetes_context:
                import pulumi_kubernetes as kubernetes  # noqa: PLC0415

                self._made[key] = kubernetes.Provider(
                    target.name, context=target.kubernetes_context, opts=opts
                )
        return self._made.get(key)


def _packages(unit: Unit) -> set[str]:
    """Return the provider packages that a unit's resources, and the facts in them, come from."""
    facts = (token for each in unit.resources for token in tokens(content(each)))
    return {
        *("kubernetes" if isinstance(each, KubernetesObject) else "aws" for each in unit.resources),
        *("aws" for token in facts if isinstance(token, Pseudo)),
    }


def _equal_names(units: Iterable[Unit]) -> Iterator[Diagnostic]:
    """Yield an error for two resources of one URN, of which an engine would keep one."""
    seen: dict[tuple[str, str], Unit] = {}
    for unit in units:
        component = unit.name(PULUMI)
        for name in (component, *(f"{component}-{each.key}" for each in unit.resources)):
            other = seen.setdefault((unit.component, name), unit)
            if other is not unit:
                what = f"{unit.identity} and {other.identity} would both have a resource `{name}`."
                yield rules.NAMES_MEET.at(unit.resources[0].origin, what)


def build_stack() -> None:
    """Build the jobs that the stack's configuration names, and export their outputs.

    The configuration is described in Pulumi.yaml.

    Raises:
        RunError: a job or the configuration has an error; nothing was registered then.
    """
    # Thousands of resources are mostly time of the garbage collector: this halves it.
    gc.set_threshold(50_000, 20, 50)
    try:
        _build_stack(pulumi.Config())
    except (DiagnosticError, ValueError) as error:
        raise pulumi.RunError(str(error)) from error


def _build_stack(config: pulumi.Config) -> None:
    shard = config.get("shard")
    selection = Selection(
        environment=config.get("environment") or pulumi.get_stack(),
        tenant=config.get("tenant") or None,
        shard=parse_shard(shard) if shard else None,
    )
    variables = _variables(config.get("env-file"))
    paths = [rooted(path) for path in config.require_object("jobs")]
    loaded = load(paths, {**os.environ, **variables})
    jobs, left = selection.jobs(loaded.jobs)
    project_file = config.get("project")
    project, found = load_project(
        rooted(project_file) if project_file else None,
        near=[job.source.file for job in loaded.jobs] or paths,
    )
    planned = plan(jobs, project, provider=config.get("provider") or None)
    report([*loaded.diagnostics, *found, *planned.diagnostics])
    built = build_units(selection.units(planned, TOOL), parameters=variables)
    _tell(planned, left, built)
    for job in planned.jobs:
        if outputs := _outputs(job, planned, built, variables):
            pulumi.export(str(job.job.identity), outputs)


def _variables(env_file: str | None) -> dict[str, str]:
    if not env_file:
        return {}
    variables, diagnostics = read_env_file(Path(rooted(env_file)))
    raise_errors(diagnostics)
    return variables


def _tell(planned: Plan, left: Iterable[Job], built: Mapping[Identity, Component]) -> None:
    """Log which jobs were not built here, and why."""
    others: dict[str, list[str]] = {}
    for job in planned.jobs:
        if job.owner != TOOL:
            why = "owned by no tool" if job.owner == "manual" else f"left to {job.owner}"
            others.setdefault(why, []).append(str(job.job.identity))
        elif job.unit is not None and job.unit not in built:
            others.setdefault("in another shard", []).append(str(job.job.identity))
    if unreached := [str(job.identity) for job in left]:
        others["not selected"] = unreached
    for why, jobs in sorted(others.items()):
        pulumi.log.info(f"{len(jobs)} {why}: {', '.join(sorted(jobs))}")


def _outputs(
    job: JobPlan, planned: Plan, built: Mapping[Identity, Component], variables: Mapping[str, str]
) -> dict[str, Any]:
    """Return what is known of a job's infrastructure, by common names and by the job's own."""
    outputs = {name: text for name, text in job.outputs.items() if text is not None}
    if job.unit is not None:
        if job.unit not in built:
            return {}
        every = {**planned.unit(job.unit).exports, **outputs}
        return {name: built[job.unit].resolve(text) for name, text in every.items()}
    known = {
        name: lookup(text, variables) if isinstance(text, Parameter) else text
        for name, text in outputs.items()
    }
    return {name: text for name, text in known.items() if text is not None and is_known(text)}
