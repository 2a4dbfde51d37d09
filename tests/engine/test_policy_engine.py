"""The policy pack: the real engine asks it about each resource, and stops where it says so."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from workspace import REPOSITORY, Workspace

if TYPE_CHECKING:
    from pathlib import Path

    from aws_server import Aws

PACK = REPOSITORY / "dativo_infra" / "adapters" / "pulumi" / "policy"
PROJECT = "tags: {required: {CostCenter: [data, analytics]}}"
PROGRAM = """
import pulumi_aws as aws
from dativo_infra.adapters.pulumi import EmrCluster

aws.s3.Bucket("reports", bucket="acme-reports", tags=%r)
EmrCluster(
    "orders",
    {
        "tenant_id": "acme",
        "compute": {"instance_type": "m5.xlarge", "instance_count": 2},
        "network": {"subnet_ids": ["subnet-0a1b2c3d"]},
        "tags": {"CostCenter": "data"},
    },
)
"""


@pytest.fixture
def pack(tmp_path: Path) -> str:
    """The path of the pack, which starts as a language host of today starts it.

    The one that is built here is older than the CLI: it runs a plugin in the program's folder.
    """
    folder = tmp_path / "pack"
    folder.mkdir()
    shutil.copy(PACK / "PulumiPolicy.yaml", folder)
    file = folder / "dativo"
    file.write_text(f'#!/bin/sh\nexec python3 -u -m pulumi.policy "$1" {PACK}\n')
    file.chmod(0o755)
    return str(file)


@pytest.fixture
def project(workspace: Workspace, aws: Aws) -> Workspace:  # noqa: ARG001 - the one it builds in
    """A workspace whose project requires a tag."""
    workspace.create("dev")
    (workspace.folder / "dativo-infra.yaml").write_text(PROJECT)
    return workspace


def write(workspace: Workspace, tags: dict[str, str]) -> None:
    """Write a program with a bucket that has these tags, and a component."""
    (workspace.folder / "stacks" / "__main__.py").write_text(PROGRAM % tags)


def test_what_has_its_tags_passes(project: Workspace, pack: str) -> None:
    """The program's own bucket, and all that the component builds."""
    write(project, {"CostCenter": "analytics"})
    done = project.preview("dev", "--policy-pack", pack)
    assert not done.code, done.log
    assert "dativo@" in done.log
    assert "[mandatory]" not in done.log


def test_what_lacks_a_tag_is_refused(project: Workspace, pack: str, aws: Aws) -> None:
    """A preview says so, and a deployment does not create it."""
    write(project, {"Owner": "ana"})
    done = project.preview("dev", "--policy-pack", pack)
    assert done.code
    assert "[mandatory]  required-tags  (aws:s3:Bucket: reports)" in done.log
    assert "aws:s3/bucket:Bucket `reports` lacks the tags `CostCenter`." in done.log
    assert done.log.count("[mandatory]") == 1
    assert project.up("dev", "--policy-pack", pack).code
    buckets = aws.client("s3").list_buckets()["Buckets"]
    assert "acme-reports" not in {each["Name"] for each in buckets}


def test_how_strict_it_is_can_be_chosen(project: Workspace, pack: str) -> None:
    """Its configuration sets the level, and more tags."""
    write(project, {"CostCenter": "data"})
    settings = {"required-tags": {"enforcementLevel": "advisory", "tags": {"Owner": []}}}
    file = project.folder / "pack.json"
    file.write_text(json.dumps(settings))
    done = project.preview("dev", "--policy-pack", pack, "--policy-pack-config", str(file))
    assert not done.code, done.log
    assert "[advisory]  required-tags  (aws:s3:Bucket: reports)" in done.log
    assert "lacks the tags `Owner`. Add them to `metadata.tags` of its job." in done.log
