"""From a unit to a CloudFormation template."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import cfn_flip
import troposphere as cfn

from dativo_infra.adapters.cloudformation.lowerings import LOWERINGS
from dativo_infra.adapters.cloudformation.values import Scope, output_name
from dativo_infra.diagnostics import Diagnostic, Location, raise_errors
from dativo_infra.diagnostics.rules import DYNAMIC_REFERENCE, OVER_LIMIT
from dativo_infra.names import STACK
from dativo_infra.planning.support import refusals

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dativo_infra.planning.result import Unit
    from dativo_infra.resources import Resource
    from dativo_infra.values import Parameter, ParameterType

TOOL = "cloudformation"
METADATA = "DativoInfra"
"""The entry of a template's and of each resource's metadata that is ours."""
SIGNATURE = " (dativo-infra)"
"""What every description ends with: by it a stack is known as ours without its template."""

LIMITS: Mapping[str, int] = {"Resources": 500, "Parameters": 200, "Outputs": 200}
"""The most entries that a section of a template may have."""
LONGEST_BODY = 1_000_000
"""The largest template, in bytes, given from S3."""
LONGEST_DESCRIPTION = 1024
"""The longest description of a template, in bytes."""
# The limits above: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html

_SECTIONS = (
    "AWSTemplateFormatVersion",
    "Description",
    "Metadata",
    "Parameters",
    "Resources",
    "Outputs",
)
_PARAMETERS: Mapping[ParameterType, Mapping[str, Any]] = {
    "string": {"Type": "String"},
    "list": {"Type": "CommaDelimitedList"},
    "secret": {"Type": "String", "NoEcho": True},
}


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A unit in CloudFormation's form, with the way back to what the user wrote."""

    unit: Unit
    template: cfn.Template
    logical_ids: Mapping[str, Resource]
    """The unit's resources by logical id."""
    parameters: Mapping[str, Parameter]
    """The parameters that the template takes, by their names in it."""
    origins: Mapping[str, Location | None]
    """Where a job file first makes use of each parameter, by the same names."""
    outputs: Mapping[str, str]
    """The original names of the outputs, by their names in the template."""

    @property
    def name(self) -> str:
        """Return the stack's name."""
        return self.unit.name(STACK)

    @cached_property
    def document(self) -> Mapping[str, Any]:
        """The template as data: sections, resources and properties in a fixed order."""
        sections = self.template.to_dict()
        for name, resource in sections["Resources"].items():
            sections["Resources"][name] = {"Type": resource["Type"], **resource}
        return {name: sections[name] for name in _SECTIONS if name in sections}

    @cached_property
    def json(self) -> str:
        """The template as JSON for people."""
        return json.dumps(self.document, indent=2, ensure_ascii=False) + "\n"

    @cached_property
    def body(self) -> str:
        """The template as JSON for a request, without white space."""
        return json.dumps(self.document, ensure_ascii=False, separators=(",", ":"))

    def to_yaml(self) -> str:
        """Return the template as YAML, in the order of the JSON."""
        return cfn_flip.to_yaml(self.json)


def to_template(unit: Unit) -> cfn.Template:
    """Return a unit as a template, for programs that add to it; equal units give equal templates.

    What is written and deployed is `Stack.json`, which keeps the order of the plan.

    Raises:
        DiagnosticError: the unit holds a kind that CloudFormation cannot build.
    """
    return to_stack(unit).template


def to_stacks(units: Iterable[Unit], project: str | None = None) -> list[Stack]:
    """Return the units that have resources as stacks, in the order given.

    Args:
        units: What to translate.
        project: The project's name, for the templates' metadata.

    Raises:
        DiagnosticError: a unit holds a kind that CloudFormation cannot build, its template is over
            a limit, or it has a text that CloudFormation would evaluate; all such cases together.
    """
    stacks: list[Stack] = []
    found: list[Diagnostic] = []
    for unit in units:
        if refused := list(refusals(unit, TOOL)):
            found += refused
        elif unit.resources:
            stack = to_stack(unit, project)
            found += problems(stack)
            stacks.append(stack)
    raise_errors(found)
    return stacks


def problems(stack: Stack) -> list[Diagnostic]:
    """Return everything that CloudFormation would refuse a template for, or evaluate in it."""
    return [*limits(stack), *dynamic_references(stack)]


def to_stack(unit: Unit, project: str | None = None) -> Stack:
    """Return a unit in CloudFormation's form.

    Args:
        unit: What to translate.
        project: The project's name, for the template's metadata.

    Raises:
        DiagnosticError: the unit holds a kind that CloudFormation cannot build.
    """
    raise_errors(refusals(unit, TOOL))
    scope = Scope(unit.resources)
    template = cfn.Template(Description=_signed(unit.description))
    template.set_version()
    # Entries are set, not added: troposphere would raise its own error for one too many.
    for resource in unit.resources:
        template.resources[scope.logical_ids[resource.key]] = _lowered(resource, scope)
    if unit.resources:
        # CloudFormation takes no update in which the template's own metadata alone has changed.
        first = template.resources[scope.logical_ids[unit.resources[0].key]]
        first.Metadata[METADATA]["unit"] = _facts(unit, project)
    outputs = {output_name(name): name for name in unit.exports}
    for name, original in outputs.items():
        template.outputs[name] = cfn.Output(
            name, Description=original, Value=scope.lower(unit.exports[original])
        )
    for parameter, name in scope.parameters.items():
        template.parameters[name] = cfn.Parameter(
            name,
            Description=str(parameter),
            **_PARAMETERS[parameter.type],
            **_constraint(scope.patterns.get(parameter)),
        )
    template.set_metadata(
        {
            METADATA: {
                "identity": str(unit.identity),
                "parameters": {
                    name: parameter.name for parameter, name in scope.parameters.items()
                },
                "outputs": outputs,
            }
        }
    )
    return Stack(
        unit=unit,
        template=template,
        logical_ids={scope.logical_ids[each.key]: each for each in unit.resources},
        parameters={name: parameter for parameter, name in scope.parameters.items()},
        origins={name: scope.origins[parameter] for parameter, name in scope.parameters.items()},
        outputs=outputs,
    )


def _facts(unit: Unit, project: str | None) -> dict[str, Any]:
    """Return what is asked of a deployed stack when its jobs are changed, gone or destroyed."""
    return {
        **({"project": project} if project else {}),
        "identity": str(unit.identity),
        "jobs": [str(job) for job in unit.jobs],
        **({"needs": [str(need) for need in unit.needs]} if unit.needs else {}),
    }


def _constraint(pattern: str | None) -> dict[str, str]:
    if pattern is None:
        return {}
    return {"AllowedPattern": pattern, "ConstraintDescription": f"must match {pattern}"}


def is_protected(unit: Unit) -> bool:
    """Return whether the unit's stack gets termination protection.

    CloudFormation protects whole stacks, so one protected resource protects all in its stack.
    """
    return any(resource.lifecycle.protect for resource in unit.resources)


def limits(stack: Stack) -> list[Diagnostic]:
    """Return a diagnostic for every limit of CloudFormation that a template is over."""
    unit = stack.unit
    counts = {
        section.lower(): (len(stack.document.get(section, ())), most)
        for section, most in LIMITS.items()
    }
    counts["bytes"] = (len(stack.body.encode()), LONGEST_BODY)
    return [
        OVER_LIMIT.at(
            unit.resources[0].origin,
            f"The template of {unit.identity} has {count:,} {what}; CloudFormation takes {most:,}.",
        )
        for what, (count, most) in counts.items()
        if count > most
    ]


def dynamic_references(stack: Stack) -> list[Diagnostic]:
    """Return a diagnostic for every resource with a text that CloudFormation would evaluate."""
    if "{{resolve:" not in stack.json:
        return []
    found = [
        DYNAMIC_REFERENCE.at(
            stack.logical_ids[name].origin,
            f"`{{{{resolve:...}}}}` in `{stack.logical_ids[name].key}` of {stack.unit.identity}.",
        )
        for name, resource in stack.document["Resources"].items()
        if "{{resolve:" in json.dumps(resource)
    ]
    return found or [DYNAMIC_REFERENCE.at(stack.unit.resources[0].origin)]


def _lowered(resource: Resource, scope: Scope) -> cfn.AWSObject:
    """Return a resource with its envelope.

    Two wishes of a lifecycle need nothing here: `ignore`, since CloudFormation applies only values
    that changed in the template, and what something else changed meanwhile stays; `delete_first`,
    since CloudFormation always creates first: what must not be there twice is `STATEFUL`, and its
    replacement asked for.
    """
    lowered = LOWERINGS[type(resource)](
        scope.logical_ids[resource.key],
        resource,
        lambda value: scope.lower(value, resource.origin),
    )
    if resource.after:
        lowered.DependsOn = sorted(scope.logical_ids[key] for key in resource.after)
    if resource.lifecycle.retain:
        lowered.DeletionPolicy = "Retain"
        lowered.UpdateReplacePolicy = "Retain"
    lowered.Metadata = {METADATA: {"key": resource.key}}
    return lowered


def _signed(description: str) -> str:
    room = LONGEST_DESCRIPTION - len(SIGNATURE)
    return description.encode()[:room].decode(errors="ignore") + SIGNATURE
