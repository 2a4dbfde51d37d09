"""What a deployed template says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cfn_flip

from dativo_infra.adapters.cloudformation.deploy.states import obstacles
from dativo_infra.adapters.cloudformation.deploy.watch import NOT_CREATED
from dativo_infra.adapters.cloudformation.template import METADATA
from dativo_infra.adapters.results import shared_partly
from dativo_infra.planning.result import UnitKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dativo_infra.adapters.cloudformation.deploy.templates import Inputs
    from dativo_infra.adapters.cloudformation.deploy.watch import Watch
    from dativo_infra.adapters.cloudformation.template import Stack
    from dativo_infra.diagnostics import Diagnostic


def template_of(watch: Watch, name: str) -> Mapping[str, Any]:
    """Return a stack's deployed template; nothing where it was never executed.

    Raises:
        BotoCoreError, ClientError: CloudFormation cannot be asked.
    """
    # boto3 gives JSON as data, and YAML as text.
    body = watch.client.get_template(StackName=name).get("TemplateBody")
    return cfn_flip.load(body)[0] if isinstance(body, str) else body or {}


def said_in(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what we ourselves wrote into a template: identity, jobs, needs, project."""
    entries = (each.get("Metadata", {}) for each in document.get("Resources", {}).values())
    return next(
        (each[METADATA]["unit"] for each in entries if "unit" in each.get(METADATA, {})), {}
    )


def outputs_of(described: Mapping[str, Any], names: Mapping[str, str]) -> Mapping[str, str]:
    """Return a described stack's outputs by the names that jobs use.

    Args:
        described: The stack, as CloudFormation describes it.
        names: Those names, by the names in the template.
    """
    return {
        names[each["OutputKey"]]: each["OutputValue"]
        for each in described.get("Outputs", ())
        if each["OutputKey"] in names
    }


def standing(
    watch: Watch, name: str, described: Mapping[str, Any], stack: Stack, inputs: Inputs
) -> tuple[tuple[Diagnostic, ...], str]:
    """Return why a stack cannot be changed, or else why it stays as it is; nothing where it can.

    Raises:
        BotoCoreError, ClientError: CloudFormation cannot be asked.
    """
    unit = stack.unit
    if found := obstacles(watch, unit, name, described, stack.logical_ids):
        return found, ""
    if unit.kind is not UnitKind.SHARED or described.get("StackStatus") in NOT_CREATED:
        return (), ""
    known = said_in(template_of(watch, name)).get("jobs", ())
    return shared_partly(unit, name, known, inputs.elsewhere)
