"""Tests of `dativo-infra plan`, `synth` and `schema`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


def test_plan_shows_what_became_of_every_field(run, seed: Path) -> None:
    """A job that refers to a cluster: every field of its block is in the plan, with a reason."""
    result = run("plan", "--provider", "pulumi", seed / "terraform_emr_postgres.yaml")
    assert result.exit_code == 0
    assert "uses the EMR cluster ${EMR_CLUSTER_ID}; nothing is built" in result.stdout
    for field in ("runtime.compute.instance_type", "terraform.module_source", "resources.database"):
        assert field in result.stdout


def test_plan_says_what_pods_reach(run, seed: Path) -> None:
    """The pods of a Kubernetes job reach its API, its catalog and its object storage."""
    result = run("plan", "--provider", "pulumi", seed / "kubernetes_stripe_to_iceberg.yaml")
    assert result.exit_code == 0
    assert "port 443 anywhere but the metadata address" in result.stdout
    assert "stripe connector" in result.stdout
    assert "gs://acme-data-lake" in result.stdout
    assert "port 19120 of nessie.data-platform.svc.cluster.local" in result.stdout


def test_plan_says_which_cloud_was_understood(run, seed: Path, examples: Path) -> None:
    """Where no target says it, the plan tells a job's cloud and why; as data it always does."""
    result = run("plan", "--provider", "pulumi", seed / "kubernetes_stripe_to_iceberg.yaml")
    assert "runs on Google Cloud: `runtime.network.vpc_id` has a form" in result.stdout
    result = run("plan", seed / "databricks_cluster_example.yaml")
    assert "runs on AWS: `runtime.compute.instance_type` has a form" in result.stdout
    assert " has a form " not in run("plan", examples).stdout
    data = json.loads(run("plan", examples, "--format", "json").stdout)
    told = {each["identity"]: each["cloud"] for each in data["jobs"]}
    assert told["initech/prod/leads_gke"] == {
        "name": "gcp",
        "why": "its target `initech-gke` is there",
    }
    assert {each["name"] for each in told.values()} == {"aws", "gcp", "azure"}


def test_plan_of_all_examples(run, examples: Path) -> None:
    """The plan of a folder shows shared units once, and who owns what is not built here."""
    result = run("plan", examples)
    assert result.exit_code == 0
    assert result.stdout.count("Kubernetes namespace ingestion") == 1
    assert "TerraformModule" in result.stdout
    assert "billed until it is destroyed" in result.stdout


def test_plan_as_json_is_equal_twice(run, examples: Path) -> None:
    """The plan as data has units and jobs, and does not change from run to run."""
    first, second = (run("plan", examples, "--format", "json").stdout for _ in range(2))
    assert first == second
    data = json.loads(first)
    assert (data["kind"], data["version"]) == ("plan", 1)
    # One of the examples has no infrastructure.
    assert len(data["jobs"]) == len(list(examples.glob("*/*.yaml"))) - 1
    kinds = {resource["type"] for unit in data["units"] for resource in unit["resources"]}
    assert {"EmrCluster", "IamRole", "KubernetesObject", "S3Bucket"} <= kinds


def test_tenant_and_environment_choose_jobs(run, examples: Path) -> None:
    """Jobs that are not chosen are counted, and are in no unit."""
    result = run("plan", examples, "--tenant", "globex")
    assert "acme/prod" not in result.stdout
    others = len(list(examples.glob("*/*.yaml"))) - len(list(examples.glob("globex/*.yaml")))
    assert f"{others} not selected" in result.stderr


def test_synth_writes_templates_once(run, examples: Path, tmp_path: Path) -> None:
    """A second run finds equal files, and writes nothing."""
    arguments = ("synth", "--to", "cloudformation", examples, "-o", tmp_path / "out")
    first = run(*arguments)
    assert first.exit_code == 0
    count = len(list((tmp_path / "out").iterdir()))
    assert f"{count} files written, 0 unchanged" in first.stderr
    assert len(first.stdout.splitlines()) == count
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()}
    second = run(*arguments)
    assert f"0 files written, {count} unchanged" in second.stderr
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()} == times


def test_synth_writes_nothing_on_an_error(run, examples: Path, tmp_path: Path) -> None:
    """What a tool cannot build is refused with the tools that can, before a file is written."""
    out = tmp_path / "out"
    result = run(
        "synth", "--to", "cloudformation", "--provider", "cloudformation", examples, "-o", out
    )
    assert result.exit_code == 1
    assert "error[DI601]" in result.stderr
    assert "pulumi" in result.stderr
    assert not out.exists()


@pytest.mark.parametrize("what", ["job", "block", "project"])
def test_schema_is_a_json_schema(run, what: str) -> None:
    """Each schema is printed as JSON that says what it describes."""
    schema = json.loads(run("schema", what).stdout)
    assert schema["type"] == "object"
    assert schema["properties"]


def test_synth_says_where_it_cannot_write(run, examples: Path) -> None:
    """An output folder that the system refuses is an error, not a traceback."""
    result = run("synth", "--to", "cloudformation", examples, "-o", "/proc/nowhere")
    assert result.exit_code == 1
    assert "error[DI603]" in result.stderr


def test_nothing_of_a_job_is_evaluated_by_cloudformation(run, write_job, tmp_path: Path) -> None:
    """A dynamic reference would put a secret of the account into a tag: it is refused."""
    path = write_job(
        """
provider: cloudformation
runtime:
  platform: emr
  compute: {instance_type: m5.xlarge}
  network: {subnet_ids: [subnet-0a1b2c3d]}
metadata:
  variables: {applications: ["{{resolve:ssm:/x}}"]}
"""
    )
    result = run("synth", "--to", "cloudformation", path, "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert "error[DI604]" in result.stderr
    assert not (tmp_path / "out").exists()
