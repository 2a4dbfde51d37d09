"""How stacks come along: live on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Self

from dativo_infra.cli.common import say

if TYPE_CHECKING:
    from types import TracebackType

    from dativo_infra.adapters.results import DestroyResult, Event, StackPreview, StackResult


class Progress:
    """Tells events and results as they come, to standard error."""

    def __init__(self, total: int) -> None:
        self._live = _Live(total) if sys.stderr.isatty() else None

    def __enter__(self) -> Self:
        if self._live:
            self._live.bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._live:
            self._live.bars.stop()

    def event(self, event: Event) -> None:
        """Tell one event: that something began only where it is overwritten again."""
        reason = f": {event.reason}" if event.reason and event.failed else ""
        line = f"{event.stack}  {event.status}  {event.logical_id}{reason}"
        if self._live and not event.failed:
            self._live.now(event.stack, line)
        elif self._live:
            self._live.say(line)
        elif event.ended:
            say(line)

    def result(self, result: StackResult | StackPreview | DestroyResult) -> None:
        """Tell that a stack is done."""
        reason = f": {result.reason}" if result.reason else ""
        line = f"{result.stack}  {result.action}{reason}"
        if self._live:
            self._live.done(result.stack, line)
        else:
            say(line)


class _Live:
    """What a terminal shows: a bar for all stacks, and a line for each that is worked on."""

    def __init__(self, total: int) -> None:
        from rich import progress
        from rich.console import Console

        self.bars = progress.Progress(
            progress.SpinnerColumn(),
            progress.TextColumn("{task.description}", markup=False),
            progress.BarColumn(bar_width=20),
            progress.MofNCompleteColumn(),
            progress.TimeElapsedColumn(),
            console=Console(stderr=True, highlight=False, emoji=False),
            transient=True,
        )
        self.all = self.bars.add_task("stacks", total=total)
        self.tasks: dict[str, progress.TaskID] = {}

    def say(self, line: str) -> None:
        """Write a line above the bars."""
        self.bars.console.print(line, markup=False)

    def now(self, stack: str, line: str) -> None:
        """Show what happens to a stack."""
        if stack not in self.tasks:
            self.tasks[stack] = self.bars.add_task(line, total=None)
        self.bars.update(self.tasks[stack], description=line)

    def done(self, stack: str, line: str) -> None:
        """Show that a stack is done."""
        if stack in self.tasks:
            self.bars.remove_task(self.tasks.pop(stack))
        self.bars.advance(self.all)
        self.say(line)
