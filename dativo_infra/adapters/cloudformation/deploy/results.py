"""What became of stacks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dativo_infra.adapters.cloudformation.deploy.destroying import Doomed
    from dativo_infra.diagnostics import Diagnostic
    from dativo_infra.planning.result import Unit


class Action(StrEnum):
    """What was done to a stack."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    DELETED = "deleted"
    KEPT = "kept"
    """Left as it is: protected, needed by something, or used by jobs that the run does not have."""
    FAILED = "failed"
    SKIPPED = "skipped"
    LEFT = "left in progress"
    """Interrupted here; CloudFormation goes on by itself."""

    @property
    def unfinished(self) -> bool:
        """Whether what was asked for has not been done."""
        return self in {Action.FAILED, Action.SKIPPED, Action.LEFT}


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
    reason: str = ""
    """Why it was kept."""
    outputs: Mapping[str, str] = field(default_factory=dict)
    """The stack's outputs, by the names that jobs use."""
    diagnostic: Diagnostic | None = None
    """Why it failed or was skipped, at the place in the job file that asked for it."""
    further: tuple[Diagnostic, ...] = ()
    """What else failed, in the order in which it did."""

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """All that is to be said of it; nothing where it went well."""
        return (self.diagnostic, *self.further) if self.diagnostic else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DestroyResult:
    """What became of one stack that was to be deleted."""

    doomed: Doomed
    action: Action
    reason: str = ""
    """Why it was kept."""
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def stack(self) -> str:
        """The stack's name."""
        return self.doomed.stack


OnEvent: TypeAlias = Callable[[Event], None]
OnResult: TypeAlias = Callable[[StackResult], None]
