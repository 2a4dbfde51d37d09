"""What is wrong, where, and what to do about it.

Everything this library has to say about somebody's files is a `Diagnostic`: made from a `Rule` of
the table in `rules`, at a `Location`, with a remedy. Diagnostics are collected and reported
together; nothing stops at the first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Report: TypeAlias = Callable[["Diagnostic"], None]
    """What takes diagnostics as they are found."""


class Severity(StrEnum):
    """How much a diagnostic matters: an error stops the run before anything is changed."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in a file; line and column count from 1."""

    file: str
    line: int = 1
    column: int = 1
    text: str = field(default="", compare=False, repr=False)
    """The whole line as it stands in the file, for showing it with a caret."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One thing to say about one place."""

    code: str
    severity: Severity
    message: str
    location: Location | None = None
    remedy: str = ""
    related: tuple[tuple[Location, str], ...] = ()
    """Other places that take part, each with what it is."""

    def __str__(self) -> str:
        where = f"{self.location}: " if self.location else ""
        return printable(f"{where}{self.severity} {self.code}: {self.message}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A kind of diagnostic, as data: what `explain CODE` prints and what each case starts from."""

    code: str
    severity: Severity
    summary: str
    explanation: str
    remedy: str

    def at(
        self,
        location: Location | None,
        message: str = "",
        *,
        remedy: str = "",
        word: str = "",
        choices: Iterable[str] = (),
        related: Iterable[tuple[Location, str]] = (),
        severity: Severity | None = None,
    ) -> Diagnostic:
        """Return this rule's diagnostic for one place.

        `message` and `remedy` default to the rule's own. With `word` and `choices` a choice near
        the word is suggested before the remedy.
        """
        near = did_you_mean(word, choices)
        return Diagnostic(
            code=self.code,
            severity=severity or self.severity,
            message=message or self.summary,
            location=location,
            remedy=" ".join(part for part in (near, remedy or self.remedy) if part),
            related=tuple(related),
        )


class DiagnosticError(Exception):
    """Raised by the Python interface when errors were found; carries all diagnostics of the run."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = in_order(diagnostics)
        errors = [each for each in self.diagnostics if each.severity is Severity.ERROR]
        lines = [f"{each}" + (f"\n    {each.remedy}" if each.remedy else "") for each in errors]
        plural = "" if len(errors) == 1 else "s"
        super().__init__(f"{len(errors)} error{plural} in the job files\n" + "\n".join(lines))


def raise_errors(diagnostics: Iterable[Diagnostic]) -> None:
    """Raise `DiagnosticError` when one of the diagnostics is an error."""
    diagnostics = list(diagnostics)
    if has_errors(diagnostics):
        raise DiagnosticError(diagnostics)


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Return whether one of the diagnostics is an error."""
    return any(each.severity is Severity.ERROR for each in diagnostics)


def in_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return the diagnostics by file, place and code, each once; those without a place first."""
    nowhere = Location("", 0, 0)
    unique = dict.fromkeys(diagnostics)
    return tuple(
        sorted(unique, key=lambda each: (each.location or nowhere, each.code, each.message))
    )


def printable(text: str) -> str:
    """Return a text with a blank for each character that could steer a terminal."""
    return "".join(each if each.isprintable() else " " for each in text)


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """Return "Did you mean `x`?" for the choice nearest to the word, or nothing."""
    by_folded = {choice.casefold(): choice for choice in choices}
    near = get_close_matches(word.casefold(), by_folded, n=1, cutoff=0.6) if word else []
    return f"Did you mean `{by_folded[near[0]]}`?" if near else ""
