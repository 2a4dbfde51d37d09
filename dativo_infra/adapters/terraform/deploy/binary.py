"""The program: which one is run, in what environment, and what it answers."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from dativo_infra.diagnostics import DiagnosticError
from dativo_infra.diagnostics.rules import NO_TERRAFORM

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PROGRAMS = ("terraform", "tofu")
"""What is looked for on PATH, the first that is there."""

_QUIET = {
    "CHECKPOINT_DISABLE": "1",
    # Nobody is there to answer: a git host that wants a password is an error.
    "GIT_TERMINAL_PROMPT": "0",
    "TF_IN_AUTOMATION": "1",
    "TF_INPUT": "0",
}
_LEFT_OUT = ("TF_WORKSPACE", "TF_DATA_DIR", "TF_CLI_ARGS")
"""What would make a run work on another state than the job's, or with other options."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a command gave."""

    code: int
    output: str
    errors: str

    @property
    def why(self) -> str:
        """What is to be said of a failure: the first error, without the frame around it."""
        lines = [line.strip("╷│╵ ") for line in (self.errors or self.output).splitlines()]
        found = [line for line in lines if line]
        first = next((line for line in found if line.startswith("Error")), None)
        if first is None:
            return found[-1] if found else f"exit code {self.code}"
        after = found[found.index(first) + 1 :]
        detail = [line for line in after if not line.startswith(("on ", "with "))]
        return " ".join([first.removeprefix("Error: "), *detail[:4]])


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary:
    """Terraform or OpenTofu."""

    path: str

    def run(
        self,
        folder: Path,
        *arguments: str,
        variables: Mapping[str, str] | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> Done:
        """Run a command in a folder and return what it gave.

        At Ctrl-C the program ends what it has begun and writes its state, by itself.

        Args:
            folder: Where it is run.
            arguments: The command and its options.
            variables: More of the environment, such as `TF_VAR_x`.
            on_line: Takes each line of its output as it comes.
        """
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(_LEFT_OUT)
        }
        with (
            TemporaryFile(mode="w+", encoding="utf-8", errors="replace") as errors,
            subprocess.Popen(  # noqa: S603 - what the user named, with arguments of ours
                [self.path, *arguments],
                cwd=folder,
                env={**inherited, **(variables or {}), **_QUIET},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                encoding="utf-8",
                errors="replace",
            ) as process,
        ):
            lines: list[str] = []
            for line in process.stdout or ():
                lines.append(line)
                if on_line:
                    on_line(line)
            code = process.wait()
            errors.seek(0)
            return Done(code=code, output="".join(lines), errors=errors.read())


def find_binary(named: str | None = None) -> Binary:
    """Return the program that was named, or the first on PATH.

    Raises:
        DiagnosticError: there is none.
    """
    for name in [named] if named else PROGRAMS:
        if path := shutil.which(name):
            # Commands are run in other folders, so a relative path would not hold.
            return Binary(path=str(Path(path).absolute()))
    missing = f"`{named}` is no program here." if named else ""
    raise DiagnosticError([NO_TERRAFORM.at(None, missing)])
