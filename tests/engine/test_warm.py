"""A Python that has begun is to a program what any other is."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from warm import warm_pythons
from workspace import REPOSITORY, python_variables

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TELL = """
import json, os, sys
__name__ == "__main__" or exit("not the program")
print(json.dumps([sys.argv[1:], os.getcwd(), os.environ["SAID"], sys.stdin.read()]))
print("and this", file=sys.stderr)
"""


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The path of a Python that has begun."""
    folder = tmp_path_factory.mktemp("python")
    with warm_pythons(folder, python_variables()):
        yield str(folder / "python3")


def run(*command: str, folder: Path = REPOSITORY) -> subprocess.CompletedProcess[str]:
    """Run a program."""
    return subprocess.run(  # noqa: S603 - our own programs
        command,
        input="input",
        env={**python_variables(), "SAID": "so"},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def is_written(file: Path) -> bool:
    """Return whether a file grows."""
    before = file.stat().st_size
    time.sleep(0.5)
    return file.stat().st_size != before


@pytest.mark.parametrize("how", ["-c", "-m", "a file", "a folder", "-u"])
def test_program(how: str, warm: str, tmp_path: Path) -> None:
    """It gets its arguments, folder, variables and streams, however it is started."""
    (tmp_path / "program.py").write_text(TELL)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "__main__.py").write_text(TELL)
    arguments = {
        "-c": ["-c", TELL],
        "-m": ["-m", "program"],
        "a file": ["program.py"],
        "a folder": ["folder"],
        "-u": ["-u", "program.py"],
    }[how]
    done = run(warm, *arguments, "one", "two", folder=tmp_path)
    told: list[Any] = [["one", "two"], str(tmp_path.resolve()), "so", "input"]
    assert (done.returncode, done.stderr, json.loads(done.stdout)) == (0, "and this\n", told)


@pytest.mark.parametrize("program", ["1", "exit(3)", "exit('no')", "1 / 0", "import absent"])
def test_exit_code(program: str, warm: str) -> None:
    """It ends as with any other Python, and what it raised is told."""
    known, done = run(sys.executable, "-c", program), run(warm, "-c", program)
    assert done.returncode == known.returncode
    assert done.stderr.splitlines()[-1:] == known.stderr.splitlines()[-1:]


def test_what_is_installed(warm: str) -> None:
    """What pip lists is what pip lists, the second time too."""
    command = ("-m", "pip", "list", "--format=json", "--disable-pip-version-check")
    known = run(sys.executable, *command).stdout
    assert json.loads(known)
    assert [run(warm, *command).stdout for _ in range(2)] == [known, known]


def test_killed(warm: str, tmp_path: Path) -> None:
    """A program is gone with whoever started it."""
    file = tmp_path / "times"
    program = f"""
import time
while True:
    open({str(file)!r}, "a").write("x")
    time.sleep(0.01)
"""
    with subprocess.Popen([warm, "-c", program], env=python_variables()) as started:  # noqa: S603
        while not file.exists():
            assert started.poll() is None
            time.sleep(0.01)
        started.kill()
    latest = time.monotonic() + 20
    while is_written(file):
        assert time.monotonic() < latest
