"""From what the model refuses to diagnostics that say it in the user's words."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel

from dativo_infra.diagnostics import Diagnostic, Severity, did_you_mean, rules
from dativo_infra.model import (
    BLOCK,
    OUTER_KEYS,
    Infrastructure,
    Path,
    Section,
    Source,
    section_of,
)
from dativo_infra.values import TOKENS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

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
_GIVEN: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "a boolean"),
    (int, "a number"),
    (float, "a decimal number"),
    (date, "a date"),
    ((str, *TOKENS), "text"),
    (list, "a list"),
    (dict, "a mapping"),
)
MAPPINGS = frozenset(kind for kind, wanted in _WANTED.items() if wanted == "a mapping")
"""Errors of the model that say that a mapping is wanted, which no variable can stand for."""


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
        return rules.MISSING_FIELD.at(
            source.locate(path[:-1]), f"`{shown}` is missing.", remedy=f"Add `{path[-1]}:`."
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
            choices=_fields_at(model, path[:-1]),
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
        quotes = kind == "string_type" and isinstance(error["input"], int | float | date)
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
    if kind == "account":
        return rules.BAD_ACCOUNT.at(place, f"`{shown}` must be {error['ctx']['words']}.")
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


def unknown_keys(data: Mapping[str, Any], source: Source) -> Iterator[Diagnostic]:
    """Yield a diagnostic for each key of a job that no field of the model has."""
    for key in data.keys() - OUTER_KEYS:
        misspelt = did_you_mean(str(key), OUTER_KEYS)
        yield rules.UNKNOWN_OUTER_KEY.at(
            source.locate((key,), key=True),
            f"`{key}` is not a field of the job schema.",
            remedy=f"{misspelt} What is meant by it does not happen." if misspelt else "",
            severity=Severity.WARNING if misspelt else None,
        )
    yield from _unknown_in(data.get(BLOCK), Infrastructure, (BLOCK,), source)


def _unknown_in(
    data: Any, section: type[Section], path: Path, source: Source
) -> Iterator[Diagnostic]:
    if not isinstance(data, dict):
        return
    known = section.model_fields
    for key, value in data.items():
        if key not in known:
            yield rules.UNKNOWN_KEY.at(
                source.locate((*path, key), key=True),
                f"`{'.'.join(map(str, (*path[1:], key)))}` is not a field of the block.",
                word=str(key),
                choices=known,
            )
        elif inner := section_of(section, key):
            yield from _unknown_in(value, inner, (*path, key), source)


def _fields_at(model: type[BaseModel], path: Path) -> Iterable[str]:
    """Return the fields that the mapping at a path may have."""
    for part in path:
        # What is no field is a key of an open mapping, such as the name of a target.
        if info := model.model_fields.get(str(part)):
            choices = (info.annotation, *get_args(info.annotation))
            inner = (each for each in choices if isinstance(each, type))
            model = next((each for each in inner if issubclass(each, BaseModel)), BaseModel)
    return model.model_fields
