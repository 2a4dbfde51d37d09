"""From plain data to a provider's `*Args` classes.

Pulumi takes nested dicts as well, and passes unknown keys and wrong shapes in them to the provider
without a word. So nothing but `*Args` classes is handed to it, and they are made here.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import pulumi

# The hints and names of an Args class are read by the functions that Pulumi itself reads them with.
from pulumi import _types

from dativo_infra.diagnostics import did_you_mean


class PropertyError(TypeError):
    """Raised when data does not fit the class that it is for."""


def args_class(resource: type[pulumi.Resource]) -> type[Any]:
    """Return the class of a resource type's arguments, such as `ClusterArgs` for `Cluster`.

    It stands in the resource's own module, as `InitArgs` where a nested type has the other name.
    """
    module = sys.modules[resource.__module__]
    name = resource.__name__
    return getattr(module, f"{name}InitArgs", None) or getattr(module, f"{name}Args")


def typed(cls: type[Any], data: Mapping[str, Any], where: str = "") -> Any:
    """Return data as an instance of an Args class, with nested ones inside.

    Keys are the properties' names in Python or on the wire. What is None is left out, and an
    `Output` is taken as it is, as its content is not known yet.

    Raises:
        PropertyError: the class has no such property, or the value has another type.
        TypeError: a required property is missing.
    """
    properties = _properties(cls)
    arguments: dict[str, Any] = {}
    for key, value in data.items():
        path = f"{where}.{key}" if where else key
        if key not in properties:
            near = did_you_mean(key, properties)
            raise PropertyError(f"{cls.__name__} has no property `{path}`. {near}".rstrip())
        name, hint = properties[key]
        if value is not None:
            arguments[name] = _fit(hint, value, path)
    return cls(**arguments)


@cache
def _properties(cls: type[Any]) -> Mapping[str, tuple[str, Any]]:
    """Return a class's properties by both of their names: the name in Python, and the type."""
    hints = _types.input_type_types(cls)
    names = _types.input_type_py_to_pulumi_names(cls)
    by_wire = {wire: (python, hints[wire]) for python, wire in names.items()}
    return by_wire | {python: by_wire[wire] for python, wire in names.items()}


def _fit(hint: Any, value: Any, path: str) -> Any:
    if isinstance(value, pulumi.Output | Awaitable):
        return value
    for choice in _choices(hint):
        if choice is Any:
            return value
        origin = get_origin(choice)
        if isinstance(value, Mapping):
            if _types.is_input_type(choice):
                return typed(choice, value, path)
            if isinstance(origin, type) and issubclass(origin, Mapping):
                inner = get_args(choice)[1]
                return {key: _fit(inner, item, f"{path}.{key}") for key, item in value.items()}
        elif isinstance(value, list | tuple):
            if isinstance(origin, type) and issubclass(origin, Sequence):
                (inner,) = get_args(choice)
                return [_fit(inner, item, f"{path}[{i}]") for i, item in enumerate(value)]
        elif _is_scalar(choice, value):
            return value
    # The value is not shown: it may be a secret.
    raise PropertyError(f"`{path}` cannot be {type(value).__name__}; it is {hint}.")


def _is_scalar(choice: Any, value: Any) -> bool:
    if get_origin(choice) is Literal:
        return value in get_args(choice)
    if choice in {int, float}:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(choice, type) and issubclass(choice, Enum):
        return isinstance(value, choice)
    return isinstance(choice, type) and isinstance(value, choice)


def _choices(hint: Any) -> Iterator[Any]:
    """Yield the types that a hint allows, without those that only say "known later"."""
    if get_origin(hint) in {Union, UnionType}:
        for each in get_args(hint):
            yield from _choices(each)
    elif get_origin(hint) not in {Awaitable, pulumi.Output} and hint is not NoneType:
        yield hint
