"""Units that get into each other's way: by a name, a Kubernetes object, or jobs that both start."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dativo_infra.diagnostics import Diagnostic, Location, rules
from dativo_infra.names import PULUMI, STACK, Identity
from dativo_infra.platforms.runner import RUNNER_CONFIG
from dativo_infra.resources.kubernetes import KubernetesObject

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dativo_infra.model import Job
    from dativo_infra.planning.result import Unit
    from dativo_infra.platforms.base import Starts


def find(units: Iterable[Unit]) -> Iterator[Diagnostic]:
    """Yield an error for each pair of units that would own one thing."""
    units = tuple(units)
    yield from _names(units)
    yield from _former_names(units)
    yield from _objects(units)
    yield from _states(units)


def clusters(jobs: Iterable[Job]) -> Iterator[Diagnostic]:
    """Yield jobs whose cluster came from a variable that said the same to another tenant's job."""
    path = "runtime.compute.cluster_id"
    seen: dict[str, Job] = {}
    for job in jobs:
        cluster = job.get(path)
        place = job.locate(path)
        if not isinstance(cluster, str) or "${" not in place.text:
            continue
        other = seen.setdefault(cluster, job)
        if other.tenant != job.tenant:
            yield rules.CLUSTER_OF_ANOTHER.at(
                place,
                f"The variable gives {job.tenant} the cluster {cluster}, as it gives "
                f"{other.tenant}.",
                related=[(other.locate(path), "the other tenant's job")],
            )


def starters(jobs: Iterable[tuple[Job, Starts]]) -> Iterator[Diagnostic]:
    """Yield jobs whose tenant's jobs something else starts as well, in the same environment.

    `jobs` are those that start something, each with what it starts by.
    """
    jobs = tuple(jobs)
    runners: dict[tuple[str, str], Job] = {}
    configs: dict[tuple[str, str, Any], Job] = {}
    for job, starts in jobs:
        if starts == "runner":
            place = (job.tenant, job.environment)
            runners.setdefault(place, job)
            config = job.variables.get("runner_config") or RUNNER_CONFIG
            other = configs.setdefault((*place, config), job)
            if other is not job:
                what = f"{job.identity} and {other.identity} each have a runner."
                yield _starter(job, other, rules.TWO_RUNNERS, what)
    for job, starts in jobs:
        other = runners.get((job.tenant, job.environment))
        if starts == "schedule" and other:
            what = f"{job.identity} has a schedule, and {other.identity} a runner."
            yield _starter(job, other, rules.TWO_STARTERS, what)


def _starter(job: Job, other: Job, rule: rules.Rule, what: str) -> Diagnostic:
    place = "metadata.variables.run"
    return rule.at(job.locate(place), what, related=[(other.locate(place), "the runner")])


def _names(units: Iterable[Unit]) -> Iterator[Diagnostic]:
    for grammar in (STACK, PULUMI):
        seen: dict[tuple[str, str], Unit] = {}
        for unit in units:
            name = unit.name(grammar)
            other = seen.setdefault((unit.owner, name.casefold()), unit)
            if other is not unit:
                yield _meeting(unit, other, f"the {grammar.what} `{name}`")


def _former_names(units: Iterable[Unit]) -> Iterator[Diagnostic]:
    """Yield units of which one was called what another is, or was, called."""
    units = tuple(units)
    seen: dict[Identity, Unit] = {unit.identity: unit for unit in units}
    for unit in units:
        for former in unit.former:
            other = seen.setdefault(former, unit)
            if other is not unit:
                yield _meeting(unit, other, f"what was built as {former}")


def _objects(units: Iterable[Unit]) -> Iterator[Diagnostic]:
    """Yield units that hold one Kubernetes object of one cluster."""
    seen: dict[object, Unit] = {}
    for unit in units:
        place = replace(unit.target, name="")
        for each in unit.resources:
            if isinstance(each, KubernetesObject):
                name = (place, each.api_version, each.kind, each.namespace, each.name)
                other = seen.setdefault(name, unit)
                if other is not unit:
                    yield _meeting(unit, other, f"the {each.kind} `{each.name}`")


def _meeting(unit: Unit, other: Unit, thing: str) -> Diagnostic:
    return rules.NAMES_MEET.at(
        _place(unit),
        f"{unit.identity} and {other.identity} would both have {thing}.",
        related=[(place, "the other one")] if (place := _place(other)) else [],
    )


def _place(unit: Unit) -> Location | None:
    return unit.resources[0].origin if unit.resources else None


def _states(units: Iterable[Unit]) -> Iterator[Diagnostic]:
    """Yield units whose states are one object: each run would destroy what the other built."""
    seen: dict[str, Unit] = {}
    for unit in units:
        if unit.state is None or unit.state.object is None:
            continue
        other = seen.setdefault(unit.state.object, unit)
        if other is not unit:
            yield rules.SHARED_STATE.at(
                _place(unit),
                f"{unit.identity} has its state where {other.identity} has: {unit.state.object}.",
                related=[(place, "the other one")] if (place := _place(other)) else [],
            )
