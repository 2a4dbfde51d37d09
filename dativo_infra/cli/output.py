"""`dativo-infra output`."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

import click

from dativo_infra.cli.common import (
    FAILED,
    console,
    job_options,
    prepare,
    print_json,
    reported,
    say,
    show_diagnostics,
)
from dativo_infra.cli.stacks import (
    NO_UNITS,
    may_run_terraform,
    open_tools,
    owners,
    stack_options,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from dativo_infra.cli.common import Run
    from dativo_infra.diagnostics import Diagnostic


@click.command("output")
@job_options
@stack_options
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "env"]),
    default="text",
    help="Text for people, JSON, or NAME=value lines of one job for an --env-file.",
)
def command(
    *,
    tool: str | None,
    stack: str | None,
    endpoint_url: str | None,
    region: str | None,
    concurrency: int,
    binary: str | None,
    workdir: Path | None,
    form: str,
    **options: Any,
) -> None:
    """Print the outputs of the jobs' stacks.

    By the names that jobs use: those of the platform, of what jobs share, and the job's own.
    """
    run = prepare(**options, get_modules=may_run_terraform(tool), binary=binary)
    run.stop_on_errors()
    names = owners(run, tool)
    jobs = [job for each in names for job in run.built_by(each)]
    for line in run.not_owned_by(*names):
        say(line)
    if not jobs:
        say(NO_UNITS)
        sys.exit(FAILED)
    if form == "env" and len(jobs) > 1:
        raise click.UsageError(f"--format env is for one job, and {len(jobs)} are selected")
    with (
        reported(),
        open_tools(
            run,
            names,
            endpoint_url=endpoint_url,
            region=region,
            stack=stack,
            concurrency=concurrency,
            binary=binary,
            workdir=workdir,
        ) as tools,
    ):
        found = {job: values for each in tools for job, values in each.outputs().items()}
    problems = list(_not_deployed(run, found))
    known = {job: values or {} for job, values in found.items()}
    if form == "env" and not problems:
        [values] = known.values()
        lines, problems = _env(values)
        for line in lines if not problems else ():
            click.echo(line)
    elif form == "json":
        print_json("outputs", {"jobs": known})
    elif form == "text":
        _show({job: values for job, values in known.items() if values})
    show_diagnostics(problems)
    if problems:
        sys.exit(FAILED)


def _not_deployed(run: Run, found: Mapping[str, Mapping[str, str] | None]) -> Iterator[Diagnostic]:
    from dativo_infra.diagnostics.rules import NOT_DEPLOYED

    for each in run.plan.jobs:
        identity = str(each.job.identity)
        if found.get(identity, {}) is None:
            message = f"{identity} is not deployed, or not all that it needs."
            yield NOT_DEPLOYED.at(each.job.locate("runtime.platform"), message)


def _show(known: Mapping[str, Mapping[str, str]]) -> None:
    output = console()
    for job, values in known.items():
        output.print(job, style="bold", markup=False)
        for name, value in values.items():
            output.print(f"  {name} = {value}", markup=False)


# --- for an environment file --------------------------------------------------------------------


def _env(values: Mapping[str, str]) -> tuple[list[str], list[Diagnostic]]:
    """Return the lines of an environment file, and what cannot be one."""
    from dativo_infra.adapters.results import HIDDEN
    from dativo_infra.diagnostics.rules import NOT_AN_ENV_VALUE

    lines: dict[str, str] = {}
    problems: list[Diagnostic] = []
    for output, value in values.items():
        name = re.sub(r"\W", "_", output, flags=re.ASCII).upper()
        name = f"_{name}" if name[:1].isdigit() else name
        quoted = _quoted(value)
        if value == HIDDEN:
            problems.append(NOT_AN_ENV_VALUE.at(None, f"The value of `{output}` is a secret."))
        elif quoted is None:
            problem = f"The value of `{output}` has line ends, or both kinds of quotes."
            problems.append(NOT_AN_ENV_VALUE.at(None, problem))
        elif lines.setdefault(name, f"{name}={quoted}") != f"{name}={quoted}":
            problem = f"`{output}` would be {name}, as another output with another value is."
            problems.append(NOT_AN_ENV_VALUE.at(None, problem))
    return list(lines.values()), problems


def _quoted(value: str) -> str | None:
    """Return a value as `read_env_file` reads it back exactly; None where it cannot be."""
    if "\n" in value or "\r" in value:
        return None
    return next((f"{quote}{value}{quote}" for quote in "'\"" if quote not in value), None)
