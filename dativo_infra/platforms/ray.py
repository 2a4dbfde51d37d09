"""Ray: a cluster that KubeRay keeps up, and a CronJob that runs the job on it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dativo_infra.diagnostics import rules
from dativo_infra.platforms.base import (
    Built,
    Context,
    Platform,
    Variable,
    is_scaled,
    refers,
    unused,
    used,
)
from dativo_infra.platforms.kube import (
    clusters,
    cron_job,
    grammar,
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

_WORDS = workers.Words(workers="workers", leader="head", scaler="Ray's autoscaler")
_RAY = clusters.System(
    platform="ray",
    title="Ray",
    kind="RayCluster",
    service="{}-head-svc",
    address="ray_address",
    schemes=("ray",),
    port=10001,
    dashboard_port=8265,
)
"""Source: https://docs.ray.io/en/latest/cluster/kubernetes/user-guides/config.html"""
_KEPT_LABELS = ("raycluster", "ray.io/", "app.kubernetes.io/created-by")
"""What KubeRay finds its pods by, and what it asks to leave to it.

Source: https://github.com/ray-project/kuberay, ray-operator/controllers/ray/common/pod.go
"""
_REPLICAS = "body.spec.workerGroupSpecs[0].replicas"


def _version(text: str) -> str | None:
    return None if re.fullmatch(r"\d+\.\d+\.\d+", text) else "must be a version such as 2.52.0"


def _size(text: str) -> str | None:
    return None if grammar.size(text) else "must be an amount of memory such as 20GB or 512Mi"


VARIABLES = (
    *cron_job.VARIABLES,
    Variable(
        name="ray_version",
        type="text",
        default={"2026-11": "2.52.0"},
        check=_version,
        examples=("2.46.0", "2.51.1"),
        meaning="Version of Ray in the image.",
        uses=(workers.ONLY_REFERRED,),
    ),
    Variable(
        name="object_store_memory",
        type="text",
        check=_size,
        examples=("20GB", "512Mi"),
        meaning="Memory of each worker's object store, which is part of the container's; three "
        "tenths of that where not given.",
        uses=(workers.ONLY_REFERRED,),
    ),
    *workers.amounts("head", "the head", workers.ONLY_REFERRED),
    *workers.amounts("job", "the pod that runs the job"),
    Variable(
        name="idle_timeout_seconds",
        type="number",
        default=60,
        minimum=1,
        examples=(300, 30),
        meaning="How long a worker has nothing to do before the autoscaler removes it.",
        uses=(
            workers.ONLY_REFERRED,
            unused("auto_scaling is not enabled", lambda job: not is_scaled(job)),
        ),
    ),
    *objects.VARIABLES,
)

FIELDS = {
    **objects.FIELDS,
    **workers.fields(_WORDS),
    "runtime.platform": (used("chooses Ray on Kubernetes"),),
}


def _check(context: Context) -> None:
    objects.check(context)
    workers.check_labels(context, _KEPT_LABELS, "KubeRay")


def _check_built(context: Context) -> None:
    objects.refuse_sharing(context)
    pods.check_amounts(context)
    cron_job.check(context)
    advise(context)
    if refers(context.job):
        clusters.check_existing(context, _RAY)
    else:
        _check_object_store(context)


def _check_object_store(context: Context) -> None:
    settings = context.settings
    wanted = settings["object_store_memory"]
    most = settings["resource_limits_memory"] or settings["resource_requests_memory"]
    if wanted and most and (grammar.size(wanted) or 0) >= grammar.amount(most):
        context.report(
            rules.TOO_LITTLE_MEMORY.at(
                context.job.locate("metadata.variables", "object_store_memory"),
                f"An object store of {wanted} does not fit into a container of {most}.",
            )
        )


def _build(context: Context) -> Built:
    if refers(context.job):
        return clusters.use(context, _RAY)
    # The autoscaler, beside the head, asks for workers by the RayCluster itself.
    traffic = network.Traffic(api_server=is_scaled(context.job))
    notes = [
        "pods of the cluster that run keep their image, labels and amounts until they are replaced",
        "the image must hold Ray of the version given, and the runner",
    ]
    if is_scaled(context.job):
        start = workers.workers(context.job).start
        notes.append(f"a deployment that changes the cluster sets its workers to {start} again")
    return clusters.build(context, _RAY, traffic=traffic, make=_cluster, notes=tuple(notes))


def _cluster(
    job: objects.JobObjects, name: str, after: tuple[str, ...]
) -> Iterator[KubernetesObject]:
    """Yield the cluster; KubeRay writes the commands of its containers itself.

    Source: https://docs.ray.io/en/latest/cluster/kubernetes/user-guides/config.html
    """
    settings = job.context.settings
    wanted = workers.workers(job.context.job)
    scaled = is_scaled(job.context.job)
    store = settings["object_store_memory"]
    head = pods.Container(name="ray-head", amounts=pods.resources(settings, "head"))
    worker = pods.Container(name="ray-worker", amounts=pods.resources(settings))
    spec: dict[str, Any] = {
        "rayVersion": settings["ray_version"],
        "enableInTreeAutoscaling": scaled,
        **({"autoscalerOptions": _autoscaler(settings["idle_timeout_seconds"])} if scaled else {}),
        "headGroupSpec": {
            # The head leads, and the number of workers is the number of those that work.
            "rayStartParams": {"num-cpus": "0"},
            "template": job.template(head),
        },
        "workerGroupSpecs": [
            {
                "groupName": "workers",
                "replicas": wanted.start,
                "minReplicas": wanted.least,
                "maxReplicas": wanted.most,
                "rayStartParams": {"object-store-memory": str(grammar.size(store))}
                if store
                else {},
                "template": job.template(worker),
            }
        ],
    }
    yield job.object(
        "cluster",
        "ray.io/v1",
        "RayCluster",
        {"spec": spec},
        name=name,
        after=after,
        lifecycle=Lifecycle(ignore=(_REPLICAS,) if scaled else ()),
    )


def _autoscaler(idle_timeout: int) -> dict[str, Any]:
    # Without it a namespace with enable_pod_security_policy refuses the container beside the head.
    return {"idleTimeoutSeconds": idle_timeout, "securityContext": pods.CONTAINER_SECURITY}


RAY = Platform(
    name="ray",
    component="RayCluster",
    description="Ray cluster",
    variables=VARIABLES,
    exports=_RAY.exports,
    fields=FIELDS,
    examples=shared.EXAMPLES,
    check=_check,
    check_built=_check_built,
    needs=workers.needs,
    build=_build,
    shared=shared.KINDS,
)
