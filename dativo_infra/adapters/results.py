"""What is told of stacks, whichever tool has them: results, previews, and what may be deleted.

A stack is CloudFormation's, with one unit in each, or the part of a Pulumi stack that one unit is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from dativo_infra.diagnostics import DiagnosticError
from dativo_infra.diagnostics.rules import SHARED_PARTLY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dativo_infra.diagnostics import Diagnostic, Location
    from dativo_infra.planning.result import Unit
    from dativo_infra.planning.selection import Selection

D = TypeVar("D", bound="Doomed")

UNPROTECT = "protected; to take it down: set protect: false, deploy, then destroy"
HIDDEN = "(not shown)"


class InterruptedRunError(KeyboardInterrupt):
    """Ctrl-C during a run; carries what became of each stack until then."""

    def __init__(self, results: list[Any]) -> None:
        self.results = results
        super().__init__()


class PartlyDoneError(DiagnosticError):
    """Some stacks could not be worked on at all; carries what became of the others."""

    def __init__(self, diagnostics: Iterable[Diagnostic], results: list[Any]) -> None:
        self.results = results
        super().__init__(diagnostics)


def nobody(_: Any) -> None:
    """Take an event or a result, and do nothing."""


def place_of(unit: Unit) -> Location | None:
    """Return the place in a job file that stands for a whole unit."""
    return next((each.origin for each in unit.resources if each.origin), None)


def shared_partly(
    unit: Unit, stack: str, known: Iterable[str], elsewhere: Callable[[str], bool]
) -> tuple[tuple[Diagnostic, ...], str]:
    """Return why what jobs share cannot be changed, or else why it stays as it is.

    What a shared unit consists of is said by all jobs that use it. A run that has some of them only
    would take away what the others need, so it stays. Nor can jobs that it does not know begin to
    use it in such a run: it would be deleted under them with its last known user.

    Args:
        unit: The shared unit, of the jobs in the run.
        stack: Where it is deployed.
        known: The jobs that named it when it was last deployed.
        elsewhere: Tells of a job whether it may exist though it is not in the run.
    """
    mine, known = list(map(str, unit.jobs)), list(known)
    others = ", ".join(job for job in known if job not in mine and elsewhere(job))
    if not others:
        return (), ""
    if all(job in known for job in mine):
        return (), f"also used by {others}; to change it, deploy all its jobs together"
    message = f"The stack {stack} is used by {others}, which the run does not have."
    return (SHARED_PARTLY.at(place_of(unit), message),), ""


# --- deploying ----------------------------------------------------------------------------------


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
    """One step of a stack's deployment, as the tool reports it."""

    stack: str
    logical_id: str
    """What the resource is called within the stack."""
    type: str
    status: str
    reason: str = ""
    ended: bool = False
    """Whether the step is over."""
    failed: bool = False


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
    """The unit's outputs, by the names that jobs use."""
    diagnostic: Diagnostic | None = None
    """Why it failed or was skipped, at the place in the job file that asked for it."""
    further: tuple[Diagnostic, ...] = ()
    """What else failed, in the order in which it did."""

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """All that is to be said of it; nothing where it went well."""
        return (self.diagnostic, *self.further) if self.diagnostic else ()


OnEvent: TypeAlias = Callable[[Event], None]
OnResult: TypeAlias = Callable[[StackResult], None]


# --- previewing ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class PropertyChange:
    """One property, as it is and as it would be, where the tool tells."""

    path: str
    before: str | None = None
    after: str | None = None
    """`(not shown)` where a secret is part of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One resource of a stack, and what would be done to it."""

    action: str
    """`add`, `change`, `replace`, `maybe replace`, `remove`, or what else the tool says."""
    type: str
    key: str
    """What the resource is called within its unit; its logical id where no job describes it."""
    origin: Location | None
    properties: tuple[PropertyChange, ...] = ()
    retained: bool = False
    """Whether what is removed or replaced stays in the account."""
    guarded: bool = False
    """Whether it holds data, or something runs on it, so that a replacement must be allowed."""

    @property
    def needs_allowing(self) -> bool:
        """Whether data would be lost, or what runs would end."""
        lost = self.action == "remove" and not self.retained
        return self.guarded and (lost or self.action in {"replace", "maybe replace"})

    def __str__(self) -> str:
        """Return what would be done and why, such as "replace `x` (T), since this changes: p"."""
        verb = {"maybe replace": "perhaps replace"}.get(self.action, self.action)
        paths = ", ".join(dict.fromkeys(each.path for each in self.properties))
        because = f", since this changes: {paths}" if paths else ""
        return f"{verb} `{self.key}` ({self.type}){because}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StackPreview:
    """What a deployment would do to one unit's stack."""

    unit: Unit
    stack: str
    creates: bool = False
    """Whether there is no stack yet."""
    changes: tuple[Change, ...] = ()
    protection: bool | None = None
    """What termination protection would become; None where it stays as it is."""
    reason: str = ""
    """Why the stack would be kept as it is."""
    diagnostics: tuple[Diagnostic, ...] = ()
    """Why it could not be told, or why a deployment would not be begun."""

    @property
    def changed(self) -> bool:
        """Whether a deployment would do anything."""
        return self.creates or bool(self.changes) or self.protection is not None

    @property
    def action(self) -> str:
        """What would be done to the stack as a whole."""
        if self.diagnostics:
            return "failed"
        if self.reason:
            return "kept"
        if self.creates:
            return "to create"
        return "to update" if self.changed else "unchanged"


# --- destroying ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One resource of a stack, as it exists."""

    logical_id: str
    type: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Doomed:
    """A stack that exists and may be deleted, with what it holds."""

    stack: str
    id: str
    identity: str
    jobs: tuple[str, ...] = ()
    """The jobs that named it when it was last deployed."""
    needs: tuple[str, ...] = ()
    """What it needed then."""
    project: str = ""
    """The project that it was deployed for, where that has a name."""
    ours: bool = True
    """Whether this tool made it."""
    protected: bool = False
    goes: tuple[Held, ...] = ()
    stays: tuple[Held, ...] = ()
    """What is retained."""
    keep: str = ""
    """Why it is not deleted; empty where it is."""
    unit: Unit | None = field(default=None, repr=False)
    """What it was looked for as; None where no job names it any more."""


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


OnDestroyed: TypeAlias = Callable[[DestroyResult], None]


def all_selected(jobs: Iterable[str], selection: Selection) -> bool:
    """Return whether there are jobs, and all of them are of a tenant and an environment."""
    places = [job.split("/", 2)[:2] for job in jobs]
    return bool(places) and all(
        selection.tenant in {None, tenant} and selection.environment in {None, environment}
        for tenant, environment in places
    )


def kept(
    stacks: Iterable[D],
    going: Iterable[str],
    project: str | None = None,
    existing: Iterable[str] = (),
) -> list[D]:
    """Return the stacks, each with the reason why it is kept where it is.

    Args:
        stacks: What may be deleted.
        going: The jobs that are destroyed, or that exist no more.
        project: The project's name; a stack of another one is kept.
        existing: The jobs that exist, of which none should have a stack among these.
    """
    going, existing = set(going), set(existing)
    reasons: dict[str, str] = {}
    stacks = list(stacks)
    for each in stacks:
        if not each.ours:
            reasons[each.id] = "not one that this tool made"
        elif each.project not in {"", project}:
            reasons[each.id] = f"of another project, {each.project}"
        elif each.protected:
            reasons[each.id] = UNPROTECT
        elif others := sorted(set(each.jobs) - going):
            reasons[each.id] = f"still used by {', '.join(others)}"
        elif still := sorted(existing.intersection(each.jobs)):
            reasons[each.id] = f"the job {', '.join(still)} exists, though it does not build it now"
    before = -1
    while len(reasons) != before:
        before = len(reasons)
        needed = {need: each for each in stacks if each.id in reasons for need in each.needs}
        for each in stacks:
            if each.identity in needed:
                reasons.setdefault(each.id, f"needed by {needed[each.identity].stack}, which stays")
    return [replace(each, keep=reasons.get(each.id, "")) for each in stacks]
