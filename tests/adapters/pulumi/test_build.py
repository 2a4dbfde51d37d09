"""Building many jobs in one program."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pulumi
import pytest

from dativo_infra import load, load_project, plan
from dativo_infra.adapters.pulumi import Component, EmrCluster, build, build_stack, providers
from dativo_infra.adapters.pulumi.arguments import rooted
from dativo_infra.adapters.pulumi.build import build_units
from dativo_infra.diagnostics import DiagnosticError
from dativo_infra.names import Identity
from dativo_infra.project import PlacedTarget
from dativo_infra.resources.databricks import ClusterSpec, DatabricksCluster
from dativo_infra.resources.iam import IamRole
from dativo_infra.resources.kubernetes import KubernetesObject
from dativo_infra.testing import Recording
from dativo_infra.testing import record as record_anywhere

record = partial(record_anywhere, config={"kubernetes:context": "test"})
"""Run a program whose stack names a Kubernetes cluster."""


ROLE = IamRole(key="role", description="a role", assume_role_policy={}, tags={})
SETTINGS = KubernetesObject(key="settings", api_version="v1", kind="ConfigMap", name="settings")
TARGET = PlacedTarget(
    name="prod", cloud="aws", account="123456789012", region="eu-west-1", kubernetes_context="prod"
)
HEAD = """
tenant_id: acme
environment: {environment}
source_connector_path: /a.yaml
target_connector_path: /b.yaml
asset_path: /c.yaml
infrastructure:
  provider: {provider}
  runtime:
"""
EMR = """
    platform: emr
    compute: {instance_type: m5.xlarge, instance_count: 2}
    network: {subnet_ids: [subnet-0a1b2c3d]}
  outputs: {dns: output.emr_master_public_dns}
"""
KUBERNETES = """
    platform: kubernetes
    namespace: data
    service_account: runner
"""
MAIN = 'targets:\n  main: {cloud: aws, account: "123456789012", region: eu-central-1}\n'
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes a job file into a folder `jobs`."""

    def write(name: str, body: str, environment: str = "prod", provider: str = "pulumi") -> Path:
        head = HEAD.format(environment=environment, provider=provider)
        folder = tmp_path / "jobs"
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.yaml").write_text(head.rstrip() + body)
        return folder

    return write


def types(recording: Recording) -> list[str]:
    """Return the types of the components that were registered."""
    return sorted(each.type for each in recording if each.type.startswith("dativo:"))


def test_all_that_pulumi_owns_is_built(write: Write) -> None:
    """Shared units come first; jobs of other tools are left to them."""
    write("orders", EMR)
    write("refunds", KUBERNETES)
    write("billing", EMR, provider="cloudformation")
    folder = write("events", KUBERNETES)
    components: dict[str, Component] = {}
    recording = record(lambda: components.update(build(load([folder]))))
    assert types(recording) == [
        "dativo:index:EmrCluster",
        "dativo:index:KubernetesJob",
        "dativo:index:KubernetesJob",
        "dativo:index:KubernetesNamespace",
        "dativo:index:KubernetesServiceAccount",
    ]
    assert isinstance(components["acme/prod/orders"], EmrCluster)
    account = recording.one("kubernetes:core/v1:ServiceAccount")
    for job in recording.of_type("dativo:index:KubernetesJob"):
        assert account.urn in job.dependencies


def test_another_tools_jobs_are_built_when_asked_for(write: Write) -> None:
    """`provider` overrides what the jobs say."""
    jobs = load([write("billing", EMR, provider="cloudformation")]).jobs
    assert types(record(lambda: build(jobs))) == []
    assert types(record(lambda: build(jobs, provider="pulumi"))) == ["dativo:index:EmrCluster"]


def test_a_plan_is_taken_as_it_is(write: Write) -> None:
    """It cannot be planned again with something else."""
    planned = plan(load([write("orders", EMR)]).jobs)
    assert types(record(lambda: build(planned))) == ["dativo:index:EmrCluster"]
    with pytest.raises(TypeError, match="`plan`"):
        record(lambda: build(planned, provider="pulumi"))


def test_an_error_in_one_job_stops_all(write: Write) -> None:
    """A broken job that was left out would be destroyed, so nothing is registered at all."""
    write("orders", EMR)
    folder = write("broken", EMR.replace("2}", "0}"))
    registered: list[Any] = []

    def program() -> None:
        build(load([folder]))
        registered.append(True)

    with pytest.raises(DiagnosticError, match=r"broken\.yaml"):
        record(program)
    assert not registered


def test_all_that_is_wrong_with_a_job_is_said_at_once(write: Write) -> None:
    """An error of loading does not hide those of planning."""
    body = EMR.replace("2}", "0}").replace("{subnet_ids: [subnet-0a1b2c3d]}", "{}")
    folder = write("broken", body)
    for program in (partial(build, [folder]), partial(build, load([folder]))):
        with pytest.raises(DiagnosticError, match=r"(?s)instance_count.*subnet_ids"):
            record(program)
    with pytest.raises(pulumi.RunError, match=r"(?s)instance_count.*subnet_ids"):
        stack(folder.parent)


def test_two_units_of_one_identity_are_refused(make_unit: Any) -> None:
    """Neither is dropped without a word."""
    with pytest.raises(ValueError, match="two units are acme/prod/orders"):
        record(lambda: build_units([make_unit(ROLE), make_unit(ROLE)]))


def test_paths_are_loaded_with_the_project_above_them(write: Write) -> None:
    """They begin at the folder of Pulumi.yaml, and nothing else is needed."""
    folder = write("orders", EMR)
    (folder / "dativo-infra.yaml").write_text(MAIN)
    for jobs in (["jobs"], "jobs", [folder], [folder / "orders.yaml"]):
        recording = record(partial(build, jobs), root_directory=folder.parent)
        assert recording.one("pulumi:providers:aws").name == "main"
        assert recording.one("dativo:index:EmrCluster").name == "acme-prod-orders"
    assert record(lambda: build(load([folder]))).of_type("pulumi:providers:aws")


def test_a_project_that_is_given_is_taken(write: Write) -> None:
    """The file above the jobs is not read then."""
    folder = write("orders", EMR)
    other = folder.parent / "other.yaml"
    other.write_text(MAIN.replace("main", "other"))
    (folder / "dativo-infra.yaml").write_text("broken: [")
    project, _ = load_project(other)
    recording = record(lambda: build([folder], project=project))
    assert recording.one("pulumi:providers:aws").name == "other"


def test_what_is_wrong_with_paths_and_project_is_reported(write: Write) -> None:
    """A job that cannot be read, a project that cannot be read, and a path that is not there."""
    folder = write("orders", EMR)
    with pytest.raises(DiagnosticError, match="nowhere"):
        record(lambda: build([folder, "nowhere"]))
    write("broken", EMR.replace("2}", "many}"))
    with pytest.raises(DiagnosticError, match=r"broken\.yaml"):
        record(lambda: build([folder]))
    (folder / "broken.yaml").unlink()
    (folder / "dativo-infra.yaml").write_text("targts: {}\n")
    for jobs in ([folder], load([folder])):
        with pytest.raises(DiagnosticError, match="targts"):
            record(partial(build, jobs))


def test_jobs_and_paths_are_not_mixed(write: Write) -> None:
    """Which project would hold is not clear."""
    folder = write("orders", EMR)
    with pytest.raises(TypeError, match="not both"):
        record(lambda: build([folder, *load([folder]).jobs]))  # pyright: ignore[reportArgumentType]


def test_missing_parameters_stop_before_anything_is_registered(make_unit: Any) -> None:
    """All units are looked through first."""
    from dativo_infra.values import Parameter

    units = [
        make_unit(ROLE),
        make_unit(
            replace(ROLE, description=Parameter("LATE")), identity=Identity("acme", "prod", "other")
        ),
    ]
    with pytest.raises(DiagnosticError, match="LATE"):
        record(lambda: build_units(units))
    recording = record(lambda: build_units(units, parameters={"LATE": "known"}))
    role = recording.one("aws:iam/role:Role", "acme-prod-other-role")
    assert role.inputs["description"] == "known"


def test_each_target_has_one_explicit_provider(make_unit: Any) -> None:
    """Units of one target share it, and it refuses other accounts."""
    units = [
        make_unit(ROLE, target=TARGET),
        make_unit(ROLE, target=TARGET, identity=Identity("acme", "prod", "other")),
        make_unit(
            SETTINGS,
            target=TARGET,
            component="KubernetesJob",
            identity=Identity("acme", "prod", "sync"),
        ),
    ]
    recording = record(lambda: build_units(units))
    aws = recording.one("pulumi:providers:aws")
    kubernetes = recording.one("pulumi:providers:kubernetes")
    assert aws.inputs["region"] == "eu-west-1"
    assert aws.inputs["allowedAccountIds"] == '["123456789012"]'
    assert kubernetes.inputs["context"] == "prod"
    assert kubernetes.inputs["enableConfigMapMutable"] == "true"
    assert kubernetes.inputs["enableSecretMutable"] == "true"
    assert {each.provider for each in recording.of_type("aws:iam/role:Role")} == {aws.urn}
    assert recording.one("kubernetes:core/v1:ConfigMap").provider == kubernetes.urn


def test_what_a_target_leaves_open_is_the_stacks(make_unit: Any) -> None:
    """An explicit provider would not read the region that the stack is configured for."""
    config = {"aws:region": "eu-north-1"}
    units = [make_unit(ROLE, target=replace(TARGET, region=None))]
    recording = record_anywhere(lambda: build_units(units), config=config)
    assert recording.one("pulumi:providers:aws").inputs["region"] == "eu-north-1"
    units = [make_unit(ROLE, target=replace(TARGET, region=None, account=None))]
    recording = record_anywhere(lambda: build_units(units), config=config)
    assert recording.one("aws:iam/role:Role").provider == ""


def test_a_programs_own_provider_wins(make_unit: Any) -> None:
    """Options that bring providers are used for every target."""

    def program() -> None:
        import pulumi_aws as aws

        opts = pulumi.ResourceOptions(provider=aws.Provider("mine", region="us-west-2"))
        build_units([make_unit(ROLE, target=TARGET)], opts=opts)

    recording = record(program)
    assert recording.one("pulumi:providers:aws").name == "mine"
    assert recording.one("aws:iam/role:Role").provider.endswith("::mine")


def test_a_provider_of_one_package_leaves_the_others_to_the_target(make_unit: Any) -> None:
    """A program that brings its AWS provider has not said which Kubernetes cluster is meant."""
    units = [
        make_unit(ROLE, target=TARGET),
        make_unit(
            SETTINGS,
            target=TARGET,
            component="KubernetesJob",
            identity=Identity("acme", "prod", "sync"),
        ),
    ]

    def program() -> None:
        import pulumi_aws as aws

        opts = pulumi.ResourceOptions(providers=[aws.Provider("mine", region="us-west-2")])
        build_units(units, opts=opts)

    recording = record(program)
    assert recording.one("pulumi:providers:aws").name == "mine"
    assert recording.one("aws:iam/role:Role").provider.endswith("::mine")
    kubernetes = recording.one("pulumi:providers:kubernetes")
    assert kubernetes.inputs["context"] == "prod"
    assert recording.one("kubernetes:core/v1:ConfigMap").provider == kubernetes.urn


def test_a_parents_own_provider_wins(make_unit: Any) -> None:
    """What a component that holds the jobs was given is meant for them."""
    unit = make_unit(SETTINGS, target=TARGET, component="KubernetesJob")

    def program() -> None:
        import pulumi_kubernetes as kubernetes

        mine = pulumi.ResourceOptions(providers=[kubernetes.Provider("mine", context="mine")])
        parent = pulumi.ComponentResource("t:index:T", "t", None, mine)
        build_units([unit], opts=pulumi.ResourceOptions(parent=parent))

    recording = record_anywhere(program)
    provider = recording.one("pulumi:providers:kubernetes")
    assert provider.name == "mine"
    assert recording.one("kubernetes:core/v1:ConfigMap").provider == provider.urn


def test_jobs_without_a_target_use_the_default_provider(built: Any) -> None:
    """The stack's own configuration says where they are deployed."""
    recording = built(ROLE)
    assert not recording.of_type("pulumi:providers:aws")
    assert recording.one("aws:iam/role:Role").provider == ""


def test_a_unit_whose_needs_are_in_another_stack_is_built(make_unit: Any) -> None:
    """A shard builds its own units, and waits for those alone."""
    needs = (Identity("shared", "KubernetesNamespace", "data"),)
    unit = make_unit(SETTINGS, component="KubernetesJob", needs=needs)
    assert len(record(lambda: build_units([unit]))) == 2


def test_objects_go_to_no_cluster_by_accident(make_unit: Any) -> None:
    """Without a context, of the target or of the stack, nothing is registered."""
    unit = make_unit(SETTINGS, component="KubernetesJob")
    with pytest.raises(DiagnosticError, match="DI406"):
        record_anywhere(lambda: build_units([unit]))

    def below_a_parent() -> None:
        import pulumi_aws as aws

        given = pulumi.ResourceOptions(providers=[aws.Provider("mine")])
        parent = pulumi.ComponentResource("t:index:T", "t", None, given)
        build_units([unit], opts=pulumi.ResourceOptions(parent=parent))

    with pytest.raises(DiagnosticError, match="DI406"):
        record_anywhere(below_a_parent)
    named = replace(unit, target=PlacedTarget(name="prod", kubernetes_context="prod"))
    recording = record_anywhere(lambda: build_units([named]))
    assert recording.one("pulumi:providers:kubernetes").inputs["context"] == "prod"


WAREHOUSE = DatabricksCluster(
    key="cluster",
    name="orders",
    spec=ClusterSpec(
        spark_version="16.4.x-scala2.12",
        workers=1,
        data_security_mode="NONE",
        node_type="i3.xlarge",
    ),
    autotermination_minutes=30,
    tags={},
)


def test_clusters_go_to_no_workspace_by_accident(
    make_unit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The target, the stack or the program names it; the machine's environment does not."""
    monkeypatch.setenv("DATABRICKS_HOST", "https://of-the-laptop")
    unit = make_unit(WAREHOUSE, component="DatabricksCluster")
    with pytest.raises(DiagnosticError, match="DI327"):
        record_anywhere(lambda: build_units([unit]))
    host = "https://acme.cloud.databricks.com"
    for settings in ({"databricks:host": host}, {"databricks:profile": "acme"}):
        recording = record_anywhere(lambda: build_units([unit]), config=settings)
        assert not recording.of_type("pulumi:providers:databricks")
    named = replace(unit, target=PlacedTarget(name="prod", databricks_host=host))
    provider = record_anywhere(lambda: build_units([named])).one("pulumi:providers:databricks")
    assert provider.inputs == {"host": host}


def test_a_provider_of_the_program_is_the_workspace(make_unit: Any) -> None:
    """It is used, and none is made."""
    unit = make_unit(WAREHOUSE, component="DatabricksCluster")

    def program() -> None:
        import pulumi_databricks as databricks

        given = databricks.Provider("mine", host="https://acme.cloud.databricks.com")
        build_units([unit], opts=pulumi.ResourceOptions(providers=[given]))

    recording = record_anywhere(program)
    assert recording.one("databricks:index/cluster:Cluster").provider.endswith("::mine")


def test_a_package_that_is_missing_is_said(make_unit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what to install, before anything is registered."""
    monkeypatch.setattr(providers, "find_spec", lambda name: None if "data" in name else name)
    target = PlacedTarget(name="prod", databricks_host="https://acme.cloud.databricks.com")
    unit = make_unit(WAREHOUSE, component="DatabricksCluster", target=target)
    with pytest.raises(DiagnosticError, match=r"DI703.*pulumi_databricks") as caught:
        record_anywhere(lambda: build_units([unit]))
    (missing,) = caught.value.diagnostics
    assert missing.remedy == "pip install 'dativo-infra[databricks]'"


def test_the_provider_is_imported_for_its_own_units_alone() -> None:
    """It costs more than all the rest."""
    program = (
        "import sys; from dativo_infra.adapters.pulumi import build; "
        "from dativo_infra.testing import record; record(lambda: build([])); "
        "sys.exit('pulumi_databricks' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0  # noqa: S603


def stack(folder: Path, name: str = "prod", **config: Any) -> Recording:
    """Run the stack's program on a folder of jobs."""
    settings = {"jobs": ["jobs"], "kubernetes:context": "test", **config}
    return record_anywhere(
        build_stack, project="dativo-infra", stack=name, config=settings, root_directory=folder
    )


def test_a_stack_builds_the_jobs_of_its_name(write: Write) -> None:
    """It exports what each job's infrastructure gives, and says what it did not build."""
    write("orders", EMR)
    write("test", EMR, environment="dev")
    write("billing", EMR, provider="cloudformation")
    folder = write("feed", "\n    platform: spark\n", provider="manual").parent
    recording = stack(folder)
    assert types(recording) == ["dativo:index:EmrCluster"]
    (name, outputs) = next(iter(recording.exports.items()))
    assert name == "acme/prod/orders"
    assert outputs["emr_cluster_id"] == "<acme-prod-orders-cluster.id>"
    assert outputs["dns"] == outputs["emr_master_public_dns"]
    assert recording.messages == (
        "1 left to cloudformation: acme/prod/billing",
        "1 not selected: acme/dev/test",
        "1 owned by no tool: acme/prod/feed",
    )


def test_a_stack_can_be_told_what_to_build(write: Write) -> None:
    """Environment, tenant and provider are configuration."""
    folder = write("orders", EMR, provider="cloudformation").parent
    assert types(stack(folder, "any", environment="prod", provider="pulumi")) == [
        "dativo:index:EmrCluster"
    ]
    assert types(stack(folder, tenant="acme", provider="pulumi")) == ["dativo:index:EmrCluster"]


@pytest.mark.parametrize(
    ("name", "config"),
    [("production", {}), ("prod", {"tenant": "globex"}), ("prod", {"environment": "pord"})],
)
def test_a_selection_that_reaches_no_job_is_refused(name: str, config: Any, write: Write) -> None:
    """A mistyped stack or setting does not delete all that was built."""
    write("orders", EMR)
    folder = write("test", EMR, environment="dev").parent
    wanted = config.get("tenant") or config.get("environment") or name
    with pytest.raises(pulumi.RunError, match=f"`{wanted}`.* acme/dev, acme/prod"):
        stack(folder, name, **config)


def test_a_stack_without_infrastructure_builds_nothing(write: Write) -> None:
    """Jobs that have no block ask for nothing."""
    folder = write("orders", EMR)
    text = (folder / "orders.yaml").read_text()
    (folder / "orders.yaml").write_text(text.partition("infrastructure:")[0])
    assert len(stack(folder.parent, "any")) == 0


def test_what_another_stack_builds_too_is_refused(write: Write) -> None:
    """A namespace of one target that jobs of another environment name has one owner alone."""
    write("orders", KUBERNETES)
    folder = write("test", KUBERNETES, environment="dev")
    (folder / "dativo-infra.yaml").write_text(
        "targets:\n  main: {cloud: aws, kubernetes_context: main}\n"
    )
    with pytest.raises(pulumi.RunError, match="acme/dev/test"):
        stack(folder.parent)


def test_a_cluster_that_exists_is_exported(write: Write) -> None:
    """What is known of it is there under the common names, whether the job lists it or not."""
    body = EMR.replace(
        "{instance_type: m5.xlarge, instance_count: 2}", "{cluster_id: j-2ABC1DEF3GH}"
    )
    folder = write("orders", body.replace("dns: output.emr_master_public_dns", "")).parent
    recording = stack(folder)
    assert types(recording) == []
    assert recording.exports["acme/prod/orders"]["emr_cluster_id"] == "j-2ABC1DEF3GH"


def test_the_project_silences_what_loading_says(write: Write) -> None:
    """As it does with what planning says."""
    folder = write("orders", EMR + "  metdata: {}\n")
    (warning,) = [each for each in stack(folder.parent).messages if "metdata" in each]
    code = warning.partition("warning ")[2].partition(":")[0]
    (folder / "dativo-infra.yaml").write_text(f"silence: [{code}]\n")
    assert not [each for each in stack(folder.parent).messages if "metdata" in each]
    assert not [each for each in record(lambda: build([folder])).messages if "metdata" in each]


def test_a_setting_of_the_stack_is_no_value_of_a_job(write: Write) -> None:
    """`${tenant}` in a job means the job's variable, not the stack's `tenant`."""
    body = EMR.replace("subnet-0a1b2c3d", '"${tenant}"')
    folder = write("orders", body).parent
    with pytest.raises(pulumi.RunError, match="`tenant` has no value"):
        stack(folder, tenant="acme")


def test_shards_build_each_unit_once(write: Write) -> None:
    """Together they build what one stack would."""
    for index in range(6):
        write(f"job{index}", EMR)
    folder = write("sync", KUBERNETES).parent
    parts = [{each.urn for each in stack(folder, shard=f"{index}/3")} for index in range(3)]
    assert set.union(*parts) == {each.urn for each in stack(folder)}
    assert sum(map(len, parts)) == len(set.union(*parts))


def test_an_environment_file_gives_values(write: Write) -> None:
    """Plain variables are filled in when loading, secrets when deploying."""
    body = EMR.replace("subnet-0a1b2c3d", '"${SUBNET}"')
    folder = write("orders", body).parent
    (folder / "prod.env").write_text("SUBNET=subnet-1a1b2c3d\n")
    recording = stack(folder, **{"env-file": "prod.env"})
    cluster = recording.one("aws:emr/cluster:Cluster")
    assert cluster.inputs["ec2Attributes"]["subnetId"] == "subnet-1a1b2c3d"


def test_configuration_gives_values_too(write: Write) -> None:
    """A variable that the environment lacks is taken from the stack."""
    folder = write("orders", EMR.replace("subnet-0a1b2c3d", '"${LATE_SUBNET}"')).parent
    recording = stack(folder, LATE_SUBNET="subnet-2a1b2c3d")
    cluster = recording.one("aws:emr/cluster:Cluster")
    assert cluster.inputs["ec2Attributes"]["subnetId"] == "subnet-2a1b2c3d"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"shard": "3/2"}, "`3/2` is no shard"),
        ({"env-file": "none.env"}, "none.env"),
        ({"jobs": ["nowhere"]}, "nowhere"),
        ({"provider": "pulmi"}, "pulmi"),
    ],
)
def test_a_stack_explains_what_is_wrong(config: Any, message: str, write: Write) -> None:
    """The engine shows the text alone, without a traceback of ours."""
    folder = write("orders", EMR).parent
    with pytest.raises(pulumi.RunError, match=message):
        stack(folder, **config)


def test_warnings_are_shown(write: Write) -> None:
    """What is worth a warning reaches the person who runs `pulumi up`."""
    folder = write("orders", EMR + "  metadata: {variables: {release_labl: x}}\n").parent
    assert any("release_labl" in each for each in stack(folder).messages)


def test_the_project_beside_the_jobs_holds(write: Write) -> None:
    """Targets and required tags come from the nearest project file."""
    folder = write("orders", EMR)
    (folder / "dativo-infra.yaml").write_text(MAIN)
    assert stack(folder.parent).one("pulumi:providers:aws").name == "main"
    project, _ = load_project(near=[str(folder)])
    recording = record(lambda: build(load([folder]), project=project))
    assert recording.one("pulumi:providers:aws").inputs["region"] == "eu-central-1"


IMPORTS = """
import sys
import dativo_infra
assert not any(name.partition(".")[0].startswith("pulumi") for name in sys.modules)
from dativo_infra import load
from dativo_infra.adapters.pulumi import build
from dativo_infra.testing import record
program = lambda: build(load([sys.argv[1]]))
assert len(record(program, config={"kubernetes:context": "test"})) > 2
assert sys.argv[2] in sys.modules
assert sys.argv[3] not in sys.modules
"""


@pytest.mark.parametrize(
    ("body", "used", "unused"),
    [
        (EMR, "pulumi_aws", "pulumi_kubernetes"),
        (KUBERNETES, "pulumi_kubernetes", "pulumi_aws"),
    ],
    ids=["emr", "kubernetes"],
)
def test_a_provider_is_imported_only_where_it_is_used(
    body: str, used: str, unused: str, write: Write
) -> None:
    """Importing the package costs no Pulumi, and one platform does not cost another's provider."""
    command = [sys.executable, "-c", IMPORTS, str(write("orders", body)), used, unused]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr


def test_paths_begin_at_the_project_whatever_the_host_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A language host that does not tell the project's folder starts the program below it."""
    (tmp_path / "Pulumi.yaml").write_text("name: test\n")
    (tmp_path / "stacks").mkdir()
    monkeypatch.chdir(tmp_path / "stacks")
    monkeypatch.setattr(pulumi, "get_root_directory", lambda: None)
    assert rooted("jobs") == "../jobs"
    (tmp_path / "Pulumi.yaml").unlink()
    assert rooted("jobs") == "jobs"
