"""Tests of `dativo-infra validate`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

FIVE_MISTAKES = """
provider: pulumi
runtime:
  platform: emrr
  compute:
    instance_count: 0
  network:
    subnet_ids: subnet-0a1b2c3d
metadata:
  tags:
    Build: 7
  variables:
    x: ${1BAD}
"""


def test_five_mistakes_give_five_diagnostics_in_one_run(run, write_job) -> None:
    """Every mistake of a file is reported at once, each with its code, place and remedy."""
    path = write_job(FIVE_MISTAKES)
    result = run("validate", path)
    assert result.exit_code == 1
    assert result.stderr.count("error[DI") == 5
    for place in ("9:15", "11:23", "13:19", "16:14", "18:10"):
        assert f"{path}:{place}" in result.stderr
    assert "Did you mean `emr`?" in result.stderr
    assert "5 errors" in result.stderr
    assert result.stdout == ""


def test_errors_of_all_files_come_in_one_run(run, tmp_path: Path) -> None:
    """A file that cannot be parsed does not hide what is wrong with the others."""
    (tmp_path / "one.yaml").write_text("tenant_id: [\n")
    (tmp_path / "two.yaml").write_text("tenant_id: acme\n")
    (tmp_path / "three.yaml").write_bytes(b"tenant_id: caf\xe9\n")
    result = run("validate", tmp_path)
    assert result.exit_code == 1
    for name in ("one", "two", "three"):
        assert f"{name}.yaml:" in result.stderr


def test_json_holds_the_diagnostics(run, write_job) -> None:
    """`--format json` gives the same diagnostics as data, with a version of the shape."""
    result = run("validate", write_job(FIVE_MISTAKES), "--format", "json")
    assert result.exit_code == 1
    data = json.loads(result.stdout)
    assert (data["kind"], data["version"]) == ("validation", 1)
    assert len(data["diagnostics"]) == 5
    assert {"code", "severity", "message", "remedy", "file", "line", "column"} <= set(
        data["diagnostics"][0]
    )


def test_examples_have_no_errors(run, examples: Path) -> None:
    """The examples are right, and the summary counts jobs and those without infrastructure."""
    result = run("validate", examples)
    assert result.exit_code == 0
    count = len(list(examples.glob("*/*.yaml")))
    assert f"{count} jobs, 1 without infrastructure" in result.stderr


def test_unresolved_field_is_a_note(run, write_job) -> None:
    """A variable that exists only where the job is deployed does not fail a check."""
    path = write_job("provider: pulumi\nruntime:\n  platform: ${PLATFORM_HERE}\n")
    result = run("validate", path)
    assert result.exit_code == 0
    assert "note[DI209]" in result.stderr
    assert run("plan", path).exit_code == 1


def test_seed_is_valid(run, seed: Path) -> None:
    """Real jobs beside a text and a schema: three jobs, no error, the provider warned about."""
    result = run("validate", seed)
    assert result.exit_code == 0
    assert "3 jobs" in result.stderr
    assert "warning[DI301]" in result.stderr


def test_silenced_codes_are_not_reported(run, write_job, tmp_path: Path) -> None:
    """The project file silences a warning, wherever it comes from."""
    path = write_job("provider: manual\nruntime:\n  platfrom: emr\n")
    assert "DI205" in run("validate", path).stderr
    (tmp_path / "dativo-infra.yaml").write_text("silence: [DI205]\n")
    assert "DI205" not in run("validate", path).stderr


@pytest.mark.parametrize("arguments", [["nowhere.yaml"], ["*.nothing"]])
def test_a_path_without_jobs_is_an_error(run, arguments: list[str]) -> None:
    """A mistyped path is an error, never an empty success."""
    result = run("validate", *arguments)
    assert result.exit_code == 1
    assert "DI110" in result.stderr


def test_an_error_is_never_silenced(run, write_job, tmp_path: Path) -> None:
    """A code that is a warning in one case and an error in another is silenced as a warning."""
    (tmp_path / "dativo-infra.yaml").write_text("silence: [DI301]\n")
    path = write_job("provider: databricks\nruntime:\n  platform: databricks\n")
    result = run("validate", path)
    assert result.exit_code == 1
    assert "error[DI301]" in result.stderr
    assert "1 file that cannot be read as a job" in result.stderr


def test_a_path_too_long_is_an_error(run) -> None:
    """Whatever is given as a path, the answer is a diagnostic."""
    result = run("validate", "x" * 5000)
    assert result.exit_code == 1
    assert "error[DI" in result.stderr


def test_what_the_shape_hides_is_reported_too(run, write_job) -> None:
    """A wrong type does not hide that the counts disagree, or that a tag is not allowed."""
    path = write_job(
        """
provider: pulumi
runtime:
  platform: emr
  compute:
    instance_type: 5
    auto_scaling: {enabled: true, min_instances: 9, max_instances: 2}
  network:
    subnet_ids: [subnet-0a1b2c3d]
metadata:
  tags: {"aws:x": y}
"""
    )
    result = run("validate", path)
    for code in ("DI202", "DI302", "DI309"):
        assert f"error[{code}]" in result.stderr
    # The field that is there, though wrong, is not reported as missing.
    assert "DI303" not in result.stderr


def test_strict_fails_on_warnings(run, write_job) -> None:
    """A misspelt key is a warning, and with --strict a failure."""
    path = write_job("provider: manual\nruntime:\n  platfrom: emr\n")
    assert run("validate", path).exit_code == 0
    assert run("validate", "--strict", path).exit_code == 1


def test_a_misspelt_block_is_a_warning(run, tmp_path: Path) -> None:
    """A block that nobody reads is more than a note."""
    path = tmp_path / "job.yaml"
    path.write_text(
        "tenant_id: a\nsource_connector_path: b\ntarget_connector_path: c\nasset_path: d\n"
        "infrastucture:\n  provider: pulumi\n"
    )
    result = run("validate", path)
    assert "warning[DI206]" in result.stderr
    assert "Did you mean `infrastructure`?" in result.stderr


def test_a_filter_that_chooses_nothing_is_a_wrong_call(run, examples: Path) -> None:
    """A mistyped tenant is said, with those that there are, and is no success."""
    result = run("plan", examples, "--tenant", "acmee")
    assert result.exit_code == 2
    assert "acme/prod, globex/lab, globex/prod" in result.stderr


def test_an_unknown_edition_is_an_error(run, write_job, tmp_path: Path) -> None:
    """An edition that does not exist is reported beside what else is wrong."""
    (tmp_path / "dativo-infra.yaml").write_text('edition: "2020-01"\n')
    result = run("validate", write_job("provider: pulumi\nruntime:\n  platform: emr\n"))
    assert "error[DI404]" in result.stderr
    assert "error[DI303]" in result.stderr


def test_tabs_are_named(run, tmp_path: Path) -> None:
    """The parser's words about a tab do not help; the remedy does."""
    path = tmp_path / "job.yaml"
    path.write_text("tenant_id: a\n\tb: c\n")
    assert "Indent with spaces" in run("validate", path).stderr


def test_a_wrong_tag_is_shown_where_it_is_wrong(run, write_job) -> None:
    """A mistake in a tag's key is shown at the key, and one in its value at the value."""
    path = write_job('provider: pulumi\nmetadata:\n  tags:\n    "a!": b\n    c: "d!"\n')
    result = run("validate", path)
    assert f"{path}:10:7" in result.stderr
    assert f"{path}:11:10" in result.stderr
