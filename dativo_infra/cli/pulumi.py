"""Pulumi's stacks, for the commands that work on them."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import click

from dativo_infra.cli.common import need_pulumi, say
from dativo_infra.cli.stacks import Tool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from dativo_infra.adapters.pulumi.deploy import Engine, Stack
    from dativo_infra.adapters.results import DestroyResult, Doomed, StackPreview, StackResult
    from dativo_infra.cli.common import Run
    from dativo_infra.cli.progress import Progress
    from dativo_infra.planning import JobPlan, Unit


@contextmanager
def opened(
    run: Run,
    *,
    endpoint_url: str | None,
    region: str | None,
    concurrency: int,
    stack: str | None,
    **_of_others: Any,
) -> Iterator[Pulumi]:
    """Find the CLI and the project.

    Raises:
        DiagnosticError: there is no CLI that can be used.
    """
    need_pulumi(run.plan.owned_by("pulumi"))
    from dativo_infra.adapters.pulumi.deploy import open_engine

    variables = {"AWS_ENDPOINT_URL": endpoint_url, "AWS_REGION": region}
    with open_engine({name: value for name, value in variables.items() if value}) as engine:
        yield Pulumi(run, engine, stack=stack, parallel=concurrency)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What of a run is in one stack."""

    stack: Stack
    units: tuple[Unit, ...]
    jobs: tuple[JobPlan, ...]


class Pulumi(Tool):
    """A stack for each environment, or the one that was named, as its configuration says."""

    name: ClassVar[str] = "pulumi"

    def __init__(self, run: Run, engine: Engine, *, stack: str | None, parallel: int) -> None:
        super().__init__(run)
        self._engine = engine
        self._stack = stack
        self._parallel = parallel

    def deploy(
        self,
        progress: Progress,
        *,
        allow_replacement: bool,
        recreate_failed: bool,  # noqa: ARG002 - Pulumi goes on with what a failed run left
    ) -> list[StackResult]:
        """Build the units of each stack, one stack after the other."""
        from dativo_infra.adapters.pulumi.deploy import deploy

        return self._each_built(
            lambda part: deploy(
                part.units,
                part.jobs,
                stack=part.stack,
                on_event=progress.event,
                on_result=progress.result,
                allow_replacement=allow_replacement,
                **self._said(),
            )
        )

    def preview(self, progress: Progress) -> list[StackPreview]:
        """Return what the engine would do."""
        from dativo_infra.adapters.pulumi.deploy import preview

        return self._each_built(
            lambda part: preview(
                part.units,
                part.jobs,
                stack=part.stack,
                on_result=progress.result,
                **self._said(),
            )
        )

    def doomed(self) -> list[Doomed]:
        """Return the units that the stacks have."""
        from dativo_infra.adapters.pulumi.deploy import doomed

        return self._each(lambda part: doomed(part.units, stack=part.stack))

    def orphans(self, selected: tuple[str | None, str | None]) -> list[Doomed]:
        """Return what the stacks have and no job of the project names any more."""
        from dativo_infra.adapters.pulumi.deploy import orphans
        from dativo_infra.planning import Selection

        if not self.run.whole:
            return []
        return self._each(
            lambda part: orphans(
                part.units,
                stack=part.stack,
                selection=Selection(tenant=selected[0], environment=selected[1]),
                existing=self.run.existing,
            )
        )

    def destroy(self, found: list[Doomed], progress: Progress) -> list[DestroyResult]:
        """Delete units from their stacks."""
        from dativo_infra.adapters.pulumi.deploy import destroy

        return self._each(
            lambda part: destroy(
                [each for each in found if each.stack.partition(":")[0] == part.stack.name],
                stack=part.stack,
                on_event=progress.event,
                on_result=progress.result,
                parallel=self._parallel,
            )
        )

    def outputs(
        self,
        *,
        show_secrets: bool = False,  # noqa: ARG002 - it gives none
    ) -> Mapping[str, Mapping[str, str] | None]:
        """Return what the stacks export for each job."""
        from dativo_infra.adapters.pulumi.deploy import outputs

        known: dict[str, Mapping[str, str]] = {}
        for part in self._parts:
            known.update(outputs(part.stack))
        return {
            str(job.job.identity): known.get(str(job.job.identity))
            for part in self._parts
            for job in part.jobs
            if job.unit or job.shared
        }

    def _each_built(self, work: Callable[[Part], Iterable[Any]]) -> list[Any]:
        # A shard may have none of the run's units.
        return self._each(lambda part: work(part) if part.units else [])

    def _each(self, work: Callable[[Part], Iterable[Any]]) -> list[Any]:
        """Return what work on each stack gives.

        Raises:
            PartlyDoneError: some stacks cannot be worked on.
            InterruptedRunError: Ctrl-C; it carries the results of all until then.
        """
        from dativo_infra.adapters.results import InterruptedRunError, PartlyDoneError
        from dativo_infra.diagnostics import Diagnostic, DiagnosticError

        results: list[Any] = []
        problems: list[Diagnostic] = []
        for part in self._parts:
            try:
                results += work(part)
            except InterruptedRunError as error:
                raise InterruptedRunError([*results, *error.results]) from error
            except DiagnosticError as error:
                problems.extend(error.diagnostics)
        if problems:
            raise PartlyDoneError(problems, results)
        return results

    def _said(self) -> dict[str, Any]:
        """Return what deploying and previewing take."""
        return {
            # The environment is weaker than the stack's configuration, as it is for `pulumi up`.
            "parameters": self.run.given,
            "elsewhere": self.run.elsewhere(),
            "parallel": self._parallel,
        }

    @cached_property
    def _parts(self) -> list[Part]:
        """The stacks of the run.

        Raises:
            DiagnosticError: a stack cannot be asked, or a unit is of two.
        """
        from dativo_infra.adapters.results import place_of
        from dativo_infra.diagnostics import raise_errors
        from dativo_infra.diagnostics.rules import CONTESTED

        names = [self._stack] if self._stack else self._environments()
        parts = [self._part(self._engine.stack(name)) for name in names]
        if self._stack and not parts[0].units:
            chosen = parts[0].stack.selection
            where = "/".join(filter(None, (chosen.tenant, chosen.environment)))
            raise click.UsageError(f"the stack {self._stack} is for {where}, which has no job here")
        taken = Counter(unit.identity for part in parts for unit in part.units)
        twice = [unit for unit in self.units if taken[unit.identity] > 1]
        raise_errors(
            CONTESTED.at(place_of(unit), f"Two stacks would build the {unit.description}.")
            for unit in twice
        )
        if left := [str(unit.identity) for unit in self.units if not taken[unit.identity]]:
            say(f"not selected by the configuration of {', '.join(names)}: {', '.join(left)}")
        return parts

    def _environments(self) -> list[str]:
        return sorted({each.job.environment for each in self.run.built_by(self.name)})

    def _part(self, stack: Stack) -> Part:
        from dativo_infra.adapters.results import place_of
        from dativo_infra.diagnostics import raise_errors
        from dativo_infra.diagnostics.rules import CONTESTED

        try:
            selection = stack.selection
        except ValueError as error:
            raise click.UsageError(f"the stack {stack.name}: {error}") from error
        chosen, _ = selection.jobs(each.job for each in self.run.plan.jobs)
        here = {job.identity for job in chosen}
        units = [unit for unit in self.units if not here.isdisjoint(unit.jobs)]
        raise_errors(
            CONTESTED.at(
                place_of(unit),
                f"The {unit.description} is also named by jobs of another stack: "
                f"{', '.join(map(str, sorted(set(unit.jobs) - here)))}.",
            )
            for unit in units
            if not here.issuperset(unit.jobs)
        )
        plan = replace(self.run.plan, units=tuple(units))
        jobs = tuple(
            each
            for each in self.run.plan.jobs
            if each.owner == self.name and each.job.identity in here
        )
        return Part(stack=stack, units=selection.units(plan, self.name), jobs=jobs)
