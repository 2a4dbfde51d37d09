"""The Pulumi CLI, the project that it works on, and that project's stacks."""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pulumi import automation

from dativo_infra.adapters.pulumi.build import selection_of
from dativo_infra.adapters.pulumi.deploy.state import State
from dativo_infra.diagnostics import DiagnosticError
from dativo_infra.diagnostics.rules import NO_PULUMI, PULUMI_REFUSED, STACK_BUSY
from dativo_infra.loading.yaml import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from dativo_infra.planning.selection import Selection

PROJECT = "dativo-infra"
"""The Pulumi project, where no Pulumi.yaml names one."""


class _Command(automation.PulumiCommand):
    """The CLI. It gets Ctrl-C as well, and is waited for until it has ended what it began."""

    def run(self, *args: Any, **options: Any) -> automation.CommandResult:
        with ThreadPoolExecutor(max_workers=1) as thread:
            return thread.submit(super().run, *args, **options).result()


@dataclass(frozen=True, kw_only=True)
class Engine:
    """A Pulumi CLI and a project."""

    folder: str
    """Where the CLI is run; that of Pulumi.yaml."""
    variables: Mapping[str, str]
    """What the CLI and the providers see besides the environment."""
    command: automation.PulumiCommand

    def stack(self, name: str) -> Stack:
        """Return a stack of the project by its name; it need not exist."""
        return Stack(name, self)


@contextmanager
def open_engine(variables: Mapping[str, str] | None = None) -> Iterator[Engine]:
    """Give a CLI, in the folder of the nearest Pulumi.yaml from the current folder upwards.

    Without one it works on the project `dativo-infra`, which then has no configuration.

    Args:
        variables: What the CLI and the providers see besides the environment.

    Raises:
        DiagnosticError: there is no CLI, or one that this version of the SDK cannot use.
    """
    try:
        command = _Command()
    except FileNotFoundError as error:
        raise DiagnosticError([NO_PULUMI.at(None)]) from error
    except (OSError, ValueError, automation.InvalidVersionError) as error:
        raise DiagnosticError([NO_PULUMI.at(None, f"The Pulumi CLI: {error}")]) from error
    here = Path.cwd()
    above = (each for each in (here, *here.parents) if (each / "Pulumi.yaml").is_file())
    if found := next(above, None):
        yield Engine(folder=str(found), variables=variables or {}, command=command)
        return
    with tempfile.TemporaryDirectory(prefix="dativo-infra-") as folder:
        Path(folder, "Pulumi.yaml").write_text(f"name: {PROJECT}\nruntime: python\n", "utf-8")
        yield Engine(folder=folder, variables=variables or {}, command=command)


class Stack:
    """A stack of Pulumi, which may not exist yet."""

    def __init__(self, name: str, engine: Engine) -> None:
        self.name = name
        self._engine = engine
        self._exists: bool | None = None
        self._state: State | None = None

    @property
    def exists(self) -> bool:
        """Whether there is such a stack.

        Raises:
            DiagnosticError: the backend cannot be asked.
        """
        if self._exists is None:
            with explained(self.name):
                try:
                    self._open()
                    self._exists = True
                except automation.StackNotFoundError:
                    self._exists = False
        return self._exists

    @cached_property
    def selection(self) -> Selection:
        """The jobs that the stack is for, as its configuration says, and as in the program."""
        config = self.config
        name = self.name.rpartition("/")[2]
        return selection_of(lambda key: getattr(config.get(key), "value", None), name)

    @cached_property
    def config(self) -> Mapping[str, automation.ConfigValue]:
        """The stack's configuration; the project's own keys are without the project's name."""
        if not self.exists:
            return {}
        with explained(self.name):
            project = self._workspace().project_settings().name
            every = self._open().get_all_config()
        return {key.removeprefix(f"{project}:"): value for key, value in every.items()}

    @property
    def state(self) -> State:
        """What the stack has built; it is read again after a run."""
        if self._state is None:
            exported = {}
            if self.exists:
                with explained(self.name):
                    exported = self._open().export_stack().deployment or {}
            self._state = State.of(exported)
        return self._state

    def outputs(self) -> automation.OutputMap:
        """Return the stack's outputs; none where it does not exist."""
        if not self.exists:
            return {}
        with explained(self.name):
            return self._open().outputs()

    def create(self) -> None:
        """Create the stack where it does not exist.

        Raises:
            DiagnosticError: the backend refuses.
        """
        if not self.exists:
            with explained(self.name):
                automation.Stack.create(self.name, self._workspace())
            self._exists = True

    @contextmanager
    def trial(self) -> Iterator[None]:
        """Create the stack where it does not exist, and have it gone again afterwards.

        Raises:
            DiagnosticError: the backend refuses.
        """
        if self.exists:
            yield
            return
        files = {file: file.read_bytes() if file.exists() else None for file in self._settings()}
        self.create()
        try:
            yield
        finally:
            with explained(self.name):
                self._workspace().remove_stack(self.name, preserve_config=True)
            self._exists = False
            # The CLI wrote the stack's salt into its settings.
            for file, content in files.items():
                if content is not None:
                    file.write_bytes(content)
                else:
                    file.unlink(missing_ok=True)

    def _settings(self) -> Iterator[Path]:
        """Yield where the stack's settings may be, or be written to."""
        folder = Path(self._engine.folder)
        project = parse((folder / "Pulumi.yaml").read_text("utf-8"), "Pulumi.yaml").data or {}
        name = self.name.rpartition("/")[2]
        yield folder / str(project.get("stackConfigDir", "")) / f"Pulumi.{name}.yaml"

    def open(self, program: Callable[[], None]) -> automation.Stack:
        """Return the stack, which exists, for a run of a program."""
        self._state = None
        return self._open(program)

    def _open(self, program: Callable[[], None] | None = None) -> automation.Stack:
        return automation.Stack.select(self.name, self._workspace(program))

    def _workspace(self, program: Callable[[], None] | None = None) -> automation.LocalWorkspace:
        return automation.LocalWorkspace(
            work_dir=self._engine.folder,
            program=program,
            env_vars=self._engine.variables,
            pulumi_command=self._engine.command,
        )


@contextmanager
def explained(stack: str) -> Iterator[None]:
    """Turn what the CLI refuses into a diagnostic.

    Raises:
        DiagnosticError: it refused; it carries the CLI's own words.
    """
    try:
        yield
    except automation.StackNotFoundError:
        raise
    except automation.ConcurrentUpdateError as error:
        message = f"The stack {stack} is in the middle of another operation."
        remedy = (
            f"Wait until it is done; if none is running any more: pulumi cancel --stack {stack}"
        )
        raise DiagnosticError([STACK_BUSY.at(None, message, remedy=remedy)]) from error
    except automation.CommandError as error:
        message = f"The stack {stack}: {said(error)}"
        raise DiagnosticError([PULUMI_REFUSED.at(None, message)]) from error


def said(error: automation.CommandError) -> str:
    """Return why the CLI failed, in its own words."""
    lines = [line.strip() for line in str(error).splitlines()]
    reasons = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    return " ".join(reasons or [line for line in lines if line][-1:])
