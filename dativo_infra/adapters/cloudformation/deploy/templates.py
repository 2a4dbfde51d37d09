"""What a request needs of a unit: its template, parameters, tags and capabilities."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from dativo_infra.adapters.cloudformation.template import TOOL, Stack, problems, to_stack
from dativo_infra.adapters.results import place_of
from dativo_infra.diagnostics import Diagnostic, raise_errors
from dativo_infra.diagnostics.rules import MISSING_PARAMETER, TEMPLATE_NEEDS_BUCKET
from dativo_infra.planning.support import refusals
from dativo_infra.values import Concat, Parameter, Text, tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from dativo_infra.adapters.cloudformation.deploy.connection import Clients
    from dativo_infra.planning.result import Unit
    from dativo_infra.project import PlacedTarget

LONGEST_INLINE = 51_200
"""The largest template, in bytes, that a request itself may carry.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateBucket:
    """A bucket that exists, for templates which a request cannot carry."""

    name: str
    clients: Clients
    """Gives the client of S3 for a target."""

    def put(self, stack: Stack, target: PlacedTarget) -> str:
        """Upload a template and return its URL; one place for one content.

        Raises:
            BotoCoreError, ClientError: the bucket takes no template.
        """
        client = self.clients(target)
        body = stack.body.encode()
        key = f"dativo-infra/{stack.name}/{sha256(body).hexdigest()}.json"
        client.put_object(Bucket=self.name, Key=key, Body=body, ContentType="application/json")
        return f"{client.meta.endpoint_url}/{self.name}/{key}"


def anyone(_job: str) -> bool:
    """Return that a job may exist, whichever it is."""
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What is given for all units alike."""

    parameters: Mapping[str, str]
    """Values by the names that jobs use; a list is joined by commas."""
    bucket: TemplateBucket | None = None
    project: str | None = None
    """The project's name, written into each template."""
    elsewhere: Callable[[str], bool] = anyone
    """Whether a job that is not among the units may exist all the same, by its identity."""

    def check(self, units: Iterable[Unit]) -> list[Unit]:
        """Return the units that have resources, once nothing is wrong with any of them.

        Templates are made again when it is their turn: a fleet's would not fit into memory.

        Raises:
            DiagnosticError: a resource is refused, a template is too large, or parameters are
                missing; all cases are named.
        """
        found: list[Diagnostic] = []
        missing: dict[str, Diagnostic] = {}
        checked: list[Unit] = []
        for unit in units:
            if refused := list(refusals(unit, TOOL)):
                found += refused
            elif unit.resources:
                stack = to_stack(unit, self.project)
                found += [*problems(stack), *self._too_large(stack)]
                for name, each in self._missing(stack):
                    missing.setdefault(name, each)
                checked.append(unit)
        raise_errors([*found, *missing.values()])
        return checked

    def request(self, stack: Stack) -> dict[str, Any]:
        """Return the arguments of a change set that a template gives."""
        return {
            **self._template(stack),
            "Parameters": [
                {"ParameterKey": name, "ParameterValue": self.parameters[parameter.name]}
                for name, parameter in stack.parameters.items()
            ],
            "Tags": _stack_tags(stack.unit, self.parameters),
            "Capabilities": _capabilities(stack),
        }

    def _template(self, stack: Stack) -> dict[str, str]:
        if _size(stack) <= LONGEST_INLINE or self.bucket is None:
            return {"TemplateBody": stack.body}
        return {"TemplateURL": self.bucket.put(stack, stack.unit.target)}

    def _missing(self, stack: Stack) -> Iterable[tuple[str, Diagnostic]]:
        for name, parameter in stack.parameters.items():
            if parameter.name not in self.parameters:
                message = f"`{parameter}` has no value; {stack.unit.identity} needs it."
                yield parameter.name, MISSING_PARAMETER.at(stack.origins[name], message)

    def _too_large(self, stack: Stack) -> list[Diagnostic]:
        size = _size(stack)
        if self.bucket is not None or size <= LONGEST_INLINE:
            return []
        message = (
            f"The template of {stack.unit.identity} has {size:,} bytes; a request takes at most "
            f"{LONGEST_INLINE:,}."
        )
        return [TEMPLATE_NEEDS_BUCKET.at(place_of(stack.unit), message)]


def _size(stack: Stack) -> int:
    return len(stack.body.encode())


def _capabilities(stack: Stack) -> list[str]:
    """Return what has to be acknowledged: that roles are created, all with generated names."""
    types = (each.resource_type or "" for each in stack.template.resources.values())
    return ["CAPABILITY_IAM"] if any(each.startswith("AWS::IAM::") for each in types) else []


def _stack_tags(unit: Unit, given: Mapping[str, str]) -> list[dict[str, str]]:
    """Return the unit's tags for the stack itself.

    The resources carry their own; a stack's tags are plain text, so one is left out whose value
    cannot be told before the deployment.
    """
    return [
        {"Key": key, "Value": _told(value, given)}
        for key, value in sorted(unit.tags.items())
        if all(
            isinstance(token, Concat)
            or (isinstance(token, Parameter) and token.type == "string" and token.name in given)
            for token in tokens(value)
        )
    ]


def _told(value: Text, given: Mapping[str, str]) -> str:
    match value:
        case Concat(parts):
            return "".join(_told(part, given) for part in parts)
        case Parameter(name):
            return given[name]
        case _:
            return str(value)
