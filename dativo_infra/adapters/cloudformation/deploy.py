"""Deploying units as stacks, by change sets.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets.html
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import uuid4

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from dativo_infra.adapters.cloudformation.template import Stack, is_protected, to_stacks
from dativo_infra.diagnostics import Diagnostic, raise_errors
from dativo_infra.diagnostics.rules import DEPLOY_FAILED, MISSING_PARAMETER, OVER_LIMIT
from dativo_infra.names import STACK, Identity, render
from dativo_infra.planning.result import Unit, UnitKind
from dativo_infra.project import PlacedTarget
from dativo_infra.values import Concat, Parameter, Text, tokens

if TYPE_CHECKING:
    from dativo_infra.resources import Resource

LONGEST_INLINE = 51_200
"""The largest template, in bytes, that a request itself may carry.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
"""
POLL_SECONDS = 5.0
"""The time between two looks at a stack that is being changed."""

Clients: TypeAlias = Callable[[PlacedTarget], Any]
"""Gives boto3's CloudFormation client for a target."""


class Action(StrEnum):
    """What a deployment did to a stack."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One step of a stack's deployment, as CloudFormation reports it."""

    stack: str
    logical_id: str
    type: str
    status: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StackResult:
    """What became of one unit."""

    unit: Unit
    stack: str
    """The stack's name; a former one where the stack was deployed under it."""
    action: Action
    outputs: Mapping[str, str] = field(default_factory=dict)
    """The stack's outputs, by the names that jobs use."""
    diagnostic: Diagnostic | None = None
    """Why it failed or was skipped, at the place in the job file that asked for it."""


OnEvent: TypeAlias = Callable[[Event], None]


def open_session(*, profile: str | None = None, region: str | None = None) -> boto3.Session:
    """Return a session with the credentials and the region that AWS's tools would use.

    Raises:
        BotoCoreError: there is no such profile.
    """
    return boto3.Session(profile_name=profile, region_name=region)


def clients_of(session: boto3.Session) -> Clients:
    """Return a session's CloudFormation clients: one for each region; its own where none is set."""

    @cache
    def in_region(region: str | None) -> Any:
        return session.client("cloudformation", region_name=region)

    return lambda target: in_region(target.region)


def deploy(
    units: Iterable[Unit],
    *,
    clients: Clients,
    parameters: Mapping[str, str],
    on_event: OnEvent = lambda _: None,
) -> list[StackResult]:
    """Create or update the stack of each unit that has resources, and wait for it.

    Shared units come first, otherwise the order given is kept. Where a unit fails the others go
    on, but for those that need it. A stack is never deleted, but for what a failed creation left.

    Args:
        units: What to deploy.
        clients: Gives the client for a unit's target.
        parameters: Values by the names that jobs use; a list is joined by commas.
        on_event: Called with each event of each stack, oldest first, while waiting.

    Raises:
        DiagnosticError: a resource is refused, a template is too large, or parameters are missing
            (all are named); nothing has been deployed then.
    """
    stacks = to_stacks(sorted(units, key=lambda unit: unit.kind is not UnitKind.SHARED))
    raise_errors([*_missing(stacks, parameters), *_too_large(stacks)])
    results: list[StackResult] = []
    without: set[Identity] = set()
    for stack in stacks:
        if missing := [str(each) for each in stack.unit.needs if each in without]:
            reason = f"it needs {', '.join(missing)}"
            result = _failure(stack, reason, action=Action.SKIPPED)
        else:
            try:
                client = clients(stack.unit.target)
                result = _Deployment(stack, client, on_event).run(parameters)
            except (BotoCoreError, ClientError) as error:
                result = _failure(stack, str(error))
        if result.diagnostic:
            without.add(stack.unit.identity)
        results.append(result)
    return results


class _Deployment:
    """One stack, being deployed."""

    def __init__(self, stack: Stack, client: Any, on_event: OnEvent) -> None:
        self.stack = stack
        self.client = client
        self.on_event = on_event
        # A stack cannot be renamed, so a unit that was renamed stays in the one it has.
        identities = (stack.unit.identity, *stack.unit.former)
        names = [render(identity, STACK) for identity in identities]
        self.name = next((name for name in names if self._described(name)), names[0])

    def run(self, parameters: Mapping[str, str]) -> StackResult:
        """Create or update the stack, wait for it, and return what became of it."""
        before = self._described(self.name)
        if before.get("StackStatus") == "ROLLBACK_COMPLETE":
            # A creation failed and was rolled back: such a stack is empty and takes no update.
            last = self._last_event(before["StackId"])
            self.client.delete_stack(StackName=self.name)
            before, _ = self._watch(before["StackId"], last)
        # REVIEW_IN_PROGRESS: it has change sets, of which none was executed.
        new = before.get("StackStatus") in {None, "REVIEW_IN_PROGRESS", "DELETE_COMPLETE"}
        made = self._change_set("CREATE" if new else "UPDATE", parameters)
        if made["Status"] == "FAILED":
            self.client.delete_change_set(ChangeSetName=made["ChangeSetId"])
            reason = made.get("StatusReason", "")
            if any(words in reason for words in _NO_CHANGE):
                return self._done(Action.UNCHANGED, before)
            return self._failed(reason)
        last = self._last_event(made["StackId"])
        # What a failed creation made is removed even where it is retained otherwise: it holds
        # nothing yet, and would stay behind at every new try.
        self.client.execute_change_set(ChangeSetName=made["ChangeSetId"], RetainExceptOnCreate=True)
        after, events = self._watch(made["StackId"], last)
        if after["StackStatus"] in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
            return self._done(Action.CREATED if new else Action.UPDATED, after)
        for event in events:
            if event.status.endswith("_FAILED") and event.logical_id in self.stack.logical_ids:
                resource = self.stack.logical_ids[event.logical_id]
                return self._failed(f"`{resource.key}` ({event.type}): {event.reason}", resource)
        return self._failed(after.get("StackStatusReason") or after["StackStatus"])

    def _change_set(self, kind: str, parameters: Mapping[str, str]) -> Mapping[str, Any]:
        """Make a change set and return it once CloudFormation has worked it out."""
        made = self.client.create_change_set(
            StackName=self.name,
            ChangeSetName=f"dativo-infra-{uuid4()}",
            ChangeSetType=kind,
            TemplateBody=self.stack.body,
            Parameters=[
                {"ParameterKey": name, "ParameterValue": parameters[parameter.name]}
                for name, parameter in self.stack.parameters.items()
            ],
            Tags=_stack_tags(self.stack.unit, parameters),
            Capabilities=_capabilities(self.stack),
        )
        while True:
            described = self.client.describe_change_set(ChangeSetName=made["Id"])
            if described["Status"] in {"CREATE_COMPLETE", "FAILED"}:
                return described
            time.sleep(POLL_SECONDS)

    def _described(self, name: str) -> Mapping[str, Any]:
        """Return what is known of a stack, by its name or id; nothing where there is none."""
        try:
            return self.client.describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                return {}
            raise

    def _watch(self, stack_id: str, last: str | None) -> tuple[Mapping[str, Any], list[Event]]:
        """Report a stack's events until nothing is in progress.

        Args:
            stack_id: The stack; by its id a deleted one can still be looked at.
            last: The id of the last event that is not to be reported.

        Returns:
            The stack as it is then, and all events that were reported, oldest first.
        """
        events: list[Event] = []
        while True:
            # First the stack and then its events, so that none of the last ones is missed.
            described = self._described(stack_id)
            fresh = list(self._events(stack_id, last))
            for event in reversed(fresh):
                last = event["EventId"]
                events.append(
                    Event(
                        stack=self.name,
                        logical_id=event["LogicalResourceId"],
                        type=event["ResourceType"],
                        status=event["ResourceStatus"],
                        reason=event.get("ResourceStatusReason", ""),
                    )
                )
                self.on_event(events[-1])
            if not described["StackStatus"].endswith("_IN_PROGRESS"):
                return described, events
            time.sleep(POLL_SECONDS)

    def _last_event(self, stack_id: str) -> str | None:
        return next((event["EventId"] for event in self._events(stack_id, None)), None)

    def _events(self, stack_id: str, last: str | None) -> Iterator[Mapping[str, Any]]:
        """Yield the events after one that is known, newest first."""
        pages = self.client.get_paginator("describe_stack_events").paginate(StackName=stack_id)
        for page in pages:
            for event in page["StackEvents"]:
                if event["EventId"] == last:
                    return
                yield event

    def _failed(self, reason: str, resource: Resource | None = None) -> StackResult:
        return replace(_failure(self.stack, reason, resource), stack=self.name)

    def _done(self, action: Action, described: Mapping[str, Any]) -> StackResult:
        protected = is_protected(self.stack.unit)
        if described.get("EnableTerminationProtection", False) != protected:
            self.client.update_termination_protection(
                StackName=self.name, EnableTerminationProtection=protected
            )
        return StackResult(
            unit=self.stack.unit,
            stack=self.name,
            action=action,
            outputs={
                self.stack.outputs[output["OutputKey"]]: output["OutputValue"]
                for output in described.get("Outputs", ())
            },
        )


_NO_CHANGE = ("didn't contain changes", "No updates are to be performed")
"""What CloudFormation says of a change set that would change nothing."""


def _failure(
    stack: Stack, reason: str, resource: Resource | None = None, action: Action = Action.FAILED
) -> StackResult:
    identity = stack.unit.identity
    message = f"{identity} could not be deployed: {reason}"
    place = resource or stack.unit.resources[0]
    return StackResult(
        unit=stack.unit,
        stack=stack.name,
        action=action,
        diagnostic=DEPLOY_FAILED.at(place.origin, message),
    )


def _missing(stacks: Iterable[Stack], given: Mapping[str, str]) -> list[Diagnostic]:
    found: dict[str, Diagnostic] = {}
    for stack in stacks:
        for name, parameter in stack.parameters.items():
            if parameter.name not in given:
                message = f"`{parameter}` has no value; {stack.unit.identity} needs it."
                missing = MISSING_PARAMETER.at(stack.origins[name], message)
                found.setdefault(parameter.name, missing)
    return list(found.values())


def _too_large(stacks: Iterable[Stack]) -> list[Diagnostic]:
    return [
        OVER_LIMIT.at(
            stack.unit.resources[0].origin,
            f"The template of {stack.unit.identity} has {size:,} bytes; a request takes at most "
            f"{LONGEST_INLINE:,}.",
        )
        for stack in stacks
        if (size := len(stack.body.encode())) > LONGEST_INLINE
    ]


def _capabilities(stack: Stack) -> list[str]:
    """Return what has to be acknowledged: that roles are created, all with generated names."""
    types = (each.resource_type or "" for each in stack.template.resources.values())
    return ["CAPABILITY_IAM"] if any(each.startswith("AWS::IAM::") for each in types) else []


def _stack_tags(unit: Unit, given: Mapping[str, str]) -> list[dict[str, str]]:
    """Return the unit's tags for the stack itself.

    The resources carry their own; a stack's tags are plain text, so one is left out whose value
    cannot be told before the deployment.
    """
    return [
        {"Key": key, "Value": _told(value, given)}
        for key, value in sorted(unit.tags.items())
        if all(
            isinstance(token, Concat)
            or (isinstance(token, Parameter) and token.type == "string" and token.name in given)
            for token in tokens(value)
        )
    ]


def _told(value: Text, given: Mapping[str, str]) -> str:
    match value:
        case Concat(parts):
            return "".join(_told(part, given) for part in parts)
        case Parameter(name):
            return given[name]
        case _:
            return str(value)
