"""The kinds of Databricks, from what a Pulumi program registered to the neutral resources.

Written from the documentation of the provider's resources, not from the lowerings.
Source: https://www.pulumi.com/registry/packages/databricks/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reading import Properties, UnreadableError, one, same

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

    from read_back_pulumi import Folded, Reader

    from dativo_infra.resources import Resource

CLUSTER = "databricks:index/cluster:Cluster"
JOB = "databricks:index/job:Job"
POOL = "databricks:index/instancePool:InstancePool"

OUTPUTS: Mapping[str, Mapping[str, str]] = {
    CLUSTER: {"id": "id", "cluster_id": "id", "url": "url"},
    JOB: {"id": "id", "url": "url"},
    POOL: {"id": "id", "instance_pool_id": "id"},
}
"""What the outputs of each type are."""

Attributes = AwsAttributes | AzureAttributes | GcpAttributes


def _cluster(folded: Folded, properties: Properties) -> DatabricksCluster:
    value = folded.reader.value
    return DatabricksCluster(
        **folded.envelope(),
        name=properties.take("clusterName"),
        autotermination_minutes=properties.take("autoterminationMinutes", 60),
        pinned=properties.take("isPinned", default=False),
        tags=value(properties.take("customTags", {})),
        spec=_spec(folded.reader, properties),
    )


def _spec(reader: Reader, properties: Properties) -> ClusterSpec:
    value = reader.value
    image = properties.take("dockerImage", None)
    return ClusterSpec(
        spark_version=properties.take("sparkVersion"),
        node_type=value(properties.take("nodeTypeId", None)),
        driver_node_type=value(properties.take("driverNodeTypeId", None)),
        instance_pool=value(properties.take("instancePoolId", None)),
        workers=_workers(properties),
        attributes=_attributes(reader, properties),
        data_security_mode=properties.take("dataSecurityMode"),
        single_user=value(properties.take("singleUserName", None)),
        runtime_engine=properties.take("runtimeEngine", None),
        policy=value(properties.take("policyId", None)),
        image=None if image is None else _only(reader, "image", image, "url"),
        environment=value(properties.take("sparkEnvVars", {})),
        logs=_logs(reader, properties.take("clusterLogConf", None)),
    )


def _only(reader: Reader, where: str, data: Any, name: str) -> Any:
    """Return the value of the one property that something has."""
    inner = Properties(where, data)
    read = reader.value(inner.take(name))
    inner.end()
    return read


def _workers(properties: Properties) -> int | AutoScale:
    """Return the number, or the limits: the API takes one of the two."""
    number = properties.take("numWorkers", None)
    limits = properties.take("autoscale", None)
    if (number is None) == (limits is None):
        raise UnreadableError(f"workers are {number} and {limits}")
    if limits is None:
        return number
    scale = Properties("autoscale", limits)
    read = AutoScale(minimum=scale.take("minWorkers"), maximum=scale.take("maxWorkers"))
    scale.end()
    return read


def _attributes(reader: Reader, properties: Properties) -> Attributes | None:
    found = {
        cloud: Properties(cloud, data)
        for cloud in ("aws", "azure", "gcp")
        if (data := properties.take(f"{cloud}Attributes", None)) is not None
    }
    if not found:
        return None
    ((cloud, given),) = found.items()
    availability = given.take("availability", None)
    first = given.take("firstOnDemand", None)
    read: Attributes
    if cloud == "aws":
        read = AwsAttributes(
            availability=availability,
            first_on_demand=first,
            spot_bid_percent=given.take("spotBidPricePercent", None),
            zone=reader.value(given.take("zoneId", None)),
            instance_profile=reader.value(given.take("instanceProfileArn", None)),
            ebs_volume_count=given.take("ebsVolumeCount", None),
            ebs_volume_size=given.take("ebsVolumeSize", None),
        )
        # Without a type the API refuses the number.
        given.expect("ebsVolumeType", read.ebs_volume_count and "GENERAL_PURPOSE_SSD", None)
    elif cloud == "azure":
        read = AzureAttributes(
            availability=availability,
            first_on_demand=first,
            spot_bid_max_price=given.take("spotBidMaxPrice", None),
        )
    else:
        read = GcpAttributes(
            availability=availability,
            first_on_demand=first,
            zone=reader.value(given.take("zoneId", None)),
            google_service_account=reader.value(given.take("googleServiceAccount", None)),
        )
    given.end()
    return read


def _logs(reader: Reader, data: Any) -> ClusterLogs | None:
    if data is None:
        return None
    ((kind, given),) = data.items()
    prefixes = {"s3": "s3://", "dbfs": "dbfs:/", "volumes": "/Volumes/"}
    place = Properties(kind, given)
    destination = place.take("destination")
    if not destination.startswith(prefixes[kind]):
        raise UnreadableError(f"{destination} is no place of {kind}")
    read = ClusterLogs(destination=reader.value(destination), region=place.take("region", None))
    place.end()
    return read


def _pool(folded: Folded, properties: Properties) -> DatabricksInstancePool:
    value = folded.reader.value
    (version,) = properties.take("preloadedSparkVersions")
    return DatabricksInstancePool(
        **folded.envelope(),
        name=properties.take("instancePoolName"),
        node_type=value(properties.take("nodeTypeId")),
        min_idle=properties.take("minIdleInstances", 0),
        max_capacity=properties.take("maxCapacity", None),
        idle_minutes=properties.take("idleInstanceAutoterminationMinutes"),
        spark_version=version,
        attributes=_pool_attributes(folded.reader, properties),
        tags=value(properties.take("customTags", {})),
    )


def _pool_attributes(reader: Reader, properties: Properties) -> Attributes:
    found = {
        cloud: Properties(cloud, data)
        for cloud in ("aws", "azure", "gcp")
        if (data := properties.take(f"{cloud}Attributes", None)) is not None
    }
    ((cloud, given),) = found.items()
    read: Attributes
    if cloud == "aws":
        disks = Properties("disks", properties.take("diskSpec", {}))
        count = disks.take("diskCount", None)
        kind = Properties("type", disks.take("diskType", {}))
        kind.expect("ebsVolumeType", None if count is None else "GENERAL_PURPOSE_SSD", None)
        kind.end()
        read = AwsAttributes(
            availability=given.take("availability"),
            spot_bid_percent=given.take("spotBidPricePercent", None),
            zone=reader.value(given.take("zoneId", None)),
            ebs_volume_count=count,
            ebs_volume_size=disks.take("diskSize", None),
        )
        disks.end()
    elif cloud == "azure":
        read = AzureAttributes(
            availability=given.take("availability"),
            spot_bid_max_price=given.take("spotBidMaxPrice", None),
        )
    else:
        read = GcpAttributes(
            availability=given.take("gcpAvailability"),
            zone=reader.value(given.take("zoneId", None)),
        )
    given.end()
    return read


def _job(folded: Folded, properties: Properties) -> DatabricksJob:
    reader = folded.reader
    properties.expect("maxConcurrentRuns", 1)
    task = one("task", properties.take("tasks"))
    # Runs are found again by it.
    task.expect("taskKey", "run")
    tags = reader.value(properties.take("tags", {}))
    cluster: Any = reader.value(task.take("existingClusterId", None))
    new = task.take("newCluster", None)
    if (cluster is None) == (new is None):
        raise UnreadableError("a task runs on one cluster")
    if new is not None:
        inner = Properties("cluster", new)
        # Databricks hands on the job's tags, so its cluster can have no others.
        tags = same("tags", tags, reader.value(inner.take("customTags", {})))
        cluster = _spec(reader, inner)
        inner.end()
    read = DatabricksJob(
        **folded.envelope(),
        name=properties.take("name"),
        cluster=cluster,
        task=_task(reader, task),
        schedule=_schedule(properties.take("schedule", None)),
        run_as=_run_as(reader, properties.take("runAs", None)),
        tags=tags,
    )
    task.end()
    return read


def _task(reader: Reader, task: Properties) -> WheelTask:
    wheel = task.inner("pythonWheelTask")
    libraries = task.take("libraries", None)
    read = WheelTask(
        package=wheel.take("packageName"),
        entry_point=wheel.take("entryPoint"),
        parameters=reader.texts(wheel.take("parameters")),
        library=None if libraries is None else _library(reader, libraries),
    )
    wheel.end()
    return read


def _library(reader: Reader, libraries: Any) -> Any:
    library = one("library", libraries)
    wheel, package = library.take("whl", None), library.take("pypi", None)
    library.end()
    if (wheel is None) == (package is None):
        raise UnreadableError("a library is a wheel or a package")
    if wheel is None:
        return _only(reader, "package", package, "package")
    if not (wheel.endswith(".whl") or "/" in wheel):
        raise UnreadableError(f"{wheel} is no path")
    return reader.value(wheel)


def _schedule(data: Any) -> str | None:
    if data is None:
        return None
    given = Properties("schedule", data)
    given.expect("timezoneId", "UTC")
    given.expect("pauseStatus", "UNPAUSED", "UNPAUSED")
    read = given.take("quartzCronExpression")
    given.end()
    return read


def _run_as(reader: Reader, data: Any) -> RunAs | None:
    if data is None:
        return None
    given = Properties("run as", data)
    read = RunAs(
        user=reader.value(given.take("userName", None)),
        service_principal=reader.value(given.take("servicePrincipalName", None)),
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
