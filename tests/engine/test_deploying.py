"""`dativo-infra deploy`, `preview`, `output` and `destroy` of jobs that Pulumi owns."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from dativo_infra import load, load_project, plan

if TYPE_CHECKING:
    from aws_server import Aws
    from workspace import Workspace

JOB = """\
tenant_id: acme
environment: {environment}
source_connector_path: /app/connectors/postgres.yaml
target_connector_path: /app/connectors/iceberg.yaml
asset_path: /app/assets/orders.yaml
infrastructure:
  provider: pulumi
  runtime:
    platform: {platform}
    compute: {{instance_type: m5.xlarge}}
    network: {{subnet_ids: [subnet-0a1b2c3d]}}
{more}\
  metadata:
    tags: {{Team: {team}}}
    variables: {{{variables}}}
"""
SHARED = "cluster_name: tasks, image: 'registry.example/runner:1', run: task"


def write(
    workspace: Workspace,
    name: str,
    *,
    team: str = "a",
    platform: str = "emr",
    environment: str = "prod",
    variables: str = "protect: false",
    more: str = "",
) -> None:
    """Write a job file."""
    text = JOB.format(
        team=team, platform=platform, environment=environment, variables=variables, more=more
    )
    (workspace.jobs / f"{name}.yaml").write_text(text)


@pytest.fixture
def ready(workspace: Workspace, aws: Aws) -> Workspace:
    """A workspace whose AWS has the network that the jobs name, with a project of a name."""
    (workspace.jobs / "dativo-infra.yaml").write_text("name: shop\n")
    write(workspace, "orders")
    aws.has_what_jobs_name(plan(load([workspace.jobs]).jobs, load_project()[0]))
    return workspace


def data(workspace: Workspace, *arguments: str, code: int = 0) -> dict[str, Any]:
    """Run a command that must end with an exit code, and return its JSON."""
    done = workspace.dativo(*arguments, "--format", "json")
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout)


def actions(result: dict[str, Any]) -> dict[str, str]:
    """Return what was done to each unit."""
    return {each["identity"]: each["action"] for each in result["stacks"]}


def names(workspace: Workspace) -> set[str]:
    """Return the logical names of what the stack prod has."""
    return {each["urn"].rpartition("::")[2] for each in workspace.state("prod")}


def test_life(ready: Workspace, aws: Aws) -> None:
    """A job is previewed, deployed, unchanged, changed in place, asked for and destroyed."""
    before = sorted((ready.folder / "stacks").iterdir())
    preview = ready.dativo("preview", "jobs", "--detailed-exitcode")
    assert preview.returncode == 3, preview.stderr
    assert "add aws:emr/cluster:Cluster cluster jobs/orders.yaml:9:15" in preview.stdout
    assert sorted((ready.folder / "stacks").iterdir()) == before
    assert json.loads(ready.pulumi("stack", "ls", "--json")) == []

    [created] = data(ready, "deploy", "jobs")["stacks"]
    assert (created["stack"], created["action"]) == ("prod:acme-prod-orders", "created")
    [cluster] = aws.client("emr").list_clusters()["Clusters"]
    assert created["outputs"]["emr_cluster_id"] == cluster["Id"]
    assert ready.dativo("preview", "jobs", "--detailed-exitcode").returncode == 0

    write(ready, "orders", team="b")
    [changed] = data(ready, "preview", "jobs")["stacks"]
    assert {each["action"] for each in changed["changes"]} == {"change"}
    paths = {
        (one["path"], one["before"], one["after"])
        for each in changed["changes"]
        for one in each["properties"]
    }
    assert paths == {("tags.Team", "a", "b")}
    assert actions(data(ready, "deploy", "jobs")) == {"acme/prod/orders": "updated"}
    assert (
        f"EMR_CLUSTER_ID='{cluster['Id']}'"
        in ready.dativo("output", "jobs", "--format", "env").stdout.splitlines()
    )

    done = ready.dativo("destroy", "jobs", "--yes")
    assert done.returncode == 0, done.stderr
    assert "aws:s3/bucket:Bucket acme-prod-orders-log-bucket-" in done.stdout
    [cluster] = aws.client("emr").list_clusters()["Clusters"]
    assert cluster["Status"]["State"] == "TERMINATED"
    assert ready.types("prod").total() == 0
    missing = ready.dativo("output", "jobs")
    assert missing.returncode == 1
    assert "error[DI712]: acme/prod/orders is not deployed" in missing.stderr


def test_same_stack_as_the_program(ready: Workspace) -> None:
    """What `deploy` built the program of the repository finds unchanged, and the other way."""
    data(ready, "deploy", "jobs")
    ready.configure("prod")
    done = ready.preview("prod", "--expect-no-changes")
    assert (done.code, done.changes) == (0, {}), done.log
    write(ready, "orders", team="b")
    assert ready.up("prod").changes["update"]
    assert actions(data(ready, "deploy", "jobs")) == {"acme/prod/orders": "unchanged"}


def test_some_jobs_of_a_stack(ready: Workspace) -> None:
    """A run with some jobs leaves the others; what no job names is deleted only when asked for."""
    write(ready, "clicks")
    data(ready, "deploy", "jobs")
    before = ready.outputs("prod")
    write(ready, "orders", team="b")
    assert actions(data(ready, "deploy", "jobs/orders.yaml")) == {"acme/prod/orders": "updated"}
    assert ready.outputs("prod") == before

    (ready.jobs / "clicks.yaml").unlink()
    [orphan] = data(ready, "deploy", "jobs")["orphans"]
    assert orphan == {
        "identity": "acme/prod/clicks",
        "stack": "prod:acme-prod-clicks",
        "kept": None,
    }
    assert "acme-prod-clicks-cluster" in names(ready)
    [pruned] = data(ready, "deploy", "jobs", "--prune", "--yes")["pruned"]
    assert pruned == {"stack": "prod:acme-prod-clicks", "action": "deleted"}
    assert "acme-prod-orders-cluster" in names(ready)
    assert not any(name.startswith("acme-prod-clicks") for name in names(ready))


def test_failure_is_shown_at_the_job(ready: Workspace, aws: Aws) -> None:
    """What AWS refuses is shown at its job's line; the other jobs go on, and a second run ends."""
    write(ready, "wrong", platform="fargate", variables="image: 'registry.example/runner:1'")
    path = ready.jobs / "wrong.yaml"
    arn = "arn:aws:ecs:us-east-1:123456789012:cluster/absent"
    path.write_text(path.read_text().replace("instance_type: m5.xlarge", f"cluster_id: '{arn}'"))
    done = ready.dativo("deploy", "jobs", "--format", "json")
    assert done.returncode == 1
    assert actions(json.loads(done.stdout)) == {
        "acme/prod/orders": "created",
        "acme/prod/wrong": "failed",
    }
    assert "error[DI702]: `acme-prod-wrong-service` (aws:ecs/service:Service)" in done.stderr
    assert "ClusterNotFoundException" in done.stderr
    assert "--> jobs/wrong.yaml:9:15" in done.stderr

    aws.client("ecs").create_cluster(clusterName="absent")
    assert actions(data(ready, "deploy", "jobs")) == {
        "acme/prod/orders": "unchanged",
        "acme/prod/wrong": "updated",
    }


def test_what_would_be_lost_is_kept(ready: Workspace, aws: Aws) -> None:
    """A cluster is replaced only where that is allowed, and while it is protected not destroyed."""
    data(ready, "deploy", "jobs")
    [before] = aws.client("emr").list_clusters()["Clusters"]
    write(ready, "orders", variables="protect: true, applications: [Spark, Hive]")
    refused = ready.dativo("deploy", "jobs")
    assert refused.returncode == 1
    words = "error[DI706]: The stack prod would replace `cluster` (aws:emr/cluster:Cluster)"
    assert words in refused.stderr
    assert "--> jobs/orders.yaml:" in refused.stderr
    [same] = aws.client("emr").list_clusters()["Clusters"]
    assert same == before

    protected = (ready.jobs / "orders.yaml").read_text()
    write(ready, "orders", platform="fargate", variables="image: 'registry.example/runner:1'")
    moved = ready.dativo("deploy", "jobs")
    assert "error[DI706]: The stack prod would remove `cluster`" in moved.stderr
    assert moved.returncode == 1
    (ready.jobs / "orders.yaml").write_text(protected)

    data(ready, "deploy", "jobs", "--allow-replacement")
    clusters = aws.client("emr").list_clusters()["Clusters"]
    states = {each["Id"]: each["Status"]["State"] for each in clusters}
    assert states.pop(before["Id"]) == "TERMINATED"
    assert set(states.values()) == {"WAITING"}

    done = ready.dativo("destroy", "jobs", "--yes")
    assert "stays: protected" in done.stdout
    assert "Nothing was deleted." in done.stderr
    assert "acme-prod-orders-cluster" in names(ready)


def test_shared_cluster(ready: Workspace) -> None:
    """What jobs share is kept by a run with some of them, which cannot bring a new user either."""
    for name in ("orders", "clicks"):
        write(ready, name, platform="fargate", variables=SHARED, team=name)
    assert set(actions(data(ready, "deploy", "jobs")).values()) == {"created"}
    before = [each for each in ready.state("prod") if each["urn"].endswith("-tasks-cluster")]

    found = actions(data(ready, "deploy", "jobs/orders.yaml"))
    assert sorted(found.values()) == ["kept", "unchanged"]
    after = [each for each in ready.state("prod") if each["urn"].endswith("-tasks-cluster")]
    assert [each["inputs"] for each in after] == [each["inputs"] for each in before]

    write(ready, "new", platform="fargate", variables=SHARED)
    refused = ready.dativo("deploy", "jobs/new.yaml")
    assert refused.returncode == 1
    assert "error[DI715]" in refused.stderr

    done = ready.dativo("destroy", "jobs/orders.yaml", "--yes")
    assert done.returncode == 0, done.stderr
    assert "stays: still used by acme/prod/clicks" in done.stdout


def test_environments_are_stacks(ready: Workspace) -> None:
    """Each environment is a stack of its own; one that is named builds the jobs it is for."""
    write(ready, "clicks", environment="dev")
    result = data(ready, "deploy", "jobs")
    assert {each["stack"] for each in result["stacks"]} == {
        "dev:acme-dev-clicks",
        "prod:acme-prod-orders",
    }
    ready.create("blue", environment="dev")  # and selects it, for whoever works there
    [made] = data(ready, "preview", "jobs", "--stack", "blue")["stacks"]
    assert made["identity"] == "acme/dev/clicks"
    assert ready.pulumi("stack", "--show-name").strip() == "blue"
    ready.configure("red", environment="dev", tenant="globex")
    wrong = ready.dativo("preview", "jobs", "--stack", "red")
    assert "the stack red is for globex/dev, which has no job here" in wrong.stderr
    wrong = ready.dativo("preview", "jobs", "--stack", "green")
    assert wrong.returncode == 2
    assert "the stack green is for green, which has no job here" in wrong.stderr


def test_broken_job(ready: Workspace) -> None:
    """A broken job stops the run before a stack is even looked at."""
    write(ready, "broken", platform="emrr")
    done = ready.dativo("deploy", "jobs")
    assert done.returncode == 1
    assert "--> jobs/broken.yaml:9:15" in done.stderr
    assert json.loads(ready.pulumi("stack", "ls", "--json")) == []


def test_foreign_stack(ready: Workspace) -> None:
    """A stack that holds what no job is known for is neither changed nor made ours."""
    program = ready.folder / "stacks" / "__main__.py"
    program.write_text("import pulumi\npulumi.ComponentResource('other:index:Thing', 'thing')\n")
    ready.create("prod")
    assert ready.up("prod").code == 0
    before = ready.state("prod")
    done = ready.dativo("deploy", "jobs")
    assert done.returncode == 1
    assert "error[DI716]: The stack prod holds thing" in done.stderr
    assert ready.state("prod") == before


def test_parameters_and_secrets(ready: Workspace, aws: Aws) -> None:
    """All missing values are named at once; a secret reaches its resource, and is never shown."""
    variables = "image: 'registry.example/runner:1', run: task"
    write(ready, "orders", platform="fargate", variables=variables)
    path = ready.jobs / "orders.yaml"
    path.write_text(
        f"{path.read_text()}  resources:\n"
        '    cache: {endpoint: "rediss://${SHOP_PASSWORD}:${SHOP_TOKEN}@cache.example:6379"}\n'
    )
    missing = ready.dativo("deploy", "jobs")
    assert missing.returncode == 1
    assert "error[DI701]: `SHOP_TOKEN` has no value." in missing.stderr
    assert "error[DI701]: `SHOP_PASSWORD` has no value." in missing.stderr
    assert "--> jobs/orders.yaml:16:" in missing.stderr
    assert json.loads(ready.pulumi("stack", "ls", "--json")) == []

    ready.create("prod")
    ready.pulumi("config", "set", "--stack", "prod", "--secret", "SHOP_TOKEN", "hunter2")
    ready.environment.update(SHOP_PASSWORD="from-the-environment")
    done = ready.dativo("deploy", "jobs", "--format", "json")
    assert done.returncode == 0, done.stderr
    client = aws.client("secretsmanager")
    arns = [each["ARN"] for each in client.list_secrets()["SecretList"]]
    values = "".join(client.get_secret_value(SecretId=arn)["SecretString"] for arn in arns)
    files = [each for each in ready.folder.rglob("*") if each.suffix in {".json", ".yaml"}]
    texts = [done.stdout, done.stderr, *(each.read_text() for each in files)]
    for secret in ("hunter2", "from-the-environment"):
        assert secret in values
        assert not any(secret in text for text in texts)


def test_without_the_cli(ready: Workspace) -> None:
    """Without the CLI it is said what to install, and the jobs of the other tool can be chosen."""
    ready.environment["PATH"] = ""
    done = ready.dativo("deploy", "jobs")
    assert done.returncode == 1
    assert "error[DI717]: The Pulumi CLI was not found." in done.stderr
    assert "https://www.pulumi.com/docs/install" in done.stderr
    other = ready.dativo("deploy", "jobs", "--tool", "cloudformation")
    assert (other.returncode, "left to pulumi: acme/prod/orders" in other.stderr) == (0, True)


def test_wrong_passphrase(ready: Workspace) -> None:
    """What the CLI refuses is told in its own words, without a traceback."""
    ready.create("prod")
    ready.environment["PULUMI_CONFIG_PASSPHRASE"] = "another"
    done = ready.dativo("deploy", "jobs")
    assert done.returncode == 1
    assert "error[DI718]: The stack prod: " in done.stderr
    assert "incorrect passphrase" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_project(ready: Workspace) -> None:
    """Without a Pulumi.yaml it works on a project of the tool's own, and finds it again."""
    (ready.folder / "Pulumi.yaml").unlink()
    shutil.rmtree(ready.folder / "stacks")
    assert actions(data(ready, "deploy", "jobs")) == {"acme/prod/orders": "created"}
    assert actions(data(ready, "deploy", "jobs")) == {"acme/prod/orders": "unchanged"}
    assert not (ready.folder / "Pulumi.yaml").exists()


def test_interrupted(ready: Workspace) -> None:
    """Ctrl-C ends the run with 130 and no lock, and the same command goes on."""
    # Whoever started the tests may have it ignored, as a shell does in the background.
    heeding = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    program = f"{heeding}; from dativo_infra.cli import main; main()"
    command = [sys.executable, "-c", program, "deploy", "jobs"]
    with subprocess.Popen(  # noqa: S603 - our own program
        command,
        cwd=ready.folder,
        env=ready.variables(),
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stderr
        line = process.stderr.readline()
        assert "created" in line
        # As a terminal does: to the whole group.
        os.killpg(process.pid, signal.SIGINT)
        rest = process.stderr.read()
        assert process.wait(60) == 130, line + rest
    assert "Interrupted. Run the same command again to go on." in rest
    assert actions(data(ready, "deploy", "jobs")) in (
        {"acme/prod/orders": "created"},
        {"acme/prod/orders": "updated"},
    )
