"""`dativo-infra plan`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from dativo_infra.cli.common import (
    FAILED,
    console,
    format_option,
    job_options,
    prepare,
    print_json,
    say,
    show_diagnostics,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.tree import Tree

    from dativo_infra.planning import JobPlan, Plan, Unit
    from dativo_infra.resources import Resource


@click.command("plan")
@job_options
@format_option
def command(form: str, **options: Any) -> None:
    """Show what would be built for each job, and what becomes of each field.

    Works offline: nothing is compared with what is deployed.
    """
    run = prepare(**options)
    if form == "json":
        from dativo_infra.diagnostics.render import as_data

        content = {} if run.failed else _data(run.plan)
        print_json("plan", {**content, "diagnostics": as_data(run.diagnostics)})
    else:
        show_diagnostics(run.diagnostics)
        if not run.failed:
            output = console()
            for tree in _trees(run.plan):
                output.print(tree)
        say(run.summary())
    if run.failed:
        sys.exit(FAILED)


# --- for people ---------------------------------------------------------------------------------


def _trees(plan: Plan) -> Iterator[Tree]:
    from rich.markup import escape
    from rich.tree import Tree

    from dativo_infra.planning import UnitKind

    shared = [unit for unit in plan.units if unit.kind is UnitKind.SHARED]
    for unit in shared:
        tree = Tree(f"[bold]{escape(unit.description)}[/] [dim]shared, by {unit.owner}[/]")
        used_by = ", ".join(map(str, unit.jobs))
        tree.add(f"[dim]used by[/] {escape(used_by)}")
        _add_unit(tree, unit)
        yield tree
    for job_plan in plan.jobs:
        yield _job_tree(plan, job_plan)


def _job_tree(plan: Plan, job_plan: JobPlan) -> Tree:
    from rich.markup import escape
    from rich.tree import Tree

    from dativo_infra.values import show

    job = job_plan.job
    platform = job.get("runtime.platform") or "no platform"
    tree = Tree(
        f"[bold]{escape(str(job.identity))}[/] "
        f"[dim]{platform}, {job_plan.owner}; {escape(job.source.file)}[/]"
    )
    if not job_plan.understood.is_plain:
        tree.add(f"runs on {job_plan.understood}")
    for note in job_plan.notes:
        tree.add(escape(note))
    if job_plan.unit is not None:
        _add_unit(tree, plan.unit(job_plan.unit))
    if job_plan.references:
        branch = tree.add("[dim]refers to what exists[/]")
        for reference in job_plan.references:
            branch.add(f"{reference.kind} {escape(str(reference.id))}")
    if job_plan.outputs:
        branch = tree.add("[dim]expected outputs[/]")
        for name, value in job_plan.outputs.items():
            known = "not known here" if value is None else str(show(value))
            branch.add(f"{escape(name)} = {escape(known)}")
    if job_plan.fields and len({use.text for use in job_plan.fields}) > 1:
        branch = tree.add("[dim]fields[/]")
        colours = {"used": "green", "referenced": "cyan", "unused": "yellow"}
        for use in job_plan.fields:
            branch.add(
                f"[{colours[use.outcome]}]{use.outcome:10}[/] {escape(use.path)}"
                f"[dim]: {escape(use.text)}[/]"
            )
    return tree


def _add_unit(tree: Tree, unit: Unit) -> None:
    from rich.markup import escape

    from dativo_infra.values import show

    where = f" [dim]at {escape(str(unit.target))}[/]" if unit.target.name else ""
    branch = tree.add(f"[dim]builds[/] {unit.component}{where}")
    for resource in unit.resources:
        marks = [name for name in ("retain", "protect") if getattr(resource.lifecycle, name)]
        after = f" [dim]({', '.join(marks)})[/]" if marks else ""
        branch.add(f"{escape(_title(resource))}{after}")
    if unit.tags:
        pairs = ", ".join(f"{key}={show(value)}" for key, value in unit.tags.items())
        tree.add(f"[dim]tags[/] {escape(pairs)}")


def _title(resource: Resource) -> str:
    from dativo_infra.resources.kubernetes import KubernetesObject

    if isinstance(resource, KubernetesObject):
        return f"{resource.kind} {resource.name}"
    return f"{type(resource).__name__} {resource.key}"


# --- for machines -------------------------------------------------------------------------------


def _data(plan: Plan) -> dict[str, Any]:
    return {
        "units": [_unit_data(unit) for unit in plan.units],
        "jobs": [_job_data(job_plan) for job_plan in plan.jobs],
    }


def _unit_data(unit: Unit) -> dict[str, Any]:
    from dataclasses import asdict

    from dativo_infra.values import show

    return {
        "identity": str(unit.identity),
        "kind": str(unit.kind),
        "component": unit.component,
        "owner": unit.owner,
        "target": asdict(unit.target),
        "jobs": _texts(unit.jobs),
        "needs": _texts(unit.needs),
        "tags": show(unit.tags),
        "exports": show(unit.exports),
        "resources": [_resource_data(resource) for resource in unit.resources],
    }


def _resource_data(resource: Resource) -> dict[str, Any]:
    from dataclasses import fields, is_dataclass

    from dativo_infra.values import TOKENS, show

    def data(value: Any) -> Any:
        if is_dataclass(value) and not isinstance(value, TOKENS):
            return {each.name: data(getattr(value, each.name)) for each in fields(value)}
        return show(value)

    origin = str(resource.origin) if resource.origin else None
    return {"type": type(resource).__name__, **data(resource), "origin": origin}


def _job_data(job_plan: JobPlan) -> dict[str, Any]:
    from dativo_infra.values import show

    return {
        "identity": str(job_plan.job.identity),
        "file": job_plan.job.source.file,
        "platform": job_plan.job.get("runtime.platform"),
        "owner": job_plan.owner,
        "cloud": {"name": job_plan.understood.cloud, "why": job_plan.understood.why},
        "unit": str(job_plan.unit) if job_plan.unit else None,
        "shared": _texts(job_plan.shared),
        "notes": list(job_plan.notes),
        "references": [
            {"kind": each.kind, "id": show(each.id), "at": str(each.location)}
            for each in job_plan.references
        ],
        "outputs": show(job_plan.outputs),
        "fields": [
            {
                "path": each.path,
                "outcome": each.outcome,
                "text": each.text,
                "at": str(each.location),
            }
            for each in job_plan.fields
        ],
    }


def _texts(values: Iterable[object]) -> list[str]:
    return [str(value) for value in values]
