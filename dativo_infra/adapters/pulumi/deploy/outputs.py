"""`outputs`: what a stack gives for its jobs, by the names that jobs use."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pulumi

from dativo_infra.adapters.results import HIDDEN

if TYPE_CHECKING:
    from dativo_infra.adapters.pulumi.deploy.engine import Stack

_MARK, _SECRET = "4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"
"""What the engine marks a secret with in the state.

Source: https://pkg.go.dev/github.com/pulumi/pulumi/sdk/v3/go/common/resource/sig
"""


def outputs(stack: Stack) -> Mapping[str, Mapping[str, str]]:
    """Return the outputs of a stack's jobs, by identity; of jobs that it has built alone.

    Secrets are given as `(not shown)`.

    Raises:
        DiagnosticError: the stack cannot be asked.
    """
    built = {job for unit in stack.state.units for job in unit.jobs}
    return {job: texts(value) for job, value in stack.state.outputs.items() if job in built}


def texts(output: Any) -> Mapping[str, str]:
    """Return one job's outputs, as the state has them, as text."""
    if not isinstance(output, Mapping):
        return {}
    return {name: HIDDEN if _is_secret(value) else str(value) for name, value in output.items()}


def restored(output: Any) -> Any:
    """Return what the state has of an output as it was given to the engine."""
    if _is_secret(output):
        return pulumi.Output.secret(json.loads(output["plaintext"]))
    if isinstance(output, Mapping):
        return {name: restored(value) for name, value in output.items()}
    return output


def _is_secret(value: Any) -> bool:
    return isinstance(value, Mapping) and value.get(_MARK) == _SECRET
