"""The resources of one job on Databricks: a pool, a cluster that stays, or a job with its cluster.

Tags reach machines and disks from the cluster, but from the pool alone where they come from one,
and a cluster may not repeat a key of its pool. So of a pool that is built, the pool has the tags.
Source: https://docs.databricks.com/aws/en/admin/account-settings/usage-detail-tags
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, TypeAlias

from dativo_infra.names import DATABRICKS as NAME
from dativo_infra.names import render
from dativo_infra.platforms import aws, cron, rights, runner
from dativo_infra.platforms.base import Built, Context, is_scaled, refers, switched_on
from dativo_infra.resources import Lifecycle, Resource
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
from dativo_infra.values import Concat, Ref, Text, show

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dativo_infra.model import Job
    from dativo_infra.project import Cloud

Identity: TypeAlias = Literal["profile", "google", "principal", "user"]

PACKAGE = "dativo_ingest"
"""The Python package of the runner."""
_PROFILE = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:instance-profile/.+")
_GOOGLE = re.compile(r"[^@]+@[^@]+\.iam\.gserviceaccount\.com")
_USER = re.compile(r"[^@\s]+@[^@\s]+")
_APPLICATION = re.compile("[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_OF_CLOUD: Mapping[Cloud, Identity] = {"aws": "profile", "gcp": "google", "azure": "principal"}
"""What a service account is taken for that is known late, by cloud."""


def run_of(job: Job) -> str:
    """Return how the job runs: `cluster`, `task` or `schedule`."""
    return job.variables.get("run") or "cluster"


def is_job(job: Job) -> bool:
    """Return whether a job of Databricks is built, and no cluster that stays."""
    return run_of(job) != "cluster"


def is_referred(job: Job) -> bool:
    """Return whether the cluster exists, and nothing at all is built."""
    return refers(job) and not is_job(job)


def pool_exists(job: Job) -> bool:
    """Return whether the machines come from a pool that exists."""
    return "instance_pool_id" in job.variables


def builds_pool(job: Job) -> bool:
    """Return whether the machines come from a pool that is built."""
    return switched_on(job, "enable_instance_pool") and not pool_exists(job)


def identity_of(given: Text, cloud: Cloud = "aws") -> Identity | None:
    """Return what a service account is, or None where it is nothing that Databricks knows."""
    if isinstance(given, Concat) and str(given.parts[0]).startswith("arn:"):
        return "profile"
    if not isinstance(given, str):
        return _OF_CLOUD[cloud]
    kinds: Mapping[Identity, re.Pattern[str]] = {
        "profile": _PROFILE,
        "google": _GOOGLE,
        "principal": _APPLICATION,
        "user": _USER,
    }
    return next((kind for kind, pattern in kinds.items() if pattern.fullmatch(given)), None)


def s3_bucket(destination: Text | None) -> tuple[str, str] | None:
    """Return bucket and prefix of a destination on S3, with what is known late as it is shown."""
    found = re.fullmatch("s3://([^/]*)/*(.*?)/*", show(destination) or "")
    return (found[1], found[2] and f"{found[2]}/") if found else None


def build(context: Context) -> Built:
    """Return what one job has on Databricks."""
    cluster_id = context.get("runtime.compute.cluster_id")
    if is_referred(context.job):
        return Built(
            exports={"databricks_cluster_id": cluster_id},
            notes=(f"uses the Databricks cluster {show(cluster_id)}; nothing is built",),
        )
    return Workload(context).built()


class Workload:
    """The resources of one job, each made once from the job's context."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.settings = context.settings
        self.job = context.job
        self.name = render(context.identity, NAME)
        self.cluster_id: Text | None = context.get("runtime.compute.cluster_id")
        self.builds_pool = builds_pool(self.job) and self.cluster_id is None
        self.identity: Text | None = context.get("runtime.service_account")
        # What is known late is no identity of machines where these exist already.
        cloud = context.cloud if self.cluster_id is None else "azure"
        self.identity_kind = None if self.identity is None else identity_of(self.identity, cloud)

    def built(self) -> Built:
        """Return the resources, with what they export and what a person should know."""
        resources: list[Resource] = [self._pool()] if self.builds_pool else []
        exports: dict[str, Text] = {}
        if self.builds_pool:
            exports["databricks_instance_pool_id"] = Ref("instance-pool", "id")
        if self.cluster_id is not None:
            exports["databricks_cluster_id"] = self.cluster_id
        kind, key = ("job", "job") if is_job(self.job) else ("cluster", "cluster")
        resources.append(self._job() if is_job(self.job) else self._cluster())
        exports |= {f"databricks_{kind}_{each}": Ref(key, each) for each in ("id", "url")}
        return Built(
            resources=tuple(resources),
            exports=exports,
            notes=tuple(self._notes()),
            starts="schedule" if run_of(self.job) == "schedule" else None,
        )

    def _notes(self) -> Iterator[str]:
        if not is_job(self.job):
            minutes = self.settings["autotermination_minutes"]
            ends = f"after {minutes} minutes without work" if minutes else "never by itself"
            yield f"the cluster starts at once, is billed while it runs, and is terminated {ends}"
            if self.settings["protect"]:
                yield "it is protected; to take it down: set protect: false, deploy, then destroy"
        elif self.cluster_id is None:
            yield "each run has a cluster of its own, which is billed until the run ends"
        if run_of(self.job) == "task":
            yield "nobody starts the job; to run it once: databricks jobs run-now JOB_ID"
        if self.builds_pool and (idle := self.settings["pool_min_idle"]):
            yield f"{idle} machines of the pool are billed, whether they are used or not"
        if pool_exists(self.job) and self.cluster_id is None:
            pool = show(self.settings["instance_pool_id"])
            yield (
                f"the machines carry the tags of the pool {pool} alone: it must have the job's, "
                "by other keys than these"
            )
        if self.identity_kind == "profile" and self.cluster_id is None:
            yield "the instance profile must be registered in the workspace"
            yield from rights.notes(self.context, self._statements(), "ec2.amazonaws.com")
        if is_job(self.job) and self.identity_kind == "principal":
            yield "whoever deploys must be a user of the service principal that the job runs as"

    def _statements(self) -> Iterator[aws.Statement]:
        """Yield what the machines must be allowed on AWS."""
        if bucket := s3_bucket(self.settings["log_destination"]):
            yield from aws.write_logs(*bucket)
        yield from rights.statements(self.context)

    def _pool(self) -> DatabricksInstancePool:
        settings = self.settings
        return DatabricksInstancePool(
            key="instance-pool",
            origin=self.job.locate("metadata.variables", "enable_instance_pool"),
            name=self.name,
            node_type=self.context.get("runtime.compute.instance_type") or "",
            min_idle=settings["pool_min_idle"],
            max_capacity=settings["pool_max_capacity"],
            idle_minutes=settings["pool_idle_minutes"],
            spark_version=settings["spark_version"],
            attributes=self._pool_attributes(),
            tags=self.context.tags,
            # Two pools of a workspace cannot have one name.
            lifecycle=Lifecycle(delete_first=True),
        )

    def _cluster(self) -> DatabricksCluster:
        return DatabricksCluster(
            key="cluster",
            origin=self.context.origin("runtime.platform"),
            name=self.name,
            spec=self._spec(),
            autotermination_minutes=self.settings["autotermination_minutes"],
            pinned=self.settings["pinned"],
            tags=self._own_tags(),
            lifecycle=Lifecycle(protect=self.settings["protect"]),
        )

    def _job(self) -> DatabricksJob:
        settings = self.settings
        has_runner = settings["image"] and self.cluster_id is None
        scheduled = run_of(self.job) == "schedule" and settings["schedule"]
        return DatabricksJob(
            key="job",
            origin=self.job.locate("metadata.variables", "run"),
            name=self.name,
            cluster=self._spec() if self.cluster_id is None else self.cluster_id,
            task=WheelTask(
                package=PACKAGE,
                entry_point=settings["entry_point"],
                parameters=runner.run_once(settings["job_path"] or runner.job_path(self.job)),
                library=None if has_runner else settings["runner_library"],
            ),
            schedule=cron.quartz(scheduled) if scheduled else None,
            run_as=self._run_as(),
            tags=self._own_tags(),
        )

    def _own_tags(self) -> Mapping[str, Text]:
        return {} if self.builds_pool else self.context.tags

    def _run_as(self) -> RunAs | None:
        match self.identity_kind:
            case "user":
                return RunAs(user=self.identity)
            case "principal":
                return RunAs(service_principal=self.identity)
            case _:
                return None

    def _spec(self) -> ClusterSpec:
        get, settings = self.context.get, self.settings
        scaling = get("runtime.compute.auto_scaling") if is_scaled(self.job) else None
        count = get("runtime.compute.instance_count") or 1
        pool = Ref("instance-pool", "id") if self.builds_pool else settings["instance_pool_id"]
        mode = settings["data_security_mode"]
        principal = self.identity if self.identity_kind in {"principal", "user"} else None
        return ClusterSpec(
            spark_version=settings["spark_version"],
            node_type=None if pool else get("runtime.compute.instance_type"),
            driver_node_type=None if pool else settings["driver_node_type"],
            instance_pool=pool,
            workers=AutoScale(
                minimum=scaling.min_instances or 1, maximum=scaling.max_instances or 1
            )
            if scaling
            else count,
            attributes=self._attributes(in_pool=bool(pool)),
            data_security_mode=mode,
            # The one user of a job's cluster is whom the job runs as.
            single_user=None if is_job(self.job) or mode != "SINGLE_USER" else principal,
            runtime_engine=settings["runtime_engine"],
            policy=settings["policy_id"],
            image=settings["image"],
            environment=dict(environment(self.context)),
            logs=self._logs(),
        )

    def _attributes(
        self, *, in_pool: bool
    ) -> AwsAttributes | AzureAttributes | GcpAttributes | None:
        settings = self.settings
        spot, zone = settings["enable_spot_instances"], settings["zone"]
        disks = settings["ebs_volume_count"]
        # The driver must not go while the job runs.
        on_demand = 1 if spot else None
        match self.context.cloud:
            case "aws":
                profile = self.identity if self.identity_kind == "profile" else None
                if in_pool:
                    return AwsAttributes(instance_profile=profile) if profile else None
                return AwsAttributes(
                    # Databricks' own default is the spot market.
                    availability="SPOT_WITH_FALLBACK" if spot else "ON_DEMAND",
                    spot_bid_percent=settings["spot_bid_price_percent"] if spot else None,
                    zone=zone,
                    instance_profile=profile,
                    first_on_demand=on_demand,
                    ebs_volume_count=disks,
                    ebs_volume_size=settings["ebs_volume_size"] if disks else None,
                )
            case "azure":
                return (
                    None
                    if in_pool
                    else AzureAttributes(
                        availability="SPOT_WITH_FALLBACK_AZURE" if spot else "ON_DEMAND_AZURE",
                        spot_bid_max_price=-1 if spot else None,
                        first_on_demand=on_demand,
                    )
                )
            case "gcp":
                account = self.identity if self.identity_kind == "google" else None
                if in_pool:
                    return GcpAttributes(google_service_account=account) if account else None
                return GcpAttributes(
                    availability="PREEMPTIBLE_WITH_FALLBACK_GCP" if spot else "ON_DEMAND_GCP",
                    zone=zone,
                    google_service_account=account,
                    first_on_demand=on_demand,
                )

    def _pool_attributes(self) -> AwsAttributes | AzureAttributes | GcpAttributes:
        settings = self.settings
        spot, zone = settings["enable_spot_instances"], settings["zone"]
        disks = settings["ebs_volume_count"]
        match self.context.cloud:
            case "aws":
                return AwsAttributes(
                    availability="SPOT" if spot else "ON_DEMAND",
                    spot_bid_percent=settings["spot_bid_price_percent"] if spot else None,
                    zone=zone,
                    ebs_volume_count=disks,
                    ebs_volume_size=settings["ebs_volume_size"] if disks else None,
                )
            case "azure":
                return AzureAttributes(
                    availability="SPOT_AZURE" if spot else "ON_DEMAND_AZURE",
                    spot_bid_max_price=-1 if spot else None,
                )
            case "gcp":
                availability = "PREEMPTIBLE_WITH_FALLBACK_GCP" if spot else "ON_DEMAND_GCP"
                return GcpAttributes(availability=availability, zone=zone)

    def _logs(self) -> ClusterLogs | None:
        destination = self.settings["log_destination"]
        if destination is None:
            return None
        region = self.context.target.region if s3_bucket(destination) else None
        return ClusterLogs(destination=destination, region=region)


def environment(context: Context) -> Iterator[tuple[str, Text]]:
    """Yield the environment variables of the machines, which tell the runner what exists."""
    yield from runner.settings(context)
    if path := context.get("runtime.storage.mount_path"):
        yield "STATE_DIR", path
