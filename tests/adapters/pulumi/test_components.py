"""The components by themselves, as programs use them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pulumi
import pytest
from pulumi.provider.experimental.analyzer import Analyzer, PropertyType
from pulumi.provider.experimental.component import ComponentProvider

from dativo_infra.adapters.pulumi import (
    Component,
    DaskCluster,
    DatabricksCluster,
    DatabricksClusterArgs,
    EcsCluster,
    EcsService,
    EcsServiceArgs,
    EmrCluster,
    EmrClusterArgs,
    KubernetesJob,
    KubernetesNamespace,
    KubernetesServiceAccount,
    RayCluster,
    SparkApplication,
)
from dativo_infra.adapters.pulumi.arguments import PLACES, PLATFORMS
from dativo_infra.adapters.pulumi.components import COMPONENTS
from dativo_infra.diagnostics import DiagnosticError
from dativo_infra.names import Identity
from dativo_infra.resources.iam import IamRole
from dativo_infra.testing import Recording, Unknown, record
from dativo_infra.values import Parameter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CLUSTER = "aws:emr/cluster:Cluster"
COMPONENT_CLASSES = list(COMPONENTS.values())
ORDERS: EmrClusterArgs = {
    "tenant_id": "acme",
    "environment": "prod",
    "compute": {"instance_type": "m5.xlarge", "instance_count": 2},
    "network": {"subnet_ids": ["subnet-0a1b2c3d"]},
    "tags": {"CostCenter": "data"},
}
TASKS: EcsServiceArgs = {
    "tenant_id": "acme",
    "environment": "prod",
    "network": {"subnet_ids": ["subnet-0a1b2c3d"]},
    "tags": {"CostCenter": "data"},
}
NIGHTLY = {"run": "schedule", "schedule": "0 3 * * *"}
SERVICE = "aws:ecs/service:Service"
ECS_CLUSTER = "aws:ecs/cluster:Cluster"
PATHS = {
    "source_connector_path": "/a.yaml",
    "target_connector_path": "/b.yaml",
    "asset_path": "/c.yaml",
}
SYNC: Any = {
    "tenant_id": "acme",
    "environment": "prod",
    "namespace": "data",
    "service_account": "runner",
    "document": PATHS,
}
CONTEXT = {"kubernetes:context": "test"}
JOB = """
tenant_id: acme
environment: prod
source_connector_path: /a.yaml
target_connector_path: /b.yaml
asset_path: /c.yaml
infrastructure:
  provider: terraform
  runtime:
    platform: emr
    compute: {instance_type: m5.xlarge, instance_count: 2}
    network: {subnet_ids: [subnet-0a1b2c3d]}
  metadata:
    tags: {CostCenter: data, Team: ingest}
"""


def made(component: Callable[..., Component], name: str, args: Any, **options: Any) -> Recording:
    """Return what one component registers."""
    return record(lambda: component(name, args), **options)


def test_each_component_is_known_everywhere() -> None:
    """A component is in every table that names components, and its arguments have a place."""
    assert set(COMPONENTS) == set(PLATFORMS)
    for each in COMPONENT_CLASSES:
        known = each.__init__.__annotations__["args"].__annotations__
        assert set(known) - {"job", "document"} <= set(PLACES)


def test_pulumis_analyzer_accepts_the_components() -> None:
    """The host for other languages makes a schema of them, with descriptions."""
    result = Analyzer("dativo").analyze(list(COMPONENT_CLASSES))
    definitions = result["component_definitions"]
    assert set(definitions) == set(COMPONENTS)
    cluster = definitions["EmrCluster"]
    assert set(cluster.outputs) == {"clusterId", "masterPublicDns", "logBucket"}
    assert {"job", "document", "compute", "network", "serviceAccount"} <= set(cluster.inputs)
    assert all(each.optional for each in cluster.inputs.values())
    # The analyzer finds the descriptions of a class's own fields, not of inherited ones.
    own = [cluster.inputs[name] for name in ("compute", "network", "serviceAccount", "tags")]
    assert all(each.description for each in (*cluster.outputs.values(), *own))
    service = definitions["EcsService"]
    missing = {name for name, each in service.outputs.items() if each.optional}
    assert missing == {"serviceName", "serviceArn", "scheduleArn"}
    assert {each.type for each in service.outputs.values()} == {PropertyType.STRING}
    assert {"platform", "compute", "storage", "network", "tags"} <= set(service.inputs)
    assert set(definitions["EcsCluster"].outputs) == {"clusterArn", "clusterName"}
    assert "clusterId" in result["type_definitions"]["ComputeArgs"].properties


def test_the_host_builds_a_component() -> None:
    """A program in another language gets the same cluster; its numbers arrive as floats."""
    host = ComponentProvider(list(COMPONENT_CLASSES), "dativo")
    inputs = {
        "tenantId": "acme",
        "compute": {"instanceType": "m5.xlarge", "instanceCount": 2.0},
        "network": {"subnetIds": ["subnet-0a1b2c3d"]},
    }

    def program() -> None:
        state = host.construct("orders", "dativo:index:EmrCluster", inputs).state
        pulumi.export("id", state["clusterId"])

    recording = record(program)
    assert recording.exports == {"id": "<orders-cluster.id>"}
    group = recording.one(CLUSTER).inputs["coreInstanceGroup"]
    assert group == {"instanceType": "m5.xlarge", "instanceCount": 2}


def test_the_host_leaves_out_what_is_not_there() -> None:
    """A program in another language sees no service where there is none."""
    host = ComponentProvider(list(COMPONENT_CLASSES), "dativo")
    network = {"subnetIds": ["subnet-0a1b2c3d"]}

    def program() -> None:
        for name, variables in (("a", {"run": "task"}), ("b", NIGHTLY), ("c", {})):
            inputs = {"tenantId": "acme", "network": network, "variables": variables}
            state = host.construct(name, "dativo:index:EcsService", inputs).state
            pulumi.export(name, sorted(state))

    always = ["clusterArn", "clusterName", "logGroup", "taskDefinitionArn", "taskRoleArn"]
    exports = record(program).exports
    assert exports["a"] == always
    assert exports["b"] == sorted([*always, "scheduleArn"])
    assert exports["c"] == sorted([*always, "serviceArn", "serviceName"])


def test_a_cluster_from_arguments_alone() -> None:
    """The parts of a job that only the runner needs can be left out."""
    recording = made(EmrCluster, "orders", ORDERS)
    component = recording.one("dativo:index:EmrCluster")
    children = recording.children(component)
    assert component.name == "orders"
    assert component.inputs == {}
    assert {each.name for each in children} >= {"orders-cluster", "orders-service-role"}
    assert len(children) == len(recording) - 1
    assert recording.one(CLUSTER).inputs["name"] == "acme-prod-orders"
    assert recording.outputs[component.urn] == {
        "cluster_id": "<orders-cluster.id>",
        "master_public_dns": "<orders-cluster.master_public_dns>",
        "log_bucket": "<orders-log-bucket.bucket>",
    }


def test_a_job_file_with_arguments_over_it(tmp_path: Path) -> None:
    """Paths begin at Pulumi.yaml's folder; what the arguments say wins, the rest stays."""
    (tmp_path / "orders_daily.yaml").write_text(JOB)
    args = {
        "job": "orders_daily.yaml",
        "compute": {"instance_count": 5},
        "tags": {"CostCenter": "other"},
        "document": {"infrastructure": {"metadata": {"variables": {"applications": ["Flink"]}}}},
    }
    inputs = made(EmrCluster, "orders", args, root_directory=tmp_path).one(CLUSTER).inputs
    assert inputs["coreInstanceGroup"] == {"instanceType": "m5.xlarge", "instanceCount": 5}
    assert inputs["applications"] == ["Flink"]
    assert inputs["tags"]["CostCenter"] == "other"
    assert inputs["tags"]["Team"] == "ingest"
    assert inputs["tags"]["dativo:job"] == "orders_daily"


def test_outputs_flow_into_the_children() -> None:
    """What another resource gives is used, and waited for, though it is not known yet."""

    def program() -> None:
        import pulumi_aws as aws

        subnet = aws.ec2.Subnet("subnet", vpc_id="vpc-0a1b2c3d")
        groups = pulumi.Output.from_input(["sg-0a1b2c3d", "sg-1a1b2c3d"])
        args: EmrClusterArgs = {
            **ORDERS,
            "network": {"subnet_ids": [subnet.id], "security_group_ids": groups},
            "tags": {"CostCenter": "data", "Network": subnet.arn},
        }
        EmrCluster("orders", args)

    recording = record(program)
    cluster = recording.one(CLUSTER)
    assert cluster.inputs["ec2Attributes"]["subnetId"] == "<subnet.id>"
    assert (
        cluster.inputs["ec2Attributes"]["additionalMasterSecurityGroups"]
        == "sg-0a1b2c3d,sg-1a1b2c3d"
    )
    assert cluster.inputs["tags"]["Network"] == "<subnet.arn>"
    assert recording.one("aws:ec2/subnet:Subnet").urn in cluster.dependencies
    assert recording.one("aws:s3/bucket:Bucket").inputs["tags"]["Network"] == "<subnet.arn>"


def test_a_whole_list_may_be_an_output() -> None:
    """Several subnets of which the number is not known make fleets."""

    def program() -> None:
        subnets = pulumi.Output.from_input(["subnet-0a1b2c3d", "subnet-1a1b2c3d"])
        EmrCluster("orders", {**ORDERS, "network": {"subnet_ids": subnets}})

    attributes = record(program).one(CLUSTER).inputs["ec2Attributes"]
    assert attributes["subnetIds"] == ["subnet-0a1b2c3d", "subnet-1a1b2c3d"]


def test_an_output_where_the_value_is_needed_now_is_refused() -> None:
    """A count decides what is built, so it must be known when planning."""

    def program() -> None:
        count: Any = pulumi.Output.from_input(3)
        compute: Any = {"instance_type": "m5.xlarge", "instance_count": count}
        EmrCluster("orders", {**ORDERS, "compute": compute})

    with pytest.raises(DiagnosticError, match="instance_count"):
        record(program)


def test_an_unknown_argument_is_refused() -> None:
    """A dict passes what a type checker would have found."""
    with pytest.raises(TypeError, match=r"no argument `tag`\. Did you mean `tags`"):
        made(EmrCluster, "orders", {**ORDERS, "tag": {}})


def test_a_job_of_another_platform_is_refused() -> None:
    """A component says what it builds."""
    document = {"infrastructure": {"runtime": {"platform": "kubernetes", "namespace": "data"}}}
    with pytest.raises(ValueError, match="KubernetesJob is built, and no EmrCluster"):
        made(EmrCluster, "orders", {"tenant_id": "acme", "document": document})


def test_a_job_with_errors_registers_nothing() -> None:
    """Every error is named, and none of it is built."""
    seen: list[Recording] = []
    with pytest.raises(DiagnosticError, match="subnet_ids"):
        seen.append(made(EmrCluster, "orders", {"tenant_id": "acme"}))
    assert not seen


def test_kubernetes_components_stand_beside_each_other() -> None:
    """Namespace and account are components of their own; the job is told to wait for them."""

    def program() -> None:
        args: Any = {"tenant_id": "acme", "namespace": "data", "service_account": "runner"}
        space = KubernetesNamespace("space", {"tenant_id": "acme", "namespace": "data"})
        opts = pulumi.ResourceOptions(depends_on=[space])
        account = KubernetesServiceAccount("account", args, opts)
        opts = pulumi.ResourceOptions(depends_on=[account])
        job = KubernetesJob("sync", SYNC, opts)
        pulumi.export("job", [job.cron_job, job.namespace, job.service_account, job.config_map])
        pulumi.export("shared", [space.namespace, account.service_account])

    recording = record(program, config=CONTEXT)
    assert recording.exports["shared"] == ["data", "runner"]
    assert recording.exports["job"][1:3] == ["data", "runner"]
    namespace = recording.one("kubernetes:core/v1:Namespace")
    account = recording.one("kubernetes:core/v1:ServiceAccount")
    assert namespace.urn in recording.one("dativo:index:KubernetesServiceAccount").dependencies
    assert account.urn in recording.one("dativo:index:KubernetesJob").dependencies


@pytest.mark.parametrize(
    ("component", "type_", "outputs"),
    [
        (
            SparkApplication,
            "sparkoperator.k8s.io/v1beta2:SparkApplication",
            {"application": "acme-prod-sync"},
        ),
        (
            RayCluster,
            "ray.io/v1:RayCluster",
            {
                "cluster_name": "acme-prod-sync",
                "address": "ray://acme-prod-sync-head-svc.data.svc.cluster.local:10001",
                "dashboard_url": "http://acme-prod-sync-head-svc.data.svc.cluster.local:8265",
                "cron_job": "acme-prod-sync",
            },
        ),
        (
            DaskCluster,
            "kubernetes.dask.org/v1:DaskCluster",
            {
                "cluster_name": "acme-prod-sync",
                "scheduler_address": "tcp://acme-prod-sync-scheduler.data.svc.cluster.local:8786",
                "dashboard_url": "http://acme-prod-sync-scheduler.data.svc.cluster.local:8787",
                "cron_job": "acme-prod-sync",
            },
        ),
    ],
)
def test_a_cluster_in_kubernetes(
    component: type[Component], type_: str, outputs: dict[str, str]
) -> None:
    """Workers in Kubernetes from arguments alone, with what the job is told of them."""
    recording = made(component, "sync", {**SYNC, "compute": {"instance_count": 2}}, config=CONTEXT)
    own = recording.one(f"dativo:index:{component.__name__}")
    found = recording.outputs[own.urn]
    assert found.items() >= {**outputs, "namespace": "data", "service_account": "runner"}.items()
    cluster = recording.one(f"kubernetes:{type_}")
    assert cluster.parent == own.urn
    assert cluster.inputs["metadata"]["name"] == "acme-prod-sync"


@pytest.mark.parametrize(
    ("component", "output"),
    [(SparkApplication, "master"), (RayCluster, "address"), (DaskCluster, "scheduler_address")],
)
def test_a_cluster_that_another_resource_has_made(
    component: Callable[..., Component], output: str
) -> None:
    """The address of a cluster may be an output; then no cluster is built, and a CronJob is."""

    def program() -> None:
        address = pulumi.Output.from_input("tcp://head.example:1234")
        component("sync", {**SYNC, "compute": {"cluster_id": address}})

    recording = record(program, config=CONTEXT)
    own = recording.one(f"dativo:index:{component.__name__}")
    assert recording.outputs[own.urn][output] == "tcp://head.example:1234"
    assert recording.one("kubernetes:batch/v1:CronJob").inputs["spec"]["suspend"] is True
    told = recording.one("kubernetes:core/v1:ConfigMap", "sync-config-map").inputs["data"]
    assert any("tcp://head.example:1234" in each for each in told.values())
    assert not any(
        each.type.endswith(("Cluster", "Application")) and each is not own for each in recording
    )


def test_a_service_of_ecs_from_arguments_alone() -> None:
    """Tasks on Fargate in a cluster of their own."""
    recording = made(EcsService, "orders", TASKS)
    component = recording.one("dativo:index:EcsService")
    assert recording.outputs[component.urn] == {
        "cluster_arn": "<orders-cluster.arn>",
        "cluster_name": "<orders-cluster.name>",
        "log_group": "<orders-log-group.name>",
        "service_arn": "<orders-service.arn>",
        "service_name": "<orders-service.name>",
        "task_definition_arn": "<orders-task-definition.arn>",
        "task_role_arn": "<orders-task-role.arn>",
    }
    service = recording.one(SERVICE)
    assert service.inputs["launchType"] == "FARGATE"
    assert service.inputs["tags"]["CostCenter"] == "data"
    assert not recording.of_type("aws:autoscaling/group:Group")


def test_outputs_of_what_a_job_does_not_have() -> None:
    """A program asks whether there is a service, and is told there is none."""
    seen: list[EcsService] = []

    def program() -> None:
        seen.append(EcsService("orders", {**TASKS, "variables": NIGHTLY}))

    recording = record(program)
    (service,) = seen
    assert service.service_name is None
    assert service.service_arn is None
    assert service.schedule_arn is not None
    outputs = recording.outputs[recording.one("dativo:index:EcsService").urn]
    assert outputs["schedule_arn"] == "<orders-schedule.arn>"
    assert not {"service_name", "service_arn"} & set(outputs)


def test_an_export_that_every_job_has_is_not_forgotten(built: Any) -> None:
    """Only what some jobs lack may be missing."""
    role = IamRole(key="role", description="a role", assume_role_policy={}, tags={})
    with pytest.raises(KeyError, match="ecs_cluster_arn"):
        built(role, component="EcsService", exports={"ecs_cluster_name": "main"})


def test_a_service_of_ecs_on_machines() -> None:
    """The platform is chosen by an argument; the machines come with the cluster."""
    compute: Any = {"instance_type": "m5.large", "instance_count": 1}
    recording = made(EcsService, "orders", {**TASKS, "platform": "ecs", "compute": compute})
    group = recording.one("aws:autoscaling/group:Group")
    assert group.inputs["maxSize"] == 1
    assert "launchType" not in recording.one(SERVICE).inputs


def test_a_service_of_ecs_in_a_cluster_that_exists() -> None:
    """The cluster may be another resource's output."""

    def program() -> None:
        import pulumi_aws as aws

        cluster = aws.ecs.Cluster("main", name="main")
        EcsService("orders", {**TASKS, "compute": {"cluster_id": cluster.arn}})

    arn = "arn:aws:ecs:us-east-1:123456789012:cluster/main"
    recording = record(program, outputs={"main": {"arn": arn}})
    cluster = recording.one(ECS_CLUSTER)
    service = recording.one(SERVICE)
    assert cluster.name == service.inputs["cluster"] == "main"
    assert cluster.urn in service.dependencies
    outputs = recording.outputs[recording.one("dativo:index:EcsService").urn]
    assert outputs["cluster_arn"] == arn


def test_a_cluster_of_ecs_that_is_shared() -> None:
    """It is a component of its own, with machines or without; services are told to wait for it."""
    named = {**TASKS, "variables": {"cluster_name": "main"}}
    compute = {"instance_type": "m5.large", "instance_count": 1}

    def program() -> None:
        cluster = EcsCluster("main", {**named, "compute": compute})  # pyright: ignore[reportArgumentType]
        opts = pulumi.ResourceOptions(depends_on=[cluster])
        EcsService("orders", named, opts)  # pyright: ignore[reportArgumentType]
        pulumi.export("cluster", [cluster.cluster_name, cluster.cluster_arn])

    recording = record(program)
    assert recording.exports["cluster"] == ["main", "<main-cluster.arn>"]
    component = recording.one("dativo:index:EcsCluster")
    assert recording.one("aws:autoscaling/group:Group").parent == component.urn
    cluster = recording.one(ECS_CLUSTER)
    assert cluster.urn in recording.one("dativo:index:EcsService").dependencies
    assert recording.one(SERVICE).inputs["cluster"] == "main"
    plain = made(EcsCluster, "main", {**named, "platform": "fargate"})
    assert plain.one(ECS_CLUSTER).inputs["name"] == "main"
    assert not plain.of_type("aws:autoscaling/group:Group")


def test_a_component_of_what_exists_says_so() -> None:
    """A job that names a cluster builds none."""
    compute = {"cluster_id": "j-2AXXXXXXGAPLF"}
    with pytest.raises(ValueError, match="uses the EMR cluster j-2AXXXXXXGAPLF; nothing is built"):
        made(EmrCluster, "orders", {**ORDERS, "compute": compute})


def test_children_take_the_components_options() -> None:
    """An explicit provider, protection and a parent reach every child."""

    def program() -> None:
        import pulumi_aws as aws

        provider = aws.Provider("other", region="eu-west-1")
        EmrCluster("orders", ORDERS, pulumi.ResourceOptions(provider=provider, protect=True))

    recording = record(program)
    children = recording.children(recording.one("dativo:index:EmrCluster"))
    assert children
    assert {each.provider.rpartition("::")[2] for each in children} == {"other"}
    assert {each.protect for each in children} == {True}


def write_target(folder: Path) -> None:
    """Write a project file whose one target is all that there is to say of the place."""
    (folder / "dativo-infra.yaml").write_text(
        "targets:\n  main: {cloud: aws, account: '123456789012', region: eu-central-1, "
        "kubernetes_context: main}\n"
    )


def test_a_component_goes_to_its_jobs_target(tmp_path: Path) -> None:
    """By itself as among others: several of one target, of one name too, stand side by side."""
    write_target(tmp_path)

    def program() -> None:
        EmrCluster("orders", ORDERS)
        EmrCluster("refunds", ORDERS)
        KubernetesNamespace("orders", {"tenant_id": "acme", "namespace": "data"})
        KubernetesJob("orders", SYNC)

    recording = record(program, root_directory=tmp_path)
    providers = {each.urn: each for each in recording if each.type.startswith("pulumi:providers:")}
    used = {each.provider for each in recording if each.type.startswith(("aws:", "kubernetes:"))}
    assert used == set(providers)
    assert len(used) == 4
    for each in recording.of_type("pulumi:providers:aws"):
        assert each.inputs["region"] == "eu-central-1"
    for each in recording.of_type("pulumi:providers:kubernetes"):
        assert each.inputs["context"] == "main"


def test_a_component_takes_its_own_provider_before_its_targets(tmp_path: Path) -> None:
    """What a program gives is meant."""
    write_target(tmp_path)

    def program() -> None:
        import pulumi_kubernetes as kubernetes

        mine = kubernetes.Provider("mine", context="mine")
        KubernetesJob("sync", SYNC, pulumi.ResourceOptions(provider=mine))

    recording = record(program, root_directory=tmp_path)
    assert recording.one("pulumi:providers:kubernetes").name == "mine"
    assert recording.one("kubernetes:batch/v1:CronJob").provider.endswith("::mine")


def test_a_component_goes_to_no_cluster_by_accident() -> None:
    """Without a context of a target, of the stack or of a provider it is refused."""
    with pytest.raises(DiagnosticError, match="DI406"):
        made(KubernetesJob, "sync", SYNC)
    assert made(KubernetesJob, "sync", SYNC, config=CONTEXT)
    assert made(KubernetesJob, "sync", SYNC, config={"kubernetes:kubeconfig": "{}"})


WORKSPACE = {"databricks:host": "https://acme.cloud.databricks.com"}
LAKE: DatabricksClusterArgs = {
    "tenant_id": "acme",
    "environment": "prod",
    "compute": {"instance_type": "i3.xlarge", "instance_count": 2},
    "tags": {"CostCenter": "data"},
}


def test_a_databricks_cluster_from_arguments_alone() -> None:
    """What is not built is None, and has no output in the state."""
    clusters: list[DatabricksCluster] = []
    recording = record(lambda: clusters.append(DatabricksCluster("lake", LAKE)), config=WORKSPACE)
    component = recording.one("dativo:index:DatabricksCluster")
    assert recording.outputs[component.urn] == {
        "cluster_id": "<lake-cluster.id>",
        "cluster_url": "<lake-cluster.url>",
    }
    assert clusters[0].job_id is None
    with pytest.raises(DiagnosticError, match="DI327"):
        made(DatabricksCluster, "lake", LAKE)


def test_a_databricks_job_with_an_output_as_its_identity() -> None:
    """On AWS an output is the ARN of an instance profile, which the machines have."""

    def program() -> None:
        import pulumi_aws as aws

        profile = aws.iam.InstanceProfile("machines")
        variables = {"run": "task", "enable_instance_pool": True}
        args: DatabricksClusterArgs = {
            **LAKE,
            "service_account": profile.arn,
            "variables": variables,
        }
        DatabricksCluster("lake", args)

    recording = record(program, config=WORKSPACE)
    (task,) = recording.one("databricks:index/job:Job").inputs["tasks"]
    assert task["newCluster"]["awsAttributes"] == {"instanceProfileArn": "<machines.arn>"}
    outputs = recording.outputs[recording.one("dativo:index:DatabricksCluster").urn]
    assert set(outputs) == {"job_id", "job_url", "instance_pool_id"}


def job_text(recording: Recording) -> str:
    """Return the job that the pod runs."""
    (text,) = (
        recording.one("kubernetes:core/v1:ConfigMap", "sync-job-config-map").inputs["data"].values()
    )
    return text


def test_the_pod_runs_the_job_that_the_arguments_describe(tmp_path: Path) -> None:
    """A file as it stands; with what is laid over its outer part where that changes it."""
    text = "\n".join(f"{key}: {value}" for key, value in PATHS.items())
    text = f"tenant_id: acme\nsource: {{table: a, mode: b}}  # as it is\n{text}\n"
    (tmp_path / "sync.yaml").write_text(text)
    options: Any = {"config": CONTEXT, "root_directory": tmp_path}
    args: Any = {"job": "sync.yaml", "namespace": "data", "service_account": "runner"}
    assert job_text(made(KubernetesJob, "sync", args, **options)) == text
    same = {**args, "tenant_id": "acme"}
    assert job_text(made(KubernetesJob, "sync", same, **options)) == text
    other = {**args, "tenant_id": "globex", "document": {"source": {"table": "c"}}}
    assert json.loads(job_text(made(KubernetesJob, "sync", other, **options))) == {
        "tenant_id": "globex",
        "source": {"table": "c", "mode": "b"},
        **PATHS,
    }


@pytest.mark.parametrize("late", [lambda: pulumi.Output.from_input("x"), lambda: Parameter("X")])
def test_an_output_outside_the_block_is_refused(late: Callable[[], Any]) -> None:
    """The runner reads that part as text, in which no value is filled in later."""

    def program() -> None:
        args: Any = {**SYNC, "document": {**PATHS, "source": {"table": late()}}}
        KubernetesJob("sync", args)

    with pytest.raises(TypeError, match=r"`source\.table` cannot be an output"):
        record(program, config=CONTEXT)


def test_a_job_that_runs_needs_its_connectors() -> None:
    """The pod could not start without them."""
    args = {key: value for key, value in SYNC.items() if key != "document"}
    with pytest.raises(DiagnosticError, match=r"DI201.*source_connector_path"):
        made(KubernetesJob, "sync", args, config=CONTEXT)


def test_former_identities_are_aliases(built: Any) -> None:
    """A renamed job keeps its resources; the children's names begin with the component's."""
    role = IamRole(key="role", description="a role", assume_role_policy={}, tags={})
    recording = built(role, former=(Identity("acme", "prod", "invoices"),))
    component = recording.one("dativo:index:EmrCluster")
    assert [each["spec"]["name"] for each in component.aliases] == ["acme-prod-invoices"]
    assert recording.one("aws:iam/role:Role").name.startswith(component.name)


@pytest.mark.parametrize(("component", "args"), [(EmrCluster, ORDERS), (EcsService, TASKS)])
def test_a_preview_builds_the_same(component: type[Component], args: Any) -> None:
    """Before the first deployment nothing is known, and the same resources are registered."""
    names = [each.urn for each in made(component, "orders", args)]
    assert [each.urn for each in made(component, "orders", args, preview=True)] == names


def test_a_preview_of_machines_builds_the_same() -> None:
    """Scripts and versions are not known yet, nor is the group that a provider is named after."""
    compute = {"instance_type": "m5.large", "instance_count": 1}
    args: Any = {**TASKS, "platform": "ecs", "compute": compute}
    names = [each.urn for each in made(EcsService, "ecs-orders", args)]
    recording = made(EcsService, "ecs-orders", args, preview=True)
    assert [each.urn for each in recording] == names
    template = recording.one("aws:ec2/launchTemplate:LaunchTemplate")
    assert isinstance(template.inputs["userData"], Unknown)
    group = recording.one("aws:autoscaling/group:Group")
    assert isinstance(group.inputs["launchTemplate"]["version"], Unknown)
    provider = recording.one("aws:ecs/capacityProvider:CapacityProvider")
    assert isinstance(provider.inputs["name"], Unknown)
