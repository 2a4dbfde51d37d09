"""The commands on the real Terraform, with resources of the providers' own schemas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from terraform_provider import providers
from workspace import find

from dativo_infra.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from click.testing import Result

JOB = """\
tenant_id: acme
environment: prod
source_connector_path: /c/a.yaml
target_connector_path: /c/b.yaml
asset_path: /a/c.yaml
infrastructure:
  provider: terraform
  terraform: {{workspace: prod, backend_config: {{type: local}}}}
  runtime:
    platform: fargate
    network: {{subnet_ids: [subnet-0a1b2c3d]}}
  metadata:
    variables:
      run: task
      {cluster}image: example.com/ingest:${{TAG}}
  outputs: {{task: output.ecs_task_definition_arn}}
"""
SHARED = "cluster_name: tasks\n      "


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Result]]:
    """Run a command in a folder that is its own project, with the providers beside it."""
    program = find("terraform") or find("tofu")
    if program is None:
        pytest.skip("neither terraform nor tofu is on this machine: run `make engines`")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATIVO_INFRA_TERRAFORM", program)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "dativo-infra.yaml").touch()
    (tmp_path / "jobs").mkdir()

    def invoke(*arguments: str, code: int = 0) -> Result:
        result = CliRunner().invoke(main, arguments)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result

    with providers() as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        yield invoke


def write(name: str, *, cluster: str = SHARED) -> None:
    """Write a job into the current folder's jobs."""
    Path("jobs", f"{name}.yaml").write_text(JOB.format(cluster=cluster))


def actions(result: Result) -> dict[str, str]:
    """Return what was done to each root of a deployment that told in JSON."""
    return {each["stack"]: each["action"] for each in json.loads(result.stdout)["stacks"]}


def test_what_jobs_share_comes_first_and_goes_last(run: Any, tmp_path: Path) -> None:
    """Two jobs and their cluster are previewed, deployed, asked, and destroyed one by one."""
    for name in ("orders", "sales"):
        write(name)
    missing = run("deploy", "jobs", code=1).stderr
    assert "error[DI701]" in missing
    assert "jobs/orders.yaml:" in missing
    tag = ("--param", "TAG=v1")
    preview = run("preview", "jobs", *tag).stdout
    assert "add aws_ecs_cluster" in preview
    assert not list(tmp_path.rglob("terraform.tfstate.d"))
    done = actions(run("deploy", "jobs", *tag, "--format", "json"))
    (cluster,) = {*done} - {"acme-prod-orders", "acme-prod-sales"}
    assert set(done.values()) == {"created"}
    assert "No changes" in run("deploy", "jobs", *tag).stderr
    alone = actions(run("deploy", "jobs/orders.yaml", *tag, "--format", "json"))
    assert alone == {cluster: "kept", "acme-prod-orders": "unchanged"}
    told = json.loads(run("output", "jobs", "--format", "json").stdout)["jobs"]
    values = told["acme/prod/orders"]
    assert values["ecs_cluster_name"] == "tasks"
    assert values["task"] == values["ecs_task_definition_arn"]
    assert "dativo_jobs" not in values
    gone = run("destroy", "jobs/orders.yaml", "--yes")
    assert "still used by acme/prod/sales" in gone.stdout
    assert "retained, 1 resource" in gone.stdout
    assert "aws_cloudwatch_log_group" in gone.stdout
    everything = run("destroy", "jobs", "--yes")
    assert "2 deleted" in everything.stderr
    assert "Nothing is deployed" in run("destroy", "jobs", "--yes").stderr


def test_only_what_would_be_lost_must_be_allowed(run: Any) -> None:
    """A role may go; the cluster that tasks run in is refused at its line until it is allowed."""
    write("orders", cluster="")
    run("deploy", "jobs", "--param", "TAG=v1")
    changed = run("deploy", "jobs", "--param", "TAG=v2", "--format", "json")
    assert actions(changed) == {"acme-prod-orders": "updated"}
    write("orders")
    refused = run("deploy", "jobs", "--param", "TAG=v2", code=1).stderr
    assert "error[DI706]" in refused
    assert "remove `aws_ecs_cluster.cluster`" in refused
    assert "jobs/orders.yaml:" in refused
    run("deploy", "jobs", "--param", "TAG=v2", "--allow-replacement")


def test_what_is_protected_stays_until_it_is_not(run: Any) -> None:
    """A cluster with `protect` is kept, and goes once a deployment has taken that away."""
    write("orders", cluster="")
    path = Path("jobs", "orders.yaml")
    head, _, rest = path.read_text().partition("    platform: fargate\n")
    machines = "    platform: emr\n    compute: {instance_type: m5.xlarge}\n"
    block = f"{head}{machines}{rest.partition('  metadata')[0]}"
    path.write_text(block)
    run("deploy", "jobs")
    kept = run("destroy", "jobs", "--yes")
    assert "stays: protected" in kept.stdout
    assert "Nothing was deleted" in kept.stderr
    path.write_text(f"{block}  metadata: {{variables: {{protect: false}}}}\n")
    assert "error" not in run("deploy", "jobs").stderr
    gone = run("destroy", "jobs", "--yes")
    assert "retained, " in gone.stdout
    assert "1 deleted" in gone.stderr
