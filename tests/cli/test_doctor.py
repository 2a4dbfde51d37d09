"""Tests of `dativo-infra doctor`: the tools on PATH are small scripts."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from hashlib import sha1
from typing import TYPE_CHECKING, Any

import pytest

from dativo_infra.cli import doctor, tools

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
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
KUBECONFIG = """\
apiVersion: v1
kind: Config
contexts:
- {{name: {context}, context: {{cluster: one, user: ingest}}}}
users:
- {{name: ingest, user: {{exec: {{command: {program}}}, token: {secret}}}}}
"""
GOOD = {"pulumi": "echo v3.259.0", "pulumi-language-python": "exit 0"}


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine of its own: no tools, no credentials, no configuration; gives its PATH."""
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ACCESS_KEY_ID", "PULUMI_STACK"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "home"
    (home / "bin").mkdir(parents=True)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(home / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(home / "credentials"))
    monkeypatch.setenv("KUBECONFIG", str(home / "kubeconfig"))
    monkeypatch.setenv("PULUMI_HOME", str(home / "pulumi"))
    monkeypatch.setenv("PATH", str(home / "bin"))
    monkeypatch.setattr(tools, "ENGINES", home / "engines")
    monkeypatch.chdir(tmp_path)
    return home / "bin"


@pytest.fixture
def make_tool(machine: Path) -> Make:
    """Put a program on PATH, or into another folder, that is a line of shell."""

    def make(name: str, line: str, folder: Path = machine) -> Path:
        folder.mkdir(exist_ok=True)
        path = folder / name
        path.write_text(f"#!/bin/sh\n{line}\n")
        path.chmod(0o755)
        return path

    return make


@pytest.fixture
def give_pulumi(make_tool: Make) -> None:
    """Put on PATH what Pulumi's jobs need."""
    for name, line in GOOD.items():
        make_tool(name, line)


@pytest.fixture
def give_target(tmp_path: Path) -> Callable[[str], None]:
    """Write a project file whose target is in an account, and has a Kubernetes context."""

    def give(account: str = "123456789012") -> None:
        (tmp_path / "dativo-infra.yaml").write_text(PROJECT.format(account=account))

    return give


@pytest.fixture
def give_context(machine: Path) -> Callable[..., None]:
    """Write a kubeconfig with one context, whose credentials a program gets."""

    def give(context: str, program: str = "pulumi") -> None:
        text = KUBECONFIG.format(context=context, program=program, secret=SECRET)
        (machine.parent / "kubeconfig").write_text(text)

    return give


def data_of(result: Result) -> Any:
    """Return what was written for machines."""
    return json.loads(result.stdout)


def tool(result: Result, name: str) -> Any:
    """Return what was found of a tool."""
    return next(each for each in data_of(result)["tools"] if each["name"] == name)


# --- tools ----------------------------------------------------------------------------------------


def test_tools_alone(run, make_tool: Make) -> None:
    """Without jobs the tools are shown with version and path, and what is missing fails nothing."""
    path = make_tool("kubectl", "echo 'Client Version: v1.32.4-x'")
    result = run("doctor")
    assert result.exit_code == 0
    assert f"kubectl                 1.32.4 {path}\n" in result.stdout
    assert "etcd                    (missing)\n" in result.stdout
    assert "install the system's package etcd-server" in result.stdout


def test_shape_for_machines(run, make_tool: Make, write_job, emr: str) -> None:
    """The data have a name, a version and the same keys, whatever is found."""
    path = make_tool("go", "echo go version go1.26 linux/amd64")
    result = run("doctor", "--format", "json")
    content = data_of(result)
    assert (content["kind"], content["version"]) == ("doctor", 1)
    assert (content["targets"], content["missing"], content["diagnostics"]) == ([], [], [])
    assert tool(result, "go")["version"] == "1.26"
    assert tool(result, "go")["path"] == str(path)
    assert {each["name"]: each["extra"] for each in content["packages"]}["moto"] == "local"
    content = data_of(run("doctor", "--offline", write_job(emr), "--format", "json"))
    assert set(content) == {
        *("kind", "version", "tools", "packages", "targets", "pulumi", "missing", "diagnostics")
    }
    [target] = content["targets"]
    assert (target["tool"], target["jobs"]) == ("cloudformation", ["acme/prod/orders"])


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("echo v3.259.0; exit 7", "broken: exit code 7"),
        ("echo hello", "broken: it does not tell its version"),
        ("exec sleep 60", "hangs: no answer within 0.5 s"),
    ],
)
def test_unusable(
    *, run, monkeypatch, make_tool: Make, write_job, line: str, problem: str, machine: Path
) -> None:
    """A tool that fails, hangs or says something else is not there for the jobs that need it."""
    monkeypatch.setattr(tools, "ANSWERS_WITHIN", 0.5)
    monkeypatch.setenv("PATH", f"{machine}:/bin:/usr/bin")
    make_tool("pulumi-language-python", "exit 0")
    make_tool("pulumi", line)
    began = time.monotonic()
    result = run("doctor", write_job(KUBERNETES), "--offline")
    assert result.exit_code == 1
    assert f"  the tool pulumi ({problem})\n    needed by acme/prod/orders\n" in result.stdout
    assert time.monotonic() - began < 20


def test_not_executable(run, machine: Path) -> None:
    """A program that cannot be started is broken, not a crash."""
    path = machine / "etcd"
    path.write_bytes(b"\x7fELF nothing")
    path.chmod(0o755)
    result = run("doctor", "--format", "json")
    assert result.exit_code == 0
    assert tool(result, "etcd")["problem"].startswith("broken: ")


def test_asked_without_network(run, make_tool: Make) -> None:
    """No tool looks for news of itself, or fetches another version, when it is asked."""
    seen = '"$PULUMI_SKIP_UPDATE_CHECK $CHECKPOINT_DISABLE $GOTOOLCHAIN"'
    make_tool("pulumi", f'[ {seen} = "true 1 local" ] && echo v3.259.0')
    assert tool(run("doctor", "--format", "json"), "pulumi")["version"] == "3.259.0"


def test_version_is_not_one_of_a_warning(run, make_tool: Make) -> None:
    """What a tool says beside its answer is no version."""
    make_tool("terraform", "echo 'see rule 9.9.9' >&2; echo Terraform v1.11.4")
    assert tool(run("doctor", "--format", "json"), "terraform")["version"] == "1.11.4"


def test_tofu_is_as_good_as_terraform(run, make_tool: Make) -> None:
    """Of two tools that do the same, one is enough."""
    path = make_tool("tofu", "echo OpenTofu v1.10.0")
    assert tool(run("doctor", "--format", "json"), "terraform")["path"] == str(path)


def test_language_host_beside_pulumi(run, make_tool: Make, machine: Path, tmp_path: Path) -> None:
    """The language host is found where Pulumi finds it: beside the program that a link leads to."""
    real = make_tool("pulumi", "echo v3.259.0", tmp_path / "opt")
    host = make_tool("pulumi-language-python", "exit 0", tmp_path / "opt")
    (machine / "pulumi").symlink_to(real)
    found = tool(run("doctor", "--format", "json"), "pulumi-language-python")
    assert (found["path"], found["problem"]) == (str(host), None)


def test_engine_that_is_not_on_path(run, make_tool: Make, machine: Path, write_job) -> None:
    """What `make engines` built is shown, and is no use to jobs until it is on PATH."""
    folder = machine.parent / "engines"
    for name, line in GOOD.items():
        make_tool(name, line, folder)
    result = run("doctor", "--offline", write_job(KUBERNETES))
    assert result.exit_code == 1
    assert f"3.259.0 {folder / 'pulumi'} (not on PATH: put {folder} first on it)" in result.stdout
    assert "  the tool pulumi (not on PATH" in result.stdout


# --- what jobs need -------------------------------------------------------------------------------


def test_pulumi_is_not_needed_by_other_jobs(run, write_job, emr: str) -> None:
    """A tool or package that is missing fails only for jobs that need it."""
    assert run("doctor", "--offline", "--region", "us-east-1", write_job(emr)).exit_code == 0
    result = run("doctor", "--offline", write_job(KUBERNETES, "other"))
    assert result.exit_code == 1
    assert "  the tool pulumi (missing)\n    needed by acme/prod/other\n" in result.stdout


def test_missing_package(run, monkeypatch, write_job, emr: str) -> None:
    """A package that is not installed is named with its extra, what it costs, and the jobs."""
    version = tools.Package.version
    monkeypatch.setattr(
        tools.Package, "version", lambda each: None if each.name == "boto3" else version(each)
    )
    result = run("doctor", "--offline", "--region", "us-east-1", write_job(emr))
    assert result.exit_code == 1
    assert "  the Python package boto3: nothing is previewed or deployed" in result.stdout
    assert "    needed by acme/prod/orders\n    pip install 'dativo-infra[cloudformation]'" in (
        result.stdout
    )


def test_version_of_a_package_that_is_not_there() -> None:
    """A package without its module, or without its metadata, is not installed."""
    assert tools.Package(name="no-such-thing", extra="x", cost="").version() is None
    assert tools.Package(name="json", extra="x", cost="").version() is None
    assert tools.Package(name="PyYAML", extra="x", cost="").version() is None


@pytest.mark.usefixtures("give_pulumi")
def test_context(run, write_job, give_target, give_context) -> None:
    """The target's Kubernetes context must be in the kubeconfig."""
    give_target()
    path = write_job(KUBERNETES)
    give_context("other")
    result = run("doctor", "--offline", path)
    assert result.exit_code == 1
    assert "  the context acme-prod in the kubeconfig" in result.stdout
    give_context("acme-prod")
    result = run("doctor", "--offline", path)
    assert result.exit_code == 0
    assert "kubernetes  context acme-prod, in " in result.stdout
    assert "They lack nothing." in result.stderr


@pytest.mark.usefixtures("give_pulumi")
def test_program_of_a_context(run, write_job, give_target, give_context) -> None:
    """The program that gets a context's credentials is needed, too."""
    give_target()
    give_context("acme-prod", "aws-of-nobody")
    result = run("doctor", "--offline", write_job(KUBERNETES))
    assert result.exit_code == 1
    assert "  aws-of-nobody, by which the context acme-prod gets its credentials" in result.stdout


@pytest.mark.usefixtures("give_pulumi")
@pytest.mark.parametrize("text", ["", "a: [", "- 1", "contexts: 3", "contexts: [{name: 3}, 4]"])
def test_kubeconfig_that_is_none(run, write_job, give_target, machine: Path, text: str) -> None:
    """A kubeconfig that says nothing of use has no context."""
    give_target()
    (machine.parent / "kubeconfig").write_text(text)
    assert run("doctor", "--offline", write_job(KUBERNETES)).exit_code == 1


def test_errors_in_jobs(run, write_job) -> None:
    """Jobs with errors are no success, and the tools are shown all the same."""
    result = run("doctor", "--offline", write_job("runtime: {platform: emrr}"))
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
    assert (result.exit_code, "(of account 123456789012)" in result.stdout) == (0, True)
    give_target("999999999999")
    result = run("doctor", path)
    assert result.exit_code == 1
    assert "  credentials of account 999999999999 for acme-prod: those in use" in result.stdout
    assert "    needed by acme/prod/orders\n" in result.stdout
    assert run("doctor", path, "--offline").exit_code == 0


def test_no_credentials(run, write_job, emr: str, give_target) -> None:
    """Without credentials it is said what to set, and which jobs need them."""
    give_target()
    result = run("doctor", write_job(emr))
    assert result.exit_code == 1
    assert "  credentials for AWS: NoCredentialsError\n    needed by acme/prod/orders\n" in (
        result.stdout
    )
    assert "Set AWS_PROFILE" in result.stdout


def test_region(run, write_job, emr: str) -> None:
    """A stack needs a region: of the target, the option, or AWS's own configuration."""
    path = write_job(emr)
    result = run("doctor", "--offline", path)
    assert (result.exit_code, "  a region of " in result.stdout) == (1, True)
    assert run("doctor", "--offline", path, "--region", "eu-west-1").exit_code == 0
    assert run("doctor", "--offline", path, AWS_DEFAULT_REGION="eu-west-1").exit_code == 0


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_silent_endpoint(
    *, run, monkeypatch, write_job, emr: str, give_target, silent: str
) -> None:
    """An endpoint that never answers is waited for shortly; --offline does not ask it."""
    monkeypatch.setattr(doctor, "AWS_ANSWERS_WITHIN", 0.5)
    give_target()
    path = write_job(emr)
    keys = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": SECRET}
    began = time.monotonic()
    result = run("doctor", path, "--endpoint-url", silent, **keys)
    assert (result.exit_code, "AWS did not answer within 0.5 s" in result.stdout) == (1, True)
    assert time.monotonic() - began < 20
    assert run("doctor", path, "--endpoint-url", silent, "--offline").exit_code == 0


@pytest.mark.parametrize(
    ("config", "credentials", "source"),
    [
        (
            "",
            f"[default]\naws_access_key_id=AKIA\naws_secret_access_key={SECRET}",
            "default, a key",
        ),
        ("[profile it]\nsso_session=x\nregion=eu-west-1", "", "it, single sign-on"),
        ("[profile it]\nrole_arn=arn:x\nsource_profile=y", "", "it, a role"),
        (f"[profile it]\ncredential_process=/bin/x {SECRET}", "", "it, a program"),
        ("[it]\nsso_session=x", "", None),
        ("not a file of sections", "", None),
    ],
)
def test_source(machine: Path, config: str, credentials: str, source: str | None) -> None:
    """What credentials come from is told by AWS's own files, and nothing of their values."""
    home = machine.parent
    (home / "config").write_text(config)
    (home / "credentials").write_text(credentials)
    environment = {
        "AWS_CONFIG_FILE": str(home / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(home / "credentials"),
        **({} if credentials else {"AWS_PROFILE": "it"}),
    }
    assert tools.aws_credentials(environment) == (source and f"profile {source}")
    region = "eu-west-1" if "region" in config else None
    assert tools.aws_region(environment) == region
    environment["AWS_ACCESS_KEY_ID"] = "AKIA"
    assert tools.aws_credentials(environment) == "AWS_ACCESS_KEY_ID of the environment"


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_secret_is_shown(
    *, run, monkeypatch, write_job, emr: str, give_target, give_context, form: str
) -> None:
    """Neither keys nor tokens are shown, not even where AWS quotes one in its answer."""
    from botocore.exceptions import ClientError

    from dativo_infra.adapters.cloudformation.deploy import connection

    def refused(*_arguments: object, **_options: object) -> None:
        details = {"Error": {"Code": "SignatureDoesNotMatch", "Message": f"token:{SECRET}"}}
        error = ClientError(details, "GetCallerIdentity")
        raise connection.DiagnosticError([connection._unreachable(error)]) from error

    monkeypatch.setattr("dativo_infra.adapters.cloudformation.deploy.account_of", refused)
    give_target()
    give_context("acme-prod")
    write_job(KUBERNETES, "other")
    keys = dict.fromkeys(("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "DB_PASSWORD"), SECRET)
    path = write_job(emr).parent
    result = run("doctor", path, "--format", form, AWS_ACCESS_KEY_ID="AKIAEXAMPLE", **keys)
    assert result.exit_code == 1
    assert "credentials for AWS: SignatureDoesNotMatch" in result.stdout
    assert SECRET not in result.output
    assert "AKIAEXAMPLE" not in result.output


# --- Pulumi's stack -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kept", "stack"),
    [
        ('{"stack": "prod"}', "prod"),
        ('{"stacks": {"file:///x": "org/p/dev"}, "stack": "old"}', "org/p/dev"),
        ('{"stacks": {"file:///x": "dev", "file:///y": "prod"}}', None),
        ("{}", None),
        ("[]", None),
        ("{", None),
    ],
)
def test_selected_stack(
    *, run, machine: Path, tmp_path: Path, monkeypatch, kept: str, stack: str | None
) -> None:
    """The stack is what Pulumi keeps for this project's path, where that leaves no doubt."""
    monkeypatch.setenv("PWD", str(tmp_path))
    project = tmp_path / "Pulumi.yaml"
    project.write_text("name: p")
    folder = machine.parent / "pulumi" / "workspaces"
    folder.mkdir(parents=True)
    digest = sha1(str(project).encode(), usedforsecurity=False).hexdigest()
    (folder / f"p-{digest}-workspace.json").write_text(kept)
    found = data_of(run("doctor", "--format", "json"))["pulumi"]
    assert found == {"project": str(project), "stack": stack}
    found = data_of(run("doctor", "--format", "json", PULUMI_STACK="mine"))["pulumi"]
    assert found["stack"] == "mine"


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
