"""A secret that the environment holds reaches nothing that is written or shown."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import cases
import pytest
from click.testing import CliRunner

from dativo_infra import load, plan
from dativo_infra.adapters.pulumi import build
from dativo_infra.cli import main
from dativo_infra.testing import Secret, record
from dativo_infra.values import Ref

if TYPE_CHECKING:
    from pathlib import Path

VALUE = "hunter2-do-not-tell"
NAMES = ("REDIS_PASSWORD", "DB_PASSWD", "API_TOKEN", "STRIPE_API_KEY", "clientSecret")
KUBERNETES = """\
tenant_id: acme
environment: prod
source_connector_path: /app/connectors/stripe.yaml
target_connector_path: /app/connectors/iceberg.yaml
asset_path: /app/assets/stripe/v1.0/customers.yaml
source: {{objects: [customers]}}
target: {{warehouse: "s3://lake/w/"}}
infrastructure:
  provider: pulumi
  runtime: {{platform: kubernetes, namespace: data}}
  resources:
    cache: {{endpoint: "rediss://:${{{name}}}@cache.acme.example:6379"}}
"""
EMR = """\
tenant_id: acme
environment: prod
source_connector_path: /app/connectors/stripe.yaml
target_connector_path: /app/connectors/iceberg.yaml
asset_path: /app/assets/stripe/v1.0/customers.yaml
infrastructure:
  provider: cloudformation
  runtime:
    platform: emr
    compute: {{instance_type: m5.xlarge, instance_count: 1}}
    network: {{subnet_ids: [subnet-0a1b2c3d]}}
    storage: {{bucket: "lake-${{{name}}}"}}
  resources:
    queue: {{arn: "${{{name}}}"}}
"""
FARGATE = """\
tenant_id: acme
environment: prod
source_connector_path: /app/connectors/stripe.yaml
target_connector_path: /app/connectors/iceberg.yaml
asset_path: /app/assets/stripe/v1.0/customers.yaml
source: {{objects: [customers]}}
target: {{warehouse: "s3://lake/w/"}}
infrastructure:
  provider: cloudformation
  runtime:
    platform: fargate
    network: {{subnet_ids: [subnet-0a1b2c3d]}}
  metadata:
    variables: {{image: "registry.example/ingest:1"}}
  resources:
    cache: {{endpoint: "rediss://:${{{name}}}@cache.acme.example:6379"}}
"""
ECS = FARGATE.replace(
    "platform: fargate", "platform: ecs\n    compute: {{instance_type: m5.large}}"
)
ON_KUBERNETES = {
    platform: KUBERNETES.replace("kubernetes", platform) for platform in cases.ON_KUBERNETES
}
DOCUMENTS = {**ON_KUBERNETES, "emr": EMR, "ecs": ECS, "fargate": FARGATE}


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a variable that the environment holds and that looks like a secret."""
    monkeypatch.setenv(request.param, VALUE)
    return request.param


@pytest.fixture(params=sorted(DOCUMENTS))
def job_file(request: pytest.FixtureRequest, name: str, tmp_path: Path) -> Path:
    """A job file that uses the variable in its block."""
    file = tmp_path / "jobs" / f"{request.param}.yaml"
    file.parent.mkdir()
    file.write_text(DOCUMENTS[request.param].format(name=name))
    return file


def run(*arguments: str | Path) -> Any:
    """Return the result of a command."""
    return CliRunner().invoke(main, [str(each) for each in arguments])


@pytest.mark.parametrize("command", ["validate", "plan", "plan --format json"])
def test_commands_do_not_tell(command: str, job_file: Path, name: str) -> None:
    """Neither what is shown nor the diagnostics hold the value; the name they may."""
    result = run(*command.split(), job_file)
    assert VALUE not in result.output
    assert result.exit_code in {0, 1}
    if command.startswith("plan") and result.exit_code == 0:
        assert name in result.output


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_no_file_holds_it(form: str, job_file: Path, tmp_path: Path) -> None:
    """What is synthesised has a parameter without echo where the value would be."""
    out = tmp_path / "out"
    result = run("synth", "--to", "cloudformation", "--format", form, "-o", out, job_file)
    assert result.exit_code == 0
    assert VALUE not in result.output
    files = [file for file in out.rglob("*") if file.is_file()]
    # CloudFormation does not own the jobs on Kubernetes.
    assert len(files) == (0 if job_file.stem in ON_KUBERNETES else 1)
    for file in files:
        assert VALUE not in file.read_text()
        assert "NoEcho" in file.read_text()


def test_a_secret_of_an_emr_job_is_a_parameter(tmp_path: Path) -> None:
    """The check above is not empty: a secret in a policy is a parameter of a template."""
    file = tmp_path / "emr.yaml"
    file.write_text(EMR.format(name="REDIS_PASSWORD"))
    result = run("synth", "--to", "cloudformation", "-o", tmp_path / "out", file)
    assert result.exit_code == 0
    (written,) = (tmp_path / "out").iterdir()
    assert '"NoEcho": true' in written.read_text()


def test_diagnostics_do_not_tell(job_file: Path) -> None:
    """No diagnostic of loading or planning holds the value, neither in text nor in snippet."""
    loaded = load([job_file])
    found = [*loaded.diagnostics, *plan(loaded.jobs).diagnostics]
    assert VALUE not in repr(found)
    assert VALUE not in repr(plan(loaded.jobs))


def leaks(value: Any) -> bool:
    """Return whether a value stands anywhere outside what is marked as secret."""
    if isinstance(value, Secret):
        return False
    if isinstance(value, dict):
        return any(leaks(item) for item in value.values())
    if isinstance(value, list):
        return any(leaks(item) for item in value)
    return isinstance(value, str) and VALUE in value


HOLDING = {
    **dict.fromkeys(ON_KUBERNETES, "kubernetes:core/v1:Secret"),
    "ecs": "aws:secretsmanager/secretVersion:SecretVersion",
    "fargate": "aws:secretsmanager/secretVersion:SecretVersion",
}
"""The one type that holds a secret, by platform."""


@pytest.mark.parametrize("platform", HOLDING)
@pytest.mark.parametrize("name", ["REDIS_PASSWORD"], indirect=True)
def test_pulumi_is_told_that_it_is_secret(name: str, platform: str, tmp_path: Path) -> None:
    """The registrations hold the value, marked as secret, in the one place that needs it."""
    file = tmp_path / "job.yaml"
    file.write_text(DOCUMENTS[platform].format(name=name))
    loaded = load([file])
    recording = record(
        lambda: build(loaded, provider="pulumi", parameters={name: VALUE}),
        config={"kubernetes:context": "test"},
    )
    assert not any(leaks(each.inputs) for each in recording)
    assert not any(leaks(dict(each)) for each in recording.outputs.values())
    holding = [each.type for each in recording if VALUE in repr(each.inputs)]
    assert holding == [HOLDING[platform]]
    assert VALUE not in repr(recording.messages)


def test_every_secret_of_the_suite_is_marked() -> None:
    """Reading back fails for a secret that is registered in the open; the suite has some."""
    registered = repr([each.inputs for each in cases.recording()])
    assert "{{REDIS_PASSWORD|secret}}" in registered
    assert "{{API_TOKEN|secret}}" in registered


def test_databricks_refuses_it(name: str, tmp_path: Path) -> None:
    """A secret would stand in a cluster's environment, which many may read: it is an error."""
    file = tmp_path / "job.yaml"
    file.write_text(
        KUBERNETES.format(name=name).replace(
            "platform: kubernetes, namespace: data",
            "platform: databricks, compute: {instance_type: i3.xlarge}",
        )
    )
    result = run("plan", file)
    assert result.exit_code == 1
    assert "DI328" in result.output
    assert VALUE not in result.output


SECRETIVE = ("runners/test/ecs-secret", "runners/test/fargate-secret")
"""Units whose tasks are told a secret."""


def references(value: Any) -> set[str]:
    """Return the names that nested data of a template refers to, by whatever function."""
    if isinstance(value, list):
        return {name for item in value for name in references(item)}
    if not isinstance(value, dict):
        return set()
    found = {name for item in value.values() for name in references(item)}
    for name, argument in value.items():
        if name == "Ref":
            found.add(argument)
        if name == "Fn::GetAtt":
            found.add(argument[0] if isinstance(argument, list) else argument.split(".")[0])
        if name == "Fn::Sub":
            text = argument[0] if isinstance(argument, list) else argument
            found |= {each.split(".")[0] for each in re.findall(r"\$\{([^!}][^}]*)\}", text)}
    return found


def holders(template: dict[str, Any]) -> set[str]:
    """Return the types of resources that refer to a parameter without echo."""
    hidden = {
        name for name, each in template.get("Parameters", {}).items() if each.get("NoEcho") is True
    }
    bodies = template["Resources"].values()
    return {body["Type"] for body in bodies if references(body["Properties"]) & hidden}


@pytest.mark.parametrize("unit", SECRETIVE)
def test_tasks_fetch_secrets_when_they_start(unit: str) -> None:
    """A task definition names where a secret is kept, and the secret alone has the parameter."""
    template = cases.template(unit)
    assert holders(template) == {"AWS::SecretsManager::Secret"}
    ((kept, secret),) = (
        (name, body)
        for name, body in template["Resources"].items()
        if body["Type"] == "AWS::SecretsManager::Secret"
    )
    assert references(secret["Properties"]["SecretString"])
    (definition,) = (
        body
        for body in template["Resources"].values()
        if body["Type"] == "AWS::ECS::TaskDefinition"
    )
    (container,) = definition["Properties"]["ContainerDefinitions"]
    assert [each["ValueFrom"] for each in container["Secrets"]] == [{"Ref": kept}]
    fetched = {each["Name"] for each in container["Secrets"]}
    assert not fetched & {each["Name"] for each in container["Environment"]}


@pytest.mark.parametrize("unit", SECRETIVE)
def test_pulumi_keeps_secrets_out_of_definitions(unit: str) -> None:
    """The definition is registered in the open, and has the ARN of what is registered as secret."""
    reader = cases.reader(unit)
    secret, definition = (
        next(each for each in reader.folded.values() if each.main.type == type_)
        for type_ in ("aws:secretsmanager/secret:Secret", "aws:ecs/taskDefinition:TaskDefinition")
    )
    (container,) = json.loads(definition.main.inputs["containerDefinitions"])
    (fetched,) = container["secrets"]
    assert reader.value(fetched["valueFrom"]) == Ref(secret.key, "arn")
    (version,) = secret.parts
    assert isinstance(version.inputs["secretString"], Secret)
    # The task must not start before the secret has its value.
    assert version.urn in definition.main.dependencies


READABLE = {
    "AWS::EC2::LaunchTemplate",
    "AWS::ECS::Service",
    "AWS::ECS::TaskDefinition",
    "AWS::Scheduler::Schedule",
}
"""What everybody can describe who may look at what runs."""


def test_no_definition_of_tasks_has_a_secret() -> None:
    """In no unit of ECS does what describes tasks or machines know a parameter without echo."""
    units = [unit for unit in cases.units("cloudformation") if unit.component == "EcsService"]
    jobs = [cases.label(unit) for unit in units if unit.identity.tenant != "by-hand"]
    found = {type_ for name in jobs for type_ in holders(cases.template(name))}
    assert "AWS::SecretsManager::Secret" in found
    assert not found & READABLE
