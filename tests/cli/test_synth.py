"""`dativo-infra synth`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KUBERNETES = """
provider: {provider}
runtime: {{platform: kubernetes, namespace: data}}
metadata:
  variables: {{image: "registry.example/ingest:1"}}
"""
MANUAL = KUBERNETES.format(provider="manual")
PULUMI = KUBERNETES.format(provider="pulumi")
REPO = "https://git.acme.example/data/jobs.git"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder with the jobs, which is the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files(folder: Path) -> set[str]:
    """Return the names of all files below a folder."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_templates(run, here: Path, write_job: Callable[..., Path], emr: str) -> None:
    """A template is written for CloudFormation's job, named on standard output, and only once."""
    write_job(emr)
    write_job(PULUMI, "other")
    call = ("synth", "--to", "cloudformation", "-o", "out", ".")
    result = run(*call)
    assert (result.exit_code, result.stdout) == (0, "out/acme-prod-orders.json\n")
    assert "left to pulumi: acme/prod/other" in result.stderr
    assert json.loads((here / "out" / "acme-prod-orders.json").read_text())["Resources"]
    again = run(*call)
    assert again.stdout == ""
    assert "0 files written, 1 unchanged" in again.stderr


def test_manifests(run, here: Path, write_job: Callable[..., Path], emr: str) -> None:
    """Jobs in Kubernetes are written, whoever owns them, and the others are named with why."""
    write_job(MANUAL)
    write_job(emr, "elsewhere")
    result = run("synth", "--to", "manifests", "-o", "out", ".")
    assert result.exit_code == 0
    names = files(here / "out")
    assert "clusters/in-cluster/acme-prod-orders/cron-job.yaml" in names
    assert set(result.stdout.split()) == {f"out/{name}" for name in names}
    assert "not in Kubernetes but on emr, so not written: acme/prod/elsewhere" in result.stderr
    assert "DI607" not in result.stderr


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("provider", ["pulumi", "terraform"])
def test_two_owners(run, write_job: Callable[..., Path], provider: str) -> None:
    """A job that its own provider builds is written with a warning at that word."""
    write_job(KUBERNETES.format(provider=provider))
    result = run("synth", "--to", "manifests", "-o", "out", "orders.yaml")
    assert result.exit_code == 0
    assert "warning[DI607]" in result.stderr
    assert "orders.yaml:7:13" in result.stderr


@pytest.mark.usefixtures("here")
def test_a_provider_that_cannot_build_it_owns_nothing_beside(
    run, write_job: Callable[..., Path]
) -> None:
    """CloudFormation builds nothing in Kubernetes, so nobody else owns the job."""
    write_job(KUBERNETES.format(provider="cloudformation"))
    result = run("synth", "--to", "manifests", "-o", "out", "orders.yaml")
    assert result.exit_code == 0
    assert "DI607" not in result.stderr


def test_nothing_in_kubernetes(run, here: Path, write_job: Callable[..., Path], emr: str) -> None:
    """Where no job is left it is an error, and no folder is made."""
    write_job(emr)
    result = run("synth", "--to", "manifests", "-o", "out", ".")
    assert result.exit_code == 1
    assert "DI608" in result.stderr
    assert not (here / "out").exists()


def test_all_errors_at_once(run, here: Path, write_job: Callable[..., Path]) -> None:
    """What is wrong with jobs and what no manifest can say is told in one run."""
    write_job(MANUAL.replace('1"}', '1", run: never}'))
    write_job(MANUAL + '  tags: {Stage: "${STAGE}"}\n', "late")
    result = run("synth", "--to", "manifests", "-o", "out", ".")
    assert result.exit_code == 1
    assert "must be one of suspended, schedule" in result.stderr
    assert "late.yaml:11:19" in result.stderr
    assert not (here / "out").exists()
    value = run("synth", "--to", "manifests", "-o", "out", "late.yaml", STAGE="blue")
    assert value.exit_code == 0


def test_stale_and_pruned(run, here: Path, write_job: Callable[..., Path]) -> None:
    """A folder whose job is gone is named, and removed on request."""
    write_job(MANUAL)
    write_job(MANUAL, "gone").rename(here / "gone.yaml")
    call = ("synth", "--to", "manifests", "-o", "out")
    run(*call, "orders.yaml", "gone.yaml")
    before = files(here / "out")
    result = run(*call, "orders.yaml")
    assert "clusters/in-cluster/acme-prod-gone/" in result.stderr
    assert "--prune" in result.stderr
    assert files(here / "out") == before
    result = run(*call, "orders.yaml", "--prune")
    gone = {name for name in before if "/acme-prod-gone/" in name}
    assert gone
    assert files(here / "out") == before - gone
    assert f"{len(gone)} removed" in result.stderr


def test_what_is_not_chosen_stays(run, here: Path, write_job: Callable[..., Path]) -> None:
    """Jobs that `--environment` leaves out keep their folders, even when others are pruned."""
    write_job(MANUAL)
    other = write_job(MANUAL.replace("data", "other"), "other")
    other.write_text(other.read_text().replace("prod", "dev"))
    call = ("synth", "--to", "manifests", "-o", "out", "orders.yaml", "other.yaml")
    run(*call)
    before = files(here / "out")
    result = run(*call, "--environment", "prod", "--prune")
    assert result.exit_code == 0
    assert files(here / "out") == before


def test_gitops(run, here: Path, write_job: Callable[..., Path]) -> None:
    """Applications name the folder as it is given, or as `--path` says where it is elsewhere."""
    write_job(MANUAL)
    call = ("synth", "--to", "manifests", "--gitops", "argocd", "--repo", REPO, "orders.yaml")
    run(*call, "-o", "deploy/out", "--revision", "v2", "--gitops-namespace", "gitops")
    application = here / "deploy" / "out" / "argocd" / "acme-prod-orders.yaml"
    made = yaml.safe_load(application.read_text())
    assert made["metadata"]["namespace"] == "gitops"
    assert made["spec"]["source"] == {
        "repoURL": REPO,
        "targetRevision": "v2",
        "path": "deploy/out/clusters/in-cluster/acme-prod-orders",
    }
    result = run(*call, "-o", here / "elsewhere")
    assert (result.exit_code, "--path" in result.stderr) == (2, True)
    assert run(*call, "-o", here / "elsewhere", "--path", "x").exit_code == 0


def test_stacks(run, here: Path, write_job: Callable[..., Path], emr: str) -> None:
    """Stacks are written for Pulumi's jobs on any platform; no values of this machine go in."""
    write_job(PULUMI)
    late = emr.replace("cloudformation", "pulumi").replace("m5.xlarge", '"${MACHINE}"')
    write_job(
        late.replace("protect: false", 'protect: false, log_retention_days: "${DAYS}"'), "late"
    )
    write_job(MANUAL, "manual")
    call = ("synth", "--to", "manifests", "--gitops", "pulumi-operator", "--repo", REPO)
    result = run(*call, "--shards", "2", "-o", "out", ".", MACHINE="m5.large", DAYS="7")
    assert result.exit_code == 0, result.stderr
    assert files(here / "out") == {
        "pulumi-operator/dativo-infra-prod-all-0of2.yaml",
        "pulumi-operator/dativo-infra-prod-all-1of2.yaml",
        "pulumi-operator/kustomization.yaml",
    }
    text = (here / "out" / "pulumi-operator" / "dativo-infra-prod-all-0of2.yaml").read_text()
    assert "m5.large" not in text
    spec: dict[str, Any] = yaml.safe_load(text)["spec"]
    assert set(spec["envRefs"]) == {"PULUMI_ACCESS_TOKEN", "MACHINE", "DAYS"}
    assert "PULUMI_ACCESS_TOKEN" in result.stderr
    assert "acme/prod/manual" in result.stderr


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("--to", "cloudformation", "--prune"), "--prune is for --to manifests"),
        (("--to", "cloudformation", "--gitops", "flux"), "--gitops is for --to manifests"),
        (("--to", "manifests", "--format", "yaml"), "--format is for --to cloudformation"),
        (("--to", "manifests", "--provider", "pulumi"), "leave --provider out"),
        (("--to", "manifests", "--gitops", "flux"), "needs --repo"),
        (("--to", "manifests", "--repo", REPO), "--repo is for --gitops"),
        (("--to", "manifests", "--shards", "2"), "--shards is for --gitops pulumi-operator"),
        (("--to", "manifests", "--gitops", "argocd", "--repo", REPO, "--git-secret", "x"), "flux"),
        (("--to", "manifests", "--gitops", "argocd", "--repo", "x"), "no address"),
        (("--to", "manifests", "--gitops", "flux", "--repo", REPO, "--revision", "-x"), "revision"),
        (("--to", "manifests", "--gitops", "flux", "--repo", REPO, "--path", "../x"), "folder"),
        (
            ("--to", "manifests", "--gitops", "pulumi-operator", "--repo", REPO, "--backend", "x"),
            "bac",
        ),
        (("--to", "helm"), "helm"),
    ],
)
def test_wrong_calls(
    run, here: Path, write_job: Callable[..., Path], wrong: tuple[str, ...], said: str
) -> None:
    """An option of another form, or with a value that it cannot have, is a wrong call."""
    write_job(PULUMI)
    result = run("synth", *wrong, "-o", "out", "orders.yaml")
    assert result.exit_code == 2
    assert said in result.stderr
    assert not (here / "out").exists()
