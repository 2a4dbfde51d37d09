"""The Pulumi CLI, the project that it works on, and that project's stacks."""

from __future__ import annotations

import json
import re
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
from dativo_infra.adapters.pulumi.values import SETTINGS
from dativo_infra.diagnostics import DiagnosticError
from dativo_infra.diagnostics.rules import NO_PULUMI, PULUMI_REFUSED, STACK_BUSY
from dativo_infra.loading.yaml import parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dativo_infra.adapters.pulumi.deploy.told import Told
    from dativo_infra.diagnostics import Diagnostic
    from dativo_infra.planning.selection import Selection

PROJECT = "dativo-infra"
"""The Pulumi project, where no Pulumi.yaml names one."""
_REASON = re.compile(r"^(std(out|err): )?error: ")


class _Command(automation.PulumiCommand):
    """The CLI. It gets Ctrl-C as well, and is waited for until it has ended what it began."""

    def run(self, *args: Any, **options: Any) -> automation.CommandResult:
        with ThreadPoolExecutor(max_workers=1) as thread:
            return thread.submit(super().run, *args, **options).result()


class _Workspace(automation.LocalWorkspace):
    """A project, in which the stack that its user has selected stays selected."""

    exported: Mapping[str, Any] | None = None
    """What the stack had when it was opened."""

    def select_stack(self, stack_name: str) -> None:
        # The CLI says of any command whether there is such a stack, and takes its time for each.
        self.exported = self.export_stack(stack_name).deployment

    def get_all_config(self, stack_name: str) -> automation.ConfigMap:
        """Return the configuration; the values of secrets only where a setting of ours is one."""
        said = json.loads(self._call("config", "--json", "--stack", stack_name))
        secrets = {key.rpartition(":")[2] for key, each in said.items() if each["secret"]}
        if secrets & SETTINGS:
            return super().get_all_config(stack_name)
        return {
            key: automation.ConfigValue(value=each.get("value"), secret=each["secret"])
            for key, each in said.items()
        }

    def create_stack(self, stack_name: str) -> None:
        self._call("stack", "init", stack_name, "--no-select")

    def stack_outputs(self, stack_name: str) -> automation.OutputMap:  # noqa: ARG002
        """Return nothing: after each run they would be asked twice, and the state has them."""
        return {}

    def remove(self, stack_name: str) -> None:
        """Remove a stack, and leave its settings."""
        selected = self.stack()
        self.remove_stack(stack_name, preserve_config=True)
        if selected:
            super().select_stack(selected.name)

    def _call(self, *arguments: str) -> str:
        return self.pulumi_command.run([*arguments], self.work_dir, self.env_vars).stdout


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
    """A stack of Pulumi, which may not exist yet.

    Whatever asks for something of it raises `DiagnosticError` where the CLI refuses.
    """

    def __init__(self, name: str, engine: Engine) -> None:
        self.name = name
        self._folder = Path(engine.folder)
        self._workspace = _Workspace(
            work_dir=engine.folder, env_vars=engine.variables, pulumi_command=engine.command
        )
        self._state: State | None = None

    @cached_property
    def selection(self) -> Selection:
        """The jobs that the stack is for, as its configuration says, and as in the program.

        Raises:
            ValueError: its shard is none.
        """
        return selection_of(self._config.get, self.name.rpartition("/")[2])

    def knows(self, name: str) -> bool:
        """Return whether the stack's configuration has a value for a variable of the jobs."""
        return name not in SETTINGS and name in self._config

    @cached_property
    def _config(self) -> Mapping[str, str | None]:
        """The configuration of the project's own keys, without the project's name.

        Of a stack that does not exist yet it is what its settings say, without secrets.
        """
        if self._opened:
            with explained(self.name):
                every = {key: each.value for key, each in self._opened.get_all_config().items()}
        else:
            file = self._settings()
            text = file.read_text("utf-8") if file.exists() else "{}"
            said = (parse(text, file.name).data or {}).get("config") or {}
            every = {key: each if isinstance(each, str) else None for key, each in said.items()}
        project = f"{self._workspace.project_settings().name}:"
        return {
            key.removeprefix(project): value
            for key, value in every.items()
            if key.startswith(project)
        }

    @property
    def state(self) -> State:
        """What the stack has built; it is asked again after a run."""
        if self._state is None:
            deployment = self._workspace.exported if self._opened else None
            if self._opened and deployment is None:
                with explained(self.name):
                    deployment = self._opened.export_stack().deployment
            self._state = State.of(deployment or {})
        return self._state

    def create(self) -> None:
        """Create the stack where it does not exist."""
        if self._opened is None:
            with explained(self.name):
                self._opened = automation.Stack.create(self.name, self._workspace)

    @contextmanager
    def trial(self) -> Iterator[None]:
        """Create the stack where it does not exist, and have it gone again afterwards."""
        if self._opened:
            yield
            return
        file = self._settings()
        content = file.read_bytes() if file.exists() else None
        try:
            self.create()
            yield
        finally:
            if self._opened:
                with explained(self.name):
                    self._workspace.remove(self.name)
            self._opened = None
            # The CLI wrote the salt of the stack's secrets into its settings.
            if content is not None:
                file.write_bytes(content)
            else:
                file.unlink(missing_ok=True)

    def run(self, command: str, told: Told, **options: Any) -> None:
        """Run `preview`, `up` or `destroy` on the stack, which exists, with the program of `told`.

        `told` is told what the engine says, why the CLI failed, and whether Ctrl-C ended the run.

        Raises:
            DiagnosticError: somebody else works on the stack.
        """
        if command != "preview":
            self._state = self._workspace.exported = None
            options |= {"show_secrets": False}  # in the history, which is asked and not looked at
        try:
            getattr(self._opened, command)(program=told.program.run, on_event=told, **options)
        except KeyboardInterrupt:
            told.interrupted = True
        except automation.ConcurrentUpdateError as error:
            raise DiagnosticError([busy(self.name)]) from error
        except automation.CommandError as error:
            told.error = said(error)

    @cached_property
    def _opened(self) -> automation.Stack | None:
        """The stack, selected; None where it does not exist."""
        with explained(self.name):
            try:
                return automation.Stack.select(self.name, self._workspace)
            except automation.StackNotFoundError:
                return None

    def _settings(self) -> Path:
        """Where the stack's settings are, or are written to."""
        project = parse((self._folder / "Pulumi.yaml").read_text("utf-8"), "Pulumi.yaml").data or {}
        name = self.name.rpartition("/")[2]
        return self._folder / str(project.get("stackConfigDir", "")) / f"Pulumi.{name}.yaml"


@contextmanager
def explained(stack: str) -> Iterator[None]:
    """Turn what the CLI refuses into a diagnostic.

    Raises:
        DiagnosticError: it refused; it carries the CLI's own words.
    """
    try:
        yield
    except automation.ConcurrentUpdateError as error:
        raise DiagnosticError([busy(stack)]) from error
    except automation.CommandError as error:
        raise DiagnosticError([refused(stack, said(error))]) from error


def busy(stack: str) -> Diagnostic:
    """Return that somebody works on a stack."""
    message = f"The stack {stack} is in the middle of another operation."
    remedy = f"Wait until it is done; if nobody works on it: pulumi cancel --stack {stack}"
    return STACK_BUSY.at(None, message, remedy=remedy)


def refused(stack: str, why: str) -> Diagnostic:
    """Return that Pulumi cannot work on a stack."""
    return PULUMI_REFUSED.at(None, f"The stack {stack}: {why}")


def said(error: automation.CommandError) -> str:
    """Return why the CLI failed, in its own words."""
    lines = [line.strip() for line in str(error).splitlines()]
    reasons = [reason for line in lines if (reason := _REASON.sub("", line)) != line]
    return " ".join(reasons or [line for line in lines if line][-1:])
