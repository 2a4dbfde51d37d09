"""CloudFormation embedded in the process, for trying a deployment without an account.

It is moto's. It shows the way of a deployment (change sets, outputs, tags), never that AWS would
accept a template. `embedded` fills those of its gaps that lie on this way; `GAPS` names the others.
"""
# ruff: noqa: SLF001 - the gaps are inside of moto

from __future__ import annotations

import os
import re
import warnings
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from moto import mock_aws
from moto.cloudformation import parsing
from moto.cloudformation.models import ChangeSet
from moto.cloudformation.responses import CloudFormationResponse
from moto.core.responses import ActionResult
from moto.emr.models import Cluster
from moto.iam.models import Role
from moto.s3.models import FakeBucket

from dativo_infra.adapters.cloudformation.values import logical_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    import boto3

    from dativo_infra.adapters.cloudformation.deploy import StackResult

GAPS: Mapping[str, str] = {
    "AWS::EMR::Cluster": (
        "ends at once, has no machines, applications or scaling, and a made-up DNS name"
    ),
    "AWS::IAM::Role": "has no managed policies; an update changes its description and tags alone",
    "AWS::S3::Bucket": "has no lifecycle rules, ownership controls or public access block",
}
"""What the embedded CloudFormation leaves out, by type of resource."""

_NOT_SUPPORTED = re.compile(r"Tried to parse (\S+) but it's not supported")
_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "embedded",
    "AWS_SECRET_ACCESS_KEY": "embedded",
    "AWS_SESSION_TOKEN": "embedded",
    # Somebody's own settings could name another endpoint or a profile.
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}
_FOREIGN = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ENDPOINT_URL", "AWS_CA_BUNDLE")


@contextmanager
def embedded(*, region: str = "us-east-1") -> Iterator[list[str]]:
    """Answer all calls to AWS of this process from memory, and forget everything at the end.

    Sessions must be opened inside. The environment has made-up credentials meanwhile.

    Args:
        region: The region of sessions and targets that name none.

    Yields:
        A list that fills with the types of resources which were asked for and not created, since
        the embedded CloudFormation does not know them: each once.
    """
    unsupported: list[str] = []
    with ExitStack() as stack:
        environment = {**_ENVIRONMENT, "AWS_DEFAULT_REGION": region}
        stack.enter_context(patch.dict(os.environ, environment))
        for name in _FOREIGN:
            os.environ.pop(name, None)
        stack.enter_context(_collected(unsupported))
        stack.enter_context(mock_aws())
        for gap in _filled():
            stack.enter_context(gap)
        yield unsupported


def create_roles(session: boto3.Session, arns: Iterable[str]) -> None:
    """Create the roles that jobs say exist, with their paths and no rights.

    The account is empty, and a stack that names a role which does not exist fails.
    """
    client = session.client("iam")
    for arn in dict.fromkeys(arns):
        path, _, name = arn.partition(":role")[2].rpartition("/")
        policy = '{"Version": "2012-10-17", "Statement": []}'
        client.create_role(RoleName=name, Path=f"{path}/", AssumeRolePolicyDocument=policy)


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
                service, read = _READERS.get(kind, (None, None))
                found.append(
                    TaggedResource(
                        stack=result.stack,
                        key=keys[summary["LogicalResourceId"]],
                        type=kind,
                        id=name,
                        tags=_as_mapping(read(client(service), name)) if service and read else None,
                        note=GAPS.get(kind, ""),
                    )
                )
    return found


_READERS: Mapping[str, tuple[str, Callable[[Any, str], Any]]] = {
    "AWS::EMR::Cluster": (
        "emr",
        lambda client, name: client.describe_cluster(ClusterId=name)["Cluster"]["Tags"],
    ),
    "AWS::IAM::Role": (
        "iam",
        lambda client, name: client.list_role_tags(RoleName=name)["Tags"],
    ),
    "AWS::S3::Bucket": (
        "s3",
        lambda client, name: client.get_bucket_tagging(Bucket=name)["TagSet"],
    ),
}
"""For each type that can be tagged the service to ask, and how."""


def _as_mapping(tags: Iterable[Mapping[str, str]]) -> dict[str, str]:
    return dict(sorted((tag["Key"], tag["Value"]) for tag in tags))


@contextmanager
def _collected(unsupported: list[str]) -> Iterator[None]:
    """Collect moto's warnings of types that it does not know; others are shown as always."""
    with warnings.catch_warnings():
        warnings.filterwarnings("always", _NOT_SUPPORTED.pattern, UserWarning)
        show = warnings.showwarning

        def collect(message: Warning | str, *args: Any, **options: Any) -> None:
            match = _NOT_SUPPORTED.match(str(message))
            if not match:
                show(message, *args, **options)
            elif match[1] not in unsupported:
                unsupported.append(match[1])

        warnings.showwarning = collect
        yield


def _filled() -> Iterator[Any]:
    """Yield patches for what moto 5.2 leaves undone when a change set is executed."""
    execute, update = ChangeSet.apply, parsing.parse_and_update_resource
    attribute = Cluster.get_cfn_attribute

    def apply(change_set: Any) -> None:
        # Moto keeps the outputs and parameters of a stack as they were when it was created.
        execute(change_set)
        stack = change_set.stack
        stack.parameters, stack.tags = change_set.parameters, change_set.tags
        stack.output_map = parsing.OutputMap(
            stack.resource_map, change_set.template_dict, stack.stack_id
        )

    def update_resource(
        logical_id: str, resource_json: Any, resources_map: Any, *args: Any, **options: Any
    ) -> Any:
        # Moto wants a bucket's name in the template, leaves the tags of roles and clusters as they
        # were, and loses a resource of a type that it cannot update.
        existing = resources_map[logical_id]
        properties = dict(resource_json.get("Properties", {}))
        if isinstance(existing, FakeBucket):
            properties["BucketName"] = existing.name
        changed = {**resource_json, "Properties": properties}
        updated = update(logical_id, changed, resources_map, *args, **options)
        tags = parsing.clean_json(properties.get("Tags", []), resources_map)
        if isinstance(existing, Role):
            existing.tags = tags
        elif isinstance(existing, Cluster):
            existing.remove_tags([tag["Key"] for tag in existing.tags])
            existing.add_tags(_as_mapping(tags))
        return updated or existing

    def update_termination_protection(response: Any) -> ActionResult:
        stack = response.cloudformation_backend.get_stack(response._get_param("StackName"))
        stack.enable_termination_protection = response._get_bool_param(
            "EnableTerminationProtection"
        )
        return ActionResult({"StackId": stack.stack_id})

    def get_attribute(cluster: Cluster, name: str) -> str:
        if name == "MasterPublicDNS":
            return cluster.master_public_dns_name
        return attribute(cluster, name)

    yield patch.object(ChangeSet, "apply", apply)
    yield patch.object(parsing, "parse_and_update_resource", update_resource)
    yield patch.object(
        CloudFormationResponse,
        "update_termination_protection",
        update_termination_protection,
        create=True,
    )
    yield patch.object(Cluster, "get_cfn_attribute", get_attribute)
