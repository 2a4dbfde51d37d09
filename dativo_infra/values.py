"""What is known only later: tokens that stand in for values, anywhere inside nested data.

A field of a resource holds plain data, or one of these. Each adapter has one function that turns
a token into its own form (an `Output`, a `Ref` or `Fn::GetAtt`, an interpolation).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

_SECRET = re.compile(
    # Anywhere, also inside a word: CLIENTSECRET, PGPASSWORD, AUTHTOKEN.
    r"SECRET|TOKEN(?!I[SZ])|PASSW|PASSPHRASE|PASSCODE|CREDENTIAL|CONNECTION_?STRING"
    # A word of its own, or the end of one: DBPASS, but no COMPASS.
    r"|(?<!COM)(?<!BY)PASS(_|\d|$)|(^|_)(PWD|JWT)(_|\d|$)|_(PW|PAT)(_?\d|$)|^(PW|PAT)$"
    r"|(API|ACCESS|PRIVATE|SIGNING|ENCRYPTION|MASTER|SSH|AUTH|ACCOUNT|SHARED)_?KEYS?(_|\d|$)"
    # Whatever else is called the key of something.
    r"|_KEYS?(_?\d|$)"
)
_HARMLESS = re.compile(r"_(ARN|NAME|KEY_ID|KEY_ALIAS)S?$")
"""What says where a secret is."""
_OPEN_KEY = re.compile(
    r"(^|_)(KMS|PUBLIC|PRIMARY|FOREIGN|UNIQUE|NATURAL|BUSINESS|SURROGATE|COMPOSITE|ROW|RECORD|INDEX"
    r"|SORT|ORDER|RANGE|PARTITION(ING)?|CLUSTERING|DIST(RIBUTION)?|SHARD|JOIN|MERGE|UPSERT|BY"
    r"|DEDUP(E|LICATION)?|IDEMPOTENCY|INCREMENTAL|CURSOR|LOOKUP|MESSAGE|ROUTING|OBJECT|S3|STATE"
    r"|TAG|LABEL)_KEYS?(?=_?\d*$)"
)
"""Keys that lock nothing: of a table, a message, an object in a bucket; a KMS key stays in KMS."""
_WITH_PASSWORD = re.compile(r"://[^\s/?#@:]*:(?!\d+[/?#])[^\s@]+@")
"""User and password before a host; what follows a port may have an `@` as well."""

ParameterType: TypeAlias = Literal["string", "list", "secret"]


@dataclass(frozen=True, slots=True)
class Ref:
    """An attribute of a resource of the same unit, known once that is deployed."""

    key: str
    attribute: str

    def __str__(self) -> str:
        return f"<{self.key}.{self.attribute}>"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value given at deployment: an unresolved `${NAME}`, or an output of somebody's program."""

    name: str
    type: ParameterType = "string"

    @property
    def secret(self) -> bool:
        """Whether the value must never be shown or written."""
        return self.type == "secret"

    def __str__(self) -> str:
        return f"${{{self.name}}}"


@dataclass(frozen=True, slots=True)
class Pseudo:
    """A fact of the place deployed to, which every AWS tool knows by itself."""

    name: Literal["account_id", "region", "partition"]

    def __str__(self) -> str:
        return f"<{self.name}>"


@dataclass(frozen=True, slots=True)
class Concat:
    """Text put together from parts, of which some are tokens."""

    parts: tuple[Any, ...]

    def __str__(self) -> str:
        return "".join(str(part) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Split:
    """The list that a text gives when cut at a separator."""

    separator: str
    text: Any

    def __str__(self) -> str:
        return f"split({self.text}, {self.separator!r})"


@dataclass(frozen=True, slots=True)
class Select:
    """One element of a list, counted from 0; -1 is the last."""

    items: Any
    index: int

    def __str__(self) -> str:
        return f"{self.items}[{self.index}]"


Token: TypeAlias = Ref | Parameter | Pseudo | Concat | Split | Select
TOKENS = (Ref, Parameter, Pseudo, Concat, Split, Select)

Text: TypeAlias = str | Token
"""Text that may be known only later."""
TextList: TypeAlias = tuple[Text, ...] | Parameter
"""Several texts, or a parameter that is a list."""


def concat(*parts: Any) -> Text:
    """Return the parts as one text: a plain string when all are plain, else a `Concat`."""
    merged: list[Any] = []
    for part in parts:
        for piece in part.parts if isinstance(part, Concat) else (part,):
            if isinstance(piece, str) and merged and isinstance(merged[-1], str):
                merged[-1] += piece
            elif piece != "":
                merged.append(piece)
    if not merged:
        return ""
    return merged[0] if len(merged) == 1 else Concat(tuple(merged))


def tokens(value: Any) -> Iterator[Token]:
    """Yield every token inside nested data, outer ones before what they contain."""
    if isinstance(value, TOKENS):
        yield value
    if isinstance(value, Concat):
        yield from tokens(value.parts)
    elif isinstance(value, Split):
        yield from tokens(value.text)
    elif isinstance(value, Select):
        yield from tokens(value.items)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from tokens(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from tokens(item)


def references(value: Any) -> Iterator[Ref]:
    """Yield every `Ref` inside nested data."""
    return (token for token in tokens(value) if isinstance(token, Ref))


def parameters(value: Any) -> Iterator[Parameter]:
    """Yield every `Parameter` inside nested data."""
    return (token for token in tokens(value) if isinstance(token, Parameter))


def has_secret(value: Any) -> bool:
    """Return whether a secret parameter stands anywhere inside nested data."""
    return any(parameter.secret for parameter in parameters(value))


def is_known(value: Any) -> bool:
    """Return whether nested data is plain: free of tokens."""
    return next(tokens(value), None) is None


def resolve(value: Any, lower: Callable[[Token], Any]) -> Any:
    """Return nested data with every outermost token replaced by what `lower` makes of it.

    Mappings become dicts, lists and tuples become lists. `lower` resolves what is inside a token.
    """
    if isinstance(value, TOKENS):
        return lower(value)
    if isinstance(value, Mapping):
        return {key: resolve(item, lower) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [resolve(item, lower) for item in value]
    return value


def show(value: Any) -> Any:
    """Return nested data for people and JSON, with each token as text."""
    return resolve(value, str)


def looks_secret(name: str) -> bool:
    """Return whether a variable of this name probably holds a secret."""
    upper = re.sub("(?<=[a-z0-9])(?=[A-Z])", "_", name).upper().replace("-", "_")
    return bool(_SECRET.search(_OPEN_KEY.sub("", upper))) and not _HARMLESS.search(upper)


def has_password(text: str) -> bool:
    """Return whether a text is a URL with a password, such as `redis://:hunter2@host`."""
    return _WITH_PASSWORD.search(text) is not None
