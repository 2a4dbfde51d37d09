"""`dativo-infra explain`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator


@click.command("explain")
@click.argument("topic")
def command(topic: str) -> None:
    """Explain a diagnostic's code, a platform, or a field of the block.

    Examples: DI202, emr, runtime.compute.instance_type.
    """
    from dativo_infra.diagnostics import did_you_mean
    from dativo_infra.diagnostics.rules import RULES
    from dativo_infra.model import fields
    from dativo_infra.platforms import PLATFORMS

    field = topic.removeprefix("infrastructure.")
    if topic.upper() in RULES:
        lines = _rule(topic.upper())
    elif topic in PLATFORMS:
        lines = _platform(topic)
    elif field in fields():
        lines = _field(field)
    else:
        near = did_you_mean(topic, [*RULES, *PLATFORMS, *fields()])
        hint = near or "Try DI202, emr or runtime.platform."
        raise click.UsageError(f"`{topic}` is no code, platform or field. {hint}")
    click.echo("\n".join(lines))


def _rule(code: str) -> Iterator[str]:
    from dativo_infra.diagnostics.rules import RULES

    rule = RULES[code]
    yield f"{rule.code} ({rule.severity}): {rule.summary}"
    yield ""
    yield click.wrap_text(rule.explanation, width=88)
    if rule.remedy:
        yield ""
        yield f"What to do: {rule.remedy}"


def _platform(name: str) -> Iterator[str]:
    from dativo_infra.platforms import PLATFORMS

    platform = PLATFORMS[name]
    if platform.build is None:
        yield f"{name}: read and checked; this version builds nothing for it."
        return
    yield f"{name}: builds the component {platform.component}."
    yield ""
    yield "metadata.variables:"
    for variable in platform.variables:
        default = variable.default
        if isinstance(default, dict):
            default = ", ".join(f"{value} in edition {name}" for name, value in default.items())
        elif isinstance(default, tuple):
            default = ", ".join(map(str, default))
        facts = [variable.type, *([" | ".join(variable.choices)] if variable.choices else [])]
        if default not in {None, ""}:
            shown = str(default).lower() if isinstance(default, bool) else default
            facts.append(f"default {shown}")
        if variable.late:
            facts.append("may be known at deployment only")
        yield f"  {variable.name} ({'; '.join(facts)})"
        yield click.wrap_text(variable.meaning, 88, "      ", "      ")
        for use in variable.uses:
            yield f"      {use.outcome} where {use.text}"
    yield ""
    yield "outputs:"
    for export, meaning in platform.exports.items():
        yield f"  {export}"
        yield f"      {meaning}"


def _field(path: str) -> Iterator[str]:
    from dativo_infra.model import fields
    from dativo_infra.planning.report import choices
    from dativo_infra.platforms import PLATFORMS

    yield f"infrastructure.{path}"
    yield f"    {fields()[path]}"
    for name, platform in PLATFORMS.items():
        yield ""
        if platform.build is None:
            yield f"on {name}: read and checked; this version builds nothing for it."
            continue
        yield f"on {name}:"
        for use in choices(path, platform):
            yield f"    {use.outcome}: {use.text}"
