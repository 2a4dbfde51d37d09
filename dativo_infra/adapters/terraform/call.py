"""The module road: a unit as a root module that calls the module of the job's team.

What a job says is data in `terraform.tfvars.json`, which Terraform never evaluates. It evaluates
every text in `main.tf.json`, so only names that were checked are there, and the module's source.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dativo_infra.adapters.terraform.root import REQUIRED_VERSION, Root, json_text
from dativo_infra.platforms.terraform import LABEL
from dativo_infra.resources.terraform import TerraformModule
from dativo_infra.values import Concat, Parameter, is_known, parameters

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from dativo_infra.diagnostics import Location
    from dativo_infra.planning.result import Unit
    from dativo_infra.values import Token

_COMMENT = "Written by dativo-infra; changes are lost. Values are in terraform.tfvars.json."


def calls_module(unit: Unit) -> bool:
    """Return whether a unit is the call of a module."""
    return isinstance(unit.resources[0], TerraformModule)


def module_call(unit: Unit) -> TerraformModule:
    """Return the call of a module that a unit is."""
    (module,) = unit.resources
    assert isinstance(module, TerraformModule)  # noqa: S101 - what calls a module is that alone
    return module


def to_root(unit: Unit, folder: Path) -> Root:
    """Return a unit's root.

    Args:
        unit: The call of a module.
        folder: Where the root will be: the module's local path is relative to it.
    """
    module = module_call(unit)
    late = _late(module)
    call: dict[str, Any] = {"source": _source(module, folder)}
    if module.version is not None:
        call["version"] = module.version
    variables: dict[str, Any] = {}
    values: dict[str, Any] = {}
    for name, given in module.inputs.items():
        described = {"description": given.path}
        if is_known(given.value):
            variables[name] = {"type": "any", **described}
            values[name] = given.value
            call[name] = f"${{var.{name}}}"
            continue
        parts: list[Any] = []
        call[name] = f"${{{_expression(given.value, name, parts, late)}}}"
        if parts:
            variables[name] = {"type": "any", **described}
            values[name] = parts
    for parameter, name in late.items():
        variables[name] = {
            "type": "string",
            "description": f"{parameter.name} of the environment, by TF_VAR_{name}",
            **({"sensitive": True} if parameter.secret else {}),
        }
    content = {
        "//": _COMMENT,
        "terraform": {"required_version": REQUIRED_VERSION},
        "variable": variables,
        "module": {module.label: call},
        # An output that names the call must not be what destroys its resources.
        "moved": [{"from": f"module.{LABEL}", "to": f"module.{module.label}"}]
        if module.label != LABEL
        else [],
        # From 1.15 on a root must call sensitive whatever may be; only its module knows.
        "output": {
            name: {"value": f"${{module.{module.label}.{name}}}", "sensitive": True}
            for name in module.outputs
        },
    }
    return Root(
        unit=unit,
        document={key: value for key, value in content.items() if value},
        values=values,
        parameters={name: parameter for parameter, name in late.items()},
        origins=_origins(module, late),
        addresses={f"module.{module.label}": module},
        secret_outputs=module.secret_outputs,
    )


def _origins(module: TerraformModule, late: Mapping[Parameter, str]) -> dict[str, Location | None]:
    """Return the places that say the values of the root's variables."""
    found = {name: given.origin for name, given in module.inputs.items()}
    for given in module.inputs.values():
        for parameter in parameters(given.value):
            found.setdefault(late[parameter], given.origin)
    return found


def to_tfvars(unit: Unit) -> str:
    """Return the values of a unit alone, as the text of a variable file.

    What is a parameter as a whole is left out: it is given by the environment.
    """
    inputs = module_call(unit).inputs
    return json_text({name: given.value for name, given in inputs.items() if is_known(given.value)})


def _source(module: TerraformModule, folder: Path) -> str:
    if not module.local:
        return module.source
    # Where links are in the way, `..` leads elsewhere than it seems to.
    path = os.path.relpath(os.path.realpath(module.source), os.path.realpath(folder))
    path = path.replace(os.sep, "/")
    return path if path.startswith("../") else f"./{path}"


# --- what is known only later ---------------------------------------------------------------


def _late(module: TerraformModule) -> dict[Parameter, str]:
    """Return the parameters of a module's inputs, with the names of the root's variables."""
    found: dict[Parameter, str] = {}
    for parameter in parameters([given.value for given in module.inputs.values()]):
        name = f"env_{parameter.name}"
        while name in module.inputs:
            name += "_"
        found.setdefault(parameter, name)
    return found


def _expression(value: Any, name: str, parts: list[Any], late: Mapping[Parameter, str]) -> str:
    """Return nested data with tokens as an expression that has no text of the job in it.

    What is plain is added to `parts`, the value of the variable `name`, and referred to.
    """

    def plain(item: Any) -> str:
        parts.append(item)
        return f"var.{name}[{len(parts) - 1}]"

    def each(items: Iterable[Any]) -> str:
        return f"[{', '.join(_expression(item, name, parts, late) for item in items)}]"

    if is_known(value):
        return plain(value)
    if isinstance(value, Mapping):
        return f"zipmap({plain(list(value))}, {each(value.values())})"
    if isinstance(value, list | tuple):
        return each(value)
    return _token(value, each, late)


def _token(token: Token, each: Any, late: Mapping[Parameter, str]) -> str:
    if isinstance(token, Parameter):
        variable = f"var.{late[token]}"
        return f'split(",", {variable})' if token.type == "list" else variable
    assert isinstance(token, Concat)  # noqa: S101 - no other token is in what a job says
    return f'join("", {each(token.parts)})'
