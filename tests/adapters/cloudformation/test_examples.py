"""The examples' stacks through their whole life, in the embedded AWS."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from dativo_infra import load, load_project, plan
from dativo_infra.adapters.cloudformation.deploy import (
    clients_of,
    deploy,
    destroy,
    doomed,
    open_session,
)
from dativo_infra.adapters.cloudformation.local import (
    TaggedResource,
    create_references,
    create_roles,
    embedded,
    tags_of,
)
from dativo_infra.adapters.results import Action
from dativo_infra.resources.kinds import is_taggable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dativo_infra.planning import Unit
    from dativo_infra.resources import Resource

EXAMPLES = Path(__file__).parents[3] / "examples" / "jobs"

SHOWN: dict[str, tuple[str, Callable[[Any], Iterator[str]]]] = {
    "stack": (
        "cloudformation",
        lambda client: (each["StackName"] for each in client.describe_stacks()["Stacks"]),
    ),
    "cluster": ("ecs", lambda client: iter(client.list_clusters()["clusterArns"])),
    "service": (
        "ecs",
        lambda client: (
            service
            for cluster in client.list_clusters()["clusterArns"]
            for service in client.list_services(cluster=cluster)["serviceArns"]
        ),
    ),
    "task definition": (
        "ecs",
        lambda client: iter(client.list_task_definitions(status="ACTIVE")["taskDefinitionArns"]),
    ),
    "role": ("iam", lambda client: (each["RoleName"] for each in client.list_roles()["Roles"])),
    "instance profile": (
        "iam",
        lambda client: (
            each["InstanceProfileName"]
            for each in client.list_instance_profiles()["InstanceProfiles"]
        ),
    ),
    "log group": (
        "logs",
        lambda client: (each["logGroupName"] for each in client.describe_log_groups()["logGroups"]),
    ),
    "launch template": (
        "ec2",
        lambda client: (
            each["LaunchTemplateId"]
            for each in client.describe_launch_templates()["LaunchTemplates"]
        ),
    ),
    "instance": (
        "ec2",
        lambda client: (
            each["InstanceId"]
            for reservation in client.describe_instances()["Reservations"]
            for each in reservation["Instances"]
            if each["State"]["Name"] != "terminated"
        ),
    ),
    "group of machines": (
        "autoscaling",
        lambda client: (
            each["AutoScalingGroupName"]
            for each in client.describe_auto_scaling_groups()["AutoScalingGroups"]
        ),
    ),
    "scalable target": (
        "application-autoscaling",
        lambda client: (
            each["ResourceId"]
            for each in client.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
        ),
    ),
    "schedule": (
        "scheduler",
        lambda client: (each["Name"] for each in client.list_schedules()["Schedules"]),
    ),
    "secret": (
        "secretsmanager",
        lambda client: (each["Name"] for each in client.list_secrets()["SecretList"]),
    ),
    "EMR cluster": (
        "emr",
        lambda client: (
            each["Id"]
            for each in client.list_clusters()["Clusters"]
            if not each["Status"]["State"].startswith("TERMINAT")
        ),
    ),
    "bucket": ("s3", lambda client: (each["Name"] for each in client.list_buckets()["Buckets"])),
}
"""What the services show, by its kind: the service, and how it is asked."""
UNLISTED = {"AWS::ECS::CapacityProvider", "AWS::EMR::SecurityConfiguration"}
"""The types of which moto has no list."""


def shown(session: Any, units: list[Unit]) -> set[tuple[str, str]]:
    """Return everything that the services show in the regions of units."""
    return {
        (kind, name)
        for region in {unit.target.region for unit in units}
        for kind, (service, names) in SHOWN.items()
        for name in names(session.client(service, region_name=region))
    }


def freed(resource: Resource) -> Resource:
    """Return a resource without protection, as `protect: false` makes it."""
    return replace(resource, lifecycle=replace(resource.lifecycle, protect=False))


def retagged(unit: Unit) -> Unit:
    """Return a unit with another owner in the tags of all its resources."""
    return replace(
        unit,
        resources=tuple(
            replace(each, tags={**each.tags, "Owner": "somebody else"})  # pyright: ignore[reportAttributeAccessIssue] - taggable
            if is_taggable(type(each))
            else each
            for each in unit.resources
        ),
    )


@pytest.fixture(scope="module")
def units() -> list[Unit]:
    """The units of the examples that CloudFormation owns, without protection."""
    project, _ = load_project(EXAMPLES / "dativo-infra.yaml")
    planned = plan(load([EXAMPLES], {}).jobs, project)
    assert not planned.failed
    return [
        replace(unit, resources=tuple(map(freed, unit.resources)))
        for unit in planned.owned_by("cloudformation")
    ]


@pytest.fixture(scope="module")
def roles() -> list[str]:
    """The ARNs of the roles that the examples refer to."""
    project, _ = load_project(EXAMPLES / "dativo-infra.yaml")
    jobs = plan(load([EXAMPLES], {}).jobs, project).jobs
    named = (each.id for job in jobs if job.owner == "cloudformation" for each in job.references)
    return [each for each in named if isinstance(each, str) and ":role/" in each]


def exists(session: Any, resource: TaggedResource) -> bool:
    """Return whether there is a resource of a type that moto cannot list."""
    for region in ("us-east-1", "eu-central-1"):
        if resource.type == "AWS::ECS::CapacityProvider":
            client = session.client("ecs", region_name=region)
            names = [resource.id]
            if client.describe_capacity_providers(capacityProviders=names)["capacityProviders"]:
                return True
        else:
            client = session.client("emr", region_name=region)
            with suppress(ClientError):
                client.describe_security_configuration(Name=resource.id)
                return True
    return False


def test_whole_life_of_the_examples(units: list[Unit], roles: list[str]) -> None:
    """They are created, stay as they are, are changed by a tag, and leave only what is retained."""
    with embedded() as unsupported:
        session = open_session()
        create_roles(session, roles)
        create_references(session, units, {})
        clients = clients_of(session)
        before = shown(session, units)

        created = deploy(units, clients=clients, parameters={}, concurrency=1)
        assert {each.action for each in created} == {Action.CREATED}
        assert unsupported == []
        assert {kind for kind, _ in shown(session, units) - before} >= {
            "cluster",
            "service",
            "task definition",
            "schedule",
            "group of machines",
            "launch template",
        }

        unlisted = [each for each in tags_of(session, created) if each.type in UNLISTED]
        assert {each.type for each in unlisted if exists(session, each)} == UNLISTED

        again = deploy(units, clients=clients, parameters={}, concurrency=1)
        assert {each.action for each in again} == {Action.UNCHANGED}

        changed = [retagged(unit) for unit in units]
        updated = deploy(changed, clients=clients, parameters={}, concurrency=1)
        assert {each.action for each in updated} == {Action.UPDATED}
        for resource in tags_of(session, updated):
            if resource.tags is not None:
                assert resource.tags["Owner"] == "somebody else", resource

        found = doomed(changed, clients=clients, concurrency=1)
        retained = {each.id for stack in found for each in stack.stays}
        gone = destroy(found, clients=clients, concurrency=1)
        assert {each.action for each in gone} == {Action.DELETED}
        left = shown(session, units) - before
        assert {name for _, name in left} == retained
        assert {kind for kind, _ in left} == {"bucket", "log group"}
        assert not [each for each in unlisted if exists(session, each)]
