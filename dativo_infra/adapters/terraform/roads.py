"""The choice between the two roads: the call of a module, and the providers' own resources."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dativo_infra.adapters.terraform import call, native

if TYPE_CHECKING:
    from pathlib import Path

    from dativo_infra.adapters.terraform.root import Root
    from dativo_infra.planning.result import Unit


def to_root(unit: Unit, folder: Path) -> Root:
    """Return a unit's root.

    Args:
        unit: Of which planning found that Terraform builds it.
        folder: Where the root will be: a module's local path is relative to it.
    """
    return call.to_root(unit, folder) if call.calls_module(unit) else native.to_root(unit)
