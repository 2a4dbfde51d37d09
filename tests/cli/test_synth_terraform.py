"""Tests of `dativo-infra synth` for Terraform, and of what the other commands say of its jobs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

BLOCK = """
provider: terraform
terraform:
  module_source: "git::https://example.com/infra.git//emr"
  module_version: v1
  workspace: prod
  backend_config: {bucket: b, key: k, region: us-east-1}
runtime:
  platform: emr
  compute: {instance_type: m5.xlarge}
metadata:
  variables: {password: "${DB_PASSWORD}"}
"""


def test_roots_and_variable_files_are_written(run: Any, write_job: Any, tmp_path: Path) -> None:
    """A second run writes nothing; what a variable file cannot have is named."""
    job = write_job(BLOCK)
    roots = ("synth", "--to", "terraform", job, "-o", tmp_path / "roots")
    assert "4 files written" in run(*roots).stderr
    assert "4 unchanged" in run(*roots).stderr
    result = run("synth", "--to", "tfvars", job, "-o", tmp_path / "vars")
    assert "TF_VAR_password" in result.stderr
    (file,) = (tmp_path / "vars").iterdir()
    assert json.loads(file.read_text())["instance_type"] == "m5.xlarge"


def test_a_job_without_a_module_has_a_root_and_no_variable_file(
    run: Any, write_job: Any, tmp_path: Path
) -> None:
    """Its root has the resources themselves, and the backend; that there are no values is said."""
    block = BLOCK.replace('  module_source: "git::https://example.com/infra.git//emr"\n', "")
    block = block.replace("  module_version: v1\n", "").partition("metadata:")[0]
    job = write_job(f"{block}  network: {{subnet_ids: [subnet-0a1b2c3d]}}\n")
    written = run("synth", "--to", "terraform", job, "-o", tmp_path / "roots")
    assert "3 files written" in written.stderr
    (root,) = (tmp_path / "roots").glob("*/main.tf.json")
    document = json.loads(root.read_text())
    assert document["terraform"]["backend"] == {"s3": {}}
    assert "aws_emr_cluster" in document["resource"]
    told = run("synth", "--to", "tfvars", job, "-o", tmp_path / "vars").stderr
    assert "no variable file, since it calls no module: " in told
    assert "0 files written" in told


def test_nothing_is_written_for_what_terraform_would_evaluate(
    run: Any, write_job: Any, tmp_path: Path
) -> None:
    """Source, version, backend and workspace are checked before a file is written."""
    hostile = "'$${file(\"/etc/passwd\")}'"
    for old, code in (
        ('"git::https://example.com/infra.git//emr"', "DI613"),
        ("v1", "DI613"),
        ("prod", "DI614"),
        ("k,", "DI614"),
    ):
        new = f"{hostile}," if old.endswith(",") else hostile
        job = write_job(BLOCK.replace(f": {old}", f": {new}"))
        result = run("synth", "--to", "terraform", job, "-o", tmp_path / "out")
        assert result.exit_code == 1
        assert f"error[{code}]" in result.stderr, old
        assert not (tmp_path / "out").exists()


def test_a_field_says_which_variable_it_fills(run: Any) -> None:
    """`explain` has the names of a module's variables."""
    assert "instance_type, machine_type" in run("explain", "runtime.compute.instance_type").stdout


def test_files_for_all_need_a_folder(run: Any, write_job: Any) -> None:
    """--all without a folder, or in a format that is no file's, is a wrong call."""
    job = write_job(BLOCK)
    assert run("output", job, "--all").exit_code == 2
    assert run("output", job, "--format", "text", "-o", "x").exit_code == 2
