"""From a type's properties to the parameters of a call, guided by the shapes that botocore knows.

A property and a parameter of one name, but for case and plural, are the same; others are named by
the type's table. What finds no parameter is passed as it is, for botocore to refuse.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, TypeAlias

from pulumi.runtime.rpc import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping

Names: TypeAlias = "Mapping[str, str | None]"
"""Where properties are found in a call's parameters, by their paths, if not under their own name.

The place is seen from the parameter that the property around is. `Groups[Role=CORE]` is another
entry of a list (`$name` in it is a property or an output), and `Groups[].Name` an entry for each
item. `""` is no place of its own: the
properties inside are placed as if they stood outside. None is a property that a call is not told.
"""

_STEP = re.compile(r"(\w+)(?:(\[)(?:(\w+)=([\w-]+))?\])?")


class WrongValueError(ValueError):
    """Raised for a value that the service does not have."""


def translated(properties: Mapping[str, Any], shape: Any, names: Names) -> dict[str, Any]:
    """Return parameters of the shape of a call.

    Raises:
        WrongValueError: a value is none of those that the service has.
    """
    return _Translation(names).structure(properties, shape, "")


def parameter(shape: Any, name: str) -> str | None:
    """Return what a shape calls a property."""
    return next((each for each in shape.members if _bare(each) == _bare(name)), None)


def takes(shape: Any, name: str, names: Names) -> bool:
    """Return whether a property is told to a call of a shape."""
    if name not in names:
        return parameter(shape, name) is not None
    own = names[name]
    inside = [path for key, path in names.items() if key.startswith(f"{name}.")]
    paths = [own] if own else inside if own == "" else []
    return any(_STEP.match(path)[1] in shape.members for path in paths if path)  # pyright: ignore[reportOptionalSubscript] - tables are tested


def _bare(name: str) -> str:
    return re.sub(r"ies\b|s\b", lambda plural: "y" if plural[0] == "ies" else "", name.lower())


class _Translation:
    def __init__(self, names: Names) -> None:
        self._names = names

    def structure(self, properties: Mapping[str, Any], shape: Any, where: str) -> dict[str, Any]:
        into: dict[str, Any] = {}
        self._fill(into, shape, properties, where)
        return into

    def _fill(
        self, into: dict[str, Any], shape: Any, properties: Mapping[str, Any], where: str
    ) -> None:
        for key, value in properties.items():
            path = f"{where}{key}"
            target = self._names.get(path, parameter(shape, key) or key)
            if target == "":
                self._fill(into, shape, value, f"{path}.")
            elif target is not None:
                self._put(into, shape, target, value, path)

    def _put(self, into: dict[str, Any], shape: Any, target: str, value: Any, path: str) -> None:
        step, _, rest = target.partition(".")
        name, is_list, key, constant = _STEP.fullmatch(step).groups()  # pyright: ignore[reportOptionalMemberAccess] - tables are tested
        inner = shape.members.get(name)
        if inner is None:
            into[name] = value
        elif is_list:
            entries = into.setdefault(name, [])
            for item in value if isinstance(value, list) else [value]:
                entry = {key: constant} if key else {}
                if rest:
                    self._put(entry, inner.member, rest, item, path)
                else:
                    entry |= self._fit(item, inner.member, path)
                entries.append(entry)
        elif rest:
            self._put(into.setdefault(name, {}), inner, rest, value, path)
        else:
            into[name] = self._fit(value, inner, path)

    def _fit(self, value: Any, shape: Any, path: str) -> Any:
        """Return a value in the form that a service wants it in, as the real provider makes it."""
        if value == UNKNOWN:
            return value
        match shape.type_name, value:
            case "structure", [only]:
                return self._fit(only, shape, path)
            case "structure", dict():
                return self.structure(value, shape, f"{path}.")
            case "list", _:
                return self._list(value, shape, path)
            case "map", dict():
                return {key: self._fit(item, shape.value, path) for key, item in value.items()}
            case "boolean", "true" | "false":
                return value == "true"
            case "string", _:
                return _text(value, shape, path)
            case _:
                return value

    def _list(self, value: Any, shape: Any, path: str) -> Any:
        match value:
            case str() if shape.member.type_name == "structure":
                return self._fit(json.loads(value), shape, path)
            case str():
                return value.split(",")
            case dict():
                return self._entries(value, shape.member, path)
            case list():
                return [self._fit(item, shape.member, path) for item in value]
            case _:
                return value

    def _entries(self, value: dict[str, Any], shape: Any, path: str) -> list[dict[str, Any]]:
        """Return a map as pairs where a service wants pairs, or a block as the one entry."""
        key, text = parameter(shape, "key"), parameter(shape, "value")
        if key and text:
            return [{key: name, text: item} for name, item in value.items()]
        return [self._fit(value, shape, path)]


def _text(value: Any, shape: Any, path: str) -> Any:
    match value:
        case bool() if "ENABLED" in shape.enum:
            return "ENABLED" if value else "DISABLED"
        case list():
            return ",".join(value)
        case str() if shape.enum and value not in shape.enum:
            known = ", ".join(shape.enum)
            raise WrongValueError(f"`{path}` cannot be `{value}`; it is one of {known}")
        case _:
            return value
