"""How a type that moto's CloudFormation lacks is built: by the calls that AWS itself would get.

The calls are made by boto3, so botocore judges the name and the type of every property. One that it
does not know fails the stack; nothing is dropped silently here. What moto does with it is another
matter, see `GAPS`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeAlias

import boto3
import jmespath

Expressions: TypeAlias = Mapping[str, str]
"""JMESPath by name. They see the resource's `name`, its `properties`, the `answer` of the last
call, and its facts (`Ref` and attributes) by their names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Type:
    """What the calls are for one type of CloudFormation."""

    service: str
    """boto3's name of the service."""
    create: str
    """The operation that creates. Here and below properties are given as its parameters."""
    then: tuple[str, ...] = ()
    """Operations after the creation, for properties that it does not take."""
    update: tuple[str, ...] = ()
    """Operations that change in place; what none of them takes is changed by a replacement."""
    whole: bool = False
    """Whether an update sets everything, so that it is told all properties and not the changed."""
    delete: str
    delete_with: Expressions = field(default_factory=dict)
    """Further parameters of the deletion."""
    id: Expressions
    """Parameters that say which one is meant, in each operation that takes them."""
    named: str | None = None
    """The property that is its name, which is made up where there is none."""
    renamed: Mapping[str, str] = field(default_factory=dict)
    """Parameters of the operations that are called otherwise than the properties."""
    kept: frozenset[str] = frozenset()
    """Properties that stay as they are when they are taken away; of others the default returns."""
    read: tuple[str, Expressions] | None = None
    """The operation whose answer has the facts, where that of the creation has not."""
    facts: Expressions
    """`Ref`, the attributes for `Fn::GetAtt`, and in lower case what only we want to know."""
    tags: str = "Tags"
    """Where the tags are in the properties."""
    tagged: Expressions | None = None
    """Parameters that say which one is tagged; None where it cannot be tagged in place."""
    tag: tuple[str, str] = ("tag_resource", "untag_resource")
    tag_with: Expressions = field(default_factory=dict)
    """Further entries of each tag."""

    # What follows is what moto wants of a class of resources.

    def has_cfn_attr(self, name: str) -> bool:
        """Return whether there is such an attribute."""
        return name in self.facts and name != "Ref" and not name.islower()

    def create_from_cloudformation_json(
        self,
        resource_name: str,
        cloudformation_json: Mapping[str, Any],
        account_id: str,  # noqa: ARG002 - there is one account
        region_name: str,
        **_: Any,
    ) -> Built:
        """Create a resource."""
        return Built.create(self, resource_name, cloudformation_json["Properties"], region_name)

    def update_from_cloudformation_json(
        self,
        *,
        original_resource: Built,
        new_resource_name: str,
        cloudformation_json: Mapping[str, Any],
        account_id: str,  # noqa: ARG002 - there is one account
        region_name: str,  # noqa: ARG002 - a stack stays where it is
    ) -> Built:
        """Return the resource, changed, or another one that replaces it."""
        return original_resource.updated(new_resource_name, cloudformation_json["Properties"])


class Built:
    """A resource that exists."""

    def __init__(self, kind: Type, name: str, properties: Mapping[str, Any], region: str) -> None:
        self.kind = kind
        self.name = name
        self.properties = properties
        self.region = region
        self.facts: dict[str, Any] = {}
        self.answer: Any = {}
        self.client = client_of(kind.service, region)

    @classmethod
    def create(cls, kind: Type, made_up: str, properties: Mapping[str, Any], region: str) -> Built:
        """Create a resource by its calls."""
        name = properties.get(kind.named, _cut(made_up)) if kind.named else made_up
        named = {kind.named: name} if kind.named else {}
        built = cls(kind, name, {**properties, **named}, region)
        built._create()
        return built

    def _create(self) -> None:
        kind = self.kind
        later = {
            key
            for key in self.properties
            if not self._takes(kind.create, key) and any(self._takes(op, key) for op in kind.then)
        }
        first = {key: value for key, value in self.properties.items() if key not in later}
        arguments = fit(self._parameters(first), self._shape(kind.create))
        self.answer = getattr(self.client, kind.create)(**arguments)
        try:
            self._read()
            for operation in kind.then:
                mine = [key for key in later if self._takes(operation, key)]
                if mine:
                    self._change(operation, mine)
        except Exception:
            self.delete()
            raise

    def updated(self, made_up: str, properties: Mapping[str, Any]) -> Built:
        """Return the resource with these properties; a new one where it cannot be changed so."""
        kind = self.kind
        name = properties.get(kind.named, self.name) if kind.named else self.name
        wanted = {**properties, kind.named: name} if kind.named else properties
        keys = self.properties.keys() | wanted.keys()
        changed = {key for key in keys if self.properties.get(key) != wanted.get(key)}
        tagged = {key for key in changed if kind.tagged is not None and kind.tags.startswith(key)}
        told = changed - tagged
        new = Built(kind, name, wanted, self.region)
        new.facts = self.facts
        same = self._all(kind.id) == new._all(kind.id)
        if not (same and all(self._changes(key, wanted) for key in told - kind.kept)):
            return Built.create(kind, made_up, properties, self.region)
        tags, self.properties = self._tags(), wanted
        for operation in kind.update:
            mine = {key for key in told if self._takes(operation, key)}
            if mine:
                self._change(operation, wanted.keys() if kind.whole else mine & wanted.keys())
        if tagged:
            self._retag(tags)
        self._read()
        return self

    def delete(self, *_: Any) -> None:
        """Delete the resource."""
        self._invoke(self.kind.delete, self._all(self.kind.delete_with))

    @property
    def physical_resource_id(self) -> str:
        """Return what `Ref` gives."""
        return self.facts["Ref"]

    def get_cfn_attribute(self, name: str) -> Any:
        """Return what `Fn::GetAtt` gives."""
        return self.facts[name]

    def is_created(self) -> bool:
        """Return that nothing is under way."""
        return True

    def _changes(self, key: str, wanted: Mapping[str, Any]) -> bool:
        """Return whether a property gets from what it is to what is wanted in place."""
        if key not in wanted or key not in self.properties:
            # Only an operation that sets everything brings a default back.
            return any(self._takes(op, key) for op in self.kind.update) and (
                key in wanted or self.kind.whole
            )
        return any(
            unknown(self._parameters({key: self.properties[key]}), self._shape(operation))
            == unknown(self._parameters({key: wanted[key]}), self._shape(operation))
            for operation in self.kind.update
        )

    def _change(self, operation: str, keys: Iterable[str]) -> None:
        properties = {key: self.properties[key] for key in keys if self._takes(operation, key)}
        shape = self._shape(operation)
        known = without_unknown(self._parameters(properties), shape)
        self.answer = self._invoke(operation, fit(known, shape))

    def _retag(self, before: list[Any]) -> None:
        tag, untag = self.kind.tag
        which = self._all(self.kind.tagged or {})
        further = self._all(self.kind.tag_with)
        now = self._tags()
        gone = [each["Key"] for each in before if each["Key"] not in {one["Key"] for one in now}]
        if gone:
            shape = self._shape(untag)
            keys = next((each for each in shape.members if each.lower() == "tagkeys"), None)
            tags = {keys: gone} if keys else {"Tags": [{"Key": key, **further} for key in gone]}
            self._invoke(untag, {**which, **tags})
        if now:
            tags = {"Tags": [{**each, **further} for each in now]}
            self._invoke(tag, {**which, **fit(tags, self._shape(tag))})

    def _tags(self) -> list[Any]:
        return jmespath.search(self.kind.tags, self.properties) or []

    def _read(self) -> None:
        if self.kind.read:
            operation, arguments = self.kind.read
            self.answer = self._invoke(operation, self._all(arguments))
        if self.kind.read or not self.facts:
            self.facts = self._all(self.kind.facts)

    def _all(self, expressions: Expressions) -> dict[str, Any]:
        """Return what the expressions say of this resource."""
        own = {"name": self.name, "properties": self.properties, "answer": self.answer}
        context = {**self.facts, **own}
        return {name: jmespath.search(each, context) for name, each in expressions.items()}

    def _takes(self, operation: str, key: str) -> bool:
        return member(self._shape(operation), self.kind.renamed.get(key, key)) is not None

    def _parameters(self, properties: Mapping[str, Any]) -> dict[str, Any]:
        return {self.kind.renamed.get(key, key): value for key, value in properties.items()}

    def _invoke(self, operation: str, arguments: Mapping[str, Any]) -> Any:
        members = self._shape(operation).members
        which = {name: value for name, value in self._all(self.kind.id).items() if name in members}
        return getattr(self.client, operation)(**{**which, **arguments})

    def _shape(self, operation: str) -> Any:
        name = self.client.meta.method_to_api_mapping[operation]
        return self.client.meta.service_model.operation_model(name).input_shape


@cache
def client_of(service: str, region: str) -> Any:
    """Return the client of a service; it holds made-up credentials and nothing else."""
    return _session().client(service, region_name=region)


@cache
def _session() -> boto3.Session:
    # One session reads what botocore knows of a service once.
    return boto3.Session()


def member(shape: Any, key: str) -> str | None:
    """Return what an API calls a property, which has the same letters in another case."""
    return next((name for name in shape.members if name.lower() == key.lower()), None)


def fit(value: Any, shape: Any) -> Any:
    """Return what CloudFormation is told in the form that an API wants.

    CloudFormation takes numbers and switches as text, text as numbers, and tags always as a list.
    What does not fit is left as it is, for botocore to judge.
    """
    match shape.type_name, value:
        case "structure", Mapping():
            return {
                name or key: fit(item, shape.members[name]) if name else item
                for key, item in value.items()
                for name in [member(shape, key)]
            }
        case "list", list():
            return [fit(item, shape.member) for item in value]
        case "map", list() if all(isinstance(each, Mapping) for each in value):
            return {each.get("Key"): each.get("Value") for each in value}
        case "integer" | "long", str() if re.fullmatch(r"-?\d+", value):
            return int(value)
        case "float" | "double", int() | str() if re.fullmatch(r"-?\d+(\.\d+)?", str(value)):
            return float(value)
        case "boolean", "true" | "false":
            return value == "true"
        case "string", bool():
            return str(value).lower()
        case "string", int():
            return str(value)
        case "string", list() if all(isinstance(each, str) for each in value):
            return ",".join(value)
        case _:
            return value


def unknown(value: Any, shape: Any) -> Any:
    """Return that part of what is told which an API's shape does not have; nothing if all."""
    match shape.type_name, value:
        case "structure", Mapping():
            parts = {
                key: unknown(item, shape.members[name]) if name else item
                for key, item in value.items()
                for name in [member(shape, key)]
            }
            return {key: part for key, part in parts.items() if part is not None} or None
        case "list", list():
            parts = [unknown(item, shape.member) for item in value]
            return parts if any(part is not None for part in parts) else None
        case _:
            return None


def without_unknown(value: Any, shape: Any) -> Any:
    """Return the other part."""
    match shape.type_name, value:
        case "structure", Mapping():
            return {
                key: without_unknown(item, shape.members[name])
                for key, item in value.items()
                for name in [member(shape, key)]
                if name
            }
        case "list", list():
            return [without_unknown(item, shape.member) for item in value]
        case _:
            return value


def _cut(name: str) -> str:
    """Return a made-up name with its random end, in the 64 characters that the shortest allow."""
    return name if len(name) <= 64 else name[:51] + name[-13:]
