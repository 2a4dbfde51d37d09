"""Between the engine's property values and plain data."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import NoneType
from typing import TYPE_CHECKING, Any, TypeAlias

from pulumi.provider.experimental.property_value import PropertyValue

if TYPE_CHECKING:
    from collections.abc import Iterator

Properties: TypeAlias = "dict[str, PropertyValue]"


def plain(properties: Mapping[str, PropertyValue]) -> dict[str, Any]:
    """Return property values as plain data; what is not known yet is Pulumi's `UNKNOWN`."""
    return {key: _plain(value) for key, value in properties.items() if value.value is not None}


def wrapped(values: Mapping[str, Any]) -> Properties:
    """Return plain data as property values."""
    return {key: _wrapped(value) for key, value in values.items()}


def _plain(value: PropertyValue) -> Any:
    match value.value:
        case str() | bool() | None:
            return value.value
        case float() as number:
            return int(number) if number.is_integer() else number
        case Mapping() as properties:
            return plain(properties)
        case Sequence() as items:
            return [_plain(item) for item in items]
        case other:
            raise TypeError(f"no type has a property that is {type(other).__name__}")


def _wrapped(value: Any) -> PropertyValue:
    match value:
        case bool() | str() | None:
            return PropertyValue(value)
        case int() | float():
            return PropertyValue(float(value))
        case dict():
            return PropertyValue(wrapped(value))
        case list():
            return PropertyValue([_wrapped(item) for item in value])
        case other:
            return PropertyValue(str(other))


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the path of each property that differs, and ADD, UPDATE or DELETE.

    Keys that begin with two underscores are the provider's own, and texts of JSON are compared as
    data, as the real provider does.
    """
    for key in sorted(old.keys() | new.keys()):
        if not key.startswith("__"):
            yield from _changes(old.get(key), new.get(key), key)


def _changes(old: Any, new: Any, path: str) -> Iterator[tuple[str, str]]:
    if {dict} <= {type(old), type(new)} <= {dict, NoneType}:
        for name, change in changes(old or {}, new or {}):
            yield f"{path}.{name}", change
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, (before, now) in enumerate(zip(old, new, strict=True)):
            yield from _changes(before, now, f"{path}[{number}]")
    elif _data(old) != _data(new):
        yield path, "ADD" if old is None else "DELETE" if new is None else "UPDATE"


def _data(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(("{", "[")):
        with suppress(ValueError):
            return json.loads(value)
    return value
