"""Looking at a stack, and waiting for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Event as Flag
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from dativo_infra.adapters.cloudformation.template import SIGNATURE
from dativo_infra.adapters.results import Event, OnEvent, nobody
from dativo_infra.names import STACK, render

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from dativo_infra.planning.result import Unit

POLL_SECONDS = 5.0
"""The time between two looks at a stack or change set that is being worked on."""

NOT_CREATED = frozenset({None, "REVIEW_IN_PROGRESS", "DELETE_COMPLETE"})
"""The states in which there is nothing yet; in review it has change sets that nobody executed."""


class StoppedError(Exception):
    """The run was interrupted; whoever waits gives up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """One client's view of stacks, and who is told of their events."""

    client: Any
    on_event: OnEvent = nobody
    stop: Flag = field(default_factory=Flag)

    def described(self, name: str) -> Mapping[str, Any]:
        """Return what is known of a stack, by its name or id; nothing where there is none."""
        try:
            return self.client.describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                return {}
            raise

    def find(self, unit: Unit) -> tuple[str, Mapping[str, Any]]:
        """Return the name of a unit's stack, and what is known of it.

        A stack cannot be renamed, so a unit that was renamed stays in the one it has.
        """
        found = {name: self.described(name) for name in names_of(unit)}
        # A name that a run left under review is no stack yet, beside one that was deployed.
        deployed = (name for name in found if found[name].get("StackStatus") not in NOT_CREATED)
        there = (name for name in found if found[name])
        name = next(deployed, next(there, unit.name(STACK)))
        return name, found[name]

    def pause(self) -> None:
        """Wait a moment.

        Raises:
            StoppedError: the run was interrupted.
        """
        if self.stop.wait(POLL_SECONDS):
            raise StoppedError

    def settled(
        self, name: str, stack_id: str, last: str | None
    ) -> tuple[Mapping[str, Any], list[Event]]:
        """Report a stack's events until nothing is in progress.

        Args:
            name: The stack's name, for the events.
            stack_id: The stack; by its id a deleted one can still be looked at.
            last: The id of the last event that is not to be reported.

        Returns:
            The stack as it is then, and all events that were reported, oldest first.

        Raises:
            StoppedError: the run was interrupted; the stack goes on.
        """
        events: list[Event] = []
        while True:
            # First the stack and then its events, so that none of the last ones is missed.
            described = self.described(stack_id)
            for entry in reversed(list(self.entries(stack_id, last))):
                last = entry["EventId"]
                events.append(event_of(name, entry))
                self.on_event(events[-1])
            # A deleted stack of an endpoint that forgets at once is not found by its id either.
            status = described.get("StackStatus", "DELETE_COMPLETE")
            if not status.endswith("_IN_PROGRESS") or status == "REVIEW_IN_PROGRESS":
                return {**described, "StackStatus": status}, events
            self.pause()

    def last_event(self, stack_id: str) -> str | None:
        """Return the id of a stack's newest event."""
        return next((entry["EventId"] for entry in self.entries(stack_id)), None)

    def entries(self, stack_id: str, last: str | None = None) -> Iterator[Mapping[str, Any]]:
        """Yield a stack's events after one that is known, newest first."""
        pages = self.client.get_paginator("describe_stack_events").paginate(StackName=stack_id)
        for page in pages:
            for entry in page["StackEvents"]:
                if entry["EventId"] == last:
                    return
                yield entry

    def history(self, name: str, stack_id: str) -> list[Event]:
        """Return all events of a stack, oldest first."""
        return [event_of(name, entry) for entry in reversed(list(self.entries(stack_id)))]


def is_ours(described: Mapping[str, Any]) -> bool:
    """Return whether this tool made a stack, as its description says."""
    return (described.get("Description") or "").endswith(SIGNATURE)


def names_of(unit: Unit) -> list[str]:
    """Return the names that a unit's stack may have: its own, then former ones."""
    return [render(identity, STACK) for identity in (unit.identity, *unit.former)]


def event_of(name: str, entry: Mapping[str, Any]) -> Event:
    """Return one of CloudFormation's events of a stack."""
    return Event(
        stack=name,
        logical_id=entry["LogicalResourceId"],
        type=entry["ResourceType"],
        status=entry["ResourceStatus"],
        reason=entry.get("ResourceStatusReason", ""),
        ended=entry["ResourceStatus"].endswith(("_COMPLETE", "_FAILED")),
        failed=entry["ResourceStatus"].endswith("_FAILED"),
    )


def first_failures(events: Iterable[Event]) -> list[Event]:
    """Return the events of resources that failed by themselves, in order.

    What was cancelled because something else had failed is left out, and so is the stack.
    """
    return [
        event
        for event in events
        if event.status.endswith("_FAILED")
        and event.type != "AWS::CloudFormation::Stack"
        and "cancelled" not in event.reason.lower()
    ]
