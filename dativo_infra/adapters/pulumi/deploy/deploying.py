"""`deploy` and `preview`: units of one stack, built or compared with what was built."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dativo_infra.adapters.pulumi.deploy.engine import refused
from dativo_infra.adapters.pulumi.deploy.outputs import texts
from dativo_infra.adapters.pulumi.deploy.program import Program
from dativo_infra.adapters.pulumi.deploy.told import Told
from dativo_infra.adapters.pulumi.deploy.urns import name_of
from dativo_infra.adapters.pulumi.values import content
from dativo_infra.adapters.results import (
    Action,
    InterruptedRunError,
    StackPreview,
    StackResult,
    nobody,
    place_of,
    shared_partly,
)
from dativo_infra.diagnostics import DiagnosticError, raise_errors
from dativo_infra.diagnostics.rules import (
    FOREIGN_STACK,
    MISSING_PARAMETER,
    REPLACEMENT,
    SKIPPED,
)
from dativo_infra.names import PULUMI
from dativo_infra.planning.result import UnitKind
from dativo_infra.values import parameters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from dativo_infra.adapters.pulumi.deploy.engine import Stack
    from dativo_infra.adapters.results import OnEvent, OnResult
    from dativo_infra.diagnostics import Diagnostic
    from dativo_infra.names import Identity
    from dativo_infra.planning.result import JobPlan, Unit

PARALLEL = 8
"""How many resources are worked on at once, where nothing else is said."""


def deploy(
    units: Iterable[Unit],
    jobs: Iterable[JobPlan],
    *,
    stack: Stack,
    parameters: Mapping[str, str],
    elsewhere: Callable[[str], bool],
    on_event: OnEvent = nobody,
    on_result: OnResult = nobody,
    parallel: int = PARALLEL,
    allow_replacement: bool = False,
) -> list[StackResult]:
    """Build units in a stack, each after those that it needs; the stack is made where it is not.

    It is looked at first: where a cluster, or what holds data, would be replaced or removed,
    nothing is done. Where a resource fails the others go on, but for those that need it. Units that
    the stack has, and that are none of these, stay as they are.

    Args:
        units: What to build: all that the stack's jobs in this run own.
        jobs: Those jobs, whose outputs become the stack's.
        stack: Where to build.
        parameters: Values by the names that jobs use, stronger than the stack's configuration.
        elsewhere: Tells of a job, by its identity, whether it may exist though it is not among the
            units' jobs: what it shares with them is kept as it is.
        on_event: Called with each event of a resource.
        on_result: Called with the result of each unit when all are done.
        parallel: How many resources are worked on at once.
        allow_replacement: Also replace and remove what holds data, or what something runs on.

    Returns:
        What became of each unit, in the order given.

    Raises:
        DiagnosticError: the stack cannot be worked on, or something is missing that the jobs need;
            nothing has been done then.
        InterruptedRunError: Ctrl-C; it carries the results.
    """
    run = _Run.of(units, jobs, stack, parameters, elsewhere)
    stack.create()
    results = [] if allow_replacement else run.refused(parallel)
    if not results:
        told = run.operate("up", on_event, parallel)
        run.raise_problems(told)
        results = run.results(told)
        if told.interrupted:
            raise InterruptedRunError(results)
    for each in results:
        on_result(each)
    return results


def preview(
    units: Iterable[Unit],
    jobs: Iterable[JobPlan],
    *,
    stack: Stack,
    parameters: Mapping[str, str],
    elsewhere: Callable[[str], bool],
    on_result: Callable[[StackPreview], None] = nobody,
    parallel: int = PARALLEL,
) -> list[StackPreview]:
    """Return what `deploy` would change. Nothing is changed, and no stack is made.

    Args:
        units: What would be built.
        jobs: As for `deploy`.
        stack: Where it would be built.
        parameters: As for `deploy`.
        elsewhere: As for `deploy`.
        on_result: Called with each when all are known.
        parallel: How many resources are looked at at once.

    Returns:
        The changes of each unit, in the order given.

    Raises:
        DiagnosticError: the stack cannot be worked on, or something is missing that the jobs need.
        InterruptedRunError: Ctrl-C.
    """
    run = _Run.of(units, jobs, stack, parameters, elsewhere)
    with stack.trial():
        told = run.operate("preview", nobody, parallel)
    if told.interrupted:
        raise InterruptedRunError([])
    run.raise_problems(told)
    changes, problems, created = told.changes(), run.problems(told), told.created()
    previews = [
        StackPreview(
            unit=unit,
            stack=run.called(unit),
            creates=unit.identity in created,
            changes=tuple(changes.get(unit.identity, ())),
            reason=run.kept.get(unit.identity, ""),
            diagnostics=tuple(problems.get(unit.identity, ())),
        )
        for unit in run.program.units
    ]
    for each in previews:
        on_result(each)
    return previews


@dataclass(slots=True, kw_only=True)
class _Run:
    """What is run on a stack, and what of the stack stays as it is."""

    stack: Stack
    program: Program
    kept: Mapping[Identity, str]
    """Why a unit stays as it is."""
    exclude: list[str]
    """The URNs that stay."""

    @classmethod
    def of(
        cls,
        units: Iterable[Unit],
        jobs: Iterable[JobPlan],
        stack: Stack,
        parameters: Mapping[str, str],
        elsewhere: Callable[[str], bool],
    ) -> _Run:
        """Return what is to be run.

        Raises:
            DiagnosticError: the stack is somebody else's, cannot be asked, or has something that
                jobs outside of this run share with those in it.
        """
        units, jobs, state = tuple(units), tuple(jobs), stack.state
        if state.foreign:
            message = (
                f"The stack {stack.name} holds {name_of(state.foreign[0])}, which no job is "
                "known for."
            )
            raise DiagnosticError([FOREIGN_STACK.at(None, message)])
        kept: dict[Identity, str] = {}
        problems = list(_missing(units, stack, parameters))
        staying = state.others(units)
        known: dict[str, Unit] = {}
        for unit in units:
            for built in state.of_unit(unit):
                known.update(dict.fromkeys(built.urns, unit))
                if unit.kind is not UnitKind.SHARED:
                    continue
                found, reason = shared_partly(unit, stack.name, built.jobs, elsewhere)
                problems.extend(found)
                if reason:
                    kept[unit.identity] = reason
                    staying.append(built)
        raise_errors(problems)
        here = {str(each.job.identity) for each in jobs}
        users = {job for each in staying for job in each.jobs} - here
        program = Program(
            units=units,
            jobs=jobs,
            parameters=parameters,
            kept={name: value for name, value in state.outputs.items() if name in users},
            known=known,
        )
        exclude = {urn for each in staying for urn in (*each.urns, *each.providers)}
        return cls(stack=stack, program=program, kept=kept, exclude=sorted(exclude))

    def operate(self, command: str, on_event: OnEvent, parallel: int) -> Told:
        """Run the program and return what the engine told.

        Raises:
            DiagnosticError: the stack cannot be worked on.
        """
        told = Told(stack=self.stack.name, program=self.program, on_event=on_event)
        more = {"continue_on_error": True} if command == "up" else {}
        self.stack.run(command, told, exclude=self.exclude or None, parallel=parallel, **more)
        return told

    def raise_problems(self, told: Told) -> None:
        """Raise what stopped the run as a whole.

        Raises:
            DiagnosticError: the program did not run, or the engine failed without a resource.
        """
        if self.program.problems:
            raise DiagnosticError(self.program.problems)
        if told.error and not told.problems:
            raise DiagnosticError([refused(self.stack.name, told.error)])

    def refused(self, parallel: int) -> list[StackResult]:
        """Return that nothing is done, and why, where something would be lost; else nothing.

        Raises:
            DiagnosticError: the engine cannot tell.
            InterruptedRunError: Ctrl-C.
        """
        # What holds nothing can lose nothing, and need not be looked at.
        if not any(each.stateful for unit in self.stack.state.units for each in unit.resources):
            return []
        told = self.operate("preview", nobody, parallel)
        self.raise_problems(told)
        if told.interrupted:
            raise InterruptedRunError(
                [self._skipped(unit, "the run was interrupted") for unit in self.program.units]
            )
        problems, changes = self.problems(told), told.changes()
        for unit in self.program.units:
            for each in changes.get(unit.identity, ()):
                if each.needs_allowing:
                    message = f"The stack {self.stack.name} would {each}."
                    problem = REPLACEMENT.at(each.origin or place_of(unit), message)
                    problems.setdefault(unit.identity, []).append(problem)
        if not problems:
            return []
        why = "what stands with it was refused"
        return [
            self._failed(unit, found)
            if (found := problems.get(unit.identity))
            else self._skipped(unit, why)
            for unit in self.program.units
        ]

    def problems(self, told: Told) -> dict[Identity, list[Diagnostic]]:
        """Return what went wrong, by unit; what is of none is of the first that is not done."""
        found = told.diagnostics()
        unfinished, units = told.unfinished(), self.program.units
        first = next((each for each in units if each.identity in unfinished), units[0])
        by_unit = {identity: list(each) for identity, each in found.items() if identity}
        if None in found:
            by_unit.setdefault(first.identity, []).extend(found[None])
        return by_unit

    def results(self, told: Told) -> list[StackResult]:
        """Return what became of each unit."""
        outputs = self.stack.state.outputs
        problems, changes = self.problems(told), told.changes()
        results: list[StackResult] = []
        unfinished, created = told.unfinished(), told.created()
        for unit in self.program.units:
            if found := problems.get(unit.identity):
                results.append(self._failed(unit, found))
            elif unit.identity in self.kept:
                action, reason = Action.KEPT, self.kept[unit.identity]
                results.append(self._result(unit, action, outputs, reason))
            elif unit.identity not in unfinished:
                changed = Action.UPDATED if unit.identity in changes else Action.UNCHANGED
                action = Action.CREATED if unit.identity in created else changed
                results.append(self._result(unit, action, outputs))
            elif told.interrupted:
                results.append(self._skipped(unit, "the run was interrupted"))
            elif unfinished.isdisjoint(unit.needs):
                results.append(self._skipped(unit, "the run ended before it was done"))
            else:
                results.append(self._skipped(unit, "what it needs failed"))
        return results

    def called(self, unit: Unit) -> str:
        """Return what the part of the stack is called that a unit is."""
        return f"{self.stack.name}:{unit.name(PULUMI)}"

    def _result(
        self, unit: Unit, action: Action, outputs: Mapping[str, Any], reason: str = ""
    ) -> StackResult:
        job = outputs.get(str(unit.jobs[0])) if unit.kind is UnitKind.JOB else None
        return StackResult(
            unit=unit,
            stack=self.called(unit),
            action=action,
            reason=reason,
            outputs=texts(job),
        )

    def _failed(self, unit: Unit, found: list[Diagnostic]) -> StackResult:
        first, *others = found
        return StackResult(
            unit=unit,
            stack=self.called(unit),
            action=Action.FAILED,
            diagnostic=first,
            further=tuple(others),
        )

    def _skipped(self, unit: Unit, reason: str) -> StackResult:
        diagnostic = SKIPPED.at(place_of(unit), f"{unit.identity} was left as it is: {reason}.")
        return StackResult(
            unit=unit, stack=self.called(unit), action=Action.SKIPPED, diagnostic=diagnostic
        )


def _missing(
    units: Iterable[Unit], stack: Stack, values: Mapping[str, str]
) -> Iterator[Diagnostic]:
    """Yield an error for each parameter that has no value, where it is needed first."""
    told: set[str] = set()
    for unit in units:
        for resource in (*unit.resources, unit.exports):
            for each in parameters(content(resource)):
                known = each.name in values or each.name in os.environ or stack.knows(each.name)
                if not known and each.name not in told:
                    told.add(each.name)
                    secret = "--secret " if each.secret else ""
                    yield MISSING_PARAMETER.at(
                        getattr(resource, "origin", None) or place_of(unit),
                        f"`{each.name}` has no value.",
                        remedy=f"Set it in the environment, or with `pulumi config set {secret}"
                        f"{each.name} ...`.",
                    )
