"""Which files are meant, and their text."""
# os.path keeps a path as it was given, and costs less than pathlib on fleets.
# ruff: noqa: PTH100, PTH112, PTH113, PTH118, PTH119, PTH123, PTH207

from __future__ import annotations

import glob
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dativo_infra.diagnostics import Diagnostic, Location, rules
from dativo_infra.loading.yaml import MAX_SIZE
from dativo_infra.model import lines_of
from dativo_infra.project import FILE_NAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

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
    for given in arguments:
        argument = os.fspath(given)
        candidates = list(_expand(argument))
        if not candidates:
            diagnostics.append(
                rules.NO_FILES.at(None, f"`{argument}` is no file or folder with YAML files.")
            )
        for candidate in candidates:
            place = os.path.abspath(candidate.path)
            if candidate.named or place not in found:
                found[place] = candidate
    return list(found.values()), diagnostics


def _expand(argument: str) -> Iterator[Candidate]:
    if os.path.isdir(argument):
        yield from (Candidate(path, named=False) for path in _below(argument))
    elif os.path.lexists(argument):
        yield Candidate(argument, named=True)
    elif glob.has_magic(argument):
        for match in sorted(glob.glob(argument, recursive=True)):
            paths = _below(match) if os.path.isdir(match) else [match]
            for path in paths:
                if _may_be_job(os.path.basename(path)):
                    yield Candidate(path, named=False)


def _below(folder: str) -> Iterator[str]:
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if _may_be_job(name):
                yield os.path.join(root, name)


def _may_be_job(name: str) -> bool:
    return name.endswith(_SUFFIXES) and not name.startswith(".") and name != FILE_NAME


def read(path: str) -> str | Diagnostic:
    """Return the text of a file, without its byte order mark, or why it cannot be had."""
    try:
        with open(path, "rb") as file:
            # One byte more than is allowed tells that the file is too large.
            content = file.read(MAX_SIZE + 1)
    except OSError as error:
        what = f"The file cannot be read: {error.strerror}."
        return rules.UNREADABLE.at(Location(path), what)
    if len(content) > MAX_SIZE:
        what = f"The file is larger than {MAX_SIZE:,} bytes."
        return rules.TOO_COMPLEX.at(Location(path), what)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # Not `content`: the codec leaves the byte order mark out of what it counts.
        before = lines_of(error.object[: error.start].decode() + "|")
        what = f"The byte 0x{error.object[error.start]:02x} is not UTF-8 text."
        return rules.NOT_UTF8.at(Location(path, len(before), len(before[-1])), what)


def project_file_above(paths: Iterable[str]) -> list[Path]:
    """Return the nearest project file above each path, each once."""
    found: dict[Path, None] = {}
    seen: set[Path] = set()
    for path in paths:
        # `Path.absolute` would keep `..`, and `Path.is_dir` raises for a path that is too long.
        start = Path(os.path.abspath(path))
        folder = start if os.path.isdir(start) else start.parent
        if folder in seen:
            continue
        seen.add(folder)
        for each in (folder, *folder.parents):
            if os.path.isfile(each / FILE_NAME):
                found[each / FILE_NAME] = None
                break
    return list(found)
