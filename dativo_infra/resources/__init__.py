"""The neutral description of infrastructure: neutral about the tool, never about the cloud.

A kind is named as its cloud names it. Its fields hold plain data or tokens of `values`. A kind that
can be tagged has a field `tags`; one that cannot has none. The modules below hold one service each.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from dativo_infra.diagnostics import Location


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle:
    """What happens to a resource beside being created and updated."""

    retain: bool = False
    """Left in place when its unit is destroyed, as it holds data."""
    protect: bool = False
    """Not destroyed at all until this is taken back."""
    ignore: tuple[str, ...] = ()
    """Fields, dotted, that something else owns once the resource exists (an autoscaler)."""
    delete_first: bool = False
    """Deleted before its replacement is created, as two cannot exist beside each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """The envelope of every kind."""

    key: str
    """What the resource is called within its unit: lower-case words joined by hyphens. Logical ids
    and the names of Pulumi resources are made of it, so it never changes."""
    origin: Location | None = field(default=None, compare=False, repr=False)
    """The place in the job file that asked for it."""
    after: tuple[str, ...] = ()
    """Keys of resources that must exist before, where no reference shows it."""
    lifecycle: Lifecycle = Lifecycle()

    ATTRIBUTES: ClassVar[tuple[str, ...]] = ()
    """What can be referred to with a `Ref` once the resource exists."""
    STATEFUL: ClassVar[bool] = False
    """Whether a replacement loses data, or ends what runs on the resource."""
