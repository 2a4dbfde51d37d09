"""`${NAME}`, `${NAME:-default}` and `$$` in the infrastructure block.

Nothing is evaluated: a name is looked up, or it stays a parameter. A name that looks like a secret
is never looked up, whatever the environment holds, and a URL with a password is not filled in, so
that neither reaches a file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dativo_infra.diagnostics import Diagnostic, Location, rules
from dativo_infra.loading import files
from dativo_infra.model import Path, Substituted
from dativo_infra.values import TOKENS, Parameter, concat, has_password, looks_secret, parameters

if TYPE_CHECKING:
    from pathlib import Path as FilePath

_PATTERN = re.compile(
    r"\$(?:(?P<dollar>\$)"
    r"|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^${}]*))?\}"
    r"|(?P<bad>\{))"
)
_ENV_LINE = re.compile(
    r"\s*(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*=\s*"
    # As in a shell, a comment begins after white space: `p#w` is a value.
    r"(?:'(?P<single>[^']*)'|\"(?P<double>[^\"]*)\"|(?P<bare>(?:[^'\"\s#](?:.*?\S)??)?))"
    r"(?:\s+#.*|\s*)"
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
    return Parameter(name, "secret") if has_password(value) else value


def substitute_all(
    data: Any, lookup: Mapping[str, str]
) -> tuple[Any, list[Path], list[tuple[Path, Parameter]]]:
    """Return nested data with all its texts substituted; keys stay as they are.

    With it come the paths of texts that cannot be understood, and the parameters that are left.
    """
    bad: list[Path] = []
    left: list[tuple[Path, Parameter]] = []

    def walk(value: Any, path: Path) -> Any:
        if isinstance(value, str):
            if "$" not in value:
                return value
            try:
                value = substitute(value, lookup)
            except BadSubstitutionError:
                bad.append(path)
                return value
        if isinstance(value, TOKENS):
            left.extend((path, parameter) for parameter in parameters(value))
        elif isinstance(value, Mapping):
            return {key: walk(item, (*path, key)) for key, item in value.items()}
        elif isinstance(value, list | tuple):
            return [walk(item, (*path, index)) for index, item in enumerate(value)]
        return value

    return walk(data, ()), bad, left


def read_env_file(file: FilePath) -> tuple[dict[str, str], tuple[Diagnostic, ...]]:
    """Return the variables of an environment file, and what is wrong with it.

    Lines are `NAME=value`, optionally with `export` before and quotes around the value.
    """
    text = files.read(str(file))
    if isinstance(text, Diagnostic):
        return {}, (text,)
    found: dict[str, str] = {}
    diagnostics: list[Diagnostic] = []
    for number, line in enumerate(re.split("\r\n|\r|\n", text), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _ENV_LINE.fullmatch(line)
        if match is None:
            # The line may hold a secret, so it is not shown.
            diagnostics.append(rules.BAD_ENV_LINE.at(Location(str(file), number)))
            continue
        values = (match["single"], match["double"], match["bare"])
        found[match["name"]] = next((value for value in values if value is not None), "")
    return found, tuple(diagnostics)
