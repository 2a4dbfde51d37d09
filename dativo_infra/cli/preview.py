"""`dativo-infra preview`."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from dativo_infra.cli.common import (
    CHANGES,
    FAILED,
    console,
    format_option,
    job_options,
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
    local_option,
    may_run_terraform,
    open_tools,
    orphan_data,
    owners,
    param_option,
    stack_options,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from rich.tree import Tree

    from dativo_infra.adapters.results import Change, Doomed, PropertyChange, StackPreview

_LONGEST_VALUE = 100


@click.command("preview")
@job_options
@param_option
@stack_options
@local_option
@bucket_option
@click.option(
    "--detailed-exitcode", is_flag=True, help="Exit with 3 where there are changes, 0 if not."
)
@click.option(
    "--offline",
    is_flag=True,
    help="Instead run the Pulumi components under mocks, and list what they register.",
)
@format_option
def command(
    *,
    params: tuple[str, ...],
    tool: str | None,
    stack: str | None,
    endpoint_url: str | None,
    region: str | None,
    local: bool,
    concurrency: int,
    binary: str | None,
    workdir: Path | None,
    bucket: str | None,
    detailed_exitcode: bool,
    offline: bool,
    form: str,
    **options: Any,
) -> None:
    """Show what a deployment would change, before anything is done.

    Of CloudFormation's stacks a change set is made, shown, and deleted again; Pulumi's engine
    compares its stacks with what the jobs say.
    """
    if offline and any((tool, stack, endpoint_url, region, local, bucket, detailed_exitcode)):
        raise click.UsageError("--offline asks nobody: leave the options of stacks out")
    get = may_run_terraform(tool, local=local or offline)
    run = prepare(**options, params=params, get_modules=get, binary=binary)
    run.stop_on_errors()
    if offline:
        from dativo_infra.cli.offline import show

        show(run, form)
        return
    names = owners(run, tool, local=local)
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
        ) as tools,
    ):
        with Progress(sum(len(each.units) for each in tools)) as progress:
            previews = [one for each in tools for one in each.preview(progress)]
        selected = (options["tenant"], options["environment"])
        gone = [one for each in tools for one in each.orphans(selected)]
    for line in run.not_owned_by(*names):
        say(line)
    _report(previews, gone, form)
    if any(each.diagnostics for each in previews):
        sys.exit(FAILED)
    if detailed_exitcode and any(each.changed for each in previews):
        sys.exit(CHANGES)


def _report(previews: list[StackPreview], gone: list[Doomed], form: str) -> None:
    show_diagnostics(each for preview in previews for each in preview.diagnostics)
    if form == "json":
        stacks = [_data(each) for each in previews]
        print_json("preview", {"stacks": stacks, "orphans": orphan_data(gone)})
    else:
        output = console()
        for each in previews:
            if each.changed:
                output.print(_tree(each))
    say(_summary(previews) if previews else NO_UNITS)
    if gone:
        names = ", ".join(each.stack for each in gone)
        say(f"No job builds these stacks any more; deploy --prune deletes them: {names}.")


def _summary(previews: list[StackPreview]) -> str:
    from dativo_infra.diagnostics.render import count_of

    counts = Counter(each.action for each in previews)
    parts = ", ".join(f"{count:,} {action}" for action, count in sorted(counts.items()))
    nothing = "No changes. " if set(counts) == {"unchanged"} else ""
    return f"{nothing}{count_of(len(previews), 'stack')}: {parts}. Nothing was done."


def _tree(preview: StackPreview) -> Tree:
    from rich.markup import escape
    from rich.tree import Tree

    jobs = ", ".join(map(str, preview.unit.jobs))
    tree = Tree(f"[bold]{escape(preview.stack)}[/] [dim]{preview.action}; {escape(jobs)}[/]")
    for change in preview.changes:
        branch = tree.add(_line(change))
        for each in change.properties:
            branch.add(escape(_property(each)))
    if preview.protection is not None:
        tree.add(f"termination protection {'on' if preview.protection else 'off'}")
    return tree


_COLOURS = {"add": "green", "change": "yellow"}


def _line(change: Change) -> str:
    from rich.markup import escape

    colour = _COLOURS.get(change.action, "red")
    place = f" [dim]{escape(str(change.origin))}[/]" if change.origin else ""
    return (
        f"[{colour}]{change.action}[/] {escape(change.type)} {escape(change.key)}"
        f"{escape(', '.join(['', *_marks(change)]))}{place}"
    )


def _marks(change: Change) -> Iterator[str]:
    if change.retained and change.action == "remove":
        yield "retained: it stays in the account, outside of the stack"
    if change.needs_allowing:
        yield "needs --allow-replacement"


def _property(each: PropertyChange) -> str:
    if each.before is None and each.after is None:
        return each.path
    return f"{each.path}: {_short(each.before)} -> {_short(each.after)}"


def _short(value: str | None) -> str:
    if value is None:
        return "(none)"
    return value if len(value) <= _LONGEST_VALUE else f"{value[:_LONGEST_VALUE]}..."


def _data(preview: StackPreview) -> dict[str, Any]:
    from dativo_infra.diagnostics.render import as_data

    return {
        "identity": str(preview.unit.identity),
        "stack": preview.stack,
        "changed": preview.changed,
        "kept": preview.reason or None,
        "creates": preview.creates,
        "changes": list(_changes(preview.changes)),
        "protection": preview.protection,
        "diagnostics": as_data(preview.diagnostics),
    }


def _changes(changes: Iterable[Change]) -> Iterator[dict[str, Any]]:
    for change in changes:
        yield {
            "action": change.action,
            "type": change.type,
            "key": change.key,
            "at": str(change.origin) if change.origin else None,
            "retained": change.retained,
            "needs_allow_replacement": change.needs_allowing,
            "properties": [
                {"path": each.path, "before": each.before, "after": each.after}
                for each in change.properties
            ],
        }
