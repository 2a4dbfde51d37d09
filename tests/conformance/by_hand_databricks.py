"""Resources of Databricks by hand: every field set, every choice, and every attribute named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
from dativo_infra.values import Parameter, Ref, concat

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

EXPORTS: Mapping[str, Any] = {
    "databricks_cluster_id": Ref("cluster", "id"),
    "databricks_cluster_url": Ref("cluster", "url"),
    "databricks_job_id": Ref("job", "id"),
    "databricks_job_url": Ref("job", "url"),
    "databricks_instance_pool_id": Ref("instance-pool", "id"),
}
ALL = Lifecycle(retain=True, protect=True, delete_first=True)
_SMALLEST = ClusterSpec(
    spark_version="16.4.x-scala2.12",
    node_type="i3.xlarge",
    workers=1,
    data_security_mode="NONE",
)
_TASK = WheelTask(package="dativo_ingest", entry_point="dativo", parameters=(), library=None)


def full(tags: Mapping[str, Any]) -> Iterator[Resource]:
    """Yield each kind with every field set; the second job names every attribute of the others."""
    tags = {**tags, "Late": Parameter("STAGE"), "Größe": "1 + 1 = 2"}
    yield DatabricksInstancePool(
        key="instance-pool",
        name="pool",
        node_type=Parameter("MACHINE"),
        min_idle=1,
        max_capacity=9,
        idle_minutes=7,
        spark_version="16.4.x-scala2.12",
        attributes=AwsAttributes(
            availability="SPOT",
            spot_bid_percent=70,
            zone="eu-west-1a",
            ebs_volume_count=2,
            ebs_volume_size=200,
        ),
        tags=tags,
        lifecycle=ALL,
    )
    yield DatabricksCluster(
        key="cluster",
        name="cluster",
        spec=ClusterSpec(
            spark_version="15.4.x-photon-scala2.12",
            node_type="i3.xlarge",
            driver_node_type="i3.2xlarge",
            workers=AutoScale(minimum=2, maximum=8),
            attributes=AwsAttributes(
                availability="SPOT_WITH_FALLBACK",
                first_on_demand=1,
                spot_bid_percent=80,
                zone=Parameter("ZONE"),
                instance_profile=concat("arn:aws:iam::1:instance-profile/", Parameter("PROFILE")),
                ebs_volume_count=3,
                ebs_volume_size=300,
            ),
            data_security_mode="SINGLE_USER",
            single_user="somebody@acme.example",
            runtime_engine="PHOTON",
            policy=Parameter("POLICY"),
            image=concat("registry.example/ingest:", Parameter("IMAGE_TAG")),
            environment={"A": "b", "LATE": Parameter("STAGE")},
            logs=ClusterLogs(
                destination=concat("s3://", Parameter("LOGS"), "/x"), region="eu-west-1"
            ),
        ),
        autotermination_minutes=0,
        pinned=True,
        tags=tags,
        after=("instance-pool",),
        lifecycle=Lifecycle(protect=True),
    )
    yield DatabricksJob(
        key="job",
        name="job",
        cluster=Ref("cluster", "id"),
        task=WheelTask(
            package="dativo_ingest",
            entry_point="main",
            parameters=("run", Parameter("STAGE")),
            library="dativo-ingest==1.8.0",
        ),
        schedule="0 0 3 ? * 2-6",
        run_as=RunAs(user="somebody@acme.example"),
        tags=tags,
        lifecycle=ALL,
    )
    named = (
        Ref(key, attribute)
        for key, kind in (
            ("instance-pool", DatabricksInstancePool),
            ("cluster", DatabricksCluster),
            ("job", DatabricksJob),
        )
        for attribute in kind.ATTRIBUTES
    )
    yield DatabricksJob(
        key="referring-job",
        name="referring",
        cluster=ClusterSpec(
            spark_version="16.4.x-scala2.12",
            instance_pool=Ref("instance-pool", "id"),
            workers=2,
            attributes=AwsAttributes(instance_profile="arn:aws:iam::1:instance-profile/x"),
            data_security_mode="USER_ISOLATION",
            environment={f"{each.key}.{each.attribute}": each for each in named},
            logs=ClusterLogs(destination="/Volumes/main/ops/logs"),
        ),
        task=WheelTask(
            package="dativo_ingest",
            entry_point="dativo",
            parameters=("run",),
            library=concat("/Volumes/main/", Parameter("WHEEL"), ".whl"),
        ),
        run_as=RunAs(service_principal=Parameter("PRINCIPAL")),
        tags={},
    )


def bare(tags: Mapping[str, Any]) -> Iterator[Resource]:
    """Yield what has nothing that can be left out, and what the other clouds have."""
    yield DatabricksCluster(
        key="cluster", name="plain", spec=_SMALLEST, autotermination_minutes=30, tags=tags
    )
    for key, attributes in (
        (
            "azure",
            AzureAttributes(
                availability="SPOT_WITH_FALLBACK_AZURE", first_on_demand=1, spot_bid_max_price=-1
            ),
        ),
        (
            "gcp",
            GcpAttributes(
                availability="PREEMPTIBLE_WITH_FALLBACK_GCP",
                first_on_demand=1,
                zone="europe-west3-a",
                google_service_account="ingest@project.iam.gserviceaccount.com",
            ),
        ),
    ):
        spec = ClusterSpec(
            spark_version="16.4.x-scala2.12",
            node_type="any",
            workers=1,
            attributes=attributes,
            data_security_mode="NONE",
            logs=ClusterLogs(destination="dbfs:/logs"),
        )
        yield DatabricksJob(key=f"{key}-job", name=key, cluster=spec, task=_TASK, tags=tags)
    pools = (
        AwsAttributes(availability="ON_DEMAND"),
        AzureAttributes(availability="SPOT_AZURE", spot_bid_max_price=-1),
        GcpAttributes(availability="PREEMPTIBLE_GCP", zone="europe-west3-a"),
    )
    for index, attributes in enumerate(pools):
        yield DatabricksInstancePool(
            key=f"pool-{index}",
            name=f"pool-{index}",
            node_type="any",
            min_idle=0,
            idle_minutes=0,
            spark_version="16.4.x-scala2.12",
            attributes=attributes,
            tags=tags,
        )
