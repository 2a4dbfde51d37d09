"""What the provider is told of each type: a table of calls."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_provider.translation import Names

Expressions: TypeAlias = "Mapping[str, str]"
"""JMESPath by name. They see the resource's properties and outputs, its `id`, the `answer` of the
call that created it, and what was `found` of it."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a service. It is given those properties that it has a parameter for."""

    operation: str
    """boto3's name of the method."""
    given: Expressions = field(default_factory=dict)
    """Further parameters, where no property gives them."""
    names: Names = field(default_factory=dict)
    """What this call names otherwise than the type's `names` say."""
    whole: bool = False
    """Whether it sets everything, so that what is left out returns to its default."""


@dataclass(frozen=True, slots=True)
class Name:
    """How a resource is named that the program gives no name."""

    property: str = "name"
    prefix: str = ""
    """The property with the beginning of a name, where there is one."""
    longest: int = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Tagging:
    """How tags change in place."""

    tag: str = "tag_resource"
    """Empty where a call of the type's `update` sets them."""
    untag: str = "untag_resource"
    which: Expressions = field(default_factory=dict)
    """Parameters that say what is tagged."""
    entry: Expressions = field(default_factory=dict)
    """Further entries of each tag."""
    read: Call | None = None
    """The call that tells the tags, where they are not with what is found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Type:
    """A type of resource."""

    service: str
    """boto3's name of the service."""
    id: str
    """JMESPath of Pulumi's id."""
    which: Expressions
    """Parameters that say which one is meant, in each call that has them."""
    names: Names = field(default_factory=dict)
    create: tuple[Call, ...]
    """The first creates it, the others complete it."""
    read: Call
    found: str
    """JMESPath of the resource in the answer, null where it is gone; `$name` is a property."""
    update: tuple[Call, ...] = ()
    delete: tuple[Call, ...]
    reads: Mapping[str, Call] = field(default_factory=dict)
    """Further calls that tell of it; expressions see each answer by its name."""
    outputs: Expressions = field(default_factory=dict)
    told: Expressions = field(default_factory=dict)
    """Properties that AWS sets where the program does not, and that Terraform does not call
    computed: the next preview shows that the program takes them away."""
    volatile: frozenset[str] = frozenset()
    """Outputs that an update changes."""
    replaces: frozenset[str] = frozenset()
    """Paths of properties that cannot change in place: ForceNew in Terraform's resource."""
    replaces_none: frozenset[str] = frozenset()
    """Properties that cannot change in place from nothing to something and back."""
    own: frozenset[str] = frozenset()
    """Properties that say what the provider does, and are in no call."""
    name: Name | None = None
    tagging: Tagging | None = None
