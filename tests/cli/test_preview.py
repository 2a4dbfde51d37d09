"""Tests of `dativo-infra preview`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path


def test_preview_lists_registrations(run, examples: Path) -> None:
    """The preview shows the components with their resources and tags, and says it is offline."""
    result = run("preview", "--offline", examples, REDIS_PASSWORD="hunter2")
    assert result.exit_code == 0
    assert "dativo:index:EmrCluster" in result.stdout
    assert "CostCenter=data-engineering" in result.stdout
    assert "Offline" in result.stderr
    assert "hunter2" not in result.output
    as_data = run("preview", "--offline", examples, "--format", "json", REDIS_PASSWORD="hunter2")
    assert "hunter2" not in as_data.output
    assert "[secret]" in as_data.stdout


def test_preview_of_a_new_stack(run, stacks, write_job, emr: str) -> None:
    """It shows what would be added and where that comes from, and nothing is there afterwards."""
    result = run("preview", write_job(emr))
    assert result.exit_code == 0
    assert "acme-prod-orders to create; acme/prod/orders" in result.stdout
    assert "add AWS::EMR::Cluster cluster" in result.stdout
    assert "orders.yaml:9:" in result.stdout
    assert "acme-prod-orders  to create\n" in result.stderr
    assert "1 stack: 1 to create. Nothing was done." in result.stderr
    assert stacks() == set()


@pytest.mark.usefixtures("aws")
def test_detailed_exit_code(run, write_job, emr: str) -> None:
    """With the option 3 says that there are changes, and 0 that there are none."""
    path = write_job(emr)
    assert run("preview", path, "--detailed-exitcode").exit_code == 3
    run("deploy", path)
    same = run("preview", path, "--detailed-exitcode")
    assert same.exit_code == 0
    assert "No changes. 1 stack: 1 unchanged." in same.stderr
    assert same.stdout == ""
    write_job(emr + "  tags: {Team: other}\n")
    changed = run("preview", path, "--detailed-exitcode", "--format", "json")
    assert changed.exit_code == 3
    [stack] = json.loads(changed.stdout)["stacks"]
    assert (stack["changed"], stack["creates"]) == (True, False)
    assert {"change"} == {each["action"] for each in stack["changes"]}


@pytest.mark.usefixtures("aws")
def test_changes_in_words(monkeypatch: pytest.MonkeyPatch, run, write_job, emr: str) -> None:
    """Values before and after, what is replaced, and what needs leave, can be read."""
    from dataclasses import replace

    from dativo_infra.adapters import results
    from dativo_infra.adapters.cloudformation import deploy as adapter

    real = adapter.preview

    def replacing(units: Any, **options: Any) -> list[results.StackPreview]:
        [seen] = real(units, **options)
        added = seen.changes[0]
        changes = (
            replace(
                added,
                action="replace",
                guarded=True,
                properties=(
                    results.PropertyChange(path="Size", before="1", after="x" * 200),
                    results.PropertyChange(path="[Tags]"),
                ),
            ),
            replace(added, action="remove", guarded=True, retained=True),
        )
        return [replace(seen, changes=changes, creates=False)]

    monkeypatch.setattr(adapter, "preview", replacing)
    result = run("preview", write_job(emr))
    assert "replace AWS::S3::Bucket log-bucket, needs --allow-replacement" in result.stdout
    assert f"Size: 1 -> {'x' * 100}..." in result.stdout
    assert "[Tags]\n" in result.stdout
    assert "remove AWS::S3::Bucket log-bucket, retained: it stays in the account" in result.stdout


@pytest.mark.usefixtures("aws")
def test_preview_of_what_cannot_be_deployed(run, write_job, emr: str) -> None:
    """A stack that takes no change is an error here too."""
    path = write_job(emr.replace("emr\n", "emr\n  service_account: arn:aws:iam::1:role/none\n"))
    run("deploy", path)
    result = run("preview", path, "--detailed-exitcode")
    assert result.exit_code == 1
    assert "error[DI708]" in result.stderr


def test_jobs_of_pulumi_are_left_to_it(run, examples: Path) -> None:
    """In memory there is CloudFormation alone, and the jobs of others are told."""
    result = run("preview", "--local", examples)
    assert result.exit_code == 0
    assert "left to pulumi: " in result.stderr
    assert "0 unchanged" not in result.stderr


@pytest.mark.parametrize(
    "option",
    [("--local",), ("--region", "x"), ("--detailed-exitcode",), ("--template-bucket", "b")],
)
def test_offline_takes_no_option_of_cloudformation(run, examples: Path, option: Any) -> None:
    """An option that would do nothing is a wrong call."""
    assert run("preview", "--offline", examples, *option).exit_code == 2
