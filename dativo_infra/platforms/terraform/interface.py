"""What a module wants and gives: its variables and outputs, as they were read from its source."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
"""What can stand as a name in a root: nothing that a job says is written there otherwise."""

META_ARGUMENTS = frozenset(
    {
        "count",
        "depends_on",
        "for_each",
        "lifecycle",
        "locals",
        "providers",
        "source",
        "version",
    }
)
"""What a module's call has for itself, so that no variable is called so. Source:
https://developer.hashicorp.com/terraform/language/block/variable"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleVariable:
    """One variable of a module."""

    name: str
    type: str = "any"
    """The type as it is written, such as `map(any)`."""
    required: bool = False
    """Whether it has no default."""

    @property
    def is_map(self) -> bool:
        """Whether all its elements are to have one type."""
        return self.type.startswith("map(")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleInterface:
    """The variables and outputs of a module, by name."""

    variables: Mapping[str, ModuleVariable]
    outputs: Mapping[str, bool] = field(default_factory=dict)
    """Each with whether the module calls it sensitive."""
