"""The component package: the real engine asks it for its schema, and programs build with it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin, is_typeddict

import pulumi
import pytest
import yaml
from workspace import REPOSITORY, SEARCHED, Workspace, find

from dativo_infra.adapters.pulumi.components import COMPONENTS

if TYPE_CHECKING:
    from aws_server import Aws

PACKAGE = REPOSITORY / "dativo_infra" / "adapters" / "pulumi" / "package"
EXAMPLE = REPOSITORY / "examples" / "programs" / "javascript"

JOB = """\
tenant_id: acme
environment: dev
source_connector_path: /c/postgres.yaml
target_connector_path: /c/iceberg.yaml
asset_path: /a/orders.yaml
infrastructure:
  provider: pulumi
  runtime:
    platform: emr
    compute: {instance_type: m5.xlarge, instance_count: 2}
    network: {subnet_ids: [subnet-0a1b2c3d]}
"""

# Python asks the engine for a component of another language as every language does.
PROGRAM = """\
import pulumi

class EmrCluster(pulumi.ComponentResource):
    logBucket: pulumi.Output[str]

    def __init__(self, name, **args):
        props = {**args, "clusterId": None, "logBucket": None}
        super().__init__("dativo:index:EmrCluster", name, props, None, remote=True)

"""


@pytest.fixture
def workspace(pulumi_home: Path, tmp_path: Path) -> Workspace:
    """A folder for a program that uses the package, which starts as by a language host of today.

    The one that is built here is older than the CLI: it runs a plugin in the program's folder.
    """
    folder = tmp_path / "workspace"
    plugin = folder / "plugins" / "pulumi-resource-dativo"
    plugin.parent.mkdir(parents=True)
    plugin.write_text(f'#!/bin/sh\nexec python3 {PACKAGE} "$@"\n')
    plugin.chmod(0o755)
    (folder / "state").mkdir()
    return Workspace(folder, pulumi_home)


@pytest.fixture
def javascript(workspace: Workspace) -> Iterator[Mapping[str, Any]]:
    """The example in JavaScript, with what it needs; return what its Pulumi.yaml says."""
    if missing := [each for each in ("npm", "pulumi-language-nodejs") if not find(each)]:
        pytest.skip(f"no {', '.join(missing)} on this machine: install Node.js, run `make engines`")
    for name in ("index.js", "package.json"):
        shutil.copy(EXAMPLE / name, workspace.folder)
    # The language host leaves its pipes there.
    workspace.environment["TMPDIR"] = str(workspace.folder)
    npm = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"]
    environment = {"PATH": SEARCHED, "HOME": str(Path.home())}
    try:
        subprocess.run(npm, cwd=workspace.folder, env=environment, check=True, capture_output=True)  # noqa: S603
        yield yaml.safe_load((EXAMPLE / "Pulumi.yaml").read_text())
    finally:
        shutil.rmtree(workspace.folder / "node_modules", ignore_errors=True)  # 110 MB


def write_project(workspace: Workspace, settings: Mapping[str, Any]) -> None:
    """Write a Pulumi.yaml whose program uses the plugin, and create its stack `dev`."""
    plugins = {"providers": [{"name": "dativo", "path": "plugins"}]}
    file = workspace.folder / "Pulumi.yaml"
    file.write_text(yaml.safe_dump({**settings, "plugins": plugins}))
    workspace.pulumi("stack", "init", "dev")


def preview(workspace: Workspace, program: str) -> tuple[int, str]:
    """Preview a program that uses `EmrCluster`; return the exit code and what was said."""
    (workspace.folder / "__main__.py").write_text(PROGRAM + program)
    (workspace.folder / "orders.yaml").write_text(JOB)
    write_project(workspace, {"name": "shop", "runtime": "python"})
    done = workspace.preview("dev")
    return done.code, done.log


def wire(name: str) -> str:
    """Return a name as all of Pulumi's languages but Python have it."""
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))


def shape(hint: Any) -> dict[str, Any]:
    """Return what Pulumi's schema should say of a type.

    Source: https://www.pulumi.com/docs/iac/guides/building-extending/packages/schema/
    """
    inner = get_args(hint)
    if get_origin(hint) in {Union, UnionType, pulumi.Output}:  # an Input, or what may be missing
        return shape(inner[0])
    if get_origin(hint) is Mapping:
        return {"type": "object", "additionalProperties": shape(inner[1])}
    if get_origin(hint) is Sequence:
        return {"type": "array", "items": shape(inner[0])}
    if is_typeddict(hint):
        return {"$ref": f"#/types/dativo:index:{hint.__name__}"}
    names = {str: "string", int: "integer", bool: "boolean"}
    return {"$ref": "pulumi.json#/Any"} if hint is Any else {"type": names[hint]}


def told(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the types of properties in a schema, without their descriptions."""

    def stripped(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {key: stripped(each) for key, each in value.items() if key not in TEXTS}

    return {key: stripped(each) for key, each in properties.items()}


TEXTS = {"description", "plain"}


def test_the_schema_says_all_of_the_components(pulumi_home: Path, tmp_path: Path) -> None:
    """Each input and output, its type and what it is; no input is required."""
    # The CLI makes a virtual environment in the folder; the old host runs what is in the current.
    folder = tmp_path / "package"
    shutil.copytree(PACKAGE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "state").mkdir()
    schema = json.loads(Workspace(folder, pulumi_home).pulumi("package", "get-schema", "."))
    assert schema["name"] == "dativo"
    assert set(schema["resources"]) == {f"dativo:index:{each}" for each in COMPONENTS}
    described = []
    for name, component in COMPONENTS.items():
        resource = schema["resources"][f"dativo:index:{name}"]
        inputs = component.__init__.__annotations__["args"].__annotations__
        assert told(resource["inputProperties"]) == {wire(k): shape(v) for k, v in inputs.items()}
        assert not resource.get("requiredInputs")
        outputs = {k: v for k, v in component.__annotations__.items() if not k.startswith("_")}
        assert told(resource["properties"]) == {wire(k): shape(v) for k, v in outputs.items()}
        always = [wire(k) for k, v in outputs.items() if get_origin(v) is pulumi.Output]
        assert resource.get("required", []) == sorted(always)
        described += [resource, *resource["inputProperties"].values()]
        described += resource["properties"].values()
    for each in schema["types"].values():
        described += [each, *each["properties"].values()]
    assert all(each.get("description") for each in described)


def test_a_program_in_javascript_builds_a_cluster(
    workspace: Workspace, javascript: Mapping[str, Any], aws: Aws
) -> None:
    """The example's outputs are those of what was really built, with its numbers and tags."""
    vpc = aws.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = aws.client("ec2").create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]
    write_project(workspace, javascript)
    workspace.pulumi("config", "set", "--path", "subnetIds[0]", subnet["SubnetId"])

    done = workspace.up("dev")
    assert not done.code, done.log
    outputs = workspace.outputs("dev")
    cluster = aws.client("emr").describe_cluster(ClusterId=outputs["clusterId"])["Cluster"]
    assert {"Key": "CostCenter", "Value": "data-engineering"} in cluster["Tags"]
    assert outputs["logBucket"] in cluster["LogUri"]
    groups = aws.client("emr").list_instance_groups(ClusterId=cluster["Id"])["InstanceGroups"]
    counts = {each["InstanceGroupType"]: each["RequestedInstanceCount"] for each in groups}
    assert counts == {"MASTER": 1, "CORE": 2}
    assert not workspace.preview("dev", "--expect-no-changes").code


@pytest.mark.usefixtures("aws")
def test_an_output_is_an_input(workspace: Workspace) -> None:
    """What is not known yet when previewing flows from one component to the next."""
    code, log = preview(
        workspace,
        """
first = EmrCluster("first", job="orders.yaml")
second = EmrCluster("second", job="orders.yaml", storage={"bucket": first.logBucket})
pulumi.export("bucket", second.logBucket)
""",
    )
    assert code == 0, log


@pytest.mark.parametrize(
    ("argument", "path", "reason"),
    [
        ("tag={}", "tag", "EmrCluster has no such input. Did you mean `tags`?"),
        ("compute={'instancetype': 'a'}", "compute.instancetype", "Did you mean `instanceType`?"),
        ("compute='big'", "compute", "It must be an object that is known when previewing."),
    ],
    ids=["unknown", "unknown within", "no object"],
)
def test_an_input_that_would_be_dropped_is_refused(
    argument: str, path: str, reason: str, workspace: Workspace
) -> None:
    """The engine names it, with the one that was meant."""
    code, log = preview(workspace, f"EmrCluster('orders', job='orders.yaml', {argument})")
    assert code
    assert f"property {path} with value" in log
    assert reason in log, log


def test_a_job_with_errors_is_shown_where_it_stands(workspace: Workspace) -> None:
    """Without the traceback of the package, and nothing is built."""
    code, log = preview(workspace, "EmrCluster('orders', job='orders.yaml', tenantId='')")
    assert code
    assert "orders.yaml:" in log, log
    assert "arguments.py" not in log, log
