"""Cron expressions of five fields: what the runner and each platform make of them."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class _Field:
    what: str
    least: int
    most: int
    names: tuple[str, ...] = ()

    def number(self, text: str) -> int:
        """Return the number that a text means; -1 where it means none."""
        if text.lower() in self.names:
            return self.names.index(text.lower()) + self.least
        return int(text) if re.fullmatch("[0-9]{1,4}", text) else -1

    def values(self, item: str) -> tuple[int, ...]:
        """Return the numbers that an item such as `1-9/2` means; none where it is wrong."""
        span, slash, step = item.partition("/")
        if slash and not (re.fullmatch("[0-9]{1,4}", step) and int(step) > 0):
            return ()
        if span in _EVERY_VALUE:
            ends = [self.least, self.most]
        else:
            ends = [self.number(end) for end in span.split("-")]
            if len(ends) > 2 or self.least > min(ends) or ends != sorted(ends):
                return ()
            if ends[-1] > self.most:
                return ()
            if slash and len(ends) == 1:
                ends.append(self.most)  # `5/10` is `5-59/10`
        return tuple(range(ends[0], ends[-1] + 1, int(step or 1)))


_EVERY_VALUE = ("*", "?")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_WEEKDAY = _Field("day of week", 0, 6, _DAYS)
_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of month", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _WEEKDAY,
)
_WORDS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_AMOUNT = r"([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)"
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}
_EVERY = re.compile(f"@every (?:{_AMOUNT})+")


def problem(text: str) -> str | None:
    """Return what is wrong with a schedule, or None.

    Kubernetes reads it by https://pkg.go.dev/github.com/robfig/cron/v3, where Sunday is 0 only.
    """
    if text in _WORDS or _EVERY.fullmatch(text):
        return None
    parts = text.split()
    if len(parts) != len(_FIELDS):
        return "must be a cron expression of five fields, such as `0 3 * * *`"
    for part, field in zip(parts, _FIELDS, strict=True):
        for item in part.split(","):
            if not field.values(item):
                limits = f"{field.least} to {field.most}"
                return f"has `{item}` for the {field.what}, which goes from {limits}"
    return None


def event_bridge_problem(text: str) -> str | None:
    """Return why a schedule cannot be one of EventBridge Scheduler, or None."""
    if wrong := problem(text):
        return wrong
    if _EVERY.fullmatch(text):
        seconds = _seconds(text)
        if seconds < 60 or seconds % 60:
            return "must be whole minutes: EventBridge knows nothing shorter"
        return None
    return _days_problem(text, "EventBridge")


def quartz_problem(text: str) -> str | None:
    """Return why a schedule cannot be one of Quartz, which Databricks has, or None."""
    if wrong := problem(text):
        return wrong
    if _EVERY.fullmatch(text):
        return "must say times, as Quartz knows no intervals"
    return _days_problem(text, "Quartz")


def _days_problem(text: str, what: str) -> str | None:
    _, _, day, _, weekday = _WORDS.get(text, text).split()
    if not _is_any(day) and not _is_any(weekday):
        return f"has a day of month and a day of week, of which {what} takes one alone"
    return None


def event_bridge(text: str) -> str:
    """Return a schedule that has no problem as an expression of EventBridge Scheduler.

    Source: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
    """
    if _EVERY.fullmatch(text):
        minutes = round(_seconds(text)) // 60
        return f"rate({minutes} minute{'' if minutes == 1 else 's'})"
    return f"cron({_with_one_day(text)} *)"


def quartz(text: str) -> str:
    """Return a schedule that has no problem as an expression of Quartz, which begins with seconds.

    Source: https://www.quartz-scheduler.org/documentation/quartz-2.3.0/tutorials/crontrigger.html
    """
    return f"0 {_with_one_day(text)}"


def _with_one_day(text: str) -> str:
    """Return the five fields with days of the week from 1, and `?` for one of the two days.

    Steps are written out, as lists mean the same everywhere.
    """
    parts = zip(_WORDS.get(text, text).split(), _FIELDS, strict=True)
    minute, hour, day, month, weekday = (_written(part, field) for part, field in parts)
    if weekday == "*":
        weekday = "?"
    else:
        day = "?"
    return f"{minute} {hour} {day} {month} {weekday}"


def _is_any(part: str) -> bool:
    return any(item in _EVERY_VALUE for item in part.split(","))


def _written(part: str, field: _Field) -> str:
    """Return a part as a list of numbers and ranges: an expression has 256 characters at most."""
    values = sorted({value for item in part.split(",") for value in field.values(item)})
    if len(values) == field.most - field.least + 1:
        return "*"
    runs: list[list[int]] = []
    for value in values:
        if runs and value == runs[-1][-1] + 1:
            runs[-1].append(value)
        else:
            runs.append([value])
    # EventBridge and Quartz count the days of the week from 1.
    shift = 1 if field is _WEEKDAY else 0
    return ",".join(
        f"{run[0] + shift}-{run[-1] + shift}" if len(run) > 1 else str(run[0] + shift)
        for run in runs
    )


def _seconds(text: str) -> float:
    found = re.findall(_AMOUNT, text)
    return round(sum(float(amount) * _SECONDS[unit] for amount, unit in found), 6)
