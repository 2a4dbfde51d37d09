"""Components in programs of other people, on the real engine."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pulumi
from providers.kubernetes.kube_api import Named
from pulumi import automation
from workspace import REPOSITORY, SEARCHED, Workspace

from dativo_infra import load, load_project, plan
from dativo_infra.adapters.pulumi import EcsService, build
from dativo_infra.diagnostics import raise_errors
from dativo_infra.resources.kubernetes import KubernetesObject

if TYPE_CHECKING:
    import pytest
    from api_server import ApiServer
    from aws_server import Aws

JOB = """\
tenant_id: acme
environment: dev
source_connector_path: /c/postgres.yaml
target_connector_path: /c/iceberg.yaml
asset_path: /a/orders.yaml
infrastructure:
  provider: pulumi
  runtime:
    platform: fargate
  metadata:
    variables: {run: task, image: "registry.example/ingest:1"}
"""
PROGRAM = """\
import pulumi
import pulumi_aws as aws
from dativo_infra.adapters.pulumi import EmrCluster

theirs = pulumi.ResourceOptions(provider=aws.Provider("theirs", region="eu-west-1"))
vpc = aws.ec2.Vpc("network", cidr_block="10.0.0.0/16", opts=theirs)
subnet = aws.ec2.Subnet("machines", vpc_id=vpc.id, cidr_block="10.0.1.0/24", opts=theirs)
role = aws.iam.Role("machines", assume_role_policy="{}", opts=theirs)
cluster = EmrCluster(
    "orders",
    {
        "tenant_id": "acme",
        "compute": {"instance_type": "m5.xlarge", "instance_count": 2},
        "network": {"subnet_ids": [subnet.id]},
        "service_account": role.arn,
    },
    opts=theirs,
)
pulumi.export("cluster", cluster.cluster_id)
pulumi.export("subnet", subnet.id)
"""


def example(name: str, workspace: Workspace) -> Workspace:
    """Return a workspace with a copy of an example program, which sees what the given one does."""
    shutil.copytree(
        REPOSITORY / "examples",
        workspace.folder / "examples",
        ignore=shutil.ignore_patterns("__pycache__", "node_modules"),
    )
    folder = workspace.folder / "examples" / "programs" / name
    (folder / "state").mkdir()
    copied = Workspace(folder, workspace.home, workspace.environment)
    copied.pulumi("stack", "init", "dev")
    return copied


def clusters(aws: Aws, region: str = "us-east-1") -> dict[str, str]:
    """Return the state of each cluster of EMR by its id."""
    found = aws.client("emr", region).list_clusters()["Clusters"]
    return {each["Id"]: each["Status"]["State"] for each in found}


def test_inline_program(workspace: Workspace, aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """`build` works in a program that the Automation API runs."""
    job = workspace.jobs / "orders.yaml"
    job.write_text(JOB)

    def program() -> None:
        [service] = build([job]).values()
        assert isinstance(service, EcsService)
        pulumi.export("cluster", service.cluster_arn)

    monkeypatch.setenv("PATH", SEARCHED)
    folder = workspace.folder / "inline"
    folder.mkdir()
    options = automation.LocalWorkspaceOptions(work_dir=str(folder), env_vars=workspace.variables())
    stack = automation.create_stack("dev", "shop", program, opts=options)
    ecs = aws.client("ecs")
    outputs = stack.up().outputs
    assert [outputs["cluster"].value] == ecs.list_clusters()["clusterArns"]
    assert stack.preview(expect_no_changes=True)
    stack.destroy()
    assert not ecs.list_clusters()["clusterArns"]


def test_foreign_program(workspace: Workspace, aws: Aws) -> None:
    """All of a component is built by the provider that it is given, with the program's outputs."""
    (workspace.folder / "stacks" / "__main__.py").write_text(PROGRAM)
    workspace.create("dev")
    done = workspace.up("dev")
    assert not done.code, done.log
    state = workspace.state("dev")
    [provider] = [each for each in state if each["type"] == "pulumi:providers:aws"]
    assert provider["urn"].endswith("::theirs")
    built = [each for each in state if each["type"].startswith("aws:")]
    assert {each["provider"] for each in built} == {f"{provider['urn']}::{provider['id']}"}
    outputs = workspace.outputs("dev")
    assert list(clusters(aws, "eu-west-1")) == [outputs["cluster"]]
    emr = aws.client("emr", "eu-west-1")
    cluster = emr.describe_cluster(ClusterId=outputs["cluster"])["Cluster"]
    assert cluster["Ec2InstanceAttributes"]["Ec2SubnetId"] == outputs["subnet"]


def test_example_of_one_cluster(workspace: Workspace, aws: Aws) -> None:
    """`examples/programs/one_cluster` comes up and goes."""
    program = example("one_cluster", workspace)
    up = program.up("dev")
    assert not up.code, up.log
    outputs = program.outputs("dev")
    [(cluster, state)] = clusters(aws).items()
    assert (outputs["cluster_id"], state) == (cluster, "WAITING")
    program.pulumi("state", "unprotect", "--all", "--yes")
    destroyed = program.destroy("dev")
    assert not destroyed.code, destroyed.log
    assert clusters(aws) == {cluster: "TERMINATED"}
    assert [each["Name"] for each in aws.client("s3").list_buckets()["Buckets"]] == [
        outputs["log_bucket"]
    ]


def test_example_of_a_fleet(workspace: Workspace, aws: Aws, operated: ApiServer) -> None:
    """`examples/programs/fleet` comes up, on AWS and Kubernetes, and goes."""
    program = example("fleet", workspace)
    jobs = workspace.folder / "examples" / "jobs"
    project, _ = load_project(jobs / "dativo-infra.yaml")
    planned = plan(load([jobs], {}).jobs, project)
    raise_errors(planned.diagnostics)
    aws.has_what_jobs_name(planned)
    targets = project.project.targets.values()
    contexts = {each.kubernetes_context for each in targets if each.kubernetes_context}
    kubeconfig = operated.kubeconfig(workspace.folder / "kubeconfig", *sorted(contexts))
    workspace.environment["KUBECONFIG"] = str(kubeconfig)
    program.pulumi("config", "set", "--secret", "REDIS_PASSWORD", "hunter2")
    objects = {
        Named(each.api_version, each.kind, each.name, each.namespace): each.lifecycle.retain
        for unit in planned.owned_by("pulumi")
        for each in unit.resources
        if isinstance(each, KubernetesObject)
    }
    with operated.cleared():
        up = program.up("dev")
        assert not up.code, up.log
        assert list(program.outputs("dev").values()) == list(clusters(aws))
        assert objects.keys() <= set(operated.api.everything())

        program.pulumi("state", "unprotect", "--all", "--yes")
        destroyed = program.destroy("dev")
        assert not destroyed.code, destroyed.log
        assert set(clusters(aws).values()) == {"TERMINATED"}
        left = objects.keys() & set(operated.api.everything())
        assert left == {each for each, retained in objects.items() if retained}
