"""Diagnostics as text for people and as data for machines."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from dativo_infra.diagnostics import Diagnostic, Location, Severity
from dativo_infra.values import looks_secret

Paint = Callable[[str, str], str]
"""Colours a text by a style's name: `error`, `warning`, `note` or `faint`."""

_KEY_AND_VALUE = re.compile(r"^(?P<key>\s*(?:- )?[\"']?(?P<name>[\w.-]+)[\"']?\s*:\s+)(?P<value>\S.*)$")
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
    lines = [f"{paint(f'{style}[{diagnostic.code}]', style)}: {diagnostic.message}"]
    place = diagnostic.location
    if place is not None:
        also = f" and {count_of(more, 'more place')}" if more else ""
        lines.append(f"  {paint('-->', 'faint')} {place}{also}")
        lines.extend(_snippet(place, style, paint))
    for other, what in diagnostic.related:
        lines.append(f"  {paint('=', 'faint')} {what}: {other}")
    if diagnostic.remedy:
        lines.append(f"  {paint('= help:', 'faint')} {diagnostic.remedy}")
    return "\n".join(lines)


def _snippet(place: Location, style: str, paint: Paint) -> Iterator[str]:
    if not place.text.strip():
        return
    text = _masked(place.text)
    # Control characters in a file must not reach the terminal.
    text = "".join(character if character.isprintable() else " " for character in text)
    number = str(place.line)
    bar = paint("|", "faint")
    if place.column <= _LONGEST_LINE:
        yield f"{' ' * len(number)} {bar}"
        yield f"{number} {bar} {text[:_LONGEST_LINE]}"
        yield f"{' ' * len(number)} {bar} {' ' * (place.column - 1)}{paint('^', style)}"


def _masked(line: str) -> str:
    """Return the line with the value hidden where its key looks like a secret's."""
    match = _KEY_AND_VALUE.match(line)
    if match and looks_secret(match["name"]) and "${" not in match["value"]:
        return f"{match['key']}***"
    return line
