"""What a job on Ray becomes."""

from __future__ import annotations

from typing import Any

import pytest

from dativo_infra.diagnostics import rules

V = "metadata.variables."
C = "runtime.compute."
A = f"{C}auto_scaling."
SCALED = {f"{A}enabled": True, f"{A}min_instances": 2, f"{A}max_instances": 9}
ADDRESS = "ray://acme-prod-orders-head-svc.ingestion.svc.cluster.local:10001"


def cluster(make: Any, fields: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the spec of the cluster of a job with some fields."""
    return make.resources(make.workers("ray", fields))["cluster"].body["spec"]


def test_cluster(make: Any) -> None:
    """A head that only leads, and as many workers as are counted; the CronJob comes after."""
    made = make.resources(make.workers("ray", {f"{V}ray_version": "2.46.0"}))
    found = made["cluster"]
    assert (found.api_version, found.kind) == ("ray.io/v1", "RayCluster")
    spec = found.body["spec"]
    assert spec["rayVersion"] == "2.46.0"
    assert spec["enableInTreeAutoscaling"] is False
    assert spec["headGroupSpec"]["rayStartParams"] == {"num-cpus": "0"}
    (group,) = spec["workerGroupSpecs"]
    assert (group["replicas"], group["minReplicas"], group["maxReplicas"]) == (3, 3, 3)
    assert found.lifecycle.ignore == ()
    assert "cluster" in made["cron-job"].after
    assert made["cron-job"].body["spec"]["suspend"] is True


def test_scaling(make: Any) -> None:
    """The autoscaler moves the number of workers between the limits, and owns it afterwards."""
    made = make.resources(make.workers("ray", {**SCALED, f"{V}idle_timeout_seconds": 120}))
    spec = made["cluster"].body["spec"]
    assert spec["enableInTreeAutoscaling"] is True
    assert spec["autoscalerOptions"]["idleTimeoutSeconds"] == 120
    (group,) = spec["workerGroupSpecs"]
    assert (group["replicas"], group["minReplicas"], group["maxReplicas"]) == (3, 2, 9)
    assert made["cluster"].lifecycle.ignore == ("body.spec.workerGroupSpecs[0].replicas",)


def test_the_autoscaler_may_run_and_ask(make: Any) -> None:
    """Its container keeps to the restricted standard, and it reaches the API server."""
    fields = {**SCALED, f"{V}enable_pod_security_policy": True, f"{V}enable_network_policy": True}
    made = make.resources(make.workers("ray", fields))
    options = made["cluster"].body["spec"]["autoscalerOptions"]
    assert options["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    egress = made["network-policy"].body["spec"]["egress"]
    assert 6443 in {each["port"] for rule in egress for each in rule.get("ports", ())}


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("20GB", 20 * 10**9),
        ("20 GB", 20 * 10**9),
        ("20G", 20 * 10**9),
        ("20GiB", 20 * 2**30),
        ("20Gi", 20 * 2**30),
        ("512mb", None),
        ("512MB", 512 * 10**6),
        ("1.5TB", 1_500_000_000_000),
        ("4kB", 4000),
        ("1000000", 10**6),
        ("20 gigabytes", None),
        ("0", None),
        ("-1GB", None),
    ],
)
def test_object_store(make: Any, text: str, size: int | None) -> None:
    """The memory of the object store is said as people write it, and told to Ray in bytes."""
    fields = {f"{V}object_store_memory": text}
    if size is None:
        assert rules.BAD_VARIABLE.code in make.codes(make.workers("ray", fields))
        return
    (group,) = cluster(make, fields)["workerGroupSpecs"]
    assert group["rayStartParams"] == {"object-store-memory": str(size)}


@pytest.mark.parametrize(
    ("fields", "fits"),
    [
        ({"resource_limits_memory": "16Gi"}, False),
        ({"resource_requests_memory": "16Gi"}, False),
        ({"resource_limits_memory": "20G"}, False),
        ({"resource_limits_memory": "20Gi"}, True),
        ({"resource_requests_memory": "16Gi", "resource_limits_memory": "32Gi"}, True),
        ({}, True),
    ],
)
def test_object_store_is_part_of_the_container(
    make: Any, fields: dict[str, str], *, fits: bool
) -> None:
    """An object store that its container has no memory for is an error."""
    given = {f"{V}{name}": value for name, value in fields.items()}
    codes = make.codes(make.workers("ray", {f"{V}object_store_memory": "20GB", **given}))
    assert (rules.TOO_LITTLE_MEMORY.code not in codes) is fits


def test_amounts(make: Any) -> None:
    """Workers get what the job's containers get; the head and the job's pod have their own."""
    fields = {
        "resource_requests_cpu": "4",
        "resource_limits_memory": "32Gi",
        "head_memory": "8Gi",
        "job_cpu": "500m",
    }
    job = make.workers("ray", {f"{V}{name}": value for name, value in fields.items()})
    made = make.resources(job)
    spec = made["cluster"].body["spec"]
    head, worker, runs = (
        template["spec"]["containers"][0]["resources"]
        for template in (
            spec["headGroupSpec"]["template"],
            spec["workerGroupSpecs"][0]["template"],
            made["cron-job"].body["spec"]["jobTemplate"]["spec"]["template"],
        )
    )
    assert worker == {"requests": {"cpu": "4"}, "limits": {"memory": "32Gi"}}
    assert head == {"requests": {"cpu": "4", "memory": "8Gi"}, "limits": {"memory": "8Gi"}}
    assert runs == {"requests": {"cpu": "500m"}, "limits": {"cpu": "500m", "memory": "32Gi"}}


def test_ray_writes_the_commands(make: Any) -> None:
    """The containers of the cluster have neither command nor restart policy: KubeRay sets them."""
    spec = cluster(make)
    for template in (spec["headGroupSpec"]["template"], spec["workerGroupSpecs"][0]["template"]):
        assert "restartPolicy" not in template["spec"]
        assert not {"command", "args"} & template["spec"]["containers"][0].keys()


@pytest.mark.parametrize(
    ("given", "exports"),
    [
        (None, {"ray_cluster_name": "acme-prod-orders", "ray_address": ADDRESS}),
        (
            "shared",
            {
                "ray_cluster_name": "shared",
                "ray_address": "ray://shared-head-svc.ingestion.svc.cluster.local:10001",
                "ray_dashboard_url": "http://shared-head-svc.ingestion.svc.cluster.local:8265",
            },
        ),
        ("ml/shared", {"ray_address": "ray://shared-head-svc.ml.svc.cluster.local:10001"}),
        ("ray://head.example:10001", {"ray_address": "ray://head.example:10001"}),
    ],
)
def test_address(make: Any, given: str | None, exports: dict[str, str]) -> None:
    """The pod that runs the job is told where the cluster is: its own, one by name, an address."""
    unit = make.unit(make.workers("ray", {f"{C}cluster_id": given}))
    made = {each.key: each for each in unit.resources}
    assert unit.exports.items() >= exports.items()
    assert made["config-map"].body["data"]["RAY_ADDRESS"] == exports["ray_address"]


def test_the_namespaces_jobs_may_use_it(make: Any) -> None:
    """Behind a network policy the client's port is open to the tenant's jobs, and no other port."""
    made = make.resources(make.workers("ray", {f"{V}enable_network_policy": True}))
    ingress = made["network-policy"].body["spec"]["ingress"]
    (rule,) = (each for each in ingress if "ports" in each)
    assert [each["port"] for each in rule["ports"]] == [10001]
    assert rule["from"] == [
        {
            "podSelector": {
                "matchLabels": {"dativo.io/tenant": "acme", "dativo.io/environment": "prod"}
            }
        }
    ]


def test_notes(make: Any) -> None:
    """The plan says that the cluster costs until it is destroyed, and how to start the job."""
    notes = " ".join(make.plan(make.workers("ray")).jobs[0].notes)
    assert "billed" in notes
    assert "kubectl create job --from=cronjob/acme-prod-orders" in notes
