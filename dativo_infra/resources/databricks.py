"""Databricks: clusters, pools of machines, and jobs, on whichever cloud the workspace is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal

from dativo_infra.resources import Resource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dativo_infra.values import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoScale:
    """Limits of Databricks' own scaling; it counts workers, not the driver."""

    minimum: int
    maximum: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsAttributes:
    """What only AWS has; what is None holds as Databricks, or the pool, has it."""

    availability: Literal["ON_DEMAND", "SPOT", "SPOT_WITH_FALLBACK"] | None = None
    first_on_demand: int | None = None
    """Machines that are on demand whatever the availability, the driver first."""
    spot_bid_percent: int | None = None
    """Most to pay, in percent of the on-demand price."""
    zone: Text | None = None
    instance_profile: Text | None = None
    """ARN of the instance profile of the machines."""
    ebs_volume_count: int | None = None
    """Disks of each machine beside those it has by its type."""
    ebs_volume_size: int | None = None
    """GiB of each of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureAttributes:
    """What only Azure has; what is None holds as Databricks, or the pool, has it."""

    availability: Literal["ON_DEMAND_AZURE", "SPOT_AZURE", "SPOT_WITH_FALLBACK_AZURE"]
    first_on_demand: int | None = None
    """Machines that are on demand whatever the availability, the driver first."""
    spot_bid_max_price: int | None = None
    """Most to pay an hour; -1 for the price on demand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GcpAttributes:
    """What only Google Cloud has; what is None holds as Databricks, or the pool, has it."""

    availability: (
        Literal["ON_DEMAND_GCP", "PREEMPTIBLE_GCP", "PREEMPTIBLE_WITH_FALLBACK_GCP"] | None
    ) = None
    first_on_demand: int | None = None
    """Machines that are on demand whatever the availability, the driver first."""
    zone: Text | None = None
    google_service_account: Text | None = None
    """E-mail of the account that the machines have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterLogs:
    """Where the logs of driver and workers are copied to, every five minutes.

    Source: https://docs.databricks.com/aws/en/compute/configure#compute-log-delivery
    """

    destination: Text
    """`s3://`, `dbfs:/` or `/Volumes/`."""
    region: str | None = None
    """Region of a bucket on S3."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSpec:
    """What a cluster is made of, be it one that stays, or one for each run of a job."""

    spark_version: str
    node_type: Text | None = None
    """None in a pool, which has its own."""
    driver_node_type: Text | None = None
    """None for that of the workers."""
    instance_pool: Text | None = None
    """Id of the pool that driver and workers come from."""
    workers: int | AutoScale
    """Beside the driver."""
    attributes: AwsAttributes | AzureAttributes | GcpAttributes | None = None
    data_security_mode: str
    """Who may use it: `SINGLE_USER`, `USER_ISOLATION` or `NONE`."""
    single_user: Text | None = None
    """Name of the one user of a cluster that stays; None for who makes it."""
    runtime_engine: str | None = None
    """`STANDARD` or `PHOTON`; None for what the version says."""
    policy: Text | None = None
    """Id of the cluster policy."""
    image: Text | None = None
    """Container image; None for Databricks' own."""
    environment: Mapping[str, Text] = field(default_factory=dict)
    """Environment variables of driver and workers."""
    logs: ClusterLogs | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabricksCluster(Resource):
    """An all-purpose cluster; terminated, it costs nothing and starts again when it is used.

    Source: https://docs.databricks.com/api/workspace/clusters/create
    """

    name: str
    spec: ClusterSpec
    autotermination_minutes: int
    """It is terminated after this time without work; 0 for never."""
    pinned: bool = False
    """Kept when it was terminated for thirty days."""
    tags: Mapping[str, Text]
    """Without those of a pool: Databricks refuses a key that its pool has."""

    ATTRIBUTES: ClassVar[tuple[str, ...]] = ("id", "url")
    STATEFUL: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabricksInstancePool(Resource):
    """Machines that are kept ready for clusters, which start faster from it.

    The machines carry the pool's tags, and none of the clusters that use them.
    Source: https://docs.databricks.com/api/workspace/instancepools/create
    and https://docs.databricks.com/aws/en/admin/account-settings/usage-detail-tags
    """

    name: str
    node_type: Text
    min_idle: int
    """Machines that are kept ready, and cost, whether they are used or not."""
    max_capacity: int | None = None
    """Most machines, idle and used; None for no limit."""
    idle_minutes: int
    """A machine above `min_idle` is given back after this time without use."""
    spark_version: str
    """The runtime that the machines have loaded when a cluster takes them."""
    attributes: AwsAttributes | AzureAttributes | GcpAttributes
    tags: Mapping[str, Text]

    ATTRIBUTES: ClassVar[tuple[str, ...]] = ("id",)


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelTask:
    """A Python package that is installed on the cluster, and what of it is run."""

    package: str
    entry_point: str
    parameters: tuple[Text, ...]
    library: Text | None
    """Path of a wheel, or a requirement of PyPI; None where the cluster's image has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAs:
    """Whom a job runs as: one of the two."""

    user: Text | None = None
    """E-mail of a user."""
    service_principal: Text | None = None
    """Application id of a service principal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabricksJob(Resource):
    """A job with one task, of which one run is active at a time.

    Source: https://docs.databricks.com/api/workspace/jobs/create
    """

    name: str
    cluster: ClusterSpec | Text
    """What is made for each run, or the id of a cluster that exists."""
    task: WheelTask
    schedule: str | None = None
    """Quartz cron expression, in UTC; None where somebody else starts it."""
    run_as: RunAs | None = None
    """None for who makes the job."""
    tags: Mapping[str, Text]
    """Of the job and of the clusters that it makes; without those of a pool."""

    ATTRIBUTES: ClassVar[tuple[str, ...]] = ("id", "url")
