"""The life of a stack of the repository's own program on the real engine, and what AWS then has."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from aws_server import ACCOUNT

from dativo_infra import load, plan
from dativo_infra.diagnostics import raise_errors
from dativo_infra.names import PULUMI
from dativo_infra.resources.kinds import is_taggable

if TYPE_CHECKING:
    from aws_server import Aws
    from workspace import Done, Workspace

    from dativo_infra.planning import Plan, Unit
    from dativo_infra.resources import Resource

REQUIRED = {
    "tenant_id": "acme",
    "source_connector_path": "/c/postgres.yaml",
    "target_connector_path": "/c/iceberg.yaml",
    "asset_path": "/a/orders.yaml",
}
EMR = {
    "platform": "emr",
    "compute": {"instance_type": "m5.xlarge", "instance_count": 2},
    "network": {"subnet_ids": ["subnet-0a1b2c3d"]},
}
FARGATE = {"platform": "fargate"}
TASK = {"run": "task", "image": "registry.example/ingest:1"}
"""The variables of a job that has a cluster of its own, and a task definition."""
SHARED = {**TASK, "cluster_name": "tasks"}
"""Those of one in a cluster that jobs share."""
PASSWORD = "hunter2-hunter2"


def write(
    workspace: Workspace,
    name: str,
    runtime: dict[str, Any],
    variables: dict[str, Any],
    *,
    environment: str = "dev",
    cost: str = "data",
    **block: Any,
) -> None:
    """Write a job file."""
    metadata = {"tags": {"CostCenter": cost}, "variables": variables}
    block = {"provider": "pulumi", "runtime": runtime, "metadata": metadata, **block}
    job = {**REQUIRED, "environment": environment, "infrastructure": block}
    file = workspace.jobs / f"{name}.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(yaml.safe_dump(job))


def planned(workspace: Workspace) -> Plan:
    """Return the plan of the jobs as they are now."""
    made = plan(load([workspace.jobs]).jobs)
    raise_errors(made.diagnostics)
    return made


def name(unit: Unit, resource: Resource) -> str:
    """Return what Pulumi calls the first resource that one of a unit becomes."""
    return f"{unit.name(PULUMI)}-{resource.key}"


def ids(workspace: Workspace, stack: str) -> dict[str, str]:
    """Return the id of each resource of the cloud in the state, by its name."""
    return {
        each["urn"].rpartition("::")[2]: each["id"]
        for each in workspace.state(stack)
        if each["type"].startswith("aws:")
    }


def cluster_states(aws: Aws) -> list[str]:
    """Return the states of all clusters of EMR."""
    return [each["Status"]["State"] for each in aws.client("emr").list_clusters()["Clusters"]]


def done(result: Done) -> Done:
    """Return the result of a command, which must have succeeded."""
    assert result.code == 0, result.log
    return result


def test_stack(workspace: Workspace, aws: Aws) -> None:
    """`up` builds what its preview said, and nothing more the next time; outputs are the jobs'.

    A changed tag is an update in place of exactly what carries it.
    """
    write(workspace, "orders", EMR, {}, outputs={"cluster": "output.emr_cluster_id"})
    write(workspace, "refunds", FARGATE, SHARED)
    workspace.create("dev")
    preview = done(workspace.preview("dev"))
    assert not aws.client("iam").list_roles()["Roles"]
    up = done(workspace.up("dev"))
    assert up.names("create") == preview.names("create")
    assert up.changes == preview.changes
    assert done(workspace.preview("dev", "--expect-no-changes")).changes == {}

    emr, ecs = aws.client("emr"), aws.client("ecs")
    outputs = workspace.outputs("dev")
    assert outputs.keys() == {"acme/dev/orders", "acme/dev/refunds"}
    orders, refunds = outputs["acme/dev/orders"], outputs["acme/dev/refunds"]
    [cluster] = emr.list_clusters()["Clusters"]
    assert orders["cluster"] == orders["emr_cluster_id"] == cluster["Id"]
    [bucket] = aws.client("s3").list_buckets()["Buckets"]
    assert orders["emr_log_bucket"] == bucket["Name"]
    assert [refunds["ecs_cluster_arn"]] == ecs.list_clusters()["clusterArns"]
    tasks = ecs.list_task_definitions()["taskDefinitionArns"]
    assert [refunds["ecs_task_definition_arn"]] == tasks
    [group] = aws.client("logs").describe_log_groups()["logGroups"]
    assert refunds["ecs_log_group"] == group["logGroupName"]

    write(workspace, "orders", EMR, {}, cost="finance")
    changed = done(workspace.up("dev"))
    tagged = {
        name(unit, each)
        for unit in planned(workspace).units
        for each in unit.resources
        if unit.tags["CostCenter"] == "finance" and is_taggable(type(each))
    }
    assert changed.names("update") == tagged
    assert changed.changes == {"update": len(tagged)}
    tags = emr.describe_cluster(ClusterId=cluster["Id"])["Cluster"]["Tags"]
    assert {"Key": "CostCenter", "Value": "finance"} in tags


def test_removed_job(workspace: Workspace, aws: Aws) -> None:
    """A removed job takes its resources with it, and the last one what it shared with others."""
    write(workspace, "orders", FARGATE, SHARED)
    write(workspace, "refunds", FARGATE, SHARED, cost="finance")
    write(workspace, "returns", FARGATE, TASK)
    workspace.create("dev")
    done(workspace.up("dev"))
    before = ids(workspace, "dev")
    cluster = "shared-EcsCluster-tasks-cluster"

    (workspace.jobs / "refunds.yaml").unlink()
    up = done(workspace.up("dev"))
    left = ids(workspace, "dev")
    assert before.keys() - left.keys() == {each for each in before if "-refunds-" in each}
    assert set(up.changes) == {"delete", "update"}
    # It has the tags now that its one job has, and its component says whose it is.
    assert up.names("update") == {cluster, "shared-EcsCluster-tasks"}
    assert left[cluster] == before[cluster]

    (workspace.jobs / "orders.yaml").unlink()
    up = done(workspace.up("dev"))
    assert set(up.changes) == {"delete"}
    assert cluster in up.names("delete")
    assert not [each for each in ids(workspace, "dev") if "-orders-" in each]
    own = workspace.outputs("dev")["acme/dev/returns"]["ecs_cluster_arn"]
    assert aws.client("ecs").list_clusters()["clusterArns"] == [own]


@pytest.mark.usefixtures("aws")
def test_renamed_job(workspace: Workspace) -> None:
    """A job file of another name, with the old one in it, is the same infrastructure.

    All that is new is a revision of a task that is given the file's name.
    """
    write(workspace, "orders", EMR, {})
    write(workspace, "refunds", FARGATE, SHARED)
    write(workspace, "returns", FARGATE, SHARED)
    workspace.create("dev")
    done(workspace.up("dev"))
    before = ids(workspace, "dev")
    for old, new in (("orders", "purchases"), ("refunds", "paybacks")):
        file = workspace.jobs / f"{old}.yaml"
        job = yaml.safe_load(file.read_text())
        job["infrastructure"]["former_names"] = [old]
        (workspace.jobs / f"{new}.yaml").write_text(yaml.safe_dump(job))
        file.unlink()
    up = done(workspace.up("dev"))
    assert up.names("replace") == {"acme-dev-paybacks-task-definition"}
    assert not up.names("create", "delete")
    assert sorted(ids(workspace, "dev").values()) == sorted(before.values())
    assert done(workspace.preview("dev", "--expect-no-changes")).changes == {}


def test_destroy(workspace: Workspace, aws: Aws) -> None:
    """A protected cluster is refused by name; else nothing is left but what is retained."""
    write(workspace, "orders", EMR, {})
    write(workspace, "refunds", FARGATE, SHARED)
    units = planned(workspace).units
    every = [(name(unit, each), each) for unit in units for each in unit.resources]
    retained = {each for each, resource in every if resource.lifecycle.retain}
    workspace.create("dev")
    done(workspace.up("dev"))
    built = ids(workspace, "dev")
    refused = workspace.destroy("dev")
    assert refused.code
    assert re.search(r'orders-cluster" cannot be deleted\s+because it is protected', refused.log)
    assert cluster_states(aws) == ["WAITING"]

    write(workspace, "orders", EMR, {"protect": False})
    done(workspace.up("dev"))
    again = ids(workspace, "dev")
    assert again["acme-dev-orders-cluster"] == built["acme-dev-orders-cluster"]
    done(workspace.destroy("dev"))
    assert not ids(workspace, "dev")
    assert cluster_states(aws) == ["TERMINATED"]
    iam, ecs = aws.client("iam"), aws.client("ecs")
    assert not iam.list_roles()["Roles"]
    assert not iam.list_instance_profiles()["InstanceProfiles"]
    assert not ecs.list_clusters()["clusterArns"]
    assert not ecs.list_task_definitions()["taskDefinitionArns"]
    left = {each["Name"] for each in aws.client("s3").list_buckets()["Buckets"]}
    left |= {each["logGroupName"] for each in aws.client("logs").describe_log_groups()["logGroups"]}
    assert len(retained) == 2
    assert left == {state[each] for state in (built, again) for each in retained}


@pytest.mark.usefixtures("aws")
def test_refused_program(workspace: Workspace) -> None:
    """A broken job, a selection without jobs and no jobs at all change nothing, and say why."""
    write(workspace, "orders", FARGATE, SHARED)
    workspace.create("dev")
    done(workspace.up("dev"))
    before = ids(workspace, "dev")

    def refused(why: str) -> None:
        up = workspace.up("dev")
        assert up.code
        assert why in up.log
        assert up.changes == {}, up.log
        assert ids(workspace, "dev") == before

    for settings, why in (
        (
            {"environment": "staging"},
            "no job has environment `staging`; there are (tenant/environment): acme/dev",
        ),
        ({"jobs": []}, "no jobs are named"),
    ):
        workspace.configure("dev", **settings)
        refused(why)
    workspace.configure("dev")
    write(workspace, "good", FARGATE, SHARED)
    write(workspace, "broken", {"platform": "fargat"}, TASK)
    before_it, _, _ = (workspace.jobs / "broken.yaml").read_text().partition("fargat")
    *lines, last = before_it.split("\n")
    refused(f"jobs/broken.yaml:{len(lines) + 1}:{len(last) + 1}")


def test_failed_resource(workspace: Workspace, aws: Aws) -> None:
    """What AWS refuses leaves the rest, and `up` builds only what is missing when it is mended."""
    cluster = f"arn:aws:ecs:us-east-1:{ACCOUNT}:cluster/theirs"
    [subnet, *_] = aws.client("ec2").describe_subnets()["Subnets"]
    network = {"subnet_ids": [subnet["SubnetId"]]}
    runtime = {**FARGATE, "compute": {"cluster_id": cluster}, "network": network}
    write(workspace, "orders", runtime, {"image": TASK["image"]})
    write(workspace, "refunds", FARGATE, SHARED)
    workspace.create("dev")
    failed = workspace.up("dev", "--continue-on-error")
    assert failed.code
    assert "(ClusterNotFoundException) when calling the CreateService operation" in failed.log
    before = ids(workspace, "dev")
    every = {name(unit, each) for unit in planned(workspace).units for each in unit.resources}
    assert every - before.keys() == {"acme-dev-orders-service"}

    aws.client("ecs").create_cluster(clusterName="theirs")
    up = done(workspace.up("dev"))
    assert up.changes == {"create": 1}
    after = ids(workspace, "dev")
    assert before.items() <= after.items()
    assert every <= after.keys()


def test_secret(workspace: Workspace, aws: Aws) -> None:
    """A secret of the configuration reaches AWS, and is in the clear in no file, log or output."""
    endpoint = "rediss://:${REDIS_PASSWORD}@cache.example:6379"
    write(workspace, "orders", FARGATE, SHARED, resources={"cache": {"endpoint": endpoint}})
    workspace.create("dev")
    workspace.pulumi("config", "set", "--stack", "dev", "--secret", "REDIS_PASSWORD", PASSWORD)
    up = done(workspace.up("dev"))
    manager = aws.client("secretsmanager")
    [secret] = manager.list_secrets()["SecretList"]
    value = manager.get_secret_value(SecretId=secret["ARN"])["SecretString"]
    assert value == f"rediss://:{PASSWORD}@cache.example:6379"
    # Among them are the state with its history, and the engine's events.
    files = [each for each in workspace.folder.rglob("*") if each.is_file()]
    assert any(secret["Name"] in each.read_text() for each in files)
    assert not [each for each in files if PASSWORD in each.read_text()]
    assert PASSWORD not in up.log
    assert PASSWORD not in workspace.pulumi("stack", "output", "--json", "--stack", "dev")


def test_two_environments(workspace: Workspace, aws: Aws) -> None:
    """Each stack builds the jobs of its name alone, and destroying one leaves the other."""
    built: dict[str, list[dict[str, Any]]] = {}
    for stack in ("dev", "prod"):
        write(workspace, f"{stack}/orders", FARGATE, TASK, environment=stack)
    for stack in ("dev", "prod"):
        workspace.create(stack)
        assert done(workspace.up(stack)).changes.keys() == {"create"}
        assert list(workspace.outputs(stack)) == [f"acme/{stack}/orders"]
        built[stack] = workspace.state(stack)
    assert workspace.state("dev") == built["dev"]
    done(workspace.destroy("dev"))
    assert workspace.state("prod") == built["prod"]
    left = [each["RoleName"] for each in aws.client("iam").list_roles()["Roles"]]
    left += aws.client("ecs").list_clusters()["clusterArns"]
    kinds = ("aws:iam/role:Role", "aws:ecs/cluster:Cluster")
    assert sorted(left) == sorted(each["id"] for each in built["prod"] if each["type"] in kinds)


@pytest.mark.usefixtures("aws")
def test_shards(workspace: Workspace) -> None:
    """Two shards together build each unit once, and a further job changes one of them alone."""
    for each in ("orders", "refunds"):
        write(workspace, each, FARGATE, SHARED)
    stacks = ("0", "1")
    for stack in stacks:
        workspace.create(stack, environment="dev", shard=f"{stack}/2")
    first, second = (done(workspace.up(stack)).names("create") for stack in stacks)
    units = {unit.name(PULUMI) for unit in planned(workspace).units}
    assert len(units & first) + len(units & second) == len(units)
    assert units & first
    assert units & second
    write(workspace, "returns", FARGATE, TASK)
    changed = [
        done(workspace.preview(stack)).names("create", "update", "delete") for stack in stacks
    ]
    assert min(changed, key=len) == set()
    assert "acme-dev-returns" in max(changed, key=len)
