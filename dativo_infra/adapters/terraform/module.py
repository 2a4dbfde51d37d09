"""Learning which variables and outputs a module has, from its configuration."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dativo_infra.diagnostics.rules import MODULE_UNREADABLE
from dativo_infra.platforms.terraform import (
    Address,
    ModuleInterface,
    ModuleVariable,
    SourceKind,
    address_of,
)
from dativo_infra.platforms.terraform.interface import IDENTIFIER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from dativo_infra.diagnostics import Diagnostic
    from dativo_infra.model import Job


class UnreadableError(Exception):
    """A module cannot be read; the text says why."""


def learn(
    jobs: Iterable[Job],
    fetch: Callable[[Iterable[Address]], Mapping[Address, Path | str]] | None = None,
) -> tuple[dict[Address, ModuleInterface], list[Diagnostic]]:
    """Return the modules of jobs that can be read, and why others cannot.

    Each is read once, whatever the number of its jobs.

    Args:
        jobs: The jobs that have a `module_source`; others are passed over.
        fetch: Gets modules that are on no path of this machine: for each its folder, or why it
            cannot be had. Without it these are not read.
    """
    users: dict[Address, Job] = {}
    for job in jobs:
        if address := address_of(job):
            users.setdefault(address, job)
    folders: dict[Address, Path | str] = {
        each: Path(each.source) for each in users if each.kind is SourceKind.LOCAL
    }
    if fetch and (elsewhere := [each for each in users if each not in folders]):
        folders.update(fetch(elsewhere))
    found: dict[Address, ModuleInterface] = {}
    problems: list[Diagnostic] = []
    for address, folder in folders.items():
        try:
            found[address] = read(folder)
        except UnreadableError as error:
            place = users[address].locate("terraform.module_source")
            problems.append(MODULE_UNREADABLE.at(place, f"`{address.source}`: {error}."))
    return found, problems


def read(folder: Path | str) -> ModuleInterface:
    """Return the variables and outputs of the module in a folder; a text says why there is none.

    Raises:
        UnreadableError: there is none, or a file of it cannot be parsed.
    """
    if isinstance(folder, str):
        raise UnreadableError(folder)
    variables: dict[str, ModuleVariable] = {}
    outputs: dict[str, bool] = {}
    for document in _documents(folder):
        for name, body in _blocks(document, "variable"):
            variables[name] = ModuleVariable(
                name=name, type=_type(body.get("type", "any")), required="default" not in body
            )
        for name, body in _blocks(document, "output"):
            outputs[name] = body.get("sensitive") is True
    return ModuleInterface(variables=variables, outputs=outputs)


def _documents(folder: Path) -> Iterator[Mapping[str, Any]]:
    """Yield the files of a module as data; those that override others come last.

    Source: https://developer.hashicorp.com/terraform/language/files/override
    """
    try:
        files = [each for each in folder.iterdir() if each.name.endswith((".tf", ".tf.json"))]
    except OSError as error:
        raise UnreadableError(f"{error.strerror}".lower()) from error
    files = [each for each in files if not each.name.startswith(".")]
    if not files:
        raise UnreadableError("the folder has no configuration of Terraform")
    for file in sorted(files, key=lambda each: (_overrides(each), each.name)):
        yield _parsed(file)


def _overrides(file: Path) -> bool:
    stem = file.name.removesuffix(".json").removesuffix(".tf")
    return stem == "override" or stem.endswith("_override")


def _parsed(file: Path) -> Mapping[str, Any]:
    import hcl2  # noqa: PLC0415 - needs a second to load
    from hcl2.utils import SerializationOptions  # noqa: PLC0415 - likewise
    from lark.exceptions import LarkError  # noqa: PLC0415 - likewise

    options = SerializationOptions(
        strip_string_quotes=True, explicit_blocks=False, with_comments=False
    )
    try:
        text = file.read_text(encoding="utf-8-sig")
        if file.name.endswith(".json"):
            document = json.loads(text)
        else:
            document = hcl2.loads(text, serialization_options=options)
    except OSError as error:
        raise UnreadableError(f"{file.name}: {error.strerror}") from error
    except (LarkError, ValueError) as error:
        raise UnreadableError(f"{file.name} cannot be parsed") from error
    if not isinstance(document, dict):
        raise UnreadableError(f"{file.name} is no configuration")
    return document


def _blocks(document: Mapping[str, Any], kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the blocks of a kind by name; JSON may have them in a list, or in one mapping."""
    listed = document.get(kind, [])
    for group in listed if isinstance(listed, list) else [listed]:
        for name, body in group.items() if isinstance(group, dict) else ():
            if IDENTIFIER.fullmatch(name):
                # A block in JSON may be a list of one.
                yield name, body[0] if isinstance(body, list) else body


def _type(text: Any) -> str:
    """Return a type as it is written; the parser shows a call as `${map(any)}`."""
    written = str(text)
    return written[2:-1] if written.startswith("${") else written
