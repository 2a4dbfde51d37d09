"""What goes through the adapters: all examples, small jobs for the variants, and units by hand.

Everything is planned, lowered and recorded once a session.
"""

from __future__ import annotations

import atexit
import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import by_hand_databricks
import by_hand_ecs
import yaml
from read_back_manifests import APPLICATION
from read_back_pulumi import CALLS, Reader, sentinels
from read_back_pulumi_ecs import version_of
from reading import plain

from dativo_infra import load, load_document, load_project, plan
from dativo_infra.adapters.cloudformation.template import Stack, to_stacks
from dativo_infra.adapters.manifests import synth
from dativo_infra.adapters.manifests.gitops.argocd import ArgoCd
from dativo_infra.adapters.manifests.gitops.repository import Repository
from dativo_infra.adapters.pulumi import build
from dativo_infra.adapters.terraform.native import to_root
from dativo_infra.names import KUBERNETES, PULUMI, Identity
from dativo_infra.planning import Plan, Unit, UnitKind
from dativo_infra.planning.support import REFUSALS
from dativo_infra.project import PlacedTarget
from dativo_infra.resources import Lifecycle, Resource
from dativo_infra.resources.ec2 import LaunchTemplate
from dativo_infra.resources.ecs import EcsCapacityProvider, EcsCluster
from dativo_infra.resources.emr import EmrCluster, InstanceFleet, ManagedScaling
from dativo_infra.resources.iam import IamRole
from dativo_infra.resources.kinds import KINDS
from dativo_infra.resources.kubernetes import KubernetesObject
from dativo_infra.resources.s3 import S3Bucket
from dativo_infra.testing import Recording, record
from dativo_infra.values import (
    Concat,
    Parameter,
    Pseudo,
    Ref,
    Select,
    Split,
    concat,
    parameters,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from dativo_infra.model import Job

EXAMPLES = Path(__file__).parents[2] / "examples" / "jobs"
ON_KUBERNETES = ("kubernetes", "spark", "ray", "dask")
"""The platforms whose jobs are objects in a cluster."""
OFF_AWS = (*ON_KUBERNETES, "databricks")
"""The platforms of which CloudFormation builds none."""
BUILT = ("emr", "ecs", "fargate", *OFF_AWS)
"""The platforms that this version builds."""
OF_AWS = tuple(kind for kind in KINDS if kind.__name__ not in REFUSALS["cloudformation"])
"""The kinds that CloudFormation builds."""

TAGS = {"CostCenter": "finance", "Owner": "data@acme.example"}
SECRET_ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:acme/x"
KEY_ARN = "arn:aws:kms:us-east-1:123456789012:key/0123abcd-4567-89ab-cdef-0123456789ab"
PROFILE_ARN = "arn:aws:iam::123456789012:instance-profile/databricks"
AZURE_NETWORK = "/subscriptions/0/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/n"
ROLE_ARN = "arn:aws:iam::123456789012:role/data/Machines"
CLUSTER_ARN = "arn:aws:ecs:us-east-1:123456789012:cluster/acme-shared"
EFS = "fs-0123456789abcdef0"
CACHE = {"endpoint": "rediss://:${REDIS_PASSWORD}@cache.acme.example:6379"}
ODD_TAGS = {"Größe": "1 + 1 = 2", "empty": "", "a/b:c@d": "x_y.z-1"}
VOLUME = "vol-0123456789abcdef0"
DISK = "projects/p/zones/europe-west3-a/disks/state"
AZURE_DISK = "/subscriptions/0/resourceGroups/g/providers/Microsoft.Compute/disks/state"


def _job(platform: str, runtime: Mapping[str, Any], block: Mapping[str, Any]) -> dict[str, Any]:
    metadata = {"tags": {**TAGS, **block.get("tags", {})}}
    metadata |= {
        name: block[name] for name in ("labels", "annotations", "variables") if name in block
    }
    return {
        "tenant_id": block.get("tenant", "variants"),
        "environment": "test",
        "source_connector_path": "/app/connectors/stripe.yaml",
        "target_connector_path": "/app/connectors/iceberg.yaml",
        "asset_path": "/app/assets/stripe/v1.0/customers.yaml",
        "source": block.get("source", {"objects": ["customers"]}),
        "target": {"branch": "acme", "warehouse": "s3://acme-lake/warehouse/"},
        "infrastructure": {
            "provider": "pulumi",
            "runtime": {"platform": platform, **runtime},
            "metadata": metadata,
            "resources": block.get("resources", {}),
        },
    }


def emr(
    *,
    scaling: tuple[int, int] | None = None,
    subnets: Any = ("subnet-0a1b2c3d",),
    groups: Any = None,
    runtime: Mapping[str, Any] | None = None,
    instance_type: str = "m5.xlarge",
    **block: Any,
) -> dict[str, Any]:
    """Return a job on EMR."""
    compute: dict[str, Any] = {"instance_type": instance_type, "instance_count": 3}
    if scaling:
        limits = {"min_instances": scaling[0], "max_instances": scaling[1]}
        compute["auto_scaling"] = {"enabled": True, **limits}
    network = {"subnet_ids": list(subnets) if isinstance(subnets, tuple) else subnets}
    if groups is not None:
        network["security_group_ids"] = groups
    return _job("emr", {"compute": compute, "network": network, **(runtime or {})}, block)


def ecs(
    *,
    instance_type: Any = "m5.large",
    count: int | None = 1,
    cluster: Any = None,
    **block: Any,
) -> dict[str, Any]:
    """Return a job on ECS with machines of its own, or in a cluster that exists."""
    compute = {} if cluster else {"instance_type": instance_type}
    if count is not None:
        compute["instance_count"] = count
    return _tasks("ecs", compute, cluster, block)


def fargate(*, count: int | None = 1, cluster: Any = None, **block: Any) -> dict[str, Any]:
    """Return a job on Fargate."""
    compute = {} if count is None else {"instance_count": count}
    return _tasks("fargate", compute, cluster, block)


def _tasks(
    platform: str, compute: dict[str, Any], cluster: Any, block: dict[str, Any]
) -> dict[str, Any]:
    """Return a job on ECS, with keywords that both of its platforms know."""
    if cluster is not None:
        compute["cluster_id"] = cluster
    if scaling := block.pop("scaling", None):
        limits = {"min_instances": scaling[0], "max_instances": scaling[1]}
        compute["auto_scaling"] = {"enabled": True, **limits}
    subnets = block.pop("subnets", ("subnet-0a1b2c3d",))
    network = {"subnet_ids": list(subnets) if isinstance(subnets, tuple) else subnets}
    if (groups := block.pop("groups", None)) is not None:
        network["security_group_ids"] = groups
    runtime = {"compute": compute, "network": network, **block.pop("runtime", {})}
    image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/ingest:1"
    variables = {"image": image, **block.pop("variables", {})}
    # A tenant has either runners or schedules: both would start a job twice.
    tenant = "variants" if "run" in variables else "runners"
    return _job(platform, runtime, {"tenant": tenant, **block, "variables": variables})


def kubernetes(platform: str = "kubernetes", **block: Any) -> dict[str, Any]:
    """Return a job on Kubernetes; each has a namespace of its own unless it says one."""
    runtime = {"namespace": block.pop("namespace", "data"), **block.pop("runtime", {})}
    variables = {"image": "registry.example/ingest:1", **block.pop("variables", {})}
    return _job(platform, runtime, {**block, "variables": variables})


def spark(**block: Any) -> dict[str, Any]:
    """Return a job on Spark: with executors of its own, or with a cluster that exists."""
    return _workers("spark", block)


def ray(**block: Any) -> dict[str, Any]:
    """Return a job on Ray: with a cluster of its own, or with one that exists."""
    return _workers("ray", block)


def dask(**block: Any) -> dict[str, Any]:
    """Return a job on Dask: with a cluster of its own, or with one that exists."""
    return _workers("dask", block)


def _workers(platform: str, block: dict[str, Any]) -> dict[str, Any]:
    compute: dict[str, Any] = {"instance_count": block.pop("count", 3)}
    if cluster := block.pop("cluster", None):
        compute = {"cluster_id": cluster}
    if scaling := block.pop("scaling", None):
        limits = {"min_instances": scaling[0], "max_instances": scaling[1]}
        compute["auto_scaling"] = {"enabled": True, **limits}
    runtime = {"compute": compute, **block.pop("runtime", {})}
    namespace = block.pop("namespace", "workers")
    return kubernetes(platform, namespace=namespace, runtime=runtime, **block)


AMOUNTS = {
    "resource_requests_cpu": "2",
    "resource_requests_memory": "8Gi",
    "resource_limits_cpu": "4",
    "resource_limits_memory": "16Gi",
}


def databricks(
    *,
    instance_type: str = "i3.xlarge",
    scaling: tuple[int, int] | None = None,
    cluster: Any = None,
    account: Any = None,
    **block: Any,
) -> dict[str, Any]:
    """Return a job on Databricks."""
    compute: dict[str, Any] = {"instance_type": instance_type, "instance_count": 3}
    if scaling:
        limits = {"min_instances": scaling[0], "max_instances": scaling[1]}
        compute["auto_scaling"] = {"enabled": True, **limits}
    runtime = {
        "compute": {"cluster_id": cluster} if cluster else compute,
        **block.pop("runtime", {}),
    }
    if account is not None:
        runtime["service_account"] = account
    return _job("databricks", runtime, block)


VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "emr-groups": emr(),
    "emr-groups-scaled": emr(scaling=(2, 8), groups=["sg-0a1b2c3d", "sg-1b2c3d4e"]),
    "emr-fleets-on-demand": emr(
        subnets=("subnet-0a1b2c3d", "subnet-1b2c3d4e"), variables={"spot_bid_price_percent": 70}
    ),
    "emr-fleets-scaled": emr(scaling=(1, 9), subnets=("subnet-0a1b2c3d", "subnet-1b2c3d4e")),
    "emr-spot": emr(variables={"enable_spot_instances": True}),
    "emr-spot-scaled": emr(
        scaling=(2, 8), variables={"enable_spot_instances": True, "spot_bid_price_percent": 60}
    ),
    "emr-encrypted": emr(variables={"enable_encryption": True}),
    "emr-encrypted-alias": emr(variables={"enable_encryption": True, "kms_key_alias": "alias/x"}),
    "emr-encrypted-key": emr(
        variables={
            "enable_encryption": True,
            "kms_key_alias": "0123abcd-4567-89ab-cdef-0123456789ab",
            "log_bucket": "acme-logs",
        }
    ),
    "emr-encrypted-arn": emr(variables={"enable_encryption": True, "kms_key_alias": KEY_ARN}),
    "emr-log-bucket": emr(variables={"log_bucket": "acme-logs"}),
    "emr-retention": emr(variables={"log_retention_days": 7}),
    "emr-role-arn": emr(runtime={"service_account": ROLE_ARN}),
    "emr-role-name": emr(runtime={"service_account": "Machines"}),
    "emr-role-late": emr(runtime={"service_account": "${MACHINES_ROLE}"}),
    "emr-late": emr(
        subnets=("${SUBNET}",),
        groups=["${GROUP}", "sg-0a1b2c3d"],
        instance_type="${MACHINE}",
        runtime={"storage": {"bucket": "${LAKE}"}},
        tags={"Stage": "${STAGE}", "Mixed": "at ${STAGE} of ${LAKE}"},
        resources={
            "secrets": {"secret_manager_arn": "${BUNDLE}", "kms_key_id": "${BUNDLE_KEY}"},
            "queue": {"arn": "${QUEUE_ARN}"},
        },
    ),
    "emr-late-lists": emr(
        subnets=Parameter("SUBNETS", "list"), groups=Parameter("GROUPS", "list"), scaling=(1, 4)
    ),
    "emr-protected": emr(
        variables={"termination_protection": True, "idle_timeout_minutes": 90, "applications": []}
    ),
    "emr-unprotected": emr(variables={"protect": False}),
    "emr-software": emr(
        variables={
            "release_label": "emr-6.15.0",
            "applications": ["Spark", "Hive", "Hadoop"],
            "master_instance_type": "m5.large",
        }
    ),
    "emr-allowed": emr(
        runtime={"storage": {"bucket": "acme-data"}},
        resources={
            "secrets": {"secret_manager_arn": SECRET_ARN, "kms_key_id": "alias/bundle"},
            "queue": {"arn": "arn:aws:sqs:us-east-1:123456789012:work"},
        },
    ),
    "emr tags + Zoë": emr(tags=ODD_TAGS),
    "ecs-service": ecs(),
    "ecs-task": ecs(variables={"run": "task"}),
    "ecs-schedule": ecs(
        count=2,
        variables={"run": "schedule", "schedule": "0 3 * * MON-FRI"},
        groups=["sg-0a1b2c3d"],
    ),
    "ecs-scaled": ecs(
        count=None,
        scaling=(1, 4),
        subnets=("subnet-0a1b2c3d", "subnet-1b2c3d4e"),
        variables={"scaling_cpu_percent": 50, "scaling_memory_percent": 60},
    ),
    "ecs-scaled-schedule": ecs(
        count=None, scaling=(1, 4), variables={"run": "schedule", "schedule": "*/15 * * * *"}
    ),
    "ecs-fixed-tasks": ecs(count=3, variables={"tasks": 2, "command": ["serve", "--all"]}),
    "ecs-spot": ecs(
        variables={"enable_spot_instances": True, "root_volume_size": 80, "cpu": 256, "memory": 512}
    ),
    "ecs-arm": ecs(instance_type="m6g.large", variables={"log_retention_days": 365}),
    "ecs-arm-said": ecs(
        instance_type="${MACHINE}",
        variables={"cpu_architecture": "arm64", "machine_image": "ami-0123456789abcdef0"},
    ),
    "ecs-insights": ecs(variables={"container_insights": True, "runner_config": "/app/other.yaml"}),
    "ecs-shared-one": ecs(variables={"cluster_name": "machines"}),
    "ecs-shared-two": ecs(
        variables={"cluster_name": "machines", "run": "schedule", "schedule": "0 4 * * *"}
    ),
    "ecs-existing-name": ecs(cluster="acme-shared", variables={"cpu_architecture": "arm64"}),
    "ecs-existing-arn": ecs(
        cluster=CLUSTER_ARN, variables={"run": "schedule", "schedule": "5 4 1 * *"}
    ),
    "ecs-existing-late": ecs(
        cluster="${CLUSTER}", variables={"run": "schedule", "schedule": "0 3 * * *"}
    ),
    "ecs-existing-scaled": ecs(cluster="${CLUSTER}", count=None, scaling=(2, 5)),
    "ecs-efs": ecs(runtime={"storage": {"volume_id": EFS}}),
    "ecs-ebs": ecs(runtime={"storage": {"volume_id": VOLUME, "mount_path": "/var/state"}}),
    "ecs-role-arn": ecs(runtime={"service_account": ROLE_ARN}),
    "ecs-role-name": ecs(
        runtime={"service_account": "Machines"},
        variables={"run": "schedule", "schedule": "0 3 * * *"},
    ),
    "ecs-late": ecs(
        instance_type="${MACHINE}",
        subnets=("${SUBNET}",),
        groups=["${GROUP}", "sg-0a1b2c3d"],
        runtime={"storage": {"bucket": "${LAKE}"}},
        tags={"Stage": "${STAGE}", "Mixed": "at ${STAGE} of ${LAKE}"},
        variables={
            "image": "registry.example/ingest:${IMAGE_TAG}",
            "machine_image": "ami-0123456789abcdef0",
        },
        resources={
            "secrets": {"secret_manager_arn": "${BUNDLE}", "kms_key_id": "${BUNDLE_KEY}"},
            "queue": {"arn": "${QUEUE_ARN}", "url": "${QUEUE_URL}"},
        },
    ),
    "ecs-late-lists": ecs(subnets=Parameter("SUBNETS", "list"), groups=Parameter("GROUPS", "list")),
    "ecs-secret": ecs(resources={"cache": CACHE, "secrets": {"secret_manager_arn": SECRET_ARN}}),
    "ecs tags + Zoë": ecs(
        tags=ODD_TAGS | {"empty": "no"}, variables={"run": "schedule", "schedule": "0 3 * * *"}
    ),
    "fargate-service": fargate(),
    "fargate-task": fargate(variables={"run": "task", "cpu": 512, "memory": 3072}),
    "fargate-schedule": fargate(
        variables={"run": "schedule", "schedule": "0 3 1 * *", "assign_public_ip": True},
        groups=["sg-0a1b2c3d", "sg-1b2c3d4e"],
    ),
    "fargate-scaled": fargate(count=None, scaling=(2, 8)),
    "fargate-spot": fargate(variables={"enable_spot_instances": True}),
    "fargate-spot-schedule": fargate(
        variables={"enable_spot_instances": True, "run": "schedule", "schedule": "0 3 * * *"}
    ),
    "fargate-public": fargate(
        variables={"assign_public_ip": True, "ephemeral_storage": 100, "cpu_architecture": "arm64"}
    ),
    "fargate-shared-one": fargate(
        variables={"cluster_name": "tasks", "enable_spot_instances": True}
    ),
    "fargate-shared-two": fargate(
        variables={"cluster_name": "tasks", "run": "schedule", "schedule": "0 3 * * *"}
    ),
    "fargate-shared-plain": fargate(variables={"cluster_name": "plain", "run": "task"}),
    "fargate-existing-name": fargate(
        cluster="acme-shared", variables={"run": "schedule", "schedule": "0 3 * * *"}
    ),
    "fargate-existing-arn": fargate(cluster=CLUSTER_ARN, count=None, scaling=(1, 3)),
    "fargate-existing-late": fargate(
        cluster="${CLUSTER}", variables={"run": "schedule", "schedule": "0 3 * * *"}
    ),
    "fargate-efs": fargate(runtime={"storage": {"volume_id": EFS, "mount_path": "/var/state"}}),
    "fargate-efs-point": fargate(
        runtime={"storage": {"volume_id": f"{EFS}::fsap-0123456789abcdef0"}},
        variables={"run": "schedule", "schedule": "0 3 * * *"},
    ),
    "fargate-role-late": fargate(
        runtime={"service_account": "${TASK_ROLE}"},
        variables={"run": "schedule", "schedule": "0 3 * * *"},
    ),
    "fargate-late": fargate(
        subnets=Parameter("SUBNETS", "list"),
        groups=["${GROUP}"],
        runtime={"storage": {"bucket": "${LAKE}"}},
        tags={"Stage": "${STAGE}"},
        variables={"image": "registry.example/ingest:${IMAGE_TAG}", "run": "task"},
    ),
    "fargate-secret": fargate(
        resources={
            "cache": CACHE,
            "secrets": {"secret_manager_arn": SECRET_ARN, "kms_key_id": "alias/bundle"},
            "queue": {"arn": "arn:aws:sqs:us-east-1:123456789012:work"},
        },
    ),
    "fargate tags + Zoë": fargate(tags=ODD_TAGS),
    "dbx-cluster": databricks(),
    "dbx-scaled": databricks(scaling=(2, 8), account="somebody@acme.example"),
    "dbx-spot": databricks(
        variables={
            "enable_spot_instances": True,
            "spot_bid_price_percent": 60,
            "zone": "us-east-1a",
            "driver_node_type": "i3.2xlarge",
            "runtime_engine": "PHOTON",
            "policy_id": "${POLICY}",
            "pinned": True,
            "protect": False,
        },
        account=PROFILE_ARN,
        instance_type="m5.xlarge",
    ),
    "dbx-disks": databricks(
        instance_type="m5.xlarge",
        variables={"ebs_volume_count": 2, "log_destination": "/Volumes/main/ops/logs"},
    ),
    "dbx-pool": databricks(
        variables={
            "enable_instance_pool": True,
            "enable_spot_instances": True,
            "pool_min_idle": 1,
            "pool_max_capacity": 9,
            "ebs_volume_count": 1,
        },
        account=PROFILE_ARN,
    ),
    "dbx-pool-exists": databricks(variables={"instance_pool_id": "${POOL}", "run": "task"}),
    "dbx-job": databricks(
        variables={"run": "task", "image": "registry.example/ingest:1"},
        account="8d23ae77-912e-4a19-81e4-b9c3f5cc9349",
    ),
    "dbx-schedule": databricks(variables={"run": "schedule", "schedule": "0 3 * * MON-FRI"}),
    "dbx-job-on-existing": databricks(
        cluster="${CLUSTER}", account="somebody@acme.example", variables={"run": "task"}
    ),
    "dbx-job-in-pool": databricks(
        variables={"run": "task", "enable_instance_pool": True, "runner_library": "${LIBRARY}"}
    ),
    "dbx-google": databricks(
        instance_type="n2-highmem-4",
        account="ingest@project.iam.gserviceaccount.com",
        variables={"enable_spot_instances": True, "log_destination": "dbfs:/logs"},
    ),
    "dbx-google-pool": databricks(
        instance_type="n2-highmem-4",
        account="ingest@project.iam.gserviceaccount.com",
        variables={"enable_instance_pool": True},
    ),
    "dbx-azure": databricks(
        instance_type="Standard_D4ds_v5",
        runtime={"network": {"vpc_id": AZURE_NETWORK}},
        variables={"enable_spot_instances": True},
    ),
    "dbx-late": databricks(
        account="${PROFILE}",
        instance_type="${MACHINE}",
        runtime={"storage": {"bucket": "${LAKE}", "mount_path": "/Volumes/main/ingest/state"}},
        tags={"Stage": "${STAGE}", "Mixed": "at ${STAGE} of ${LAKE}"},
        resources={
            "queue": {"url": "${QUEUE_URL}"},
            "secrets": {"secret_manager_arn": "${BUNDLE}"},
        },
    ),
    "dbx tags + Zoë": databricks(tags=ODD_TAGS),
    "k8s-plain": kubernetes(),
    "k8s-default-namespace": kubernetes(namespace="default"),
    "k8s-account-word": kubernetes(namespace="word", runtime={"service_account": "runner"}),
    "k8s-account-role": kubernetes(namespace="role", runtime={"service_account": ROLE_ARN}),
    "k8s-account-google": kubernetes(
        namespace="google",
        runtime={"service_account": "ingest@project.iam.gserviceaccount.com"},
        variables={"enable_network_policy": True},
    ),
    "k8s-resources": kubernetes(
        namespace="amounts",
        variables={
            "resource_requests_cpu": "500m",
            "resource_requests_memory": "1Gi",
            "resource_limits_cpu": "1",
            "resource_limits_memory": "2Gi",
            "quota_requests_cpu": "4",
            "quota_requests_memory": "8Gi",
            "quota_limits_cpu": "8",
            "quota_limits_memory": "16Gi",
            "quota_pods": "20",
        },
    ),
    "k8s-secure": kubernetes(
        namespace="secure",
        variables={
            "enable_pod_security_policy": True,
            "pod_security_level": "baseline",
            "run_as_user": 2000,
        },
    ),
    "k8s-network": kubernetes(
        namespace="network",
        variables={
            "enable_network_policy": True,
            "egress_ports": [8443, 9092],
            "egress_cidrs": ["10.0.0.0/8"],
        },
        annotations={"prometheus.io/scrape": "true", "prometheus.io/port": "9090"},
        resources={"database": {"endpoint": "db.other.svc.cluster.local", "port": 3306}},
    ),
    "k8s-network-any": kubernetes(
        namespace="network-any",
        variables={"enable_network_policy": True, "egress_cidrs": ["10.0.0.0/8"]},
        resources={"database": {"endpoint": "db.acme.example", "port": 5432, "database_name": "d"}},
    ),
    "k8s-scheduled": kubernetes(
        namespace="scheduled", variables={"run": "schedule", "schedule": "0 3 * * *"}
    ),
    "k8s-new-volume": kubernetes(
        namespace="volumes",
        runtime={"storage": {"mount_path": "/var/state"}},
        variables={"state_volume_size": "5Gi", "storage_class": "gp3"},
    ),
    "k8s-volume-ebs": kubernetes(
        namespace="volumes",
        runtime={"storage": {"volume_id": VOLUME}},
        variables={"volume_zone": "us-east-1a", "state_volume_size": "5Gi"},
    ),
    "k8s-volume-efs": kubernetes(
        namespace="volumes", runtime={"storage": {"volume_id": "fs-0123456789abcdef0"}}
    ),
    "k8s-volume-gce": kubernetes(namespace="volumes", runtime={"storage": {"volume_id": DISK}}),
    "k8s-volume-azure": kubernetes(
        namespace="volumes", runtime={"storage": {"volume_id": AZURE_DISK}}
    ),
    "k8s-volume-claim": kubernetes(
        namespace="volumes", runtime={"storage": {"volume_id": "existing-claim"}}
    ),
    "k8s-late": kubernetes(
        namespace="late",
        runtime={"storage": {"bucket": "${LAKE}"}},
        tags={"Stage": "${STAGE}"},
        labels={"stage": "${STAGE}"},
        annotations={"stage": "at ${STAGE}"},
        resources={
            "queue": {"url": "${QUEUE_URL}"},
            "secrets": {"secret_manager_arn": "${BUNDLE}"},
        },
    ),
    "k8s-secret": kubernetes(
        namespace="secret",
        resources={
            "cache": {"endpoint": "rediss://:${REDIS_PASSWORD}@cache.acme.example:6379"},
            "secrets": {"secret_manager_arn": SECRET_ARN},
        },
    ),
    "k8s tags + Zoë": kubernetes(namespace="odd", tags=ODD_TAGS),
    "spark-plain": spark(),
    "spark-scaled": spark(
        scaling=(2, 8), variables=AMOUNTS | {"driver_memory": "4Gi", "executor_cores": 3}
    ),
    "spark-deployed": spark(
        labels={"tier": "data"}, annotations={"note": "x"}, variables={"run": "deploy"}
    ),
    "spark-scheduled": spark(variables={"run": "schedule", "schedule": "0 3 * * *"}),
    "spark-secure": spark(
        namespace="spark-secure",
        runtime={"storage": {"volume_id": VOLUME}, "service_account": ROLE_ARN},
        variables={"enable_network_policy": True, "enable_pod_security_policy": True},
    ),
    "spark-existing": spark(
        cluster="spark://one.example:7077,two.example:7077",
        variables={"enable_network_policy": True},
    ),
    "spark-existing-late": spark(
        cluster="${SPARK_MASTER}", variables={"enable_network_policy": True}
    ),
    "spark-connect": spark(
        cluster="sc://connect.example:15002", variables={"enable_network_policy": True}
    ),
    "spark-secret": spark(resources={"cache": CACHE}),
    "ray-plain": ray(),
    "ray-scaled": ray(
        scaling=(2, 8),
        variables=AMOUNTS | {"object_store_memory": "4GB", "head_cpu": "1", "job_memory": "1Gi"},
    ),
    "ray-secure": ray(
        namespace="ray-secure",
        scaling=(1, 4),
        runtime={"storage": {"volume_id": EFS}, "service_account": "runner"},
        variables={"enable_network_policy": True, "enable_pod_security_policy": True},
    ),
    "ray-existing": ray(cluster="shared", variables={"enable_network_policy": True}),
    "ray-existing-late": ray(cluster="${RAY_CLUSTER}", variables={"enable_network_policy": True}),
    "ray-secret": ray(resources={"cache": CACHE}),
    "dask-plain": dask(),
    "dask-scaled": dask(
        scaling=(2, 8), variables=AMOUNTS | {"worker_threads": 2, "scheduler_memory": "4Gi"}
    ),
    "dask-secure": dask(
        namespace="dask-secure",
        scaling=(1, 4),
        runtime={"storage": {"volume_id": DISK}},
        variables={"enable_network_policy": True, "enable_pod_security_policy": True},
    ),
    "dask-existing": dask(cluster="tls://dask.example:8786"),
    "dask-existing-late": dask(cluster="${DASK}", variables={"enable_network_policy": True}),
    "dask-secret": dask(resources={"cache": CACHE}),
    "dask tags + Zoë": dask(namespace="odd", tags=ODD_TAGS),
}
"""By the name of the job: its document."""


# --- units by hand, for what no job asks for yet ------------------------------------------------


def unit_of(name: str, *resources: Resource, component: str = "EmrCluster", **changes: Any) -> Unit:
    """Return a unit of some resources."""
    identity = Identity("by-hand", "test", name)
    fields: dict[str, Any] = {
        "identity": identity,
        "kind": UnitKind.JOB,
        "component": component,
        "owner": "pulumi",
        "target": PlacedTarget(name="", cloud="aws"),
        "jobs": (identity,),
        "exports": {},
        "tags": TAGS,
        "description": f"Resources of {identity}",
    }
    return Unit(resources=resources, **{**fields, **changes})


BUCKET = S3Bucket(
    key="data",
    kms_key=concat("arn:", Pseudo("partition"), ":kms:", Parameter("KEY_REGION"), ":1:key/2"),
    lifecycle=Lifecycle(retain=True, protect=True, delete_first=True),
    tags={**TAGS, "Token": Parameter("API_TOKEN", "secret")},
)
PLAIN_BUCKET = S3Bucket(key="plain-data", tags=TAGS)


def _everything_referred() -> IamRole:
    """Return a role whose policy names every attribute of every kind of the cloud."""
    keys = {
        "EmrCluster": "cluster",
        "EmrSecurityConfiguration": "security-configuration",
        "IamInstanceProfile": "instance-profile",
        "IamRole": "service-role",
        "S3Bucket": "log-bucket",
        **by_hand_ecs.KEYS,
    }
    named = [
        Ref(keys[kind.__name__], attribute) for kind in OF_AWS for attribute in kind.ATTRIBUTES
    ]
    whole = [concat("x-", each, "/", Pseudo("region"), "/y") for each in named]
    listed = Parameter("LISTED", "list")
    derived = [
        Select(listed, 1),
        Select(Split("/", Parameter("PATHS")), 1),
        Concat(("a", Select(listed, 0), "b")),
    ]
    statement = {"Effect": "Allow", "Action": ["s3:*"], "Resource": [*named, *whole, *derived]}
    return IamRole(
        key="reader",
        description="Reads everything",
        assume_role_policy={"Version": "2012-10-17", "Statement": []},
        managed_policy_arns=(concat("arn:", Pseudo("partition"), ":iam::aws:policy/A"), "arn:b/B"),
        policies={
            "one": {"Version": "2012-10-17", "Statement": [statement], "Ids": listed},
            "two": {"Version": "2012-10-17", "Statement": []},
        },
        after=("plain-data", "data"),
        tags=TAGS,
    )


@cache
def by_hand() -> tuple[Unit, ...]:
    """Return units of what no job asks for yet: every attribute, and every wish of a lifecycle."""
    planned = {unit.identity.name: unit for unit in _variants("pulumi").units}
    encrypted, plain = planned["emr-encrypted-alias"], planned["k8s-plain"]
    cluster = next(each for each in encrypted.resources if isinstance(each, EmrCluster))
    mixed = replace(
        cluster,
        subnet_ids=("subnet-0a1b2c3d",),
        primary=InstanceFleet(
            instance_type="m5.large",
            target_spot=1,
            spot_timeout_minutes=5,
            spot_allocation_strategy="capacity-optimized",
        ),
        core=InstanceFleet(
            instance_type="m5.xlarge",
            target_on_demand=2,
            target_spot=3,
            spot_bid_percent=80,
            spot_timeout_minutes=15,
        ),
        managed_scaling=ManagedScaling(minimum=1, maximum=9, unit="InstanceFleetUnits"),
        log_uri=concat("s3n://", Ref("log-bucket", "name"), "/x/"),
        lifecycle=Lifecycle(protect=True, delete_first=True),
        after=("data",),
    )
    others = (each for each in encrypted.resources if each is not cluster)
    objects = [
        KubernetesObject(
            key=key,
            api_version="v1",
            kind="ConfigMap",
            name=key,
            body=body,
            after=after,
            lifecycle=lifecycle,
        )
        for key, body, after, lifecycle in (
            ("first", {}, (), Lifecycle(retain=True, protect=True)),
            (
                "second",
                {"immutable": True, "data": {"a": "b"}},
                ("first",),
                Lifecycle(delete_first=True),
            ),
        )
    ]
    return (
        unit_of(
            "all",
            *(*others, mixed, BUCKET, PLAIN_BUCKET, *by_hand_ecs.full(TAGS)),
            _everything_referred(),
            exports=encrypted.exports,
        ),
        unit_of(
            "bare",
            *by_hand_ecs.bare(TAGS),
            tags={},
            component="EcsService",
            exports=by_hand_ecs.EXPORTS,
        ),
        unit_of(
            "other", *by_hand_ecs.other(TAGS), component="EcsService", exports=by_hand_ecs.EXPORTS
        ),
        *(
            unit_of(
                name,
                *resources,
                component="DatabricksCluster",
                exports={key: ref for key, ref in by_hand_databricks.EXPORTS.items() if has(ref)},
            )
            for name, resources, has in (
                ("databricks", by_hand_databricks.full(TAGS), lambda _: True),
                (
                    "other-clouds",
                    by_hand_databricks.bare(TAGS),
                    lambda ref: ref.key == "cluster",
                ),
            )
        ),
        unit_of("objects", *objects, component="KubernetesJob", exports=plain.exports),
    )


# --- planned, lowered and recorded --------------------------------------------------------------


@cache
def example_jobs() -> tuple[Job, ...]:
    """Return the jobs of the examples, as loaded where no variable is set."""
    return load([EXAMPLES], {}).jobs


def load_jobs(documents: Mapping[str, Mapping[str, Any]]) -> tuple[Job, ...]:
    """Return jobs made of documents, by their names."""
    return tuple(
        job
        for name, document in documents.items()
        for job in load_document(document, name=f"{name}.yaml", environment={}).jobs
    )


def _fitting(jobs: Iterable[Job], tool: str) -> Iterator[Job]:
    """Yield the jobs that a tool can build, whoever owns them.

    What is built by hand need not say what a tool must know.
    """
    wanted = {
        "pulumi": set(BUILT),
        "cloudformation": set(BUILT) - set(OFF_AWS),
        "manifests": set(ON_KUBERNETES),
        "terraform": set(BUILT),
    }[tool]
    built = (job for job in jobs if job.get("provider") != "manual")
    return (job for job in built if job.get("runtime.platform") in wanted)


@cache
def examples(tool: str) -> Plan:
    """Return the plan of the examples, where one tool owns all that it can build."""
    project, _ = load_project(EXAMPLES / "dativo-infra.yaml")
    return plan(_fitting(example_jobs(), tool), project, provider=tool)


@cache
def _variants(tool: str) -> Plan:
    return plan(_fitting(load_jobs(VARIANTS), tool), provider=tool)


@cache
def units(tool: str) -> tuple[Unit, ...]:
    """Return all units that go through an adapter."""
    planned = [*examples(tool).units, *_variants(tool).units]
    if tool == "manifests":
        objects = (replace(unit, owner=tool) for unit in by_hand() if _is_in_kubernetes(unit))
        return tuple(unit for unit in (*planned, *objects) if not is_late(unit))
    by_tool = (unit for unit in by_hand() if tool != "cloudformation" or _is_cloud(unit))
    # What a module of Terraform's builds is no resource that another tool could have.
    own = (unit for unit in planned if unit.component != "TerraformModule")
    return (*own, *by_tool)


def is_late(unit: Unit) -> bool:
    """Return whether something of a unit is known at deployment only, so that no file can be it."""
    return any(True for _ in parameters(plain(unit.resources)))


def errors() -> list[str]:
    """Return what kept a job from being planned."""
    plans = [each(tool) for each in (examples, _variants) for tool in TOOLS]
    found = [each for planned in plans for each in planned.diagnostics]
    for name, document in VARIANTS.items():
        found += load_document(document, name=f"{name}.yaml", environment={}).diagnostics
    return [str(each) for each in found if each.severity == "error"]


def _is_in_kubernetes(unit: Unit) -> bool:
    return all(isinstance(each, KubernetesObject) for each in unit.resources)


def is_in_cluster(unit: Unit) -> bool:
    """Return whether a unit has objects inside a Kubernetes cluster."""
    return any(isinstance(each, KubernetesObject) for each in unit.resources)


def _is_cloud(unit: Unit) -> bool:
    return all(isinstance(each, OF_AWS) for each in unit.resources)


CLOUD_TOOLS = ("pulumi", "cloudformation", "terraform")
"""The tools that build what is in AWS."""
TOOLS = (*CLOUD_TOOLS, "manifests")


def label(unit: Unit) -> str:
    """Return what a unit is called among the tests."""
    return str(unit.identity)


@cache
def unit_named(tool: str, name: str) -> Unit:
    """Return a unit by its identity as text."""
    return next(unit for unit in units(tool) if str(unit.identity) == name)


@cache
def template(name: str) -> dict[str, Any]:
    """Return the template of a unit by its identity as text."""
    return json.loads(stack(name).json)


@cache
def stack(name: str) -> Stack:
    """Return a unit in CloudFormation's form, by its identity as text."""
    (made,) = to_stacks([unit_named("cloudformation", name)])
    return made


REPOSITORY = Repository(url="https://git.acme.example/data/jobs.git", path="deploy")


@cache
def manifests_folder() -> Path:
    """Return the folder that all units are written to as manifests, for Argo CD."""
    folder = TemporaryDirectory()
    atexit.register(folder.cleanup)
    made = Plan(units=units("manifests"), jobs=(), diagnostics=())
    synth(made, Path(folder.name), gitops=ArgoCd(repository=REPOSITORY))
    return Path(folder.name)


def parsed(file: Path) -> Any:
    """Return the one document of a file."""
    return yaml.safe_load(file.read_text())


@cache
def manifests(name: str) -> Mapping[str, Any]:
    """Return what is written for a unit, by its identity as text: documents by file."""
    called = unit_named("manifests", name).name(KUBERNETES)
    (folder,) = manifests_folder().glob(f"clusters/*/{called}")
    found = {file.name: parsed(file) for file in sorted(folder.iterdir())}
    return {**found, APPLICATION: parsed(manifests_folder() / "argocd" / f"{called}.yaml")}


@cache
def root(name: str) -> dict[str, Any]:
    """Return what the root module of a unit is written as, by its identity as text."""
    return dict(to_root(unit_named("terraform", name)).document)


@cache
def recording() -> Recording:
    """Return what Pulumi registers for all units."""
    return record_units(units("pulumi"))


def outputs(these: Iterable[Unit]) -> dict[str, dict[str, Any]]:
    """Return outputs by which resources are known again, where the recording has none.

    These are the versions of launch templates, which are numbers, and names that are given.
    """
    found: dict[str, dict[str, Any]] = {}
    for unit in these:
        for each in unit.resources:
            name = f"{unit.name(PULUMI)}-{each.key}"
            if isinstance(each, LaunchTemplate):
                found[name] = {"latestVersion": version_of(name)}
            if isinstance(each, EcsCapacityProvider | EcsCluster):
                found[name] = {"name": f"<{name}.name>"}
    return found


def record_units(these: Iterable[Unit]) -> Recording:
    """Return what Pulumi registers for some units, with sentinels for what is known late."""
    these = tuple(these)
    planned = Plan(units=these, jobs=(), diagnostics=())
    return record(
        lambda: build(planned, parameters=sentinels(these)),
        outputs=outputs(these),
        calls=CALLS,
        config={"kubernetes:context": "test", "databricks:host": "https://test"},
    )


def component_of(unit: Unit, within: Recording) -> str:
    """Return the URN of a unit's component."""
    return within.one(f"dativo:index:{unit.component}", unit.name(PULUMI)).urn


@cache
def reader(name: str) -> Reader:
    """Return the reader of a unit's registrations, by its identity as text."""
    return Reader(recording(), component_of(unit_named("pulumi", name), recording()))
