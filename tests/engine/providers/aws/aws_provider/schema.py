"""Names and types of properties, as the installed `pulumi_aws` has them."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Awaitable, Collection, Iterator, Mapping, Sequence
from enum import Enum
from functools import cache
from importlib import import_module
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import pulumi

# The hints and names of an Args class are read by the functions that Pulumi itself reads them with.
from pulumi import _types
from pulumi.runtime.rpc import UNKNOWN


@cache
def args_class(token: str) -> type[Any]:
    """Return the class of a type's arguments: `ClusterArgs` for `aws:emr/cluster:Cluster`.

    It stands in the resource's own module, as `InitArgs` where a nested type has the other name.
    """
    _, module, name = token.split(":")
    resource = getattr(import_module(f"pulumi_aws.{module.partition('/')[0]}"), name)
    found = sys.modules[resource.__module__]
    return getattr(found, f"{name}InitArgs", None) or getattr(found, f"{name}Args")


def property_names(token: str) -> Collection[str]:
    """Return the names of a type's properties."""
    return _types.input_type_types(args_class(token)).keys()


def faults(cls: type[Any], properties: Mapping[str, Any], where: str = "") -> Iterator[str]:
    """Yield what is wrong with properties, by the names and types that an Args class has."""
    hints = _types.input_type_types(cls)
    for key, value in properties.items():
        path = f"{where}{key}"
        if key not in hints:
            yield f"`{path}` is no property of {cls.__name__}"
        else:
            yield from _misfits(hints[key], value, path)
    for key in _required(cls) - properties.keys():
        yield f"`{where}{key}` is missing"


@cache
def _required(cls: type[Any]) -> frozenset[str]:
    names = _types.input_type_py_to_pulumi_names(cls)
    parameters = inspect.signature(cls).parameters.values()
    return frozenset(names[each.name] for each in parameters if each.default is each.empty)


def _misfits(hint: Any, value: Any, path: str) -> Iterator[str]:
    if value == UNKNOWN:
        return
    for choice in _choices(hint):
        origin = get_origin(choice)
        if choice is Any:
            return
        if isinstance(value, Mapping):
            if _types.is_input_type(choice):
                yield from faults(choice, value, f"{path}.")
                return
            if isinstance(origin, type) and issubclass(origin, Mapping):
                for key, item in value.items():
                    yield from _misfits(get_args(choice)[1], item, f"{path}.{key}")
                return
        elif isinstance(value, list):
            if isinstance(origin, type) and issubclass(origin, Sequence):
                for number, item in enumerate(value):
                    yield from _misfits(get_args(choice)[0], item, f"{path}[{number}]")
                return
        elif _is_scalar(choice, value):
            return
    # The value is not shown: it may be a secret.
    yield f"`{path}` cannot be {type(value).__name__}; it is {hint}"


def _is_scalar(choice: Any, value: Any) -> bool:
    if get_origin(choice) is Literal:
        return value in get_args(choice)
    if choice is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if choice is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if isinstance(choice, type) and issubclass(choice, Enum):
        return value in {each.value for each in choice}
    return isinstance(choice, type) and isinstance(value, choice)


def _choices(hint: Any) -> Iterator[Any]:
    """Yield the types that a hint allows, without those that only say "known later"."""
    if get_origin(hint) in {Union, UnionType}:
        for each in get_args(hint):
            yield from _choices(each)
    elif get_origin(hint) not in {Awaitable, pulumi.Output} and hint is not NoneType:
        yield hint
