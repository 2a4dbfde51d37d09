"""`outputs`: what a stack gives for its jobs, by the names that jobs use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dativo_infra.adapters.results import HIDDEN

if TYPE_CHECKING:
    from pulumi.automation import OutputValue

    from dativo_infra.adapters.pulumi.deploy.engine import Stack


def outputs(stack: Stack) -> Mapping[str, Mapping[str, str]]:
    """Return the outputs of a stack's jobs, by identity; of jobs that it has built alone.

    Secrets are given as `(not shown)`.

    Raises:
        DiagnosticError: the stack cannot be asked.
    """
    built = {job for unit in stack.state.units for job in unit.jobs}
    return {job: texts(value) for job, value in stack.outputs().items() if job in built}


def texts(output: OutputValue) -> Mapping[str, str]:
    """Return one job's outputs as text."""
    if not isinstance(output.value, Mapping):
        return {}
    return {name: HIDDEN if output.secret else str(value) for name, value in output.value.items()}
