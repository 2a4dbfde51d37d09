"""The documentation that is made from the code's tables is what the tables say."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from dativo_infra.model import fields
from dativo_infra.planning.support import LOSSES, REFUSALS, TOOLS
from dativo_infra.platforms import PLATFORMS
from dativo_infra.resources.kinds import KINDS

ROOT = Path(__file__).parents[1]


def _script() -> Any:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MADE: dict[str, str] = {path.name: text for path, text in _script().files().items()}


@pytest.mark.parametrize("path", _script().files(), ids=lambda path: path.name)
def test_the_committed_files_are_as_the_tables_say(path: Path) -> None:
    """What is committed is what is made now."""
    assert path.read_text() == MADE[path.name], f"{path.name} is old: run `make docs`"


def test_every_field_variable_and_output_is_described() -> None:
    """Each field has a section, and each variable and output of each platform its line."""
    text = MADE["fields.md"]
    for path in fields():
        assert f"\n### `{path}`\n" in text
    for name, platform in PLATFORMS.items():
        section = text.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        for variable in platform.variables:
            assert f"\n- **`{variable.name}`**: " in section
        for export in platform.exports:
            assert f"\n| `{export}` | " in section


def test_every_kind_and_reason_is_in_the_matrix() -> None:
    """Each kind has a row, and each refusal and loss its reason."""
    text = " ".join(MADE["support.md"].split())
    for kind in KINDS:
        assert f"| `{kind.__name__}` |" in text
    for tool in TOOLS:
        for reason in (*REFUSALS[tool].values(), *LOSSES[tool].values()):
            assert reason in text


def test_the_small_table_agrees_with_the_examples() -> None:
    """A platform that the README says a tool builds has kinds that the tool builds, all of them."""
    kinds = {"kubernetes": {"KubernetesObject"}, "emr": {"EmrCluster", "IamRole", "S3Bucket"}}
    rows = [line.strip("| ").split(" | ") for line in MADE["README.md"].splitlines() if "|" in line]
    for names, *answers in rows:
        for platform in kinds.keys() & set(names.split(", ")):
            for tool, answer in zip(TOOLS, answers, strict=True):
                assert (answer == "yes") == (not kinds[platform] & REFUSALS[tool].keys())


def test_no_line_of_prose_is_long() -> None:
    """Prose is wrapped; only tables and addresses have longer lines."""
    for line in (MADE["fields.md"] + MADE["support.md"]).splitlines():
        assert len(line) <= 100 or line.startswith("|") or "`" in line or "http" in line
