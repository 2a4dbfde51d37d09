"""How a stack is changed, as CloudFormation does it.

Moto changes resources in any order, leaves those alone whose references have changed, deletes what
is retained, and stops with half a stack where something fails. Here what is referred to comes first
and is deleted last, a changed reference is a change, what is replaced or gone is deleted when all
else is done, and a failure is an event of its resource, after which all is as it was before.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-update-behaviors.html
"""
# ruff: noqa: SLF001 - the state of a stack is inside of moto

from __future__ import annotations

import re
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any

from moto.cloudformation import parsing
from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.models import CloudFormationBackend, Event, Stack

from dativo_infra.adapters.cloudformation.local.model import Built

if TYPE_CHECKING:
    from collections.abc import Iterator

    from moto.cloudformation.parsing import ResourceMap

_RETAINED = {"Retain", "RetainExceptOnCreate"}
_STACK = "AWS::CloudFormation::Stack"


class _FailedError(Exception):
    """A resource that could not be made what it should be."""

    def __init__(self, name: str, type_: str, status: str, reason: BaseException) -> None:
        # A missing key tells no more than its name.
        super().__init__(f"there is no {reason}" if isinstance(reason, KeyError) else str(reason))
        self.name = name
        self.type = type_
        self.status = status


def execute_change_set(
    backend: CloudFormationBackend,
    change_set_name: str,
    stack_name: str | None = None,  # noqa: ARG001 - moto's signature
) -> None:
    """Do what a change set says."""
    change_set: Any = backend.describe_change_set(change_set_name)
    stack = backend.stacks[change_set.stack_id]
    change_set.execution_status = "EXECUTE_COMPLETE"
    creating = change_set.change_set_type == "CREATE"
    stack._add_stack_event("CREATE_IN_PROGRESS" if creating else "UPDATE_IN_PROGRESS")
    _change(stack, change_set.template, change_set.parameters, change_set.tags, creating=creating)


def create_resources(stack: Stack) -> None:
    """Create what a new stack's template says."""
    _change(stack, stack.template, stack.parameters, stack.tags, creating=True)


def update(
    stack: Stack,
    template: str,
    role_arn: str | None = None,
    parameters: Any = None,
    tags: Any = None,
) -> None:
    """Update a stack to a template."""
    stack._add_stack_event("UPDATE_IN_PROGRESS", resource_status_reason="User Initiated")
    stack.role_arn = role_arn
    _change(
        stack,
        template,
        stack.parameters if parameters is None else parameters,
        stack.tags if tags is None else tags,
        creating=False,
    )


def delete_stack(backend: CloudFormationBackend, name_or_stack_id: str) -> None:
    """Delete a stack with all that is not retained; one that does not exist is none."""
    stacks = backend.stacks.values()
    wanted = name_or_stack_id
    stack = next((each for each in stacks if wanted in {each.name, each.stack_id}), None)
    if stack is None:
        return
    if stack.enable_termination_protection:
        message = f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled"
        raise ValidationError(stack.name, message=message)
    stack._add_stack_event("DELETE_IN_PROGRESS", resource_status_reason="User Initiated")
    resources = stack.resource_map
    exports = [export.name for export in stack.exports]
    # Moto creates what is in the template and not there when it is looked at.
    built = resources._parsed_resources
    left = {name: each for name, each in resources._resource_json_map.items() if name in built}
    resources._resource_json_map = left
    stack.output_map = _outputs(stack, {})
    try:
        for name in reversed(_order(left)):
            if left[name].get("DeletionPolicy") not in _RETAINED:
                _delete(resources, name, built[name])
            del left[name], built[name]
    except _FailedError as failed:
        _report(stack, failed)
        _end(stack, "DELETE_FAILED", f"It was not possible to delete {failed.name}.")
        return
    _end(stack, "DELETE_COMPLETE")
    backend.deleted_stacks[stack.stack_id] = backend.stacks.pop(stack.stack_id)
    for export in exports:
        backend.exports.pop(export, None)


def _change(stack: Stack, body: Any, parameters: Any, tags: Any, *, creating: bool) -> None:
    """Bring a stack to a template, or back to where it was."""
    resources, template = stack.resource_map, stack.parse_template(body)
    before = {} if creating else resources._template
    known = {} if creating else resources.input_parameters
    built = _built(resources, before)
    _order(template["Resources"])
    try:
        useless = _bring(resources, template, parameters)
        stack.output_map = _outputs(stack, template)
    except Exception as error:  # noqa: BLE001 - what fails here fails the stack
        known_error = isinstance(error, _FailedError)
        failed = error if known_error else _FailedError(stack.name, _STACK, "UPDATE_FAILED", error)
        _report(stack, failed)
        _end(stack, _back(stack, before, known, built))
        return
    stack.template, stack.parameters, stack.tags = body, parameters, tags
    stack.template_dict, stack.description = template, template.get("Description")
    said = {**before.get("Resources", {}), **template["Resources"]}
    for name, old in reversed(useless):
        policy = "UpdateReplacePolicy" if name in template["Resources"] else "DeletionPolicy"
        if said[name].get(policy) in _RETAINED:
            continue
        try:
            _delete(resources, name, old)
        except _FailedError as failed:
            # CloudFormation tries for some time, says so, and leaves the resource behind.
            _report(stack, failed)
    _end(stack, "CREATE_COMPLETE" if creating else "UPDATE_COMPLETE")


def _bring(
    resources: ResourceMap, template: Mapping[str, Any], parameters: Any, *, again: bool = False
) -> list[tuple[str, Any]]:
    """Create and update what a template wants; `again` also what seems to be as it should.

    Returns:
        What is not needed any more, by name, in the order in which it was created.
    """
    old, known = resources._resource_json_map, resources.resolved_parameters
    built = _built(resources, {"Resources": old})
    resources._template = dict(template)
    resources._resource_json_map = wanted = template.get("Resources", {})
    resources.input_parameters, resources.resolved_parameters = parameters, {}
    for name in known:
        resources._parsed_resources.pop(name, None)
    resources.load_mapping()
    resources.load_parameters()
    resources.load_conditions()
    now = resources.resolved_parameters
    moved = {name for name in now.keys() | known.keys() if now.get(name) != known.get(name)}
    replaced: list[tuple[str, Any]] = []
    for name in _order(wanted):
        try:
            if name not in built:
                # Asking for a resource creates it.
                if resources[name] is not None:
                    moved.add(name)
            elif again or wanted[name] != old[name] or moved & set(_references(wanted[name])):
                place = (resources._account_id, resources._region_name)
                after: Any = parsing.parse_and_update_resource(
                    name, wanted[name], resources, *place
                )
                moved.add(name)
                resources._parsed_resources[name] = after
                if after is not built[name]:
                    replaced.append((name, built[name]))
        except Exception as error:
            status = "UPDATE_FAILED" if name in built else "CREATE_FAILED"
            raise _FailedError(name, wanted[name]["Type"], status, error) from error
    gone = [name for name in _order(old) if name in built and name not in wanted]
    return [*((name, resources._parsed_resources.pop(name)) for name in gone), *replaced]


def _back(
    stack: Stack, before: Mapping[str, Any], parameters: Any, built: Mapping[str, Any]
) -> str:
    """Undo what was done until something failed; return the status of the stack then."""
    resources = stack.resource_map
    status = "UPDATE_ROLLBACK" if before else "ROLLBACK"
    stack._add_stack_event(f"{status}_IN_PROGRESS")
    made = _built(resources, resources._template)
    order = [name for name in _order(resources._resource_json_map) if name in made]
    try:
        resources._parsed_resources.update(built)
        for name in made.keys() - built.keys():
            resources._parsed_resources.pop(name)
        _bring(resources, before, parameters, again=True)
        for name in reversed(order):
            if made[name] is not built.get(name):
                _delete(resources, name, made[name])
        stack.output_map = _outputs(stack, before)
    except _FailedError as failed:
        _report(stack, failed)
        return f"{status}_FAILED"
    return f"{status}_COMPLETE"


def _outputs(stack: Stack, template: Mapping[str, Any]) -> parsing.OutputMap:
    outputs = parsing.OutputMap(stack.resource_map, dict(template), stack.stack_id)
    list(outputs.values())
    return outputs


def _delete(resources: ResourceMap, name: str, built: Any) -> None:
    """Delete a resource, where it was created at all."""
    if built is None:
        return
    kind = built.cf_resource_type
    try:
        if isinstance(built, Built):
            built.delete()
        else:
            resources._delete_resource(built, {"Type": kind, "Properties": {}})
    except Exception as error:
        raise _FailedError(name, kind, "DELETE_FAILED", error) from error


def _built(resources: ResourceMap, template: Mapping[str, Any]) -> dict[str, Any]:
    """Return the resources of a template that exist."""
    found = resources._parsed_resources
    return {name: found[name] for name in template.get("Resources", {}) if name in found}


def _order(wanted: Mapping[str, Any]) -> list[str]:
    """Return the names of resources, each after those that it refers to."""
    needs = {name: set(_references(each)) & wanted.keys() for name, each in wanted.items()}
    try:
        return list(TopologicalSorter(needs).static_order())
    except CycleError as error:
        message = f"Circular dependency between resources: [{', '.join(error.args[1])}]"
        raise ValidationError(message=message) from error


def _references(value: Any) -> Iterator[str]:
    """Yield the names that a part of a template refers to."""
    match value:
        case {"Ref": str() as name}:
            yield name
        case {"Fn::GetAtt": [str() as name, *_]}:
            yield name
        case {"Fn::GetAtt": str() as text}:
            yield text.partition(".")[0]
        case {"Fn::Sub": text, **others}:
            template = text[0] if isinstance(text, list) else text
            yield from re.findall(r"\$\{(\w+)", template)
            yield from _references([text, *others.values()])
        case Mapping():
            depends = value.get("DependsOn", [])
            yield from [depends] if isinstance(depends, str) else depends
            for item in value.values():
                yield from _references(item)
        case list():
            for item in value:
                yield from _references(item)


def _report(stack: Stack, failed: _FailedError) -> None:
    event: Any = Event(
        stack_id=stack.stack_id,
        stack_name=stack.name,
        logical_resource_id=failed.name,
        physical_resource_id="",
        resource_type=failed.type,
        resource_status=failed.status,
        resource_status_reason=str(failed),
        resource_properties=None,
    )
    stack.events.append(event)


def _end(stack: Stack, status: str, reason: str | None = None) -> None:
    stack.status = status
    stack._add_stack_event(status, resource_status_reason=reason)
