"""Dask: a cluster that its operator keeps up, and a CronJob that runs the job on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dativo_infra.platforms.base import (
    Built,
    Context,
    Platform,
    Variable,
    is_scaled,
    refers,
    used,
)
from dativo_infra.platforms.kube import (
    clusters,
    cron_job,
    network,
    objects,
    pods,
    shared,
    workers,
)
from dativo_infra.platforms.kube.advice import advise
from dativo_infra.resources import Lifecycle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dativo_infra.resources.kubernetes import KubernetesObject

_GROUP = "kubernetes.dask.org/v1"
_WORDS = workers.Words(workers="workers", leader="scheduler", scaler="Dask's autoscaler")
_DASK = clusters.System(
    platform="dask",
    title="Dask",
    kind="DaskCluster",
    service="{}-scheduler",
    address="dask_scheduler_address",
    schemes=("tcp", "tls", "ws", "wss"),
    port=8786,
    dashboard_port=8787,
)
"""Source: https://kubernetes.dask.org/en/latest/operator_resources.html"""
_PORTS = {"tcp-comm": _DASK.port, "http-dashboard": _DASK.dashboard_port}
_KEPT_LABELS = ("dask.org/", "sidecar.istio.io/inject")
_OPERATOR = {"app.kubernetes.io/name": "dask-kubernetes-operator"}
"""The labels of the operator's own pods, which ask the scheduler for idle and for wanted workers.

Source of both: https://github.com/dask/dask-kubernetes, dask_kubernetes/operator
"""

VARIABLES = (
    *cron_job.VARIABLES,
    Variable(
        name="worker_threads",
        type="number",
        minimum=1,
        examples=(2, 4),
        meaning="Threads of each worker; one for each CPU that it may use where not given.",
        uses=(workers.ONLY_REFERRED,),
    ),
    *workers.amounts("scheduler", "the scheduler", workers.ONLY_REFERRED),
    *workers.amounts("job", "the pod that runs the job"),
    *objects.VARIABLES,
)

FIELDS = {
    **objects.FIELDS,
    **workers.fields(_WORDS),
    "runtime.platform": (used("chooses Dask on Kubernetes"),),
}


def _check(context: Context) -> None:
    objects.check(context)
    workers.check_labels(context, _KEPT_LABELS, "Dask's operator")


def _check_built(context: Context) -> None:
    objects.refuse_sharing(context)
    pods.check_amounts(context)
    cron_job.check(context)
    advise(context)
    if refers(context.job):
        clusters.check_existing(context, _DASK)


def _build(context: Context) -> Built:
    if refers(context.job):
        return clusters.use(context, _DASK)
    operator = {
        "from": [{"namespaceSelector": {}, "podSelector": {"matchLabels": _OPERATOR}}],
        "ports": network.tcp(*_PORTS.values()),
    }
    ports = " and ".join(map(str, _PORTS.values()))
    note = f"ports {ports} of the scheduler are open to Dask's operator"
    traffic = network.Traffic(ingress=(operator,), notes=(note,))
    fixed = "pods of the cluster that run keep their image, labels and amounts until it is replaced"
    image = "the image must hold Dask (dask, distributed), and the runner"
    notes = (f"{fixed}: its operator changes the number of workers alone", image)
    return clusters.build(context, _DASK, traffic=traffic, make=_cluster, notes=notes)


def _cluster(
    job: objects.JobObjects, name: str, after: tuple[str, ...]
) -> Iterator[KubernetesObject]:
    """Yield the cluster, and what scales it.

    Source: https://kubernetes.dask.org/en/latest/operator_resources.html
    """
    settings = job.context.settings
    wanted = workers.workers(job.context.job)
    scaled = is_scaled(job.context.job)
    scheduler = pods.Container(
        name="scheduler",
        command=("dask", "scheduler"),
        amounts=pods.resources(settings, "scheduler"),
        more={
            "ports": [{"name": key, "containerPort": port} for key, port in _PORTS.items()],
            "readinessProbe": {"httpGet": {"port": "http-dashboard", "path": "/health"}},
        },
    )
    threads = settings["worker_threads"]
    worker = pods.Container(
        name="worker",
        # The operator gives each worker its name, and looks for it by that.
        command=("dask", "worker", "--name", "$(DASK_WORKER_NAME)"),
        args=("--nthreads", str(threads)) if threads else (),
        amounts=pods.resources(settings),
    )
    service = {
        "type": "ClusterIP",
        "selector": {"dask.org/cluster-name": name, "dask.org/component": "scheduler"},
        "ports": [{"name": key, "port": port, "targetPort": key} for key, port in _PORTS.items()],
    }
    body: dict[str, Any] = {
        "scheduler": {**job.template(scheduler), "service": service},
        "worker": {**job.template(worker), "replicas": wanted.start},
    }
    yield job.object(
        "cluster",
        _GROUP,
        "DaskCluster",
        {"spec": body},
        name=name,
        after=after,
        lifecycle=Lifecycle(ignore=("body.spec.worker.replicas",) if scaled else ()),
    )
    if scaled:
        limits = {"cluster": name, "minimum": wanted.least, "maximum": wanted.most}
        yield job.object(
            "autoscaler",
            _GROUP,
            "DaskAutoscaler",
            {"spec": limits},
            name=name,
            path="runtime.compute.auto_scaling",
            after=("cluster",),
        )


DASK = Platform(
    name="dask",
    component="DaskCluster",
    description="Dask cluster",
    variables=VARIABLES,
    exports=_DASK.exports,
    fields=FIELDS,
    examples=shared.EXAMPLES,
    check=_check,
    check_built=_check_built,
    needs=workers.needs,
    build=_build,
    shared=shared.KINDS,
)
