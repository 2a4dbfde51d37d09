"""CloudFormation's templates are right in the eyes of cfn-lint, in both of their forms."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

import cases
import pytest
from cfnlint.config import ConfigMixIn
from cfnlint.decode import cfn_yaml, decode_str
from cfnlint.runner import Runner

from dativo_infra import Plan
from dativo_infra.adapters.cloudformation import synth

if TYPE_CHECKING:
    from pathlib import Path

    from cfnlint.match import Match

NAMES = [cases.label(unit) for unit in cases.units("cloudformation")]


def shape(value: Any) -> Any:
    """Return what a template is made of, without its texts and numbers."""
    if isinstance(value, dict):
        return {name: shape(item) for name, item in value.items() if name != "Metadata"}
    if isinstance(value, list):
        return sorted({json.dumps(shape(item), sort_keys=True) for item in value})
    return type(value).__name__


@cache
def judge() -> Runner:
    """Return a cfn-lint with all rules; reading them takes longer than judging a template."""
    return Runner(ConfigMixIn(regions=["us-east-1"]))


def lint(text: str) -> list[Match]:
    """Return what cfn-lint says of a template."""
    template, problems = decode_str(text)
    return problems or list(judge().validate_template(template or {}))


SHAPES: dict[str, str] = {}
for _name in NAMES:
    if _name.startswith("by-hand/"):  # what no job asks for need not be sensible
        continue
    try:
        _shape = json.dumps(shape(cases.template(_name)["Resources"]), sort_keys=True)
    except Exception:  # noqa: BLE001 - a template that cannot be made fails in its own test
        _shape = _name
    SHAPES.setdefault(_shape, _name)


@pytest.mark.parametrize("name", SHAPES.values())
def test_templates_pass_cfn_lint(name: str) -> None:
    """One template of each shape has no error and no warning; no rule is off."""
    text = cases.stack(name).json
    assert [f"{match.rule.id} {match.message}" for match in lint(text)] == []


def test_cfn_lint_sees_mistakes() -> None:
    """The judge is awake: a property that does not exist is found."""
    template = json.loads(cases.stack(NAMES[0]).json)
    template["Resources"]["Cluster"]["Properties"]["Nmae"] = "x"
    assert [match.rule.id for match in lint(json.dumps(template))] == ["E3002"]


@pytest.mark.parametrize("name", NAMES)
def test_json_and_yaml_say_the_same(name: str) -> None:
    """A template's two forms have equal content."""
    stack = cases.stack(name)
    read, problems = cfn_yaml.loads(stack.to_yaml()), None
    assert problems is None
    assert json.loads(json.dumps(read)) == json.loads(stack.json)


def test_files_of_both_forms_say_the_same(tmp_path: Path) -> None:
    """What is written as JSON and what is written as YAML have equal content, file for file."""
    units = cases.examples("cloudformation").units
    planned = Plan(units=units, jobs=(), diagnostics=())
    for form in ("json", "yaml"):
        synth(planned, tmp_path / form, form=form)
    written = {
        form: {file.name.removesuffix(f".{form}"): file.read_text() for file in folder.iterdir()}
        for form, folder in ((each.name, each) for each in tmp_path.iterdir())
    }
    assert written["json"].keys() == written["yaml"].keys()
    assert len(written["json"]) >= len(units)
    for name, text in written["json"].items():
        assert json.loads(json.dumps(cfn_yaml.loads(written["yaml"][name]))) == json.loads(text)
