"""YAML with places, and the bounds that protect from harmful files."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
import yaml

from dativo_infra.loading.yaml import MAX_DEPTH, MAX_NUMBER, MAX_SIZE, parse

if TYPE_CHECKING:
    from dativo_infra.loading.yaml import Parsed


def told(parsed: Parsed) -> list[tuple[str, int, int]]:
    """Return the code, line and column of each diagnostic."""
    places = ((each.code, each.location) for each in parsed.diagnostics)
    return [(code, place.line, place.column) for code, place in places if place]


def test_keys_and_values_have_places():
    """Lines and columns count from 1, and are those of the key and of the value."""
    source = parse("a:\n  bcd: efg\n  list: [x, y]\n", "f").source
    assert str(source.locate(("a",), key=True)) == "f:1:1"
    assert str(source.locate(("a", "bcd"), key=True)) == "f:2:3"
    assert str(source.locate(("a", "bcd"))) == "f:2:8"
    assert str(source.locate(("a", "list", 1))) == "f:3:13"


def test_place_of_what_is_missing():
    """What is not in the file has the place of the key above it."""
    source = parse("a:\n  b:\n    c: 1\n", "f").source
    assert str(source.locate(("a", "b", "x", "y"))) == "f:2:3"
    assert str(source.locate(("x",))) == "f:1:1"


def test_places_below_one_key_only():
    """With `within`, places are kept at the top and below that key."""
    spans = parse("a: {b: 1}\nc: {d: 1}\n", "f", within="a").source.spans
    assert set(spans) == {(), ("a",), ("a", "b"), ("c",)}


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r", "\x85", "\u2028", "\u2029"])
def test_line_breaks(line_break: str):
    """Every line break of YAML counts, and the line shown is the one meant."""
    parsed = parse(line_break.join(["a: 1", "b: 2", "a: 3"]), "f")
    assert told(parsed) == [("DI104", 3, 1)]
    location = parsed.diagnostics[0].location
    assert location is not None
    assert location.text == "a: 3"


def test_duplicate_key_names_both_places():
    """A key written twice is an error at the second place, and points to the first."""
    parsed = parse("a:\n  b: 1\n  c: 2\n  b: 3\n", "f")
    (diagnostic,) = parsed.diagnostics
    assert parsed.data is None
    assert str(diagnostic.location) == "f:4:3"
    assert [str(place) for place, _ in diagnostic.related] == ["f:2:3"]


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("a: &x {k: 1}\nb: *x", {"a": {"k": 1}, "b": {"k": 1}}),
        ("a: &x {k: 1, l: 1}\nb: {<<: *x, k: 2}", {"a": {"k": 1, "l": 1}, "b": {"k": 2, "l": 1}}),
        ("a: &x {k: 1, l: 1}\nb: {k: 2, <<: *x}", {"a": {"k": 1, "l": 1}, "b": {"k": 2, "l": 1}}),
        (
            "a: &x {k: 1}\nb: &y {<<: *x, l: 2}\nc: {<<: *y}",
            {"a": {"k": 1}, "b": {"k": 1, "l": 2}, "c": {"k": 1, "l": 2}},
        ),
        (
            "a: &x {k: 1}\nb: &y {k: 2, l: 2}\nc: {<<: [*x, *y]}",
            {"a": {"k": 1}, "b": {"k": 2, "l": 2}, "c": {"k": 1, "l": 2}},
        ),
    ],
)
def test_anchors_and_merge_keys(text: str, data: object):
    """Aliases repeat, `<<` merges, and what is written out wins, as in PyYAML."""
    assert parse(text, "f").data == data == yaml.safe_load(text)


@pytest.mark.parametrize(
    "text",
    [
        "a: &x {k: 1}\nb: {<<: *x, <<: *x}",
        "a: {<<: 1}",
        "a: {<<: [1]}",
        'a: {<<: !!map "x"}',
        'a: {<<: !!seq "x"}',
        "a: {<<: !foo {b: 1}}",
        "a: {<<: !!python/object:os.system {b: 1}}",
    ],
)
def test_bad_merges(text: str):
    """`<<` is written once, and merges plain mappings only."""
    assert parse(text, "f").diagnostics


@pytest.mark.parametrize(
    "tagged",
    [
        "!!python/object/apply:os.system ['touch hacked']",
        "!!python/name:os.system",
        "!!python/object/new:os.system [touch hacked]",
        "!foo bar",
        "!foo {a: b}",
        "!foo [a]",
        "!!binary aGk=",
        "!!set {a, b}",
        "!!omap [a: 1]",
        "!<tag:example.com,2000:x> y",
    ],
)
def test_tags_are_refused(tagged: str, tmp_path, monkeypatch: pytest.MonkeyPatch):
    """A tag that is not plain data is an error at its place, and nothing is run."""
    monkeypatch.chdir(tmp_path)
    parsed = parse(f"a: 1\nb: {tagged}\n", "f")
    assert parsed.data is None
    assert told(parsed) == [("DI105", 2, 4)]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "DI108"),
        ("# only\n# comments\n", "DI108"),
        ("---\n", None),
        ("a: 1\n---\nb: 2\n", "DI107"),
        ("a: [1\n", "DI103"),
        ("a: *nothing\n", "DI103"),
        ("\tb: 1\n", "DI103"),
        ("a: \x01\n", "DI103"),
        ("a: \ud800\n", "DI103"),
        ("1: a\n", "DI111"),
        ("on: a\n", "DI111"),
        ("[a]: b\n", "DI111"),
        ("a: 2024-13-01\n", "DI112"),
        ('a: !!int ""\n', "DI112"),
        ('a: !!int "x"\n', "DI112"),
        ('a: !!float ""\n', "DI112"),
        ('a: !!bool "x"\n', "DI112"),
        ('a: !!timestamp "x"\n', "DI112"),
        ("a: " + "9" * (MAX_NUMBER + 1), "DI112"),
        ("a: 0x" + "f" * MAX_NUMBER, "DI112"),
        ("a: " + "x" * MAX_SIZE, "DI106"),
    ],
)
def test_what_is_wrong(text: str, code: str | None):
    """Whatever is wrong with a text is one diagnostic, and never an exception."""
    assert [each.code for each in parse(text, "f").diagnostics] == ([code] if code else [])


def test_place_of_a_control_character():
    """A character that YAML does not allow is reported where it stands."""
    assert told(parse("a: 1\r\nb: xx\x07\n", "f")) == [("DI103", 2, 6)]


def test_several_mistakes_of_one_file():
    """Mistakes that do not stop the parser are all reported."""
    parsed = parse("a: 1\na: 2\nb: !foo x\nc: 2024-99-99\n1: x\n", "f")
    assert [code for code, _, _ in told(parsed)] == ["DI104", "DI105", "DI112", "DI111"]


def nested(opening: str, closing: str = "") -> str:
    """Return a text nested one level deeper than is allowed."""
    return opening * (MAX_DEPTH + 1) + "a" + closing * (MAX_DEPTH + 1)


def block_nested(levels: int) -> str:
    """Return mappings nested by indentation."""
    return "".join(f"{' ' * level}k:\n" for level in range(levels))


@pytest.mark.parametrize(
    "text",
    [
        nested("[", "]"),
        nested("{a: ", "}"),
        nested("- "),
        nested("? "),
        block_nested(MAX_DEPTH + 1),
        "[" * 200_000,
        "- " * 200_000,
        "? " * 200_000,
        "# comment\r" + "- " * 200_000,
        "# comment\x85" + "- " * 200_000,
        "x: 1\n---\n" + "[" * 200_000,
        "a: &a [*a]",
        "a: &a [*a, *a]",
        "a: &a {<<: *a}",
        "a: &a {<<: [*a, *a]}",
        "".join(f"a{n}: &a{n} {{<<: *a{n - 1}}}\n" if n else "a0: &a0 {}\n" for n in range(99)),
    ],
    ids=lambda text: repr(text[:12]),
)
def test_deep_nesting_is_refused(text: str):
    """Nesting in whatever form is refused, and exhausts no stack."""
    parsed = parse(text, "f")
    assert parsed.data is None
    assert [each.code for each in parsed.diagnostics] == ["DI106"]


@pytest.mark.parametrize(
    "text",
    [
        'a: "' + "[{" * 5_000 + '"',
        "# " + "[" * 5_000 + "\na: 1",
        "a: [" + "[], " * 5_000 + "]",
        "a: |\n" + " " * 500 + "text",
        "a: '" + "- " * 500 + "'",
        "[" * MAX_DEPTH + "]" * MAX_DEPTH,
    ],
    ids=lambda text: repr(text[:12]),
)
def test_what_only_looks_deep_is_read(text: str):
    """Brackets in quotes and comments, and many shallow lists, are no nesting."""
    assert not parse(text, "f").diagnostics


def bomb(levels: int) -> str:
    """Return a text that each level of aliases makes ten times larger."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for level in range(1, levels):
        items = ", ".join([f"*a{level - 1}"] * 10)
        lines.append(f"a{level}: &a{level} [{items}]")
    return "\n".join(lines)


@pytest.mark.parametrize(
    "text",
    [
        bomb(9),
        f"a: &a {'x' * 100_000}\nb: [{'*a, ' * 1_000}]",
        f"a: &a {{{', '.join(f'k{n}: 1' for n in range(1_000))}}}\nb: {{<<: [{'*a, ' * 1_000}]}}",
        f"a: &a {{b: {{{', '.join(f'k{n}: 1' for n in range(1_000))}}}}}\nc: [{'*a, ' * 1_000}]",
        "".join(f"%TAG !t{n}! x\n" for n in range(10_000)) + "--- a\n",
    ],
    ids=["aliases", "long text", "merges", "mappings", "directives"],
)
def test_what_grows_is_refused(text: str):
    """What anchors expand to, and what takes the parser quadratic time, is bounded."""
    assert [each.code for each in parse(text, "f").diagnostics] == ["DI106"]


@pytest.mark.parametrize(
    "number", ["1" + ":1" * 200_000, "1" + ":1" * 200_000 + ".5", "1_" * 10**6]
)
def test_numbers_that_take_quadratic_time_are_refused(number: str):
    """A number of more characters than any number has is refused before it is computed."""
    assert [each.code for each in parse(f"a: {number}", "f").diagnostics] == ["DI112"]


SHAPES = {
    "mappings": lambda n: "".join(f"key{i}: {{a: 1, b: [x, y]}}\n" for i in range(n)),
    "lists": lambda n: "a:\n" + "- {b: c}\n" * n,
    "flow": lambda n: "a: [" + "{b: c}, " * n + "]\n",
    "text": lambda n: "a: " + "x y " * n + "\n",
    "comments": lambda n: "# a: b\n" * n + "a: b\n",
    "anchors": lambda n: "".join(f"k{i}: &a{i} {{b: {i}}}\n" for i in range(n)),
    "aliases": lambda n: "a: &a {b: c}\nd:\n" + "- *a\n" * n,
    "merges": lambda n: "a: &a {b: c}\n" + "".join(f"k{i}: {{<<: *a}}\n" for i in range(n)),
    "duplicates": lambda n: "a: b\n" * n,
    "tags": lambda n: "a:\n" + "- !foo b\n" * n,
    "keys": lambda n: "infrastructure:\n" + "".join(f"  {i}: b\n" for i in range(n)),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_work_grows_with_the_size(shape: str):
    """Four times the text is at most about four times the work, counted in calls."""

    def work(size: int) -> int:
        text, calls = SHAPES[shape](size), 0

        def count(_frame: object, _event: str, _argument: object) -> None:
            nonlocal calls
            calls += 1

        sys.setprofile(count)
        try:
            parse(text, "f", within="infrastructure")
        finally:
            sys.setprofile(None)
        return calls

    assert work(1_600) < 5 * work(400)
