"""What all read backs use: taking properties one by one, so that none is passed over."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from dativo_infra.resources import Lifecycle, Resource
from dativo_infra.values import TOKENS, Concat, concat, references

_MISSING: Any = object()


class UnreadableError(Exception):
    """Raised for output that says something which no neutral resource says."""


class Properties:
    """The properties of one thing in an output; each is taken once, and none may be left."""

    def __init__(self, where: str, data: Mapping[str, Any]) -> None:
        self._where = where
        self._left = dict(data)

    def take(self, name: str, default: Any = _MISSING) -> Any:
        """Return a property, or the default that its documentation states."""
        value = self._left.pop(name, default)
        if value is _MISSING:
            raise UnreadableError(f"{self._where} has no {name}")
        return value

    def inner(self, name: str, default: Any = _MISSING) -> Properties:
        """Return a property that has properties itself."""
        return Properties(f"{self._where}.{name}", self.take(name, default))

    def expect(self, name: str, wanted: Any, default: Any = _MISSING) -> None:
        """Take a property that the neutral resource always means."""
        value = self.take(name, default)
        if value != wanted:
            raise UnreadableError(f"{self._where}.{name} is {value!r} and not {wanted!r}")

    def rest(self) -> dict[str, Any]:
        """Take all that is left."""
        left, self._left = self._left, {}
        return left

    def end(self) -> None:
        """Refuse what was not taken."""
        if self._left:
            raise UnreadableError(f"{self._where} has also {', '.join(sorted(self._left))}")


def one(where: str, items: Any) -> Properties:
    """Return the properties of the only item of a list."""
    if not isinstance(items, list) or len(items) != 1:
        raise UnreadableError(f"{where} is not one item: {items!r}")
    return Properties(where, items[0])


def same(where: str, *values: Any) -> Any:
    """Return the value that several places must agree on."""
    if any(value != values[0] for value in values):
        raise UnreadableError(f"{where} disagree: {values!r}")
    return values[0]


def pairs(items: Iterable[Mapping[str, Any]], key: str, value: str) -> dict[str, Any]:
    """Return a list of names with values as a mapping."""
    items = list(items)
    read = {item[key]: item[value] for item in items}
    if len(read) != len(items) or any(set(item) != {key, value} for item in items):
        raise UnreadableError(f"these are no pairs of unique names: {items}")
    return read


def weighted(
    read: Callable[[Any], Any], items: Iterable[Mapping[str, Any]], *names: str
) -> tuple[Any, ...]:
    """Return the providers of a strategy, which all have weight 1 and no base.

    Without a weight it would be 0, and no task would start.
    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CapacityProviderStrategyItem.html
    """
    found: list[Any] = []
    provider, weight, base = names
    for item in items:
        properties = Properties("strategy", item)
        properties.expect(weight, 1)
        properties.expect(base, 0, 0)
        found.append(read(properties.take(provider)))
        properties.end()
    return tuple(found)


def service_of(resource_id: Any) -> dict[str, Any]:
    """Return the names of cluster and service in `service/CLUSTER/SERVICE`."""
    parts = list(resource_id.parts) if isinstance(resource_id, Concat) else [resource_id]
    if not isinstance(parts[0], str) or not parts[0].startswith("service/"):
        raise UnreadableError(f"{resource_id} is no service")
    parts[0] = parts[0].removeprefix("service/")
    (where,) = (index for index, part in enumerate(parts) if isinstance(part, str) and "/" in part)
    before, _, after = parts[where].partition("/")
    if "/" in after:
        raise UnreadableError(f"{resource_id} has too many parts")
    return {
        "cluster": concat(*parts[:where], before),
        "service": concat(after, *parts[where + 1 :]),
    }


LAUNCHED = {"instance", "volume", "network-interface"}
"""What a launch template starts, by the names of types in specifications of tags."""


def machines_tags(own: set[str], *specified: list[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    """Return the tags that a launch template and all that it starts have alike."""
    types = [[type_ for type_, _ in each] for each in specified]
    if [sorted(each) for each in types] != [sorted(own), sorted(LAUNCHED)]:
        raise UnreadableError(f"the types that are tagged are {types}")
    return same("tags", *(tags for each in specified for _, tags in each))


def comparable(resource: Resource, *, lost: Iterable[str] = ()) -> dict[str, Any]:
    """Return what is compared of a resource: its kind and its fields, lists all alike.

    `lost` are fields, dotted, that an output cannot say; they are as by default. The order of
    `after` means nothing, and what is referred to is waited for anyway.
    """
    lost = set(lost)
    found: dict[str, Any] = {"": type(resource).__name__}
    for field in dataclasses.fields(resource):
        if field.compare:
            value = getattr(resource, field.name)
            found[field.name] = {} if field.name in lost else plain(value)
    defaults = dataclasses.asdict(Lifecycle())
    for name in found["lifecycle"]:
        if f"lifecycle.{name}" in lost:
            found["lifecycle"][name] = plain(defaults.get(name))
    found["after"] = [] if "after" in lost else sorted(set(resource.after) - referred(resource))
    return found


def referred(resource: Resource) -> set[str]:
    """Return the keys of what a resource refers to."""
    return {reference.key for reference in references(plain(resource))}


def plain(value: Any) -> Any:
    """Return nested data with dataclasses as mappings and tuples as lists; tokens stay."""
    if isinstance(value, TOKENS):
        return value
    if dataclasses.is_dataclass(value):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        kind = {} if isinstance(value, Lifecycle) else {"": type(value).__name__}
        return {**kind, **{name: plain(item) for name, item in fields.items()}}
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value
