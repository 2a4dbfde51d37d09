"""Tests of `dativo-infra output`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from dativo_infra.cli.output import _env
from dativo_infra.loading import read_env_file

if TYPE_CHECKING:
    from pathlib import Path

ALIAS = "outputs: {my-cluster: output.emr_cluster_id}\n"


@pytest.mark.usefixtures("aws")
def test_outputs_of_a_job(run, write_job, emr: str) -> None:
    """A job's outputs are printed by the names that jobs use, and by its own."""
    path = write_job(emr + ALIAS)
    run("deploy", path)
    result = run("output", path)
    assert result.exit_code == 0
    assert result.stdout.startswith("acme/prod/orders\n")
    assert "\n  emr_cluster_id = j-" in result.stdout
    as_data = json.loads(run("output", path, "--format", "json").stdout)
    values = as_data["jobs"]["acme/prod/orders"]
    assert values["my-cluster"] == values["emr_cluster_id"]
    assert f"  my-cluster = {values['my-cluster']}\n" in result.stdout


@pytest.mark.usefixtures("aws")
def test_env_is_what_an_env_file_takes(run, write_job, emr: str, tmp_path: Path) -> None:
    """The lines for an environment file are read back as they were."""
    path = write_job(emr + ALIAS)
    run("deploy", path)
    file = tmp_path / "out.env"
    file.write_text(run("output", path, "--format", "env").stdout)
    read, problems = read_env_file(file)
    assert problems == ()
    values = json.loads(run("output", path, "--format", "json").stdout)["jobs"]["acme/prod/orders"]
    assert read == {name.upper().replace("-", "_"): value for name, value in values.items()}


@pytest.mark.parametrize("value", ["", "a b", "it's", 'say "x"', "#x", "$HOME", " x ", "a\\n"])
def test_values_are_read_back_exactly(value: str, tmp_path: Path) -> None:
    """Whatever quotes or signs a value has, it is the same when it is read."""
    lines, problems = _env([("1st.name", value)])
    (tmp_path / "x.env").write_text("\n".join(lines))
    assert problems == []
    assert read_env_file(tmp_path / "x.env") == ({"_1ST_NAME": value}, ())


@pytest.mark.parametrize("values", [{"a": "x\ny"}, {"a": "'\""}, {"a-b": "1", "a_b": "2"}])
def test_what_no_env_file_can_hold(values: dict[str, str]) -> None:
    """Line ends, both quotes and two values of one name are errors."""
    assert [each.code for each in _env(values.items())[1]] == ["DI714"]


def test_env_is_for_one_job(run, write_job, emr: str) -> None:
    """Several jobs have the same names, so that env is a wrong call for them."""
    folder = write_job(emr, "one").parent
    write_job(emr, "two")
    result = run("output", folder, "--format", "env")
    assert result.exit_code == 2
    assert "2 are selected" in result.stderr


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("form", ["text", "json", "env"])
def test_not_deployed_is_an_error(run, write_job, emr: str, form: str) -> None:
    """A job that is not deployed is named, and is no empty success."""
    result = run("output", write_job(emr), "--format", form)
    assert result.exit_code == 1
    assert "error[DI712]: acme/prod/orders is not deployed" in result.stderr


def test_job_without_a_stack_is_an_error(run, write_job, emr: str) -> None:
    """What no tool owns has no outputs to print."""
    result = run("output", write_job(emr.replace(": cloudformation", ": manual")))
    assert result.exit_code == 1
    assert "No job of the selection has a stack." in result.stderr
