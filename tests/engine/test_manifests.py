"""Manifests judged and stored by a real API server, beside what Pulumi makes of the same jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml
from test_kubernetes import EXAMPLES, JOBS, STACK, Fleet, made_by_kubernetes
from workspace import Workspace

from dativo_infra import load, load_project, plan
from dativo_infra.adapters.manifests import synth, synth_stacks
from dativo_infra.adapters.manifests.gitops.argocd import ArgoCd
from dativo_infra.adapters.manifests.gitops.flux import Flux
from dativo_infra.adapters.manifests.gitops.pulumi_operator import Operator
from dativo_infra.adapters.manifests.gitops.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from api_server import ApiServer
    from providers.kubernetes.kube_api import Api, Named

    from dativo_infra.planning import Plan

OPEN = {name: text.replace(":${REDIS_PASSWORD}@", "") for name, text in JOBS.items()}
"""The examples without the password that no manifest may have."""
GIT = Repository(url="https://git.acme.example/data/jobs.git", path="deploy")
NAMESPACES = ("argocd", "flux-system", "pulumi-kubernetes-operator")
DEFINED = (
    ("argoproj.io/v1alpha1", "Application"),
    ("argoproj.io/v1alpha1", "AppProject"),
    ("source.toolkit.fluxcd.io/v1", "GitRepository"),
    ("kustomize.toolkit.fluxcd.io/v1", "Kustomization"),
    ("pulumi.com/v1", "Stack"),
)
SERVERS_OWN = (
    "creationTimestamp",
    "finalizers",
    "generation",
    "managedFields",
    "resourceVersion",
    "uid",
)
"""What the server itself says of an object's life, beside what was applied."""


def documents(folder: Path) -> list[dict[str, Any]]:
    """Return the objects in all files below a folder, namespaces first."""
    found = [yaml.safe_load(path.read_text()) for path in sorted(folder.rglob("*.yaml"))]
    objects = (each for each in found if not each["apiVersion"].startswith("kustomize.config."))
    return sorted(objects, key=lambda each: each["kind"] != "Namespace")


def planned(folder: Path, provider: str | None) -> Plan:
    """Return the plan of the jobs in a folder."""
    project, _ = load_project(folder / "dativo-infra.yaml")
    made = plan(load([folder], {}).jobs, project, provider=provider)
    assert not made.failed
    return made


def stored(api: Api, before: set[Named]) -> dict[Named, Any]:
    """Return what the server has now and had not before, without what is the server's own."""
    found: dict[Named, Any] = {}
    for each in set(api.everything()) - before:
        if not made_by_kubernetes(each):
            thing: dict[str, Any] = api.get(each) or {}
            thing.pop("status", None)
            for name in SERVERS_OWN:
                thing["metadata"].pop(name, None)
            # How Pulumi's provider is to apply it, which no other tool reads.
            thing["metadata"].get("annotations", {}).pop("pulumi.com/patchForce", None)
            found[each] = without_binding(thing)
    return found


def without_binding(thing: dict[str, Any]) -> dict[str, Any]:
    """Return an object without what the controller of volumes notes when it binds a claim."""
    annotations = thing["metadata"].get("annotations", {})
    for key in [key for key in annotations if key.startswith("pv.kubernetes.io/")]:
        del annotations[key]
    for key in ("uid", "resourceVersion", "apiVersion", "kind"):
        thing.get("spec", {}).get("claimRef", {}).pop(key, None)
    return thing


@pytest.fixture(scope="module")
def by_pulumi(
    operated: ApiServer, pulumi_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[Named, Any]:
    """What the server stores of the examples when Pulumi builds them."""
    folder = tmp_path_factory.mktemp("examples")
    with operated.cleared():
        before = set(operated.api.everything())
        fleet = Fleet(Workspace.of_repository(folder, pulumi_home), operated, OPEN)
        done = fleet.workspace.up(STACK)
        assert done.code == 0, done.log
        return stored(operated.api, before)


@pytest.fixture
def jobs(tmp_path: Path) -> Path:
    """A folder with the examples that run in Kubernetes."""
    for name, text in OPEN.items():
        (tmp_path / "jobs" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "jobs" / name).write_text(text)
    (tmp_path / "jobs" / "dativo-infra.yaml").write_text(
        (EXAMPLES / "dativo-infra.yaml").read_text()
    )
    return tmp_path / "jobs"


def test_the_server_stores_what_pulumi_builds(
    operated: ApiServer, by_pulumi: Mapping[Named, Any], jobs: Path, tmp_path: Path
) -> None:
    """Each manifest is accepted without a warning, and stored as the object that Pulumi makes."""
    synth(planned(jobs, "manifests"), tmp_path / "out")
    with operated.cleared():
        before = set(operated.api.everything())
        for each in documents(tmp_path / "out" / "clusters"):
            operated.api.apply(each, "tests")
        assert stored(operated.api, before) == by_pulumi
    assert len(by_pulumi) > 20


@pytest.mark.parametrize(
    "gitops", [ArgoCd(repository=GIT), Flux(repository=GIT)], ids=["argocd", "flux"]
)
def test_the_server_takes_what_is_annotated(
    operated: ApiServer, jobs: Path, tmp_path: Path, gitops: Any
) -> None:
    """What GitOps adds to objects is accepted, and on what is stored."""
    synth(planned(jobs, "manifests"), tmp_path / "out", gitops=gitops)
    with operated.cleared():
        annotated = 0
        for each in documents(tmp_path / "out" / "clusters"):
            said = each["metadata"].get("annotations", {})
            found = operated.api.apply(each, "tests")["metadata"].get("annotations", {})
            assert said.items() <= found.items()
            annotated += bool({"Prune=false,Delete=false", "disabled"} & set(said.values()))
        assert annotated > 3


@pytest.fixture
def definitions(server: ApiServer, crds: Path) -> Iterator[None]:
    """The kinds of Argo CD, Flux and Pulumi's operator, and the namespaces of their objects."""
    groups = {version.split("/")[0] for version, _ in DEFINED}
    with server.cleared():
        for path in sorted(crds.glob("*.yaml")):
            definition = yaml.safe_load(path.read_text())
            if definition["spec"]["group"] in groups:
                server.api.define(definition)
        for name in NAMESPACES:
            server.api.apply(
                {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}, "tests"
            )
        yield


@pytest.mark.usefixtures("definitions")
def test_the_server_takes_the_objects_of_gitops(
    server: ApiServer, jobs: Path, tmp_path: Path
) -> None:
    """Applications, Kustomizations and Stacks, with all they may say, fit their definitions."""
    made = planned(jobs, "manifests")
    found: list[dict[str, Any]] = []
    for gitops in (ArgoCd(repository=GIT), Flux(repository=GIT, secret="git")):
        synth(made, tmp_path / "out", gitops=gitops)
    stacks = Operator(
        repository=GIT,
        jobs=("jobs",),
        settings={"env-file": "prod.env"},
        shards=2,
        tenant="acme",
        backend="s3://acme-state",
        secret="git",
    )
    synth_stacks(planned(jobs, "pulumi"), tmp_path / "out", stacks)
    for name in ("argocd", "flux", "pulumi-operator"):
        found += documents(tmp_path / "out" / name)
    assert {(each["apiVersion"], each["kind"]) for each in found} == set(DEFINED)
    for each in found:
        server.api.apply(each, "tests", dry_run=True)
