"""The native road: a unit as a root module of the providers' own resources.

`to_root` gives the root with the way back to what the user wrote, `document` its `main.tf.json`
alone. What is known only when a root is applied is a variable of it, so no secret stands in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dativo_infra.adapters.terraform.native.lowerings import LOWERINGS
from dativo_infra.adapters.terraform.native.lowerings.scope import Scope
from dativo_infra.adapters.terraform.native.values import Expression, Values
from dativo_infra.adapters.terraform.root import JOBS, LIST, REQUIRED_VERSION, TOOL, Root
from dativo_infra.diagnostics import raise_errors
from dativo_infra.names import TERRAFORM
from dativo_infra.planning.support import refusals
from dativo_infra.values import Parameter, has_secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dativo_infra.adapters.terraform.native.lowerings.scope import Block
    from dativo_infra.diagnostics import Location
    from dativo_infra.planning.result import Unit
    from dativo_infra.resources import Resource
    from dativo_infra.values import ParameterType

PROVIDERS: Mapping[str, Mapping[str, str]] = {
    "aws": {"source": "hashicorp/aws", "version": "~> 6.0"},
    "databricks": {"source": "databricks/databricks", "version": "~> 1.99"},
    "kubernetes": {"source": "hashicorp/kubernetes", "version": "~> 2.38"},
}
"""The providers, with the versions whose schemas the resources follow."""

CONTEXT, HOST = "kubernetes_context", "databricks_host"
"""The variables for the cluster and the workspace, where the project names none."""
_PLACES: Mapping[str, tuple[str, str, str]] = {
    "databricks": (HOST, "host", "URL of the workspace."),
    "kubernetes": (CONTEXT, "config_context", "Context of the kubeconfig."),
}
"""The field of a target that says where a provider's resources go, its setting, and what it is."""

_TYPES: Mapping[ParameterType, Mapping[str, Any]] = {
    "string": {"type": "string"},
    "list": {"type": LIST},
    "secret": {"type": "string", "sensitive": True},
}


def document(unit: Unit) -> dict[str, Any]:
    """Return the content of a unit's `main.tf.json`.

    Raises:
        DiagnosticError: the unit holds a kind that Terraform cannot build.
    """
    return dict(to_root(unit).document)


def to_root(unit: Unit) -> Root:
    """Return a unit as a root module.

    Raises:
        DiagnosticError: the unit holds a kind that Terraform cannot build.
    """
    raise_errors(refusals(unit, TOOL))
    values = Values(unit.resources, taken=(CONTEXT, HOST))
    blocks, origins = _lowered(unit, values)
    outputs = {
        # Sensitive, since a root cannot know which of its modules' values are.
        name: {"value": values.lower(value), "sensitive": True}
        for name, value in unit.exports.items()
    }
    outputs[JOBS] = {
        "value": values.lower([str(each) for each in unit.jobs]),
        "sensitive": True,
    }
    every = [block for each in blocks.values() for block in each]
    types = {block.type for block in every} | values.facts
    used = [name for name in PROVIDERS if any(each.startswith(f"{name}_") for each in types)]
    given = {name: parameter for parameter, name in values.variables.items()}
    variables = {name: _variable(parameter) for name, parameter in given.items()}
    for field, _, what in (_PLACES[name] for name in used if name in _PLACES):
        if not getattr(unit.target, field):
            # Empty it would mean what the machine's own settings say.
            valid = {
                "condition": f'${{var.{field} != ""}}',
                "error_message": f"{field} must not be empty.",
            }
            variables[field] = {"type": "string", "description": what, "validation": valid}
            given[field] = Parameter(field.upper())
    content = {
        "//": unit.description,
        "terraform": {
            "required_version": REQUIRED_VERSION,
            "required_providers": {name: dict(PROVIDERS[name]) for name in used},
        },
        "provider": _providers(unit, used, values),
        "variable": variables,
        "data": {name: {"current": {}} for name in sorted(values.facts)},
        "resource": _by_type(every),
        "output": outputs,
    }
    resources = {each.key: each for each in unit.resources}
    return Root(
        unit=unit,
        document={name: section for name, section in content.items() if section},
        addresses={block.address: resources[key] for key, each in blocks.items() for block in each},
        parameters=given,
        origins=origins,
        secret_outputs=tuple(name for name, value in unit.exports.items() if has_secret(value)),
    )


def _lowered(
    unit: Unit, values: Values
) -> tuple[dict[str, list[Block]], dict[str, Location | None]]:
    """Return the blocks of each resource by its key, in the order of the plan.

    Beside them, for each variable, the place that asked for the first resource with its value.

    What refers to a resource waits for all of its blocks: a role is of use only with its policies.
    """
    blocks: dict[str, list[Block]] = {}
    needed: dict[str, set[str]] = {}
    origins: dict[str, Location | None] = {}
    for resource in unit.resources:
        values.referred.clear()
        scope = Scope(unit=unit.name(TERRAFORM), resource=resource, values=values)
        LOWERINGS[type(resource)](resource, scope)
        for name in values.variables.values():
            origins.setdefault(name, resource.origin)
        blocks[resource.key] = scope.written
        needed[resource.key] = values.referred - {resource.key}
    for resource in unit.resources:
        after = {block.address for key in resource.after for block in blocks[key]}
        parts = {block.address for key in needed[resource.key] for block in blocks[key][1:]}
        main, *others = blocks[resource.key]
        wishes = {"depends_on": sorted(after | parts)} if after or parts else {}
        blocks[resource.key] = [main.with_(**{"//": _comment(resource)}, **wishes), *others]
    return blocks, origins


def _comment(resource: Resource) -> str:
    """Return what a person should know of a block; Terraform passes it over."""
    wishes = resource.lifecycle
    kept = [
        word
        for word, wanted in (("protected", wishes.protect), ("retained", wishes.retain))
        if wanted
    ]
    return f"{resource.key} ({', '.join(kept)})" if kept else resource.key


def _by_type(blocks: Iterable[Block]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for block in blocks:
        found.setdefault(block.type, {})[block.label] = block.body
    return found


def _providers(unit: Unit, used: Iterable[str], values: Values) -> dict[str, Any]:
    """Return the settings that name the unit's target; credentials come from the environment."""
    target = unit.target
    aws: dict[str, Any] = {}
    if target.region:
        aws["region"] = target.region
    if target.account:
        aws["allowed_account_ids"] = [target.account]
    settings = {"aws": aws}
    for name, (field, setting, _) in _PLACES.items():
        # Never where a machine's settings say by accident: what the project leaves open is asked.
        settings[name] = {setting: getattr(target, field) or Expression(f"var.{field}")}
    return {name: values.lower(settings[name]) for name in used if settings[name]}


def _variable(parameter: Parameter) -> dict[str, Any]:
    return {
        **_TYPES[parameter.type],
        "nullable": False,
        "description": f"Value of {parameter.name}.",
    }
