"""YAML text to plain data, with the place of every key and value.

PyYAML's C parser composes the node tree; the walker here turns it into data. It refuses what the
usual constructor lets pass (duplicate keys, tags that are not plain data) and bounds what a small
file can grow into.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml
from yaml.constructor import SafeConstructor
from yaml.reader import Reader

from dativo_infra.diagnostics import Diagnostic, rules
from dativo_infra.model import Path, Source, lines_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from dativo_infra.diagnostics import Rule

MAX_SIZE = 4 * 1024 * 1024
"""Most bytes of a file, and most characters of its long texts once anchors are expanded."""
MAX_DEPTH = 64
MAX_NODES = 100_000
"""Most items and pairs, once anchors are expanded."""
MAX_NUMBER = 1_000
"""Most characters of what is no text: Python takes quadratic time for some numbers."""
MAX_DIRECTIVES = 16
"""Most `%TAG` lines: the parser compares each with all before."""

_TAG = "tag:yaml.org,2002:"
_MERGE = f"{_TAG}merge"
_SEQUENCE = f"{_TAG}seq"
_MAPPING = f"{_TAG}map"
_TEXT = frozenset({f"{_TAG}str", f"{_TAG}value"})
_LONG = 64
_constructor = SafeConstructor()
_SCALARS = {
    f"{_TAG}null": lambda _: None,
    f"{_TAG}bool": _constructor.construct_yaml_bool,
    f"{_TAG}int": _constructor.construct_yaml_int,
    f"{_TAG}float": _constructor.construct_yaml_float,
    f"{_TAG}timestamp": _constructor.construct_yaml_timestamp,
}
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Parsed:
    """A document's data, and where it stands; `data` is None where there are errors."""

    data: Any
    source: Source
    diagnostics: tuple[Diagnostic, ...]


def parse(text: str, file: str, *, within: str | None = None) -> Parsed:
    """Parse one YAML document.

    Places are kept for the top level and below the key `within`; below all keys where that is
    None. Never raises: whatever is wrong with the text is in the diagnostics.
    """
    walker = _Walker(file, text, within)
    root = walker.compose()
    data = walker.value(root) if root is not None else None
    diagnostics = tuple(walker.diagnostics)
    return Parsed(None if diagnostics else data, Source(file, text, walker.spans), diagnostics)


class _TooComplexError(Exception):
    pass


class _Walker:
    def __init__(self, file: str, text: str, within: str | None) -> None:
        self.spans: dict[Path, tuple[int, int, int, int]] = {}
        self.diagnostics: list[Diagnostic] = []
        self._text = text
        self._source = Source(file, text, self.spans)
        self._within = within
        self._nodes = 0
        self._size = 0

    def compose(self) -> yaml.Node | None:
        """Return the root of the only document, or None after reporting why there is none."""
        if len(self._text) > MAX_SIZE:
            self._report(rules.TOO_COMPLEX, 0, 0, f"The file is larger than {MAX_SIZE:,} bytes.")
            return None
        if self._text.count("%TAG") > MAX_DIRECTIVES:
            what = f"The file has more than {MAX_DIRECTIVES} `%TAG` directives."
            self._report(rules.TOO_COMPLEX, 0, 0, what)
            return None
        loader = None
        try:
            if too_deep := _first_too_deep(self._text):
                self._too_deep(too_deep.line, too_deep.column)
                return None
            loader = _Loader(self._text)
            root = loader.get_node() if loader.check_node() else None
            if root is None:
                self._report(rules.EMPTY_FILE, 0, 0)
            elif loader.check_node():
                mark = loader.get_node().start_mark
                self._report(rules.SEVERAL_DOCUMENTS, mark.line, mark.column)
                root = None
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            place = (mark.line, mark.column) if mark else (0, 0)
            if error.problem == _PARSERS_LIMIT:
                self._too_deep(*place)
                return None
            what = " ".join(part for part in (error.context, error.problem) if part)
            lines = lines_of(self._text)
            tabs = place[0] < len(lines) and lines[place[0]].startswith("\t")
            remedy = "Indent with spaces: YAML allows no tabs there." if tabs else ""
            self._report(rules.YAML_SYNTAX, *place, f"Not valid YAML: {what}.", remedy)
            return None
        except (yaml.YAMLError, UnicodeError):
            self._not_printable()
            return None
        finally:
            if loader is not None:
                loader.dispose()
        return root

    def _not_printable(self) -> None:
        bad = Reader.NON_PRINTABLE.search(self._text)
        before = lines_of(self._text[: bad.start()] + "|") if bad else ["|"]
        name = f"U+{ord(bad[0]):04X}" if bad else "there"
        what = f"Not valid YAML: the character {name} is not allowed."
        self._report(rules.YAML_SYNTAX, len(before) - 1, len(before[-1]) - 1, what)

    def value(self, root: yaml.Node) -> Any:
        """Return the data of the tree; what is refused is reported and left out."""
        mark = root.start_mark
        self.spans[()] = (mark.line, mark.column, mark.line, mark.column)
        try:
            return self._value(root, (), 0)
        except _TooComplexError:
            return None

    def _value(self, node: yaml.Node, path: Path | None, depth: int) -> Any:
        """Return the data of a node; `path` is None where places are not kept."""
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        self._count(node)
        self._check_depth(node, depth)
        if isinstance(node, yaml.SequenceNode):
            if node.tag != _SEQUENCE:
                self._refuse_tag(node)
                return None
            return [
                self._entry(index, item, item, path, depth) for index, item in enumerate(node.value)
            ]
        if node.tag != _MAPPING:
            self._refuse_tag(node)
            return None
        return self._mapping(node, path, depth)

    def _count(self, node: yaml.Node) -> None:
        """Count what a node holds each time it is read: aliases make a file larger than it is."""
        if isinstance(node, yaml.ScalarNode):
            self._size += len(node.value)
        else:
            self._nodes += len(node.value)
        what = ""
        if self._nodes > MAX_NODES:
            what = f"The file has more than {MAX_NODES:,} values once its anchors are expanded."
        elif self._size > MAX_SIZE:
            what = f"Long texts grow to more than {MAX_SIZE:,} characters by anchors."
        if what:
            self._report(rules.TOO_COMPLEX, node.start_mark.line, node.start_mark.column, what)
            raise _TooComplexError

    def _check_depth(self, node: yaml.Node, depth: int) -> None:
        if depth >= MAX_DEPTH:
            self._too_deep(node.start_mark.line, node.start_mark.column)
            raise _TooComplexError

    def _mapping(self, node: yaml.Node, path: Path | None, depth: int) -> dict[Any, Any]:
        data: dict[Any, Any] = {}
        places: dict[Any, Any] = {}
        merged: list[Any] = []
        for key_node, value_node in node.value:
            mark = key_node.start_mark
            merges = key_node.tag == _MERGE
            key = "<<" if merges else self._key(key_node, text_only=path is not None)
            if key is None:
                continue
            if key in places:
                first = self._source.at(places[key].line, places[key].column)
                self.diagnostics.append(
                    rules.DUPLICATE_KEY.at(
                        self._source.at(mark.line, mark.column),
                        f"The key `{key}` is written twice in one mapping.",
                        related=[(first, "the first one")],
                    )
                )
                continue
            places[key] = mark
            if merges:
                merged = self._merge_sources(value_node)
            else:
                data[key] = self._entry(key, key_node, value_node, path, depth)
        for source in merged:
            for key_node, value_node in self._flat(source, depth):
                key = self._key(key_node, text_only=path is not None)
                if key is not None and key not in data:
                    data[key] = self._entry(key, key_node, value_node, path, depth)
        return data

    def _entry(
        self, key: Any, key_node: yaml.Node, node: yaml.Node, path: Path | None, depth: int
    ) -> Any:
        below = None
        if path is not None:
            below = (*path, key)
            mark, start = key_node.start_mark, node.start_mark
            self.spans[below] = (mark.line, mark.column, start.line, start.column)
            if self._within is not None and below[0] != self._within:
                below = None
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        return self._value(node, below, depth + 1)

    def _flat(self, node: yaml.MappingNode, depth: int) -> Iterator[tuple[yaml.Node, yaml.Node]]:
        """Yield the pairs of a merged mapping, its own before those that it merges itself."""
        self._count(node)
        self._check_depth(node, depth)
        for key_node, value_node in node.value:
            if key_node.tag != _MERGE:
                yield key_node, value_node
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                for source in self._merge_sources(value_node):
                    yield from self._flat(source, depth + 1)

    def _merge_sources(self, node: yaml.Node) -> list[Any]:
        self._count(node)
        sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
        if all(isinstance(each, yaml.MappingNode) and each.tag == _MAPPING for each in sources):
            return sources
        mark = node.start_mark
        self._report(
            rules.YAML_SYNTAX, mark.line, mark.column, "`<<` merges a mapping or a list of them."
        )
        return []

    def _key(self, node: yaml.Node, *, text_only: bool) -> Hashable:
        if isinstance(node, yaml.ScalarNode) and (node.tag in _TEXT or not text_only):
            return self._scalar(node)
        mark = node.start_mark
        name = f"`{node.value}`" if isinstance(node, yaml.ScalarNode) else "This key"
        self._report(rules.KEY_NOT_TEXT, mark.line, mark.column, f"{name} is not text.")
        return None

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        if len(node.value) > _LONG:
            self._count(node)
        if node.tag in _TEXT:
            return node.value
        construct = _SCALARS.get(node.tag)
        if construct is None:
            self._refuse_tag(node)
            return None
        try:
            if len(node.value) > MAX_NUMBER:
                raise ValueError  # noqa: TRY301 - as the constructor says it of other values
            return construct(node)
        except (ValueError, OverflowError, AttributeError, LookupError):
            mark = node.start_mark
            kind = node.tag.removeprefix(_TAG)
            self._report(
                rules.BAD_SCALAR, mark.line, mark.column, f"The value is no {kind}, as it looks."
            )
            return None

    def _refuse_tag(self, node: yaml.Node) -> None:
        mark = node.start_mark
        tag = node.tag.replace(_TAG, "!!")
        self._report(rules.YAML_TAG, mark.line, mark.column, f"The tag `{tag}` is not plain data.")

    def _too_deep(self, line: int, column: int) -> None:
        self._report(rules.TOO_COMPLEX, line, column, f"Nested more than {MAX_DEPTH} levels deep.")

    def _report(
        self, rule: Rule, line: int, column: int, message: str = "", remedy: str = ""
    ) -> None:
        place = self._source.at(line, column)
        self.diagnostics.append(rule.at(place, message, remedy=remedy))


_PARSERS_LIMIT = "exceeded maximum nesting depth"
"""What the parser of PyYAML 6.0.4 and newer says at its own limit, before it gives any event."""
_MANY = 256
_INDICATORS = re.compile(rf"(?:[-?:][ \t]+){{{MAX_DEPTH}}}")


def _first_too_deep(text: str) -> yaml.Mark | None:
    """Return where the nesting first passes `MAX_DEPTH`, in a text that may be so deep as to harm.

    `compose` recurses in C, so what could exhaust its stack is first read as a flat list of events.
    """
    may_be_deep = (
        text.count("[") + text.count("{") > _MANY
        or " " * _MANY in text
        or (max(map(len, lines_of(text)), default=0) > 2 * MAX_DEPTH and _INDICATORS.search(text))
    )
    if not may_be_deep:
        return None
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                return event.start_mark
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return None
