"""`dativo-infra deploy`."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from dativo_infra.cli.common import (
    FAILED,
    INTERRUPTED,
    ask,
    console,
    format_option,
    job_options,
    need_answer,
    prepare,
    print_json,
    reported,
    say,
    show_diagnostics,
)
from dativo_infra.cli.progress import Progress
from dativo_infra.cli.stacks import (
    NO_UNITS,
    bucket_option,
    delete,
    describe,
    local_option,
    may_run_terraform,
    open_tools,
    orphan_data,
    owners,
    param_option,
    stack_options,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dativo_infra.adapters.cloudformation.local import TaggedResource
    from dativo_infra.adapters.results import DestroyResult, Doomed, StackResult
    from dativo_infra.cli.common import Run
    from dativo_infra.cli.stacks import Tool
    from dativo_infra.diagnostics import Diagnostic

    Gone: TypeAlias = list[tuple[Tool, list[Doomed]]]
    """What no job names any more, by the tool that has it."""


@click.command("deploy")
@job_options
@param_option
@stack_options
@local_option
@click.option(
    "--allow-replacement",
    is_flag=True,
    help="Also replace or remove clusters, and what holds data.",
)
@click.option(
    "--recreate-failed",
    is_flag=True,
    help="CloudFormation: delete the empty stack that a failed creation left, and create it again.",
)
@bucket_option
@click.option(
    "--migrate-state",
    is_flag=True,
    help="Terraform: copy the state to a backend that is not the one it was left in.",
)
@click.option(
    "--prune",
    is_flag=True,
    help="Afterwards delete what no job of the project names any more; asks first.",
)
@click.option("--yes", is_flag=True, help="Delete what --prune finds without asking.")
@format_option
def command(
    *,
    params: tuple[str, ...],
    tool: str | None,
    local: bool,
    allow_replacement: bool,
    recreate_failed: bool,
    prune: bool,
    yes: bool,
    form: str,
    endpoint_url: str | None,
    region: str | None,
    stack: str | None,
    concurrency: int,
    binary: str | None,
    workdir: Path | None,
    bucket: str | None,
    migrate_state: bool,
    **options: Any,
) -> None:
    """Create and update the jobs' stacks, of CloudFormation and of Pulumi.

    In the account of your credentials, shared things first. With --local CloudFormation is tried
    in memory: the tags are read back from what was created, what the jobs refer to is taken to
    exist, and what the embedded CloudFormation leaves out is said.
    """
    if prune:
        _check_prune(options, local=local, yes=yes)
    run = prepare(
        **options, params=params, get_modules=may_run_terraform(tool, local=local), binary=binary
    )
    run.stop_on_errors()
    if prune:
        _check_project(run)
    names = owners(run, tool, local=local, needed=prune)
    if not names:
        _nothing(run, form)
        return
    with (
        reported(),
        open_tools(
            run,
            names,
            local=local,
            endpoint_url=endpoint_url,
            region=region,
            stack=stack,
            concurrency=concurrency,
            binary=binary,
            workdir=workdir,
            bucket=bucket,
            migrate_state=migrate_state,
        ) as tools,
    ):
        results, problems, interrupted = _deploy(
            tools, allow_replacement=allow_replacement, recreate_failed=recreate_failed
        )
        resources = [one for each in tools for one in each.created(results)]
        unsupported = [kind for each in tools for kind in each.unsupported]
        failed = bool(problems) or any(result.diagnostics for result in results)
        _report(run, tools, results, resources, form)
        show_diagnostics(problems)
        gone: Gone = []
        if not interrupted:
            gone = _gone(tools, (options["tenant"], options["environment"]), prune=prune)
        pruned: list[DestroyResult] = []
        if prune and not (failed or interrupted):
            pruned, interrupted = _prune(gone, yes=yes)
        if form == "json":
            print_json("deployment", _data(results, resources, unsupported, gone, pruned))
        elif gone and (failed or not prune):
            _say_orphans(gone, prune=prune)
    if interrupted:
        _say_left(results)
        sys.exit(INTERRUPTED)
    if failed or any(each.action.unfinished for each in pruned):
        sys.exit(FAILED)


def _check_prune(options: Mapping[str, Any], *, local: bool, yes: bool) -> None:
    if local:
        raise click.UsageError("--local is empty, so that --prune would find nothing")
    if options["provider"]:
        raise click.UsageError("--prune needs the jobs' own providers: leave --provider out")
    if not all(Path(path).is_dir() for path in options["paths"]):
        raise click.UsageError("--prune needs folders: a single file cannot tell what is gone")
    need_answer(yes)


def _check_project(run: Run) -> None:
    if not run.plan.project:
        raise click.UsageError("--prune needs `name:` in dativo-infra.yaml, to know its stacks by")
    if not run.whole:
        raise click.UsageError(
            "--prune needs all jobs of the project: give the folder that dativo-infra.yaml is in, "
            "and leave --project out"
        )
    if not run.plan.jobs:
        raise click.UsageError("--prune found no job at all, and would delete every stack")
    named = [each.job for each in run.plan.jobs if each.job.block.name]
    if late := [str(job.identity) for job in named if "${" in job.locate("name").text]:
        raise click.UsageError(
            "--prune cannot tell what is gone, since a variable is part of the name of "
            f"{', '.join(late)}"
        )


def _deploy(tools: list[Tool], **settings: Any) -> tuple[list[StackResult], list[Diagnostic], bool]:
    """Deploy, one tool after the other.

    Returns:
        The results, why some stacks could not be worked on, and whether it was interrupted.
    """
    from dativo_infra.adapters.results import InterruptedRunError
    from dativo_infra.diagnostics import DiagnosticError

    results: list[StackResult] = []
    problems: list[Diagnostic] = []
    with Progress(sum(len(each.units) for each in tools)) as progress:
        for each in tools:
            try:
                results += each.deploy(progress, **settings)
            except InterruptedRunError as error:
                return [*results, *error.results], problems, True
            except DiagnosticError as error:
                results += getattr(error, "results", [])
                problems.extend(error.diagnostics)
    return results, problems, False


def _gone(tools: list[Tool], selected: tuple[str | None, str | None], *, prune: bool) -> Gone:
    """Return what has no job; nothing where that cannot be asked and nobody needs it."""
    from dativo_infra.diagnostics import DiagnosticError

    try:
        found = [(each, each.orphans(selected)) for each in tools]
    except DiagnosticError as error:
        if prune:
            raise
        say(f"Stacks without a job were not looked for: {error.diagnostics[0].message}")
        return []
    return [(tool, stacks) for tool, stacks in found if stacks]


def _prune(gone: Gone, *, yes: bool) -> tuple[list[DestroyResult], bool]:
    """Delete stacks, and return the results and whether it was interrupted."""
    from dativo_infra.diagnostics.render import count_of

    if not gone:
        say("No stack of the project is without a job.")
        return [], False
    every = [each for _, stacks in gone for each in stacks]
    for line in describe(every):
        say(line)
    going = [each for each in every if not each.keep]
    question = f"Delete {count_of(len(going), 'stack')} that no job names any more?"
    if not going or not (yes or ask(question)):
        say("Nothing was deleted.")
        return [], False
    return delete(gone)


# --- for people ---------------------------------------------------------------------------------


def _nothing(run: Run, form: str) -> None:
    for line in run.not_owned_by():
        say(line)
    say(NO_UNITS)
    if form == "json":
        empty = ("stacks", "orphans", "pruned", "resources", "not_created")
        print_json("deployment", {key: [] for key in empty})


def _report(
    run: Run,
    tools: list[Tool],
    results: list[StackResult],
    resources: list[TaggedResource],
    form: str,
) -> None:
    for line in run.not_owned_by(*(each.name for each in tools)):
        say(line)
    _say_gaps(resources, [kind for each in tools for kind in each.unsupported])
    if form == "text":
        _show(results, resources)
    show_diagnostics(each for result in results for each in result.diagnostics)
    say(_summary(results))


def _summary(results: Iterable[StackResult]) -> str:
    from dativo_infra.adapters.results import Action
    from dativo_infra.diagnostics.render import count_of

    counts = Counter(result.action for result in results)
    parts = [f"{counts[action]:,} {action}" for action in Action if counts[action]]
    unchanged = "No changes. " if set(counts) == {Action.UNCHANGED} else ""
    listed = f": {', '.join(parts)}" if parts else ""
    return f"{unchanged}{count_of(counts.total(), 'stack')}{listed}."


def _say_left(results: Iterable[StackResult]) -> None:
    from dativo_infra.adapters.results import Action

    if left := [result.stack for result in results if result.action is Action.LEFT]:
        say(f"CloudFormation goes on by itself with: {', '.join(left)}.")
    say("Interrupted. Run the same command again to go on.")


def _say_orphans(gone: Gone, *, prune: bool) -> None:
    say("No job builds these stacks any more:")
    for line in describe(each for _, stacks in gone for each in stacks):
        say(f"  {line}")
    say(
        "Nothing was deleted, since the deployment failed."
        if prune
        else "To delete them, deploy the whole project with --prune."
    )


def _show(results: Iterable[StackResult], resources: Iterable[TaggedResource]) -> None:
    """Draw a table of what was done; stacks that stay as they are were told in a line."""
    from rich.markup import escape
    from rich.table import Table

    from dativo_infra.adapters.results import Action

    changed = [result for result in results if result.action is not Action.UNCHANGED]
    if not changed:
        return
    by_stack: dict[str, list[TaggedResource]] = {}
    for resource in resources:
        by_stack.setdefault(resource.stack, []).append(resource)
    read_back = ("built", "tags, as the service reports them") if by_stack else ()
    table = Table(show_lines=bool(by_stack))
    for column in ("job", "stack", *read_back):
        table.add_column(column, overflow="fold")
    for result in changed:
        built = by_stack.get(result.stack, [])
        jobs = "\n".join(str(job) for job in result.unit.jobs)
        cells = (_built(built), escape(_tags(built))) if by_stack else ()
        table.add_row(escape(jobs), f"{result.stack}\n{result.action}", *cells)
    console().print(table)


def _built(resources: Iterable[TaggedResource]) -> str:
    return "\n".join(f"{each.type.removeprefix('AWS::')} {each.key}" for each in resources)


def _tags(resources: Iterable[TaggedResource]) -> str:
    """Return each tag with the number of resources that carry it, of those that can."""
    taggable = [each.tags for each in resources if each.tags is not None]
    counts = Counter(pair for tags in taggable for pair in tags.items())
    return "\n".join(
        f"{key}={value} ({count} of {len(taggable)})"
        for (key, value), count in sorted(counts.items())
    )


def _say_gaps(resources: Iterable[TaggedResource], unsupported: Iterable[str]) -> None:
    gaps: Mapping[str, str] = {each.type: each.note for each in resources if each.note}
    for kind, gap in sorted(gaps.items()):
        say(f"embedded: {kind} {gap}")
    for kind in unsupported:
        say(f"embedded: {kind} is not known, and was not created")


# --- for machines -------------------------------------------------------------------------------


def _data(
    results: Iterable[StackResult],
    resources: Iterable[TaggedResource],
    unsupported: list[str],
    gone: Gone,
    pruned: Iterable[DestroyResult],
) -> dict[str, Any]:
    from dativo_infra.diagnostics.render import as_data

    return {
        "stacks": [
            {
                "identity": str(each.unit.identity),
                "stack": each.stack,
                "action": str(each.action),
                "outputs": dict(each.outputs),
                "kept": each.reason or None,
                "error": each.diagnostic.message if each.diagnostic else None,
                "diagnostics": as_data(each.diagnostics),
            }
            for each in results
        ],
        "orphans": orphan_data(each for _, stacks in gone for each in stacks),
        "pruned": [{"stack": each.stack, "action": str(each.action)} for each in pruned],
        "resources": [
            {
                "stack": each.stack,
                "key": each.key,
                "type": each.type,
                "id": each.id,
                "tags": each.tags,
                "embedded_leaves_out": each.note or None,
            }
            for each in resources
        ],
        "not_created": unsupported,
    }
