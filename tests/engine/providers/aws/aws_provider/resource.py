"""One resource, and the calls that are made for it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from string import Template
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import jmespath
from botocore.exceptions import ClientError

from aws_provider.translation import parameter, takes, translated

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from aws_provider.model import Call, Expressions, Tagging, Type

_GONE = re.compile(r"NoSuch|NotFound|\(404\)|not found|does not exist|id '.*' is not valid")
_RANDOM = 26
"""Characters that the real provider adds to the beginning of a name."""


class UntranslatedError(ValueError):
    """Raised for what this provider has no call for."""


@dataclass
class Resource:
    """A resource of a type, with its properties and outputs as plain data."""

    type: Type
    client: Any
    place: Mapping[str, str]
    """The account, region and partition."""
    properties: dict[str, Any]
    outputs: dict[str, Any] = field(default_factory=dict)
    """What only AWS knows, and the `id`."""
    _answer: Mapping[str, Any] = field(default_factory=dict)
    _found: Any = None
    _reads: Mapping[str, Any] = field(default_factory=dict)

    def faults(self) -> Iterator[str]:
        """Yield the properties that no call takes.

        Raises:
            WrongValueError: a value is none of those that the service has.
        """
        named = self.type.name
        taken = {*self.type.own, *([named.prefix] if named else [])}
        for call in self.type.create:
            mine = self._taken(call)
            translated(mine, self._shape(call.operation), self._names(call))
            taken |= mine.keys()
        for name in sorted(self.properties.keys() - taken):
            yield f"`{name}` is translated to no call by this test provider"

    def create(self) -> None:
        """Create it; what exists already of one that cannot be completed is deleted again."""
        named = self.type.name
        if named and named.property not in self.properties:
            made_up = self.properties[named.prefix] + uuid4().hex[:_RANDOM]
            self.outputs[named.property] = made_up
        first, *others = self.type.create
        self._answer = self._call(first)
        self.outputs["id"] = self._value(self.type.id)
        try:
            for call in others:
                if self._taken(call).keys() - self._taken(first).keys():
                    self._call(call)
            self._look()
        except Exception:
            self.delete()
            raise

    def exists(self) -> bool:
        """Look at it, and return whether it exists."""
        try:
            self._look()
        except ClientError as error:
            if _is_gone(error):
                return False
            raise
        return self._found is not None

    def changed_tags(self) -> dict[str, Any]:
        """Return the tags if the service tells others than the properties say, else nothing."""
        tagging = self.type.tagging
        if tagging is None:
            return {}
        told = self._call(tagging.read, told=False) if tagging.read else self._found
        tags = told.get("Tags") or told.get("tags") or told.get("TagSet") or {}
        if isinstance(tags, list):
            named = ({key.lower(): value for key, value in tag.items()} for tag in tags)
            tags = {tag["key"]: tag["value"] for tag in named}
        return {} if tags == _as_map(self.properties.get("tags", {})) else {"tags": tags}

    def told(self) -> dict[str, Any]:
        """Return the properties that AWS has set and the program has not."""
        told = self._values(self.type.told)
        return {key: value for key, value in told.items() if value and key not in self.properties}

    def update(self, properties: dict[str, Any], changed: Iterable[str]) -> None:
        """Change properties in place.

        Raises:
            UntranslatedError: one of them has no call that changes it.
        """
        before, self.properties = self.properties, properties
        left = set(changed) - self.type.own
        if self.type.tagging and self.type.tagging.tag and "tags" in left:
            left.remove("tags")
            self._retag(self.type.tagging, before.get("tags", {}), properties.get("tags", {}))
        for call in self.type.update:
            shape, names = self._shape(call.operation), self._names(call)
            mine = {
                name
                for name in left
                if takes(shape, name, names) and (call.whole or name in properties)
            }
            if mine:
                self._call(call)
                left -= mine
        if left:
            raise UntranslatedError(f"no call of this test provider changes {', '.join(left)}")
        self._look()

    def delete(self) -> None:
        """Delete it, where it still exists."""
        for call in self.type.delete:
            try:
                self._call(call, told=False)
            except ClientError as error:
                if not _is_gone(error):
                    raise

    def _look(self) -> None:
        expression = Template(self.type.found).safe_substitute(self._known())
        self._found = jmespath.search(expression, self._call(self.type.read, told=False))
        if self._found is not None:
            self._reads = {
                name: self._call(call, told=False) for name, call in self.type.reads.items()
            }
            self.outputs |= self._values(self.type.outputs)

    def _retag(self, tagging: Tagging, before: Any, now: Any) -> None:
        which, further = self._values(tagging.which), self._values(tagging.entry)
        gone = [key for key in _as_map(before) if key not in _as_map(now)]
        if gone:
            shape = self._shape(tagging.untag)
            entries = [{"key": key, **further} for key in gone]
            keys = parameter(shape, "tagKeys")
            told = {keys: gone} if keys else translated({"tags": entries}, shape, {})
            self._invoke(tagging.untag, {**which, **told})
        if now:
            tags = [{**each, **further} for each in now] if further else now
            told = translated({"tags": tags}, self._shape(tagging.tag), {})
            self._invoke(tagging.tag, {**which, **told})

    def _call(self, call: Call, *, told: bool = True) -> dict[str, Any]:
        """Make a call, which is told the properties or only which one is meant."""
        shape = self._shape(call.operation)
        which = {key: path for key, path in self.type.which.items() if key in shape.members}
        mine = translated(self._taken(call), shape, self._names(call)) if told else {}
        return self._invoke(
            call.operation, {**self._values(which), **self._values(call.given), **mine}
        )

    def _taken(self, call: Call) -> dict[str, Any]:
        """Return the properties that a call has parameters for, the name that was made up too."""
        shape, names = self._shape(call.operation), self._names(call)
        named = self.type.name
        made_up = {
            key: value for key, value in self.outputs.items() if named and key == named.property
        }
        return {
            key: value
            for key, value in {**made_up, **self.properties}.items()
            if takes(shape, key, names)
        }

    def _names(self, call: Call) -> dict[str, str | None]:
        known = self._known()
        return {
            key: Template(path).safe_substitute(known) if path else path
            for key, path in {**self.type.names, **call.names}.items()
        }

    def _shape(self, operation: str) -> Any:
        name = self.client.meta.method_to_api_mapping[operation]
        return self.client.meta.service_model.operation_model(name).input_shape

    def _invoke(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return getattr(self.client, operation)(**parameters)

    def _known(self) -> dict[str, Any]:
        known = {"answer": self._answer, "found": self._found}
        return {**self.place, **self.properties, **self.outputs, **self._reads, **known}

    def _value(self, expression: str) -> Any:
        return jmespath.search(expression, self._known())

    def _values(self, expressions: Expressions) -> dict[str, Any]:
        found = {name: self._value(each) for name, each in expressions.items()}
        return {name: value for name, value in found.items() if value is not None}


def _as_map(tags: Any) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in tags} if isinstance(tags, list) else tags


def _is_gone(error: ClientError) -> bool:
    return bool(_GONE.search(str(error)))
