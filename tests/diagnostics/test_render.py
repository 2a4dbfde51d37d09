"""Diagnostics as text and as data."""

from __future__ import annotations

import json

import pytest

from dativo_infra.diagnostics import Location, rules
from dativo_infra.diagnostics.render import as_data, as_text, count_of, summary


def shown(line: str, column: int = 1, number: int = 1) -> list[str]:
    """Return the lines of the snippet for a place."""
    text = as_text([rules.UNKNOWN_KEY.at(Location("f.yaml", number, column, line), remedy=" ")])
    return [each for each in text.splitlines()[2:] if "help" not in each]


def test_a_diagnostic_as_text():
    """What, where, the line with a caret, other places, and what to do."""
    place = Location("jobs/a.yaml", 12, 5, "    tags: {a: 1}")
    diagnostic = rules.WRONG_TYPE.at(
        place, "It must be text.", remedy="Quote it.", related=[(Location("b", 2), "the first")]
    )
    assert as_text([diagnostic]) == (
        "error[DI202]: It must be text.\n"
        "  --> jobs/a.yaml:12:5\n"
        "   |\n"
        "12 |     tags: {a: 1}\n"
        "   |     ^\n"
        "  = the first: b:2:1\n"
        "  = help: Quote it."
    )


def test_without_a_place():
    """A diagnostic that is about no file shows none."""
    text = as_text([rules.NO_FILES.at(None, "Nothing there.", remedy="Look.")])
    assert text == "error[DI110]: Nothing there.\n  = help: Look."


@pytest.mark.parametrize(
    ("line", "column", "caret"),
    [
        ("abc", 1, 0),
        ("abc", 3, 2),
        ("\ta: b", 5, 4),
        ("日本: x", 5, 6),
        ("e\u0301: x", 4, 2),
        ("a", 5, 1),
    ],
)
def test_caret(line: str, column: int, caret: int):
    """The caret stands below its character, however wide those before are."""
    *_, below = shown(line, column)
    assert below == "  | " + " " * caret + "^"


def test_long_lines():
    """A line is cut, and a place far out has no snippet."""
    _, line, _ = shown("a" * 10_000, 5)
    assert len(line) < 200
    assert shown("a" * 10_000, 5_000) == []
    assert shown("   ", 1) == []


@pytest.mark.parametrize(
    ("line", "masked"),
    [
        ("password: hunter2", "password: ***"),
        ('  - "db_password" : "hunter2" # x', '  - "db_password" : ***'),
        ("{user: me, password: hunter2}", "{user: me, password: ***"),
        ('{"user":"me","password":"hunter2"}', '{"user":"me","password":***'),
        ("githubToken: hunter2", "githubToken: ***"),
        ("url: jdbc:x?user=a&password=hunter2", "url: jdbc:x?user=a&password=***"),
        ("a: ${DB_PASSWORD:-hunter2}", "a: ${DB_PASSWORD:***"),
        ("password: ${DB_PASSWORD:-hunter2}", "password: ***"),
        ("password: ${DB_PASSWORD}hunter2", "password: ***"),
        ("password: hunter2 # not ${A}", "password: ***"),
        ("password: ${DB_PASSWORD}", "password: ${DB_PASSWORD}"),
        ("{password: '${DB_PASSWORD}'}", "{password: '${DB_PASSWORD}'}"),
        ("secret_manager_arn: arn:aws:x:secret:a/b", "secret_manager_arn: arn:aws:x:secret:a/b"),
        ("platform: emr", "platform: emr"),
        ("password:", "password:"),
    ],
)
def test_secrets_are_masked(line: str, masked: str):
    """The value of a key that looks like a secret's is not shown; a variable in it is."""
    assert shown(line)[1] == f"1 | {masked}"


@pytest.mark.parametrize("character", ["\x1b", "\x07", "\r", "\n", "\x9b", "\u202e", "\udcff"])
def test_control_characters_do_not_reach_the_terminal(character: str):
    """Nothing from a file, nor its name, can steer the terminal."""
    bad = f"a{character}[31mb"
    diagnostic = rules.UNKNOWN_KEY.at(
        Location(bad, 1, 1, bad), bad, remedy=bad, related=[(Location(bad), bad)]
    )
    for text in (as_text([diagnostic]), str(diagnostic)):
        assert not [each for each in text if not each.isprintable() and each != "\n"]
        assert "a [31mb" in text
    assert as_text([diagnostic]).count("\n") == 6


def test_paint_is_applied_to_parts():
    """Colour is put on by the caller, and survives."""
    diagnostic = rules.NO_FILES.at(Location("f", 1, 1, "x"), "Bad.")
    text = as_text([diagnostic], lambda part, style: f"<{style}>{part}</>")
    assert text.startswith("<error>error[DI110]</>: Bad.\n  <faint>--></> f:1:1")
    assert "<error>^</>" in text


def test_repeated_notes_collapse():
    """Notes that say the same are shown once with their number; errors never are."""
    notes = [rules.UNRESOLVED.at(Location("f", line), "Same.") for line in range(1, 1_203)]
    other = rules.UNRESOLVED.at(Location("f", 5), "Other.")
    errors = [rules.NO_FILES.at(Location("f", line), "Same.") for line in (1, 2)]
    blocks = as_text([*notes, other, *errors]).split("\n\n")
    assert len(blocks) == 4
    assert "f:1:1 and 1,201 more places" in blocks[0]
    assert "1 more place\n" in as_text(notes[:2])
    assert "more" not in blocks[1]


def test_summary():
    """Numbers come with their nouns, errors first."""
    note, error = rules.UNRESOLVED.at(None), rules.NO_FILES.at(None)
    assert summary([note, error, note]) == "1 error, 2 notes"
    assert summary([]) == ""
    assert count_of(1_000, "job") == "1,000 jobs"


def test_data():
    """Data for machines has every part of a diagnostic under a fixed name."""
    place = Location("f", 2, 3, "secret text")
    diagnostics = [
        rules.WRONG_TYPE.at(place, "m", remedy="r", related=[(Location("g"), "the other")]),
        rules.NO_FILES.at(None, "n", remedy="s"),
    ]
    assert json.loads(json.dumps(as_data(diagnostics))) == [
        {
            "code": "DI202",
            "severity": "error",
            "message": "m",
            "remedy": "r",
            "file": "f",
            "line": 2,
            "column": 3,
            "related": [{"file": "g", "line": 1, "column": 1, "what": "the other"}],
        },
        {
            "code": "DI110",
            "severity": "error",
            "message": "n",
            "remedy": "s",
            "file": None,
            "line": None,
            "column": None,
            "related": [],
        },
    ]
