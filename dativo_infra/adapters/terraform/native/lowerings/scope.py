"""What a lowering is given: the place where it writes the blocks that a resource becomes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from dativo_infra.adapters.terraform.native.values import label
from dativo_infra.names import render_word

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dativo_infra.adapters.terraform.native.values import Values
    from dativo_infra.names import Grammar
    from dativo_infra.resources import Lifecycle, Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One `resource` block."""

    type: str
    label: str
    body: Mapping[str, Any]
    """Arguments in the JSON syntax, with what its lifecycle says."""

    @property
    def address(self) -> str:
        """Return what the block is called within its root."""
        return f"{self.type}.{self.label}"

    def with_(self, **arguments: Any) -> Block:
        """Return the block with meta-arguments in front of its own."""
        return replace(self, body={**arguments, **self.body})


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The surroundings of one resource that is being lowered."""

    unit: str
    """The unit's name, with which the names begin that the provider does not make up."""
    resource: Resource
    values: Values
    written: list[Block] = field(default_factory=list)
    """What was written so far, the first one first."""

    @property
    def name(self) -> str:
        """Return a name for the resource, where Terraform wants one that nobody else cares for."""
        return f"{self.unit}-{self.resource.key}"

    def block(
        self,
        type_: str,
        arguments: Mapping[str, Any],
        *,
        part: str = "",
        prefix: Grammar | None = None,
        named: bool = False,
        ignore: Sequence[str] = (),
        lifecycle: Lifecycle | None = None,
    ) -> None:
        """Write a block.

        Args:
            type_: the provider's type.
            arguments: what it is made of; tokens are lowered, and what is None is left out.
            part: what it is called beside the first one.
            prefix: how names of its kind are written, where the provider makes one up that begins
                with `name`; it stays when that changes, so that a rename replaces nothing.
            named: whether its name is given, so that two of it cannot be there at once.
            ignore: arguments that something else owns once it exists.
            lifecycle: what happens to it, where that is not what happens to the others.
        """
        if prefix:
            start = f"{render_word(self.name, prefix)}-"
            arguments, ignore = {"name_prefix": start, **arguments}, [*ignore, "name_prefix"]
        body = self.values.lower(present(arguments))
        if wishes := _lifecycle(lifecycle or self.resource.lifecycle, ignore, named=named):
            body["lifecycle"] = wishes
        self.written.append(Block(type=type_, label=label(self.resource.key, part), body=body))


def present(value: Any) -> Any:
    """Return nested data without what is None in its mappings."""
    if isinstance(value, dict):
        return {key: present(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [present(item) for item in value]
    return value


def _lifecycle(lifecycle: Lifecycle, ignore: Sequence[str], *, named: bool) -> dict[str, Any]:
    """Return the meta-argument.

    Terraform cannot leave a resource where it is: what is to stay is refused to be destroyed, until
    `terraform state rm` takes it out of the state.
    """
    wishes: dict[str, Any] = {}
    if not (named or lifecycle.delete_first):
        wishes["create_before_destroy"] = True
    if lifecycle.protect or lifecycle.retain:
        wishes["prevent_destroy"] = True
    if ignore:
        wishes["ignore_changes"] = list(ignore)
    return wishes
