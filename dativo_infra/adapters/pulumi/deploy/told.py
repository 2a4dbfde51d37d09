"""What the engine tells during a run, as changes of units and as diagnostics.

Source: https://www.pulumi.com/docs/reference/pkg/python/pulumi/#module-pulumi.automation
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dativo_infra.adapters.pulumi.deploy.state import STATEFUL_TYPES
from dativo_infra.adapters.pulumi.deploy.urns import name_of, type_of
from dativo_infra.adapters.results import HIDDEN, Change, Event, PropertyChange, place_of
from dativo_infra.diagnostics.rules import DEPLOY_FAILED
from dativo_infra.names import PULUMI

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pulumi.automation import EngineEvent
    from pulumi.automation.events import StepEventMetadata

    from dativo_infra.adapters.pulumi.deploy.program import Program, Registration
    from dativo_infra.adapters.results import OnEvent
    from dativo_infra.diagnostics import Diagnostic
    from dativo_infra.names import Identity
    from dativo_infra.planning.result import Unit

# Of the steps of a replacement the one that stands for the whole.
_ACTIONS = {"create": "add", "update": "change", "replace": "replace", "delete": "remove"}
_SECRET = "[secret]"  # noqa: S105 - what the engine writes in the place of one
_STEP = re.compile(r'\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|([^.\[\]]+)')
_STATUS = {
    "create": ("creating", "created"),
    "update": ("updating", "updated"),
    "delete": ("deleting", "deleted"),
    "create-replacement": ("creating", "created"),
    "delete-replaced": ("deleting", "deleted"),
}


@dataclass(slots=True, kw_only=True)
class Told:
    """Takes the engine's events of one run; each is told on as it comes."""

    stack: str
    program: Program
    on_event: OnEvent
    steps: dict[str, StepEventMetadata] = field(default_factory=dict)
    """What is done, by URN, without what stays as it is."""
    seen: set[str] = field(default_factory=set)
    """The URNs that the engine came to."""
    failed: set[str] = field(default_factory=set)
    problems: list[tuple[str, str]] = field(default_factory=list)
    """The URN, or nothing, and the words of each error."""
    error: str = ""
    """Why the CLI failed, in its own words."""
    interrupted: bool = False

    def __call__(self, event: EngineEvent) -> None:
        """Take an event."""
        if event.resource_pre_event:
            self._began(event.resource_pre_event.metadata)
        elif event.res_outputs_event:
            self._tell(event.res_outputs_event.metadata, ended=True)
        elif event.res_op_failed_event:
            self.failed.add(event.res_op_failed_event.metadata.urn)
        elif (said := event.diagnostic_event) and said.severity == "error":
            text = " ".join(said.message.split())
            self.problems.append((said.urn or "", text))
            if said.urn:
                failure = Event(
                    stack=self.stack,
                    logical_id=name_of(said.urn),
                    type=type_of(said.urn),
                    status="failed",
                    reason=text,
                    ended=True,
                    failed=True,
                )
                self.on_event(failure)

    def _began(self, step: StepEventMetadata) -> None:
        self.seen.add(step.urn)
        if step.op != "same" and not step.type.startswith("pulumi:"):
            # A replacement has several steps; the one that stands for all is kept.
            if step.op in _ACTIONS or step.urn not in self.steps:
                self.steps[step.urn] = step
            self._tell(step, ended=False)

    def _tell(self, step: StepEventMetadata, *, ended: bool) -> None:
        status = _STATUS.get(step.op)
        if step.op == "delete" and step.old and step.old.retain_on_delete:
            status = ("leaving", "retained")
        if status and not step.type.startswith(("pulumi:", "dativo:")):
            self.on_event(
                Event(
                    stack=self.stack,
                    logical_id=name_of(step.urn),
                    type=step.type,
                    status=status[ended],
                    ended=ended,
                )
            )

    # --- by unit --------------------------------------------------------------------------------

    def created(self) -> set[Identity]:
        """Return the units that were not there before."""
        steps = (step for step in self.steps.values() if step.op == "create")
        found = (self.program.of(step.urn) for step in steps)
        return {each.unit.identity for each in found if each and each.resource is None}

    def unfinished(self) -> set[Identity]:
        """Return the units of which the engine has not done all."""
        done = {(type_of(urn), name_of(urn)) for urn in self.seen - self.failed}
        registered = self.program.registered.items()
        return {each.unit.identity for key, each in registered if key not in done}

    def changes(self) -> Mapping[Identity, list[Change]]:
        """Return what is done to resources, by unit; only where something is."""
        found: dict[Identity, list[Change]] = {}
        for step in self.steps.values():
            unit = self._unit(step)
            if unit and step.op in _ACTIONS and not step.type.startswith("dativo:"):
                change = _change(step, unit, self.program.of(step.urn))
                found.setdefault(unit.identity, []).append(change)
        return found

    def messages(self) -> Iterator[tuple[str, str]]:
        """Yield each error: the URN of what it is about, or nothing, and a sentence."""
        # The engine sums up in the stack's name what it said of the resources before.
        single = [each for each in self.problems if type_of(each[0]) != "pulumi:pulumi:Stack"]
        for urn, text in single or self.problems:
            what = f"`{name_of(urn)}` ({type_of(urn)}) of the stack" if urn else "The stack"
            yield urn, f"{what} {self.stack}: {text}"

    def diagnostics(self) -> Mapping[Identity | None, list[Diagnostic]]:
        """Return what failed, by unit, each at the place in a job file that it comes from."""
        found: dict[Identity | None, list[Diagnostic]] = {}
        for urn, message in self.messages():
            registration = self.program.of(urn) if urn else None
            step = self.steps.get(urn)
            unit = self._unit(step) if step else registration.unit if registration else None
            origin = registration.origin if registration else place_of(unit) if unit else None
            identity = unit.identity if unit else None
            found.setdefault(identity, []).append(DEPLOY_FAILED.at(origin, message))
        return found

    def _unit(self, step: StepEventMetadata) -> Unit | None:
        state = step.new or step.old
        return self.program.unit_of(step.urn, state.parent if state else "")


def _change(step: StepEventMetadata, unit: Unit, registration: Registration | None) -> Change:
    resource = registration.resource if registration else None
    if registration is None or resource is None:
        guarded = step.type in STATEFUL_TYPES
    else:
        life = resource.lifecycle
        guarded = registration.first and (resource.STATEFUL or life.retain or life.protect)
    return Change(
        action=_ACTIONS[step.op],
        type=step.type,
        key=name_of(step.urn).removeprefix(f"{unit.name(PULUMI)}-"),
        origin=registration.origin if registration else None,
        properties=tuple(_properties(step)),
        retained=bool(step.old and step.old.retain_on_delete),
        guarded=guarded,
    )


def _properties(step: StepEventMetadata) -> Iterator[PropertyChange]:
    if step.op not in {"update", "replace"}:
        return
    before, after = ((each.inputs if each else None) or {} for each in (step.old, step.new))
    for path in step.detailed_diff or step.diffs or ():
        yield PropertyChange(path=path, before=_at(before, path), after=_at(after, path))


def _at(inputs: Any, path: str) -> str | None:
    """Return what stands at a path such as `tags.Team` or `labels["a.b/c"]`, as text."""
    value = inputs
    for quoted, index, name in _STEP.findall(path):
        key = quoted or name
        if index and isinstance(value, list):
            value = value[int(index)] if int(index) < len(value) else None
        else:
            value = value.get(key or index) if isinstance(value, dict) else None
    if value is None or isinstance(value, str):
        return HIDDEN if value == _SECRET else value
    text = json.dumps(value)
    return HIDDEN if _SECRET in text else text
