"""What a job on Dask becomes."""

from __future__ import annotations

from typing import Any

import pytest

V = "metadata.variables."
C = "runtime.compute."
A = f"{C}auto_scaling."
SCALED = {f"{A}enabled": True, f"{A}min_instances": 2, f"{A}max_instances": 9}
ADDRESS = "tcp://acme-prod-orders-scheduler.ingestion.svc.cluster.local:8786"


def test_cluster(make: Any) -> None:
    """A scheduler with its Service, and as many workers as are counted; the CronJob comes after."""
    made = make.resources(make.workers("dask"))
    found = made["cluster"]
    assert (found.api_version, found.kind) == ("kubernetes.dask.org/v1", "DaskCluster")
    spec = found.body["spec"]
    assert spec["worker"]["replicas"] == 3
    (scheduler,) = spec["scheduler"]["spec"]["containers"]
    (worker,) = spec["worker"]["spec"]["containers"]
    assert scheduler["command"] == ["dask", "scheduler"]
    assert worker["command"] == ["dask", "worker", "--name", "$(DASK_WORKER_NAME)"]
    assert "args" not in worker
    service = spec["scheduler"]["service"]
    assert service["selector"] == {
        "dask.org/cluster-name": "acme-prod-orders",
        "dask.org/component": "scheduler",
    }
    ports = {each["name"]: each["containerPort"] for each in scheduler["ports"]}
    assert {each["targetPort"]: each["port"] for each in service["ports"]} == ports
    assert ports == {"tcp-comm": 8786, "http-dashboard": 8787}
    assert "autoscaler" not in made
    assert "cluster" in made["cron-job"].after


def test_the_operators_deployments_restart_their_pods(make: Any) -> None:
    """Pods of a Deployment must restart always, so nothing else is said."""
    spec = make.resources(make.workers("dask"))["cluster"].body["spec"]
    assert all("restartPolicy" not in spec[part]["spec"] for part in ("scheduler", "worker"))


def test_scaling(make: Any) -> None:
    """An autoscaler moves the number of workers between the limits, and owns it afterwards."""
    made = make.resources(make.workers("dask", SCALED))
    assert made["autoscaler"].kind == "DaskAutoscaler"
    assert made["autoscaler"].body["spec"] == {
        "cluster": made["cluster"].name,
        "minimum": 2,
        "maximum": 9,
    }
    assert made["autoscaler"].after == ("cluster",)
    assert made["cluster"].body["spec"]["worker"]["replicas"] == 3
    assert made["cluster"].lifecycle.ignore == ("body.spec.worker.replicas",)


def test_amounts(make: Any) -> None:
    """Workers get what the job's containers get, and their threads; the scheduler has its own."""
    fields = {
        "resource_requests_memory": "16Gi",
        "scheduler_memory": "4Gi",
        "worker_threads": 2,
    }
    job = make.workers("dask", {f"{V}{name}": value for name, value in fields.items()})
    spec = make.resources(job)["cluster"].body["spec"]
    (scheduler,) = spec["scheduler"]["spec"]["containers"]
    (worker,) = spec["worker"]["spec"]["containers"]
    assert worker["resources"] == {"requests": {"memory": "16Gi"}}
    assert worker["args"] == ["--nthreads", "2"]
    assert scheduler["resources"] == {"requests": {"memory": "4Gi"}, "limits": {"memory": "4Gi"}}


@pytest.mark.parametrize(
    ("given", "address"),
    [
        (None, ADDRESS),
        ("shared", "tcp://shared-scheduler.ingestion.svc.cluster.local:8786"),
        ("science/shared", "tcp://shared-scheduler.science.svc.cluster.local:8786"),
        ("tls://dask.example:8786", "tls://dask.example:8786"),
    ],
)
def test_address(make: Any, given: str | None, address: str) -> None:
    """The pod that runs the job is told where the scheduler is, as Dask itself reads it."""
    unit = make.unit(make.workers("dask", {f"{C}cluster_id": given}))
    made = {each.key: each for each in unit.resources}
    assert unit.exports["dask_scheduler_address"] == address
    assert made["config-map"].body["data"]["DASK_SCHEDULER_ADDRESS"] == address


def test_the_operator_reaches_the_scheduler(make: Any) -> None:
    """Behind a network policy the operator may ask the scheduler for idle and wanted workers."""
    made = make.resources(make.workers("dask", {f"{V}enable_network_policy": True}))
    ingress = made["network-policy"].body["spec"]["ingress"]
    operator = {"app.kubernetes.io/name": "dask-kubernetes-operator"}
    (rule,) = (
        each
        for each in ingress
        if each["from"][0].get("podSelector", {}).get("matchLabels") == operator
    )
    assert rule["from"][0]["namespaceSelector"] == {}
    assert {each["port"] for each in rule["ports"]} == {8786, 8787}


def test_notes(make: Any) -> None:
    """The plan says that the cluster costs until it is destroyed, and how to start the job."""
    notes = " ".join(make.plan(make.workers("dask")).jobs[0].notes)
    assert "billed" in notes
    assert "kubectl create job --from=cronjob/acme-prod-orders" in notes
