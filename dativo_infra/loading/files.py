"""Which files are meant, and their text."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from dativo_infra.diagnostics import Diagnostic, Location, rules
from dativo_infra.project import FILE_NAME

_SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that may be a job; `named` when the user named it and not just its folder."""

    path: str
    named: bool


def find(arguments: Iterable[str | os.PathLike[str]]) -> tuple[list[Candidate], list[Diagnostic]]:
    """Return the YAML files that files, folders and patterns mean, each once, in order.

    Folders are searched below, without hidden ones; links to folders are not followed.
    """
    found: dict[str, Candidate] = {}
    diagnostics: list[Diagnostic] = []
    for argument in map(os.fspath, arguments):
        candidates = list(_expand(argument))
        if not candidates:
            diagnostics.append(
                rules.NO_FILES.at(None, f"`{argument}` is no file or folder with YAML files.")
            )
        for candidate in candidates:
            found.setdefault(os.path.normpath(candidate.path), candidate)
    return list(found.values()), diagnostics


def _expand(argument: str) -> Iterator[Candidate]:
    if os.path.isdir(argument):  # noqa: PTH112 - os.path and os.walk are twice as fast on fleets
        yield from (Candidate(path, named=False) for path in _below(argument))
    elif os.path.exists(argument):  # noqa: PTH110
        yield Candidate(argument, named=True)
    elif glob.has_magic(argument):
        for match in sorted(glob.glob(argument, recursive=True)):  # noqa: PTH207
            if os.path.isdir(match):  # noqa: PTH112
                continue
            if match.endswith(_SUFFIXES) and Path(match).name != FILE_NAME:
                yield Candidate(match, named=False)


def _below(folder: str) -> Iterator[str]:
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.endswith(_SUFFIXES) and not name.startswith(".") and name != FILE_NAME:
                yield os.path.join(root, name)  # noqa: PTH118


def read(path: str) -> str | Diagnostic:
    """Return the text of a file, without its byte order mark, or why it cannot be had."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            content = file.read()
    except OSError as error:
        what = f"The file cannot be read: {error.strerror}."
        return rules.UNREADABLE.at(Location(path), what)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line = before.count(b"\n")
        column = len(before) - (before.rfind(b"\n") + 1)
        what = f"The byte 0x{content[error.start]:02x} is not UTF-8 text."
        return rules.NOT_UTF8.at(Location(path, line + 1, column + 1), what)


def project_file_above(paths: Iterable[str]) -> list[Path]:
    """Return the nearest project file above each path, each once."""
    found: dict[Path, None] = {}
    seen: set[Path] = set()
    for path in paths:
        start = Path(path).absolute()
        folder = start if start.is_dir() else start.parent
        if folder in seen:
            continue
        seen.add(folder)
        for each in (folder, *folder.parents):
            if (each / FILE_NAME).is_file():
                found[each / FILE_NAME] = None
                break
    return list(found)
