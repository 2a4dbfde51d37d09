"""The Kubernetes examples through the real engine, judged and stored by a real API server."""

from __future__ import annotations

import base64
import shutil
import time
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from providers.kubernetes.kube_api import Api, Named
from workspace import REPOSITORY, Workspace

from dativo_infra import load, load_document, load_project, plan
from dativo_infra.diagnostics import raise_errors
from dativo_infra.names import PULUMI
from dativo_infra.resources.kubernetes import KubernetesObject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from api_server import ApiServer

    from dativo_infra.planning import Plan

EXAMPLES = REPOSITORY / "examples" / "jobs"
PLATFORMS = ("kubernetes", "spark", "ray", "dask")
JOBS = {
    str(path.relative_to(EXAMPLES)): path.read_text()
    for path in sorted(EXAMPLES.glob("*/*.yaml"))
    if any(f"platform: {each}\n" in path.read_text() for each in PLATFORMS)
    and "provider: manual" not in path.read_text()
}
"""The examples that are built in a cluster, by whichever tool."""
CONTEXTS = ("acme-prod", "globex", "initech-gke", "initech-aks")
"""The contexts of the examples' targets."""
SESSIONS, EMBEDDINGS = "acme/sessions_spark.yaml", "acme/embeddings_ray.yaml"
CUSTOMERS, PAYMENTS = "acme/customers_sync.yaml", "acme/payments_sync.yaml"
PASSWORD = "hunter2-hunter2"
STACK = "prod"


LEDGER = "acme/ledger.yaml"
LEDGER_TEXT = """
tenant_id: acme
environment: prod
source_connector_path: /app/connectors/stripe.yaml
target_connector_path: /app/connectors/iceberg.yaml
asset_path: /app/assets/ledger.yaml
infrastructure:
  provider: pulumi
  runtime: {platform: kubernetes, namespace: books, service_account: ledger}
  metadata:
    tags: {CostCenter: finance, Owner: ledger@acme.example}
    labels: {tier: one}
    variables:
      image: registry.acme.example/dativo-ingest:1.8.2
      enable_network_policy: true
"""
"""A job for tests that change it, of which nothing is retained."""


SCALED = "acme/ranking.yaml"
SCALED_TEXT = LEDGER_TEXT.replace(
    "{platform: kubernetes, namespace: books, service_account: ledger}",
    """
    platform: ray
    namespace: books
    compute:
      instance_count: 2
      auto_scaling: {enabled: true, min_instances: 1, max_instances: 8}""",
)
"""The same with a Ray cluster that is scaled."""


class Fleet:
    """Jobs in a workspace, and a cluster to which the contexts of their targets lead."""

    def __init__(self, workspace: Workspace, cluster: ApiServer, jobs: Mapping[str, str]) -> None:
        self.api = cluster.api
        self.workspace = workspace
        path = workspace.folder / "kubeconfig"
        kubeconfig = cluster.kubeconfig(path, *CONTEXTS)
        workspace.environment["KUBECONFIG"] = str(kubeconfig)
        shutil.copy(EXAMPLES / "dativo-infra.yaml", workspace.jobs)
        for name, text in jobs.items():
            self.write(name, text)
        workspace.create(STACK, provider="pulumi")
        workspace.pulumi("config", "set", "--stack", STACK, "--secret", "REDIS_PASSWORD", PASSWORD)

    def write(self, name: str, text: str) -> None:
        """Write a job's file."""
        file = self.workspace.jobs / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)

    def infrastructure(self, name: str) -> dict[str, Any]:
        """Return the block of a job."""
        return yaml.safe_load((self.workspace.jobs / name).read_text())["infrastructure"]

    def plan(self) -> Plan:
        """Return the plan of the jobs, as the program makes it."""
        project, _ = load_project(self.workspace.jobs / "dativo-infra.yaml")
        planned = plan(load([self.workspace.jobs], {}).jobs, project, provider="pulumi")
        raise_errors(planned.diagnostics)
        return planned

    def planned(self) -> list[KubernetesObject]:
        """Return the objects that are planned."""
        return [
            each
            for unit in self.plan().units
            for each in unit.resources
            if isinstance(each, KubernetesObject)
        ]

    def stored(self, planned: KubernetesObject) -> dict[str, Any]:
        """Return a planned object as the server has it."""
        found = self.api.get(named(planned))
        assert found, planned.name
        return found

    def own(self, name: str) -> list[KubernetesObject]:
        """Return the planned objects that a job has for itself."""
        return [each for each in self.planned() if each.labels.get("dativo.io/job") == job_of(name)]


def templates(item: Any) -> Iterator[dict[str, Any]]:
    """Yield the templates of pods inside an object, without what an operator has beside them."""
    for inner in item.values() if isinstance(item, dict) else item:
        if isinstance(inner, dict | list):
            yield from templates(inner)
    if isinstance(item, dict) and "containers" in item.get("spec", {}) and "metadata" in item:
        yield {"metadata": item["metadata"], "spec": item["spec"]}


def job_of(name: str) -> str:
    """Return what the job of a file is called."""
    return name.rpartition("/")[2].removesuffix(".yaml")


def named(planned: KubernetesObject) -> Named:
    """Return what names a planned object."""
    return Named(planned.api_version, planned.kind, planned.name, planned.namespace)


def made_by_kubernetes(each: Named) -> bool:
    """Return whether an object is one that each namespace gets by itself."""
    return (each.kind, each.name) == ("ServiceAccount", "default")


def wait_for(condition: Callable[[], bool]) -> bool:
    """Return whether something comes true within a time in which controllers have acted."""
    latest = time.monotonic() + 30
    while not condition() and time.monotonic() < latest:
        time.sleep(0.1)
    return condition()


@pytest.fixture(scope="module")
def examples(
    operated: ApiServer, pulumi_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fleet]:
    """The examples, brought up; tests change nothing of them."""
    folder = tmp_path_factory.mktemp("examples")
    with operated.cleared():
        fleet = Fleet(Workspace.of_repository(folder, pulumi_home), operated, JOBS)
        done = fleet.workspace.up(STACK)
        assert done.code == 0, done.log
        yield fleet


@pytest.fixture
def fleet(server: ApiServer, workspace: Workspace) -> Iterator[Fleet]:
    """No job yet, and a cluster in which nothing of the test is left when it ends."""
    with server.cleared():
        yield Fleet(workspace, server, {})


def test_objects(examples: Fleet) -> None:
    """The server has exactly the planned objects, in the namespaces that the jobs name."""
    namespaces = {examples.infrastructure(name)["runtime"]["namespace"] for name in JOBS}
    found = {each for each in examples.api.everything() if each.namespace in namespaces}
    found |= {each for each in examples.api.everything() if each.name in namespaces}
    volumes = examples.api.objects("v1", "PersistentVolume")
    found |= {Named.of(each) for each in volumes}
    assert {each for each in found if not made_by_kubernetes(each)} == {
        named(each) for each in examples.planned()
    }


def test_labels(examples: Fleet) -> None:
    """Labels and annotations are those planned, on every object, in the templates of pods too."""
    for each in examples.planned():
        stored = examples.stored(each)
        places = [stored]
        if each.kind == "CronJob":
            places.append(stored["spec"]["jobTemplate"])
        places += templates(stored)
        for place in places:
            labels = dict(place["metadata"]["labels"])
            labels.pop("kubernetes.io/metadata.name", None)  # of every namespace, by the server
            assert labels == dict(each.labels), named(each)
            assert each.annotations.items() <= place["metadata"]["annotations"].items(), named(each)


def test_what_jobs_say(examples: Fleet) -> None:
    """Labels, annotations and tags as a job's file says them are on all that is the job's own."""
    for name in JOBS:
        metadata = examples.infrastructure(name)["metadata"]
        own = examples.own(name)
        assert len(own) > 5
        for each in own:
            stored = examples.stored(each)["metadata"]
            tags = {f"tags.dativo.io/{key}": value for key, value in metadata["tags"].items()}
            annotations = metadata.get("annotations", {}) | tags
            assert metadata["labels"].items() <= stored["labels"].items()
            assert annotations.items() <= stored["annotations"].items()


@pytest.mark.parametrize("name", JOBS)
def test_pods(examples: Fleet, name: str) -> None:
    """The server takes a job's pods: their account, quota, limits and security level agree.

    Those that an operator makes are as the job's templates say; it adds to them.
    """
    made = [
        (each.namespace, template)
        for each in examples.own(name)
        for template in templates(examples.stored(each))
    ]
    assert made
    for namespace, template in made:
        metadata = {"name": "pod", "namespace": namespace}
        pod = {**template, "metadata": {**template["metadata"], **metadata}}
        examples.api.apply({"apiVersion": "v1", "kind": "Pod", **pod}, "tests", dry_run=True)


def test_scheduled_application(examples: Fleet) -> None:
    """What a Spark job's schedule makes applications of is one that the server takes."""
    text = JOBS[SESSIONS].replace(
        "    variables:\n", "    variables:\n      run: schedule\n      schedule: '0 3 * * *'\n"
    )
    (job,) = load_document(yaml.safe_load(text), name="scheduled.yaml", environment={}).jobs
    (scheduled,) = (
        each
        for each in plan([job]).unit(job.identity).resources
        if isinstance(each, KubernetesObject) and each.kind == "ScheduledSparkApplication"
    )
    run = {
        "apiVersion": scheduled.api_version,
        "kind": "SparkApplication",
        "metadata": {"name": "run", "namespace": scheduled.namespace, "labels": scheduled.labels},
        "spec": scheduled.body["spec"]["template"],
    }
    examples.api.apply(run, "tests", dry_run=True)


def test_quota(examples: Fleet) -> None:
    """The quota that a job asks for is counted."""
    variables = examples.infrastructure(PAYMENTS)["metadata"]["variables"]
    wanted = {"limits.cpu": variables["quota_limits_cpu"]}
    wanted |= {"limits.memory": variables["quota_limits_memory"]}

    def status() -> Any:
        (quota,) = examples.api.objects("v1", "ResourceQuota", "ingestion")
        return quota.get("status")

    used = {"limits.cpu": "0", "limits.memory": "0"}
    assert wait_for(lambda: status() == {"hard": wanted, "used": used}), status()


def test_volume(examples: Fleet) -> None:
    """The claim of each job's volume is bound to it, whichever cloud the disk is of."""
    volumes = examples.api.objects("v1", "PersistentVolume")
    jobs = (PAYMENTS, EMBEDDINGS, "initech/leads_gke.yaml", "initech/meters_aks.yaml")
    disks = {examples.infrastructure(job)["runtime"]["storage"]["volume_id"] for job in jobs}
    assert {each["spec"]["csi"]["volumeHandle"] for each in volumes} == disks
    for volume in volumes:
        claim = Named(
            "v1",
            "PersistentVolumeClaim",
            volume["metadata"]["name"],
            volume["spec"]["claimRef"]["namespace"],
        )

        def bound(claim: Named = claim) -> bool:
            found = examples.api.get(claim)
            return bool(found) and found["status"]["phase"] == "Bound"

        assert wait_for(bound), examples.api.get(claim)


def test_secret(examples: Fleet) -> None:
    """A secret reaches the cluster, and is in the state by its cipher alone."""
    (secret,) = examples.api.objects("v1", "Secret")
    stored = [base64.b64decode(each).decode() for each in secret["data"].values()]
    assert any(PASSWORD in each for each in stored)
    state = str(examples.workspace.state(STACK))
    assert PASSWORD not in state
    assert not [each for each in secret["data"].values() if each in state]


def test_unchanged(examples: Fleet) -> None:
    """A second preview finds nothing to change, with what the server made of the objects too."""
    done = examples.workspace.preview(STACK, "--refresh")
    assert done.code == 0, done.log
    assert done.changes.keys() <= {"refresh"}


def test_autoscaled(operated: ApiServer, workspace: Workspace) -> None:
    """What Ray's autoscaler writes is no change, and keeps no other change from being applied."""
    with operated.cleared():
        fleet = Fleet(workspace, operated, {SCALED: SCALED_TEXT})
        assert workspace.up(STACK).code == 0
        (cluster,) = (each for each in fleet.planned() if each.kind == "RayCluster")
        more = {"op": "replace", "path": "/spec/workerGroupSpecs/0/replicas", "value": 4}
        fleet.api.patch(named(cluster), [more], "ray-autoscaler")
        done = workspace.preview(STACK)
        assert done.code == 0, done.log
        assert not done.changes

        fleet.write(SCALED, SCALED_TEXT.replace("tier: one", "tier: two"))
        done = workspace.up(STACK)
        assert done.code == 0, done.log
        group = fleet.stored(cluster)["spec"]["workerGroupSpecs"][0]
        assert group["template"]["metadata"]["labels"]["tier"] == "two"


def test_life(fleet: Fleet, workspace: Workspace) -> None:
    """A changed label changes in place exactly what carries it, and destroy leaves nothing.

    The ConfigMap with the job's file is changed in place, too.
    """
    before = set(fleet.api.everything())
    fleet.write(LEDGER, LEDGER_TEXT)
    done = workspace.up(STACK)
    assert done.code == 0, done.log

    fleet.write(LEDGER, LEDGER_TEXT.replace("tier: one", "tier: two"))
    carriers = {
        f"{unit.name(PULUMI)}-{each.key}"
        for unit in fleet.plan().units
        for each in unit.resources
        if isinstance(each, KubernetesObject) and each.labels.get("tier") == "two"
    }
    done = workspace.up(STACK)
    assert done.code == 0, done.log
    assert done.names("update") == carriers
    assert "acme-prod-ledger-job-config-map" in carriers
    assert done.changes.keys() == {"update"}
    for each in fleet.planned():
        labels = fleet.stored(each)["metadata"]["labels"]
        assert labels.get("tier") == each.labels.get("tier"), named(each)

    done = workspace.destroy(STACK)
    assert done.code == 0, done.log
    assert set(fleet.api.everything()) == before


def test_retained(fleet: Fleet, workspace: Workspace) -> None:
    """A claim outlives its job, and with it the namespace that it is in."""
    before = set(fleet.api.everything())
    fleet.write(LEDGER, f"{LEDGER_TEXT}      state_volume_size: 1Gi\n")
    assert workspace.up(STACK).code == 0
    done = workspace.destroy(STACK)
    assert done.code == 0, done.log
    left = {each for each in set(fleet.api.everything()) - before if not made_by_kubernetes(each)}
    claim = "acme-prod-ledger-state"
    assert left == {
        Named("v1", "Namespace", "books"),
        Named("v1", "PersistentVolumeClaim", claim, "books"),
    }


def test_taken_namespace(fleet: Fleet, workspace: Workspace) -> None:
    """A namespace that somebody else has applied is not taken over, and nothing is built in it."""
    manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "books"}}
    fleet.api.apply(manifest, "somebody")
    assert wait_for(lambda: len(inside(fleet.api, "books")) == 1)
    stored = fleet.api.get(Named.of(manifest))
    fleet.write(LEDGER, LEDGER_TEXT)
    done = workspace.up(STACK)
    assert done.code != 0
    assert "Namespace books exists already, and is not taken over" in done.log
    assert fleet.api.get(Named.of(manifest)) == stored
    assert all(made_by_kubernetes(each) for each in inside(fleet.api, "books"))


def inside(api: Api, namespace: str) -> list[Named]:
    """Return what is in a namespace."""
    return [each for each in api.everything() if each.namespace == namespace]
