"""Tests of `dativo-infra doctor`: the tools on PATH are small scripts."""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from dativo_infra.cli import tools

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    Make = Callable[..., Path]

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
PROJECT = """\
targets:
  acme-prod:
    account: "{account}"
    region: us-east-1
    kubernetes_context: acme-prod
"""
KUBERNETES = """
provider: pulumi
runtime: {platform: kubernetes, namespace: ingestion, service_account: ingest}
"""
KUBECONFIG = f"""\
contexts:
- {{name: %s, context: {{cluster: one, user: ingest}}}}
users:
- {{name: ingest, user: {{token: {SECRET}}}}}
"""

PULUMI = "[ $1 = version ] && echo v3.259.0 || echo '%s'"
LOGGED_IN = PULUMI % '{"user": "me", "url": "file:///state"}'


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine of its own: no tools, no credentials, no configuration; gives its home."""
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "home"
    (home / "bin").mkdir(parents=True)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(home / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(home / "credentials"))
    monkeypatch.setenv("KUBECONFIG", str(home / "kubeconfig"))
    monkeypatch.setenv("PATH", str(home / "bin"))
    monkeypatch.setattr(tools, "ENGINES", home / "engines")
    return home


@pytest.fixture
def make_tool(machine: Path) -> Make:
    """Put a program on PATH, or into another folder, that is a line of shell."""

    def make(name: str, line: str, folder: str = "bin") -> Path:
        path = machine / folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{line}\n")
        path.chmod(0o755)
        return path

    return make


@pytest.fixture
def give_target(tmp_path: Path) -> Callable[..., None]:
    """Write a project file whose target is in an account, and has a Kubernetes context."""

    def give(account: str = "123456789012") -> None:
        (tmp_path / "dativo-infra.yaml").write_text(PROJECT.format(account=account))

    return give


def found(result: Result, section: str, name: str) -> Any:
    """Return what was found of a name, as data."""
    return next(each for each in json.loads(result.stdout)[section] if each["name"] == name)


def test_databricks(run, write_job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its workspace and its package are shown, AWS is not asked, and a missing package fails."""
    (tmp_path / "dativo-infra.yaml").write_text(
        "targets: {main: {databricks_host: https://acme.cloud.databricks.com}}"
    )
    compute = "{platform: databricks, compute: {instance_type: i3.xlarge}}"
    job = write_job(f"provider: pulumi\nruntime: {compute}\n")
    result = run("doctor", job, "--format", "json")
    assert found(result, "credentials", "Databricks workspace")["value"].startswith("https://acme")
    names = {each["name"] for each in json.loads(result.stdout)["credentials"]}
    assert "AWS account" not in names
    assert found(result, "packages", "pulumi-databricks")["needed"]
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if "data" in name else name)
    preview = run("preview", "--offline", job)
    assert preview.exit_code == 1
    assert "pip install 'dativo-infra[databricks]'" in preview.stderr


# --- tools ----------------------------------------------------------------------------------------


def test_tools_alone(run, make_tool: Make) -> None:
    """Without jobs the tools are shown with version and path, and what is missing fails nothing."""
    path = make_tool("kube-apiserver", "echo Kubernetes v1.36.3")
    result = run("doctor")
    assert result.exit_code == 0
    assert f"  kube-apiserver          1.36.3  {path}\n" in result.stdout
    assert "  etcd                    (missing)\n" in result.stdout
    assert "`make engines` in a checkout of dativo-infra builds it" in result.stdout


def test_shape_for_machines(run, make_tool: Make, write_job, emr: str) -> None:
    """The data have a name, a version and the same keys, whatever is found."""
    path = make_tool("go", "echo go version go1.26 linux/amd64")
    result = run("doctor", "--format", "json")
    content = json.loads(result.stdout)
    assert (content["kind"], content["version"]) == ("doctor", 1)
    assert set(content) == {"kind", "version", "tools", "packages"}
    go = found(result, "tools", "go")
    assert (go["value"], go["source"], go["problem"]) == ("1.26", str(path), "")
    content = json.loads(run("doctor", write_job(emr), "--format", "json").stdout)
    assert set(content) == {"kind", "version", "tools", "packages", "targets", "credentials"}
    every = (each for name in content if name not in {"kind", "version"} for each in content[name])
    assert {frozenset(each) for each in every} == {frozenset(go)}


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("echo v3.259.0; exit 7", "broken: exit code 7"),
        ("echo hello", "broken: it does not tell its version"),
        ("exec /bin/sleep 10", "hanging: no answer within 1 s"),
    ],
)
def test_unusable(
    *, run, monkeypatch: pytest.MonkeyPatch, make_tool: Make, write_job, line: str, problem: str
) -> None:
    """A tool that fails, hangs or says something else is not there for the jobs that need it."""
    monkeypatch.setattr(tools, "ANSWERS_WITHIN", 1.0)
    make_tool("pulumi", line)
    result = run("doctor", write_job(KUBERNETES))
    assert result.exit_code == 1
    assert f"({problem})\n" in result.stdout
    assert "They lack pulumi.\n" in result.stderr


def test_not_executable(run, machine: Path) -> None:
    """A program that cannot be started is broken, not a crash."""
    path = machine / "bin" / "etcd"
    path.write_bytes(b"\x7fELF nothing")
    path.chmod(0o755)
    result = run("doctor", "--format", "json")
    assert result.exit_code == 0
    assert found(result, "tools", "etcd")["problem"] == "broken: Exec format error"


def test_asked_without_network(run, make_tool: Make) -> None:
    """No tool looks for news of itself, or fetches another version, when it is asked."""
    make_tool("pulumi", '[ "$PULUMI_SKIP_UPDATE_CHECK $GOTOOLCHAIN" = "true local" ] && echo 3.259')
    assert found(run("doctor", "--format", "json"), "tools", "pulumi")["value"] == "3.259"


def test_version_is_not_one_of_a_warning(run, make_tool: Make) -> None:
    """What a tool says beside its answer is no version."""
    make_tool("tofu", "echo 'see rule 9.9.9' >&2; echo OpenTofu v1.10.0")
    assert found(run("doctor", "--format", "json"), "tools", "tofu")["value"] == "1.10.0"


def test_engine_that_is_not_on_path(run, make_tool: Make, write_job) -> None:
    """What `make engines` built is shown, and is no use to jobs until it is on PATH."""
    path = make_tool("pulumi", "echo v3.259.0", "engines")
    result = run("doctor", write_job(KUBERNETES))
    assert result.exit_code == 1
    assert f"  pulumi                  3.259.0  {path}  (not on PATH)\n" in result.stdout
    assert "Pulumi backend" not in result.stdout


# --- what jobs need -------------------------------------------------------------------------------


@pytest.mark.usefixtures("aws")
def test_pulumi_is_not_needed_by_other_jobs(run, write_job, emr: str) -> None:
    """A tool that is missing fails only for jobs that need it."""
    assert run("doctor", "--region", "us-east-1", write_job(emr)).exit_code == 0
    assert run("doctor", write_job(KUBERNETES, "other")).exit_code == 1


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize(("package", "code"), [("boto3", 1), ("pulumi-aws", 0)])
def test_missing_package(
    *,
    run,
    monkeypatch: pytest.MonkeyPatch,
    write_job,
    emr: str,
    package: str,
    code: int,
) -> None:
    """A package that is not installed is named with its extra, and fails jobs that need it."""
    version = importlib.metadata.version

    def version_without(name: str) -> str:
        if name == package:
            raise importlib.metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(importlib.metadata, "version", version_without)
    result = run("doctor", "--region", "us-east-1", write_job(emr))
    extra = "cloudformation" if code else "pulumi"
    assert f"  {package:24}(missing)\n{'':26}pip install 'dativo-infra[{extra}]'\n" in result.stdout
    assert result.stdout.count(" pip install ") == 1
    assert result.exit_code == code


def test_targets(run, write_job, emr: str, give_target) -> None:
    """Each target is shown with the tool that builds there, and the number of its jobs."""
    give_target()
    write_job(emr)
    path = write_job(emr, "clicks").parent
    place = "acme-prod (aws, 123456789012, us-east-1, acme-prod)"
    assert f"  cloudformation          {place}  2 jobs\n" in run("doctor", path).stdout


def test_context(run, machine: Path, make_tool: Make, write_job, give_target) -> None:
    """The target's Kubernetes context must be in the kubeconfig."""
    make_tool("pulumi", LOGGED_IN)
    give_target()
    path = write_job(KUBERNETES)
    (machine / "kubeconfig").write_text(KUBECONFIG % "other")
    result = run("doctor", path)
    assert result.exit_code == 1
    assert f"acme-prod  {machine / 'kubeconfig'}  (no such context)\n" in result.stdout
    (machine / "kubeconfig").write_text(KUBECONFIG % "acme-prod")
    result = run("doctor", path)
    assert result.exit_code == 0
    assert f"  Kubernetes context      acme-prod  {machine / 'kubeconfig'}\n" in result.stdout
    assert "They lack nothing." in result.stderr
    assert SECRET not in result.output


@pytest.mark.parametrize("text", ["", "a: [", "- 1", "contexts: 3", "contexts: [{name: []}, 4]"])
def test_kubeconfig_that_is_none(
    *, run, machine: Path, make_tool: Make, write_job, give_target, text: str
) -> None:
    """A kubeconfig that says nothing of use has no context."""
    make_tool("pulumi", LOGGED_IN)
    give_target()
    (machine / "kubeconfig").write_text(text)
    assert "They lack Kubernetes context." in run("doctor", write_job(KUBERNETES)).stderr


def test_errors_in_jobs(run, write_job) -> None:
    """Jobs with errors are no success, and the tools are shown all the same."""
    result = run("doctor", write_job("runtime: {platform: emrr}"))
    assert result.exit_code == 1
    assert "error[DI203]" in result.stderr
    assert result.stdout.startswith("tools\n")


# --- credentials ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("aws")
def test_account(run, write_job, emr: str, give_target) -> None:
    """Credentials of the target's account are all that is needed; of another one they are not."""
    path = write_job(emr)
    give_target("123456789012")
    result = run("doctor", path)
    assert result.exit_code == 0
    assert (
        "  AWS account             123456789012  env, profile default, region us-east-1\n"
        in result.stdout
    )
    give_target("999999999999")
    result = run("doctor", path)
    assert result.exit_code == 1
    assert "the credentials are of account 123456789012." in result.stdout


def test_no_credentials(run, write_job, emr: str, give_target) -> None:
    """Without credentials it is said what to set."""
    give_target()
    result = run("doctor", write_job(emr))
    assert result.exit_code == 1
    assert "  AWS account             (There are no credentials for AWS: " in result.stdout
    assert "Set AWS_PROFILE" in result.stdout


@pytest.mark.usefixtures("aws")
def test_region(run, monkeypatch: pytest.MonkeyPatch, write_job, emr: str) -> None:
    """A stack of CloudFormation needs a region; what Pulumi builds may have it of its stack."""
    path = write_job(emr)
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    assert "(There is no region for " in run("doctor", path).stdout
    assert run("doctor", path, "--region", "eu-west-1").exit_code == 0
    result = run("doctor", path, "--provider", "pulumi")
    assert "They lack pulumi.\n" in result.stderr


def test_endpoint(run, write_job, emr: str, give_target) -> None:
    """It is the given endpoint that is asked."""
    give_target()
    keys = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), SECRET)
    result = run("doctor", write_job(emr), "--endpoint-url", "http://127.0.0.1:1", **keys)
    assert 'Could not connect to the endpoint URL: "http://127.0.0.1:1/"' in result.stdout


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_secret_is_shown(
    *, run, monkeypatch: pytest.MonkeyPatch, write_job, emr: str, give_target, form: str
) -> None:
    """No key or token is shown, not even where AWS quotes one in its answer."""
    from botocore.client import BaseClient
    from botocore.exceptions import ClientError

    def refuse(*_arguments: object) -> None:
        details = {"Error": {"Code": "SignatureDoesNotMatch", "Message": f"token:{SECRET}"}}
        raise ClientError(details, "GetCallerIdentity")

    monkeypatch.setattr(BaseClient, "_make_api_call", refuse)
    give_target()
    keys = dict.fromkeys(("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "DB_PASSWORD"), SECRET)
    result = run("doctor", write_job(emr), "--format", form, AWS_ACCESS_KEY_ID="AKIA1", **keys)
    assert result.exit_code == 1
    assert "SignatureDoesNotMatch" in result.stdout
    assert SECRET not in result.output
    assert "AKIA1" not in result.output


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://api.pulumi.com/me", "https://api.pulumi.com/me"),
        (f"s3://bucket?key={SECRET}", "s3://bucket"),
        (f"postgres://me:{SECRET}@db:5432/p", "postgres"),
    ],
)
def test_backend(*, run, make_tool: Make, write_job, emr: str, url: str, shown: str) -> None:
    """Whose the state is and where is what Pulumi tells, without a password; others need none."""
    make_tool("pulumi", PULUMI % json.dumps({"user": "me", "url": url}))
    result = run("doctor", write_job(KUBERNETES))
    assert f"  Pulumi backend          me  {shown}\n" in result.stdout
    assert result.exit_code == 0
    assert "Pulumi backend" not in run("doctor", write_job(emr)).stdout


@pytest.mark.parametrize("answer", ["exit 3", "echo hello"])
def test_no_backend(run, make_tool: Make, write_job, answer: str) -> None:
    """Nothing is deployed by somebody who is not logged in to a backend."""
    make_tool("pulumi", f'[ "$1" = version ] && echo v3.259.0 && exit\n{answer}')
    result = run("doctor", write_job(KUBERNETES))
    assert result.exit_code == 1
    assert "  Pulumi backend          (not logged in to one)\n" in result.stdout


def test_imports_no_heavy_package() -> None:
    """The tools alone are told at once: nothing that does the work is imported."""
    program = (
        "import sys\nfrom dativo_infra.cli import main\n"
        "try:\n    main(['doctor'])\nexcept SystemExit:\n    pass\n"
        "print('|'.join(sys.modules))\n"
    )
    done = subprocess.run(  # noqa: S603 - our own interpreter and program
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    modules = set(done.stdout.splitlines()[-1].split("|"))
    heavy = {"pydantic", "yaml", "boto3", "botocore", "pulumi", "troposphere", "rich", "moto"}
    assert "dativo_infra.cli.doctor" in modules
    assert not modules & heavy


def test_tofu_stands_in_for_terraform(run, write_job, make_tool) -> None:
    """A job with a module needs one of the two programs, whichever it is."""
    job = write_job(
        "provider: terraform\nterraform: {module_source: acme/emr/aws, module_version: 1.0.0}\n"
    )
    asked = ("doctor", job, "--format", "json")
    assert found(run(*asked), "tools", "terraform")["needed"]
    make_tool("tofu", "echo OpenTofu v1.10.0")
    assert not found(run(*asked), "tools", "terraform")["needed"]
