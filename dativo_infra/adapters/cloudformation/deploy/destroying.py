"""`destroy`: stacks deleted, after a look at what each of them holds."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Event as Flag
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from dativo_infra.adapters.cloudformation.deploy.connection import explained
from dativo_infra.adapters.cloudformation.deploy.deployed import said_in, template_of
from dativo_infra.adapters.cloudformation.deploy.states import busy
from dativo_infra.adapters.cloudformation.deploy.watch import (
    NOT_CREATED,
    StoppedError,
    Watch,
    first_failures,
    is_ours,
)
from dativo_infra.adapters.cloudformation.values import logical_id
from dativo_infra.adapters.pool import CONCURRENCY, Task, one_at_a_time, run
from dativo_infra.adapters.results import (
    Action,
    DestroyResult,
    Doomed,
    Event,
    Held,
    OnDestroyed,
    OnEvent,
    kept,
    nobody,
    place_of,
)
from dativo_infra.diagnostics.rules import DESTROY_FAILED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dativo_infra.adapters.cloudformation.deploy.connection import Clients
    from dativo_infra.diagnostics import Diagnostic, Location
    from dativo_infra.planning.result import Unit
    from dativo_infra.project import PlacedTarget


@dataclass(frozen=True, slots=True, kw_only=True)
class DoomedStack(Doomed):
    """A stack that exists and may be deleted, where it is and how it stands."""

    target: PlacedTarget
    status: str = ""


@explained()
def doomed(
    units: Iterable[Unit],
    *,
    clients: Clients,
    concurrency: int = CONCURRENCY,
    project: str | None = None,
) -> list[DoomedStack]:
    """Return the stacks of units, of those that are deployed, with what each holds.

    A protected stack is kept; so is one that something else needs: a stack that stays, or a job
    that is not among those of the units.

    Args:
        units: What is to be destroyed.
        clients: Gives the client for a unit's target.
        concurrency: How many stacks are looked at at once.
        project: The project's name; a stack of another one is kept.

    Raises:
        DiagnosticError: CloudFormation cannot be asked.
        InterruptedRunError: Ctrl-C.

    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_GetTemplate.html
    """
    stop = Flag()

    def task(unit: Unit) -> Task[list[DoomedStack]]:
        def work() -> list[DoomedStack]:
            watch = Watch(client=clients(unit.target), stop=stop)
            # Only one: what a unit was called once may be another's name now.
            name, described = watch.find(unit)
            if not described:
                return []
            never = described["StackStatus"] in NOT_CREATED
            document = {} if never else template_of(watch, name)
            return [held_by(watch, described, document, unit.target, unit=unit)]

        return Task(key=unit.identity, work=work, skip=lambda _: [])

    units = [unit for unit in units if unit.resources]
    found = run(
        [task(unit) for unit in units],
        failed=lambda _: False,
        stop=stop,
        concurrency=concurrency,
    )
    going = {str(each) for unit in units for each in (*unit.jobs, *unit.former)}
    return kept([each for stacks in found for each in stacks], going, project)


def held_by(
    watch: Watch,
    described: Mapping[str, Any],
    document: Mapping[str, Any],
    target: PlacedTarget,
    unit: Unit | None = None,
) -> DoomedStack:
    """Return what a stack holds, as its deployed template and its resources say.

    Raises:
        BotoCoreError, ClientError: CloudFormation cannot be asked.
    """
    name = described["StackName"]
    status: str = described["StackStatus"]
    stays: list[Held] = []
    goes: list[Held] = []
    pages = watch.client.get_paginator("list_stack_resources").paginate(StackName=name)
    for page in pages:
        for each in page["StackResourceSummaries"]:
            if each["ResourceStatus"] == "DELETE_COMPLETE":
                continue
            entry = document.get("Resources", {}).get(each["LogicalResourceId"], {})
            policy = entry.get("DeletionPolicy", "")
            (stays if policy.startswith("Retain") else goes).append(
                Held(
                    logical_id=each["LogicalResourceId"],
                    type=each["ResourceType"],
                    id=each.get("PhysicalResourceId", ""),
                )
            )
    ours = said_in(document)
    return DoomedStack(
        stack=name,
        id=described["StackId"],
        target=target,
        identity=ours.get("identity", str(unit.identity) if unit else ""),
        jobs=tuple(ours.get("jobs", map(str, unit.jobs) if unit else ())),
        needs=tuple(ours.get("needs", map(str, unit.needs) if unit else ())),
        project=ours.get("project", ""),
        ours=status in NOT_CREATED or is_ours(described),
        status=status,
        protected=described.get("EnableTerminationProtection", False),
        goes=tuple(goes),
        stays=tuple(stays),
        unit=unit,
    )


def destroy(
    stacks: Iterable[DoomedStack],
    *,
    clients: Clients,
    on_event: OnEvent = nobody,
    on_result: OnDestroyed = nobody,
    concurrency: int = CONCURRENCY,
) -> list[DestroyResult]:
    """Delete stacks and wait for it; what is deployed on others goes before those.

    A stack that is to be kept stays. Where one cannot be deleted the others go on, but for those
    that it needs.

    Args:
        stacks: What `doomed` or `orphans` found.
        clients: Gives the client for a stack's target.
        on_event: Called with each event of each stack while waiting, one call at a time.
        on_result: Called with the result of each stack when it is done, one call at a time.
        concurrency: How many stacks are worked on at once.

    Returns:
        What became of each, in the order given.

    Raises:
        InterruptedRunError: Ctrl-C; it carries the results. What CloudFormation has begun goes on.

    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeleteStack.html
    """
    stacks = list(stacks)
    stop = Flag()
    tell, report = one_at_a_time(on_event), one_at_a_time(on_result)
    users: dict[str, set[str]] = {}
    for each in stacks:
        for need in each.needs:
            users.setdefault(need, set()).add(each.id)

    def task(each: DoomedStack) -> Task[DestroyResult]:
        def work() -> DestroyResult:
            try:
                watch = Watch(client=clients(each.target), on_event=tell, stop=stop)
                result = _delete(each, watch)
            except (BotoCoreError, ClientError) as error:
                result = _failed(each, _problem(each, str(error)))
            report(result)
            return result

        def skip(reason: str) -> DestroyResult:
            result = DestroyResult(doomed=each, action=Action.SKIPPED, reason=reason)
            report(result)
            return result

        needs = frozenset(users.get(each.identity, set()) - {each.id})
        return Task(key=each.id, needs=needs, work=work, skip=skip)

    return run(
        [task(each) for each in stacks],
        failed=lambda result: result.action is not Action.DELETED,
        stop=stop,
        concurrency=concurrency,
    )


def _delete(each: DoomedStack, watch: Watch) -> DestroyResult:
    if each.keep:
        return DestroyResult(doomed=each, action=Action.KEPT, reason=each.keep)
    described = watch.described(each.id)
    status = described.get("StackStatus", "DELETE_COMPLETE")
    if status.endswith("_IN_PROGRESS") and status not in {
        "REVIEW_IN_PROGRESS",
        "DELETE_IN_PROGRESS",
    }:
        return _failed(each, busy(_place(each), each.stack, described))
    if status == "DELETE_COMPLETE":
        return DestroyResult(doomed=each, action=Action.DELETED)
    last = watch.last_event(each.id)
    watch.client.delete_stack(StackName=each.id)
    try:
        after, events = watch.settled(each.stack, each.id, last)
    except StoppedError:
        return DestroyResult(doomed=each, action=Action.LEFT)
    if after["StackStatus"] == "DELETE_COMPLETE":
        return DestroyResult(doomed=each, action=Action.DELETED)
    reason = after.get("StackStatusReason") or after["StackStatus"]
    found = [_failure(each, event) for event in first_failures(events)]
    return _failed(each, *(found or [_problem(each, reason)]))


def _failed(each: DoomedStack, *diagnostics: Diagnostic) -> DestroyResult:
    return DestroyResult(doomed=each, action=Action.FAILED, diagnostics=diagnostics)


def _failure(each: DoomedStack, event: Event) -> Diagnostic:
    resources = each.unit.resources if each.unit else ()
    resource = next((one for one in resources if logical_id(one.key) == event.logical_id), None)
    place = resource.origin if resource else None
    name = resource.key if resource else event.logical_id
    message = f"`{name}` ({event.type}) of the stack {each.stack}, {event.status}: {event.reason}"
    return DESTROY_FAILED.at(place or _place(each), message)


def _problem(each: DoomedStack, reason: str) -> Diagnostic:
    message = f"The stack {each.stack} could not be deleted: {reason}"
    return DESTROY_FAILED.at(_place(each), message)


def _place(each: DoomedStack) -> Location | None:
    return place_of(each.unit) if each.unit else None
