"""Resources around Amazon ECS by hand: every field set, every field left out, every choice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dativo_infra.resources import Lifecycle, Resource
from dativo_infra.resources.application_autoscaling import ScalableTarget, ScalingPolicy
from dativo_infra.resources.autoscaling import AutoScalingGroup
from dativo_infra.resources.ec2 import LaunchTemplate
from dativo_infra.resources.ecs import (
    Container,
    EcsCapacityProvider,
    EcsCluster,
    EcsClusterCapacityProviders,
    EcsService,
    EcsTaskDefinition,
    EfsVolume,
    HostVolume,
    Mount,
)
from dativo_infra.resources.logs import LogGroup
from dativo_infra.resources.scheduler import Schedule
from dativo_infra.resources.secretsmanager import SecretsManagerSecret
from dativo_infra.values import Parameter, Pseudo, Ref, Select, Split, concat

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

KEYS: Mapping[str, str] = {
    "AutoScalingGroup": "machines",
    "EcsCapacityProvider": "capacity-provider",
    "EcsCluster": "tasks",
    "EcsService": "service",
    "EcsTaskDefinition": "task-definition",
    "LaunchTemplate": "launch-template",
    "LogGroup": "log-group",
    "Schedule": "schedule",
    "SecretsManagerSecret": "secret",
}
"""What the resource of each kind is called that has attributes."""

EXPORTS: Mapping[str, Any] = {
    "ecs_cluster_name": Ref("tasks", "name"),
    "ecs_cluster_arn": Ref("tasks", "arn"),
    "ecs_task_definition_arn": Ref("task-definition", "arn"),
    "ecs_task_role_arn": "arn:aws:iam::123456789012:role/task",
    "ecs_log_group": Ref("log-group", "name"),
    "ecs_service_name": Ref("service", "name"),
    "ecs_service_arn": Ref("service", "arn"),
    "ecs_schedule_arn": Ref("schedule", "arn"),
}

ROLE = "arn:aws:iam::123456789012:role/task"
SCRIPT = """\
#!/bin/bash -e
# Zoë: "quotes", 'quotes', $HOME, ${HOME}, $(date), `date`, \\n and 100 %
cat >> /etc/ecs/ecs.config <<'EOF'
ECS_CLUSTER="""
ALL = Lifecycle(retain=True, protect=True, delete_first=True)


def full(tags: Mapping[str, Any]) -> Iterator[Resource]:
    """Yield one resource of each kind with every field set to what it is not by default."""
    tags = {**tags, "Late": Parameter("STAGE"), "Größe": "1 + 1 = 2"}
    account = concat("arn:", Pseudo("partition"), ":iam::", Pseudo("account_id"), ":role/")
    yield LogGroup(key="log-group", retention_days=7, tags=tags, lifecycle=ALL)
    yield SecretsManagerSecret(
        key="secret",
        description="Password of the cache",
        value=concat("rediss://:", Parameter("API_TOKEN", "secret"), "@cache:6379"),
        tags=tags,
        lifecycle=ALL,
    )
    yield EcsCluster(
        key="tasks",
        name="acme-shared_1",
        container_insights=True,
        tags=tags,
        after=("log-group",),
        lifecycle=ALL,
    )
    yield LaunchTemplate(
        key="launch-template",
        instance_type=Parameter("MACHINE"),
        image=concat("resolve:ssm:/aws/service/ecs/", Parameter("IMAGE_NAME")),
        instance_profile=Ref("instance-profile", "arn"),
        security_group_ids=Parameter("GROUPS", "list"),
        user_data=concat(
            SCRIPT, Ref("tasks", "name"), "\nREGION=", Pseudo("region"), "\nEOF\n# ${!X}\n"
        ),
        root_volume_size=100,
        spot=True,
        tags=tags,
        lifecycle=ALL,
    )
    yield AutoScalingGroup(
        key="machines",
        launch_template=Ref("launch-template", "id"),
        launch_template_version=Ref("launch-template", "latest_version"),
        subnet_ids=Parameter("SUBNETS", "list"),
        minimum=0,
        maximum=9,
        tags={**tags, "AmazonECSManaged": "true"},
        lifecycle=ALL,
    )
    yield EcsCapacityProvider(
        key="capacity-provider",
        name=concat("machines-", Ref("machines", "name")),
        auto_scaling_group=Ref("machines", "arn"),
        managed_scaling=True,
        tags=tags,
        lifecycle=ALL,
    )
    yield EcsClusterCapacityProviders(
        key="capacity-providers",
        cluster=Ref("tasks", "name"),
        providers=(Ref("capacity-provider", "name"), "FARGATE", "FARGATE_SPOT"),
        default_providers=(Ref("capacity-provider", "name"), "FARGATE"),
        lifecycle=ALL,
    )
    yield EcsTaskDefinition(
        key="task-definition",
        family="acme-test_1",
        launch_type="FARGATE",
        cpu=512,
        memory=3072,
        architecture="ARM64",
        ephemeral_storage=50,
        execution_role=concat(account, "execution"),
        task_role=Parameter("TASK_ROLE"),
        container=Container(
            name="ingest",
            image=concat("registry.example/ingest:", Parameter("IMAGE_TAG")),
            command=("run", "--config", '{"a": [1, "${B}"]}'),
            environment={
                "REGION": Pseudo("region"),
                "LAKE": concat("s3://", Parameter("LAKE"), "/x"),
                "PLAIN": 'say "hello", \\ and ${NOTHING}',
                "EMPTY": "",
            },
            secrets={"PASSWORD": Ref("secret", "arn"), "OTHER": Parameter("OTHER_ARN")},
            mounts=(Mount(volume="state", path="/var/state"), Mount(volume="disk", path="/disk")),
            log_group=Ref("log-group", "name"),
            log_region=Pseudo("region"),
            stop_timeout_seconds=60,
        ),
        volumes=(
            EfsVolume(
                name="state",
                file_system_id="fs-0123456789abcdef0",
                access_point_id="fsap-0123456789abcdef0",
            ),
            HostVolume(name="disk", path="/mnt/disk"),
            EfsVolume(name="whole", file_system_id="fs-1123456789abcdef0"),
        ),
        tags=tags,
        lifecycle=ALL,
    )
    yield EcsService(
        key="service",
        cluster=Ref("tasks", "name"),
        task_definition=Ref("task-definition", "arn"),
        desired_count=None,
        capacity_providers=(Ref("capacity-provider", "name"), "FARGATE_SPOT"),
        subnet_ids=Parameter("SUBNETS", "list"),
        security_group_ids=("sg-0a1b2c3d", Parameter("GROUP")),
        assign_public_ip=True,
        minimum_healthy_percent=0,
        maximum_percent=100,
        tags=tags,
        after=("capacity-providers",),
        lifecycle=ALL,
    )
    yield ScalableTarget(
        key="scaling-target",
        cluster=Ref("tasks", "name"),
        service=Ref("service", "name"),
        minimum=0,
        maximum=10,
        tags=tags,
        lifecycle=ALL,
    )
    yield ScalingPolicy(
        key="scaling-cpu",
        cluster=Ref("tasks", "name"),
        service=Ref("service", "name"),
        metric="ECSServiceAverageCPUUtilization",
        target_percent=60,
        after=("scaling-target",),
        lifecycle=ALL,
    )
    yield Schedule(
        key="schedule",
        description="Starts acme/test/all",
        expression="cron(0 3 ? * MON *)",
        role=concat(account, "scheduler"),
        cluster=Ref("tasks", "arn"),
        task_definition=Ref("task-definition", "arn"),
        capacity_providers=("FARGATE_SPOT", Ref("capacity-provider", "name")),
        subnet_ids=("subnet-0a1b2c3d", Parameter("SUBNET")),
        security_group_ids=Parameter("GROUPS", "list"),
        assign_public_ip=True,
        retries=0,
        after=("capacity-providers", "service"),
        lifecycle=ALL,
    )


def bare(tags: Mapping[str, Any]) -> Iterator[Resource]:
    """Yield resources that leave out all that can be left out."""
    yield LogGroup(key="log-group", retention_days=3653, tags=tags)
    yield EcsCluster(key="tasks", tags={})
    yield LaunchTemplate(
        key="launch-template",
        instance_type="m6i.large",
        image="ami-0123456789abcdef0",
        instance_profile="arn:aws:iam::123456789012:instance-profile/machines",
        user_data="#!/bin/bash\n",
        root_volume_size=30,
        tags=tags,
    )
    yield AutoScalingGroup(
        key="machines",
        launch_template="lt-0123456789abcdef0",
        launch_template_version="3",
        subnet_ids=("subnet-0a1b2c3d",),
        minimum=1,
        maximum=1,
        tags={},
    )
    yield EcsCapacityProvider(
        key="capacity-provider",
        name="plain",
        auto_scaling_group=Ref("machines", "arn"),
        managed_scaling=False,
        tags={},
    )
    yield EcsClusterCapacityProviders(
        key="capacity-providers", cluster="acme-shared", providers=("FARGATE",)
    )
    yield EcsTaskDefinition(
        key="task-definition",
        family="bare",
        launch_type="EC2",
        cpu=1024,
        memory=2048,
        execution_role=ROLE,
        task_role=ROLE,
        container=Container(
            name="other",
            image="registry.example/ingest:1",
            command=(),
            environment={},
            log_group="acme-logs",
            log_region="eu-central-1",
        ),
        tags=tags,
    )
    yield EcsService(
        key="service",
        cluster="acme-shared",
        task_definition=Ref("task-definition", "arn"),
        desired_count=0,
        subnet_ids=("subnet-0a1b2c3d",),
        tags={},
    )
    yield ScalableTarget(
        key="scaling-target", cluster="shared", service="ingest", minimum=1, maximum=2, tags={}
    )
    yield ScalingPolicy(
        key="scaling-memory",
        cluster="shared",
        service="ingest",
        metric="ECSServiceAverageMemoryUtilization",
        target_percent=75,
    )
    yield Schedule(
        key="schedule",
        description="Starts it",
        expression="rate(1 hour)",
        role=ROLE,
        cluster="arn:aws:ecs:eu-central-1:123456789012:cluster/acme-shared",
        task_definition=Ref("task-definition", "arn"),
        subnet_ids=("subnet-0a1b2c3d",),
    )


def other(tags: Mapping[str, Any]) -> Iterator[Resource]:
    """Yield resources with the choices that are neither in `full` nor in `bare`."""
    cluster = Parameter("CLUSTER")
    name = Select(Split("/", cluster), -1)
    yield LogGroup(key="log-group", retention_days=1, tags=tags, lifecycle=Lifecycle(retain=True))
    yield EcsCluster(key="tasks", tags=tags, lifecycle=Lifecycle(protect=True))
    yield EcsTaskDefinition(
        key="task-definition",
        family="other",
        launch_type="EC2",
        cpu=256,
        memory=512,
        execution_role=ROLE,
        task_role=Ref("tasks", "arn"),
        container=Container(
            name="ingest",
            image=Parameter("IMAGE"),
            command=("once",),
            environment={"STATE_DIR": "/state"},
            mounts=(Mount(volume="disk", path="/state"),),
            log_group=Ref("log-group", "name"),
            log_region=Pseudo("region"),
        ),
        volumes=(HostVolume(name="disk", path="/mnt/state"),),
        tags={**tags, "empty": ""},
    )
    yield EcsService(
        key="service",
        cluster=cluster,
        task_definition=Ref("task-definition", "arn"),
        desired_count=3,
        launch_type="FARGATE",
        subnet_ids=("subnet-0a1b2c3d", "subnet-1b2c3d4e"),
        security_group_ids=Parameter("GROUPS", "list"),
        tags=tags,
    )
    yield ScalableTarget(
        key="scaling-target",
        cluster=name,
        service=Ref("service", "name"),
        minimum=1,
        maximum=2,
        tags=tags,
    )
    yield ScalingPolicy(
        key="scaling-cpu",
        cluster=name,
        service=Ref("service", "name"),
        metric="ECSServiceAverageCPUUtilization",
        target_percent=1,
    )
    yield Schedule(
        key="schedule",
        description="Starts it",
        expression="cron(15 0 * * ? *)",
        role=ROLE,
        cluster=cluster,
        task_definition=Ref("task-definition", "arn"),
        launch_type="FARGATE",
        subnet_ids=Parameter("SUBNETS", "list"),
        retries=185,
        lifecycle=Lifecycle(delete_first=True),
    )
    yield SecretsManagerSecret(
        key="secret", description="", value=Parameter("DB_PASSWORD", "secret"), tags=tags
    )
