"""The real Pulumi CLI on a copy of this repository's program, with nothing outside of a folder.

State, plugins and settings are in the folder; the environment of whoever runs the tests is not
seen, so that no test can reach an account or a cluster of theirs.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

REPOSITORY = Path(__file__).parents[2]
ENGINES = REPOSITORY / ".engines" / "bin"
PROVIDERS = Path(__file__).parent / "providers"
SEARCHED = os.pathsep.join(
    (str(ENGINES), str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath))
)
"""Where programs are looked for: what `make engines` built counts first."""

_KEPT = ("HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "CI")
PYTHON = "python"
"""The folder of a PULUMI_HOME with the `python3` that programs and providers are started with."""
_LIMIT = 300.0
"""Seconds that a command may take; none of them takes a tenth."""


def python_variables() -> dict[str, str]:
    """Return the environment of a Python that knows this repository and no settings of people."""
    return {
        **{name: os.environ[name] for name in _KEPT if name in os.environ},
        "PATH": SEARCHED,
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def find(program: str) -> str | None:
    """Return the path of an engine, or None."""
    return shutil.which(program, path=SEARCHED)


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a command that changed or previewed a stack."""

    code: int
    log: str
    """What it wrote, for people."""
    events: tuple[Mapping[str, Any], ...] = ()
    """What the engine reported, as in https://www.pulumi.com/docs/iac/automation-api/."""

    @property
    def changes(self) -> dict[str, int]:
        """The number of resources by operation, without those that stay as they are."""
        counted = Counter(step["op"] for step in self.steps() if step["op"] != "same")
        return dict(counted)

    def steps(self, *operations: str) -> Iterator[Mapping[str, Any]]:
        """Yield the steps, all or of these operations, such as `create` and `update`."""
        for event in self.events:
            step = event.get("resourcePreEvent", {}).get("metadata")
            if step and (not operations or step["op"] in operations):
                yield step

    def names(self, *operations: str) -> set[str]:
        """Return the names of the resources with one of these operations."""
        return {step["urn"].rpartition("::")[2] for step in self.steps(*operations)}


@dataclass(frozen=True, slots=True)
class Workspace:
    """A folder with a Pulumi program, and the CLI that runs it."""

    folder: Path
    home: Path
    environment: dict[str, str] = field(default_factory=dict)
    """Variables that the program and the providers see besides PATH and the like."""

    @classmethod
    def of_repository(cls, folder: Path, home: Path) -> Workspace:
        """Return a workspace with a copy of the repository's own `Pulumi.yaml` and `stacks/`."""
        shutil.copy(REPOSITORY / "Pulumi.yaml", folder)
        shutil.copytree(
            REPOSITORY / "stacks", folder / "stacks", ignore=shutil.ignore_patterns("__pycache__")
        )
        # Official language hosts start the interpreter that `virtualenv:` names, and not PATH's.
        (folder / ".venv").symlink_to(sys.prefix)
        (folder / "jobs").mkdir()
        (folder / "state").mkdir()
        return cls(folder, home)

    @property
    def jobs(self) -> Path:
        """The folder of the job files."""
        return self.folder / "jobs"

    def configure(self, stack: str, **settings: Any) -> None:
        """Write the configuration of a stack, whose `jobs` are the workspace's where not given.

        A key without a namespace is the project's: `env_file` is `dativo-infra:env-file`.
        """
        data = {
            key if ":" in key else f"dativo-infra:{key.replace('_', '-')}": value
            for key, value in ({"jobs": ["jobs"]} | settings).items()
        }
        file = self.folder / "stacks" / f"Pulumi.{stack}.yaml"
        kept = yaml.safe_load(file.read_text()) if file.exists() else {}
        file.write_text(yaml.safe_dump({**kept, "config": data}))

    def create(self, stack: str, **settings: Any) -> str:
        """Configure a stack and create it; return its name."""
        self.configure(stack, **settings)
        self.pulumi("stack", "init", stack)
        return stack

    def preview(self, stack: str, *options: str) -> Done:
        """Preview a stack."""
        return self._operate("preview", stack, *options)

    def up(self, stack: str, *options: str) -> Done:
        """Update a stack without a preview."""
        return self._operate("up", stack, "--yes", "--skip-preview", *options)

    def destroy(self, stack: str, *options: str) -> Done:
        """Delete what a stack has built."""
        return self._operate("destroy", stack, "--yes", "--skip-preview", *options)

    def outputs(self, stack: str) -> dict[str, Any]:
        """Return the outputs of a stack, secrets in the clear."""
        return json.loads(
            self.pulumi("stack", "output", "--json", "--show-secrets", "--stack", stack)
        )

    def state(self, stack: str) -> list[dict[str, Any]]:
        """Return what the state holds of each resource, secrets as they are stored."""
        exported = json.loads(self.pulumi("stack", "export", "--stack", stack))
        return exported["deployment"].get("resources", [])

    def types(self, stack: str) -> Counter[str]:
        """Return the number of resources in the state by type, without providers and the stack."""
        types = (each["type"] for each in self.state(stack))
        return Counter(each for each in types if not each.startswith("pulumi:"))

    def pulumi(self, *arguments: str) -> str:
        """Run the CLI, which must succeed, and return what it wrote."""
        done = self.call(arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def dativo(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run this project's own command line and return what became of it."""
        python = str(self.home / PYTHON / "python3")
        command = [python, "-c", "from dativo_infra.cli import main; main()", *arguments]
        return self._run(command)

    def call(self, arguments: Iterable[str]) -> subprocess.CompletedProcess[str]:
        """Run the CLI and return what became of it."""
        program = find("pulumi")
        assert program
        return self._run([program, "--non-interactive", "--color=never", *arguments])

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - the engine, or the program under test
            command,
            cwd=self.folder,
            env=self.variables(),
            capture_output=True,
            text=True,
            timeout=_LIMIT,
            check=False,
        )

    def variables(self) -> dict[str, str]:
        """Return the whole environment of the CLI."""
        return {
            **python_variables(),
            "PATH": os.pathsep.join((str(self.home / PYTHON), SEARCHED)),
            "PULUMI_HOME": str(self.home),
            "PULUMI_BACKEND_URL": f"file://{self.folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "of tests",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_ERROR_OUTPUT_STRING": "true",
            # Memory for time: what a command collects is given back soon anyhow.
            "GOGC": "400",
            # Without it the CLI does not know --event-log.
            "PULUMI_DEBUG_COMMANDS": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "KUBECONFIG": os.devnull,
            # What its test provider has built.
            "DATABRICKS_TEST_STORE": str(self.folder / "databricks.json"),
            **self.environment,
        }

    def _operate(self, command: str, stack: str, *options: str) -> Done:
        log = self.folder / f"{stack}.events"
        log.unlink(missing_ok=True)
        done = self.call((command, "--stack", stack, "--event-log", str(log), *options))
        lines = log.read_text().splitlines() if log.exists() else []
        return Done(done.returncode, done.stdout + done.stderr, tuple(map(json.loads, lines)))


def install_providers(home: Path) -> None:
    """Install the test providers in a PULUMI_HOME, in the place of the real ones."""
    program = find("pulumi")
    assert program
    for folder in sorted(each for each in PROVIDERS.iterdir() if each.is_dir()):
        name = folder.name
        command = [program, "plugin", "install", "resource", name, version(f"pulumi_{name}")]
        subprocess.run(  # noqa: S603 - the engine under test
            [*command, "--file", str(folder), "--reinstall"],
            env={"PATH": SEARCHED, "PULUMI_HOME": str(home), "PULUMI_SKIP_UPDATE_CHECK": "true"},
            check=True,
            capture_output=True,
            timeout=_LIMIT,
        )
