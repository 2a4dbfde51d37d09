"""Schedules: what is one, and what EventBridge Scheduler makes of it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dativo_infra.platforms import cron


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("0 3 * * *", True),
        ("@every 1h", True),
        ("@every 1h30m", True),
        ("@every .5h", True),
        ("@every", False),
        ("@every 1", False),
        ("@every 1d", False),
        ("@reboot", False),
        ("*/15 0-6,20 1 jan-mar MON", True),
        ("@daily", True),
        ("60 0 * * *", False),
        ("0 24 * * *", False),
        ("0 0 * * 7", False),
        ("0 0 * *", False),
        ("*/0 * * * *", False),
        ("9-5 * * * *", False),
        ("1-2-3 * * * *", False),
        ("TZ=UTC 0 0 * * *", False),
    ],
)
def test_schedules(text: str, *, good: bool) -> None:
    """A schedule is judged field by field."""
    assert (cron.problem(text) is None) is good


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("0 3 * * *", "cron(0 3 * * ? *)"),
        ("*/15 0-6,20 1 jan-mar *", "cron(0,15,30,45 0-6,20 1 1-3 ? *)"),
        ("0 9 * * MON-fri", "cron(0 9 ? * 2-6 *)"),
        ("0 9 ? * 0", "cron(0 9 ? * 1 *)"),
        ("50/5 * * * *", "cron(50,55 * * * ? *)"),
        ("*/1 0-23 * * 0-6", "cron(* * * * ? *)"),
        ("@weekly", "cron(0 0 ? * 1 *)"),
        ("@yearly", "cron(0 0 1 1 ? *)"),
        ("@every 1h30m", "rate(90 minutes)"),
        ("@every .5h", "rate(30 minutes)"),
        ("@every 60s", "rate(1 minute)"),
    ],
)
def test_expressions_of_eventbridge(text: str, expression: str) -> None:
    """A schedule becomes an expression that starts at the same times."""
    assert cron.event_bridge_problem(text) is None
    assert cron.event_bridge(text) == expression


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0 0 1 * 1", "takes one alone"),
        ("@every 90s", "whole minutes"),
        ("@every 1s", "whole minutes"),
        ("60 0 * * *", "goes from 0 to 59"),
    ],
)
def test_what_eventbridge_cannot_say(text: str, words: str) -> None:
    """A schedule that EventBridge has no expression for is refused, with the reason."""
    assert words in (cron.event_bridge_problem(text) or "")


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("0 3 * * *", "0 0 3 * * ?"),
        ("*/20 2-4 * * MON-FRI", "0 0,20,40 2-4 ? * 2-6"),
        ("30 4 1 */6 *", "0 30 4 1 1,7 ?"),
        ("@weekly", "0 0 0 ? * 1"),
    ],
)
def test_quartz(text: str, expression: str) -> None:
    """Seconds come first, Sunday is 1, and one of the two days is `?`."""
    assert cron.quartz_problem(text) is None
    assert cron.quartz(text) == expression


@pytest.mark.parametrize(
    ("text", "words"),
    [("0 0 1 * 1", "Quartz takes one alone"), ("@every 1h", "intervals"), ("x", "five fields")],
)
def test_what_quartz_cannot_say(text: str, words: str) -> None:
    """A schedule that Quartz has no expression for is refused, with the reason."""
    assert words in (cron.quartz_problem(text) or "")


RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))


@st.composite
def schedules(draw: st.DrawFn) -> str:
    """Return schedules of five fields, of which at most one of the two days is restricted."""
    free = draw(st.sampled_from([2, 4]))
    parts = []
    for place, (least, most) in enumerate(RANGES):
        numbers = st.integers(least, most)
        spans = st.tuples(numbers, numbers).map(lambda ends: f"{min(ends)}-{max(ends)}")
        steps = st.integers(1, most).map(lambda step: f"*/{step}")
        item = st.one_of(numbers.map(str), spans, steps)
        some = st.lists(item, min_size=1, max_size=3).map(",".join)
        parts.append("*" if place == free else draw(st.one_of(st.just("*"), some)))
    return " ".join(parts)


def _matching(field: str, least: int, most: int) -> set[int]:
    """Return the numbers that a field of cron means, in the plainest way."""
    found: set[int] = set()
    for item in field.split(","):
        span, _, step = item.partition("/")
        first, _, last = span.partition("-")
        low, high = (least, most) if span in {"*", "?"} else (int(first), int(last or first))
        found |= set(range(low, high + 1, int(step or 1)))
    return found


@given(schedules())
def test_eventbridge_means_the_same_times(text: str) -> None:
    """Minutes, hours, days and months of the expression are those of the schedule."""
    if cron.event_bridge_problem(text):
        return
    assert len(cron.event_bridge(text)) <= 256
    found = re.fullmatch(r"cron\((.*) \*\)", cron.event_bridge(text))
    assert found
    parts = found[1].split()
    assert [part == "?" for part in (parts[2], parts[4])] in ([True, False], [False, True])
    for place, (given_part, part, (least, most)) in enumerate(
        zip(text.split(), parts, RANGES, strict=True)
    ):
        # The days of the week begin with 1 there.
        shift = 1 if place == 4 else 0
        expected = {number + shift for number in _matching(given_part, least, most)}
        assert _matching(part, least + shift, most + shift) == expected
