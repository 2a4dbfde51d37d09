"""What the jobs on Spark, Ray and Dask have in common: workers and what leads them, in pods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dativo_infra.diagnostics import rules
from dativo_infra.platforms import PLATFORMS

if TYPE_CHECKING:
    from collections.abc import Iterator

V = "metadata.variables."
C = "runtime.compute."
A = f"{C}auto_scaling."
SCALED = {f"{A}enabled": True, f"{A}min_instances": 2, f"{A}max_instances": 9}
ROLE = "arn:aws:iam::123456789012:role/team/Runner"
DISK, FILES = "vol-0a1b2c3d", "fs-0a1b2c3d"
MAKERS = {"spark": "application", "ray": "cluster", "dask": "cluster"}
"""By platform: the key of what makes the pods of workers."""
EXISTING = {
    "spark": "spark://master.spark.svc.cluster.local:7077",
    "ray": "ray://analytics-head-svc.data.svc.cluster.local:10001",
    "dask": "tcp://analytics-scheduler.data.svc.cluster.local:8786",
}
IDENTITY = {"dativo.io/tenant": "acme", "dativo.io/environment": "prod", "dativo.io/job": "orders"}


def templates(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the templates of pods inside nested data: what has both a metadata and containers."""
    if isinstance(value, list | tuple):
        for item in value:
            yield from templates(item)
    elif isinstance(value, dict):
        if "containers" in value.get("spec", {}) and "metadata" in value:
            yield value
        for item in value.values():
            yield from templates(item)


def pods(made: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the templates of all pods of a job."""
    return [each for resource in made.values() for each in templates(resource.body)]


@pytest.mark.parametrize("platform", MAKERS)
def test_every_pod_is_the_jobs(make: Any, platform: str) -> None:
    """Each pod has the job's labels, annotations, account, image, file, settings and level."""
    fields = {
        "metadata.labels": {"tier": "data"},
        "metadata.annotations": {"note": "x"},
        "metadata.tags": {"Owner": "data"},
        "runtime.service_account": ROLE,
        "runtime.storage.volume_id": FILES,
        "runtime.storage.mount_path": "/state",
        f"{V}image": "registry/runner:1",
        f"{V}enable_pod_security_policy": True,
    }
    made = make.resources(make.workers(platform, fields))
    found = pods(made)
    assert len(found) == (2 if platform == "spark" else 3)
    for each in found:
        labels = each["metadata"]["labels"]
        assert labels.items() >= {**IDENTITY, "tier": "data", "Owner": "data"}.items()
        annotations = {"note": "x", "tags.dativo.io/Owner": "data"}
        assert each["metadata"]["annotations"].items() >= annotations.items()
        spec = each["spec"]
        assert spec["serviceAccountName"] == "runner"
        assert spec["securityContext"]["runAsNonRoot"] is True
        (container,) = spec["containers"]
        assert container["image"] == "registry/runner:1"
        assert container["envFrom"] == [{"configMapRef": {"name": made["config-map"].name}}]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        }
        mounted = {mount["mountPath"] for mount in container["volumeMounts"]}
        assert mounted >= {"/app/jobs/acme/acme-prod-orders.yaml", "/state"}
        assert {mount["name"] for mount in container["volumeMounts"]} == {
            volume["name"] for volume in spec["volumes"]
        }


@pytest.mark.parametrize("platform", MAKERS)
@pytest.mark.parametrize(("volume", "everywhere"), [(DISK, False), (FILES, True), ("claim", True)])
def test_a_disk_of_one_machine_is_in_one_pod(
    make: Any, platform: str, volume: str, *, everywhere: bool
) -> None:
    """What one machine alone can mount is in the pod that runs the job, and in no worker."""
    made = make.resources(make.workers(platform, {"runtime.storage.volume_id": volume}))
    found = pods(made)
    having = [
        each
        for each in found
        if "state" in {mount["name"] for mount in each["spec"]["containers"][0]["volumeMounts"]}
    ]
    assert len(having) == (len(found) if everywhere else 1)
    runs = (
        made["application"].body["spec"]["driver"] if platform == "spark" else made["cron-job"].body
    )
    assert next(templates(runs)) in having


@pytest.mark.parametrize("platform", MAKERS)
def test_limits_are_needed_for_scaling(make: Any, platform: str) -> None:
    """Who has the number of workers scaled says both limits; with a cluster that exists nobody."""
    job = make.workers(platform, {f"{A}enabled": True})
    codes = make.codes(job)
    assert rules.PLATFORM_NEEDS.code in codes
    job = make.workers(platform, {f"{A}enabled": True, f"{C}cluster_id": EXISTING[platform]})
    assert rules.PLATFORM_NEEDS.code not in make.codes(job)
    contradicting = {**SCALED, f"{C}instance_count": 12}
    assert rules.COUNTS_DISAGREE.code in make.codes(make.workers(platform, contradicting))


@pytest.mark.parametrize("platform", MAKERS)
def test_pods_of_one_job_talk_to_each_other(make: Any, platform: str) -> None:
    """With a network policy, the pods of a job reach each other on every port, in and out."""
    made = make.resources(make.workers(platform, {f"{V}enable_network_policy": True}))
    policy = made["network-policy"].body["spec"]
    own = [{"podSelector": {"matchLabels": IDENTITY}}]
    assert policy["podSelector"]["matchLabels"] == IDENTITY
    assert {"from": own} in policy["ingress"]
    assert {"to": own} in policy["egress"]
    assert all(IDENTITY.items() <= each["metadata"]["labels"].items() for each in pods(made))


@pytest.mark.parametrize("platform", MAKERS)
def test_nothing_is_built_of_what_exists(make: Any, platform: str) -> None:
    """With a cluster that exists a job has its CronJob and what belongs to it, and no cluster."""
    fields = {f"{C}cluster_id": EXISTING[platform], f"{V}enable_network_policy": True}
    job = make.workers(platform, fields)
    made = make.resources(job)
    assert {each.api_version for each in made.values()} <= {
        "v1",
        "batch/v1",
        "networking.k8s.io/v1",
        "rbac.authorization.k8s.io/v1",
    }
    assert made["cron-job"].body["spec"]["suspend"] is True
    assert set(made["cron-job"].after) == made.keys() - {"cron-job"}
    (pod,) = pods(made)
    assert pod["spec"]["containers"][0]["args"][0] == "run"
    port = int(EXISTING[platform].rpartition(":")[2])
    reached = made["network-policy"].body["spec"]["egress"]
    assert port in {each["port"] for rule in reached for each in rule.get("ports", ())}
    uses = {each.path: each.outcome for each in make.plan(job).jobs[0].fields}
    assert uses[f"{C}cluster_id"] == "referenced"
    assert uses[f"{C}instance_count"] == "unused"


@pytest.mark.parametrize("platform", MAKERS)
def test_machines_are_not_ours(make: Any, platform: str) -> None:
    """A machine type is reported as unused: the node pools are built elsewhere."""
    planned = make.plan(make.workers(platform, {f"{C}instance_type": "r5.xlarge"}))
    (use,) = (each for each in planned.jobs[0].fields if each.path == f"{C}instance_type")
    assert use.outcome == "unused"
    assert "node pools" in use.text


@pytest.mark.parametrize(
    ("platform", "cluster"),
    [
        ("spark", "prod-eks"),
        ("spark", "spark://master"),
        ("spark", "ray://head:10001"),
        ("ray", "Not_A_Name"),
        ("ray", "a/b/c"),
        ("ray", "tcp://head:10001"),
        ("ray", "ray://head"),
        ("dask", "ray://head:8786"),
        ("dask", "/x"),
    ],
)
def test_what_is_no_cluster(make: Any, platform: str, cluster: str) -> None:
    """A `cluster_id` that leads to no cluster of the platform is an error."""
    job = make.workers(platform, {f"{C}cluster_id": cluster})
    assert rules.NO_CLUSTER.code in make.codes(job)


@pytest.mark.parametrize(
    ("platform", "field", "key"),
    [
        ("spark", "metadata.labels", "sparkoperator.k8s.io/app-name"),
        ("spark", "metadata.tags", "spark-role"),
        ("ray", "metadata.labels", "raycluster-name"),
        ("ray", "metadata.labels", "ray.io/cluster"),
        ("ray", "metadata.tags", "RayClusterOwner"),
        ("dask", "metadata.labels", "dask.org/component"),
    ],
)
def test_labels_of_operators_are_refused(make: Any, platform: str, field: str, key: str) -> None:
    """A label, or a tag that becomes one, that an operator sets by itself is an error."""
    job = make.workers(platform, {field: {key: "x"}})
    assert key in make.codes(job)[rules.BAD_LABEL.code]
    others = {each for each in MAKERS if each != platform}
    assert all(
        rules.BAD_LABEL.code not in make.codes(make.workers(each, {field: {key: "x"}}))
        for each in others
    )


@pytest.mark.parametrize("platform", MAKERS)
def test_two_jobs_cannot_share_one_name(make: Any, platform: str) -> None:
    """Each job has objects of its own."""
    jobs = [make.workers(platform, {"name": "same"}, name=f"{each}.yaml") for each in "ab"]
    assert rules.UNIT_DISAGREES.code in make.codes(*jobs)


@pytest.mark.parametrize("platform", MAKERS)
def test_a_renamed_job_keeps_its_names(make: Any, platform: str) -> None:
    """What is named after a job keeps the name that it was built with."""
    before = make.resources(make.workers(platform))
    renamed = make.workers(platform, {"former_names": ["orders"]}, name="jobs/purchases.yaml")
    after = make.resources(renamed)
    assert {key: each.name for key, each in before.items()} == {
        key: each.name for key, each in after.items()
    }


@pytest.mark.parametrize("platform", MAKERS)
def test_outputs_are_exported(make: Any, platform: str) -> None:
    """What a job exports is known to its platform, and told to its pods."""
    for fields in ({}, {f"{C}cluster_id": EXISTING[platform]}):
        unit = make.unit(make.workers(platform, fields))
        assert unit.exports.keys() <= PLATFORMS[platform].exports.keys()
        (told,) = (each for each in unit.resources if each.key == "config-map")
        assert (
            told.body["data"].items()
            >= {name.upper(): value for name, value in unit.exports.items()}.items()
        )
