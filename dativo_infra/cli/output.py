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
    TOOL,
    concurrency_option,
    connected,
    connection_options,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dativo_infra.cli.common import Run
    from dativo_infra.diagnostics import Diagnostic
    from dativo_infra.names import Identity
    from dativo_infra.planning import JobPlan

    Found = Mapping[Identity, Mapping[str, str] | None]


@click.command("output")
@job_options
@connection_options
@concurrency_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "env"]),
    default="text",
    help="Text for people, JSON, or NAME=value lines of one job for an --env-file.",
)
def command(
    endpoint_url: str | None, region: str | None, concurrency: int, form: str, **options: Any
) -> None:
    """Print the outputs of the jobs' CloudFormation stacks.

    By the names that jobs use: those of the platform, of what jobs share, and the job's own.
    """
    run = prepare(**options)
    run.stop_on_errors()
    jobs = [each for each in run.plan.jobs if each.owner == TOOL and (each.unit or each.shared)]
    for line in run.not_owned_by(TOOL):
        say(line)
    if not jobs:
        say(NO_UNITS)
        sys.exit(FAILED)
    if form == "env" and len(jobs) > 1:
        raise click.UsageError(f"--format env is for one job, and {len(jobs)} are selected")
    with reported(), connected(run, endpoint_url=endpoint_url, region=region) as connection:
        from dativo_infra.adapters.cloudformation.deploy import outputs

        units = run.plan.owned_by(TOOL)
        found = outputs(units, clients=connection.clients, concurrency=concurrency)
    problems = list(_not_deployed(run, found))
    known = {str(each.job.identity): _of_job(each, found) for each in jobs}
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


def _not_deployed(run: Run, found: Found) -> Iterator[Diagnostic]:
    from dativo_infra.diagnostics.rules import NOT_DEPLOYED
    from dativo_infra.names import STACK

    for identity, values in found.items():
        if values is None:
            unit = run.plan.unit(identity)
            message = f"The stack {unit.name(STACK)} of {identity} is not deployed."
            yield NOT_DEPLOYED.at(unit.resources[0].origin, message)


def _of_job(job: JobPlan, found: Found) -> dict[str, str]:
    """Return a job's outputs: what it shares, its own, and these by its own names."""
    known: dict[str, str] = {}
    for identity in (*job.shared, job.unit):
        known.update((found.get(identity) if identity else None) or {})
    own = {alias: known[name] for alias, name in job.expected.items() if name in known}
    return {**known, **own}


def _show(known: Mapping[str, Mapping[str, str]]) -> None:
    output = console()
    for job, values in known.items():
        output.print(job, style="bold", markup=False)
        for name, value in values.items():
            output.print(f"  {name} = {value}", markup=False)


# --- for an environment file --------------------------------------------------------------------


def _env(values: Mapping[str, str]) -> tuple[list[str], list[Diagnostic]]:
    """Return the lines of an environment file, and what cannot be one."""
    from dativo_infra.diagnostics.rules import NOT_AN_ENV_VALUE

    lines: dict[str, str] = {}
    problems: list[Diagnostic] = []
    for output, value in values.items():
        name = re.sub(r"\W", "_", output, flags=re.ASCII).upper()
        name = f"_{name}" if name[:1].isdigit() else name
        quoted = _quoted(value)
        if quoted is None:
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
