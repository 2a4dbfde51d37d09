"""Amazon Elastic Container Service, on EC2 and on Fargate."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

from dativo_infra.resources import Resource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dativo_infra.values import Text, TextList

LaunchType: TypeAlias = Literal["EC2", "FARGATE"]
Architecture: TypeAlias = Literal["X86_64", "ARM64"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EcsCluster(Resource):
    """A cluster: the name that services and machines are grouped by.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateCluster.html
    """

    name: str | None = None
    """Left to the tool where None."""
    container_insights: bool = False
    """Whether CloudWatch collects metrics of tasks, which costs."""
    tags: Mapping[str, Text]

    ATTRIBUTES: ClassVar[tuple[str, ...]] = ("name", "arn")
    STATEFUL: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class EcsCapacityProvider(Resource):
    """Machines of an Auto Scaling group, for tasks.

    Machines are drained before they end, and are not protected from scaling in.
    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateCapacityProvider.html
    """

    name: Text
    """Not one that begins with `aws`, `ecs` or `fargate`."""
    auto_scaling_group: Text
    """The group's ARN."""
    managed_scaling: bool
    """Whether ECS moves the group's size so that all tasks fit and no machine is idle (target
    capacity 100 %)."""
    tags: Mapping[str, Text]

    ATTRIBUTES: ClassVar[tuple[str, ...]] = ("name",)


@dataclass(frozen=True, slots=True, kw_only=True)
class EcsClusterCapacityProviders(Resource):
    """Which capacity providers a cluster has: one such resource a cluster; cannot be tagged.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PutClusterCapacityProviders.html
    """

    cluster: Text
    """The cluster's name."""
    providers: tuple[Text, ...]
    """Names; `FARGATE` and `FARGATE_SPOT` are AWS's own."""
    default_providers: tuple[Text, ...] = ()
    """Those of tasks and services that ask for none, each with weight 1; may be empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EfsVolume:
    """A file system that exists, mounted with encryption in transit and the task role's rights.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/efs-volumes.html
    """

    name: str
    file_system_id: str
    access_point_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HostVolume:
    """A folder of the machine that a task runs on."""

    name: str
    path: str


Volume: TypeAlias = EfsVolume | HostVolume


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """Where a container sees a volume of its task."""

    volume: str
    """The volume's name."""
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """The one container of a task; the task ends with it.

    Its output goes to CloudWatch Logs by the `awslogs` driver.
    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html
    """

    name: str
    image: Text
    command: tuple[str, ...]
    """Arguments of the image's entry point."""
    environment: Mapping[str, Text]
    secrets: Mapping[str, Text] = field(default_factory=dict)
    """Environment variables filled in when the task starts: name to the ARN of a secret."""
    mounts: tuple[Mount, ...] = ()
    log_group: Text
    """The log group's name."""
    log_region: Text
    stop_timeout_seconds: int = 120
    """Time to end by itself before it is killed; Fargate allows 120."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EcsTaskDefinition(Resource):
    """How a task runs: network mode `awsvpc`, Linux; any change makes a new revision.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html
    """

    family: str
    """What all revisions are called."""
    launch_type: LaunchType
    """What it is compatible with."""
    cpu: int
    """CPU units; 1024 are one vCPU."""
    memory: int
    """MiB."""
    architecture: Architecture = "X86_64"
    ephemeral_storage: int | None = None
    """GiB of Fargate's own disk; None for the 20 that every task has."""
    execution_role: Text
    """ARN of the role by which ECS pulls the image and writes logs."""
    task_role: Text
    """ARN of the role of the container itself."""
    container: Container
    volumes: tuple[Volume, ...] = ()
    tags: Mapping[str, Text]

    ATTRIBUTES: ClassVar[tuple[str, ...]] = ("arn",)


@dataclass(frozen=True, slots=True, kw_only=True)
class EcsService(Resource):
    """Tasks that are kept running; its name is left to the tool.

    A deployment that does not come up is rolled back (circuit breaker). Tasks get the service's
    tags and those of ECS itself, and are not moved between zones.
    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html
    """

    cluster: Text
    """The cluster's name or ARN."""
    task_definition: Text
    """ARN of the revision."""
    desired_count: int | None
    """Number of tasks; None where an autoscaler owns it: the service starts with one then."""
    launch_type: LaunchType | None = None
    capacity_providers: tuple[Text, ...] = ()
    """Names, each with weight 1. Without these and without a launch type the cluster's default
    providers are meant."""
    subnet_ids: TextList
    security_group_ids: TextList = ()
    """The VPC's default group where empty."""
    assign_public_ip: bool = False
    """Which Fargate alone can do."""
    minimum_healthy_percent: int = 100
    """Fewest tasks that run during a deployment, in percent of the desired count."""
    maximum_percent: int = 200
    """Most tasks that run during a deployment, in percent of the desired count."""
    tags: Mapping[str, Text]

    ATTRIBUTES: ClassVar[tuple[str, ...]] = ("name", "arn")
    STATEFUL: ClassVar[bool] = True
