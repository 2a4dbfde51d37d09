"""Diagnostics and the table of their rules."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import pytest

import dativo_infra
from dativo_infra.diagnostics import (
    Diagnostic,
    DiagnosticError,
    Location,
    Severity,
    did_you_mean,
    has_errors,
    in_order,
    raise_errors,
    rules,
)

CONSTANTS = {
    name: value for name, value in vars(rules).items() if isinstance(value, type(rules.NO_FILES))
}
every_rule = pytest.mark.parametrize("rule", rules.RULES.values(), ids=lambda rule: rule.code)


def test_codes_are_unique():
    """Each code belongs to one rule, and each rule has a constant."""
    codes = [rule.code for rule in CONSTANTS.values()]
    assert len(codes) == len(set(codes))
    assert list(CONSTANTS.values()) == list(rules.RULES.values())
    assert codes == sorted(codes)


@every_rule
def test_rules_say_what_to_do(rule: rules.Rule):
    """Each rule has a summary, an explanation and, where something is wrong, a remedy."""
    assert rule.summary.endswith(".")
    assert rule.explanation
    assert rule.remedy or rule.severity is Severity.NOTE


@pytest.fixture(scope="module")
def source() -> str:
    """The text of the package's modules that may use rules."""
    package = Path(dativo_infra.__file__).parent
    own = package / "diagnostics"
    return "\n".join(file.read_text() for file in package.rglob("*.py") if own not in file.parents)


@pytest.mark.parametrize("name", CONSTANTS)
def test_every_rule_is_used(source: str, name: str):
    """No rule is dead."""
    assert re.search(rf"\brules\.{name}\b|\b{name}\.at\(", source)


def test_a_rule_makes_diagnostics():
    """What a rule says by default can be said better for one case."""
    place = Location("f", 2, 3)
    plain = rules.UNKNOWN_KEY.at(place)
    assert str(plain) == f"f:2:3: warning DI205: {rules.UNKNOWN_KEY.summary}"
    assert plain.remedy == rules.UNKNOWN_KEY.remedy
    better = rules.UNKNOWN_KEY.at(
        None, "`tgas` is unknown.", remedy="See the docs.", word="tgas", choices=["tags", "name"]
    )
    assert str(better) == "warning DI205: `tgas` is unknown."
    assert better.remedy == "Did you mean `tags`? See the docs."


@pytest.mark.parametrize(
    ("word", "choices", "answer"),
    [
        ("platfrom", ["platform", "compute"], "Did you mean `platform`?"),
        ("costcenter", ["CostCenter"], "Did you mean `CostCenter`?"),
        ("zzz", ["platform"], ""),
        ("", ["a"], ""),
        ("a", [], ""),
    ],
)
def test_did_you_mean(word: str, choices: list[str], answer: str):
    """A near choice is suggested, spelled as it is; a far one is not."""
    assert did_you_mean(word, choices) == answer


def test_order():
    """Diagnostics come by file, place and code, each once, those without a place first."""
    first = rules.NO_FILES.at(None)
    second = rules.UNKNOWN_KEY.at(Location("a", 1))
    third = rules.UNKNOWN_KEY.at(Location("a", 2, 5))
    fourth = rules.UNKNOWN_KEY.at(Location("a", 10, 1))
    fifth = rules.YAML_SYNTAX.at(Location("b", 1))
    assert in_order([fifth, fourth, third, second, first, third]) == (
        first,
        second,
        third,
        fourth,
        fifth,
    )


def test_errors_are_raised_together():
    """The exception lists every error with its remedy, and carries the warnings too."""
    warning = rules.UNKNOWN_KEY.at(Location("b"))
    errors = [rules.NOT_A_JOB.at(Location("a")), rules.NO_FILES.at(None, "Nothing.")]
    raise_errors([warning])
    assert not has_errors([warning])
    with pytest.raises(DiagnosticError) as caught:
        raise_errors([warning, *errors])
    assert str(caught.value).startswith("2 errors")
    assert "error DI110: Nothing." in str(caught.value)
    assert rules.NOT_A_JOB.remedy in str(caught.value)
    assert "DI205" not in str(caught.value)
    assert caught.value.diagnostics == in_order([warning, *errors])


def test_diagnostics_can_be_sent_to_another_process():
    """A diagnostic survives being pickled, as parallel runs need."""
    diagnostic: Diagnostic = rules.NO_FILES.at(Location("a", 1, 2, "text"))
    assert pickle.loads(pickle.dumps(diagnostic)) == diagnostic  # noqa: S301 - our own data
