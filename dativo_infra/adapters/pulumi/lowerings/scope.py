"""What a lowering is given: the place where it registers what a resource becomes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import pulumi

from dativo_infra.adapters.pulumi.typed import args_class, typed
from dativo_infra.names import render_word

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dativo_infra.adapters.pulumi.values import Resolver
    from dativo_infra.names import Grammar
    from dativo_infra.resources import Lifecycle

R = TypeVar("R", bound=pulumi.CustomResource)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The surroundings of one resource that is being lowered."""

    name: str
    """Name of the first Pulumi resource; those beside it have it as a prefix."""
    parent: pulumi.Resource
    resolver: Resolver
    lifecycle: Lifecycle
    depends_on: Sequence[pulumi.Resource]
    created: list[pulumi.CustomResource] = field(default_factory=list)
    """What was registered so far, the first one first."""

    def create(
        self,
        resource: type[R],
        properties: Mapping[str, Any],
        *,
        part: str = "",
        prefix: Grammar | None = None,
        ignore: Sequence[str] = (),
        lifecycle: Lifecycle | None = None,
    ) -> R:
        """Register a Pulumi resource and return it.

        Args:
            resource: the provider's class.
            properties: what it is made of; tokens are resolved, and what is None is left out.
            part: what it is called beside the first one.
            prefix: how names of its kind are written, where the provider makes one up that begins
                with `name`; it stays when that changes, so that a rename replaces nothing.
            ignore: properties, as Pulumi names them, that something else owns once it exists.
            lifecycle: what happens to it, where that is not what happens to the others.
        """
        if prefix:
            start = f"{render_word(self.name, prefix)}-"
            properties, ignore = {"name_prefix": start, **properties}, [*ignore, "namePrefix"]
        arguments = typed(args_class(resource), self.resolver.value(properties))
        # Every generated class takes a name, arguments and options; their base says otherwise.
        make: Any = resource
        options = self.options(ignore, lifecycle)
        return self.keep(make(self._name(part), arguments, options))

    def keep(self, created: R) -> R:
        """Count a resource among what was registered, and return it."""
        self.created.append(created)
        return created

    def options(
        self, ignore: Sequence[str] = (), lifecycle: Lifecycle | None = None
    ) -> pulumi.ResourceOptions:
        """Return the options of each Pulumi resource that this resource becomes, see `create`."""
        lifecycle = lifecycle or self.lifecycle
        return pulumi.ResourceOptions(
            parent=self.parent,
            depends_on=list(self.depends_on),
            protect=lifecycle.protect or None,
            retain_on_delete=lifecycle.retain or None,
            delete_before_replace=lifecycle.delete_first or None,
            ignore_changes=list(ignore) or None,
        )

    def _name(self, part: str) -> str:
        return f"{self.name}-{part}" if part else self.name
