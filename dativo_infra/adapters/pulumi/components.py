"""The component resources: what a unit is in Pulumi, and what programs create by name.

Each builds one unit. Its arguments describe a job: a job file, a document, or both, and fields laid
over them; what is left out has the job file's value or the platform's default. A field may be an
output of another resource, unless it chooses what is built.

    EmrCluster("orders", {"job": "jobs/orders.yaml", "network": {"subnet_ids": [subnet.id]}})

Pulumi makes a package for its other languages from this module by reading the annotations as they
are when it runs. So there is no `from __future__ import annotations` here, and no union.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self, TypedDict

import pulumi

from dativo_infra.adapters.pulumi.arguments import unit_from
from dativo_infra.adapters.pulumi.lowerings import lower
from dativo_infra.adapters.pulumi.providers import Providers
from dativo_infra.adapters.pulumi.values import Resolver, given
from dativo_infra.diagnostics import raise_errors
from dativo_infra.names import PULUMI, render
from dativo_infra.planning import Unit

TYPE = "dativo:index:"
"""What the type of every component begins with."""
RECORD = "unit"
"""The input in which the state says of a component built by a plan which unit it is, and whose."""


class AutoScalingArgs(TypedDict, total=False):
    """Limits between which the platform's own autoscaler moves the number of workers."""

    enabled: bool
    """Whether the number of workers is scaled."""
    min_instances: int
    """Fewest workers."""
    max_instances: int
    """Most workers."""


class ComputeArgs(TypedDict, total=False):
    """The machines."""

    cluster_id: pulumi.Input[str]
    """A cluster that exists: it is referred to, and none is built. An output is the ARN of one of
    ECS, the address of one of Spark, Ray or Dask."""
    instance_type: pulumi.Input[str]
    """Machine type of the workers."""
    instance_count: int
    """Number of workers."""
    auto_scaling: AutoScalingArgs
    """Scaling of the number of workers."""


class StorageArgs(TypedDict, total=False):
    """Where data and state are kept; all of it exists already."""

    bucket: pulumi.Input[str]
    """Bucket that the job may read and write."""
    volume_id: pulumi.Input[str]
    """Volume for the job's state."""
    mount_path: str
    """Where the volume is mounted."""


class NetworkArgs(TypedDict, total=False):
    """The network that the machines are placed in; all of it exists already."""

    vpc_id: pulumi.Input[str]
    """The virtual network."""
    subnet_ids: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Subnets for the machines."""
    security_group_ids: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Additional security groups."""


class JobArgs(TypedDict, total=False):
    """What every component takes."""

    job: str
    """Path of a job file, from the folder of Pulumi.yaml."""
    document: Mapping[str, Any]
    """A job as data, laid over the job file."""
    tenant_id: str
    """Tenant that the job belongs to."""
    environment: str
    """Environment, such as dev or prod."""
    variables: Mapping[str, Any]
    """Settings of the platform."""


class EmrClusterArgs(JobArgs, total=False):
    """A job that runs on EMR."""

    compute: ComputeArgs
    """The machines."""
    storage: StorageArgs
    """Where data is kept."""
    network: NetworkArgs
    """Where the machines are placed."""
    service_account: pulumi.Input[str]
    """Role of the machines; one is made where not given."""
    tags: Mapping[str, pulumi.Input[str]]
    """Tags on every resource."""


class DatabricksClusterArgs(JobArgs, total=False):
    """A job that runs on Databricks."""

    compute: ComputeArgs
    """The machines."""
    storage: StorageArgs
    """Where data and state are kept."""
    service_account: pulumi.Input[str]
    """Whom the machines or the job run as: an instance profile, a Google account, or a principal.
    An output is an instance profile on AWS, a Google account there, and on Azure a principal."""
    tags: Mapping[str, pulumi.Input[str]]
    """Tags on every resource."""


class EcsClusterArgs(JobArgs, total=False):
    """A job that runs in the cluster, and names it by the variable `cluster_name`."""

    platform: str
    """`ecs` for a cluster with machines, which holds where not given, or `fargate`."""
    compute: ComputeArgs
    """The cluster's machines."""
    network: NetworkArgs
    """Where the machines are placed."""
    tags: Mapping[str, pulumi.Input[str]]
    """Tags on every resource."""


class EcsServiceArgs(JobArgs, total=False):
    """A job that runs on ECS."""

    platform: str
    """`ecs` for machines of one's own, or `fargate`, which holds where not given."""
    compute: ComputeArgs
    """The cluster, and the size and number of tasks or machines."""
    storage: StorageArgs
    """Where data and state are kept."""
    network: NetworkArgs
    """Where tasks and machines are placed."""
    service_account: pulumi.Input[str]
    """Role of the tasks; one is made where not given."""
    tags: Mapping[str, pulumi.Input[str]]
    """Tags on every resource."""


class KubernetesNamespaceArgs(JobArgs, total=False):
    """A job that runs in the namespace."""

    namespace: str
    """Name of the namespace."""
    labels: Mapping[str, pulumi.Input[str]]
    """Labels of the objects."""
    annotations: Mapping[str, pulumi.Input[str]]
    """Annotations of the objects."""


class KubernetesServiceAccountArgs(KubernetesNamespaceArgs, total=False):
    """A job that runs as the account."""

    service_account: pulumi.Input[str]
    """Name of the account, the ARN of a role, or the e-mail of a Google service account."""


class KubernetesJobArgs(KubernetesServiceAccountArgs, total=False):
    """A job that runs on Kubernetes."""

    storage: StorageArgs
    """Where data and state are kept."""
    tags: Mapping[str, pulumi.Input[str]]
    """Tags of the job, kept as annotations."""


class KubernetesClusterArgs(KubernetesJobArgs, total=False):
    """A job that runs on workers in Kubernetes: of Spark, Ray or Dask."""

    compute: ComputeArgs
    """The number of workers, or the cluster that exists."""


class Component(pulumi.ComponentResource):
    """A unit and its resources, which are children of it and use its providers."""

    _EXPORTS: ClassVar[Mapping[str, str]] = {}
    """Output to the name under which jobs know it."""
    _EXPORTS_OF_SOME: ClassVar[Mapping[str, str]] = {}
    """Likewise, of what is not built for every job; such an output may be None."""
    _resolver: Resolver

    @classmethod
    def of(
        cls,
        unit: Unit,
        parameters: Mapping[str, pulumi.Input[Any]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> Self:
        """Build a unit that was planned before, under its own name.

        `parameters` has a value for each parameter of the unit, see `values.given`.
        """
        component = cls.__new__(cls)
        record = {
            "identity": str(unit.identity),
            "jobs": list(map(str, unit.jobs)),
            "needs": list(map(str, unit.needs)),
        }
        name = unit.name(PULUMI)
        component._build(name, unit, parameters, opts, {RECORD: record})  # noqa: SLF001 - its own
        return component

    def resolve(self, value: Any) -> pulumi.Output[Any]:
        """Return text or data in which tokens refer to this component's resources."""
        return pulumi.Output.from_input(self._resolver.value(value))

    def lowered(self, key: str) -> Sequence[pulumi.Resource]:
        """Return what one of the unit's resources became, that resource itself first."""
        return self._resolver.lowered([key])

    def _build_alone(
        self, name: str, args: Any, known: type, opts: pulumi.ResourceOptions | None
    ) -> None:
        """Build the unit that arguments describe."""
        kind = type(self).__name__
        unit, outputs = unit_from(args, known, component=kind, name=name)
        # No two components have one type and name, so no two providers do.
        providers = Providers(opts, name=f"{kind}-{name}")
        raise_errors(providers.missing([unit]))
        parameters = given([*unit.resources, unit.exports], outputs)
        self._build(name, unit, parameters, providers.options(unit))

    def _build(
        self,
        name: str,
        unit: Unit,
        parameters: Mapping[str, pulumi.Input[Any]],
        opts: pulumi.ResourceOptions | None,
        inputs: Mapping[str, Any] | None = None,
    ) -> None:
        # Children whose names begin with the component's get the aliases that follow from these.
        former = [pulumi.Alias(name=render(each, PULUMI)) for each in unit.former]
        options = pulumi.ResourceOptions.merge(pulumi.ResourceOptions(aliases=former), opts)
        super().__init__(f"{TYPE}{type(self).__name__}", name, inputs or {}, options)
        self._resolver = lower(unit, name=name, component=self, parameters=parameters)
        exported = {
            **self._EXPORTS,
            **{each: key for each, key in self._EXPORTS_OF_SOME.items() if key in unit.exports},
        }
        outputs = {each: self.resolve(unit.exports[key]) for each, key in exported.items()}
        for each, value in {**dict.fromkeys(self._EXPORTS_OF_SOME), **outputs}.items():
            setattr(self, each, value)
        self.register_outputs(outputs)


class DatabricksCluster(Component):
    """A cluster of Databricks, or a job with the cluster of its runs; perhaps with a pool."""

    cluster_id: pulumi.Output[str] | None
    """Id of the cluster, where one stays or exists."""
    cluster_url: pulumi.Output[str] | None
    """Page of the cluster, where one is built that stays."""
    job_id: pulumi.Output[str] | None
    """Id of the job, where there is one."""
    job_url: pulumi.Output[str] | None
    """Page of the job, where there is one."""
    instance_pool_id: pulumi.Output[str] | None
    """Id of the pool, where one is built."""

    _EXPORTS_OF_SOME: ClassVar[Mapping[str, str]] = {
        "cluster_id": "databricks_cluster_id",
        "cluster_url": "databricks_cluster_url",
        "job_id": "databricks_job_id",
        "job_url": "databricks_job_url",
        "instance_pool_id": "databricks_instance_pool_id",
    }

    def __init__(
        self, name: str, args: DatabricksClusterArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        self._build_alone(name, args, DatabricksClusterArgs, opts)


class EcsCluster(Component):
    """An ECS cluster with its machines, which several jobs may share."""

    cluster_arn: pulumi.Output[str]
    """ARN of the cluster."""
    cluster_name: pulumi.Output[str]
    """Name of the cluster."""

    _EXPORTS: ClassVar[Mapping[str, str]] = {
        "cluster_arn": "ecs_cluster_arn",
        "cluster_name": "ecs_cluster_name",
    }

    def __init__(
        self, name: str, args: EcsClusterArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        self._build_alone(name, args, EcsClusterArgs, opts)


class EcsService(Component):
    """What one job has of its own on ECS: its task definition, and what runs it.

    That is a service, a schedule, or nothing where something else starts the task. The cluster is
    part of it unless it exists, or is shared: then it is a component of its own, which this one is
    told to depend on.
    """

    cluster_arn: pulumi.Output[str]
    """ARN of the cluster that the tasks run in."""
    cluster_name: pulumi.Output[str]
    """Name of the cluster that the tasks run in."""
    task_definition_arn: pulumi.Output[str]
    """ARN of the task definition's revision."""
    task_role_arn: pulumi.Output[str]
    """ARN of the role of the tasks."""
    log_group: pulumi.Output[str]
    """Log group that the tasks' output goes to."""
    service_name: pulumi.Output[str] | None
    """Name of the service, where there is one."""
    service_arn: pulumi.Output[str] | None
    """ARN of the service, where there is one."""
    schedule_arn: pulumi.Output[str] | None
    """ARN of the schedule, where there is one."""

    _EXPORTS: ClassVar[Mapping[str, str]] = {
        "cluster_arn": "ecs_cluster_arn",
        "cluster_name": "ecs_cluster_name",
        "task_definition_arn": "ecs_task_definition_arn",
        "task_role_arn": "ecs_task_role_arn",
        "log_group": "ecs_log_group",
    }
    _EXPORTS_OF_SOME: ClassVar[Mapping[str, str]] = {
        "service_name": "ecs_service_name",
        "service_arn": "ecs_service_arn",
        "schedule_arn": "ecs_schedule_arn",
    }

    def __init__(
        self, name: str, args: EcsServiceArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        self._build_alone(name, args, EcsServiceArgs, opts)


class EmrCluster(Component):
    """An EMR cluster on EC2 with its roles, its bucket for logs, encryption and scaling."""

    cluster_id: pulumi.Output[str]
    """Id of the cluster, such as j-2AXXXXXXGAPLF."""
    master_public_dns: pulumi.Output[str]
    """Host name of the primary node."""
    log_bucket: pulumi.Output[str]
    """Bucket that the cluster's logs go to."""

    _EXPORTS: ClassVar[Mapping[str, str]] = {
        "cluster_id": "emr_cluster_id",
        "master_public_dns": "emr_master_public_dns",
        "log_bucket": "emr_log_bucket",
    }

    def __init__(
        self, name: str, args: EmrClusterArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        self._build_alone(name, args, EmrClusterArgs, opts)


class KubernetesNamespace(Component):
    """A namespace with its quota, limits and policies, which several jobs may share."""

    namespace: pulumi.Output[str]
    """Name of the namespace."""

    _EXPORTS: ClassVar[Mapping[str, str]] = {"namespace": "kubernetes_namespace"}

    def __init__(
        self, name: str, args: KubernetesNamespaceArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        self._build_alone(name, args, KubernetesNamespaceArgs, opts)


class KubernetesServiceAccount(Component):
    """A service account that several jobs of a namespace may run as."""

    service_account: pulumi.Output[str]
    """Name of the account."""

    _EXPORTS: ClassVar[Mapping[str, str]] = {"service_account": "kubernetes_service_account"}

    def __init__(
        self,
        name: str,
        args: KubernetesServiceAccountArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        self._build_alone(name, args, KubernetesServiceAccountArgs, opts)


class KubernetesJob(Component):
    """What one job has of its own in a namespace: its CronJob, settings and network policy.

    The namespace and the account are shared by jobs, so they are components of their own, which
    this one is told to depend on.
    """

    cron_job: pulumi.Output[str]
    """Name of the CronJob that runs the job."""
    namespace: pulumi.Output[str]
    """Name of the namespace."""
    service_account: pulumi.Output[str]
    """Name of the account that the job's pods run as."""
    config_map: pulumi.Output[str]
    """Name of the ConfigMap with what the job refers to."""

    _EXPORTS: ClassVar[Mapping[str, str]] = {
        "cron_job": "kubernetes_cron_job",
        "namespace": "kubernetes_namespace",
        "service_account": "kubernetes_service_account",
        "config_map": "kubernetes_config_map",
    }

    def __init__(
        self, name: str, args: KubernetesJobArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        self._build_alone(name, args, KubernetesJobArgs, opts)


class SparkApplication(Component):
    """What one job has of its own on Spark: its application, settings and network policy.

    Where a `cluster_id` names a cluster that exists, a CronJob runs the job there.
    """

    namespace: pulumi.Output[str]
    """Name of the namespace."""
    service_account: pulumi.Output[str]
    """Name of the account that the driver and the executors run as."""
    config_map: pulumi.Output[str]
    """Name of the ConfigMap with what the job refers to."""
    application: pulumi.Output[str] | None
    """Name of the SparkApplication, where there is one."""
    scheduled_application: pulumi.Output[str] | None
    """Name of the ScheduledSparkApplication, where the job runs by the clock."""
    master: pulumi.Output[str] | None
    """Address of the Spark cluster, where it exists."""
    cron_job: pulumi.Output[str] | None
    """Name of the CronJob that runs the job on a cluster that exists."""

    _EXPORTS: ClassVar[Mapping[str, str]] = {
        "namespace": "kubernetes_namespace",
        "service_account": "kubernetes_service_account",
        "config_map": "kubernetes_config_map",
    }
    _EXPORTS_OF_SOME: ClassVar[Mapping[str, str]] = {
        "application": "spark_application",
        "scheduled_application": "spark_scheduled_application",
        "master": "spark_master",
        "cron_job": "kubernetes_cron_job",
    }

    def __init__(
        self, name: str, args: KubernetesClusterArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        self._build_alone(name, args, KubernetesClusterArgs, opts)


class RayCluster(Component):
    """A Ray cluster, unless it exists, and the CronJob that runs one job on it."""

    address: pulumi.Output[str]
    """Address that programs connect to, such as ray://host:10001."""
    cron_job: pulumi.Output[str]
    """Name of the CronJob that runs the job."""
    namespace: pulumi.Output[str]
    """Name of the namespace."""
    service_account: pulumi.Output[str]
    """Name of the account that the job's pods run as."""
    config_map: pulumi.Output[str]
    """Name of the ConfigMap with what the job refers to."""
    cluster_name: pulumi.Output[str] | None
    """Name of the RayCluster, where it is known."""
    dashboard_url: pulumi.Output[str] | None
    """Web page of the cluster, where its name is known."""

    _EXPORTS: ClassVar[Mapping[str, str]] = {
        "address": "ray_address",
        "cron_job": "kubernetes_cron_job",
        "namespace": "kubernetes_namespace",
        "service_account": "kubernetes_service_account",
        "config_map": "kubernetes_config_map",
    }
    _EXPORTS_OF_SOME: ClassVar[Mapping[str, str]] = {
        "cluster_name": "ray_cluster_name",
        "dashboard_url": "ray_dashboard_url",
    }

    def __init__(
        self, name: str, args: KubernetesClusterArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        self._build_alone(name, args, KubernetesClusterArgs, opts)


class DaskCluster(Component):
    """A Dask cluster, unless it exists, and the CronJob that runs one job on it."""

    scheduler_address: pulumi.Output[str]
    """Address that programs connect to, such as tcp://host:8786."""
    cron_job: pulumi.Output[str]
    """Name of the CronJob that runs the job."""
    namespace: pulumi.Output[str]
    """Name of the namespace."""
    service_account: pulumi.Output[str]
    """Name of the account that the job's pods run as."""
    config_map: pulumi.Output[str]
    """Name of the ConfigMap with what the job refers to."""
    cluster_name: pulumi.Output[str] | None
    """Name of the DaskCluster, where it is known."""
    dashboard_url: pulumi.Output[str] | None
    """Web page of the cluster, where its name is known."""

    _EXPORTS: ClassVar[Mapping[str, str]] = {
        "scheduler_address": "dask_scheduler_address",
        "cron_job": "kubernetes_cron_job",
        "namespace": "kubernetes_namespace",
        "service_account": "kubernetes_service_account",
        "config_map": "kubernetes_config_map",
    }
    _EXPORTS_OF_SOME: ClassVar[Mapping[str, str]] = {
        "cluster_name": "dask_cluster_name",
        "dashboard_url": "dask_dashboard_url",
    }

    def __init__(
        self, name: str, args: KubernetesClusterArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        self._build_alone(name, args, KubernetesClusterArgs, opts)


COMPONENTS: Mapping[str, type[Component]] = {
    each.__name__: each
    for each in (
        DaskCluster,
        DatabricksCluster,
        EcsCluster,
        EcsService,
        EmrCluster,
        KubernetesJob,
        KubernetesNamespace,
        KubernetesServiceAccount,
        RayCluster,
        SparkApplication,
    )
}
"""The component of each unit, by `Unit.component`."""
