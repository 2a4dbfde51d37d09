"""YAML text to plain data, with the place of every key and value.

PyYAML's C parser composes the node tree; the walker here turns it into data. It refuses what the
usual constructor lets pass (duplicate keys, tags that are not plain data) and bounds what a small
file can grow into.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.constructor import SafeConstructor

from dativo_infra.diagnostics import Diagnostic, rules
from dativo_infra.model import Path, Source

MAX_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 64
MAX_NODES = 100_000

_TAG = "tag:yaml.org,2002:"
_MERGE = f"{_TAG}merge"
_TEXT = frozenset({f"{_TAG}str", f"{_TAG}value"})
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
    data = walker.value(root, (), 0) if root is not None else None
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

    def compose(self) -> yaml.Node | None:
        """Return the root of the only document, or None after reporting why there is none."""
        if len(self._text) > MAX_BYTES:
            self._report(rules.TOO_COMPLEX, 0, 0, f"The file is larger than {MAX_BYTES:,} bytes.")
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
            what = " ".join(part for part in (error.context, error.problem) if part)
            self._report(rules.YAML_SYNTAX, *place, f"Not valid YAML: {what}.")
            return None
        except yaml.YAMLError as error:
            what = getattr(error, "reason", "") or "a character that YAML does not allow"
            self._report(rules.YAML_SYNTAX, 0, 0, f"Not valid YAML: {what}.")
            return None
        finally:
            if loader is not None:
                loader.dispose()
        return root

    def value(self, root: yaml.Node, path: Path, depth: int) -> Any:
        """Return the data of the tree; what is refused is reported and left out."""
        try:
            mark = root.start_mark
            self.spans[path] = (mark.line, mark.column, mark.line, mark.column)
            return self._value(root, path, depth)
        except _TooComplexError:
            return None

    def _value(self, node: yaml.Node, path: Path, depth: int) -> Any:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            mark = node.start_mark
            self._report(
                rules.TOO_COMPLEX,
                mark.line,
                mark.column,
                f"The file has more than {MAX_NODES:,} values once its anchors are expanded.",
            )
            raise _TooComplexError
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if depth >= MAX_DEPTH:
            self._too_deep(node.start_mark.line, node.start_mark.column)
            raise _TooComplexError
        if isinstance(node, yaml.SequenceNode):
            if node.tag != f"{_TAG}seq":
                self._refuse_tag(node)
                return None
            keep = self._keeps(path)
            values = []
            for index, item in enumerate(node.value):
                below = (*path, index) if keep else path
                if keep:
                    mark = item.start_mark
                    self.spans[below] = (mark.line, mark.column, mark.line, mark.column)
                values.append(self._value(item, below, depth + 1))
            return values
        if node.tag != f"{_TAG}map":
            self._refuse_tag(node)
            return None
        return self._mapping(node, path, depth)

    def _mapping(self, node: yaml.MappingNode, path: Path, depth: int) -> dict[Any, Any]:
        keep = self._keeps(path)
        data: dict[Any, Any] = {}
        places: dict[Any, Any] = {}
        merged: list[yaml.MappingNode] = []
        for key_node, value_node in node.value:
            mark = key_node.start_mark
            if key_node.tag == _MERGE:
                merged.extend(self._merge_sources(value_node, depth))
                continue
            key = self._key(key_node, text_only=keep)
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
            data[key] = self._entry(key, mark, value_node, path, depth, keep)
        for source in merged:
            for key_node, value_node in self._flat(source, depth):
                key = self._key(key_node, text_only=keep)
                if key is not None and key not in data:
                    data[key] = self._entry(
                        key, key_node.start_mark, value_node, path, depth, keep
                    )
        return data

    def _entry(
        self, key: Any, mark: Any, node: yaml.Node, path: Path, depth: int, keep: bool
    ) -> Any:
        below = (*path, key) if keep else path
        if keep:
            start = node.start_mark
            self.spans[below] = (mark.line, mark.column, start.line, start.column)
        return self._value(node, below, depth + 1)

    def _flat(
        self, node: yaml.MappingNode, depth: int
    ) -> Iterator[tuple[yaml.Node, yaml.Node]]:
        """Yield the pairs of a merged mapping, its own before those that it merges itself."""
        if depth >= MAX_DEPTH:
            self._too_deep(node.start_mark.line, node.start_mark.column)
            raise _TooComplexError
        for key_node, value_node in node.value:
            if key_node.tag != _MERGE:
                yield key_node, value_node
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                for source in self._merge_sources(value_node, depth):
                    yield from self._flat(source, depth + 1)

    def _merge_sources(self, node: yaml.Node, depth: int) -> list[yaml.MappingNode]:
        sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
        self._nodes += len(sources)
        if self._nodes > MAX_NODES or depth >= MAX_DEPTH:
            self._too_deep(node.start_mark.line, node.start_mark.column)
            raise _TooComplexError
        if all(isinstance(source, yaml.MappingNode) for source in sources):
            return sources
        mark = node.start_mark
        self._report(
            rules.YAML_SYNTAX, mark.line, mark.column, "`<<` merges a mapping or a list of them."
        )
        return []

    def _key(self, node: yaml.Node, *, text_only: bool) -> Hashable:
        if isinstance(node, yaml.ScalarNode) and node.tag in _TEXT:
            return node.value
        if isinstance(node, yaml.ScalarNode) and not text_only:
            return self._scalar(node)
        mark = node.start_mark
        name = f"`{node.value}`" if isinstance(node, yaml.ScalarNode) else "This key"
        self._report(rules.KEY_NOT_TEXT, mark.line, mark.column, f"{name} is not text.")
        return None

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        if node.tag in _TEXT:
            return node.value
        construct = _SCALARS.get(node.tag)
        if construct is None:
            self._refuse_tag(node)
            return None
        try:
            return construct(node)
        except (ValueError, OverflowError, AttributeError, KeyError):
            mark = node.start_mark
            kind = node.tag.removeprefix(_TAG)
            self._report(
                rules.BAD_SCALAR, mark.line, mark.column, f"The value is no {kind}, as it looks."
            )
            return None

    def _keeps(self, path: Path) -> bool:
        return self._within is None or not path or path[0] == self._within

    def _refuse_tag(self, node: yaml.Node) -> None:
        mark = node.start_mark
        tag = node.tag.replace(_TAG, "!!")
        self._report(
            rules.YAML_TAG, mark.line, mark.column, f"The tag `{tag}` is not plain data."
        )

    def _too_deep(self, line: int, column: int) -> None:
        self._report(
            rules.TOO_COMPLEX, line, column, f"Nested more than {MAX_DEPTH} levels deep."
        )

    def _report(
        self, rule: Any, line: int, column: int, message: str = ""
    ) -> None:
        self.diagnostics.append(rule.at(self._source.at(line, column), message))


_MAY_BE_DEEP = re.compile(rf"^[ \t]{{1000}}|^[ \t]*(?:[-?:][ \t]+){{{MAX_DEPTH}}}", re.MULTILINE)
_MANY_BRACKETS = 1_000


def _first_too_deep(text: str) -> yaml.Mark | None:
    """Return where the nesting first passes `MAX_DEPTH`, in a text that may be so deep as to harm.

    `compose` recurses in C, so what could exhaust its stack is first read as a flat list of events.
    """
    brackets = text.count("[") + text.count("{")
    if brackets <= _MANY_BRACKETS and not _MAY_BE_DEEP.search(text):
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
