"""A Terraform module that a team keeps: what is called, and with what."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dativo_infra.resources import Resource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dativo_infra.diagnostics import Location


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleInput:
    """A value that the job gives to one variable of the module."""

    value: Any
    """Plain data, or data with parameters in it."""
    path: str
    """The field that says it, such as `runtime.compute.instance_type`."""
    origin: Location | None = field(default=None, compare=False, repr=False)
    """The place in the job file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TerraformModule(Resource):
    """A call of a module, in a root of its own.

    Source: https://developer.hashicorp.com/terraform/language/modules/syntax
    """

    source: str
    """Where the module is, with the ref of a git repository; a local path from the current
    folder."""
    version: str | None = None
    """Of a module of a registry: which versions may be taken."""
    local: bool = False
    """Whether the source is a path on this machine."""
    label: str
    """What the call is named in its root."""
    inputs: Mapping[str, ModuleInput]
    """By the names of the module's variables. What the module tags is among them."""
    outputs: tuple[str, ...] = ()
    """The module's outputs that the root passes on."""
    secret_outputs: tuple[str, ...] = ()
    """Those that the module calls sensitive."""
