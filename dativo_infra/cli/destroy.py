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
    TOOL,
    concurrency_option,
    connected,
    connection_options,
    delete,
    describe,
)

if TYPE_CHECKING:
    from dativo_infra.adapters.cloudformation.deploy import DestroyResult, Doomed


@click.command("destroy")
@job_options
@connection_options
@concurrency_option
@click.option("--yes", is_flag=True, help="Delete without asking.")
def command(
    endpoint_url: str | None, region: str | None, concurrency: int, yes: bool, **options: Any
) -> None:
    """Delete the jobs' CloudFormation stacks.

    First it shows what goes and what is retained, and asks. Protected stacks stay; what several
    jobs share stays while a job is left that uses it.
    """
    need_answer(yes)
    run = prepare(**options)
    run.stop_on_errors()
    for line in run.not_owned_by(TOOL):
        say(line)
    units = run.plan.owned_by(TOOL)
    if not units:
        say(NO_UNITS)
        return
    with reported(), connected(run, endpoint_url=endpoint_url, region=region) as connection:
        from dativo_infra.adapters.cloudformation.deploy import doomed

        found = doomed(
            units,
            clients=connection.clients,
            concurrency=concurrency,
            project=run.plan.project,
        )
        if not found:
            say("Nothing is deployed.")
            return
        output = console()
        for line in describe(found):
            output.print(line, markup=False)
        going = [each for each in found if not each.keep]
        if not going or not (yes or ask(_question(going))):
            say("Nothing was deleted.")
            return
        results, interrupted = delete(found, connection, concurrency)
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
