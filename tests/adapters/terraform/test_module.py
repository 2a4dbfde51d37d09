"""A module's variables and outputs are read from its files, as Terraform reads them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from dativo_infra.adapters.terraform.module import UnreadableError, learn, read
from dativo_infra.loading import load
from dativo_infra.platforms.terraform import address_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from dativo_infra.platforms.terraform import Address

HCL = """
variable "plain" {}
variable "with_default" {
  type    = list(string)
  default = ["a${1 + 1}"]
}
variable "maybe" {
  type    = object({ a = optional(string, "}") })
  default = null
}
variable "map" {
  type        = map(any)
  description = "a \\"quoted\\" ${text}"
  validation {
    condition     = length(var.map) > 0
    error_message = "No ${var.map}."
  }
}
output "open" { value = var.plain }
output "closed" {
  value     = <<-TEXT
    a heredoc with "quotes"
  TEXT
  sensitive = true
}
resource "terraform_data" "x" {}
"""


def test_variables_and_outputs_are_read_from_every_file(tmp_path: Path) -> None:
    """HCL and JSON are read; what has no default is required, and what is null has one."""
    (tmp_path / "main.tf").write_text(HCL)
    more = {
        "variable": {"json": {"type": "map(any)"}, "${bad}": {}},
        "output": [{"json": {"value": "x"}}],
    }
    (tmp_path / "more.tf.json").write_text(json.dumps(more))
    found = read(tmp_path)
    assert {name: (each.type, each.required) for name, each in found.variables.items()} == {
        "plain": ("any", True),
        "with_default": ("list(string)", False),
        "maybe": ('object({a = optional(string, "}")})', False),
        "map": ("map(any)", True),
        "json": ("map(any)", True),
    }
    assert found.variables["map"].is_map
    assert found.outputs == {"open": False, "closed": True, "json": False}


def test_an_override_wins(tmp_path: Path) -> None:
    """A file that overrides others is read last, whatever its name is."""
    (tmp_path / "a_override.tf").write_text('variable "x" { default = 1 }')
    (tmp_path / "main.tf").write_text('variable "x" {}')
    assert not read(tmp_path).variables["x"].required


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({}, "no configuration"),
        ({"README.md": "x"}, "no configuration"),
        ({"main.tf": 'variable "x" {'}, "main.tf cannot be parsed"),
        ({"main.tf.json": "[1"}, "main.tf.json cannot be parsed"),
        ({"main.tf.json": "[1]"}, "main.tf.json is no configuration"),
    ],
)
def test_a_folder_without_a_module_says_why(
    tmp_path: Path, files: Mapping[str, str], why: str
) -> None:
    """What is missing or broken is named."""
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(UnreadableError, match=why):
        read(tmp_path)


JOB = """\
tenant_id: acme
source_connector_path: /c/a.yaml
target_connector_path: /c/b.yaml
asset_path: /a/c.yaml
infrastructure:
  provider: terraform
  terraform: {module_source: "%s"}
"""


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Load jobs in a folder `jobs`, each with one of some sources."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "jobs").mkdir()

    def load_them(*sources: str) -> Any:
        for number, source in enumerate(sources):
            (tmp_path / "jobs" / f"job{number}.yaml").write_text(JOB % source)
        return load(["jobs"], {}).jobs

    return load_them


def test_a_local_module_is_relative_to_the_job_file(
    tmp_path: Path, jobs: Callable[..., Any]
) -> None:
    """The path begins at the job file's folder; a missing one is told where it is written."""
    (tmp_path / "emr").mkdir()
    (tmp_path / "emr" / "main.tf").write_text('variable "x" {}')
    loaded = jobs("../emr", "./emr")
    found, problems = learn(loaded)
    assert [set(each.variables) for each in found.values()] == [{"x"}]
    (problem,) = problems
    assert problem.code == "DI616"
    assert problem.location is not None
    assert problem.location.line == 7


def test_other_modules_are_read_where_they_can_be_fetched(
    tmp_path: Path, jobs: Callable[..., Any]
) -> None:
    """Each is fetched once, whatever the number of jobs; without a way to fetch none is."""
    (tmp_path / "main.tf").write_text('output "x" { value = 1 }')
    loaded = jobs("git::https://a.example/x", "git::https://a.example/x", "github.com/a/b")
    assert learn(loaded) == ({}, [])
    asked: list[Address] = []

    def fetch(addresses: Iterable[Address]) -> Mapping[Address, Path | str]:
        asked.extend(addresses)
        return {each: tmp_path if "a.example" in each.source else "no such host" for each in asked}

    found, problems = learn(loaded, fetch)
    assert len(asked) == 2
    assert set(found) == {address_of(loaded[0])}
    assert [each.message for each in problems] == ["`github.com/a/b`: no such host."]
