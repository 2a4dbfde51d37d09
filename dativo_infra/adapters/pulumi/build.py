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
from dativo_infra.adapters.pulumi.providers import Providers
from dativo_infra.adapters.pulumi.values import given, lookup
from dativo_infra.diagnostics import Diagnostic, DiagnosticError, raise_errors
from dativo_infra.loading import Loaded, load, load_project, read_env_file
from dativo_infra.model import Job
from dativo_infra.planning import (
    JobPlan,
    Plan,
    Selection,
    Unit,
    contested,
    parse_shard,
    places,
    plan,
)
from dativo_infra.values import Parameter, is_known

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from dativo_infra.names import Identity
    from dativo_infra.project import LoadedProject

TOOL = "pulumi"


def build(
    jobs: Iterable[str | os.PathLike[str]] | Loaded | Iterable[Job] | Plan,
    *,
    project: LoadedProject | None = None,
    provider: str | None = None,
    parameters: Mapping[str, pulumi.Input[Any]] | None = None,
    opts: pulumi.ResourceOptions | None = None,
) -> dict[str, Component]:
    """Build what Pulumi owns of some jobs; return the components by `tenant/environment/name`.

    Args:
        jobs: paths of job files or folders, from the folder of Pulumi.yaml; or what was loaded,
            with its errors; or jobs alone; or a plan that was made before.
        project: the project of the jobs. Without one the dativo-infra.yaml above them holds, and
            for jobs alone the defaults.
        provider: `pulumi` to build jobs that say another provider, too.
        parameters: values of variables that are known to the program alone.
        opts: options of every component. A provider in them, or of their parent, is used for all
            that its package builds; without one each target of the project gets its own, and jobs
            without a target the default one.

    Raises:
        DiagnosticError: a job has an error, or cannot be read; nothing was registered then.
        TypeError: a plan was given with what it was to be made with, or paths and jobs were mixed.
        ValueError: `provider` is no tool.
    """
    if isinstance(jobs, Plan):
        if project is not None or provider is not None:
            raise TypeError("a plan is made already: give `project` and `provider` to `plan`")
        planned = jobs
        report(planned.diagnostics)
    else:
        loaded, near = _load(jobs)
        found: tuple[Diagnostic, ...] = ()
        if project is None:
            project, found = load_project(near=near)
        # Jobs with an error are planned too, to find what else is wrong; then nothing is built.
        planned = plan([*loaded.jobs, *loaded.faulty], project, provider=provider)
        report([*loaded.diagnostics, *found, *planned.diagnostics], project)
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
        DiagnosticError: a Kubernetes cluster is not named, or parameters have no value.
        ValueError: two have one identity.
    """
    by_identity: dict[Identity, Unit] = {}
    for unit in units:
        if by_identity.setdefault(unit.identity, unit) is not unit:
            raise ValueError(f"two units are {unit.identity}, and one name can be built once only")
    providers = Providers(opts)
    raise_errors(providers.missing(by_identity.values()))
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
        options = providers.options(unit, depends_on=[built[each] for each in needs[identity]])
        built[identity] = COMPONENTS[unit.component].of(unit, values, options)
    return built


def _load(
    jobs: Iterable[str | os.PathLike[str]] | Loaded | Iterable[Job],
) -> tuple[Loaded, list[str]]:
    """Return jobs with all that is wrong, and the places above which their project file is."""
    paths: list[str] = []
    if not isinstance(jobs, Loaded):
        items = [jobs] if isinstance(jobs, str) else list(jobs)
        given = tuple(each for each in items if isinstance(each, Job))
        paths = [rooted(each) for each in items if not isinstance(each, Job)]
        if given and paths:
            raise TypeError("give `build` paths or jobs, not both")
        if not paths:
            return Loaded(jobs=given, diagnostics=()), []
        jobs = load(paths)
    return jobs, jobs.places(paths)


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
    selection = selection_of(config.get, pulumi.get_stack())
    variables = _variables(config.get("env-file"))
    paths = [rooted(path) for path in config.get_object("jobs") or ()]
    if not paths:
        raise ValueError("no jobs are named: pulumi config set --path 'jobs[0]' FOLDER")
    loaded = load(paths, {**os.environ, **variables})
    jobs, left = selection.jobs([*loaded.jobs, *loaded.faulty])
    project_file = config.get("project")
    project, found = load_project(
        rooted(project_file) if project_file else None,
        near=loaded.places(paths),
    )
    provider = config.get("provider") or None
    planned = plan(jobs, project, provider=provider)
    both = contested(planned, left, project, provider=provider)
    report([*loaded.diagnostics, *found, *planned.diagnostics, *both], project)
    if not planned.jobs:
        _refuse_nothing(selection, left)
    built = build_units(selection.units(planned, TOOL), parameters=variables)
    _tell(planned, left, built)
    for job in planned.jobs:
        if outputs := outputs_of(job, built, variables):
            pulumi.export(str(job.job.identity), outputs)


def selection_of(setting: Callable[[str], str | None], stack: str) -> Selection:
    """Return the jobs that a stack is for.

    Args:
        setting: Gives a key of the stack's configuration, or None.
        stack: The stack's name.

    Raises:
        ValueError: the shard is none.
    """
    shard = setting("shard")
    return Selection(
        environment=setting("environment") or stack,
        tenant=setting("tenant") or None,
        shard=parse_shard(shard) if shard else None,
    )


def _refuse_nothing(selection: Selection, left: Iterable[Job]) -> None:
    """Refuse a selection that no job matches: it would delete all that the stack has built.

    Raises:
        ValueError: there are jobs to be built, and none is selected.
    """
    jobs = [job for job in left if job.document.infrastructure is not None]
    if jobs:
        wanted = [f"environment `{selection.environment}`"]
        wanted += [f"tenant `{selection.tenant}`"] if selection.tenant else []
        raise ValueError(
            f"no job has {' and '.join(wanted)}; there are (tenant/environment): {places(jobs)}. "
            "Nothing was changed. Set the stack's `environment` and `tenant` with `pulumi config "
            "set`, or remove what it has built with `pulumi destroy`."
        )


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


def outputs_of(
    job: JobPlan, built: Mapping[Identity, Component], variables: Mapping[str, str]
) -> dict[str, Any]:
    """Return what is known of a job's infrastructure, by common names and by the job's own."""
    every = {**job.exports, **job.outputs}
    outputs = {name: text for name, text in every.items() if text is not None}
    if job.unit is not None:
        if job.unit not in built:
            return {}
        return {name: built[job.unit].resolve(text) for name, text in outputs.items()}
    known = {
        name: lookup(text, variables) if isinstance(text, Parameter) else text
        for name, text in outputs.items()
    }
    return {name: text for name, text in known.items() if text is not None and is_known(text)}
