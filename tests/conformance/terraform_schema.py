"""What Terraform's providers say of their types, and whether a root module agrees.

The schemas are the providers' own, see write_terraform_schemas.py.
Source: https://developer.hashicorp.com/terraform/cli/commands/providers/schema
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from terraform_expressions import Call, read

from dativo_infra.values import Concat, Ref, Select, Split

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

META = frozenset(("//", "depends_on", "lifecycle"))
"""Arguments that every resource has. Source:
https://developer.hashicorp.com/terraform/language/meta-arguments"""
ATTRIBUTES_OF_VARIABLES = {"string": "string", "list(string)": ["list", "string"]}


def _known(address: str, type_: Any) -> Ref:
    """Return what stands for the value at an address, of which the schema says the type."""
    return Ref(address, json.dumps(type_))


@cache
def schemas() -> Mapping[str, Any]:
    """Return the schemas by kind and type."""
    return json.loads((Path(__file__).parent / "terraform_schemas.json").read_text())


def has_tags(type_: str) -> bool:
    """Return whether a type takes tags, in whatever form."""
    block = schemas()["resource"][type_]
    return "tags" in block["attributes"] or "tag" in block["block_types"]


def problems(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield everything in a root module that its providers would refuse."""
    judge = _Judge(document)
    for kind in ("resource", "data"):
        for type_, labels in document.get(kind, {}).items():
            block = schemas()[kind].get(type_)
            for label, body in labels.items():
                if block is None:
                    yield f"{type_} is not known"
                else:
                    yield from judge.block(f"{type_}.{label}", _without_meta(body), block)
                    yield from judge.waits(f"{type_}.{label}", body)
    for name, output in document.get("output", {}).items():
        judge.value(output["value"])
        if output.get("sensitive") is not True:
            yield f"output.{name} would be shown"
    yield from judge.found


def _without_meta(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: item for name, item in body.items() if name not in META}


class _Judge:
    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self.found: list[str] = []

    def value(self, value: Any) -> Any:
        return read(value, self._look_up)

    def block(self, where: str, body: Mapping[str, Any], block: Mapping[str, Any]) -> Iterator[str]:
        attributes, blocks = block["attributes"], block["block_types"]
        for name, item in body.items():
            if name in attributes:
                schema = attributes[name]
                if not (schema.get("required") or schema.get("optional")):
                    yield f"{where}.{name} cannot be set"
                if schema.get("deprecated"):
                    yield f"{where}.{name} is deprecated"
                value = self.value(item)
                if not fits(value, schema["type"]):
                    yield f"{where}.{name} is {value!r}, and not {schema['type']}"
            elif name in blocks:
                yield from self._nested(f"{where}.{name}", item, blocks[name])
            else:
                yield f"{where} has no {name}"
        for name, schema in attributes.items():
            if schema.get("required") and name not in body:
                yield f"{where} needs {name}"
        for name, schema in blocks.items():
            if schema.get("min_items") and name not in body:
                yield f"{where} needs a {name}"

    def _nested(self, where: str, item: Any, schema: Mapping[str, Any]) -> Iterator[str]:
        items = item if isinstance(item, list) else [item]
        if not all(isinstance(each, dict) for each in items):
            yield f"{where} is no block"
            return
        most = 1 if schema["nesting_mode"] == "single" else schema.get("max_items")
        if most and len(items) > most:
            yield f"{where} is there {len(items)} times"
        if len(items) < schema.get("min_items", 0):
            yield f"{where} is missing"
        for index, each in enumerate(items):
            yield from self.block(f"{where}[{index}]", each, schema["block"])

    def waits(self, where: str, body: Mapping[str, Any]) -> Iterator[str]:
        """Yield addresses that a block waits for and that are not there."""
        for address in body.get("depends_on", ()):
            type_, _, label = address.partition(".")
            if label not in self._document["resource"].get(type_, {}):
                yield f"{where} waits for {address}, which is not there"

    def _look_up(self, address: tuple[str | int, ...]) -> Any:
        text = ".".join(map(str, address))
        first, second, *rest = address
        if first == "var":
            declared = self._document.get("variable", {}).get(second)
            if declared is None:
                self.found.append(f"{text} is not declared")
                return _known(text, "string")
            return _known(text, ATTRIBUTES_OF_VARIABLES[declared["type"]])
        kind = "data" if first == "data" else "resource"
        if kind == "data":
            first, second, *rest = address[1:]
        if second not in self._document.get(kind, {}).get(first, {}):
            self.found.append(f"{text} is not there")
            return _known(text, "string")
        block = schemas()[kind][first]
        for step in rest[:-1]:
            if isinstance(step, str) and block is not None:
                block = block["block_types"].get(step, {}).get("block")
        if first == "kubernetes_manifest":
            return _known(text, "string")
        schema = (block or {"attributes": {}})["attributes"].get(rest[-1])
        if schema is None:
            self.found.append(f"{text} is no attribute")
            return _known(text, "string")
        return _known(text, schema["type"])


def fits(value: Any, type_: Any) -> bool:
    """Return whether a value is of a type, or becomes one as Terraform converts it."""
    if type_ == "dynamic":
        return True
    if isinstance(value, Ref):
        return _converts(json.loads(value.attribute), type_)
    if isinstance(type_, str):
        return _is_primitive(value, type_)
    if type_[0] in {"list", "set"}:
        if isinstance(value, list):
            return all(fits(item, type_[1]) for item in value)
        return isinstance(value, Split)
    if type_[0] == "map":
        return isinstance(value, dict) and all(fits(item, type_[1]) for item in value.values())
    return False


def _converts(type_: Any, wanted: Any) -> bool:
    if isinstance(type_, str) or isinstance(wanted, str):
        return isinstance(type_, str) and wanted in {"string", type_}
    return {type_[0], wanted[0]} <= {"list", "set"} and _converts(type_[1], wanted[1])


def _is_primitive(value: Any, type_: str) -> bool:
    if isinstance(value, bool):
        return type_ in {"bool", "string"}
    if isinstance(value, int | float):
        return type_ in {"number", "string"}
    if type_ == "bool":
        return value in {"true", "false"}
    if type_ == "number":
        return isinstance(value, str) and value.lstrip("-").isdigit()
    # What is put together is a text, and so is what a call makes.
    return isinstance(value, str | Call | Concat | Select)
