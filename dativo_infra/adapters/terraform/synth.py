"""Writing roots, or variable files alone, to a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dativo_infra.adapters.files import Written, write_files
from dativo_infra.adapters.terraform.call import calls_module, module_call, to_tfvars
from dativo_infra.adapters.terraform.roads import to_root
from dativo_infra.adapters.terraform.root import TOOL, Root, root_name
from dativo_infra.diagnostics import Diagnostic, DiagnosticError, raise_errors
from dativo_infra.diagnostics.rules import LATE_VALUE
from dativo_infra.planning.support import refusals
from dativo_infra.values import Parameter, is_known

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from dativo_infra.planning.result import Plan, Unit


def synth(plan: Plan, folder: Path) -> Written:
    """Write one root for each unit of a plan that Terraform owns, in a folder of its name.

    Raises:
        DiagnosticError: the plan failed, a resource is refused, or the folder is not one to write
            to; nothing has been written then.
    """
    roots = to_roots(_units(plan), folder)
    return write_files(
        folder,
        {f"{root.name}/{name}": text for root in roots for name, text in root.files.items()},
    )


def synth_tfvars(plan: Plan, folder: Path) -> Written:
    """Write one variable file for each unit of a plan that calls a module, for `-var-file`.

    Others have no variables but what the environment gives.

    Raises:
        DiagnosticError: as `synth`; or a value is known only in part.
    """
    units = [unit for unit in _units(plan) if calls_module(unit)]
    raise_errors(late for unit in units for late in _late(unit))
    return write_files(
        folder, {f"{root_name(unit)}.tfvars.json": to_tfvars(unit) for unit in units}
    )


def to_roots(units: Iterable[Unit], folder: Path) -> list[Root]:
    """Return units as roots, each to be written to a folder of its name in `folder`.

    Raises:
        DiagnosticError: a unit holds a kind that this adapter cannot build.
    """
    units = list(units)
    raise_errors(refused for unit in units for refused in refusals(unit, TOOL))
    return [to_root(unit, folder / root_name(unit)) for unit in units]


def left_to_the_environment(plan: Plan) -> list[str]:
    """Return the variables that a plan's variable files do not have, as Terraform is told them."""
    calls = (module_call(unit) for unit in plan.owned_by(TOOL) if calls_module(unit))
    inputs = (item for module in calls for item in module.inputs.items())
    return sorted(
        {f"TF_VAR_{name}" for name, given in inputs if isinstance(given.value, Parameter)}
    )


def left_out(plan: Plan) -> list[str]:
    """Return the units of a plan that have no variable file, since they call no module."""
    return [str(unit.identity) for unit in plan.owned_by(TOOL) if not calls_module(unit)]


def _units(plan: Plan) -> tuple[Unit, ...]:
    if plan.failed:
        raise DiagnosticError(plan.diagnostics)
    return plan.owned_by(TOOL)


def _late(unit: Unit) -> Iterator[Diagnostic]:
    """Yield values of which a part is known at deployment only."""
    for name, given in module_call(unit).inputs.items():
        if not is_known(given.value) and not isinstance(given.value, Parameter):
            yield LATE_VALUE.at(given.origin, f"A part of `{name}` has no value here.")
