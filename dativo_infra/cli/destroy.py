"""`dativo-infra destroy`."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from dativo_infra.cli.common import (
    FAILED,
    INTERRUPTED,
    ask,
    console,
    job_options,
    need_answer,
    prepare,
    reported,
    say,
)
from dativo_infra.cli.stacks import (
    NO_UNITS,
    delete,
    describe,
    may_run_terraform,
    open_tools,
    owners,
    stack_options,
)

if TYPE_CHECKING:
    from pathlib import Path

    from dativo_infra.adapters.results import DestroyResult, Doomed


@click.command("destroy")
@job_options
@stack_options
@click.option("--yes", is_flag=True, help="Delete without asking.")
def command(
    *,
    tool: str | None,
    stack: str | None,
    endpoint_url: str | None,
    region: str | None,
    concurrency: int,
    binary: str | None,
    workdir: Path | None,
    yes: bool,
    **options: Any,
) -> None:
    """Delete the jobs' stacks, and with Pulumi what the jobs have in theirs.

    First it shows what goes and what is retained, and asks. What is protected stays; what several
    jobs share stays while a job is left that uses it.
    """
    need_answer(yes)
    run = prepare(**options, get_modules=may_run_terraform(tool), binary=binary)
    run.stop_on_errors()
    names = owners(run, tool)
    for line in run.not_owned_by(*names):
        say(line)
    if not names:
        say(NO_UNITS)
        return
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
        found = [(each, each.doomed()) for each in tools]
        every = [each for _, stacks in found for each in stacks]
        if not every:
            say("Nothing is deployed.")
            return
        output = console()
        for line in describe(every):
            output.print(line, markup=False)
        going = [each for each in every if not each.keep]
        if not going or not (yes or ask(_question(going))):
            say("Nothing was deleted.")
            return
        results, interrupted = delete(found)
    say(_summary(results))
    if interrupted:
        say("Interrupted. Run the same command again to go on.")
        sys.exit(INTERRUPTED)
    if any(result.action.unfinished for result in results):
        sys.exit(FAILED)


def _question(going: list[Doomed]) -> str:
    from dativo_infra.diagnostics.render import count_of

    return f"Delete {count_of(len(going), 'stack')}?"


def _summary(results: list[DestroyResult]) -> str:
    from dativo_infra.diagnostics.render import count_of

    counts = Counter(str(result.action) for result in results)
    parts = ", ".join(f"{count:,} {action}" for action, count in sorted(counts.items()))
    return f"{count_of(len(results), 'stack')}: {parts}."
