"""Reading Terraform's JSON syntax: templates, and the few forms of expressions that are used.

Written from the documentation of the language. What is read is a text, nested data, or tokens; a
call that makes a text of something keeps what it was called with.
Source: https://developer.hashicorp.com/terraform/language/syntax/json,
https://developer.hashicorp.com/terraform/language/expressions
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reading import UnreadableError

from dativo_infra.values import Concat, Select, Split, concat

if TYPE_CHECKING:
    from collections.abc import Callable

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}


@dataclass(frozen=True)
class Call:
    """A function that makes one text of its arguments."""

    name: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True)
class Reversed:
    """A list from its end."""

    items: Any


def read(value: Any, look_up: Callable[[tuple[str | int, ...]], Any]) -> Any:
    """Return nested data of the JSON syntax with all that is evaluated looked up.

    `look_up` gives what an address such as `("var", "stage")` stands for.
    """
    if isinstance(value, str):
        return Template(value, look_up).whole()
    if isinstance(value, dict):
        return {read(key, look_up): read(item, look_up) for key, item in value.items()}
    if isinstance(value, list):
        return [read(item, look_up) for item in value]
    return value


class Template:
    """One string of the JSON syntax, read from left to right."""

    def __init__(self, text: str, look_up: Callable[[tuple[str | int, ...]], Any]) -> None:
        self._text = text
        self._at = 0
        self._look_up = look_up

    def whole(self) -> Any:
        """Return what the string stands for."""
        parts = self._parts(until="")
        if self._at != len(self._text):
            raise self._error("an end")
        return self._joined(parts)

    @staticmethod
    def _joined(parts: list[Any]) -> Any:
        if len(parts) == 1:
            return parts[0]
        if any(isinstance(each, Call | list | dict) for each in parts):
            raise UnreadableError(f"this is no text: {parts}")
        return concat(*parts)

    def _parts(self, until: str) -> list[Any]:
        """Return texts and values up to a quote, or to the end where there is none."""
        parts: list[Any] = []
        text = ""
        while self._at < len(self._text) and not (until and self._next(until)):
            if self._next("$${") or self._next("%%{"):
                text += self._text[self._at + 1 : self._at + 3]
                self._at += 3
            elif self._next("%{"):
                raise self._error("no directive")
            elif self._take("${"):
                parts += [text, self._expression()]
                text = ""
                self._want("}")
            elif until and self._take("\\"):
                text += self._escape()
            else:
                text += self._text[self._at]
                self._at += 1
        return [each for each in (*parts, text) if each != ""] or [""]

    def _escape(self) -> str:
        letter = self._text[self._at]
        self._at += 1
        if letter == "u":
            self._at += 4
            return chr(int(self._text[self._at - 4 : self._at], 16))
        return _ESCAPES[letter]

    def _expression(self) -> Any:
        self._space()
        if self._take('"'):
            value = self._joined(self._parts(until='"'))
            self._want('"')
        elif self._take("["):
            value = self._items("]")
        elif self._take("{"):
            pairs = self._items("}", pair=True)
            value = dict(pairs)
            if len(value) != len(pairs):
                raise self._error("keys that differ")
        elif number := _NUMBER.match(self._text, self._at):
            self._at = number.end()
            value = json.loads(number[0])
        else:
            value = self._named()
        while self._take("["):
            index = self._expression()
            self._want("]")
            value = _selected(value, index)
        self._space()
        return value

    def _named(self) -> Any:
        """Return a constant, a call, or what an address stands for."""
        word = self._word()
        if word in {"true", "false", "null"}:
            return json.loads(word)
        if self._take("("):
            return _called(word, self._items(")"))
        address: list[str | int] = [word]
        while self._next(".") or self._next("["):
            if self._take("."):
                address.append(self._word())
                continue
            # An index may belong to the address, as in `metadata[0].name`, or select of a list.
            number = re.match(r"\[(\d+)\]\.", self._text[self._at :])
            if number is None:
                break
            address.append(int(number[1]))
            self._at += number.end() - 1
        return self._look_up(tuple(address))

    def _items(self, end: str, *, pair: bool = False) -> list[Any]:
        items: list[Any] = []
        self._space()
        while not self._take(end):
            if items:
                self._want(",")
            item = self._expression()
            if pair:
                self._want(":")
                item = (item, self._expression())
            items.append(item)
        return items

    def _word(self) -> str:
        word = _WORD.match(self._text, self._at)
        if word is None:
            raise self._error("a name")
        self._at = word.end()
        return word[0]

    def _next(self, text: str) -> bool:
        return self._text.startswith(text, self._at)

    def _take(self, text: str) -> bool:
        found = self._next(text)
        self._at += len(text) if found else 0
        return found

    def _want(self, text: str) -> None:
        self._space()
        if not self._take(text):
            raise self._error(text)

    def _space(self) -> None:
        while self._next(" "):
            self._at += 1

    def _error(self, wanted: str) -> UnreadableError:
        return UnreadableError(f"{wanted} is wanted at {self._at} of {self._text}")


def _called(name: str, arguments: list[Any]) -> Any:
    match name, arguments:
        case "split", [separator, text]:
            return Split(separator, text)
        case "reverse", [items]:
            return Reversed(items)
        case (("jsonencode" | "base64encode" | "join"), _):
            return Call(name, tuple(arguments))
        case _:
            raise UnreadableError(f"the function {name} is not known here")


def _selected(value: Any, index: Any) -> Any:
    if isinstance(value, Reversed):
        return Select(value.items, -1 - index)
    if isinstance(value, Concat | str):
        raise UnreadableError(f"{value} is no list")
    return Select(value, index)
