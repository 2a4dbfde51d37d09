"""Many stacks at once, and Ctrl-C."""

from __future__ import annotations

import signal
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from dativo_infra.adapters.cloudformation.deploy import deploy, watch
from dativo_infra.adapters.pool import Task, run
from dativo_infra.adapters.results import Action, InterruptedRunError
from dativo_infra.names import Identity

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def ctrl_c_counts() -> Iterator[None]:
    """A process in the background ignores Ctrl-C; here it never does."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def press_ctrl_c() -> None:
    """Interrupt the main thread, once it waits."""
    time.sleep(0.05)
    main = threading.main_thread().ident
    assert main
    signal.pthread_kill(main, signal.SIGINT)


def task(key: str, *needs: str, work: Any = None) -> Task[str]:
    """Return a task whose result is its key, or why it was skipped."""
    return Task(
        key=key, needs=frozenset(needs), work=work or (lambda: key), skip=lambda why: f"-{why}"
    )


def go(*tasks: Task[str], concurrency: int = 8) -> list[str]:
    """Run tasks; a result that begins with `-` is a failure."""
    return run(
        tasks,
        failed=lambda result: result.startswith("-"),
        stop=threading.Event(),
        concurrency=concurrency,
    )


def test_results_are_in_the_order_given() -> None:
    """The order of the results does not depend on what is done first."""
    slow = threading.Event()

    def wait() -> str:
        slow.wait(5)
        return "slow"

    def quick() -> str:
        slow.set()
        return "quick"

    assert go(task("slow", work=wait), task("quick", work=quick)) == ["slow", "quick"]


def test_needs_come_first_wherever_they_stand() -> None:
    """A task begins when all that it needs is done; needs outside of the run do not count."""
    done: list[str] = []

    def noting(key: str) -> Any:
        def work() -> str:
            done.append(key)
            return key

        return work

    tasks = [
        task("user", "shared", "base", "elsewhere", work=noting("user")),
        task("shared", "base", work=noting("shared")),
        task("base", work=noting("base")),
    ]
    assert go(*tasks) == ["user", "shared", "base"]
    assert done == ["base", "shared", "user"]


def test_failure_stops_what_depends_on_it_alone() -> None:
    """Dependents of a failure are skipped with the reason, the others are done."""
    tasks = [
        task("bad", work=lambda: "-bad"),
        task("user", "bad"),
        task("user of user", "user"),
        task("free"),
    ]
    assert go(*tasks) == ["-bad", "-it needs bad", "-it needs user", "free"]


def test_bound_is_kept_and_used() -> None:
    """Never more than the number are worked on at once, and as many as that are."""
    lock, now, most = threading.Lock(), 0, 0

    def work() -> str:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.005)
        with lock:
            now -= 1
        return "x"

    assert go(*[task(str(each), work=work) for each in range(30)], concurrency=4) == ["x"] * 30
    assert most == 4


def test_ctrl_c_begins_nothing_new() -> None:
    """At Ctrl-C what runs gives its result, what waits is skipped, and the results are kept."""

    def interrupt() -> str:
        press_ctrl_c()
        time.sleep(0.05)
        return "finished"

    tasks = [task("first", work=interrupt), task("later", "first"), task("last", "later")]
    with pytest.raises(InterruptedRunError) as caught:
        go(*tasks, concurrency=1)
    why = "-the run was interrupted"
    assert caught.value.results == ["finished", why, why]


class Endless:
    """A client whose stacks are never done."""

    def __init__(self) -> None:
        self.executed = False

    def __getattr__(self, _: str) -> Any:
        return lambda **_: {}

    def describe_stacks(self, **_: Any) -> dict[str, Any]:
        """Answer that the stack is being updated once that was begun; then press Ctrl-C."""
        if self.executed:
            press_ctrl_c()
        status = "UPDATE_IN_PROGRESS" if self.executed else "CREATE_COMPLETE"
        return {
            "Stacks": [
                {
                    "StackId": "id",
                    "StackName": "s",
                    "Description": "x (dativo-infra)",
                    "StackStatus": status,
                }
            ]
        }

    def create_change_set(self, **_: Any) -> dict[str, Any]:
        """Make a change set."""
        return {"Id": "change", "StackId": "id"}

    def describe_change_set(self, **_: Any) -> dict[str, Any]:
        """Answer that it is worked out."""
        return {"Status": "CREATE_COMPLETE", "Changes": []}

    def execute_change_set(self, **_: Any) -> None:
        """Begin."""
        self.executed = True

    def get_paginator(self, _: str) -> Any:
        """There are no events."""
        return self

    def paginate(self, **_: Any) -> list[Any]:
        """There are no events."""
        return []


def test_ctrl_c_says_what_goes_on_by_itself(
    unit: Any, samples: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stack that CloudFormation works on is left to it at once; the next is not begun."""
    monkeypatch.setattr(watch, "POLL_SECONDS", 60)
    first = unit(samples["logs"], identity=Identity("a", "b", "c"))
    second = unit(samples["logs"], identity=Identity("a", "b", "d"))
    client = Endless()
    begun = time.monotonic()
    with pytest.raises(InterruptedRunError) as caught:
        deploy([first, second], clients=lambda _: client, parameters={}, concurrency=1)
    assert time.monotonic() - begun < 10
    actions = [result.action for result in caught.value.results]
    assert actions == [Action.LEFT, Action.SKIPPED]
