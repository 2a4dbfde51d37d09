"""What a change set would do, in our words, and which of it needs to be allowed.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChange.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dativo_infra.adapters.results import HIDDEN, Change, PropertyChange, place_of
from dativo_infra.diagnostics.rules import REPLACEMENT

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping

    from dativo_infra.adapters.cloudformation.template import Stack
    from dativo_infra.diagnostics import Diagnostic

STATEFUL_TYPES = frozenset(
    {
        "AWS::ECS::Cluster",
        "AWS::ECS::Service",
        "AWS::EMR::Cluster",
        "AWS::Logs::LogGroup",
        "AWS::S3::Bucket",
    }
)
"""The types of the kinds that are `STATEFUL`, for resources that no job describes any more."""

_ACTIONS = {"Add": "add", "Modify": "change", "Remove": "remove", "Import": "import"}


def changes_of(
    entries: Iterable[Mapping[str, Any]],
    stack: Stack,
    secret: Container[tuple[str, str]] = frozenset(),
) -> list[Change]:
    """Return a change set's changes.

    Args:
        entries: The `Changes` of the change set.
        stack: The unit that is to be deployed.
        secret: Logical ids with names of properties whose values are not shown.
    """
    return [_change(entry["ResourceChange"], stack, secret) for entry in entries]


def guard(changes: Iterable[Change], name: str, stack: Stack) -> tuple[Diagnostic, ...]:
    """Return an error for each change that would lose data or end what runs."""
    return tuple(
        REPLACEMENT.at(
            each.origin or place_of(stack.unit),
            f"The stack {name} would {each}.",
        )
        for each in changes
        if each.needs_allowing
    )


def _change(entry: Mapping[str, Any], stack: Stack, secret: Container[tuple[str, str]]) -> Change:
    logical_id, kind = entry["LogicalResourceId"], entry["ResourceType"]
    resource = stack.logical_ids.get(logical_id)
    action: str = _ACTIONS.get(entry["Action"]) or entry["Action"].lower()
    if action == "change" and (replaced := entry.get("Replacement")) in {"True", "Conditional"}:
        action = "replace" if replaced == "True" else "maybe replace"
    if resource is None:
        guarded = kind in STATEFUL_TYPES
    else:
        guarded = resource.STATEFUL or resource.lifecycle.retain or resource.lifecycle.protect
    return Change(
        action=action,
        type=kind,
        key=resource.key if resource else logical_id,
        origin=resource.origin if resource else None,
        properties=tuple(dict.fromkeys(_properties(entry, secret))),
        retained=entry.get("PolicyAction") in {"Retain", "ReplaceAndRetain"},
        guarded=guarded,
    )


def _properties(
    entry: Mapping[str, Any], secret: Container[tuple[str, str]]
) -> Iterator[PropertyChange]:
    for detail in entry.get("Details", ()):
        target = detail.get("Target", {})
        # Metadata is ours alone, and changes nothing.
        if target.get("Attribute") == "Metadata":
            continue
        name = target.get("Name") or target.get("Attribute", "")
        path = target.get("Path", "").removeprefix("/Properties/").strip("/").replace("/", ".")
        hidden = (entry["LogicalResourceId"], name) in secret
        values = (target.get(key) for key in ("BeforeValue", "AfterValue"))
        before, after = (HIDDEN if hidden and value is not None else value for value in values)
        yield PropertyChange(path=path or name, before=before, after=after)


def secret_properties(document: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Return the properties of a template that a secret parameter is part of."""
    parameters = document.get("Parameters") or {}
    secrets = [json.dumps({"Ref": name}) for name, each in parameters.items() if each.get("NoEcho")]
    return {
        (logical_id, name)
        for logical_id, resource in document.get("Resources", {}).items()
        for name, value in resource.get("Properties", {}).items()
        if any(secret in json.dumps(value) for secret in secrets)
    }
