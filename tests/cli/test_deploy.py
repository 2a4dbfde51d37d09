"""Tests of `dativo-infra deploy`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def test_local_deployment_reads_the_tags_back(run, examples: Path) -> None:
    """Every CloudFormation-owned job is created, with the tags that the services report."""
    result = run("deploy", "--local", examples, "--format", "json")
    assert result.exit_code == 0
    data = json.loads(result.stdout)
    assert {each["identity"]: each["action"] for each in data["stacks"]} == {
        "acme/prod/billing_emr": "created",
        "globex/prod/inventory": "created",
    }
    tagged = [each for each in data["resources"] if each["tags"] is not None]
    assert {each["type"] for each in tagged} == {
        "AWS::EMR::Cluster",
        "AWS::IAM::Role",
        "AWS::S3::Bucket",
    }
    for each in tagged:
        assert {"CostCenter", "Owner", "dativo:tenant", "dativo:job"} <= set(each["tags"])
    assert data["not_created"] == []


def test_local_deployment_shows_a_table_and_what_is_left_out(run, examples: Path) -> None:
    """A person sees jobs, what was built, the tags with their counts, and moto's gaps."""
    result = run("deploy", "--local", examples)
    assert "CostCenter=finance (4 of 4)" in result.stdout
    assert "embedded: AWS::EMR::Cluster ends at once" in result.stderr
    assert "left to pulumi: acme/prod/clickstream_emr" in result.stderr


def test_missing_parameters_are_named_at_once(run, write_job) -> None:
    """Nothing is deployed while a value is missing; all that are missing are named together."""
    path = write_job(
        """
provider: cloudformation
runtime:
  platform: emr
  compute: {instance_type: m5.xlarge}
  network:
    subnet_ids: ["${SUBNET_HERE}"]
    security_group_ids: ["${GROUP_HERE}"]
"""
    )
    result = run("deploy", "--local", path)
    assert result.exit_code == 1
    assert result.stderr.count("error[DI701]") == 2
    given = run("deploy", "--local", path, SUBNET_HERE="subnet-0a1b2c3d", GROUP_HERE="sg-0a1b2c3d")
    assert given.exit_code == 0


def test_deployment_without_local_is_a_wrong_call(run, examples: Path) -> None:
    """An account is not deployed to by this version, and the message says what to do instead."""
    result = run("deploy", examples)
    assert result.exit_code == 2
    assert "synth --to cloudformation" in result.stderr
