"""`${NAME}`, `${NAME:-default}` and `$$` in the infrastructure block.

Nothing is evaluated: a name is looked up, or it stays a parameter. A name that looks like a secret
is never looked up, whatever the environment holds, so its value reaches no file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path as FilePath
from typing import Any

from dativo_infra.diagnostics import Diagnostic, Location, rules
from dativo_infra.model import Substituted
from dativo_infra.values import Parameter, concat, looks_secret

_PATTERN = re.compile(
    r"\$(?:(?P<dollar>\$)"
    r"|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^${}]*))?\}"
    r"|(?P<bad>\{))"
)
_ENV_LINE = re.compile(
    r"^\s*(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*=\s*"
    r"(?:'(?P<single>[^']*)'|\"(?P<double>[^\"]*)\"|(?P<bare>[^'\"\s#][^#]*?)?)\s*(?:#.*)?$"
)


class BadSubstitutionError(ValueError):
    """Raised for a `${` that opens nothing that can be understood."""


def substitute(text: str, lookup: Mapping[str, str]) -> Any:
    """Return a text with its variables filled in.

    The result is text, or a token where a variable has no value or is a secret.

    Raises:
        BadSubstitutionError: the text has a `${` that is no variable.
    """
    parts: list[Any] = []
    end = 0
    for match in _PATTERN.finditer(text):
        parts.append(text[end : match.start()])
        end = match.end()
        if match["bad"]:
            raise BadSubstitutionError(text[match.start() :])
        parts.append("$" if match["dollar"] else _value_of(match, lookup))
    parts.append(text[end:])
    whole = concat(*parts)
    return Substituted(whole) if isinstance(whole, str) else whole


def _value_of(match: re.Match[str], lookup: Mapping[str, str]) -> Any:
    name, default = match["name"], match["default"]
    if looks_secret(name):
        return Parameter(name, "secret")
    value = lookup.get(name)
    if value is None or (value == "" and default is not None):
        return Parameter(name) if default is None else default
    return value


def substitute_all(
    data: Any, lookup: Mapping[str, str], report: Callable[[tuple[str | int, ...]], None]
) -> Any:
    """Return nested data with all its texts substituted; keys stay as they are.

    `report` is called with the path of each text that cannot be understood.
    """

    def walk(value: Any, path: tuple[str | int, ...]) -> Any:
        if isinstance(value, str):
            if "$" not in value:
                return value
            try:
                return substitute(value, lookup)
            except BadSubstitutionError:
                report(path)
                return value
        if isinstance(value, dict):
            return {key: walk(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [walk(item, (*path, index)) for index, item in enumerate(value)]
        return value

    return walk(data, ())


def read_env_file(file: FilePath) -> tuple[dict[str, str], tuple[Diagnostic, ...]]:
    """Return the variables of an environment file, and what is wrong with it.

    Lines are `NAME=value`, optionally with `export` before and quotes around the value.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        what = f"The environment file cannot be read: {error.strerror}."
        return {}, (rules.UNREADABLE.at(Location(str(file)), what),)
    except UnicodeDecodeError:
        return {}, (rules.NOT_UTF8.at(Location(str(file))),)
    found: dict[str, str] = {}
    diagnostics: list[Diagnostic] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _ENV_LINE.match(line)
        if match is None:
            # The line may hold a secret, so it is not shown.
            diagnostics.append(rules.BAD_ENV_LINE.at(Location(str(file), number)))
            continue
        values = (match["single"], match["double"], match["bare"])
        found[match["name"]] = next((value for value in values if value is not None), "")
    return found, tuple(diagnostics)
