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
from dativo_infra.resources.emr import (
    EmrCluster,
    EmrSecurityConfiguration,
    InstanceFleet,
    InstanceGroup,
    ManagedScaling,
)
from dativo_infra.resources.iam import IamInstanceProfile, IamRole
from dativo_infra.resources.s3 import S3Bucket
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
