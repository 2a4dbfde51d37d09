"""Diagnostics as text for people and as data for machines."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from unicodedata import combining, east_asian_width

from dativo_infra.diagnostics import Diagnostic, Location, Severity, printable
from dativo_infra.values import looks_secret

Paint = Callable[[str, str], str]
"""Colours a text by a style's name: `error`, `warning`, `note` or `faint`."""

_ASSIGNMENT = re.compile(r"(?P<name>[\w.-]+)(?:[\"']\s*:|\s*:(?=[\s-])|\s*=)\s*(?P<value>\S.*)")
"""A key and all that follows it; also the `NAME:-default` of a variable."""
_VARIABLE = re.compile(r"[\"']?\$\{\w+\}[\"']?\s*[,}]*\s*(#.*)?")
_LONGEST_LINE = 160


def plain(text: str, _style: str) -> str:
    """Return a text without colour."""
    return text


def as_text(diagnostics: Iterable[Diagnostic], paint: Paint = plain) -> str:
    """Return diagnostics as text, each with the line it is about and a caret.

    Warnings and notes that say the same of several places are shown once, with their number.
    """
    return "\n\n".join(_one(each, more, paint) for each, more in _collapsed(diagnostics))


def summary(diagnostics: Iterable[Diagnostic]) -> str:
    """Return the numbers of errors, warnings and notes, such as `1 error, 2 warnings`."""
    severities = [each.severity for each in diagnostics]
    return ", ".join(
        count_of(severities.count(severity), severity)
        for severity in Severity
        if severity in severities
    )


def count_of(number: int, thing: str) -> str:
    """Return a number with its noun, such as `1 job` or `2 jobs`."""
    return f"{number:,} {thing}" + ("" if number == 1 else "s")


def as_data(diagnostics: Iterable[Diagnostic]) -> list[dict[str, Any]]:
    """Return diagnostics as plain data for JSON."""
    return [
        {
            "code": each.code,
            "severity": str(each.severity),
            "message": each.message,
            "remedy": each.remedy,
            **_place(each.location),
            "related": [{**_place(place), "what": what} for place, what in each.related],
        }
        for each in diagnostics
    ]


def _place(location: Location | None) -> dict[str, Any]:
    if location is None:
        return {"file": None, "line": None, "column": None}
    return {"file": location.file, "line": location.line, "column": location.column}


def _collapsed(diagnostics: Iterable[Diagnostic]) -> Iterator[tuple[Diagnostic, int]]:
    groups: dict[Any, list[Diagnostic]] = {}
    for index, each in enumerate(diagnostics):
        alone = each.severity is Severity.ERROR
        groups.setdefault(index if alone else (each.code, each.message), []).append(each)
    for group in groups.values():
        yield group[0], len(group) - 1


def _one(diagnostic: Diagnostic, more: int, paint: Paint) -> str:
    style = str(diagnostic.severity)
    message = printable(diagnostic.message)
    lines = [f"{paint(f'{style}[{diagnostic.code}]', style)}: {message}"]
    place = diagnostic.location
    if place is not None:
        also = f" and {count_of(more, 'more place')}" if more else ""
        lines.append(f"  {paint('-->', 'faint')} {printable(str(place))}{also}")
        lines.extend(_snippet(place, style, paint))
    for other, what in diagnostic.related:
        lines.append(f"  {paint('=', 'faint')} {printable(f'{what}: {other}')}")
    if diagnostic.remedy:
        lines.append(f"  {paint('= help:', 'faint')} {printable(diagnostic.remedy)}")
    return "\n".join(lines)


def _snippet(place: Location, style: str, paint: Paint) -> Iterator[str]:
    # Cut before anything is searched in it: a file can be one line of megabytes.
    line = place.text[:_LONGEST_LINE]
    if not line.strip() or place.column > _LONGEST_LINE:
        return
    text = printable(_masked(line))
    before = sum(map(_width, line[: place.column - 1]))
    number = str(place.line)
    bar = paint("|", "faint")
    yield f"{' ' * len(number)} {bar}"
    yield f"{number} {bar} {text}"
    yield f"{' ' * len(number)} {bar} {' ' * before}{paint('^', style)}"


def _width(character: str) -> int:
    """Return how many cells of a terminal a character takes."""
    if combining(character):
        return 0
    return 2 if east_asian_width(character) in "WF" else 1


def _masked(line: str) -> str:
    """Return the line with all hidden that follows a key that looks like a secret's."""
    start = 0
    while match := _ASSIGNMENT.search(line, start):
        if looks_secret(match["name"]) and not _VARIABLE.fullmatch(match["value"]):
            return f"{line[: match.start('value')]}***"
        start = match.start("value")
    return line
