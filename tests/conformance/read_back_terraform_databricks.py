"""The kinds of Databricks, from a root module of Terraform to the neutral resources.

Written from the documentation of the provider's resources, not from the lowerings.
Source: https://registry.terraform.io/providers/databricks/databricks/latest/docs
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reading import Properties, UnreadableError, same

from dativo_infra.resources.databricks import (
    AutoScale,
    AwsAttributes,
    AzureAttributes,
    ClusterLogs,
    ClusterSpec,
    DatabricksCluster,
    DatabricksInstancePool,
    DatabricksJob,
    GcpAttributes,
    RunAs,
    WheelTask,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from read_back_terraform import Folded

    from dativo_infra.resources import Resource

CLUSTER = "databricks_cluster"
JOB = "databricks_job"
POOL = "databricks_instance_pool"

OUTPUTS: Mapping[str, Mapping[str, str]] = {
    CLUSTER: {"id": "id", "cluster_id": "id", "url": "url"},
    JOB: {"id": "id", "url": "url"},
    POOL: {"id": "id", "instance_pool_id": "id"},
}
"""What the outputs of each type are."""

Attributes = AwsAttributes | AzureAttributes | GcpAttributes


def _cluster(folded: Folded, properties: Properties) -> DatabricksCluster:
    return DatabricksCluster(
        **folded.envelope(),
        name=properties.take("cluster_name"),
        autotermination_minutes=properties.take("autotermination_minutes", 60),
        pinned=properties.take("is_pinned", default=False),
        tags=properties.take("custom_tags", {}),
        spec=_spec(properties),
    )


def _spec(properties: Properties) -> ClusterSpec:
    image = properties.take("docker_image", None)
    return ClusterSpec(
        spark_version=properties.take("spark_version"),
        node_type=properties.take("node_type_id", None),
        driver_node_type=properties.take("driver_node_type_id", None),
        instance_pool=properties.take("instance_pool_id", None),
        workers=_workers(properties),
        attributes=_attributes(properties),
        data_security_mode=properties.take("data_security_mode"),
        single_user=properties.take("single_user_name", None),
        runtime_engine=properties.take("runtime_engine", None),
        policy=properties.take("policy_id", None),
        image=None if image is None else _only("image", image, "url"),
        environment=properties.take("spark_env_vars", {}),
        logs=_logs(properties.take("cluster_log_conf", None)),
    )


def _only(where: str, data: Any, name: str) -> Any:
    """Return the value of the one property that something has."""
    inner = Properties(where, data)
    read = inner.take(name)
    inner.end()
    return read


def _workers(properties: Properties) -> int | AutoScale:
    """Return the number, or the limits: the API takes one of the two."""
    number = properties.take("num_workers", None)
    limits = properties.take("autoscale", None)
    if (number is None) == (limits is None):
        raise UnreadableError(f"workers are {number} and {limits}")
    if limits is None:
        return number
    scale = Properties("autoscale", limits)
    read = AutoScale(minimum=scale.take("min_workers"), maximum=scale.take("max_workers"))
    scale.end()
    return read


def _attributes(properties: Properties) -> Attributes | None:
    found = {
        cloud: Properties(cloud, data)
        for cloud in ("aws", "azure", "gcp")
        if (data := properties.take(f"{cloud}_attributes", None)) is not None
    }
    if not found:
        return None
    ((cloud, given),) = found.items()
    availability = given.take("availability", None)
    first = given.take("first_on_demand", None)
    read: Attributes
    if cloud == "aws":
        read = AwsAttributes(
            availability=availability,
            first_on_demand=first,
            spot_bid_percent=given.take("spot_bid_price_percent", None),
            zone=given.take("zone_id", None),
            instance_profile=given.take("instance_profile_arn", None),
            ebs_volume_count=given.take("ebs_volume_count", None),
            ebs_volume_size=given.take("ebs_volume_size", None),
        )
        # Without a type the API refuses the number.
        given.expect("ebs_volume_type", read.ebs_volume_count and "GENERAL_PURPOSE_SSD", None)
    elif cloud == "azure":
        read = AzureAttributes(
            availability=availability,
            first_on_demand=first,
            spot_bid_max_price=given.take("spot_bid_max_price", None),
        )
    else:
        read = GcpAttributes(
            availability=availability,
            first_on_demand=first,
            zone=given.take("zone_id", None),
            google_service_account=given.take("google_service_account", None),
        )
    given.end()
    return read


def _logs(data: Any) -> ClusterLogs | None:
    if data is None:
        return None
    ((kind, given),) = data.items()
    prefixes = {"s3": "s3://", "dbfs": "dbfs:/", "volumes": "/Volumes/"}
    place = Properties(kind, given)
    destination = place.take("destination")
    if not str(destination).startswith(prefixes[kind]):
        raise UnreadableError(f"{destination} is no place of {kind}")
    read = ClusterLogs(destination=destination, region=place.take("region", None))
    place.end()
    return read


def _pool(folded: Folded, properties: Properties) -> DatabricksInstancePool:
    (version,) = properties.take("preloaded_spark_versions")
    return DatabricksInstancePool(
        **folded.envelope(),
        name=properties.take("instance_pool_name"),
        node_type=properties.take("node_type_id"),
        min_idle=properties.take("min_idle_instances", 0),
        max_capacity=properties.take("max_capacity", None),
        idle_minutes=properties.take("idle_instance_autotermination_minutes"),
        spark_version=version,
        attributes=_pool_attributes(properties),
        tags=properties.take("custom_tags", {}),
    )


def _pool_attributes(properties: Properties) -> Attributes:
    found = {
        cloud: Properties(cloud, data)
        for cloud in ("aws", "azure", "gcp")
        if (data := properties.take(f"{cloud}_attributes", None)) is not None
    }
    ((cloud, given),) = found.items()
    read: Attributes
    if cloud == "aws":
        disks = Properties("disks", properties.take("disk_spec", {}))
        count = disks.take("disk_count", None)
        kind = Properties("type", disks.take("disk_type", {}))
        kind.expect("ebs_volume_type", None if count is None else "GENERAL_PURPOSE_SSD", None)
        kind.end()
        read = AwsAttributes(
            availability=given.take("availability"),
            spot_bid_percent=given.take("spot_bid_price_percent", None),
            zone=given.take("zone_id", None),
            ebs_volume_count=count,
            ebs_volume_size=disks.take("disk_size", None),
        )
        disks.end()
    elif cloud == "azure":
        read = AzureAttributes(
            availability=given.take("availability"),
            spot_bid_max_price=given.take("spot_bid_max_price", None),
        )
    else:
        read = GcpAttributes(
            availability=given.take("gcp_availability"),
            zone=given.take("zone_id", None),
        )
    given.end()
    return read


def _job(folded: Folded, properties: Properties) -> DatabricksJob:
    properties.expect("max_concurrent_runs", 1)
    task = properties.inner("task")
    # Runs are found again by it.
    task.expect("task_key", "run")
    tags = properties.take("tags", {})
    cluster: Any = task.take("existing_cluster_id", None)
    new = task.take("new_cluster", None)
    if (cluster is None) == (new is None):
        raise UnreadableError("a task runs on one cluster")
    if new is not None:
        inner = Properties("cluster", new)
        # Databricks hands on the job's tags, so its cluster can have no others.
        tags = same("tags", tags, inner.take("custom_tags", {}))
        cluster = _spec(inner)
        inner.end()
    read = DatabricksJob(
        **folded.envelope(),
        name=properties.take("name"),
        cluster=cluster,
        task=_task(task),
        schedule=_schedule(properties.take("schedule", None)),
        run_as=_run_as(properties.take("run_as", None)),
        tags=tags,
    )
    task.end()
    return read


def _task(task: Properties) -> WheelTask:
    wheel = task.inner("python_wheel_task")
    libraries = task.take("library", None)
    read = WheelTask(
        package=wheel.take("package_name"),
        entry_point=wheel.take("entry_point"),
        parameters=tuple(wheel.take("parameters")),
        library=None if libraries is None else _library(libraries),
    )
    wheel.end()
    return read


def _library(libraries: Any) -> Any:
    library = Properties("library", libraries)
    wheel, package = library.take("whl", None), library.take("pypi", None)
    library.end()
    if (wheel is None) == (package is None):
        raise UnreadableError("a library is a wheel or a package")
    if wheel is None:
        return _only("package", package, "package")
    if not (str(wheel).endswith(".whl") or "/" in str(wheel)):
        raise UnreadableError(f"{wheel} is no path")
    return wheel


def _schedule(data: Any) -> str | None:
    if data is None:
        return None
    given = Properties("schedule", data)
    given.expect("timezone_id", "UTC")
    given.expect("pause_status", "UNPAUSED", "UNPAUSED")
    read = given.take("quartz_cron_expression")
    given.end()
    return read


def _run_as(data: Any) -> RunAs | None:
    if data is None:
        return None
    given = Properties("run as", data)
    read = RunAs(
        user=given.take("user_name", None),
        service_principal=given.take("service_principal_name", None),
    )
    given.end()
    if (read.user is None) == (read.service_principal is None):
        raise UnreadableError("a job runs as one principal")
    return read


KINDS: Mapping[str, Callable[[Folded, Properties], Resource]] = {
    CLUSTER: _cluster,
    JOB: _job,
    POOL: _pool,
}
"""How each type is read."""
