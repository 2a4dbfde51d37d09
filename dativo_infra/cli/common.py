"""What the commands share: their options, loading and planning, and how results are shown."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from rich.console import Console

    from dativo_infra.diagnostics import Diagnostic
    from dativo_infra.loading import Loaded
    from dativo_infra.model import Job
    from dativo_infra.planning import JobPlan, Plan, Unit
    from dativo_infra.platforms.terraform import Modules
    from dativo_infra.project import LoadedProject, Project

Function = TypeVar("Function", bound=Callable[..., Any])

FAILED = 1
CHANGES = 3
INTERRUPTED = 130
_COLOURS = {"error": "red", "warning": "yellow", "note": "cyan", "faint": "bright_black"}


def job_options(function: Function) -> Function:
    """Add the arguments and options that choose jobs; `prepare` takes them."""
    for option in reversed(
        (
            click.argument("paths", nargs=-1, required=True),
            click.option(
                "--project",
                type=click.Path(exists=True, dir_okay=False),
                help="Project file; by default the nearest dativo-infra.yaml above the jobs.",
            ),
            click.option(
                "--env-file",
                "env_files",
                multiple=True,
                type=click.Path(exists=True),
                help="File of NAME=value lines for ${NAME}, stronger than the environment; or the "
                "folder that `output --all` wrote, with a file for each tenant and environment.",
            ),
            click.option("--tenant", help="Only the jobs of this tenant."),
            click.option("--environment", help="Only the jobs of this environment."),
            click.option(
                "--provider",
                type=click.Choice(["terraform", "cloudformation", "pulumi", "manual"]),
                help="Plan the jobs as if this tool owned them all.",
            ),
        )
    ):
        function = option(function)
    return function


format_option = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    help="Text for people, or JSON on standard output.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Jobs loaded and planned for one command."""

    loaded: Loaded
    plan: Plan
    diagnostics: tuple[Diagnostic, ...]
    environment: Mapping[str, str]
    given: Mapping[str, str]
    """The values of variables that options gave, which are in the environment, too."""
    left: frozenset[str]
    """The identities of jobs that `--tenant` and `--environment` did not choose."""
    project: Project
    whole: bool
    """Whether the paths hold the whole project, so that it can be told what is gone."""
    folder: Path
    """The folder of the project file; the current one where there is none."""

    @property
    def failed(self) -> bool:
        """Whether there are errors, in the files or in the plan."""
        from dativo_infra.diagnostics import has_errors

        return has_errors(self.diagnostics)

    def stop_on_errors(self) -> None:
        """Report errors and warnings, and exit when there is an error; `validate` has the notes."""
        show_diagnostics(each for each in self.diagnostics if each.severity != "note")
        if self.failed:
            say(self.summary())
            sys.exit(FAILED)

    def built_by(self, tool: str) -> list[JobPlan]:
        """Return the jobs of which a tool builds something."""
        return [
            each for each in self.plan.jobs if each.owner == tool and (each.unit or each.shared)
        ]

    def not_owned_by(self, *tools: str) -> list[str]:
        """Return lines that say which jobs none of these tools builds, and why."""
        others: dict[str, list[str]] = {}
        for each in self.plan.jobs:
            if each.owner not in tools or not (each.unit or each.shared):
                why = f"left to {each.owner}"
                if each.owner in {*tools, "manual"}:
                    why = each.notes[0]
                others.setdefault(why, []).append(str(each.job.identity))
        return [f"{why}: {', '.join(jobs)}" for why, jobs in sorted(others.items())]

    @property
    def existing(self) -> frozenset[str]:
        """The identities of all jobs, chosen or not."""
        return self.left.union(str(each.job.identity) for each in self.plan.jobs)

    def elsewhere(self) -> Callable[[str], bool]:
        """Return what tells of a job, by its identity, whether it may exist outside of the run."""
        if self.whole:
            return self.left.__contains__
        here = {str(each.job.identity) for each in self.plan.jobs}
        return lambda job: job not in here

    def roles_of(self, tool: str) -> Iterator[str]:
        """Yield the ARNs of the roles that a tool's jobs refer to."""
        for each in self.plan.jobs:
            for reference in each.references if each.owner == tool else ():
                if isinstance(reference.id, str) and ":role/" in reference.id:
                    yield reference.id

    def summary(self) -> str:
        """Return the numbers of jobs and diagnostics in a line."""
        from dativo_infra.diagnostics.render import count_of, summary

        parts = [count_of(len(self.loaded.jobs), "job")]
        if without := self.loaded.without_infrastructure:
            parts[0] += f", {without:,} without infrastructure"
        if self.left:
            parts.append(f"{len(self.left):,} not selected")
        if self.loaded.broken:
            parts.append(f"{count_of(self.loaded.broken, 'file')} that cannot be read as a job")
        if self.loaded.not_jobs:
            count = count_of(self.loaded.not_jobs, "YAML file")
            parts.append(f"{count} passed over as no job")
        parts.append(summary(self.diagnostics) or "no errors")
        return "; ".join(parts) + "."


def prepare(
    *,
    paths: Iterable[str],
    project: str | None,
    env_files: Iterable[str],
    tenant: str | None,
    environment: str | None,
    provider: str | None,
    params: Iterable[str] = (),
    allow_unresolved: bool = False,
    ambient: Mapping[str, str] = os.environ,
    get_modules: bool = False,
    binary: str | None = None,
) -> Run:
    """Load and plan the jobs that a command's options mean, with all that is wrong.

    `ambient` has the values of variables that no option gives. Terraform modules in folders of
    this machine are read; with `get_modules` the others are fetched and read, too, by the `binary`
    that is named or found.
    """
    from dativo_infra.diagnostics import in_order
    from dativo_infra.loading import load, load_project, read_env_file
    from dativo_infra.planning import Selection, contested, places, plan

    # A run only builds up data, of which the collector would find nothing to free again and again.
    gc.set_threshold(100_000, 50, 100)
    given: dict[str, str] = {}
    diagnostics: list[Diagnostic] = []
    scoped: dict[tuple[str, str], dict[str, str]] = {}
    for file in map(Path, env_files):
        if file.is_dir():
            diagnostics.extend(_read_folder(file, scoped))
            continue
        found, wrong = read_env_file(file)
        given.update(found)
        diagnostics.extend(wrong)
    given.update(_params(params))
    variables = {**ambient, **given}
    loaded = load(paths, variables, scoped=scoped)
    loaded_project, wrong = load_project(project, near=loaded.places(paths))
    diagnostics.extend(wrong)
    silences = loaded_project.project.silences
    diagnostics.extend(each for each in loaded.diagnostics if not silences(each))
    # Jobs with an error are planned too, to find what else is wrong; nothing is built of the run.
    chosen, left = Selection(tenant=tenant, environment=environment).jobs(
        [*loaded.jobs, *loaded.faulty]
    )
    if left and not chosen:
        there = places(left)
        raise click.UsageError(f"no job has this tenant and environment; there are {there}")
    modules, wrong = _modules(chosen, provider, get=get_modules, binary=binary)
    diagnostics.extend(wrong)
    planned = plan(
        chosen,
        loaded_project,
        provider=provider,
        allow_unresolved=allow_unresolved,
        modules=modules,
    )
    diagnostics.extend(contested(planned, left, loaded_project, provider=provider))
    return Run(
        loaded=loaded,
        plan=planned,
        diagnostics=in_order([*diagnostics, *planned.diagnostics]),
        environment=variables,
        given=given,
        left=frozenset(str(job.identity) for job in left),
        project=loaded_project.project,
        # A project file that was named may be the one of jobs that are elsewhere.
        whole=provider is None and project is None and _holds(paths, loaded_project),
        folder=Path(loaded_project.here, loaded_project.source.file).parent
        if loaded_project.source.file
        else Path.cwd(),
    )


def _modules(
    jobs: Iterable[Job], provider: str | None, *, get: bool, binary: str | None
) -> tuple[Modules, list[Diagnostic]]:
    """Return the Terraform modules of jobs that can be read, and what is wrong with them."""
    calling = [
        job
        for job in jobs
        if (provider or job.get("provider")) == "terraform" and job.get("terraform.module_source")
    ]
    if not calling:
        return {}, []
    from importlib.util import find_spec

    if find_spec("hcl2") is None:
        # Planning says of each job that its module was not read.
        return {}, []
    from dativo_infra.adapters.terraform import learn
    from dativo_infra.adapters.terraform.deploy import Fetcher, find_binary
    from dativo_infra.diagnostics import DiagnosticError

    try:
        with Fetcher(lambda: find_binary(binary)) as fetch:
            return learn(calling, fetch if get else None)
    except DiagnosticError as error:
        return {}, list(error.diagnostics)


ENV_SUFFIX = ".env"
"""What the files end with that `output --all` writes: `FOLDER/tenant/environment.env`."""


def _read_folder(
    folder: Path, scoped: dict[tuple[str, str], dict[str, str]]
) -> Iterator[Diagnostic]:
    """Add the values of a folder's files by tenant and environment; yield what is wrong."""
    from dativo_infra.loading import read_env_file

    files = sorted(folder.glob(f"*/*{ENV_SUFFIX}"))
    if not files:
        raise click.UsageError(f"{folder} has no files `tenant/environment{ENV_SUFFIX}`")
    for file in files:
        found, wrong = read_env_file(file)
        place = (file.parent.name, file.name.removesuffix(ENV_SUFFIX))
        scoped.setdefault(place, {}).update(found)
        yield from wrong


def _params(params: Iterable[str]) -> Iterator[tuple[str, str]]:
    for param in params:
        name, equals, value = param.partition("=")
        if not (equals and name.isascii() and name.isidentifier()):
            # The text may hold a secret, so it is not shown.
            raise click.UsageError("write --param NAME=value, with the name that the jobs use")
        yield name, value


def _holds(paths: Iterable[str], project: LoadedProject) -> bool:
    """Return whether one of the paths is a folder that the project file is in, or below."""
    if not project.source.file:
        return False
    root = Path(project.here, project.source.file).resolve().parent
    return any(Path(path).is_dir() and root.is_relative_to(Path(path).resolve()) for path in paths)


def say(text: str) -> None:
    """Write words for people, to standard error."""
    click.echo(text, err=True)


def show_diagnostics(diagnostics: Iterable[Diagnostic]) -> None:
    """Write diagnostics for people, to standard error."""
    from dativo_infra.diagnostics.render import as_text

    colours = sys.stderr.isatty() and "NO_COLOR" not in os.environ

    def paint(text: str, style: str) -> str:
        return click.style(text, fg=_COLOURS[style], bold=style == "error") if colours else text

    if text := as_text(diagnostics, paint):
        say(f"{text}\n")


def json_text(kind: str, content: Mapping[str, Any]) -> str:
    """Return data as JSON, with the name and the version of its shape."""
    import json

    return json.dumps({"kind": kind, "version": 1, **content}, indent=2, default=str)


def print_json(kind: str, content: Mapping[str, Any]) -> None:
    """Write data to standard output, with the name and the version of its shape."""
    click.echo(json_text(kind, content))


def console() -> Console:
    """Return what draws trees and tables on standard output; it heeds NO_COLOR by itself."""
    from rich.console import Console

    # What is not a terminal gets whole lines: nothing is cut or wrapped.
    return Console(highlight=False, emoji=False, width=None if sys.stdout.isatty() else 10_000)


def ask(question: str) -> bool:
    """Ask a person; no answer is a no."""
    return click.confirm(question, default=False, err=True)


def need_answer(yes: bool) -> None:
    """Refuse to go on where a question is to be asked and nobody is there to answer it."""
    if not (yes or sys.stdin.isatty()):
        raise click.UsageError("nobody is there to ask: give --yes to delete without asking")


@contextmanager
def reported() -> Iterator[None]:
    """Report what the Python interface raises, and exit."""
    from dativo_infra.diagnostics import DiagnosticError

    try:
        yield
    except DiagnosticError as error:
        show_diagnostics(error.diagnostics)
        sys.exit(FAILED)


def need_extra(module: str, extra: str) -> None:
    """Exit with what to install, when the module of an optional dependency is missing."""
    from importlib.util import find_spec

    from dativo_infra.diagnostics import rules

    if find_spec(module) is None:
        show_diagnostics(
            [
                rules.MISSING_PACKAGE.at(
                    None,
                    f"The Python package `{module}` is not installed.",
                    remedy=f"pip install 'dativo-infra[{extra}]'",
                )
            ]
        )
        sys.exit(FAILED)


def need_pulumi(units: Iterable[Unit]) -> None:
    """Exit with what to install, when a package is missing that Pulumi needs to build units."""
    need_extra("pulumi", "pulumi")
    if any(map(is_databricks, units)):
        need_extra("pulumi_databricks", "databricks")


def is_databricks(unit: Unit) -> bool:
    """Return whether a unit is built in a Databricks workspace."""
    return unit.component.startswith("Databricks")
