"""The commands on the real Terraform, with the modules to start from."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result
from workspace import REPOSITORY, find

from dativo_infra.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MODULES = REPOSITORY / "examples" / "terraform" / "modules"
JOB = """\
tenant_id: {tenant}
environment: prod
source_connector_path: /c/a.yaml
target_connector_path: /c/b.yaml
asset_path: /a/c.yaml
infrastructure:
  provider: terraform
  terraform:
    module_source: ../modules/emr
    workspace: prod
    backend_config: {{type: local}}
  runtime:
    platform: emr
    compute:
      cluster_id: ${{EMR_CLUSTER_ID}}
      instance_type: m6g.xlarge
      auto_scaling: {{enabled: true, max_instances: 8}}
    storage: {{bucket: lake}}
    network: {{subnet_ids: [subnet-0a1b2c3d]}}
  outputs: {{cluster_id: output.emr_cluster_id}}
"""
NAME = "acme-prod-orders"


@pytest.fixture(scope="session")
def terraform() -> str:
    """The program that is run: either will do."""
    path = find("terraform") or find("tofu")
    if path is None:
        pytest.skip("neither terraform nor tofu is on this machine: run `make engines`")
    return path


@pytest.fixture
def run(terraform: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run a command in a folder with the modules and a job, which is its own project."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATIVO_INFRA_TERRAFORM", terraform)
    monkeypatch.setenv("HOME", str(tmp_path))
    # A workspace of whoever runs it must not become the job's.
    monkeypatch.setenv("TF_WORKSPACE", "elsewhere")
    shutil.copytree(MODULES, tmp_path / "modules")
    (tmp_path / "jobs").mkdir()
    (tmp_path / "dativo-infra.yaml").touch()
    write(tmp_path)

    def invoke(*arguments: object, code: int = 0) -> Result:
        result = CliRunner().invoke(main, [str(each) for each in arguments])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result

    return invoke


def write(
    folder: Path, *changes: tuple[str, str], name: str = "orders", tenant: str = "acme"
) -> Path:
    """Write a job with changes of its text, and return its path."""
    text = JOB.format(tenant=tenant)
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / "jobs" / f"{name}.yaml"
    path.write_text(text)
    return path


def command(arguments: list[str], folder: Path) -> None:
    """Run a program in a folder, which sees nothing of whoever runs the tests."""
    environment = {"HOME": str(folder), "PATH": os.environ["PATH"]}
    subprocess.run(arguments, cwd=folder, check=True, capture_output=True, env=environment)  # noqa: S603 - of the machine


def root_files(folder: Path) -> dict[str, str]:
    """Return the files of the job's root that are written for it."""
    root = folder / ".dativo-infra" / "terraform" / NAME
    return {each.name: each.read_text() for each in root.glob("*.json")}


def test_a_cluster_comes_and_its_id_goes_back_into_the_job(run: Any, tmp_path: Path) -> None:
    """Preview, deploy, output, plan with what was output, and destroy; the root stays the same."""
    states = tmp_path / ".dativo-infra" / "terraform" / NAME / "terraform.tfstate.d"
    preview = run("preview", "jobs", "--detailed-exitcode", code=3)
    assert "add terraform_data terraform_data.cluster" in preview.stdout
    assert not states.exists()
    run("output", "jobs", code=1)
    deployed = json.loads(run("deploy", "jobs", "--format", "json").stdout)
    assert [each["action"] for each in deployed["stacks"]] == ["created"]
    assert [each.name for each in states.iterdir()] == ["prod"]
    before = root_files(tmp_path)
    assert "No changes" in run("deploy", "jobs").stderr
    assert run("preview", "jobs", "--detailed-exitcode").exit_code == 0
    dotenv = run("output", "jobs", "--format", "dotenv").stdout
    (tmp_path / "x.env").write_text(dotenv)
    identifier = deployed["stacks"][0]["outputs"]["emr_cluster_id"]
    assert f"EMR_CLUSTER_ID='{identifier}'" in dotenv.splitlines()
    planned = run("plan", "jobs", "--env-file", "x.env").stdout
    assert f"cluster {identifier}" in planned
    run("deploy", "jobs", "--env-file", "x.env")
    assert root_files(tmp_path) == before
    run("destroy", "jobs", "--yes")
    assert "error[DI712]" in run("output", "jobs", code=1).stderr
    assert "Nothing is deployed" in run("destroy", "jobs", "--yes").stderr


def test_what_would_be_lost_or_left_behind_is_refused(run: Any, tmp_path: Path) -> None:
    """A replacement and another backend are refused until they are allowed; then they are done."""
    run("deploy", "jobs")
    first = json.loads(run("output", "jobs", "--format", "json").stdout)["jobs"]
    write(tmp_path, ("m6g.xlarge", "m6g.2xlarge"))
    refused = run("deploy", "jobs", code=1)
    assert "error[DI706]" in refused.stderr
    assert "triggers_replace" in refused.stderr
    assert json.loads(run("output", "jobs", "--format", "json").stdout)["jobs"] == first
    run("deploy", "jobs", "--allow-replacement")
    second = json.loads(run("output", "jobs", "--format", "json").stdout)["jobs"]
    assert second != first
    moved = ("{type: local}", f"{{type: local, workspace_dir: {tmp_path / 'states'}}}")
    write(tmp_path, ("m6g.xlarge", "m6g.2xlarge"), moved)
    assert "error[DI720]" in run("deploy", "jobs", code=1).stderr
    run("deploy", "jobs", "--migrate-state")
    assert (tmp_path / "states" / "prod").is_dir()
    assert json.loads(run("output", "jobs", "--format", "json").stdout)["jobs"] == second


def test_an_error_is_shown_where_the_job_says_it(run: Any, tmp_path: Path) -> None:
    """What the module refuses is at the field's line; what is missing is named before."""
    path = write(tmp_path, ("max_instances: 8", "max_instances: 800"))
    result = run("deploy", "jobs", code=1)
    line = next(n for n, text in enumerate(path.read_text().splitlines(), 1) if "800" in text)
    assert "at most 100 workers" in result.stderr
    assert f"jobs/orders.yaml:{line}:" in result.stderr
    variables = "  metadata: {variables: {registry_password: '${REGISTRY_PASSWORD}'}}\n  outputs"
    write(tmp_path, ("  outputs", variables))
    assert "error[DI701]" in run("deploy", "jobs", code=1).stderr


def test_a_secret_is_in_no_file_and_not_shown(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes from the environment, and goes to a file that only its owner reads, if asked for."""
    monkeypatch.setenv("REGISTRY_PASSWORD", "hunter2")
    write(
        tmp_path,
        ("modules/emr", "modules/kubernetes"),
        ("platform: emr", "platform: kubernetes\n    namespace: carts"),
        ("  outputs: {cluster_id: output.emr_cluster_id}\n", ""),
        (
            "  runtime:",
            "  metadata: {variables: {registry_password: '${REGISTRY_PASSWORD}'}}\n  runtime:",
        ),
    )
    run("deploy", "jobs")
    root = tmp_path / ".dativo-infra" / "terraform" / NAME
    assert not [each for each in root.glob("*") if each.is_file() and "hunter2" in each.read_text()]
    assert "hunter2" not in run("output", "jobs", "--format", "json").stdout
    assert "error[DI714]" in run("output", "jobs", "--format", "env", code=1).stderr
    shown = run("output", "jobs", "--format", "github", "--show-secrets").stdout
    assert "REGISTRY_PASSWORD=hunter2\n" in shown
    run("output", "jobs", "-o", "secret.env")
    assert (tmp_path / "secret.env").stat().st_mode & 0o777 == 0o600
    assert "hunter2" in (tmp_path / "secret.env").read_text()


def test_each_tenant_gets_its_own_values(run: Any, tmp_path: Path) -> None:
    """A folder has a file for each tenant and environment; one file for all is warned of."""
    write(tmp_path, name="sales", tenant="globex")
    run("deploy", "jobs")
    run("output", "jobs", "--all", "-o", "env")
    files = sorted(str(each.relative_to(tmp_path)) for each in (tmp_path / "env").rglob("*.env"))
    assert files == ["env/acme/prod.env", "env/globex/prod.env"]
    assert all((tmp_path / each).stat().st_mode & 0o777 == 0o600 for each in files)
    known = json.loads(run("output", "jobs", "--format", "json").stdout)["jobs"]
    planned = run("plan", "jobs", "--env-file", "env", "--format", "json")
    references = {
        job["identity"]: next(r["id"] for r in job["references"] if r["kind"] == "cluster")
        for job in json.loads(planned.stdout)["jobs"]
    }
    assert references == {job: values["emr_cluster_id"] for job, values in known.items()}
    assert "DI626" not in planned.stdout
    one = run("validate", "jobs", "--env-file", "env/acme/prod.env").stderr
    assert "warning[DI626]" in one


def test_a_root_of_ones_own_gives_outputs(run: Any, terraform: str, tmp_path: Path) -> None:
    """What a team applied itself is read in the job's workspace; a mistyped one is an error."""
    own = tmp_path / "own"
    own.mkdir()
    (own / "main.tf").write_text(
        'output "emr_cluster_id" { value = "j-OWN" }\n'
        'output "n" { value = 23456789012345678901234 }\n'
        'output "list" { value = [true, "ä"] }\n'
        'output "password" {\n  value = "hunter2"\n  sensitive = true\n}\n'
    )
    for arguments in (("init",), ("workspace", "new", "prod"), ("apply", "-auto-approve")):
        command([terraform, *arguments], own)
    result = run("output", "jobs", "--root", own, "--format", "json")
    (values,) = json.loads(result.stdout)["jobs"].values()
    assert values == {
        "emr_cluster_id": "j-OWN",
        "n": "23456789012345678901234",
        "list": '[true, "ä"]',
        "password": "(not shown)",
        "cluster_id": "j-OWN",
    }
    write(tmp_path, ("workspace: prod", "workspace: prd"))
    mistyped = run("output", "jobs", "--root", own, code=1).stderr
    assert "error[DI722]" in mistyped
    assert "Did you mean `prod`?" in mistyped
    assert not (own / "terraform.tfstate.d" / "prd").exists()
    # A job of a root of one's own names no module, and is built by nobody else.
    write(
        tmp_path,
        ("provider: terraform", "provider: manual"),
        ("    module_source: ../modules/emr\n", ""),
        ("emr_cluster_id", "emr_cluster"),
    )
    assert "error[DI723]" in run("output", "jobs", "--root", own, code=1).stderr


def test_modules_in_a_repository_are_fetched_and_read(run: Any, tmp_path: Path) -> None:
    """With --get a module of a git repository gets what it has; without, what is documented."""
    git = shutil.which("git")
    assert git
    repository = tmp_path / "repository"
    shutil.copytree(MODULES, repository)
    author = ("-c", "user.name=x", "-c", "user.email=x@example.com")
    for arguments in (("init", "-q"), ("add", "."), (*author, "commit", "-qm", "x"), ("tag", "v1")):
        command([git, *arguments], repository)
    source = f"git::file://{repository}//emr\n    module_version: v1"
    write(tmp_path, ("../modules/emr", source))
    for arguments, has in (((), False), (("--get",), True)):
        run("synth", "--to", "terraform", "jobs", "-o", "out", *arguments)
        main_file = json.loads((tmp_path / "out" / NAME / "main.tf.json").read_text())
        assert ("variables" in main_file["variable"]) is has
    run("deploy", "jobs")
    write(tmp_path, ("../modules/emr", source.replace("v1", "v2")))
    assert "error[DI616]" in run("deploy", "jobs", code=1).stderr
