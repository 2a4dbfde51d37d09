"""Kubernetes: a CronJob that runs the job, in a namespace that jobs share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dativo_infra.diagnostics import rules
from dativo_infra.names import CRON_JOB
from dativo_infra.platforms import cron
from dativo_infra.platforms.base import (
    Built,
    Context,
    Platform,
    Variable,
    referenced,
    unused,
    used,
)
from dativo_infra.platforms.kube import objects, pods, shared
from dativo_infra.platforms.kube.advice import advise

if TYPE_CHECKING:
    from dativo_infra.resources.kubernetes import KubernetesObject

VARIABLES = (
    Variable(
        name="run",
        type="text",
        default="suspended",
        choices=("suspended", "schedule"),
        meaning="Whether the CronJob runs on its schedule, or only when somebody starts it.",
    ),
    Variable(
        name="schedule",
        type="text",
        check=cron.problem,
        examples=("0 3 * * *", "30 4 * * MON-FRI"),
        meaning="When the job runs, as a cron expression; kept while the CronJob is suspended.",
    ),
    *objects.VARIABLES,
)

EXPORTS = {
    **objects.EXPORTS,
    "kubernetes_cron_job": "CronJob that runs the job.",
}

_CLUSTER_FIXED = unused("the cluster's machines are not this job's: a node pool is built elsewhere")
_CLUSTER_NETWORK = unused("pods get the network of the cluster, which is built elsewhere")

FIELDS = {
    "runtime.platform": (used("chooses Kubernetes"),),
    "runtime.compute.cluster_id": (
        referenced("the cluster that the target's context must lead to; objects are built in it"),
    ),
    "runtime.compute.instance_type": (_CLUSTER_FIXED,),
    "runtime.compute.instance_count": (_CLUSTER_FIXED,),
    "runtime.compute.auto_scaling.enabled": (_CLUSTER_FIXED,),
    "runtime.compute.auto_scaling.min_instances": (_CLUSTER_FIXED,),
    "runtime.compute.auto_scaling.max_instances": (_CLUSTER_FIXED,),
    "runtime.network.vpc_id": (_CLUSTER_NETWORK,),
    "runtime.network.subnet_ids": (_CLUSTER_NETWORK,),
    "runtime.network.security_group_ids": (_CLUSTER_NETWORK,),
    **objects.FIELDS,
}


def _check_built(context: Context) -> None:
    objects.refuse_sharing(context)
    pods.check_amounts(context)
    settings = context.settings
    if settings["run"] == "schedule" and "schedule" not in context.job.variables:
        context.report(rules.SCHEDULE_MISSING.at(context.job.locate("metadata.variables", "run")))
    advise(context)


def _build(context: Context) -> Built:
    settings = context.settings
    name = context.name(CRON_JOB)
    job = objects.JobObjects(context, {"kubernetes_cron_job": name})
    before = tuple(job.surroundings())
    notes = list(job.notes())
    if settings["run"] == "suspended":
        notes.append(
            "the CronJob is suspended; to run it once: kubectl create job "
            f"--from=cronjob/{name} {name}-1 -n {job.namespace}"
        )
    return Built(
        resources=(*before, _cron_job(job, name, after=tuple(each.key for each in before))),
        exports=job.exports,
        shared=job.shared(),
        notes=tuple(notes),
        starts="schedule" if settings["run"] == "schedule" else None,
    )


def _cron_job(job: objects.JobObjects, name: str, after: tuple[str, ...]) -> KubernetesObject:
    settings = job.context.settings
    template = job.pod_template()
    spec = {
        # A suspended CronJob still needs a schedule; this one never starts it.
        "schedule": settings["schedule"] or "0 0 * * *",
        "suspend": settings["run"] != "schedule",
        # Two runs at once would write one catalog branch.
        "concurrencyPolicy": "Forbid",
        "jobTemplate": {
            "metadata": template["metadata"],
            "spec": {"backoffLimit": 0, "template": template},
        },
    }
    return job.object("cron-job", "batch/v1", "CronJob", {"spec": spec}, name=name, after=after)


KUBERNETES = Platform(
    name="kubernetes",
    component="KubernetesJob",
    description="Kubernetes objects",
    variables=VARIABLES,
    exports=EXPORTS,
    fields=FIELDS,
    examples=shared.EXAMPLES,
    check=objects.check,
    check_built=_check_built,
    needs=shared.needs,
    build=_build,
    shared=shared.KINDS,
)
