"""Writing templates to a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from dativo_infra.adapters.cloudformation.template import TOOL, to_stacks
from dativo_infra.adapters.files import Written, write_files
from dativo_infra.diagnostics import DiagnosticError

if TYPE_CHECKING:
    from pathlib import Path

    from dativo_infra.planning.result import Plan


def synth(plan: Plan, folder: Path, *, form: Literal["json", "yaml"] = "json") -> Written:
    """Write one template for each unit of a plan that CloudFormation owns.

    A unit without resources has no template. The file is called as the stack, such as
    `acme-prod-orders.json`.

    Raises:
        DiagnosticError: the plan failed, a resource is refused, a limit is passed, or the folder
            is not one to write to; nothing has been written then.
    """
    if plan.failed:
        raise DiagnosticError(plan.diagnostics)
    stacks = to_stacks(plan.owned_by(TOOL), plan.project)
    return write_files(
        folder,
        {
            f"{stack.name}.{form}": stack.json if form == "json" else stack.to_yaml()
            for stack in stacks
        },
    )
