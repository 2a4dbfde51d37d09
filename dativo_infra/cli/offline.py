"""`dativo-infra preview --offline`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dativo_infra.cli.common import console, need_pulumi, print_json, say

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.tree import Tree

    from dativo_infra.cli.common import Run
    from dativo_infra.planning import Unit
    from dativo_infra.testing import Recording, Registration


def show(run: Run, form: str) -> None:
    """Run the jobs' Pulumi components offline and list what they register.

    Pulumi's mocks stand in for the engine: nothing is compared with what is deployed. With an
    account and the Pulumi CLI, `pulumi preview` does that.
    """
    units = run.plan.owned_by("pulumi")
    need_pulumi(units)
    from dativo_infra.adapters.pulumi import build
    from dativo_infra.testing import record

    placeholders = _placeholders(units)
    recording = record(
        lambda: build(run.plan, parameters=placeholders),
        project="dativo-infra",
        # No cluster and no workspace is asked for anything, so none needs to be named.
        config={"kubernetes:context": "offline", "databricks:host": "https://offline"},
    )
    if form == "json":
        print_json("preview", {"registrations": [_data(each) for each in recording]})
        return
    output = console()
    for registration in recording:
        if not registration.parent:
            output.print(_tree(registration, recording))
    for line in run.not_owned_by("pulumi"):
        say(line)
    say(
        f"{len(recording)} resources in {len(units)} components would be registered. Offline: "
        "nothing was compared with what is deployed."
    )


def _placeholders(units: Iterable[Unit]) -> dict[str, Any]:
    """Return a value for each parameter: its own name in brackets.

    What the environment knows is filled in already, but for secrets, which no preview needs.
    """
    from dataclasses import fields

    from dativo_infra.values import parameters

    found: dict[str, Any] = {}
    for unit in units:
        for part in (*unit.resources, unit):
            for parameter in parameters([getattr(part, each.name) for each in fields(part)]):
                name = f"<{parameter.name}>"
                found[parameter.name] = [name] if parameter.type == "list" else name
    return found


def _tree(registration: Registration, recording: Recording) -> Tree:
    from rich.markup import escape
    from rich.tree import Tree

    tree = Tree(_line(registration))
    for child in recording.children(registration):
        branch = tree.add(_line(child))
        tags = child.inputs.get("tags") or child.inputs.get("customTags")
        if isinstance(tags, dict):
            branch.add(f"[dim]tags {escape(', '.join(f'{k}={v}' for k, v in tags.items()))}[/]")
    return tree


def _line(registration: Registration) -> str:
    from rich.markup import escape

    marks = [
        name
        for name, is_set in (
            ("protect", registration.protect),
            ("retain on delete", registration.retain_on_delete),
        )
        if is_set
    ]
    after = f" [dim]({', '.join(marks)})[/]" if marks else ""
    return f"[bold]{escape(registration.type)}[/] {escape(registration.name)}{after}"


def _data(registration: Registration) -> dict[str, Any]:
    from dativo_infra.testing import Secret

    def shown(value: Any) -> Any:
        if isinstance(value, Secret):
            return "[secret]"
        if isinstance(value, dict):
            return {key: shown(item) for key, item in value.items()}
        if isinstance(value, list):
            return [shown(item) for item in value]
        return value

    return {
        "type": registration.type,
        "name": registration.name,
        "urn": registration.urn,
        "parent": registration.parent or None,
        "inputs": shown(registration.inputs),
        "dependencies": list(registration.dependencies),
        "protect": registration.protect,
        "retain_on_delete": registration.retain_on_delete,
        "ignore_changes": list(registration.ignore_changes),
    }
