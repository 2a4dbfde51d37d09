"""What Spark's operator is told: the application, its driver and its executors.

A SparkApplication is a run: the operator runs it once, and again when its spec has changed, unless
it is suspended. So one that is suspended is what runs are copied from, and one that is not has
nothing in its spec that labels, annotations or tags change; the operator itself passes an
application's labels to its pods. A ScheduledSparkApplication makes a new application for each run.

Sources: https://github.com/kubeflow/spark-operator/tree/master/internal/controller,
`sparkapplication/event_filter.go` and `submission.go`, `scheduledsparkapplication/controller.go`
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from dativo_infra.platforms import runner
from dativo_infra.platforms.base import is_scaled
from dativo_infra.platforms.kube import grammar, pods, workers
from dativo_infra.platforms.kube.metadata import identity_labels

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dativo_infra.model import Job
    from dativo_infra.platforms.kube.objects import JobObjects
    from dativo_infra.resources.kubernetes import KubernetesObject

_API = "sparkoperator.k8s.io/v1beta2"
ENTRY_POINT = "/opt/entrypoint.sh"
"""Starts the driver or an executor; the entry point of the runner's image is the runner.

Source: https://github.com/apache/spark, resource-managers/kubernetes/docker
"""
_MAIN_FILE = "main.py"
_MAIN_PATH = f"/opt/dativo/{_MAIN_FILE}"
_MAIN = f'''\
"""Runs the runner's command line in Spark's driver, with the arguments given."""

import runpy

runpy.run_module("{runner.MODULE}", run_name="__main__", alter_sys=True)
'''
MAKES_PODS = {
    "apiGroups": [""],
    "resources": ["pods", "services", "configmaps", "persistentvolumeclaims"],
    "verbs": ["create", "get", "list", "watch", "update", "patch", "delete", "deletecollection"],
}
"""What a driver does to have executors.

Source: https://spark.apache.org/docs/latest/running-on-kubernetes.html#rbac
"""
_MEBIBYTE = 2**20
LEAST_HEAP = 450
LEAST_OVERHEAD = 384
_OVERHEAD = 0.4
"""MiB of a JVM at least, MiB outside of it at least, and what that is of the JVM's where Python
runs.

Source: https://spark.apache.org/docs/latest/running-on-kubernetes.html (memoryOverheadFactor)
"""


def runs_on_deploy(job: Job) -> bool:
    """Return whether the job runs when it is deployed."""
    return job.variables.get("run") == "deploy"


def application(
    job: JobObjects, name: str, before: Iterable[KubernetesObject]
) -> tuple[KubernetesObject, KubernetesObject]:
    """Return the file that the driver runs, and the application, made after other objects."""
    file = job.object(
        "main-config-map",
        "v1",
        "ConfigMap",
        {"data": {_MAIN_FILE: _MAIN}},
        name=f"{job.name}-main",
    )
    settings, spec = job.context.settings, _spec(job)
    after = [each.key for each in (*before, file)]
    if settings["run"] == "schedule":
        key, kind = "scheduled-application", "ScheduledSparkApplication"
        body = {
            "schedule": settings["schedule"],
            "suspend": False,
            # Two runs at once would write one catalog branch.
            "concurrencyPolicy": "Forbid",
            "template": spec,
        }
    else:
        key, kind = "application", "SparkApplication"
        body = {"suspend": settings["run"] != "deploy", **spec}
    return file, job.object(key, _API, kind, {"spec": body}, name=name, after=after)


def _spec(job: JobObjects) -> dict[str, Any]:
    settings = job.context.settings
    wanted = workers.workers(job.context.job)
    scaled = is_scaled(job.context.job)
    main = pods.Mount(
        name="main",
        path=_MAIN_PATH,
        volume={"configMap": {"name": f"{job.name}-main"}},
        sub_path=_MAIN_FILE,
    )
    driver = pods.Container(name="spark-kubernetes-driver", command=(ENTRY_POINT,), mounts=(main,))
    executor = pods.Container(name="spark-kubernetes-executor", command=(ENTRY_POINT,))
    allocation = {
        "enabled": True,
        "initialExecutors": wanted.start,
        "minExecutors": wanted.least,
        "maxExecutors": wanted.most,
    }
    return {
        "type": "Python",
        "pythonVersion": "3",
        "mode": "cluster",
        "sparkVersion": settings["spark_version"],
        "image": settings["image"],
        "mainApplicationFile": f"local://{_MAIN_PATH}",
        "arguments": list(job.arguments),
        "restartPolicy": {"type": "Never"},
        **({"dynamicAllocation": allocation} if scaled else {}),
        "driver": {
            **_resources(settings, "driver"),
            "serviceAccount": job.account.name,
            "template": _template(job, driver, runs_job=True),
        },
        "executor": {
            **({} if scaled else {"instances": wanted.start}),
            **_resources(settings, "executor"),
            "serviceAccount": job.account.name,
            "template": _template(job, executor),
        },
    }


def _template(
    job: JobObjects, container: pods.Container, *, runs_job: bool = False
) -> dict[str, Any]:
    """Return the template of a pod; Spark adds image, arguments and amounts itself.

    Source: https://spark.apache.org/docs/latest/running-on-kubernetes.html#pod-template
    """
    template = job.template(container, runs_job=runs_job)
    if runs_on_deploy(job.context.job):
        # What never changes, and what the network policy goes by; the rest is the operator's.
        template["metadata"] = {"labels": identity_labels(job.context.identity)}
    return template


def _resources(settings: Mapping[str, Any], part: str) -> dict[str, Any]:
    """Return the cores and the memory of a part, as Spark is told them.

    Of memory Spark knows one amount, which its pods ask for and are limited to.
    """
    request, limit = settings["resource_requests_cpu"], settings["resource_limits_cpu"]
    whole = math.floor(grammar.amount(request or limit or "1")) or 1
    found: dict[str, Any] = {"cores": settings[f"{part}_cores"] or whole}
    if request:
        found["coreRequest"] = request
    if limit:
        found["coreLimit"] = limit
    if memory := container_memory(settings, part):
        jvm = heap(memory)
        found["memory"] = f"{jvm}m"
        found["memoryOverhead"] = f"{_mebibytes(memory) - jvm}m"
    return found


def container_memory(settings: Mapping[str, Any], part: str) -> str | None:
    """Return the memory of the container of a part, or None where the job does not say it."""
    names = (f"{part}_memory", "resource_limits_memory", "resource_requests_memory")
    return next((settings[name] for name in names if settings[name]), None)


def heap(memory: str) -> int:
    """Return the MiB of the JVM in a container with this memory."""
    whole = _mebibytes(memory)
    return min(math.floor(whole / (1 + _OVERHEAD)), whole - LEAST_OVERHEAD)


def _mebibytes(memory: str) -> int:
    return math.floor(grammar.amount(memory) / _MEBIBYTE)
