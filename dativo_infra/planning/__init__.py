"""From all jobs together to units of resources: pure, and equal for equal input.

`plan` reads top to bottom as the steps it takes; each step is a module beside this one.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dativo_infra.diagnostics import Diagnostic, has_errors, in_order, rules
from dativo_infra.model import Job, Source, fields
from dativo_infra.planning import checks, meetings, support, tags
from dativo_infra.planning.report import FieldUse, Reference
from dativo_infra.planning.result import JobPlan, Plan, Unit, UnitKind
from dativo_infra.planning.selection import Selection, parse_shard, places
from dativo_infra.planning.shared import Wish, shared_units
from dativo_infra.platforms import PLATFORMS, terraform
from dativo_infra.platforms.base import (
    Built,
    Context,
    Platform,
    Shared,
    Starts,
    former_identities,
)
from dativo_infra.platforms.clouds import Understood, understood
from dativo_infra.project import LoadedProject, PlacedTarget, Project

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dativo_infra.names import Identity
    from dativo_infra.platforms.terraform import Modules, State

__all__ = [
    "FieldUse",
    "JobPlan",
    "Plan",
    "Reference",
    "Selection",
    "Unit",
    "UnitKind",
    "contested",
    "parse_shard",
    "places",
    "plan",
]

_NOT_COMPARED = ("former_names", "outputs")
"""Fields in which jobs that share one infrastructure may differ."""


@dataclass(slots=True)
class _Draft:
    """One job on its way through planning."""

    job: Job
    owner: str
    platform: Platform | None
    target: PlacedTarget
    understood: Understood
    diagnostics: list[Diagnostic] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)

    @property
    def has_tool(self) -> bool:
        """Whether a tool of this version is to build the job, on whatever platform."""
        return self.owner in support.TOOLS

    @property
    def is_built(self) -> bool:
        """Whether a tool of this version builds the job on its platform."""
        return bool(self.has_tool and self.platform and self.platform.build)


def plan(
    jobs: Iterable[Job],
    project: LoadedProject | None = None,
    *,
    provider: str | None = None,
    allow_unresolved: bool = False,
    modules: Modules | None = None,
) -> Plan:
    """Plan all jobs together.

    `provider` overrides which tool owns the jobs; `manifests`, which no job can name, takes those
    that run in Kubernetes and leaves the others to who owns them. With `allow_unresolved` a field
    that must be known now and is not gives a note instead of an error. `modules` are the Terraform
    modules that were read; one that is not among them is given what is documented. Never raises
    for what jobs say: what is wrong is in the plan's diagnostics, and `Plan.failed` tells whether
    something may be built.

    Raises:
        ValueError: `provider` is no tool; the jobs would silently belong to nobody.
    """
    tools = dict.fromkeys((*support.PROVIDERS, *support.TOOLS))
    if provider is not None and provider not in tools:
        known = ", ".join(tools)
        raise ValueError(f"`{provider}` is no provider; there are {known}")
    loaded = project or LoadedProject(Project(), Source(""))
    with_block = (job for job in jobs if job.document.infrastructure is not None)
    in_order_of_identity = sorted(
        with_block, key=lambda job: (job.identity, job.source.file, job.source.text)
    )
    drafts = [_draft(job, loaded, provider, modules or {}) for job in in_order_of_identity]
    diagnostics: list[Diagnostic] = []
    tags.check_project(loaded, diagnostics.append)
    for draft in drafts:
        _check(draft, loaded, allow_unresolved=allow_unresolved)
    groups = list(_groups(drafts, diagnostics))
    units: list[Unit] = []
    wishes: list[Wish] = []
    built: dict[Identity, Built] = {}
    needs: dict[Identity, tuple[Identity, ...]] = {}
    starting: list[tuple[Job, Starts]] = []
    for group in groups:
        first = group[0]
        if not (first.is_built and first.platform):
            continue
        report = first.diagnostics.append
        nothing = first.platform.only_refers and first.platform.only_refers(first.job)
        has_state = first.owner == "terraform" and not nothing
        state = checks.state(first.job, report) if has_state else None
        sound = not any(has_errors(draft.diagnostics) for draft in group)
        context = _context(group, loaded.project, allow_unresolved=allow_unresolved)
        first.platform.check_built(context)
        if sound:
            made = _build(first, context)
            wanted = [_wish(draft, shared, context) for draft in group for shared in made.shared]
            wishes += wanted
            identity = first.job.identity
            built[identity] = made
            needs[identity] = tuple(dict.fromkeys(wish.identity for wish in wanted))
            if made.starts:
                starting.append((first.job, made.starts))
            if made.resources:
                units.append(_unit(first, context, made, needs[identity], state))
    units = [*shared_units(wishes, diagnostics.append), *units]
    # What jobs share is refused with the jobs themselves.
    own = (unit for unit in units if unit.kind is UnitKind.JOB)
    diagnostics.extend(each for unit in own for each in support.refusals(unit, unit.owner))
    diagnostics.extend(meetings.find(units))
    diagnostics.extend(meetings.starters(starting))
    diagnostics.extend(meetings.clusters(draft.job for draft in drafts))
    diagnostics.extend(each for draft in drafts for each in draft.diagnostics)
    return Plan(
        units=tuple(units),
        jobs=tuple(
            _job_plan(draft, built.get(draft.job.identity), needs.get(draft.job.identity, ()))
            for draft in drafts
        ),
        diagnostics=in_order(each for each in diagnostics if not loaded.project.silences(each)),
        project=loaded.project.name,
    )


def contested(
    planned: Plan,
    others: Iterable[Job],
    project: LoadedProject | None = None,
    *,
    provider: str | None = None,
) -> Iterator[Diagnostic]:
    """Yield an error for each shared thing that jobs left out of a plan name too.

    Two runs would each own it, and each delete it under the other. Only a target with a name is
    one and the same place in both.
    """
    shared = [unit for unit in planned.units if unit.kind is UnitKind.SHARED and unit.target.name]
    if not shared:
        return
    elsewhere = {unit.identity: unit for unit in plan(others, project, provider=provider).units}
    for unit in shared:
        if other := elsewhere.get(unit.identity):
            outside = ", ".join(map(str, other.jobs))
            yield rules.CONTESTED.at(
                unit.resources[0].origin,
                f"The {unit.description} is also named by jobs that are not selected: {outside}.",
            )


def _draft(job: Job, loaded: LoadedProject, provider: str | None, modules: Modules) -> _Draft:
    path = Path(loaded.here, job.source.file)
    root = Path(loaded.here, loaded.source.file).parent
    below = os.path.relpath(path, root) if loaded.source.file else job.source.file
    name = job.get("runtime.platform")
    platform = PLATFORMS[name] if name else None
    target = loaded.project.target_of(job, below.replace(os.sep, "/"))
    chosen = provider if provider and support.takes(provider, job, platform) else None
    owner = chosen or job.get("provider") or "manual"
    cloud = understood(job, target, platform)
    if owner == "terraform" and job.get("terraform.module_source"):
        platform = terraform.module_of(job, cloud.cloud, platform, modules)
    return _Draft(job=job, owner=owner, platform=platform, target=target, understood=cloud)


def _check(draft: _Draft, loaded: LoadedProject, *, allow_unresolved: bool) -> None:
    """Report everything that is wrong with one job by itself."""
    project = loaded.project
    job, platform, add = draft.job, draft.platform, draft.diagnostics.append
    checks.unresolved(job, add, allowed=allow_unresolved)
    checks.counts(job, add)
    checks.ports(job, add)
    checks.labels(job, add)
    checks.owners(job, draft.owner, add)
    if draft.owner != "manual":
        tags.check(job, project, add, tags.limits_of(platform, draft.understood.cloud))
    if platform is None:
        if draft.has_tool and not job.lacks("runtime.platform"):
            add(rules.NO_PLATFORM.at(job.locate("runtime.platform")))
        return
    context = _context([draft], project, allow_unresolved=allow_unresolved)
    checks.cloud(context, platform, loaded.source)
    checks.accounts(context)
    if draft.has_tool and platform.build is None:
        add(
            rules.NOT_BUILT_YET.at(
                job.locate("runtime.platform"),
                f"This version reads and checks {platform.name}, but builds nothing for it.",
            )
        )
    platform.check(context)
    if draft.is_built:
        draft.settings = checks.settings(
            job, platform, project.edition, add, allow_unresolved=allow_unresolved
        )
        checks.needs(job, platform, add)
        draft.outputs = checks.outputs(job, platform, add)


def _groups(drafts: list[_Draft], diagnostics: list[Diagnostic]) -> Iterator[list[_Draft]]:
    """Yield the jobs that share one identity; report those that do so without meaning it."""
    groups: dict[Identity, list[_Draft]] = {}
    for draft in drafts:
        groups.setdefault(draft.job.identity, []).append(draft)
    for identity, group in groups.items():
        first = group[0].job
        for other in group[1:]:
            job = other.job
            if first.block.name and job.block.name:
                _compare(group[0], other, diagnostics)
                continue
            diagnostics.append(
                rules.SAME_IDENTITY.at(
                    job.source.locate(),
                    f"{job.source.file} and {first.source.file} are both {identity}.",
                    related=[(first.source.locate(), "the other job")],
                )
            )
        yield group


def _compare(first: _Draft, other: _Draft, diagnostics: list[Diagnostic]) -> None:
    one, two = first.job, other.job
    # A module's cluster is its output: one of the jobs may know it already.
    made = first.platform and first.platform.calls_module
    ignored = (*_NOT_COMPARED, *(("runtime.compute.cluster_id",) if made else ()))
    diagnostics.extend(
        rules.UNIT_DISAGREES.at(
            two.locate(path),
            f"`{path}` differs between {two.source.file} and {one.source.file}, which share the "
            f"infrastructure `{one.block.name}`.",
            related=[(one.locate(path), "the other job")],
        )
        for path in fields()
        if path not in ignored and one.get(path) != two.get(path)
    )
    if first.target != other.target:
        diagnostics.append(
            rules.UNIT_DISAGREES.at(
                two.locate("name"),
                f"The jobs that share `{one.block.name}` have two targets: {first.target} and "
                f"{other.target}.",
                related=[(one.locate("name"), "the other job")],
            )
        )


def _context(group: list[_Draft], project: Project, *, allow_unresolved: bool) -> Context:
    draft = group[0]
    all_tags = tags.resolve(draft.job, project)
    _, _, job_key = project.identity_keys()
    return Context(
        job=draft.job,
        jobs=tuple(each.job for each in group),
        target=draft.target,
        understood=draft.understood,
        tags=all_tags,
        shared_tags={key: value for key, value in all_tags.items() if key != job_key},
        settings=draft.settings,
        report=draft.diagnostics.append,
        allow_unresolved=allow_unresolved,
    )


def _build(draft: _Draft, context: Context) -> Built:
    assert draft.platform is not None  # noqa: S101 - is_built says so
    assert draft.platform.build is not None  # noqa: S101 - is_built says so
    return draft.platform.build(context)


def _wish(draft: _Draft, shared: Shared, context: Context) -> Wish:
    assert draft.platform is not None  # noqa: S101 - is_built says so
    return Wish(
        shared=shared,
        job=draft.job,
        platform=draft.platform,
        owner=draft.owner,
        target=draft.target,
        tags=context.shared_tags,
    )


def _unit(
    draft: _Draft,
    context: Context,
    built: Built,
    needs: tuple[Identity, ...],
    state: State | None,
) -> Unit:
    assert draft.platform is not None  # noqa: S101 - is_built says so
    return Unit(
        identity=context.identity,
        kind=UnitKind.JOB,
        component=draft.platform.component,
        owner=draft.owner,
        target=draft.target,
        jobs=(context.identity,),
        former=former_identities(context.jobs),
        needs=needs,
        resources=built.resources,
        exports=built.exports,
        tags=context.tags,
        description=f"{draft.platform.description} of {context.identity}",
        state=state,
    )


def _job_plan(draft: _Draft, built: Built | None, shared: tuple[Identity, ...]) -> JobPlan:
    reason = _why_not_built(draft)
    return JobPlan(
        job=draft.job,
        owner=draft.owner,
        platform=draft.platform,
        understood=draft.understood,
        unit=draft.job.identity if built and built.resources else None,
        shared=shared,
        why_not_built=reason,
        exports=built.exports if built else {},
        expected=draft.outputs,
        notes=(reason,) if reason else built.notes if built else (),
    )


def _why_not_built(draft: _Draft) -> str:
    if draft.is_built:
        return ""
    if draft.owner == "manual":
        return "no tool owns this job's infrastructure, so nothing is built"
    if not draft.has_tool:
        return f"left to {draft.owner}"
    if draft.platform is None:
        return "the job names no platform"
    return f"this version builds nothing for {draft.platform.name}"
