"""The cluster that tasks run in, and its machines where it has any."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dativo_infra.platforms import aws
from dativo_infra.platforms.base import (
    Claim,
    Context,
    Shared,
    SharedContext,
    SharedKind,
    is_scaled,
    refers,
)
from dativo_infra.platforms.tasks import storage
from dativo_infra.resources.autoscaling import AutoScalingGroup
from dativo_infra.resources.ec2 import LaunchTemplate
from dativo_infra.resources.ecs import (
    Architecture,
    EcsCapacityProvider,
    EcsCluster,
    EcsClusterCapacityProviders,
)
from dativo_infra.resources.iam import IamInstanceProfile, IamRole
from dativo_infra.values import Ref, Text, TextList, concat

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dativo_infra.diagnostics import Location
    from dativo_infra.resources import Resource

KIND = "EcsCluster"
ARCHITECTURES: Mapping[str, Architecture] = {"arm64": "ARM64", "x86_64": "X86_64"}
SPOT = ("FARGATE", "FARGATE_SPOT")
"""AWS's own capacity providers, which a cluster must have for tasks on the spot market."""
_IMAGES = "resolve:ssm:/aws/service/ecs/optimized-ami/amazon-linux-2023"
"""The public parameters that say which machine image ECS recommends.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/retrieve-ecs-optimized_AMI.html,
https://docs.aws.amazon.com/autoscaling/ec2/userguide/using-systems-manager-parameters.html
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machines:
    """The machines of a cluster, all alike."""

    instance_type: Text
    minimum: int
    maximum: int
    scaled: bool
    subnet_ids: TextList
    security_group_ids: TextList
    architecture: Architecture
    image: Text
    spot: bool
    root_volume_size: int
    disk: str | None = None
    """The id of a disk that a machine attaches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The cluster that a job's tasks run in."""

    name: Text
    arn: Text


def architecture_of(instance_type: Any) -> Architecture:
    """Return the processor of a machine type: Graviton has a `g` after the generation.

    Source: https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html
    """
    arm = isinstance(instance_type, str) and re.match(r"a1\.|[a-z]+\d+[a-z]*g", instance_type)
    return "ARM64" if arm else "X86_64"


def place(context: Context) -> Place:
    """Return the cluster of a job: the one that exists, the shared one, or its own."""
    given: Text | None = context.get("runtime.compute.cluster_id")
    if given is None and (named := context.settings["cluster_name"]):
        given = named
    if given is None:
        return Place(name=Ref("cluster", "name"), arn=Ref("cluster", "arn"))
    name = aws.name_in(given)
    return Place(name=name, arn=given if aws.is_arn(given) else aws.arn("ecs", f"cluster/{name}"))


def machines(context: Context) -> Machines:
    """Return the machines that a job asks for."""
    compute = "runtime.compute"
    count = context.get(f"{compute}.instance_count") or 1
    scaled = is_scaled(context.job)
    scaling = context.get(f"{compute}.auto_scaling")
    instance_type = context.get(f"{compute}.instance_type") or ""
    given = context.settings["cpu_architecture"]
    architecture: Architecture = ARCHITECTURES[given] if given else architecture_of(instance_type)
    below = "arm64/recommended" if architecture == "ARM64" else "recommended"
    state = storage.state(context)
    return Machines(
        instance_type=instance_type,
        minimum=(scaling.min_instances or 1) if scaled else count,
        maximum=(scaling.max_instances or count) if scaled else count,
        scaled=scaled,
        subnet_ids=context.get("runtime.network.subnet_ids") or (),
        security_group_ids=context.get("runtime.network.security_group_ids") or (),
        architecture=architecture,
        image=context.settings["machine_image"] or f"{_IMAGES}/{below}/image_id",
        spot=context.settings["enable_spot_instances"],
        root_volume_size=context.settings["root_volume_size"],
        disk=state.disk if state else None,
    )


_FIELDS: Mapping[str, str] = {
    "instance_type": "runtime.compute.instance_type",
    "minimum": "runtime.compute.auto_scaling.min_instances",
    "maximum": "runtime.compute.instance_count",
    "scaled": "runtime.compute.auto_scaling.enabled",
    "subnet_ids": "runtime.network.subnet_ids",
    "security_group_ids": "runtime.network.security_group_ids",
    "architecture": "metadata.variables.cpu_architecture",
    "image": "metadata.variables.machine_image",
    "spot": "metadata.variables.enable_spot_instances",
    "root_volume_size": "metadata.variables.root_volume_size",
}
"""For each part of the machines the field that says it."""


def build(
    context: Context, wanted: Machines | None, *, spot: bool = False
) -> tuple[tuple[Resource, ...], tuple[Shared, ...]]:
    """Return the cluster of one job alone, or else the wish for the one that it names.

    Neither where the cluster exists.

    Args:
        context: The job.
        wanted: The machines that the cluster has for it.
        spot: Whether it runs on Fargate's spot market.
    """
    if refers(context.job):
        return (), ()
    if name := context.settings["cluster_name"]:
        return (), (_shared(context, name, wanted, spot=spot),)
    insights = context.settings["container_insights"]
    origin = context.origin("runtime.platform")
    return tuple(_cluster(None, wanted, context.tags, origin, insights=insights, spot=spot)), ()


def _shared(context: Context, name: str, wanted: Machines | None, *, spot: bool) -> Shared:
    variables = "metadata.variables"
    claims = {
        "container_insights": Claim(
            value=context.settings["container_insights"], path=f"{variables}.container_insights"
        )
    }
    if wanted:
        claims |= {
            f"machines.{part}": Claim(value=getattr(wanted, part), path=path)
            for part, path in _FIELDS.items()
        }
    if spot:
        claims["fargate_spot"] = Claim(value=True, path=f"{variables}.enable_spot_instances")
    return Shared(kind=KIND, name=name, path=f"{variables}.cluster_name", claims=claims)


def _build_shared(context: SharedContext) -> tuple[Resource, ...]:
    parts = {
        name.removeprefix("machines."): value
        for name, value in context.claims.items()
        if name.startswith("machines.")
    }
    return tuple(
        _cluster(
            context.name,
            Machines(**parts) if parts.keys() == _FIELDS.keys() else None,
            context.tags,
            context.origin,
            insights=context.claims.get("container_insights", False),
            spot="fargate_spot" in context.claims,
        )
    )


SHARED = {
    KIND: SharedKind(
        description="ECS cluster",
        build=_build_shared,
        exports=lambda context: {
            "ecs_cluster_name": context.name,
            "ecs_cluster_arn": Ref("cluster", "arn"),
        },
    )
}


def _cluster(
    name: str | None,
    wanted: Machines | None,
    tags: Mapping[str, Text],
    origin: Location,
    *,
    insights: bool,
    spot: bool,
) -> Iterator[Resource]:
    """Yield a cluster with its machines; all of its capacity providers are said in one place."""
    yield EcsCluster(
        key="cluster", origin=origin, name=name, container_insights=insights, tags=tags
    )
    providers: tuple[Text, ...] = SPOT if spot else ()
    default: tuple[Text, ...] = ()
    if wanted:
        yield from _machines(wanted, tags, origin)
        default = (Ref("capacity-provider", "name"),)
        yield EcsCapacityProvider(
            key="capacity-provider",
            origin=origin,
            # The tool's own name would begin with the job's, and some words ECS keeps for itself.
            name=concat("machines-", Ref("machines", "name")),
            auto_scaling_group=Ref("machines", "arn"),
            managed_scaling=wanted.scaled,
            # CloudFormation's type refuses a tag without a value, unlike all others.
            tags={key: value for key, value in tags.items() if value != ""},
        )
    if providers or default:
        yield EcsClusterCapacityProviders(
            key="capacity-providers",
            origin=origin,
            cluster=Ref("cluster", "name"),
            providers=(*default, *providers),
            default_providers=default,
        )


def _machines(wanted: Machines, tags: Mapping[str, Text], origin: Location) -> Iterator[Resource]:
    yield IamRole(
        key="machine-role",
        origin=origin,
        description="Role of the machines of an ECS cluster",
        assume_role_policy=aws.trust("ec2.amazonaws.com"),
        policies={"agent": aws.document(_agent_rights(wanted, tags))},
        tags=tags,
    )
    yield IamInstanceProfile(
        key="machine-profile", origin=origin, role=Ref("machine-role", "name"), tags=tags
    )
    yield LaunchTemplate(
        key="launch-template",
        origin=origin,
        instance_type=wanted.instance_type,
        image=wanted.image,
        instance_profile=Ref("machine-profile", "arn"),
        security_group_ids=wanted.security_group_ids,
        user_data=_user_data(wanted),
        root_volume_size=wanted.root_volume_size,
        spot=wanted.spot,
        tags=tags,
    )
    yield AutoScalingGroup(
        key="machines",
        origin=origin,
        launch_template=Ref("launch-template", "id"),
        launch_template_version=Ref("launch-template", "latest_version"),
        subnet_ids=wanted.subnet_ids,
        minimum=wanted.minimum,
        maximum=wanted.maximum,
        # ECS sets this tag itself, and a tool that does not know it would take it away again:
        # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/asg-capacity-providers.html
        tags={**tags, "AmazonECSManaged": "true"},
    )


def _agent_rights(wanted: Machines, tags: Mapping[str, Text]) -> Iterator[aws.Statement]:
    """Yield what the ECS agent of a machine needs, for one cluster; tasks have their own roles.

    Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html,
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/instance_IAM_role.html
    """
    cluster = Ref("cluster", "arn")
    # The agent asks where to connect before it knows a cluster; the action takes no resource.
    yield aws.allow(["ecs:DiscoverPollEndpoint"], ["*"])
    on_cluster = (
        "DeregisterContainerInstance",
        "RegisterContainerInstance",
        "SubmitAttachmentStateChanges",
        "SubmitContainerStateChange",
        "SubmitTaskStateChange",
    )
    yield aws.allow([f"ecs:{action}" for action in on_cluster], [cluster])
    itself = concat(aws.arn("ecs", "container-instance/"), Ref("cluster", "name"), "/*")
    on_itself = ("Poll", "StartTelemetrySession", "UpdateContainerInstancesState")
    yield aws.allow(
        [f"ecs:{action}" for action in on_itself], [itself], {"ArnEquals": {"ecs:cluster": cluster}}
    )
    if wanted.disk:
        yield from storage.attach_rights(wanted.disk, tags)


def _user_data(wanted: Machines) -> Text:
    """Return the script of a machine's first start.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-agent-config.html
    """
    settings = [
        # A task has the rights of its own role, and not those of the machine.
        "ECS_AWSVPC_BLOCK_IMDS=true",
        "ECS_CONTAINER_STOP_TIMEOUT=2m",
        *(["ECS_ENABLE_SPOT_INSTANCE_DRAINING=true"] if wanted.spot else []),
    ]
    return concat(
        "#!/bin/bash\ncat >> /etc/ecs/ecs.config <<'SETTINGS'\nECS_CLUSTER=",
        Ref("cluster", "name"),
        "\n",
        *(f"{setting}\n" for setting in settings),
        "SETTINGS\n",
        storage.attach(wanted.disk) if wanted.disk else "",
    )
