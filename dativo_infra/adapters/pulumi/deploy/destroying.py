"""`destroy`: units deleted from a stack, after a look at what each of them holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dativo_infra.adapters.pulumi.deploy.deploying import PARALLEL
from dativo_infra.adapters.pulumi.deploy.engine import refused
from dativo_infra.adapters.pulumi.deploy.program import Program
from dativo_infra.adapters.pulumi.deploy.told import Told
from dativo_infra.adapters.pulumi.deploy.urns import name_of
from dativo_infra.adapters.results import (
    Action,
    DestroyResult,
    Doomed,
    Held,
    InterruptedRunError,
    all_selected,
    kept,
    nobody,
    place_of,
)
from dativo_infra.diagnostics import DiagnosticError
from dativo_infra.diagnostics.rules import DESTROY_FAILED
from dativo_infra.planning.selection import Selection

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from dativo_infra.adapters.pulumi.deploy.engine import Stack
    from dativo_infra.adapters.pulumi.deploy.state import Built, Resource
    from dativo_infra.adapters.results import OnDestroyed, OnEvent
    from dativo_infra.planning.result import Unit


def doomed(units: Iterable[Unit], *, stack: Stack) -> list[Doomed]:
    """Return what the stack has of units, with what each holds.

    What is protected is kept; so is what something else needs: a unit that stays, or a job that is
    not among those of the units.

    Raises:
        DiagnosticError: the stack cannot be asked.
    """
    units = list(units)
    there = ((unit, built) for unit in units for built in stack.state.of_unit(unit))
    found = [_doomed(built, stack, unit) for unit, built in there]
    going = {str(each) for unit in units for each in (*unit.jobs, *unit.former)}
    return kept(found, going)


def orphans(
    units: Iterable[Unit],
    *,
    stack: Stack,
    selection: Selection = Selection(),  # noqa: B008 - it cannot be changed
    existing: Collection[str] = (),
) -> list[Doomed]:
    """Return what the stack has that none of the units is, or was.

    Args:
        units: All units of all jobs that the stack is for, in the selection.
        stack: Where to look.
        selection: The tenant and environment of which all jobs of a unit must be.
        existing: The identities of all jobs of the project, whoever owns them now: what is one of
            theirs is kept.

    Raises:
        DiagnosticError: the stack cannot be asked.
    """
    others = stack.state.others(units)
    found = [_doomed(built, stack) for built in others if all_selected(built.jobs, selection)]
    return kept(found, {job for each in found for job in each.jobs}, existing=existing)


def destroy(
    found: Iterable[Doomed],
    *,
    stack: Stack,
    on_event: OnEvent = nobody,
    on_result: OnDestroyed = nobody,
    parallel: int = PARALLEL,
) -> list[DestroyResult]:
    """Delete units from a stack; what needs others goes before those. What is to be kept stays.

    Args:
        found: What `doomed` or `orphans` found.
        stack: Where they are.
        on_event: Called with each event of a resource.
        on_result: Called with the result of each unit when all are done.
        parallel: How many resources are worked on at once.

    Returns:
        What became of each, in the order given.

    Raises:
        DiagnosticError: the stack cannot be worked on.
        InterruptedRunError: Ctrl-C; it carries the results.
    """
    found = list(found)
    going = {each.id for each in found if not each.keep}
    targets = [urn for unit in stack.state.units if unit.urn in going for urn in unit.urns]
    # Everything: then what the units had in common, such as providers, goes as well.
    every = not stack.state.foreign and going == {unit.urn for unit in stack.state.units}
    told = Told(stack=stack.name, program=Program(), on_event=on_event)
    if targets:
        stack.run("destroy", told, target=None if every else targets, parallel=parallel)
    left = {unit.urn for unit in stack.state.units}
    results = [_result(each, told, left) for each in found]
    if told.error and not any(each.action.unfinished for each in results):
        raise DiagnosticError([refused(stack.name, told.error)])
    for each in results:
        on_result(each)
    if told.interrupted:
        raise InterruptedRunError(results)
    return results


def _doomed(built: Built, stack: Stack, unit: Unit | None = None) -> Doomed:
    resources = built.resources
    # Settings of a bucket are resources too, with the bucket's id.
    staying = {each.id: each for each in reversed(resources) if each.retained}
    return Doomed(
        stack=f"{stack.name}:{name_of(built.urn)}",
        id=built.urn,
        identity=built.identity,
        jobs=built.jobs,
        needs=built.needs,
        protected=any(each.protected for each in resources),
        goes=tuple(_held(each) for each in resources if not each.retained),
        stays=tuple(_held(each) for each in staying.values()),
        unit=unit,
    )


def _held(resource: Resource) -> Held:
    return Held(logical_id=resource.name, type=resource.type, id=resource.id)


def _result(each: Doomed, told: Told, left: set[str]) -> DestroyResult:
    if each.keep:
        return DestroyResult(doomed=each, action=Action.KEPT, reason=each.keep)
    if each.id not in left:
        return DestroyResult(doomed=each, action=Action.DELETED)
    if told.interrupted:
        return DestroyResult(doomed=each, action=Action.SKIPPED, reason="interrupted")
    names = {one.logical_id for one in each.goes}
    place = place_of(each.unit) if each.unit else None
    problems = tuple(
        DESTROY_FAILED.at(place, message)
        for urn, message in told.messages()
        if name_of(urn) in names
    ) or (DESTROY_FAILED.at(place, f"{each.identity} of the stack {each.stack}: {told.error}"),)
    return DestroyResult(doomed=each, action=Action.FAILED, diagnostics=problems)
