"""States in which a stack takes no change, explained.

Sources: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html and
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from dativo_infra.adapters.cloudformation.deploy.watch import NOT_CREATED, first_failures, is_ours
from dativo_infra.adapters.results import Event, place_of
from dativo_infra.diagnostics.rules import (
    CREATION_FAILED,
    DEPLOY_FAILED,
    FOREIGN_STACK,
    STACK_BROKEN,
    STACK_BUSY,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dativo_infra.adapters.cloudformation.deploy.watch import Watch
    from dativo_infra.diagnostics import Diagnostic, Location
    from dativo_infra.planning.result import Unit
    from dativo_infra.resources import Resource

    Resources: TypeAlias = Mapping[str, Resource]
    """A unit's resources by logical id."""

_BROKEN: Mapping[str, tuple[str, str]] = {
    "UPDATE_ROLLBACK_FAILED": (
        "an update of it failed, and so did taking the update back",
        (
            "Correct what the stack's events say, then run `aws cloudformation "
            "continue-update-rollback --stack-name {name}`, and this again."
        ),
    ),
    "ROLLBACK_FAILED": (
        "its creation failed, and so did removing what had been created",
        (
            "Correct what the stack's events say, delete the stack (`dativo-infra destroy`), and "
            "deploy again."
        ),
    ),
    "DELETE_FAILED": (
        "its deletion failed half-way",
        (
            "Correct what the stack's events say and run `dativo-infra destroy`; to leave a "
            "resource behind: `aws cloudformation delete-stack --stack-name {name} "
            "--retain-resources LOGICAL_ID`."
        ),
    ),
}


def obstacles(
    watch: Watch, unit: Unit, name: str, described: Mapping[str, Any], resources: Resources
) -> tuple[Diagnostic, ...]:
    """Return why a stack takes no change as it is; nothing where it takes one."""
    status: str = described.get("StackStatus", "")
    if status not in {"", "ROLLBACK_COMPLETE", *NOT_CREATED} and not is_ours(described):
        message = f"The stack {name} is not one that this tool made."
        return (FOREIGN_STACK.at(place_of(unit), message),)
    if status == "ROLLBACK_COMPLETE":
        events = watch.history(name, described["StackId"])
        message = (
            f"The stack {name} was never created: its creation failed and was rolled back "
            f"({status}). It is empty, and takes no update."
        )
        return (CREATION_FAILED.at(place_of(unit), message), *failures(unit, events, resources))
    if status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS":
        return (busy(place_of(unit), name, described),)
    if status and status in _BROKEN:
        what, remedy = _BROKEN[status]
        message = f"The stack {name} is in {status}: {what}."
        return (STACK_BROKEN.at(place_of(unit), message, remedy=remedy.format(name=name)),)
    return ()


def busy(place: Location | None, name: str, described: Mapping[str, Any]) -> Diagnostic:
    """Return that a stack is in the middle of another operation, and since when."""
    times = (described.get(key) for key in ("DeletionTime", "LastUpdatedTime", "CreationTime"))
    since = next((f" since {time:%Y-%m-%d %H:%M:%S %Z}" for time in times if time), "")
    message = f"The stack {name} is in {described['StackStatus']}{since.rstrip()}."
    return STACK_BUSY.at(place, message)


def failures(unit: Unit, events: Iterable[Event], resources: Resources) -> tuple[Diagnostic, ...]:
    """Return what failed by itself, each at the place in the job file that it comes from."""
    return tuple(
        DEPLOY_FAILED.at(_origin(unit, resource), f"{_called(event, resource)}: {event.reason}")
        for event in first_failures(events)
        for resource in (resources.get(event.logical_id),)
    )


def _origin(unit: Unit, resource: Resource | None) -> Location | None:
    return (resource.origin if resource else None) or place_of(unit)


def _called(event: Event, resource: Resource | None) -> str:
    name = resource.key if resource else event.logical_id
    return f"`{name}` ({event.type}) of the stack {event.stack}, {event.status}"
