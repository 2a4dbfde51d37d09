"""Tags, as each service reports them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dativo_infra.adapters.cloudformation.local.gaps import GAPS
from dativo_infra.adapters.cloudformation.values import logical_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import boto3

    from dativo_infra.adapters.results import StackResult


@dataclass(frozen=True, slots=True, kw_only=True)
class TaggedResource:
    """A resource that exists, with the tags that its service reports."""

    stack: str
    key: str
    """What the resource is called within its unit."""
    type: str
    """CloudFormation's name of the type."""
    id: str
    tags: Mapping[str, str] | None
    """None where CloudFormation cannot tag the type."""
    note: str
    """What the embedded CloudFormation leaves out of it, or nothing."""


def tags_of(session: boto3.Session, results: Iterable[StackResult]) -> list[TaggedResource]:
    """Return the resources that stacks really have, with their tags asked from each service.

    Raises:
        BotoCoreError, ClientError: a service could not be asked.
    """
    found: list[TaggedResource] = []
    for result in results:
        if result.diagnostic:
            continue
        region = result.unit.target.region

        def client(service: str, region: str | None = region) -> Any:
            return session.client(service, region_name=region)

        keys = {logical_id(resource.key): resource.key for resource in result.unit.resources}
        paginator = client("cloudformation").get_paginator("list_stack_resources")
        for page in paginator.paginate(StackName=result.stack):
            for summary in page["StackResourceSummaries"]:
                kind, name = summary["ResourceType"], summary["PhysicalResourceId"]
                service, read = READERS.get(kind, (None, None))
                found.append(
                    TaggedResource(
                        stack=result.stack,
                        key=keys[summary["LogicalResourceId"]],
                        type=kind,
                        id=name,
                        tags=as_mapping(read(client(service), name)) if service and read else None,
                        note=GAPS.get(kind, ""),
                    )
                )
    return found


def as_mapping(tags: Mapping[str, str] | Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return tags as one mapping, however a service writes them."""
    if isinstance(tags, Sequence):
        lower = ({key.lower(): value for key, value in tag.items()} for tag in tags)
        tags = {tag["key"]: tag["value"] for tag in lower}
    return dict(sorted(tags.items()))


def _scalable_target(client: Any, name: str) -> Any:
    resource, dimension, namespace = name.split("|")
    targets = client.describe_scalable_targets(
        ServiceNamespace=namespace, ResourceIds=[resource], ScalableDimension=dimension
    )
    arn = targets["ScalableTargets"][0]["ScalableTargetARN"]
    return client.list_tags_for_resource(ResourceARN=arn)["Tags"]


def _log_group(client: Any, name: str) -> Any:
    groups = client.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    [arn] = [each["logGroupArn"] for each in groups if each["logGroupName"] == name]
    return client.list_tags_for_resource(resourceArn=arn)["tags"]


def _of_arn(client: Any, arn: str) -> Any:
    return client.list_tags_for_resource(resourceArn=arn)["tags"]


def _first(operation: str, names: str, answer: str, **options: Any) -> Callable[[Any, str], Any]:
    """Return a reader that asks for one of several and finds the tags with it."""

    def read(client: Any, name: str) -> Any:
        [found] = getattr(client, operation)(**{names: [name], **options})[answer]
        return found.get("Tags") or found.get("tags") or []

    return read


_INCLUDED: Mapping[str, Any] = {"include": ["TAGS"]}

READERS: Mapping[str, tuple[str, Callable[[Any, str], Any]]] = {
    "AWS::ApplicationAutoScaling::ScalableTarget": ("application-autoscaling", _scalable_target),
    "AWS::AutoScaling::AutoScalingGroup": (
        "autoscaling",
        _first("describe_auto_scaling_groups", "AutoScalingGroupNames", "AutoScalingGroups"),
    ),
    "AWS::EC2::LaunchTemplate": (
        "ec2",
        _first("describe_launch_templates", "LaunchTemplateIds", "LaunchTemplates"),
    ),
    "AWS::ECS::CapacityProvider": (
        "ecs",
        _first(
            "describe_capacity_providers", "capacityProviders", "capacityProviders", **_INCLUDED
        ),
    ),
    "AWS::ECS::Cluster": (
        "ecs",
        _first("describe_clusters", "clusters", "clusters", **_INCLUDED),
    ),
    "AWS::ECS::Service": ("ecs", _of_arn),
    "AWS::ECS::TaskDefinition": ("ecs", _of_arn),
    "AWS::EMR::Cluster": (
        "emr",
        lambda client, name: client.describe_cluster(ClusterId=name)["Cluster"]["Tags"],
    ),
    "AWS::IAM::Role": (
        "iam",
        lambda client, name: client.list_role_tags(RoleName=name)["Tags"],
    ),
    "AWS::Logs::LogGroup": ("logs", _log_group),
    "AWS::S3::Bucket": (
        "s3",
        lambda client, name: client.get_bucket_tagging(Bucket=name)["TagSet"],
    ),
    "AWS::SecretsManager::Secret": (
        "secretsmanager",
        lambda client, name: client.describe_secret(SecretId=name).get("Tags", []),
    ),
}
"""For each type that can be tagged the service to ask, and how."""
