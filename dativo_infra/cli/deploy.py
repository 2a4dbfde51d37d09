"""`dativo-infra deploy`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from dativo_infra.cli.common import (
    FAILED,
    console,
    format_option,
    job_options,
    need_extra,
    prepare,
    print_json,
    say,
    show_diagnostics,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dativo_infra.adapters.cloudformation.deploy import Event, StackResult
    from dativo_infra.adapters.cloudformation.local import TaggedResource


@click.command("deploy")
@job_options
@click.option(
    "--local",
    is_flag=True,
    help="Into CloudFormation embedded in this process: no account, and gone at the end.",
)
@format_option
def command(local: bool, form: str, **options: Any) -> None:
    """Build the jobs' CloudFormation stacks.

    This version deploys with --local alone: it creates the stacks in memory and reads the tags back
    from what was created. Roles that the jobs refer to are taken to exist. What the embedded
    CloudFormation leaves out is said.
    """
    if not local:
        raise click.UsageError(
            "this version deploys only with --local. For an account, write the templates with "
            "`dativo-infra synth --to cloudformation` and give them to `aws cloudformation deploy`."
        )
    need_extra("troposphere", "local")
    need_extra("moto", "local")
    run = prepare(**options)
    run.stop_on_errors()
    from dativo_infra.adapters.cloudformation.deploy import clients_of, deploy, open_session
    from dativo_infra.adapters.cloudformation.local import create_roles, embedded, tags_of
    from dativo_infra.diagnostics import DiagnosticError

    with embedded() as unsupported:
        session = open_session()
        create_roles(session, run.roles_of("cloudformation"))
        try:
            results = deploy(
                run.plan.owned_by("cloudformation"),
                clients=clients_of(session),
                parameters=run.environment,
                on_event=_say_event,
            )
        except DiagnosticError as error:
            show_diagnostics(error.diagnostics)
            sys.exit(FAILED)
        resources = tags_of(session, results)
    if form == "json":
        print_json("deployment", _data(results, resources, unsupported))
    else:
        for line in run.not_owned_by("cloudformation"):
            say(line)
        _say_gaps(resources, unsupported)
        _show(results, resources)
    failures = [each.diagnostic for each in results if each.diagnostic]
    show_diagnostics(failures)
    if failures:
        sys.exit(FAILED)


def _say_event(event: Event) -> None:
    if event.status.endswith(("_COMPLETE", "_FAILED")):
        reason = f": {event.reason}" if event.reason and event.status.endswith("_FAILED") else ""
        say(f"{event.stack}  {event.status}  {event.logical_id}{reason}")


def _show(results: Iterable[StackResult], resources: Iterable[TaggedResource]) -> None:
    from rich.markup import escape
    from rich.table import Table

    by_stack: dict[str, list[TaggedResource]] = {}
    for resource in resources:
        by_stack.setdefault(resource.stack, []).append(resource)
    table = Table(show_lines=True)
    for column in ("job", "stack", "built", "tags, as the service reports them"):
        table.add_column(column, overflow="fold")
    for result in results:
        built = by_stack.get(result.stack, [])
        jobs = "\n".join(str(job) for job in result.unit.jobs)
        table.add_row(
            escape(jobs), f"{result.stack}\n{result.action}", _built(built), escape(_tags(built))
        )
    console().print(table)


def _built(resources: Iterable[TaggedResource]) -> str:
    return "\n".join(f"{each.type.removeprefix('AWS::')} {each.key}" for each in resources)


def _tags(resources: Iterable[TaggedResource]) -> str:
    """Return each tag with the number of resources that carry it, of those that can."""
    taggable = [each.tags for each in resources if each.tags is not None]
    counts: dict[tuple[str, str], int] = {}
    for tags in taggable:
        for pair in tags.items():
            counts[pair] = counts.get(pair, 0) + 1
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


def _data(
    results: Iterable[StackResult],
    resources: Iterable[TaggedResource],
    unsupported: Iterable[str],
) -> dict[str, Any]:
    return {
        "stacks": [
            {
                "identity": str(each.unit.identity),
                "stack": each.stack,
                "action": str(each.action),
                "outputs": dict(each.outputs),
                "error": each.diagnostic.message if each.diagnostic else None,
            }
            for each in results
        ],
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
        "not_created": list(unsupported),
    }
