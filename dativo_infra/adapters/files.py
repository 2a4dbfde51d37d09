"""Writing files into an output folder: all or nothing is judged first, then each file is whole."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dativo_infra.diagnostics import Diagnostic, DiagnosticError, raise_errors
from dativo_infra.diagnostics.rules import UNSAFE_OUTPUT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, slots=True)
class Written:
    """What became of the files, by their names relative to the output folder."""

    written: tuple[str, ...]
    unchanged: tuple[str, ...]
    stale: tuple[str, ...] = ()
    """What an earlier run wrote and this one would not; still there."""
    removed: tuple[str, ...] = ()


def write_files(
    folder: Path,
    files: Mapping[str, str],
    *,
    private: bool = False,
    stale: Iterable[str] = (),
    prune: bool = False,
) -> Written:
    """Write texts as UTF-8 files into a folder, which is created where it is missing.

    A file that has the wanted content already is not touched. Another is replaced at once, so no
    reader ever sees half of it. Files that are there and not named are left alone.

    Args:
        folder: The output folder.
        files: Each file's text by its name relative to the folder; `a/b.json` is in a subfolder.
        private: Whether nobody but their owner may read them.
        stale: Names of files that an earlier run wrote and that are not wanted any more.
        prune: Whether to remove these when all is written, and folders that are empty then.

    Raises:
        DiagnosticError: `UNSAFE_OUTPUT`, for every name that leads out of the folder or cannot be
            a file there (nothing has been written then), or where the operating system refuses.
    """
    stale = tuple(stale)
    try:
        raise_errors(_problems(folder, (*files, *stale)))
        written = _write(folder, files, 0o600 if private else None)
        if not prune:
            return replace(written, stale=stale)
        for name in stale:
            _remove(folder, name)
        return replace(written, removed=stale)
    except OSError as error:
        what = f"`{error.filename or folder}` cannot be written: {error.strerror}."
        raise DiagnosticError([UNSAFE_OUTPUT.at(None, what)]) from error


def _write(folder: Path, files: Mapping[str, str], mode: int | None) -> Written:
    written: list[str] = []
    unchanged: list[str] = []
    for name, text in files.items():
        path = (folder / name).resolve()
        content = text.encode()
        if path.exists() and path.read_bytes() == content:
            if mode is not None:
                path.chmod(mode)
            unchanged.append(name)
        else:
            _replace(path, content, mode)
            written.append(name)
    return Written(tuple(written), tuple(unchanged))


def _problems(folder: Path, names: Iterable[str]) -> list[Diagnostic]:
    if os.path.lexists(folder) and not folder.is_dir():
        return [UNSAFE_OUTPUT.at(None, f"`{folder}` is there and is not a folder.")]
    return [
        UNSAFE_OUTPUT.at(None, f"`{name}` cannot be written to `{folder}`: {reason}.")
        for name in names
        if (reason := _reason(folder, name))
    ]


def _reason(folder: Path, name: str) -> str:
    """Return why a file must not be written, or nothing."""
    relative = Path(name)
    if relative.anchor or ".." in relative.parts or not relative.parts:
        return "it is not a plain name inside the folder"
    path = (folder / relative).resolve()
    if not path.is_relative_to(folder.resolve()):
        return "a link leads out of the folder"
    if path.is_dir():
        return "a folder of that name is there"
    if any(parent.exists() and not parent.is_dir() for parent in path.parents):
        return "a part of its path is a file"
    return ""


def _remove(folder: Path, name: str) -> None:
    path = folder / name
    path.unlink(missing_ok=True)
    for parent in path.relative_to(folder).parents[:-1]:
        if any((folder / parent).iterdir()):
            return
        (folder / parent).rmdir()


def _replace(path: Path, content: bytes, mode: int | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not `tempfile`: its files are readable by their owner only, and the mode would stay.
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as file:
            if mode is not None:
                temporary.chmod(mode)
            file.write(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
