"""Units made by hand, as planning would make them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from dativo_infra.adapters.cloudformation.template import to_stack
from dativo_infra.diagnostics import Location
from dativo_infra.names import Identity
from dativo_infra.planning.result import Plan, Unit, UnitKind
from dativo_infra.project import PlacedTarget
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
from dativo_infra.resources.emr import (
    EmrCluster,
    EmrSecurityConfiguration,
    InstanceFleet,
    InstanceGroup,
    ManagedScaling,
)
from dativo_infra.resources.iam import IamInstanceProfile, IamRole
from dativo_infra.resources.logs import LogGroup
from dativo_infra.resources.s3 import S3Bucket
from dativo_infra.resources.scheduler import Schedule
from dativo_infra.resources.secretsmanager import SecretsManagerSecret
from dativo_infra.values import Parameter, Pseudo, Ref, Select, concat

MakeUnit = Callable[..., Unit]

TAGS = {"team": "data", "dativo:job": "orders", "Cost Center": "42"}


def trust(service: str) -> dict[str, Any]:
    """Return a trust policy for an AWS service."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": f"{service}.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }


def at(line: int) -> Location:
    """Return a place in a job file."""
    return Location("jobs/acme/orders.yaml", line, 3)


BUCKET = S3Bucket(
    key="logs",
    origin=at(10),
    expire_after_days=90,
    lifecycle=Lifecycle(retain=True),
    tags=TAGS,
)
SERVICE_ROLE = IamRole(
    key="service-role",
    origin=at(11),
    description="What EMR does for acme/prod/orders",
    assume_role_policy=trust("elasticmapreduce"),
    managed_policy_arns=(
        concat("arn:", Pseudo("partition"), ":iam::aws:policy/service-role/EMRPolicy_v2"),
    ),
    tags=TAGS,
)
INSTANCE_ROLE = IamRole(
    key="instance-role",
    origin=at(12),
    description="What the machines of acme/prod/orders do",
    assume_role_policy=trust("ec2"),
    policies={
        "logs": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": ["s3:PutObject"],
                    "Resource": concat(Ref("logs", "arn"), "/*"),
                }
            ],
        }
    },
    tags=TAGS,
)
PROFILE = IamInstanceProfile(
    key="instance-profile", origin=at(13), role=Ref("instance-role", "name"), tags=TAGS
)
SECURITY = EmrSecurityConfiguration(
    key="security",
    origin=at(14),
    configuration={
        "EncryptionConfiguration": {
            "EnableInTransitEncryption": False,
            "EnableAtRestEncryption": True,
            "AtRestEncryptionConfiguration": {
                "S3EncryptionConfiguration": {"EncryptionMode": "SSE-S3"}
            },
        }
    },
)
CLUSTER = EmrCluster(
    key="cluster",
    origin=at(15),
    after=("instance-role",),
    lifecycle=Lifecycle(protect=True, ignore=("core.instance_count",)),
    name="acme-prod-orders",
    release_label="emr-7.5.0",
    applications=("Spark", "Hive"),
    service_role=Ref("service-role", "arn"),
    instance_profile=Ref("instance-profile", "arn"),
    subnet_ids=(Parameter("SUBNET_ID"),),
    additional_security_group_ids=Parameter("SECURITY_GROUP_IDS", "list"),
    primary=InstanceGroup(instance_type="m5.xlarge", instance_count=1),
    core=InstanceGroup(instance_type="m5.2xlarge", instance_count=3),
    managed_scaling=ManagedScaling(minimum=2, maximum=9, unit="Instances"),
    security_configuration=Ref("security", "name"),
    log_uri=concat("s3://", Ref("logs", "name"), "/emr/"),
    termination_protected=True,
    idle_timeout_seconds=3600,
    tags={**TAGS, "owner": Parameter("OWNER")},
)
FLEET_CLUSTER = replace(
    CLUSTER,
    subnet_ids=Parameter("SUBNET_IDS", "list"),
    additional_security_group_ids=("sg-0123456789abcdef0",),
    primary=InstanceFleet(instance_type="m5.xlarge", target_on_demand=1),
    core=InstanceFleet(
        instance_type="m5.2xlarge",
        target_on_demand=1,
        target_spot=2,
        spot_bid_percent=80,
        spot_timeout_minutes=15,
    ),
    managed_scaling=ManagedScaling(minimum=2, maximum=9, unit="InstanceFleetUnits"),
)
EXPORTS = {
    "emr_cluster_id": Ref("cluster", "id"),
    "emr_cluster_arn": Ref("cluster", "arn"),
    "emr_master_public_dns": Ref("cluster", "master_public_dns"),
    "emr_log_bucket": Ref("logs", "name"),
    "emr_first_group": Select(Parameter("SECURITY_GROUP_IDS", "list"), 0),
    "emr_release": "emr-7.5.0",
}
EMR: tuple[Resource, ...] = (BUCKET, SERVICE_ROLE, INSTANCE_ROLE, PROFILE, SECURITY, CLUSTER)

ECS_CLUSTER = EcsCluster(key="cluster", origin=at(20), tags=TAGS)
LOGS = LogGroup(key="task-logs", origin=at(21), retention_days=30, tags=TAGS)
SECRET = SecretsManagerSecret(
    key="secret",
    origin=at(22),
    description="DB_PASSWORD of acme/prod/orders",
    value=Parameter("DB_PASSWORD", "secret"),
    tags=TAGS,
)
TASK_ROLE = replace(
    SERVICE_ROLE,
    key="task-role",
    assume_role_policy=trust("ecs-tasks"),
    managed_policy_arns=(),
)
SCHEDULER_ROLE = replace(
    TASK_ROLE, key="scheduler-role", assume_role_policy=trust("scheduler"), origin=at(24)
)
TASK = EcsTaskDefinition(
    key="task",
    origin=at(25),
    family="acme-prod-orders",
    launch_type="FARGATE",
    cpu=1024,
    memory=2048,
    ephemeral_storage=40,
    execution_role=Ref("task-role", "arn"),
    task_role=Ref("task-role", "arn"),
    container=Container(
        name="dativo",
        image=concat(Pseudo("account_id"), ".dkr.ecr.eu-west-1.amazonaws.com/dativo:1.2.0"),
        command=("run", "--job", "orders"),
        environment={"STATE": "/state", "BUCKET": Parameter("BUCKET")},
        secrets={"DB_PASSWORD": Ref("secret", "arn")},
        mounts=(Mount(volume="state", path="/state"),),
        log_group=Ref("task-logs", "name"),
        log_region=Pseudo("region"),
    ),
    volumes=(
        EfsVolume(
            name="state",
            file_system_id="fs-0123456789abcdef0",
            access_point_id="fsap-0123456789abcdef0",
        ),
    ),
    tags=TAGS,
)
SERVICE = EcsService(
    key="service",
    origin=at(26),
    cluster=Ref("cluster", "name"),
    task_definition=Ref("task", "arn"),
    desired_count=None,
    launch_type="FARGATE",
    subnet_ids=Parameter("SUBNET_IDS", "list"),
    security_group_ids=("sg-0123456789abcdef0",),
    assign_public_ip=True,
    minimum_healthy_percent=0,
    maximum_percent=100,
    tags={**TAGS, "owner": Parameter("OWNER")},
)
SCALABLE_TARGET = ScalableTarget(
    key="scalable-target",
    origin=at(27),
    cluster=Ref("cluster", "name"),
    service=Ref("service", "name"),
    minimum=1,
    maximum=8,
    tags=TAGS,
)
SCALING_POLICY = ScalingPolicy(
    key="scaling-cpu",
    origin=at(28),
    after=("scalable-target",),
    cluster=Ref("cluster", "name"),
    service=Ref("service", "name"),
    metric="ECSServiceAverageCPUUtilization",
    target_percent=70,
)
SCHEDULE = Schedule(
    key="schedule",
    origin=at(29),
    description="Starts acme/prod/orders",
    expression="cron(0 2 * * ? *)",
    role=Ref("scheduler-role", "arn"),
    cluster=Ref("cluster", "arn"),
    task_definition=Ref("task", "arn"),
    launch_type="FARGATE",
    subnet_ids=("subnet-0123456789abcdef0", Parameter("SUBNET_ID")),
    security_group_ids=Parameter("SECURITY_GROUP_IDS", "list"),
)
FARGATE: tuple[Resource, ...] = (
    ECS_CLUSTER,
    LOGS,
    SECRET,
    TASK_ROLE,
    SCHEDULER_ROLE,
    TASK,
    SERVICE,
    SCALABLE_TARGET,
    SCALING_POLICY,
    SCHEDULE,
)
LAUNCH_TEMPLATE = LaunchTemplate(
    key="launch-template",
    origin=at(30),
    instance_type=Parameter("INSTANCE_TYPE"),
    image="resolve:ssm:/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id",
    instance_profile=Ref("instance-profile", "arn"),
    security_group_ids=("sg-0123456789abcdef0",),
    user_data=concat("#!/bin/bash\necho ECS_CLUSTER=", Ref("cluster", "name"), "\n"),
    root_volume_size=50,
    spot=True,
    tags=TAGS,
)
MACHINES = AutoScalingGroup(
    key="machines",
    origin=at(31),
    launch_template=Ref("launch-template", "id"),
    launch_template_version=Ref("launch-template", "latest_version"),
    subnet_ids=Parameter("SUBNET_IDS", "list"),
    minimum=0,
    maximum=5,
    tags={**TAGS, "owner": Parameter("OWNER")},
)
CAPACITY = EcsCapacityProvider(
    key="capacity",
    origin=at(32),
    name=concat("machines-", Ref("machines", "name")),
    auto_scaling_group=Ref("machines", "arn"),
    managed_scaling=True,
    tags=TAGS,
)
CLUSTER_CAPACITY = EcsClusterCapacityProviders(
    key="cluster-capacity",
    origin=at(33),
    cluster=Ref("cluster", "name"),
    providers=(Ref("capacity", "name"), "FARGATE"),
    default_providers=(Ref("capacity", "name"),),
)
EC2: tuple[Resource, ...] = (
    ECS_CLUSTER,
    LOGS,
    SECRET,
    TASK_ROLE,
    SCHEDULER_ROLE,
    replace(INSTANCE_ROLE, policies={}),
    PROFILE,
    LAUNCH_TEMPLATE,
    MACHINES,
    CAPACITY,
    CLUSTER_CAPACITY,
    replace(
        TASK,
        launch_type="EC2",
        ephemeral_storage=None,
        volumes=(HostVolume(name="state", path="/mnt/state"),),
    ),
    replace(
        SERVICE,
        after=("cluster-capacity",),
        desired_count=2,
        launch_type=None,
        capacity_providers=(Ref("capacity", "name"),),
        security_group_ids=(),
        assign_public_ip=False,
    ),
    replace(
        SCHEDULE,
        after=("cluster-capacity",),
        launch_type=None,
        capacity_providers=(Ref("capacity", "name"),),
        security_group_ids=(),
    ),
)


def make_unit(*resources: Resource, **changes: Any) -> Unit:
    """Return a unit of the resources; other fields as for one EMR job."""
    identity = changes.pop("identity", Identity("acme", "prod", "orders"))
    fields = {
        "kind": UnitKind.JOB,
        "component": "EmrCluster",
        "owner": "cloudformation",
        "target": PlacedTarget(name="main", cloud="aws", region="eu-west-1"),
        "jobs": (identity,),
        "exports": {},
        "tags": TAGS,
        "description": f"EMR cluster for {identity}",
    }
    return Unit(identity=identity, resources=resources, **{**fields, **changes})


def make_plan(*units: Unit) -> Plan:
    """Return a plan of the units."""
    return Plan(units=units, jobs=(), diagnostics=())


@pytest.fixture
def samples() -> dict[str, Any]:
    """One resource of each kind by its key, and the cluster with fleets as `fleet-cluster`."""
    return {**{resource.key: resource for resource in EMR}, "fleet-cluster": FLEET_CLUSTER}


@pytest.fixture
def emr_unit() -> Unit:
    """A whole EMR unit with instance groups."""
    return make_unit(*EMR, exports=EXPORTS)


@pytest.fixture
def fleet_unit() -> Unit:
    """A whole EMR unit with instance fleets."""
    return make_unit(*EMR[:-1], FLEET_CLUSTER, exports=EXPORTS)


@pytest.fixture
def fargate_unit() -> Unit:
    """A unit with tasks on Fargate: a service that scales, and a schedule."""
    exports = {"service_arn": Ref("service", "arn"), "schedule": Ref("schedule", "name")}
    return make_unit(*FARGATE, exports=exports)


@pytest.fixture
def ec2_unit() -> Unit:
    """A unit with tasks on machines of its own: a service, and a schedule."""
    return make_unit(*EC2, exports={"machines": Ref("machines", "name")})


@pytest.fixture
def unit() -> MakeUnit:
    """The function that makes a unit of resources."""
    return make_unit


@pytest.fixture
def plan() -> Callable[..., Plan]:
    """The function that makes a plan of units."""
    return make_plan


@pytest.fixture
def template() -> Callable[[Unit], dict[str, Any]]:
    """The function that gives a unit's template as plain data."""
    return lambda unit: json.loads(to_stack(unit).json)
