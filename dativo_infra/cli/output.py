"""`dativo-infra output`."""

from __future__ import annotations

import re
import sys
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dativo_infra.cli.common import (
    ENV_SUFFIX,
    FAILED,
    console,
    job_options,
    json_text,
    prepare,
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
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from dativo_infra.cli.common import Run
    from dativo_infra.diagnostics import Diagnostic
    from dativo_infra.planning import JobPlan


_LINES = ("env", "dotenv", "github")
"""The formats that have a line for each value of one job."""


@click.command("output")
@job_options
@stack_options
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", *_LINES]),
    help="Text for people, JSON, or lines NAME=value of one job: for an --env-file (env, or "
    "dotenv), or for $GITHUB_ENV and $GITHUB_OUTPUT.  [default: text; with --output env]",
)
@click.option(
    "-o",
    "--output",
    "target",
    type=click.Path(path_type=Path),
    help="File to write to, with --all folder; only its owner may read it, and secrets are in it.",
)
@click.option(
    "--all",
    "every",
    is_flag=True,
    help="With --output: write a file for each tenant and environment, for an --env-file.",
)
@click.option(
    "--root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Terraform: the initialised root of your own that the jobs' outputs are read from.",
)
@click.option("--show-secrets", is_flag=True, help="Also print secrets, in clear.")
def command(
    *,
    tool: str | None,
    stack: str | None,
    endpoint_url: str | None,
    region: str | None,
    concurrency: int,
    binary: str | None,
    workdir: Path | None,
    form: str | None,
    target: Path | None,
    every: bool,
    root: Path | None,
    show_secrets: bool,
    **options: Any,
) -> None:
    """Print the outputs of the jobs' stacks, or write them to files.

    By the names that jobs use: those of the platform, of what jobs share, and the job's own.
    """
    form = _settled(form, target, every=every)
    get = may_run_terraform(tool) and root is None
    run = prepare(**options, get_modules=get, binary=binary)
    run.stop_on_errors()
    show_secrets = show_secrets or target is not None
    # A team that keeps a root of its own builds the job itself.
    names = ["terraform", "manual"] if root else owners(run, tool)
    jobs = [
        each for each in run.plan.jobs if each.owner in names and (root or each.unit or each.shared)
    ]
    if not root:
        for line in run.not_owned_by(*names):
            say(line)
    if not jobs:
        say(NO_UNITS)
        sys.exit(FAILED)
    if form in _LINES and len(jobs) > 1 and not every:
        what = f"--format {form} is for one job, and {len(jobs)} are selected; see --all"
        raise click.UsageError(what)
    if root:
        with reported():
            found = _of_root(jobs, root, binary, show_secrets=show_secrets)
    else:
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
            outputs = [each.outputs(show_secrets=show_secrets) for each in tools]
        found = {job: values for each in outputs for job, values in each.items()}
    problems = [*_not_deployed(run, found), *_missing(run, found)]
    known = {job: values or {} for job, values in found.items()}
    texts: dict[str, str] = {}
    if form in _LINES:
        if not problems:
            texts, problems = _files(run, known, form, every=every)
    elif form == "json":
        texts = {"": f"{json_text('outputs', {'jobs': known})}\n"}
    else:
        _show({job: values for job, values in known.items() if values})
    with reported():
        _write(texts, target)
    show_diagnostics(problems)
    if problems:
        sys.exit(FAILED)


def _settled(form: str | None, target: Path | None, *, every: bool) -> str:
    """Return the format, and refuse one that does not fit what is to be written."""
    form = form or ("env" if target else "text")
    if every and (target is None or form not in {"env", "dotenv"}):
        raise click.UsageError("--all writes environment files: name their folder with --output")
    if form == "text" and target:
        raise click.UsageError("--format text is for people: write another one to a file")
    return form


def _write(texts: Mapping[str, str], target: Path | None) -> None:
    """Write texts by the names of their files below a folder, or the only one to a file."""
    from dativo_infra.adapters.files import write_files

    if target is None:
        for text in texts.values():
            click.echo(text, nl=False)
        return
    folder, files = (
        (target, texts) if "" not in texts else (target.parent, {target.name: texts[""]})
    )
    for name in write_files(folder, files, private=True).written:
        say(str(folder / name))


def _of_root(
    jobs: Iterable[JobPlan], root: Path, binary: str | None, *, show_secrets: bool
) -> dict[str, Mapping[str, str] | None]:
    """Return what a team's own root gives to each job, in the job's workspace."""
    from dativo_infra.adapters.results import HIDDEN
    from dativo_infra.adapters.terraform.deploy import find_binary, root_outputs

    program = find_binary(binary)
    asked: dict[str, Mapping[str, str]] = {}
    found: dict[str, Mapping[str, str] | None] = {}
    for each in jobs:
        workspace = each.job.get("terraform.workspace") or "default"
        if workspace not in asked:
            asked[workspace] = {
                name: HIDDEN if secret and not show_secrets else text
                for name, (text, secret) in root_outputs(program, root, workspace).items()
            }
        known = asked[workspace]
        own = {alias: known[name] for alias, name in _expected(each).items() if name in known}
        found[str(each.job.identity)] = {**known, **own}
    return found


def _expected(job: JobPlan) -> Mapping[str, str]:
    """Return the outputs that a job expects, by its own names; of the tool that has them."""
    texts = (job.job.get("outputs") or {}) if job.owner in {"terraform", "manual"} else {}
    return job.expected or {alias: text.rpartition(".")[2] for alias, text in texts.items()}


def _missing(run: Run, found: Mapping[str, Mapping[str, str] | None]) -> Iterator[Diagnostic]:
    """Yield the outputs that jobs expect and that are not there."""
    from dativo_infra.diagnostics.rules import MISSING_OUTPUT

    for each in run.plan.jobs:
        values = found.get(str(each.job.identity))
        for alias, name in _expected(each).items():
            if values is not None and name not in values:
                yield MISSING_OUTPUT.at(
                    each.job.locate("outputs", alias),
                    f"{each.job.identity} expects `{name}`, and nothing gives it.",
                    word=name,
                    choices=values,
                )


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


def _files(
    run: Run, known: Mapping[str, Mapping[str, str]], form: str, *, every: bool
) -> tuple[dict[str, str], list[Diagnostic]]:
    """Return the lines of each file by its name, which is empty for the only one; and problems."""
    grouped: dict[str, list[tuple[str, str]]] = {}
    for each in run.plan.jobs:
        job = each.job
        if (values := known.get(str(job.identity))) is not None:
            if every and "/" in f"{job.tenant}{job.environment}":
                raise click.UsageError(f"{job.identity} has a `/` in its name, as no file has")
            name = f"{job.tenant}/{job.environment}{ENV_SUFFIX}" if every else ""
            grouped.setdefault(name, []).extend(values.items())
    files: dict[str, str] = {}
    problems: list[Diagnostic] = []
    for name, pairs in grouped.items():
        lines, wrong = _env(pairs, _github if form == "github" else _quoted)
        files[name] = "".join(f"{line}\n" for line in lines)
        problems += wrong
    return ({} if problems else files), problems


def _env(
    values: Iterable[tuple[str, str]], line: Callable[[str, str], str | None] | None = None
) -> tuple[list[str], list[Diagnostic]]:
    """Return the lines of an environment file, and what cannot be one."""
    from dativo_infra.adapters.results import HIDDEN
    from dativo_infra.diagnostics.rules import NOT_AN_ENV_VALUE

    lines: dict[str, str] = {}
    problems: list[Diagnostic] = []
    line = line or _quoted
    for output, value in values:
        name = re.sub(r"\W", "_", output, flags=re.ASCII).upper()
        name = f"_{name}" if name[:1].isdigit() else name
        written = line(name, value)
        if value == HIDDEN:
            problems.append(NOT_AN_ENV_VALUE.at(None, f"The value of `{output}` is a secret."))
        elif written is None:
            problem = f"The value of `{output}` has line ends, or both kinds of quotes."
            problems.append(NOT_AN_ENV_VALUE.at(None, problem))
        elif lines.setdefault(name, written) != written:
            problem = f"`{output}` would be {name}, as another output with another value is."
            problems.append(NOT_AN_ENV_VALUE.at(None, problem))
    return list(lines.values()), problems


def _quoted(name: str, value: str) -> str | None:
    """Return a value as `read_env_file` reads it back exactly; None where it cannot be."""
    if "\n" in value or "\r" in value:
        return None
    return next((f"{name}={quote}{value}{quote}" for quote in "'\"" if quote not in value), None)


def _github(name: str, value: str) -> str:
    """Return a value as a line of GitHub's files has it, or as several lines.

    Source: https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
    """
    if "\n" not in value and "\r" not in value:
        return f"{name}={value}"
    end = f"end_{sha256(value.encode()).hexdigest()}"
    return f"{name}<<{end}\n{value}\n{end}"
