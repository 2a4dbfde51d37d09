"""Kubernetes: a CronJob that runs the job, in a namespace that jobs share."""

from __future__ import annotations

from dativo_infra.platforms.base import (
    Built,
    Context,
    Platform,
    referenced,
    unused,
    used,
)
from dativo_infra.platforms.kube import cron_job, objects, pods, shared
from dativo_infra.platforms.kube.advice import advise

VARIABLES = (*cron_job.VARIABLES, *objects.VARIABLES)

EXPORTS = {**objects.EXPORTS, **cron_job.EXPORTS}

_CLUSTER_FIXED = unused("the cluster's machines are not this job's: a node pool is built elsewhere")

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
    **objects.FIELDS,
}


def _check_built(context: Context) -> None:
    objects.refuse_sharing(context)
    pods.check_amounts(context)
    cron_job.check(context)
    advise(context)


def _build(context: Context) -> Built:
    job = objects.JobObjects(context, {"kubernetes_cron_job": cron_job.name_of(context)})
    before = tuple(job.surroundings())
    return Built(
        resources=(*before, cron_job.cron_job(job, after=[each.key for each in before])),
        exports=job.exports,
        shared=job.shared(),
        notes=(*job.notes(), *cron_job.notes(job)),
        starts=cron_job.starts(context),
    )


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
