"""What Argo CD, Flux and Pulumi's operator are told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from manifest_jobs import PROJECT, REPOSITORY, document, read, tree

from dativo_infra import DiagnosticError
from dativo_infra.adapters.manifests import synth, synth_stacks
from dativo_infra.adapters.manifests.gitops.argocd import ArgoCd
from dativo_infra.adapters.manifests.gitops.flux import Flux
from dativo_infra.adapters.manifests.gitops.pulumi_operator import Operator
from dativo_infra.adapters.manifests.gitops.repository import Repository
from dativo_infra.names import Identity
from dativo_infra.planning import Plan, Selection
from dativo_infra.resources import Lifecycle
from dativo_infra.resources.kubernetes import KubernetesObject

if TYPE_CHECKING:
    from pathlib import Path

    from dativo_infra.adapters.manifests.gitops.base import GitOps

MakePlan = Callable[..., Plan]
STATE: dict[str, Any] = {"metadata__variables": {"state_volume_size": "1Gi"}}
ORDERS = "acme-prod-orders"


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/acme/jobs",
        "https://git.acme.example:8443/data/jobs.git",
        "https://dev.azure.com/acme/data%20platform/_git/jobs",
        "ssh://git@github.com/acme/jobs.git",
        "ssh://git.acme.example:22/~me/jobs",
    ],
)
def test_addresses(url: str) -> None:
    """An address by HTTPS or SSH is one."""
    assert Repository(url=url).url == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "jobs",
        "git@github.com:acme/jobs.git",
        "http://git.acme.example/jobs",
        "file:///srv/jobs",
        "https://github.com",
        "https://me:hunter2@github.com/acme/jobs",
        "https://ghp_0123@github.com/acme/jobs",
        "ssh://git:hunter2@github.com/acme/jobs",
        "https://github.com/acme/../jobs",
        "https://github.com/acme/jobs?x=1",
        "https://github.com/acme/jobs\nmalice: true",
        "https://github.com/acme/jobs --upload-pack=x",
        "ext::sh -c x",
        "-x",
    ],
)
def test_what_is_no_address(url: str) -> None:
    """Another protocol, a password or a token, and what could be read as more is refused."""
    with pytest.raises(ValueError, match="address"):
        Repository(url=url)


@pytest.mark.parametrize("revision", ["main", "v1.2", "feature/x", "refs/tags/v1", "a" * 40])
def test_revisions(revision: str) -> None:
    """A branch, a full name and a commit are revisions."""
    assert Repository(url=REPOSITORY.url, revision=revision).is_commit == (revision[:2] == "aa")


@pytest.mark.parametrize(
    "revision",
    ["", "-x", "a..b", "a b", "a\nb", "/a", "a//b", "a/", "a.lock", "a/.b", "a^", "@{1}"],
)
def test_what_is_no_revision(revision: str) -> None:
    """What git would not take, or would take for something else, is refused."""
    with pytest.raises(ValueError, match="revision"):
        Repository(url=REPOSITORY.url, revision=revision)


@pytest.mark.parametrize(
    "path", ["/etc", "..", "a/../b", "a//b", "a/", "./a", "a b", "a\n", "a\\b"]
)
def test_what_is_no_folder(path: str) -> None:
    """A folder stays inside the repository."""
    with pytest.raises(ValueError, match="folder"):
        Repository(url=REPOSITORY.url, path=path)


@pytest.mark.parametrize("tool", [ArgoCd, Flux])
def test_what_is_no_namespace(tool: type[GitOps]) -> None:
    """A namespace that Kubernetes refuses is refused here."""
    with pytest.raises(ValueError, match="namespace"):
        tool(repository=REPOSITORY, namespace="Argo CD")


# --- Argo CD and Flux ---------------------------------------------------------------------------


def test_applications(tmp_path: Path, planned: MakePlan) -> None:
    """Each unit has an Application for its own folder, in the cluster called as the context."""
    argocd = ArgoCd(repository=REPOSITORY, project="acme-data")
    synth(
        planned({"orders": document(), "x": document(tenant="nowhere")}, PROJECT),
        tmp_path,
        gitops=argocd,
    )
    own = read(tmp_path, f"argocd/{ORDERS}.yaml")
    assert own["spec"]["destination"] == {"name": "acme-east"}
    folder = own["spec"]["source"]["path"]
    assert folder == f"deploy/clusters/east/{ORDERS}"
    assert (tmp_path / folder.removeprefix("deploy/")).is_dir()
    other = read(tmp_path, "argocd/nowhere-prod-x.yaml")
    assert other["spec"]["destination"] == {"server": "https://kubernetes.default.svc"}
    units = {path.parent.name for path in tmp_path.glob("clusters/*/*/kustomization.yaml")}
    listed = read(tmp_path, "argocd/kustomization.yaml")["resources"]
    more = {"project_east", "project_in-cluster", "root"}
    assert set(listed) == {f"{name}.yaml" for name in units | more}


def test_applications_are_limited_by_a_project(tmp_path: Path, planned: MakePlan) -> None:
    """A cluster's project admits its repository, its cluster, and no cluster-wide kind but ours."""
    plan = planned(
        {"orders": document(**STATE, runtime__storage={"volume_id": "vol-0123456789abcdef0"})},
        PROJECT,
    )
    synth(plan, tmp_path, gitops=ArgoCd(repository=REPOSITORY))
    project = read(tmp_path, "argocd/project_east.yaml")
    assert read(tmp_path, f"argocd/{ORDERS}.yaml")["spec"]["project"] == project["metadata"]["name"]
    assert project["spec"]["sourceRepos"] == [REPOSITORY.url]
    assert project["spec"]["destinations"] == [{"name": "acme-east", "namespace": "*"}]
    wide = {
        each.kind
        for unit in plan.units
        for each in unit.resources
        if isinstance(each, KubernetesObject) and not each.namespace
    }
    assert {each["kind"] for each in project["spec"]["clusterResourceWhitelist"]} == wide


def test_a_target_without_a_context_has_no_place(tmp_path: Path, planned: MakePlan) -> None:
    """Argo CD is never told its own cluster for a target that names none."""
    plan = planned({"orders": document(tenant="bare")}, PROJECT)
    with pytest.raises(DiagnosticError, match="DI406"):
        synth(plan, tmp_path / "out", gitops=ArgoCd(repository=REPOSITORY))
    assert not (tmp_path / "out").exists()
    synth(plan, tmp_path / "out", gitops=Flux(repository=REPOSITORY))


def test_what_is_shared_comes_first(tmp_path: Path, planned: MakePlan) -> None:
    """Applications have waves, and Kustomizations wait: namespace, account, job."""
    plan = planned({"orders": document(runtime__service_account="runner")})
    order = ["shared-kubernetesnamespace-*", "shared-kubernetesserviceaccount-*", ORDERS]
    synth(plan, tmp_path / "argocd", gitops=ArgoCd(repository=REPOSITORY))
    waves = [
        read(tmp_path / "argocd", f"argocd/{name}.yaml")["metadata"]["annotations"][
            "argocd.argoproj.io/sync-wave"
        ]
        for name in order
    ]
    assert waves == ["0", "1", "2"]
    synth(plan, tmp_path / "flux", gitops=Flux(repository=REPOSITORY))
    made = [read(tmp_path / "flux", f"flux/in-cluster/{name}.yaml") for name in order]
    names = [each["metadata"]["name"] for each in made]
    needs = [[need["name"] for need in each["spec"].get("dependsOn", ())] for each in made]
    assert needs == [[], names[:1], names[:2]]


@pytest.mark.parametrize(
    ("gitops", "kept"),
    [
        (
            ArgoCd(repository=REPOSITORY),
            {"argocd.argoproj.io/sync-options": "Prune=false,Delete=false"},
        ),
        (Flux(repository=REPOSITORY), {"kustomize.toolkit.fluxcd.io/prune": "disabled"}),
    ],
)
def test_what_is_retained_is_not_pruned(
    tmp_path: Path, planned: MakePlan, gitops: GitOps, kept: dict[str, str]
) -> None:
    """Objects that hold data are annotated; else what is written is as without GitOps."""
    plan = planned({"orders": document(**STATE)})
    synth(plan, tmp_path / "plain")
    synth(plan, tmp_path / "kept", gitops=gitops)
    retained = {
        each.name
        for unit in plan.units
        for each in unit.resources
        if isinstance(each, KubernetesObject) and each.lifecycle.retain
    }
    assert len(retained) == 2
    for path in (tmp_path / "plain").glob("clusters/*/*/*.yaml"):
        name = path.relative_to(tmp_path / "plain").as_posix()
        before, after = (read(tmp_path / each, name) for each in ("plain", "kept"))
        if before.get("metadata", {}).get("name") in retained:
            assert kept.items() <= after["metadata"]["annotations"].items()
            for key in kept:
                del after["metadata"]["annotations"][key]
        assert before == after


def test_a_jobs_own_sync_options_stay(tmp_path: Path, planned: MakePlan) -> None:
    """Options of Argo CD that a job says itself are kept beside."""
    said: dict[str, Any] = {
        "metadata__annotations": {"argocd.argoproj.io/sync-options": "Replace=true"}
    }
    synth(
        planned({"orders": document(**STATE, **said)}),
        tmp_path,
        gitops=ArgoCd(repository=REPOSITORY),
    )
    metadata = read(tmp_path, f"clusters/*/{ORDERS}/claim.yaml")["metadata"]
    assert (
        metadata["annotations"]["argocd.argoproj.io/sync-options"]
        == "Replace=true,Prune=false,Delete=false"
    )


def test_what_others_own_is_left_to_them(tmp_path: Path, planned: MakePlan) -> None:
    """A field that an autoscaler moves is not set back, by either tool."""
    plan = planned({"orders": document()})
    unit = plan.unit(Identity("acme", "prod", "orders"))
    scaled = KubernetesObject(
        key="cluster",
        api_version="ray.io/v1",
        kind="RayCluster",
        name="cluster",
        namespace="data",
        body={"spec": {"workerGroupSpecs": [{"replicas": 2}]}},
        lifecycle=Lifecycle(ignore=("body.spec.workerGroupSpecs[0].replicas",)),
    )
    plan = replace(plan, units=(replace(unit, resources=(scaled,)),))
    pointers = ["/spec/workerGroupSpecs/0/replicas"]
    synth(plan, tmp_path / "argocd", gitops=ArgoCd(repository=REPOSITORY))
    spec = read(tmp_path / "argocd", f"argocd/{ORDERS}.yaml")["spec"]
    (ignored,) = spec["ignoreDifferences"]
    assert ignored == {
        "group": "ray.io",
        "kind": "RayCluster",
        "name": "cluster",
        "namespace": "data",
        "jsonPointers": pointers,
    }
    assert "RespectIgnoreDifferences=true" in spec["syncPolicy"]["syncOptions"]
    synth(plan, tmp_path / "flux", gitops=Flux(repository=REPOSITORY))
    (left,) = read(tmp_path / "flux", f"flux/*/{ORDERS}.yaml")["spec"]["ignore"]
    assert left == {"paths": pointers, "target": {"kind": "RayCluster", "name": "cluster"}}


@pytest.mark.parametrize(
    ("revision", "ref"),
    [
        ("main", {"branch": "main"}),
        ("refs/tags/v1", {"name": "refs/tags/v1"}),
        ("0" * 40, {"commit": "0" * 40}),
    ],
)
def test_flux_has_a_source(
    tmp_path: Path, planned: MakePlan, revision: str, ref: dict[str, str]
) -> None:
    """Each cluster's folder has the repository at its revision, and what reads a private one."""
    repository = replace(REPOSITORY, revision=revision)
    synth(
        planned({"orders": document()}), tmp_path, gitops=Flux(repository=repository, secret="git")
    )
    source = read(tmp_path, "flux/in-cluster/source.yaml")
    assert source["spec"]["ref"] == ref
    assert source["spec"]["secretRef"] == {"name": "git"}
    own = read(tmp_path, f"flux/in-cluster/{ORDERS}.yaml")["spec"]
    assert own["sourceRef"]["name"] == source["metadata"]["name"]
    assert own["path"] == f"./deploy/clusters/in-cluster/{ORDERS}"


@pytest.mark.parametrize("gitops", [ArgoCd(repository=REPOSITORY), Flux(repository=REPOSITORY)])
def test_the_root_outlives_its_file(tmp_path: Path, planned: MakePlan, gitops: GitOps) -> None:
    """What keeps all the others is deleted by nobody but a person: with it all jobs would go."""
    synth(planned({"orders": document()}), tmp_path, gitops=gitops)
    (root,) = tmp_path.rglob("root.yaml")
    metadata = read(root.parent, "root.yaml")["metadata"]
    assert "finalizers" not in metadata
    assert set(metadata["annotations"].values()) <= {"Prune=false", "disabled"}


# --- Pulumi's operator --------------------------------------------------------------------------


def operator(**changes: Any) -> Operator:
    """Return an operator for the folder `jobs`."""
    return Operator(**{"repository": REPOSITORY, "jobs": ("jobs",), "settings": {}, **changes})


def pulumi(**changes: Any) -> dict[str, Any]:
    """Return a job that Pulumi owns."""
    return document(**{"provider": "pulumi", **changes})


def test_a_stack_an_environment(tmp_path: Path, planned: MakePlan) -> None:
    """A Stack has the program's repository, and its settings as Pulumi.yaml has them."""
    jobs = {"a": pulumi(), "b": {**pulumi(), "environment": "dev"}, "c": document()}
    settings = {"provider": None, "project": "jobs/dativo-infra.yaml", "env-file": "prod.env"}
    synth_stacks(
        planned(jobs, provider=None),
        tmp_path,
        operator(settings=settings, tenant="acme", secret="git", backend="s3://acme-state"),
    )
    names = read(tmp_path, "pulumi-operator/kustomization.yaml")["resources"]
    stacks = [read(tmp_path, f"pulumi-operator/{name}") for name in names]
    assert [each["spec"]["stack"] for each in stacks] == ["dev-acme-all", "prod-acme-all"]
    assert [f"{each['metadata']['name']}.yaml" for each in stacks] == names
    spec = stacks[1]["spec"]
    assert (spec["projectRepo"], spec["branch"], spec["repoDir"]) == (
        REPOSITORY.url,
        "main",
        "deploy",
    )
    assert spec["config"] == {
        "dativo-infra:jobs": ["jobs"],
        "dativo-infra:environment": "prod",
        "dativo-infra:tenant": "acme",
        "dativo-infra:project": "jobs/dativo-infra.yaml",
        "dativo-infra:env-file": "prod.env",
    }
    assert set(spec["envRefs"]) == {"PULUMI_CONFIG_PASSPHRASE"}
    assert spec["gitAuth"]["accessToken"]["secret"] == {"name": "git", "key": "accessToken"}


def test_a_stack_is_given_what_its_jobs_want(tmp_path: Path, planned: MakePlan) -> None:
    """Each variable without a value comes from the Secret, those of fields known now as well."""
    jobs = {
        "a": pulumi(metadata__tags={"Stage": "${STAGE}"}),
        "b": pulumi(resources__cache={"endpoint": "rediss://:${REDIS_PASSWORD}@c"}),
        "c": {**document(metadata__tags={"Other": "${OTHER}"})},
    }
    plan = planned(jobs, provider=None)
    synth_stacks(plan, tmp_path, operator())
    wanted = ["PULUMI_ACCESS_TOKEN", "REDIS_PASSWORD", "STAGE"]
    assert list(read(tmp_path, "pulumi-operator/d*.yaml")["spec"]["envRefs"]) == wanted
    assert operator().secrets(each.job for each in plan.jobs if each.owner == "pulumi") == wanted


def test_a_new_job_changes_one_shard(tmp_path: Path, planned: MakePlan) -> None:
    """With shards a job more leaves all Stacks as they are, and the units of all shards but one."""
    jobs = {f"job{number}": pulumi() for number in range(12)}
    plans = [planned(each, provider=None) for each in (jobs, {**jobs, "new": pulumi()})]
    for name, plan in zip(("before", "after"), plans, strict=True):
        synth_stacks(plan, tmp_path / name, operator(shards=4))
    assert tree(tmp_path / "before") == tree(tmp_path / "after")
    stacks = [read(tmp_path / "after", f"pulumi-operator/*-{index}of4*.yaml") for index in range(4)]
    shards = [each["spec"]["config"]["dativo-infra:shard"] for each in stacks]
    assert shards == ["0/4", "1/4", "2/4", "3/4"]
    assert len({each["spec"]["stack"] for each in stacks}) == 4
    built = [
        [Selection(shard=(index, 4)).units(plan, "pulumi") for index in range(4)] for plan in plans
    ]
    before, after = built
    changed = [index for index in range(4) if before[index] != after[index]]
    assert len(changed) == 1
    own = {unit.identity for unit in after[changed[0]]} - {
        unit.identity for unit in before[changed[0]]
    }
    # The namespace is told of the job as well; it has no more of it than a name.
    assert own == {Identity("acme", "prod", "new")}
    assert sum(map(len, after)) == len(plans[1].owned_by("pulumi"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"repository": replace(REPOSITORY, revision="refs/tags/v1")},
        {"shards": 0},
        {"backend": "ftp://x"},
        {"backend": "https://me:hunter2@state.example"},
        {"jobs": ("/srv/jobs",)},
        {"jobs": ("../jobs",)},
        {"settings": {"env-file": "/etc/passwd"}},
        {"namespace": "A"},
    ],
)
def test_what_the_operator_cannot_do(wrong: dict[str, Any]) -> None:
    """What would fail in the cluster, or read outside of the repository, is refused here."""
    with pytest.raises(ValueError, match=r"\S"):
        operator(**wrong)


def test_a_whole_environment_is_the_stack_of_its_name(tmp_path: Path, planned: MakePlan) -> None:
    """Without tenant and shards the stack is the one that `dativo-infra deploy` works on."""
    synth_stacks(planned({"a": pulumi()}, provider=None), tmp_path, operator())
    assert read(tmp_path, "pulumi-operator/d*.yaml")["spec"]["stack"] == "prod"


def test_stacks_of_tenants_have_names_of_their_own(planned: MakePlan) -> None:
    """Two tenants, environments or shards never have one stack, whatever they are called."""
    environments = ("prod", "prod-a", "Prod")
    documents = {name: {**pulumi(), "environment": name} for name in environments}
    jobs = [each.job for each in planned(documents, provider=None).jobs]
    made = [
        yaml.safe_load(text)
        for tenant in (None, "a", "a-b", "B")
        for shards in (None, 1, 3)
        for text in operator(tenant=tenant, shards=shards).files(jobs).values()
    ]
    assert len(made) == 4 * len(environments) * (1 + 1 + 3)
    assert len({each["spec"]["stack"] for each in made}) == len(made)
    assert len({each["metadata"]["name"] for each in made}) == len(made)


def test_a_commit_is_no_branch(tmp_path: Path, planned: MakePlan) -> None:
    """A commit is given as one, so that the operator does not look for a branch of its name."""
    plan = planned({"a": pulumi()}, provider=None)
    synth_stacks(plan, tmp_path, operator(repository=replace(REPOSITORY, revision="0" * 40)))
    spec = read(tmp_path, "pulumi-operator/d*.yaml")["spec"]
    assert spec["commit"] == "0" * 40
    assert "branch" not in spec


def test_stacks_need_jobs_of_pulumi(tmp_path: Path, planned: MakePlan) -> None:
    """Where Pulumi owns no job, nothing is written."""
    with pytest.raises(DiagnosticError, match="DI608"):
        synth_stacks(planned({"a": document()}, provider=None), tmp_path / "out", operator())
    assert not (tmp_path / "out").exists()
