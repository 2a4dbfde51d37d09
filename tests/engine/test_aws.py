"""The AWS examples through the real engine, and what AWS then has, asked by boto3."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

import jmespath
import pytest
import yaml
from workspace import PROVIDERS, REPOSITORY, Workspace

from dativo_infra import load, load_project, plan
from dativo_infra.adapters.pulumi import build
from dativo_infra.diagnostics import raise_errors
from dativo_infra.names import PULUMI
from dativo_infra.resources.kinds import is_taggable
from dativo_infra.testing import record

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from aws_server import Aws
    from workspace import Done

    from dativo_infra.planning import Plan

sys.path.insert(0, str(PROVIDERS / "aws"))  # as where the engine starts it
TYPES = import_module("aws_provider.types").TYPES

EXAMPLES = REPOSITORY / "examples" / "jobs"
PASSWORD = "hunter2-hunter2"
STOCK = """
tenant_id: globex
environment: prod
source_connector_path: /app/connectors/postgres.yaml
target_connector_path: /app/connectors/iceberg.yaml
asset_path: /app/assets/stock.yaml
infrastructure:
  provider: pulumi
  runtime:
    platform: ecs
    compute:
      instance_type: m5.large
      auto_scaling: {enabled: true, min_instances: 1, max_instances: 3}
    network: {subnet_ids: [subnet-0123456789abcdef0]}
  metadata:
    tags: {CostCenter: finance, Owner: stock@globex.example}
    variables:
      cluster_name: machines
      image: 123456789012.dkr.ecr.eu-central-1.amazonaws.com/dativo-ingest:1.8.0
      runner_config: /app/configs/stock.yaml
  resources:
    cache: {endpoint: "rediss://:${REDIS_PASSWORD}@cache.globex.internal:6379"}
"""
"""What no example has: a secret, and a service that scales on the machines of a shared cluster."""
JOBS: Mapping[str, str] = {
    **{
        name: (EXAMPLES / f"{name}.yaml").read_text()
        for name in (
            "acme/audit_ecs",
            "acme/billing_emr",
            "acme/clickstream_emr",
            "acme/invoices_fargate",
            "acme/loyalty_fargate",
            "acme/returns_fargate",
            "globex/exports_fargate",
            "globex/inventory_emr",
            "globex/lab_ecs",
            "globex/legacy_ecs",
            "globex/prices_fargate",
            "globex/sensors_ecs",
        )
    },
    "globex/stock": STOCK,
}
"""The examples that are built on AWS, by whichever tool, and what they do not have."""
NETWORK = {"aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet"}
"""The types that only programs build, not jobs."""

TAGS: Mapping[str, tuple[str, str, str, str]] = {
    "aws:appautoscaling/target:Target": (
        "application-autoscaling",
        "list_tags_for_resource",
        "{ResourceARN: arn}",
        "Tags",
    ),
    "aws:autoscaling/group:Group": (
        "autoscaling",
        "describe_auto_scaling_groups",
        "{AutoScalingGroupNames: [id]}",
        "AutoScalingGroups[0].Tags[?PropagateAtLaunch]",
    ),
    "aws:cloudwatch/logGroup:LogGroup": (
        "logs",
        "list_tags_for_resource",
        "{resourceArn: arn}",
        "tags",
    ),
    "aws:ec2/launchTemplate:LaunchTemplate": (
        "ec2",
        "describe_launch_templates",
        "{LaunchTemplateIds: [id]}",
        "LaunchTemplates[0].Tags",
    ),
    **{
        f"aws:ecs/{kind}": ("ecs", "list_tags_for_resource", "{resourceArn: arn}", "tags")
        for kind in (
            "capacityProvider:CapacityProvider",
            "cluster:Cluster",
            "service:Service",
            "taskDefinition:TaskDefinition",
        )
    },
    "aws:emr/cluster:Cluster": ("emr", "describe_cluster", "{ClusterId: id}", "Cluster.Tags"),
    "aws:iam/instanceProfile:InstanceProfile": (
        "iam",
        "get_instance_profile",
        "{InstanceProfileName: id}",
        "InstanceProfile.Tags",
    ),
    "aws:iam/role:Role": ("iam", "list_role_tags", "{RoleName: id}", "Tags"),
    "aws:s3/bucket:Bucket": ("s3", "get_bucket_tagging", "{Bucket: id}", "TagSet"),
    "aws:secretsmanager/secret:Secret": (
        "secretsmanager",
        "describe_secret",
        "{SecretId: id}",
        "Tags",
    ),
}
"""How the tags of each type are asked for: the service, the operation, of what, and where."""

ASSOCIATION = "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders"
"""What is only a property of another resource for AWS, which lists it nowhere."""
LISTS: tuple[tuple[str, str, Mapping[str, str], str], ...] = (
    (
        "application-autoscaling",
        "describe_scaling_policies",
        {"ServiceNamespace": "ecs"},
        "ScalingPolicies[].PolicyARN",
    ),
    (
        "application-autoscaling",
        "describe_scalable_targets",
        {"ServiceNamespace": "ecs"},
        "ScalableTargets[].ResourceId",
    ),
    (
        "autoscaling",
        "describe_auto_scaling_groups",
        {},
        "AutoScalingGroups[].AutoScalingGroupName",
    ),
    ("ec2", "describe_launch_templates", {}, "LaunchTemplates[].LaunchTemplateId"),
    (
        "ec2",
        "describe_instances",
        {},
        "Reservations[].Instances[] | [?State.Name != 'terminated'].InstanceId",
    ),
    (
        "ecs",
        "describe_capacity_providers",
        {},
        "capacityProviders[?status == 'ACTIVE'].capacityProviderArn",
    ),
    ("ecs", "list_clusters", {}, "clusterArns"),
    ("ecs", "list_task_definitions", {"status": "ACTIVE"}, "taskDefinitionArns"),
    ("emr", "list_clusters", {}, "Clusters[?!starts_with(Status.State, 'TERMINAT')].Id"),
    ("emr", "list_security_configurations", {}, "SecurityConfigurations[].Name"),
    ("iam", "list_instance_profiles", {}, "InstanceProfiles[].InstanceProfileName"),
    ("iam", "list_roles", {}, "Roles[].RoleName"),
    ("logs", "describe_log_groups", {}, "logGroups[].logGroupName"),
    ("s3", "list_buckets", {}, "Buckets[].Name"),
    ("scheduler", "list_schedules", {}, "Schedules[].join('/', [GroupName, Name])"),
    ("secretsmanager", "list_secrets", {}, "SecretList[].ARN"),
)
"""How services are asked for all that they have: also the arguments, and where the ids are."""
REGIONS = ("us-east-1", "eu-central-1")


@dataclass(frozen=True, slots=True)
class Created:
    """A resource that a stack has created, and what it was planned as."""

    name: str
    type: str
    id: str
    outputs: Mapping[str, Any]
    planned: Any
    region: str


class Fleet:
    """Jobs in a workspace, and an AWS that has what they name."""

    def __init__(self, workspace: Workspace, aws: Aws, jobs: Mapping[str, str]) -> None:
        self.aws = aws
        self._workspace = workspace
        workspace.environment["REDIS_PASSWORD"] = PASSWORD
        write(jobs, workspace.jobs)
        aws.has_what_jobs_name(self.planned())

    def change(self, name: str, field: str, value: Any) -> None:
        """Set a field of a job's infrastructure block."""
        file = self._workspace.jobs / f"{name}.yaml"
        document = yaml.safe_load(file.read_text())
        *above, last = field.split(".")
        block = document["infrastructure"]
        for key in above:
            block = block.setdefault(key, {})
        block[last] = value
        file.write_text(yaml.safe_dump(document))

    def planned(self) -> Plan:
        """Return the plan of the jobs, as the program makes it."""
        project, _ = load_project(self._workspace.jobs / "dativo-infra.yaml")
        planned = plan(load([self._workspace.jobs], {}).jobs, project, provider="pulumi")
        raise_errors(planned.diagnostics)
        return planned

    def created(self, stack: str) -> list[Created]:
        """Return what a stack has created of planned resources; the first of each's parts."""
        planned = {
            f"{unit.name(PULUMI)}-{resource.key}": (resource, unit.target.region or "")
            for unit in self.planned().units
            for resource in unit.resources
        }
        named = ((each["urn"].rpartition("::")[2], each) for each in self._workspace.state(stack))
        return [
            Created(name, each["type"], each["id"], each["outputs"], *planned[name])
            for name, each in named
            if name in planned
        ]

    def tags(self, resource: Created) -> dict[str, str]:
        """Return a resource's tags, asked from its service."""
        service, operation, which, place = TAGS[resource.type]
        facts = {"id": resource.id, "arn": resource.outputs.get("arn")}
        ask = getattr(self.aws.client(service, resource.region), operation)
        tags = jmespath.search(place, ask(**jmespath.search(which, facts)))
        if isinstance(tags, dict):
            return tags
        lower = ({key.lower(): value for key, value in tag.items()} for tag in tags)
        return {tag["key"]: tag["value"] for tag in lower}

    def listed(self) -> set[str]:
        """Return the ids of everything that the services list in the regions of the jobs."""
        listed: set[str] = set()
        for region in REGIONS:
            for service, operation, arguments, place in LISTS:
                ask = getattr(self.aws.client(service, region), operation)
                listed.update(jmespath.search(place, ask(**arguments)))
            ecs = self.aws.client("ecs", region)
            for cluster in ecs.list_clusters()["clusterArns"]:
                listed.update(ecs.list_services(cluster=cluster)["serviceArns"])
        return listed

    def unlisted(self, stack: str) -> set[str]:
        """Return the types of what a stack has created and no service lists."""
        listed = self.listed()
        return {
            each.type
            for each in self.created(stack)
            if not {each.id, each.outputs.get("arn")} & listed
        }

    def one(self, stack: str, kind: str) -> Created:
        """Return the only resource of a type."""
        (found,) = (each for each in self.created(stack) if each.type == kind)
        return found


def write(jobs: Mapping[str, str], folder: Path) -> None:
    """Write jobs into a folder, with the examples' project."""
    shutil.copy(EXAMPLES / "dativo-infra.yaml", folder)
    for name, text in jobs.items():
        file = folder / f"{name}.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)


def done(result: Done) -> set[str]:
    """Return which operations were done; none may have failed."""
    assert result.code == 0, result.log
    return set(result.changes)


def service(aws: Aws, resource: Created) -> None:
    """A service hands its tags on to its tasks."""
    cluster = resource.outputs["cluster"]
    client = aws.client("ecs", resource.region)
    (found,) = client.describe_services(cluster=cluster, services=[resource.id])["services"]
    assert found["propagateTags"] == "SERVICE"
    assert found["enableECSManagedTags"]


def launch_template(aws: Aws, resource: Created) -> None:
    """A launch template tags a machine, and what comes with it."""
    client = aws.client("ec2", resource.region)
    (found,) = client.describe_launch_template_versions(
        LaunchTemplateId=resource.id, Versions=["$Latest"]
    )["LaunchTemplateVersions"]
    tagged = {
        each["ResourceType"]: {tag["Key"]: tag["Value"] for tag in each["Tags"]}
        for each in found["LaunchTemplateData"]["TagSpecifications"]
    }
    for kind in ("instance", "volume", "network-interface"):
        assert tagged[kind] == dict(resource.planned.tags)


def schedule(aws: Aws, resource: Created) -> None:
    """A schedule has tasks get the tags of their definition."""
    client = aws.client("scheduler", resource.region)
    found = client.get_schedule(Name=resource.outputs["name"])["Target"]["EcsParameters"]
    assert found["PropagateTags"] == "TASK_DEFINITION"
    assert found["EnableECSManagedTags"]


def secret(aws: Aws, resource: Created) -> None:
    """A secret has its value."""
    client = aws.client("secretsmanager", resource.region)
    assert PASSWORD in client.get_secret_value(SecretId=resource.id)["SecretString"]


FURTHER = {
    "aws:ec2/launchTemplate:LaunchTemplate": launch_template,
    "aws:ecs/service:Service": service,
    "aws:scheduler/schedule:Schedule": schedule,
    "aws:secretsmanager/secret:Secret": secret,
}
"""What must be true of a type beside its own tags."""


def judge(fleet: Fleet, stack: str) -> None:
    """Ask AWS for everything that a stack has created."""
    for resource in fleet.created(stack):
        if resource.type in TAGS:
            assert fleet.tags(resource) == dict(resource.planned.tags), resource.name
        else:
            assert not is_taggable(type(resource.planned)), resource.name
        if further := FURTHER.get(resource.type):
            further(fleet.aws, resource)


@pytest.mark.parametrize(
    ("tenant", "stack"), [("acme", "prod"), ("globex", "prod"), ("globex", "lab")]
)
def test_whole_life_of_the_examples(
    tenant: str, stack: str, workspace: Workspace, aws: Aws
) -> None:
    """They are created, stay as they are, change in place, and leave only what is retained."""
    jobs = {name: text for name, text in JOBS.items() if name.startswith(tenant)}
    fleet = Fleet(workspace, aws, jobs)
    before = fleet.listed()
    workspace.create(stack, provider="pulumi")
    assert done(workspace.up(stack)) == {"create"}
    assert fleet.unlisted(stack) <= {ASSOCIATION}
    judge(fleet, stack)
    assert PASSWORD not in json.dumps(workspace.state(stack))
    again = workspace.preview(stack, "--refresh")
    assert done(again) == {"refresh"}, again.names("update", "replace")

    for name in jobs:
        fleet.change(name, "metadata.tags.Owner", "somebody else")
        if name.endswith("_emr"):
            fleet.change(name, "metadata.variables.protect", value=False)
            fleet.change(name, "metadata.variables.termination_protection", value=False)
    assert done(workspace.up(stack)) == {"update"}
    judge(fleet, stack)

    retained = {each.id for each in fleet.created(stack) if each.planned.lifecycle.retain}
    assert done(workspace.destroy(stack)) == {"delete"}
    assert fleet.listed() - before == retained


def test_a_protected_cluster(workspace: Workspace, aws: Aws) -> None:
    """The limits of its scaling change, and stay when the former ones are gone; it is not taken."""
    name = "acme/clickstream_emr"
    fleet = Fleet(workspace, aws, {name: JOBS[name]})
    stack = workspace.create("prod")
    done(workspace.up(stack))
    fleet.change(name, "runtime.compute.auto_scaling.max_instances", 30)
    changed = workspace.up(stack)
    assert done(changed) == {"create-replacement", "delete-replaced", "replace"}
    assert changed.names("replace") == {"acme-prod-clickstream_emr-cluster-scaling"}
    cluster = fleet.one(stack, "aws:emr/cluster:Cluster").id
    emr = aws.client("emr")
    scaling = emr.get_managed_scaling_policy(ClusterId=cluster)["ManagedScalingPolicy"]
    assert scaling["ComputeLimits"]["MaximumCapacityUnits"] == 30

    refused = workspace.destroy(stack)
    assert refused.code != 0
    assert "it is protected" in refused.log
    assert emr.describe_cluster(ClusterId=cluster)["Cluster"]["Status"]["State"] == "WAITING"


@pytest.mark.parametrize("name", ["fleet", "one_cluster"])
def test_programs_that_people_start_from(name: str, workspace: Workspace, aws: Aws) -> None:
    """They build what they say, in the network and with the role that they create themselves."""
    jobs = {job: text for job, text in JOBS.items() if "provider: pulumi" in text}
    Fleet(workspace, aws, jobs)
    examples = workspace.folder / "examples"
    shutil.copytree(REPOSITORY / "examples" / "programs", examples / "programs")
    workspace.jobs.rename(examples / "jobs")
    program = replace(workspace, folder=examples / "programs" / name)
    (program.folder / "state").mkdir()
    program.pulumi("stack", "init", "dev")
    assert done(program.up("dev")) == {"create"}
    assert done(program.preview("dev")) == set()
    clusters = aws.client("emr").list_clusters()["Clusters"]
    assert {each["Id"] for each in clusters} <= set(program.outputs("dev").values())


def test_every_type_is_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the test provider knows, these jobs and programs have; and the other way round."""
    monkeypatch.setenv("REDIS_PASSWORD", PASSWORD)
    write(JOBS, tmp_path)
    recording = record(lambda: build([tmp_path], provider="pulumi"))
    built = {each.type for each in recording if each.type.startswith("aws:")}
    assert built | NETWORK == TYPES.keys()
