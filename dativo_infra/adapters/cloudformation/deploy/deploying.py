"""`deploy`: stacks created and updated, by change sets."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Event as Flag
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from dativo_infra.adapters.cloudformation.deploy import change_sets
from dativo_infra.adapters.cloudformation.deploy.changes import changes_of, guard
from dativo_infra.adapters.cloudformation.deploy.deployed import outputs_of, standing
from dativo_infra.adapters.cloudformation.deploy.states import failures
from dativo_infra.adapters.cloudformation.deploy.templates import Inputs, TemplateBucket, anyone
from dativo_infra.adapters.cloudformation.deploy.watch import StoppedError, Watch
from dativo_infra.adapters.cloudformation.template import Stack, is_protected, to_stack
from dativo_infra.adapters.pool import CONCURRENCY, Task, one_at_a_time, run
from dativo_infra.adapters.results import Action, OnEvent, OnResult, StackResult, nobody, place_of
from dativo_infra.diagnostics.rules import DEPLOY_FAILED, SKIPPED
from dativo_infra.names import STACK
from dativo_infra.planning.result import Unit, UnitKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from dativo_infra.adapters.cloudformation.deploy.change_sets import ChangeSet
    from dativo_infra.adapters.cloudformation.deploy.connection import Clients
    from dativo_infra.diagnostics import Diagnostic


def deploy(
    units: Iterable[Unit],
    *,
    clients: Clients,
    parameters: Mapping[str, str],
    on_event: OnEvent = nobody,
    on_result: OnResult = nobody,
    concurrency: int = CONCURRENCY,
    allow_replacement: bool = False,
    recreate_failed: bool = False,
    bucket: TemplateBucket | None = None,
    project: str | None = None,
    elsewhere: Callable[[str], bool] = anyone,
) -> list[StackResult]:
    """Create or update the stack of each unit that has resources, and wait for it.

    Many at once; each begins when the units that it needs are done. Where a unit fails the others
    go on, but for those that need it. A stack is never deleted, but for what a failed creation
    left, where that is wanted.

    Args:
        units: What to deploy.
        clients: Gives the client for a unit's target.
        parameters: Values by the names that jobs use; a list is joined by commas.
        on_event: Called with each event of each stack while waiting, one call at a time.
        on_result: Called with the result of each stack when it is done, one call at a time.
        concurrency: How many stacks are worked on at once.
        allow_replacement: Also replace and remove what holds data, or what something runs on.
        recreate_failed: Delete what a failed creation left, and create the stack again.
        bucket: Where templates go that a request cannot carry.
        project: The project's name, by which `orphans` knows its stacks again.
        elsewhere: Tells of a job, by its identity, whether it may exist though it is not among the
            units' jobs: what it shares with them is kept as it is. By default each may.

    Returns:
        What became of each: shared units first, otherwise in the order given.

    Raises:
        DiagnosticError: a resource is refused, a template is too large, or parameters are missing
            (all are named); nothing has been deployed then.
        InterruptedRunError: Ctrl-C; it carries the results. What CloudFormation has begun goes on.

    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html
    """
    inputs = Inputs(parameters=parameters, bucket=bucket, project=project, elsewhere=elsewhere)
    checked = inputs.check(sorted(units, key=lambda unit: unit.kind is not UnitKind.SHARED))
    stop = Flag()
    tell, report = one_at_a_time(on_event), one_at_a_time(on_result)

    def task(unit: Unit) -> Task[StackResult]:
        def work() -> StackResult:
            try:
                watch = Watch(client=clients(unit.target), on_event=tell, stop=stop)
                deployment = _Deployment(unit, watch, inputs, allow_replacement, recreate_failed)
                result = deployment.run()
            except (BotoCoreError, ClientError) as error:
                result = _failed(unit, unit.name(STACK), str(error))
            report(result)
            return result

        def skip(reason: str) -> StackResult:
            result = _skipped(unit, unit.name(STACK), reason)
            report(result)
            return result

        return Task(key=unit.identity, needs=frozenset(unit.needs), work=work, skip=skip)

    return run(
        [task(unit) for unit in checked],
        failed=lambda result: result.action.unfinished,
        stop=stop,
        concurrency=concurrency,
    )


@dataclass(slots=True)
class _Deployment:
    """One stack, being deployed."""

    unit: Unit
    watch: Watch
    inputs: Inputs
    allow_replacement: bool
    recreate_failed: bool
    name: str = ""
    begun: bool = False
    """Whether CloudFormation goes on by itself."""

    def run(self) -> StackResult:
        """Create or update the stack, wait for it, and return what became of it."""
        try:
            return self._run()
        except StoppedError:
            if not self.begun:
                return _skipped(self.unit, self.name, "the run was interrupted")
            return StackResult(unit=self.unit, stack=self.name, action=Action.LEFT)
        except (BotoCoreError, ClientError) as error:
            return _failed(self.unit, self.name, str(error))

    def _run(self) -> StackResult:
        self.name, before = self.watch.find(self.unit)
        stack = to_stack(self.unit, self.inputs.project)
        if before.get("StackStatus") == "ROLLBACK_COMPLETE" and self.recreate_failed:
            before = self._removed(before)
        found, reason = standing(self.watch, self.name, before, stack, self.inputs)
        if found:
            return self._result(Action.FAILED, found)
        if reason:
            return StackResult(unit=self.unit, stack=self.name, action=Action.KEPT, reason=reason)
        made = change_sets.make(self.watch, self.name, before, self.inputs.request(stack))
        if made.failed:
            change_sets.discard(self.watch, made)
            if made.empty:
                return self._done(Action.UNCHANGED, before, stack)
            return _failed(self.unit, self.name, made.reason)
        found = guard(changes_of(made.changes, stack), self.name, stack)
        if found and not self.allow_replacement:
            change_sets.discard(self.watch, made)
            return self._result(Action.FAILED, found)
        return self._executed(made, stack)

    def _removed(self, before: Mapping[str, Any]) -> Mapping[str, Any]:
        """Delete what a failed creation left, and return what is known of the stack then."""
        stack_id = before["StackId"]
        last = self.watch.last_event(stack_id)
        self.watch.client.delete_stack(StackName=stack_id)
        self.begun = True
        after, _ = self.watch.settled(self.name, stack_id, last)
        self.begun = False
        return after

    def _executed(self, made: ChangeSet, stack: Stack) -> StackResult:
        last = self.watch.last_event(made.stack_id)
        change_sets.execute(self.watch, made)
        self.begun = True
        after, events = self.watch.settled(self.name, made.stack_id, last)
        status = after["StackStatus"]
        if status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
            action = Action.CREATED if made.creates else Action.UPDATED
            return self._done(action, after, stack)
        if found := failures(self.unit, events, stack.logical_ids):
            return self._result(Action.FAILED, found)
        return _failed(self.unit, self.name, after.get("StackStatusReason") or status)

    def _done(self, action: Action, described: Mapping[str, Any], stack: Stack) -> StackResult:
        protected = is_protected(self.unit)
        if described.get("EnableTerminationProtection", False) != protected:
            self.watch.client.update_termination_protection(
                StackName=self.name, EnableTerminationProtection=protected
            )
        return StackResult(
            unit=self.unit,
            stack=self.name,
            action=action,
            outputs=outputs_of(described, stack.outputs),
        )

    def _result(self, action: Action, found: tuple[Diagnostic, ...]) -> StackResult:
        first, *others = found
        return StackResult(
            unit=self.unit,
            stack=self.name,
            action=action,
            diagnostic=first,
            further=tuple(others),
        )


def _failed(unit: Unit, name: str, reason: str) -> StackResult:
    message = f"{unit.identity} could not be deployed: {reason}"
    diagnostic = DEPLOY_FAILED.at(place_of(unit), message)
    return StackResult(unit=unit, stack=name, action=Action.FAILED, diagnostic=diagnostic)


def _skipped(unit: Unit, name: str, reason: str) -> StackResult:
    diagnostic = SKIPPED.at(place_of(unit), f"{unit.identity} was left as it is: {reason}.")
    return StackResult(unit=unit, stack=name, action=Action.SKIPPED, diagnostic=diagnostic)
