"""A change set from its making to its end."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from botocore.exceptions import ClientError

from dativo_infra.adapters.cloudformation.deploy.watch import NOT_CREATED, StoppedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dativo_infra.adapters.cloudformation.deploy.watch import Watch

_NO_CHANGE = ("didn't contain changes", "No updates are to be performed")
"""What CloudFormation says of a change set that would change nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSet:
    """A change set that CloudFormation has worked out."""

    id: str
    """Empty where there was nothing to make."""
    stack_id: str
    creates: bool
    """Whether it creates the stack."""
    alone: bool
    """Whether the stack exists because of it alone."""
    failed: bool
    reason: str
    changes: tuple[Mapping[str, Any], ...]

    @property
    def empty(self) -> bool:
        """Whether it would change nothing."""
        return self.failed and any(words in self.reason for words in _NO_CHANGE)


def make(
    watch: Watch, name: str, before: Mapping[str, Any], request: Mapping[str, Any]
) -> ChangeSet:
    """Make a change set and return it once CloudFormation has worked it out.

    Args:
        watch: The client.
        name: The stack's name.
        before: What is known of the stack; nothing where there is none.
        request: The template and what belongs to it.

    Raises:
        BotoCoreError, ClientError: CloudFormation refuses it.
        StoppedError: the run was interrupted; it was discarded.
    """
    creates = before.get("StackStatus") in NOT_CREATED
    try:
        made = watch.client.create_change_set(
            StackName=name,
            ChangeSetName=f"dativo-infra-{uuid4()}",
            ChangeSetType="CREATE" if creates else "UPDATE",
            **request,
        )
    except ClientError as error:
        # Endpoints other than AWS's may say so at once, as an update without change sets does.
        if creates or not any(words in str(error) for words in _NO_CHANGE):
            raise
        return ChangeSet(
            id="",
            stack_id=before["StackId"],
            creates=False,
            alone=False,
            failed=True,
            reason=str(error),
            changes=(),
        )
    alone = creates and before.get("StackStatus") != "REVIEW_IN_PROGRESS"
    known = {"id": made["Id"], "stack_id": made["StackId"], "creates": creates, "alone": alone}
    try:
        return _worked_out(watch, known)
    except StoppedError:
        discard(watch, ChangeSet(failed=True, reason="", changes=(), **known))
        raise


def _worked_out(watch: Watch, known: Mapping[str, Any]) -> ChangeSet:
    wanted = {"ChangeSetName": known["id"], "IncludePropertyValues": True}
    while True:
        described = watch.client.describe_change_set(**wanted)
        if described["Status"] in {"CREATE_COMPLETE", "FAILED"}:
            break
        watch.pause()
    status, reason = described["Status"], described.get("StatusReason") or ""
    changes = list(described.get("Changes", ()))
    while token := described.get("NextToken"):
        described = watch.client.describe_change_set(**wanted, NextToken=token)
        changes += described.get("Changes", ())
    return ChangeSet(failed=status == "FAILED", reason=reason, changes=tuple(changes), **known)


def discard(watch: Watch, change_set: ChangeSet) -> None:
    """Delete a change set, and the stack where it exists because of that alone.

    Raises:
        BotoCoreError, ClientError: CloudFormation refuses it.
    """
    if not change_set.id:
        return
    watch.client.delete_change_set(ChangeSetName=change_set.id)
    if not change_set.alone:
        return
    # By its id, so that never another stack of the name is meant; and only while it is empty.
    if watch.described(change_set.stack_id).get("StackStatus") == "REVIEW_IN_PROGRESS":
        watch.client.delete_stack(StackName=change_set.stack_id)
        with suppress(StoppedError):
            while watch.described(change_set.stack_id).get("StackStatus") not in {
                None,
                "DELETE_COMPLETE",
            }:
                watch.pause()


def execute(watch: Watch, change_set: ChangeSet) -> None:
    """Execute a change set; one that is refused is discarded.

    What a failed creation made is removed even where it is retained otherwise: it holds nothing
    yet, and would stay behind at every new try.

    Raises:
        BotoCoreError, ClientError: CloudFormation refuses it.
    """
    try:
        watch.client.execute_change_set(ChangeSetName=change_set.id, RetainExceptOnCreate=True)
    except ClientError:
        with suppress(ClientError):
            discard(watch, change_set)
        raise
