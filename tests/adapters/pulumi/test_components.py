"""The components by themselves, as programs use them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pulumi
import pytest
from pulumi.provider.experimental.analyzer import Analyzer
from pulumi.provider.experimental.component import ComponentProvider

from dativo_infra.adapters.pulumi import (
    Component,
    EmrCluster,
    EmrClusterArgs,
    KubernetesJob,
    KubernetesNamespace,
    KubernetesServiceAccount,
)
from dativo_infra.adapters.pulumi.arguments import PLACES, PLATFORMS
from dativo_infra.adapters.pulumi.components import COMPONENTS
from dativo_infra.diagnostics import DiagnosticError
from dativo_infra.names import Identity
from dativo_infra.resources.iam import IamRole
from dativo_infra.testing import Recording, record
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


def test_a_cluster_from_arguments_alone() -> None:
    """The parts of a job that only the runner needs can be left out."""
    recording = made(EmrCluster, "orders", ORDERS)
    component = recording.one("dativo:index:EmrCluster")
    children = recording.children(component)
    assert component.name == "orders"
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


def test_a_preview_builds_the_same() -> None:
    """Before the first deployment nothing is known, and the same resources are registered."""
    names = [each.urn for each in made(EmrCluster, "orders", ORDERS)]
    assert [each.urn for each in made(EmrCluster, "orders", ORDERS, preview=True)] == names
