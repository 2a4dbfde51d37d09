"""Deploying units as stacks, by change sets.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets.html
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Any, TypeAlias
from uuid import uuid4

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from dativo_infra.adapters.cloudformation.template import Stack, is_protected, to_stacks
from dativo_infra.diagnostics import Diagnostic, raise_errors
from dativo_infra.diagnostics.rules import DEPLOY_FAILED, MISSING_PARAMETER, OVER_LIMIT
from dativo_infra.names import STACK, Identity, render
from dativo_infra.planning.result import Unit, UnitKind
from dativo_infra.project import PlacedTarget
from dativo_infra.values import Concat, Parameter, Text, resolve, tokens

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
            result = _failure(stack, f"not tried, as it needs {', '.join(missing)}", Action.SKIPPED)
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
        # Stacks cannot be renamed, so a unit that was renamed stays in the one it has.
        identities = (stack.unit.identity, *stack.unit.former)
        names = [render(identity, STACK) for identity in identities]
        self.name = next((name for name in names if self._describe(name)), names[0])

    def run(self, parameters: Mapping[str, str]) -> StackResult:
        before = self._describe(self.name)
        if before.get("StackStatus") == "ROLLBACK_COMPLETE":
            # A creation failed and was rolled back: such a stack is empty and takes no update.
            self.client.delete_stack(StackName=self.name)
            before = self._settled(before["StackId"])
        # REVIEW_IN_PROGRESS: a stack with change sets of which none has been executed.
        new = before.get("StackStatus") in {None, "REVIEW_IN_PROGRESS", "DELETE_COMPLETE"}
        made = self.client.create_change_set(
            StackName=self.name,
            ChangeSetName=f"dativo-infra-{uuid4()}",
            ChangeSetType="CREATE" if new else "UPDATE",
            TemplateBody=self.stack.to_json(indent=None),
            Parameters=[
                {"ParameterKey": name, "ParameterValue": parameters[parameter.name]}
                for name, parameter in self.stack.parameters.items()
            ],
            Tags=_tags(self.stack.unit, parameters),
            Capabilities=_capabilities(self.stack),
        )
        change_set = self._change_set(made["Id"])
        if change_set["Status"] == "FAILED":
            self.client.delete_change_set(ChangeSetName=made["Id"])
            reason = change_set.get("StatusReason", "")
            if not _says_no_change(reason):
                return self._failed(reason)
            action = Action.UNCHANGED
        else:
            action = Action.CREATED if new else Action.UPDATED
            failure = self._execute(made["Id"], made["StackId"], f"{action[:6]}E_COMPLETE".upper())
            if failure:
                return failure
        return self._done(action)
