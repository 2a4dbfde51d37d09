"""From a resource's properties to the request that Databricks gets, judged by Databricks' own SDK.

The SDK for Python has a method for each request and a dataclass for each object in one, made from
the definition of the REST API. What is no field there, or of another type, is refused.
Source: https://databricks-sdk-py.readthedocs.io/
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType
from typing import TYPE_CHECKING, Any, get_args, get_origin, get_type_hints

from databricks.sdk.service.compute import ClustersAPI, InstancePoolsAPI
from databricks.sdk.service.jobs import JobsAPI
from pulumi.runtime.rpc import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CLUSTER = "databricks:index/cluster:Cluster"
JOB = "databricks:index/job:Job"
POOL = "databricks:index/instancePool:InstancePool"

REQUESTS: Mapping[str, Callable[..., Any]] = {
    CLUSTER: ClustersAPI.create,
    JOB: JobsAPI.create,
    POOL: InstancePoolsAPI.create,
}
"""The request that creates each type."""
_BESIDE: Mapping[str, Mapping[str, Any]] = {CLUSTER: {"is_pinned": bool}}
"""Properties for which the real provider makes a request of its own."""


class Reader:
    """Reads properties as a request, and collects what is wrong with them."""

    def __init__(self) -> None:
        self.faults: list[str] = []

    def request(self, type_: str, properties: Mapping[str, Any]) -> dict[str, Any]:
        """Return the request that creates a resource."""
        hints, required = _parameters(REQUESTS[type_])
        return self._fields({**hints, **_BESIDE.get(type_, {})}, required, properties, "")

    def _fields(
        self, hints: Mapping[str, Any], required: set[str], value: Mapping[str, Any], where: str
    ) -> dict[str, Any]:
        names = {_wire(name): name for name in hints}
        read: dict[str, Any] = {}
        for key, item in value.items():
            if key not in names:
                self.faults.append(f"`{where}{key}` is nothing that Databricks knows")
            else:
                read[names[key]] = self._value(hints[names[key]], item, f"{where}{key}")
        missing = sorted(required - read.keys())
        self.faults += [f"`{where}{_wire(name)}` is missing" for name in missing]
        return read

    def _value(self, hint: Any, value: Any, where: str) -> Any:
        if value == UNKNOWN:
            return value
        (hint,) = (
            [each for each in get_args(hint) or (hint,) if each is not NoneType]
            if (NoneType in get_args(hint))
            else (hint,)
        )
        origin = get_origin(hint)
        if origin is dict and isinstance(value, Mapping):
            (_, inner) = get_args(hint)
            return {key: self._value(inner, item, f"{where}.{key}") for key, item in value.items()}
        if origin is list and isinstance(value, list):
            (inner,) = get_args(hint)
            items = enumerate(value)
            return [self._value(inner, item, f"{where}[{index}]") for index, item in items]
        if is_dataclass(hint) and isinstance(hint, type) and isinstance(value, Mapping):
            required = {
                each.name
                for each in fields(hint)
                if each.default is MISSING and each.default_factory is MISSING
            }
            return self._fields(get_type_hints(hint), required, value, f"{where}.")
        if not _fits(hint, value):
            # The value is not shown: it may be a secret.
            self.faults.append(f"`{where}` is {type(value).__name__}, and no {_what(hint)}")
        return value


def _fits(hint: Any, value: Any) -> bool:
    if isinstance(hint, type) and issubclass(hint, Enum):
        return value in {each.value for each in hint}
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(hint, type) and isinstance(value, hint)


def _what(hint: Any) -> str:
    if isinstance(hint, type) and issubclass(hint, Enum):
        return " or ".join(str(each.value) for each in hint)
    return str(hint)


@cache
def _parameters(method: Callable[..., Any]) -> tuple[Mapping[str, Any], set[str]]:
    """Return the types of a request's parameters by name, and which must be given."""
    hints = get_type_hints(method)
    hints.pop("return", None)
    found = inspect.signature(method).parameters.values()
    required = {each.name for each in found if each.default is each.empty} - {"self"}
    return hints, required


def _wire(name: str) -> str:
    return re.sub("_([a-z0-9])", lambda found: found[1].upper(), name)


def clusters_of(type_: str, request: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield each cluster that a request has, those of a job with the tags that it hands on."""
    if type_ == CLUSTER:
        yield dict(request)
    for task in request.get("tasks", ()):
        if "new_cluster" in task:
            tags = {**request.get("tags", {}), **task["new_cluster"].get("custom_tags", {})}
            yield {**task["new_cluster"], "custom_tags": tags}
