"""Databricks: clusters, pools of machines, and jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dativo_infra.resources.databricks import (
    AutoScale,
    AwsAttributes,
    AzureAttributes,
    ClusterSpec,
    GcpAttributes,
)
from dativo_infra.values import show

if TYPE_CHECKING:
    from dativo_infra.resources.databricks import (
        ClusterLogs,
        DatabricksCluster,
        DatabricksInstancePool,
        DatabricksJob,
    )

_DISKS = "GENERAL_PURPOSE_SSD"


def cluster(resource: DatabricksCluster) -> dict[str, Any]:
    """Return the arguments of a cluster."""
    return {
        "cluster_name": resource.name,
        **_cluster(resource.spec),
        "autotermination_minutes": resource.autotermination_minutes,
        "is_pinned": resource.pinned,
        "custom_tags": resource.tags or None,
    }


def instance_pool(resource: DatabricksInstancePool) -> dict[str, Any]:
    """Return the arguments of a pool."""
    return {
        "instance_pool_name": resource.name,
        "node_type_id": resource.node_type,
        "min_idle_instances": resource.min_idle,
        "max_capacity": resource.max_capacity,
        "idle_instance_autotermination_minutes": resource.idle_minutes,
        "preloaded_spark_versions": [resource.spark_version],
        "custom_tags": resource.tags,
        **_pool(resource.attributes),
    }


def job(resource: DatabricksJob) -> dict[str, Any]:
    """Return the arguments of a job, without its task."""
    run_as = resource.run_as
    schedule = {"quartz_cron_expression": resource.schedule, "timezone_id": "UTC"}
    return {
        "name": resource.name,
        "schedule": schedule if resource.schedule else None,
        # Two runs at once would write one catalog branch.
        "max_concurrent_runs": 1,
        "run_as": run_as
        and {
            "user_name": run_as.user,
            "service_principal_name": run_as.service_principal,
        },
        "tags": resource.tags or None,
    }


def task(resource: DatabricksJob) -> dict[str, Any]:
    """Return the arguments of a job's one task, without what it installs."""
    if isinstance(resource.cluster, ClusterSpec):
        # Databricks hands a job's tags on to its clusters; here they are in what it is told.
        tags = resource.tags or None
        where = {"new_cluster": {**_cluster(resource.cluster), "custom_tags": tags}}
    else:
        where = {"existing_cluster_id": resource.cluster}
    wheel = {
        "package_name": resource.task.package,
        "entry_point": resource.task.entry_point,
        "parameters": resource.task.parameters,
    }
    return {"task_key": "run", **where, "python_wheel_task": wheel}


def library(resource: DatabricksJob) -> dict[str, Any] | None:
    """Return what a job's task installs: a wheel by its path, or a package by its requirement."""
    wanted = resource.task.library
    if wanted is None:
        return None
    known = str(show(wanted))
    if known.endswith(".whl") or known.startswith("/") or "://" in known:
        return {"whl": wanted}
    return {"pypi": {"package": wanted}}


def _cluster(spec: ClusterSpec) -> dict[str, Any]:
    """Return the arguments that a cluster that stays and one of a job have alike."""
    workers = spec.workers
    scaled = isinstance(workers, AutoScale)
    return {
        "spark_version": spec.spark_version,
        "node_type_id": spec.node_type,
        "driver_node_type_id": spec.driver_node_type,
        "instance_pool_id": spec.instance_pool,
        "num_workers": None if scaled else workers,
        "autoscale": {"min_workers": workers.minimum, "max_workers": workers.maximum}
        if scaled
        else None,
        **_attributes(spec.attributes),
        "data_security_mode": spec.data_security_mode,
        "single_user_name": spec.single_user,
        "runtime_engine": spec.runtime_engine,
        "policy_id": spec.policy,
        "docker_image": None if spec.image is None else {"url": spec.image},
        "spark_env_vars": spec.environment or None,
        "cluster_log_conf": spec.logs and _logs(spec.logs),
    }


def _attributes(
    attributes: AwsAttributes | AzureAttributes | GcpAttributes | None,
) -> dict[str, Any]:
    match attributes:
        case AwsAttributes():
            disks = attributes.ebs_volume_count
            values = {
                "availability": attributes.availability,
                "first_on_demand": attributes.first_on_demand,
                "spot_bid_price_percent": attributes.spot_bid_percent,
                "zone_id": attributes.zone,
                "instance_profile_arn": attributes.instance_profile,
                "ebs_volume_count": disks,
                "ebs_volume_size": attributes.ebs_volume_size,
                "ebs_volume_type": _DISKS if disks else None,
            }
            return {"aws_attributes": values}
        case AzureAttributes():
            values = {
                "availability": attributes.availability,
                "first_on_demand": attributes.first_on_demand,
                "spot_bid_max_price": attributes.spot_bid_max_price,
            }
            return {"azure_attributes": values}
        case GcpAttributes():
            values = {
                "availability": attributes.availability,
                "first_on_demand": attributes.first_on_demand,
                "zone_id": attributes.zone,
                "google_service_account": attributes.google_service_account,
            }
            return {"gcp_attributes": values}
        case None:
            return {}


def _pool(attributes: AwsAttributes | AzureAttributes | GcpAttributes) -> dict[str, Any]:
    match attributes:
        case AwsAttributes():
            values = {
                "availability": attributes.availability,
                "spot_bid_price_percent": attributes.spot_bid_percent,
                "zone_id": attributes.zone,
            }
            disks = {
                "disk_count": attributes.ebs_volume_count,
                "disk_size": attributes.ebs_volume_size,
                "disk_type": {"ebs_volume_type": _DISKS},
            }
            wanted = attributes.ebs_volume_count
            return {"aws_attributes": values, "disk_spec": disks if wanted else None}
        case AzureAttributes():
            values = {
                "availability": attributes.availability,
                "spot_bid_max_price": attributes.spot_bid_max_price,
            }
            return {"azure_attributes": values}
        case GcpAttributes():
            values = {"gcp_availability": attributes.availability, "zone_id": attributes.zone}
            return {"gcp_attributes": values}


def _logs(logs: ClusterLogs) -> dict[str, Any]:
    destination = {"destination": logs.destination}
    known = str(show(logs.destination))
    if known.startswith("s3://"):
        return {"s3": {**destination, "region": logs.region}}
    return {"dbfs" if known.startswith("dbfs:/") else "volumes": destination}
