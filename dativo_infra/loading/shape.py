"""From what the model refuses to diagnostics that say it in the user's words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from dativo_infra.diagnostics import Diagnostic, rules
from dativo_infra.model import (
    BLOCK,
    OUTER_KEYS,
    Infrastructure,
    JobDocument,
    Path,
    Section,
    Source,
    section_of,
)

_WANTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}
_GIVEN: tuple[tuple[type, str], ...] = (
    (bool, "a boolean"),
    (int, "a number"),
    (float, "a number"),
    (str, "text"),
    (list, "a list"),
    (dict, "a mapping"),
)


def path_of(location: tuple[int | str, ...]) -> Path:
    """Return where the model found fault, without the parts that only the model knows."""
    return tuple(part for part in location if part != "[key]")


def diagnostic(error: Mapping[str, Any], source: Source, model: type[BaseModel]) -> Diagnostic:
    """Return the diagnostic for one error of the model."""
    path = path_of(error["loc"])
    shown = ".".join(str(part) for part in path) or "document"
    kind: str = error["type"]
    place = source.locate(path, key="[key]" in error["loc"])
    if kind == "missing":
        parent = _value_names(model, path[:-1])
        return rules.MISSING_FIELD.at(
            source.locate(path[:-1]), f"`{shown}` is missing.", remedy=_add(path, parent)
        )
    if kind == "null":
        return rules.WRONG_TYPE.at(
            source.locate(path, key=True),
            f"`{shown}` has no value.",
            remedy="Give it a value, or remove the key.",
        )
    if kind == "extra_forbidden":
        return rules.UNKNOWN_KEY.at(
            source.locate(path, key=True),
            f"`{shown}` is not known here.",
            word=str(path[-1]),
            choices=_value_names(model, path[:-1]),
            severity=rules.MISSING_FIELD.severity,
        )
    if kind == "literal_error":
        choices = error["ctx"]["expected"].replace("'", "").replace(" or ", ", ").split(", ")
        return rules.WRONG_CHOICE.at(
            place,
            f"`{shown}` must be one of {', '.join(choices)}.",
            word=str(error["input"]),
            choices=choices,
        )
    if kind in _WANTED:
        wanted = _WANTED[kind]
        given = next((name for each, name in _GIVEN if isinstance(error["input"], each)), "empty")
        quotes = kind == "string_type" and given in {"a number", "a boolean"}
        return rules.WRONG_TYPE.at(
            place,
            f"`{shown}` must be {wanted}, not {given}.",
            remedy="Put the value in quotes." if quotes else "",
        )
    if kind == "greater_than_equal":
        return rules.OUT_OF_RANGE.at(place, f"`{shown}` must be {error['ctx']['ge']} or more.")
    if kind == "string_too_short":
        return rules.OUT_OF_RANGE.at(place, f"`{shown}` is empty.", remedy="Give it a value.")
    if kind == "string_pattern_mismatch":
        pattern = error["ctx"]["pattern"]
        return rules.OUT_OF_RANGE.at(place, f"`{shown}` must have the form {pattern}")
    return rules.WRONG_TYPE.at(place, f"`{shown}`: {error['msg']}.")


def settle_provider(data: dict[str, Any], source: Source) -> list[Diagnostic]:
    """Read `provider: databricks` beside a cluster as `manual`, as many files mean it.

    Without a cluster to refer to it is an error that names the tools that serve.
    """
    block = data.get(BLOCK)
    if not isinstance(block, dict) or block.get("provider") != "databricks":
        return []
    runtime = block.get("runtime")
    compute = runtime.get("compute") if isinstance(runtime, dict) else None
    place = source.locate((BLOCK, "provider"))
    data[BLOCK] = {**block, "provider": "manual"}
    if isinstance(compute, dict) and compute.get("cluster_id") is not None:
        return [rules.PLATFORM_AS_PROVIDER.at(place)]
    return [
        rules.PLATFORM_AS_PROVIDER.at(
            place,
            remedy="Name the tool that builds the cluster: terraform, cloudformation or pulumi; "
            "or write `provider: manual` and the cluster_id of one that exists.",
            severity=rules.WRONG_CHOICE.severity,
        )
    ]


def unknown_keys(document: JobDocument, source: Source) -> Iterator[Diagnostic]:
    """Yield a diagnostic for each key that no field of the model has."""
    for key in document.model_extra or {}:
        if key not in OUTER_KEYS:
            yield rules.UNKNOWN_OUTER_KEY.at(
                source.locate((key,), key=True),
                f"`{key}` is not a field of the job schema.",
                word=key,
                choices=OUTER_KEYS,
            )
    if document.infrastructure is not None:
        yield from _unknown_in(document.infrastructure, (BLOCK,), source)


def _unknown_in(section: Section, path: Path, source: Source) -> Iterator[Diagnostic]:
    known = type(section).model_fields
    for key in section.model_extra or {}:
        yield rules.UNKNOWN_KEY.at(
            source.locate((*path, key), key=True),
            f"`{'.'.join(map(str, (*path[1:], key)))}` is not a field of the block.",
            word=key,
            choices=known,
        )
    for name in known:
        value = getattr(section, name)
        if isinstance(value, Section):
            yield from _unknown_in(value, (*path, name), source)


def _value_names(model: type[BaseModel], path: Path) -> list[str]:
    """Return the fields that the mapping at a path may have."""
    section: type[BaseModel] | None = model
    for part in path:
        section = section_of(section, str(part)) if section else None
    return list(section.model_fields) if section else list(Infrastructure.model_fields)


def _add(path: Path, siblings: list[str]) -> str:
    return f"Add `{path[-1]}:` here." if siblings else ""
