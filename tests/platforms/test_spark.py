"""What a job on Spark becomes."""

from __future__ import annotations

import ast
import shlex
from typing import Any

import pytest

from dativo_infra.diagnostics import rules
from dativo_infra.values import Parameter, show

V = "metadata.variables."
C = "runtime.compute."
A = f"{C}auto_scaling."
SCALED = {f"{A}enabled": True, f"{A}min_instances": 2, f"{A}max_instances": 9}
RUNS: dict[str, dict[str, Any]] = {
    "suspended": {},
    "deploy": {f"{V}run": "deploy"},
    "schedule": {f"{V}run": "schedule", f"{V}schedule": "0 3 * * *"},
}
MASTER = "spark://master.spark.svc.cluster.local:7077"


def application(make: Any, fields: dict[str, Any] | None = None) -> Any:
    """Return the application of a job with some fields, by whatever it runs."""
    made = make.resources(make.workers("spark", fields))
    return next(each for key, each in made.items() if key.endswith("application"))


def starts_again(before: Any, after: Any) -> bool:
    """Return whether the operator runs an application again when it is replaced by another.

    A ScheduledSparkApplication makes new ones by the clock alone.
    Source: `EventFilter.Update` in https://github.com/kubeflow/spark-operator,
    internal/controller/sparkapplication/event_filter.go; a suspended one is suspended again
    """
    if after.kind != "SparkApplication":
        return False
    passed_over = ("suspend", "timeToLiveSeconds")
    specs = [
        {key: value for key, value in each.body["spec"].items() if key not in passed_over}
        for each in (before, after)
    ]
    return specs[0] != specs[1] and not after.body["spec"]["suspend"]


def test_application(make: Any) -> None:
    """The runner's command line runs the job in the driver, on the executors counted, once."""
    found = application(make, {f"{V}image": "registry/runner:1", f"{V}spark_version": "4.0.1"})
    assert (found.api_version, found.kind) == ("sparkoperator.k8s.io/v1beta2", "SparkApplication")
    spec = found.body["spec"]
    assert spec["suspend"] is True
    assert (spec["type"], spec["mode"], spec["sparkVersion"]) == ("Python", "cluster", "4.0.1")
    assert spec["image"] == "registry/runner:1"
    path = "/app/jobs/acme/acme-prod-orders.yaml"
    assert spec["arguments"] == ["run", "--config", path, "--mode", "self_hosted"]
    assert spec["restartPolicy"] == {"type": "Never"}
    assert spec["executor"]["instances"] == 3
    assert "dynamicAllocation" not in spec
    assert spec["driver"]["serviceAccount"] == spec["executor"]["serviceAccount"]


def test_the_driver_runs_the_runner(make: Any) -> None:
    """The file that Spark starts is mounted in the driver, and runs the image's module."""
    made = make.resources(make.workers("spark"))
    spec = made["application"].body["spec"]
    text = made["main-config-map"].body["data"]["main.py"]
    (call,) = (each for each in ast.walk(ast.parse(text)) if isinstance(each, ast.Call))
    assert ast.literal_eval(call.args[0]) == "dativo_ingest.cli"
    (container,) = spec["driver"]["template"]["spec"]["containers"]
    mounted = {each["mountPath"] for each in container["volumeMounts"]}
    assert spec["mainApplicationFile"].removeprefix("local://") in mounted
    assert "main-config-map" in made["application"].after
    # Spark adds its arguments to the container's, and finds the container by its name.
    for part, name in (
        ("driver", "spark-kubernetes-driver"),
        ("executor", "spark-kubernetes-executor"),
    ):
        (container,) = spec[part]["template"]["spec"]["containers"]
        assert container["name"] == name
        assert container["command"] == ["/opt/entrypoint.sh"]
        assert "args" not in container


def test_the_driver_may_have_executors(make: Any) -> None:
    """The account may make pods in its namespace, and the driver reaches the API server."""
    made = make.resources(make.workers("spark", {f"{V}enable_network_policy": True}))
    rule = next(each for each in made["role"].body["rules"] if "pods" in each["resources"])
    assert {"create", "watch", "delete"} <= set(rule["verbs"])
    egress = made["network-policy"].body["spec"]["egress"]
    assert 6443 in {each["port"] for rule in egress for each in rule.get("ports", ())}


def test_scaling(make: Any) -> None:
    """Dynamic allocation starts with the count, between the limits."""
    spec = application(make, SCALED).body["spec"]
    assert spec["dynamicAllocation"] == {
        "enabled": True,
        "initialExecutors": 3,
        "minExecutors": 2,
        "maxExecutors": 9,
    }
    assert "instances" not in spec["executor"]


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("field", ["labels", "annotations", "tags"])
def test_what_labels_a_job_never_starts_it(make: Any, run: str, field: str) -> None:
    """A changed label, annotation or tag starts no application, whatever tool applies it."""
    before = application(make, RUNS[run])
    after = application(make, {**RUNS[run], f"metadata.{field}": {"tier": "data"}})
    assert not starts_again(before, after)
    changed = after.annotations if field == "annotations" else after.labels
    assert changed["tier"] == "data"


def test_what_runs_on_deployment_starts_by_what_it_runs(make: Any) -> None:
    """`run: deploy` starts an application when it is made and when its image changes."""
    before = application(make, RUNS["deploy"])
    assert before.body["spec"]["suspend"] is False
    after = application(make, {**RUNS["deploy"], f"{V}image": "registry/runner:2"})
    assert starts_again(before, after)
    assert not starts_again(
        application(make), application(make, {f"{V}image": "registry/runner:2"})
    )


def test_pods_of_what_runs_on_deployment_are_the_jobs(make: Any) -> None:
    """Their templates have the labels that never change: the network policy goes by them."""
    fields = {**RUNS["deploy"], "metadata.annotations": {"note": "x"}}
    job = make.workers("spark", fields)
    spec = make.resources(job)["application"].body["spec"]
    for part in ("driver", "executor"):
        assert spec[part]["template"]["metadata"] == {
            "labels": {
                "dativo.io/tenant": "acme",
                "dativo.io/environment": "prod",
                "dativo.io/job": "orders",
            }
        }
    uses = {each.path: each.text for each in make.plan(job).jobs[0].fields}
    assert "not of pods" in uses["metadata.annotations"]


def test_schedule(make: Any) -> None:
    """By the clock a ScheduledSparkApplication makes the applications, never two at once."""
    fields = {**RUNS["schedule"], "metadata.annotations": {"note": "x"}}
    unit = make.unit(make.workers("spark", fields))
    (found,) = (each for each in unit.resources if each.kind == "ScheduledSparkApplication")
    spec = found.body["spec"]
    assert (spec["schedule"], spec["suspend"]) == ("0 3 * * *", False)
    assert spec["concurrencyPolicy"] == "Forbid"
    assert spec["template"]["arguments"][0] == "run"
    assert "suspend" not in spec["template"]
    annotations = spec["template"]["driver"]["template"]["metadata"]["annotations"]
    assert annotations["note"] == "x"
    assert unit.exports["spark_scheduled_application"] == found.name
    assert "spark_application" not in unit.exports
    missing = make.workers("spark", {f"{V}run": "schedule"})
    assert rules.SCHEDULE_MISSING.code in make.codes(missing)


@pytest.mark.parametrize(
    ("fields", "driver", "executor"),
    [
        ({}, {"cores": 1}, {"cores": 1}),
        (
            {"resource_requests_cpu": "500m", "resource_limits_cpu": "2"},
            {"cores": 1, "coreRequest": "500m", "coreLimit": "2"},
            {"cores": 1, "coreRequest": "500m", "coreLimit": "2"},
        ),
        ({"resource_limits_cpu": "3500m"}, {"cores": 3, "coreLimit": "3500m"}, {"cores": 3}),
        ({"driver_cores": 2, "executor_cores": 4}, {"cores": 2}, {"cores": 4}),
        (
            {"resource_requests_memory": "7Gi", "driver_memory": "1Gi"},
            {"memory": "640m", "memoryOverhead": "384m"},
            {"memory": "5120m", "memoryOverhead": "2048m"},
        ),
        (
            {"resource_requests_memory": "2Gi", "resource_limits_memory": "7168Mi"},
            {"memory": "5120m"},
            {"memory": "5120m"},
        ),
    ],
)
def test_amounts(
    make: Any, fields: dict[str, Any], driver: dict[str, Any], executor: dict[str, Any]
) -> None:
    """Cores and memory are what the containers get; two fifths of the JVM's are for the rest."""
    given = {f"{V}{name}": value for name, value in fields.items()}
    spec = application(make, given).body["spec"]
    assert spec["driver"].items() >= driver.items()
    assert spec["executor"].items() >= executor.items()
    assert ("memory" in spec["driver"]) is ("memory" in driver)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"driver_memory": "512Mi"}, rules.TOO_LITTLE_MEMORY),
        ({"resource_limits_memory": "800Mi"}, rules.TOO_LITTLE_MEMORY),
        ({"executor_memory": "lots"}, rules.BAD_VARIABLE),
        ({"executor_cores": 3, "resource_limits_cpu": "2"}, rules.BAD_VARIABLE),
        ({"resource_requests_cpu": "2", "resource_limits_cpu": "1"}, rules.BAD_VARIABLE),
        ({"spark_version": "2.4.8"}, rules.BAD_VARIABLE),
        ({"run": "always"}, rules.BAD_VARIABLE),
    ],
    ids=str,
)
def test_what_is_refused(make: Any, fields: dict[str, Any], code: rules.Rule) -> None:
    """Amounts that Spark cannot run with, and what is no version or run, are errors."""
    given = {f"{V}{name}": value for name, value in fields.items()}
    assert code.code in make.codes(make.workers("spark", given))


def test_the_least_memory(make: Any) -> None:
    """What Spark can run with is no error."""
    make.plan(make.workers("spark", {f"{V}driver_memory": "834Mi"}))


def test_a_master_that_exists(make: Any) -> None:
    """PySpark in the CronJob's pod is told the master, and is reached by its executors."""
    fields = {f"{C}cluster_id": MASTER, f"{V}enable_network_policy": True}
    made = make.resources(make.workers("spark", fields))
    told = shlex.split(made["config-map"].body["data"]["PYSPARK_SUBMIT_ARGS"])
    assert told[:2] == ["--master", MASTER]
    assert told[-1] == "pyspark-shell"
    ports = {int(each.partition("=")[2]) for each in told if each.startswith("spark.")}
    (rule,) = made["network-policy"].body["spec"]["ingress"]
    opened = {
        port
        for each in rule["ports"]
        for port in range(each["port"], each.get("endPort", each["port"]) + 1)
    }
    assert ports <= opened


def test_masters_that_stand_in_for_each_other(make: Any) -> None:
    """Several masters are named together, and each is reached."""
    fields = {
        f"{C}cluster_id": "spark://one.example:7077,two.example:7078",
        f"{V}enable_network_policy": True,
    }
    notes = make.plan(make.workers("spark", fields)).jobs[0].notes
    assert any("port 7077 of one.example" in each for each in notes)
    assert any("port 7078 of two.example" in each for each in notes)


def test_spark_connect(make: Any) -> None:
    """A server of Spark Connect is told by the variable that PySpark reads for it."""
    fields = {f"{C}cluster_id": "sc://connect.example:15002", f"{V}enable_network_policy": True}
    made = make.resources(make.workers("spark", fields))
    data = made["config-map"].body["data"]
    assert data["SPARK_REMOTE"] == "sc://connect.example:15002"
    assert "PYSPARK_SUBMIT_ARGS" not in data
    assert made["network-policy"].body["spec"]["ingress"] == []


def test_a_master_known_later(make: Any) -> None:
    """What is known at deployment only is a master."""
    fields = {f"{C}cluster_id": "${MASTER}", f"{V}enable_network_policy": True}
    unit = make.unit(make.workers("spark", fields))
    made = {each.key: each for each in unit.resources}
    assert unit.exports["spark_master"] == Parameter("MASTER")
    told = show(made["config-map"].body["data"]["PYSPARK_SUBMIT_ARGS"])
    assert told.startswith("--master ${MASTER} ")
    egress = made["network-policy"].body["spec"]["egress"]
    assert 7077 in {each["port"] for rule in egress for each in rule.get("ports", ())}


def test_nothing_runs_on_deployment_beside_a_cluster(make: Any) -> None:
    """`run: deploy` needs an application, and with a cluster that exists there is none."""
    job = make.workers("spark", {f"{C}cluster_id": MASTER, f"{V}run": "deploy"})
    assert rules.BAD_VARIABLE.code in make.codes(job)


def test_notes(make: Any) -> None:
    """The plan says how to start what is suspended, and what starts the other."""
    notes = " ".join(make.plan(make.workers("spark")).jobs[0].notes)
    assert "kubectl patch sparkapplication acme-prod-orders -n ingestion" in notes
    notes = " ".join(make.plan(make.workers("spark", RUNS["deploy"])).jobs[0].notes)
    assert "does not start it" in notes
