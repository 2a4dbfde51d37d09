"""What the tables say, in words: for `explain`, and for the documentation made of them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from dativo_infra.model import BLOCK, Job, JobDocument, Source, block_schema, examples
from dativo_infra.planning import plan
from dativo_infra.planning.report import choices
from dativo_infra.planning.support import REFUSALS, TOOLS
from dativo_infra.platforms import PLATFORMS
from dativo_infra.platforms.base import TYPES
from dativo_infra.platforms.clouds import NAMES

if TYPE_CHECKING:
    from dativo_infra.platforms.base import Platform, Use, Variable
    from dativo_infra.resources import Resource

_TYPES: Mapping[str, str] = {
    "string": "text",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list of texts",
    "object": "names with values",
}
_OTHER_THAN_TEXT = re.compile(r"[0-9.]*|true|false|null")
"""Text that a job file has in quotes, since it would be another thing without."""
_REQUIRED = [name for name, info in JobDocument.model_fields.items() if info.is_required()]


def written(value: Any) -> str:
    """Return a value as a job file may have it, in one line."""
    if isinstance(value, str) and not _OTHER_THAN_TEXT.fullmatch(value):
        return value
    return json.dumps(value, ensure_ascii=False)


def values_of_field(path: str) -> str:
    """Return what a field of the block may be, such as `a whole number, 1 or more`."""
    whole = block_schema()
    schema: Mapping[str, Any] = whole
    for name in path.split("."):
        schema = schema["properties"][name]
        if "$ref" in schema:
            schema = whole["$defs"][schema["$ref"].rpartition("/")[2]]
    if "enum" in schema:
        return f"one of {', '.join(schema['enum'])}"
    limit = f", {schema['minimum']} or more" if "minimum" in schema else ""
    return f"{_TYPES[schema['type']]}{limit}"


def values_of_variable(variable: Variable) -> str:
    """Return what a variable may be, such as `a whole number, 1 to 1000`."""
    if variable.choices:
        return f"one of {', '.join(variable.choices)}"
    least, most = variable.minimum, variable.maximum
    limits = ""
    if least is not None:
        limits = f", {least} or more" if most is None else f", {least} to {most}"
    return f"{TYPES[variable.type]}{limits}"


def editions_of(variable: Variable) -> Mapping[str, Any]:
    """Return a variable's defaults by edition; nothing where one default is for all of them."""
    return variable.default if isinstance(variable.default, Mapping) else {}


def default_of(variable: Variable) -> Any:
    """Return a variable's default that is for all editions, or None."""
    return None if editions_of(variable) or variable.default == () else variable.default


def uses_of_variable(variable: Variable, platform: Platform) -> tuple[Use, ...]:
    """Return what else than its meaning may become of a variable, in order."""
    return choices(f"metadata.variables.{variable.name}", platform)[:-1]


@dataclass(kw_only=True)
class Meaning:
    """What a field means on platforms that say the same of it."""

    uses: tuple[Use, ...]
    """The first that holds for a job is it; none where this version builds nothing there."""
    examples: tuple[Any, ...]
    """Values that it has there, where these are others than elsewhere."""
    platforms: list[str]

    @property
    def words(self) -> tuple[Any, ...]:
        """What is said, without the conditions behind it."""
        return self.examples, [(use.outcome, words_of(use)) for use in self.uses]


def meanings_of_field(path: str) -> list[Meaning]:
    """Return what a field means on each platform."""
    found: list[Meaning] = []
    for name, platform in PLATFORMS.items():
        meaning = Meaning(
            uses=choices(path, platform) if platform.build else (),
            examples=platform.examples.get(path, ()),
            platforms=[],
        )
        alike = next((each for each in found if each.words == meaning.words), None)
        if alike is None:
            found.append(alike := meaning)
        alike.platforms.append(name)
    return found


@cache
def kinds_of(platform: str) -> frozenset[str]:
    """Return the kinds that the smallest job of a platform is made of, with what it shares."""
    planned = plan([_smallest(PLATFORMS[platform])], provider=TOOLS[0])
    return frozenset(type(each).__name__ for unit in planned.units for each in unit.resources)


def _smallest(platform: Platform) -> Job:
    """Return a job with what a platform needs, and the first of the examples for each."""
    block: dict[str, Any] = {}
    _set(block, "runtime.platform", platform.name)
    while True:
        document = {**dict.fromkeys(_REQUIRED, "x"), BLOCK: block}
        job = Job(JobDocument.model_validate(document), Source("smallest.yaml"))
        needed = [path for path in platform.needs(job) if job.get(path) is None]
        if not needed:
            return job
        for path in needed:
            _set(block, path, (platform.examples.get(path) or examples()[path])[0])


def _set(block: dict[str, Any], path: str, value: Any) -> None:
    *above, last = path.split(".")
    for name in above:
        block = block.setdefault(name, {})
    block[last] = value


def refused_on(platform: str, tool: str) -> list[str]:
    """Return why a tool does not build a platform; nothing where it does."""
    refused = REFUSALS[tool]
    return sorted({refused[kind] for kind in kinds_of(platform) if kind in refused})


def words_of(use: Use) -> str:
    """Return what becomes of a field in one case, with the clouds where it is so."""
    clouds = " and ".join(NAMES[cloud] for cloud in use.clouds)
    return f"on {clouds}: {use.text}" if clouds else use.text


def meaning_of(kind: type[Resource]) -> str:
    """Return what a kind is, in a sentence."""
    return (kind.__doc__ or "").partition("\n")[0]
