"""`dativo-infra explain`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from dativo_infra.cli.common import format_option, print_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from dativo_infra.platforms.base import Platform, Use, Variable

_WIDTH = 88
_NOT_BUILT = "read and checked; this version builds nothing for it"


@click.command("explain")
@click.argument("topic")
@format_option
def command(topic: str, form: str) -> None:
    """Explain a code, a platform, a variable, a field or a kind of resource.

    Examples: DI202, emr, emr.release_label, runtime.compute.instance_type, EmrCluster. What several
    share needs no more than its own name: release_label, instance_type.
    """
    from dativo_infra.diagnostics import did_you_mean

    topics = list(_found(topic))
    if not topics:
        near = did_you_mean(topic, _known())
        hint = near or "Try DI202, emr, emr.release_label, runtime.platform or EmrCluster."
        raise click.UsageError(
            f"`{topic}` is no code, platform, variable, field or kind of resource. {hint}"
        )
    if form == "json":
        print_json("explanation", {"topics": topics})
        return
    click.echo("\n\n".join("\n".join(_TEXTS[each["type"]](each)) for each in topics))


def _known() -> Iterator[str]:
    """Yield every topic in full."""
    from dativo_infra.diagnostics.rules import RULES
    from dativo_infra.model import fields
    from dativo_infra.platforms import PLATFORMS
    from dativo_infra.resources.kinds import KINDS

    yield from RULES
    yield from PLATFORMS
    yield from fields()
    yield from (kind.__name__ for kind in KINDS)
    for name, platform in PLATFORMS.items():
        for variable in platform.variables:
            yield variable.name
            yield f"{name}.{variable.name}"


def _found(topic: str) -> Iterator[dict[str, Any]]:
    """Yield what a topic means, as data."""
    from dativo_infra.diagnostics.rules import RULES
    from dativo_infra.model import fields
    from dativo_infra.platforms import PLATFORMS
    from dativo_infra.resources.kinds import KINDS

    name = topic.removeprefix("infrastructure.").removeprefix("metadata.variables.")
    if topic.upper() in RULES:
        yield _rule(topic.upper())
    if topic in PLATFORMS:
        yield _platform(topic)
    for path in fields():
        if path == name or path.endswith(f".{name}"):
            yield _field(path)
    for kind in KINDS:
        if kind.__name__.casefold() == topic.casefold():
            yield _kind(kind)
    alike: dict[tuple[Any, ...], dict[str, Any]] = {}
    for platform in PLATFORMS.values():
        for variable in platform.variables:
            if name in {variable.name, f"{platform.name}.{variable.name}"}:
                data = _variable(variable, platform)
                alike.setdefault(tuple(map(str, data.values())), {**data, "platforms": []})[
                    "platforms"
                ].append(platform.name)
    yield from alike.values()


# --- as data --------------------------------------------------------------------------------------


def _rule(code: str) -> dict[str, Any]:
    from dativo_infra.diagnostics.rules import RULES

    rule = RULES[code]
    return {
        "type": "rule",
        "name": rule.code,
        "severity": rule.severity,
        "summary": rule.summary,
        "explanation": rule.explanation,
        "remedy": rule.remedy,
    }


def _platform(name: str) -> dict[str, Any]:
    from dativo_infra.platforms import PLATFORMS

    platform = PLATFORMS[name]
    return {
        "type": "platform",
        "name": name,
        "component": platform.component,
        "is_built": platform.build is not None,
        "uses_of_variables": _as_data(platform.variable_uses),
        "variables": [_variable(each, platform) for each in platform.variables],
        "outputs": dict(platform.exports),
    }


def _variable(variable: Variable, platform: Platform) -> dict[str, Any]:
    from dativo_infra.planning.reference import (
        default_of,
        editions_of,
        uses_of_variable,
        values_of_variable,
    )

    return {
        "type": "variable",
        "name": variable.name,
        "meaning": variable.meaning,
        "values": values_of_variable(variable),
        "default": default_of(variable),
        "default_by_edition": dict(editions_of(variable)),
        "examples": list(variable.examples),
        "late": variable.late,
        "uses": _as_data(uses_of_variable(variable, platform)),
    }


def _field(path: str) -> dict[str, Any]:
    from dativo_infra.model import examples, fields
    from dativo_infra.planning.reference import meanings_of_field, values_of_field
    from dativo_infra.platforms.terraform.inputs import variables_for

    return {
        "type": "field",
        "name": path,
        "meaning": fields()[path],
        "values": values_of_field(path),
        "examples": list(examples()[path]),
        "module_variables": variables_for(path),
        "platforms": [
            {
                "names": each.platforms,
                "uses": _as_data(each.uses),
                "examples": list(each.examples),
            }
            for each in meanings_of_field(path)
        ],
    }


def _as_data(uses: Iterable[Use]) -> list[dict[str, str]]:
    from dativo_infra.planning.reference import words_of

    return [{"outcome": use.outcome, "text": words_of(use)} for use in uses]


def _kind(kind: Any) -> dict[str, Any]:
    from dativo_infra.planning.reference import meaning_of
    from dativo_infra.planning.support import LOSSES, REFUSALS, tools_for
    from dativo_infra.resources.kinds import is_taggable

    name = kind.__name__
    return {
        "type": "kind",
        "name": name,
        "meaning": meaning_of(kind),
        "tools": list(tools_for(name)),
        "refusals": {tool: each[name] for tool, each in REFUSALS.items() if name in each},
        "losses": [
            {"tool": tool, "field": field, "reason": reason}
            for tool, losses in LOSSES.items()
            for (each, field), reason in losses.items()
            if each == name
        ],
        "is_taggable": is_taggable(kind),
        "attributes": list(kind.ATTRIBUTES),
    }


# --- as text --------------------------------------------------------------------------------------


def _rule_text(rule: Mapping[str, Any]) -> Iterator[str]:
    yield f"{rule['name']} ({rule['severity']}): {rule['summary']}"
    yield ""
    yield click.wrap_text(rule["explanation"], width=_WIDTH)
    if rule["remedy"]:
        yield ""
        yield f"What to do: {rule['remedy']}"


def _platform_text(platform: Mapping[str, Any]) -> Iterator[str]:
    if not platform["is_built"]:
        yield f"{platform['name']}: {_NOT_BUILT}."
        return
    yield f"{platform['name']}: builds the component {platform['component']}."
    yield ""
    yield "metadata.variables:"
    alike = platform["uses_of_variables"]
    yield from _uses(alike, 2)
    for variable in platform["variables"]:
        yield _wrapped(variable["name"] + _facts(variable), 2)
        yield _wrapped(variable["meaning"], 6)
        yield from _uses(variable["uses"][len(alike) :], 6)
    yield ""
    yield "outputs:"
    for export, meaning in platform["outputs"].items():
        yield f"  {export}"
        yield _wrapped(meaning, 6)


def _variable_text(variable: Mapping[str, Any]) -> Iterator[str]:
    yield f"metadata.variables.{variable['name']}, on {', '.join(variable['platforms'])}"
    yield _wrapped(_facts(variable).strip(" ()"), 4)
    yield _wrapped(variable["meaning"], 4)
    yield from _uses(variable["uses"], 4)
    yield from _examples(variable, 4)


def _facts(variable: Mapping[str, Any]) -> str:
    from dativo_infra.planning.reference import written

    facts = [variable["values"]]
    if variable["default"] is not None:
        facts.append(f"default {written(variable['default'])}")
    facts += [
        f"default {written(value)} in edition {edition}"
        for edition, value in variable["default_by_edition"].items()
    ]
    if variable["late"]:
        facts.append("may be known at deployment only")
    return f" ({'; '.join(facts)})"


def _field_text(field: Mapping[str, Any]) -> Iterator[str]:
    yield _wrapped(f"infrastructure.{field['name']} ({field['values']})", 0)
    yield _wrapped(field["meaning"], 4)
    yield from _examples(field, 4)
    if names := field["module_variables"]:
        yield ""
        yield _wrapped(f"fills {', '.join(names)} of a Terraform module", 0)
    for each in field["platforms"]:
        yield ""
        every = len(field["platforms"]) == 1
        yield f"on {'every platform' if every else ', '.join(each['names'])}:"
        yield from _uses(each["uses"], 4) if each["uses"] else (_wrapped(_NOT_BUILT, 4),)
        yield from _examples(each, 4)


def _kind_text(kind: Mapping[str, Any]) -> Iterator[str]:
    yield f"{kind['name']}, a kind of resource"
    yield _wrapped(kind["meaning"], 4)
    yield ""
    yield f"built by: {', '.join(kind['tools'])}"
    for tool, reason in kind["refusals"].items():
        yield _wrapped(f"not by {tool}: {reason}", 4)
    for loss in kind["losses"]:
        yield _wrapped(f"{loss['tool']} leaves out {loss['field']}: {loss['reason']}", 4)
    yield f"tags: {'yes' if kind['is_taggable'] else 'it can have none'}"
    if kind["attributes"]:
        yield f"known once it exists: {', '.join(kind['attributes'])}"


def _uses(uses: Iterable[Mapping[str, str]], indent: int) -> Iterator[str]:
    for use in uses:
        yield _wrapped(f"{use['outcome']}: {use['text']}", indent)


def _examples(topic: Mapping[str, Any], indent: int) -> Iterator[str]:
    from dativo_infra.planning.reference import written

    if topic["examples"]:
        yield _wrapped(f"for example: {'; or '.join(map(written, topic['examples']))}", indent)


def _wrapped(text: str, indent: int) -> str:
    from textwrap import fill

    # An address stays in one piece.
    return fill(
        text,
        _WIDTH,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + 2),
        break_long_words=False,
        break_on_hyphens=False,
    )


_TEXTS = {
    "rule": _rule_text,
    "platform": _platform_text,
    "variable": _variable_text,
    "field": _field_text,
    "kind": _kind_text,
}
