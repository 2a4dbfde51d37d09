"""Tests of the command line as a whole."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from dativo_infra.cli import _COMMANDS

HEAVY = ("pydantic", "yaml", "boto3", "pulumi", "troposphere", "rich", "moto")


def _modules_after(*arguments: str) -> set[str]:
    program = (
        "import json, sys\n"
        f"sys.argv = ['dativo-infra', *{list(arguments)!r}]\n"
        "from dativo_infra.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print('\\n' + json.dumps(sorted(sys.modules)))\n"
    )
    done = subprocess.run(  # noqa: S603 - our own interpreter and program
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_help_imports_no_heavy_package() -> None:
    """`--help` answers at once: it imports none of the packages that do the work."""
    assert not _modules_after("--help").intersection(HEAVY)


@pytest.mark.parametrize("command", _COMMANDS)
def test_each_command_says_what_the_list_says(run, command: str) -> None:
    """Each command is found, and its help begins with what the list of commands says."""
    assert _COMMANDS[command] in " ".join(run(command, "--help").output.split())
    assert _COMMANDS[command] in " ".join(run("--help").output.split())


def test_validate_does_not_import_the_tools() -> None:
    """Checking jobs needs neither Pulumi nor an AWS library."""
    modules = _modules_after("validate", "examples/jobs")
    assert "yaml" in modules
    assert not modules.intersection({"pulumi", "boto3", "troposphere", "moto", "rich"})


def test_a_wrong_call_exits_with_2(run) -> None:
    """A command that does not exist, or a missing argument, is a wrong call."""
    assert run("frobnicate").exit_code == 2
    assert run("validate").exit_code == 2
    assert run("explain", "DI999").exit_code == 2
