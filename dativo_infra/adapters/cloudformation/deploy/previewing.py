"""`preview`: what a deployment would change, by change sets that are never executed."""

from __future__ import annotations

from threading import Event as Flag
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from dativo_infra.adapters.cloudformation.deploy import change_sets
from dativo_infra.adapters.cloudformation.deploy.changes import (
    changes_of,
    secret_properties,
)
from dativo_infra.adapters.cloudformation.deploy.deployed import standing, template_of
from dativo_infra.adapters.cloudformation.deploy.templates import Inputs, TemplateBucket, anyone
from dativo_infra.adapters.cloudformation.deploy.watch import StoppedError, Watch
from dativo_infra.adapters.cloudformation.template import is_protected, to_stack
from dativo_infra.adapters.pool import CONCURRENCY, Task, one_at_a_time, run
from dativo_infra.adapters.results import StackPreview, nobody, place_of
from dativo_infra.diagnostics.rules import DEPLOY_FAILED, SKIPPED
from dativo_infra.names import STACK
from dativo_infra.planning.result import Unit, UnitKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from dativo_infra.adapters.cloudformation.deploy.connection import Clients
    from dativo_infra.adapters.cloudformation.template import Stack
    from dativo_infra.diagnostics import Diagnostic


def preview(
    units: Iterable[Unit],
    *,
    clients: Clients,
    parameters: Mapping[str, str],
    on_result: Callable[[StackPreview], None] = nobody,
    concurrency: int = CONCURRENCY,
    bucket: TemplateBucket | None = None,
    project: str | None = None,
    elsewhere: Callable[[str], bool] = anyone,
) -> list[StackPreview]:
    """Return what `deploy` would change. Nothing is changed; each change set is deleted again.

    Args:
        units: What would be deployed.
        clients: Gives the client for a unit's target.
        parameters: Values by the names that jobs use; a list is joined by commas.
        on_result: Called with each when it is known, one call at a time.
        concurrency: How many stacks are looked at at once.
        bucket: Where templates go that a request cannot carry.
        project: The project's name, as for `deploy`.
        elsewhere: As for `deploy`.

    Returns:
        The changes of each: shared units first, otherwise in the order given.

    Raises:
        DiagnosticError: a resource is refused, a template is too large, or parameters are missing
            (all are named).
        InterruptedRunError: Ctrl-C.

    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeChangeSet.html
    """
    inputs = Inputs(parameters=parameters, bucket=bucket, project=project, elsewhere=elsewhere)
    checked = inputs.check(sorted(units, key=lambda unit: unit.kind is not UnitKind.SHARED))
    stop = Flag()
    report = one_at_a_time(on_result)

    def task(unit: Unit) -> Task[StackPreview]:
        def work() -> StackPreview:
            result = look()
            report(result)
            return result

        def look() -> StackPreview:
            try:
                return _look(unit, Watch(client=clients(unit.target), stop=stop), inputs)
            except StoppedError:
                return skip("the run was interrupted")
            except (BotoCoreError, ClientError) as error:
                message = f"{unit.identity} could not be previewed: {error}"
                return _without(unit, DEPLOY_FAILED.at(place_of(unit), message))

        def skip(reason: str) -> StackPreview:
            message = f"{unit.identity} was not looked at: {reason}."
            return _without(unit, SKIPPED.at(place_of(unit), message))

        return Task(key=unit.identity, work=work, skip=skip)

    return run(
        [task(unit) for unit in checked],
        failed=lambda _: False,
        stop=stop,
        concurrency=concurrency,
    )


def _without(unit: Unit, *diagnostics: Diagnostic) -> StackPreview:
    return StackPreview(unit=unit, stack=unit.name(STACK), diagnostics=diagnostics)


def _look(unit: Unit, watch: Watch, inputs: Inputs) -> StackPreview:
    name, before = watch.find(unit)
    stack = to_stack(unit, inputs.project)
    found, reason = standing(watch, name, before, stack, inputs)
    if found or reason:
        return StackPreview(unit=unit, stack=name, diagnostics=found, reason=reason)
    made = change_sets.make(watch, name, before, inputs.request(stack))
    try:
        if made.failed and not made.empty:
            message = f"{unit.identity} could not be previewed: {made.reason}"
            diagnostic = DEPLOY_FAILED.at(place_of(unit), message)
            return StackPreview(unit=unit, stack=name, diagnostics=(diagnostic,))
        secret = _secret(watch, name, stack, deployed=not made.creates)
        protected = is_protected(unit)
        same = before.get("EnableTerminationProtection", False) == protected
        return StackPreview(
            unit=unit,
            stack=name,
            creates=made.creates,
            changes=tuple(changes_of(made.changes, stack, secret)),
            protection=None if same else protected,
        )
    finally:
        change_sets.discard(watch, made)


def _secret(watch: Watch, name: str, stack: Stack, *, deployed: bool) -> set[tuple[str, str]]:
    """Return the properties that a secret is, or was, part of."""
    found = secret_properties(stack.document)
    if deployed:
        found |= secret_properties(template_of(watch, name))
    return found
