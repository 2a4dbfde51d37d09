"""Many stacks at once: each when what it needs is done, never more than a number, in order."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from threading import Event as Flag
from threading import Lock
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from dativo_infra.adapters.results import InterruptedRunError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

Result = TypeVar("Result")
Argument = TypeVar("Argument")

_MOMENT = 0.01
CONCURRENCY = 8
"""How many stacks are worked on at once, where nothing else is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task(Generic[Result]):
    """The work on one stack."""

    key: Hashable
    needs: frozenset[Any] = frozenset()
    """Keys of tasks that must be done before, of those that are in the run."""
    work: Callable[[], Result]
    skip: Callable[[str], Result]
    """Gives the result when it is not begun, from the reason."""


def run(
    tasks: Sequence[Task[Result]],
    *,
    failed: Callable[[Result], bool],
    stop: Flag,
    concurrency: int = CONCURRENCY,
) -> list[Result]:
    """Work on all tasks and return their results, in the tasks' order.

    Args:
        tasks: The work; needs go round in no circle.
        failed: Whether a result stops what needs it.
        stop: Set at Ctrl-C; then tasks give up waiting.
        concurrency: How many are worked on at once.

    Raises:
        InterruptedRunError: Ctrl-C; nothing further was begun.
    """
    known = {task.key for task in tasks}
    open_needs = {task.key: set(task.needs & known) for task in tasks}
    waiting: dict[Hashable, list[Task[Result]]] = defaultdict(list)
    for task in tasks:
        for need in open_needs[task.key]:
            waiting[need].append(task)
    ready = deque(task for task in tasks if not open_needs[task.key])
    results: dict[Hashable, Result] = {}
    running: dict[Future[Result], Task[Result]] = {}

    begun: set[Hashable] = set()
    ended: set[Hashable] = set()

    def begin(task: Task[Result]) -> Result:
        # Noted by who works on it: Ctrl-C may come before the pool knows its own thread.
        begun.add(task.key)
        try:
            results[task.key] = result = task.work()
        finally:
            ended.add(task.key)
        return result

    def finish(task: Task[Result], result: Result) -> None:
        for follower in waiting[task.key]:
            open_needs[follower.key].discard(task.key)
            if follower.key in results:
                continue
            if failed(result):
                results[follower.key] = skipped = follower.skip(f"it needs {task.key}")
                finish(follower, skipped)
            elif not open_needs[follower.key]:
                ready.append(follower)

    with ThreadPoolExecutor(max_workers=concurrency) as pool:
        try:
            while ready or running:
                while ready and len(running) < concurrency:
                    task = ready.popleft()
                    running[pool.submit(begin, task)] = task
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    finish(running.pop(future), future.result())
        except BaseException as error:
            stop.set()
            pool.shutdown(cancel_futures=True)
            while begun - ended:
                time.sleep(_MOMENT)
            if not isinstance(error, KeyboardInterrupt):
                raise
            left = "the run was interrupted"
            raise InterruptedRunError(
                [results[task.key] if task.key in results else task.skip(left) for task in tasks]
            ) from None
    return [results[task.key] for task in tasks]


def one_at_a_time(function: Callable[[Argument], None]) -> Callable[[Argument], None]:
    """Return a function that several threads can call, and that is never called twice at once."""
    lock = Lock()

    def call(argument: Argument) -> None:
        # A pipe that is closed must not leave stacks behind of which nobody is told.
        with lock, suppress(OSError):
            function(argument)

    return call
