"""Spark: an application that its operator runs, or a job on a Spark cluster that exists."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dativo_infra.diagnostics import rules
from dativo_infra.names import SPARK_APPLICATION
from dativo_infra.platforms import reach
from dativo_infra.platforms.base import (
    Built,
    Context,
    Platform,
    Variable,
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
from dativo_infra.platforms.kube.workers import CLUSTER_ID
from dativo_infra.platforms.spark_application import (
    ENTRY_POINT,
    LEAST_HEAP,
    LEAST_OVERHEAD,
    MAKES_PODS,
    application,
    container_memory,
    heap,
    runs_on_deploy,
)
from dativo_infra.values import Text, concat, show

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_WORDS = workers.Words(workers="executors", leader="driver", scaler="Spark's dynamic allocation")
_KEPT_LABELS = (
    "sparkoperator.k8s.io/",
    "spark-app-",
    "spark-exec-",
    "spark-role",
    "spark-version",
)
"""Source: https://spark.apache.org/docs/latest/running-on-kubernetes.html"""
_MASTERS = {"spark": 7077, "sc": 15002}
"""The schemes of what exists: a master, and a server of Spark Connect; each with its usual port."""
_DRIVER_PORT, _BLOCK_PORT, _LAST_BLOCK_PORT = 7078, 7079, 7095
"""Where executors elsewhere find the driver, and the ports that are tried to send blocks by.

Source: https://spark.apache.org/docs/latest/security.html#configuring-ports-for-network-security
"""


def _version(text: str) -> str | None:
    if re.fullmatch(r"[3-9]\.\d+\.\d+", text):
        return None
    return "must be a version from 3.0.0 on, such as 3.5.7"


def _amounts(part: str, what: str) -> tuple[Variable, ...]:
    return (
        Variable(
            name=f"{part}_cores",
            type="number",
            minimum=1,
            examples=(2, 4),
            meaning=f"Tasks at once of {what}; the whole CPUs that it asks for where not given.",
            uses=(workers.ONLY_REFERRED,),
        ),
        Variable(
            name=f"{part}_memory",
            type="text",
            check=grammar.quantity,
            examples=("4Gi", "6Gi"),
            meaning=f"Memory of the container of {what}, JVM and Python together; "
            "resource_limits_memory where not given, else resource_requests_memory.",
            uses=(workers.ONLY_REFERRED,),
        ),
    )


VARIABLES = (
    Variable(
        name="run",
        type="text",
        default="suspended",
        choices=("suspended", "schedule", "deploy"),
        meaning="Whether the job runs only when somebody starts it, on its schedule, or once when "
        "it is deployed and again when what it runs has changed.",
    ),
    Variable(
        name="schedule",
        type="text",
        check=cron_job.SCHEDULE.check,
        examples=cron_job.SCHEDULE.examples,
        meaning="When the job runs with `run: schedule`, as a cron expression.",
        uses=(
            unused(
                "run is not schedule",
                lambda job: not refers(job) and not cron_job.is_scheduled(job),
            ),
        ),
    ),
    Variable(
        name="spark_version",
        type="text",
        default={"2026-11": "3.5.7"},
        check=_version,
        examples=("4.0.1", "3.5.3"),
        meaning="Version of Spark in the image.",
        uses=(workers.ONLY_REFERRED,),
    ),
    *_amounts("driver", "the driver"),
    *_amounts("executor", "each executor"),
    *objects.VARIABLES,
)

EXPORTS = {
    **objects.EXPORTS,
    **cron_job.EXPORTS,
    "spark_application": "SparkApplication of the job.",
    "spark_scheduled_application": "ScheduledSparkApplication that runs the job by the clock.",
    "spark_master": "Address of the Spark cluster that exists.",
}

FIELDS = {
    **objects.FIELDS,
    **workers.fields(_WORDS),
    "runtime.platform": (used("chooses Spark on Kubernetes"),),
    "metadata.annotations": (
        used(
            "annotations of every object; not of pods, as with `run: deploy` a change would start "
            "the job again",
            lambda job: runs_on_deploy(job) and not refers(job),
        ),
        *objects.FIELDS["metadata.annotations"],
    ),
}

EXAMPLES = {
    **shared.EXAMPLES,
    CLUSTER_ID: ("spark://spark-master.spark:7077", "sc://connect.example.com:15002"),
}


def _check(context: Context) -> None:
    objects.check(context)
    workers.check_labels(context, _KEPT_LABELS, "Spark or its operator")


def _check_built(context: Context) -> None:
    objects.refuse_sharing(context)
    pods.check_amounts(context)
    cron_job.check(context)
    advise(context)
    if refers(context.job):
        _check_existing(context)
    else:
        for part in ("driver", "executor"):
            _check_amounts(context, part)


def _check_existing(context: Context) -> None:
    given = context.get(CLUSTER_ID)
    if isinstance(given, str) and not _is_master(given):
        context.report(
            rules.NO_CLUSTER.at(
                context.origin(CLUSTER_ID),
                f"`{given}` is neither a master such as spark://host:7077 nor a server of Spark "
                "Connect such as sc://host:15002.",
            )
        )
    if runs_on_deploy(context.job):
        context.report(
            rules.BAD_VARIABLE.at(
                context.job.locate("metadata.variables", "run"),
                "`run: deploy` starts a SparkApplication, and none is built beside a cluster_id.",
                remedy="Write `run: schedule`, or leave it out and start the CronJob by hand.",
            )
        )


def _is_master(text: str) -> bool:
    # A master that has stand-ins is named with them: spark://one:7077,two:7077.
    scheme, _, hosts = text.partition("://")
    each = hosts.split(",") if scheme == "spark" else [hosts]
    return all(clusters.is_address(f"{scheme}://{host}", tuple(_MASTERS)) for host in each)


def _check_amounts(context: Context, part: str) -> None:
    settings, job = context.settings, context.job
    memory = container_memory(settings, part)
    if memory and heap(memory) < LEAST_HEAP:
        given = f"{part}_memory"
        known = ("resource_limits_memory", "resource_requests_memory")
        name = next(each for each in (given, *known) if settings[each])
        least = LEAST_HEAP + LEAST_OVERHEAD
        context.report(
            rules.TOO_LITTLE_MEMORY.at(
                job.locate("metadata.variables", name),
                f"{memory} is too little for the {part}: it needs {least}Mi at least.",
            )
        )
    cores, limit = settings[f"{part}_cores"], settings["resource_limits_cpu"]
    if cores and limit and not settings["resource_requests_cpu"] and cores > grammar.amount(limit):
        context.report(
            rules.BAD_VARIABLE.at(
                job.locate("metadata.variables", f"{part}_cores"),
                f"`{part}_cores` is more than `resource_limits_cpu`, and so is asked for.",
                remedy="Ask for no more than the limit, or set resource_requests_cpu.",
            )
        )


def _build(context: Context) -> Built:
    return _existing(context) if refers(context.job) else _application(context)


def _existing(context: Context) -> Built:
    master: Text = context.get(CLUSTER_ID)
    is_connect = isinstance(master, str) and master.startswith("sc://")
    exports = {"spark_master": master, "kubernetes_cron_job": cron_job.name_of(context)}
    job = objects.JobObjects(
        context,
        exports,
        environment=_connect(master) if is_connect else _submit(master),
        traffic=_traffic(master, is_connect=is_connect),
    )
    before = tuple(job.surroundings())
    runs = cron_job.cron_job(job, after=[each.key for each in before])
    uses = f"uses the Spark cluster at {show(master)}; none is built"
    return Built(
        resources=(*before, runs),
        exports=job.exports,
        shared=job.shared(),
        notes=(uses, *job.notes(), *cron_job.notes(job)),
        starts=cron_job.starts(context),
    )


def _connect(server: Text) -> Mapping[str, Text]:
    """Return what tells PySpark of a server of Spark Connect.

    Source: https://spark.apache.org/docs/latest/spark-connect-overview.html
    """
    return {"SPARK_REMOTE": server}


def _submit(master: Text) -> Mapping[str, Text]:
    """Return what tells PySpark of a master, with ports that a network policy can name."""
    ports = f"--conf spark.driver.port={_DRIVER_PORT} --conf spark.blockManager.port={_BLOCK_PORT}"
    return {"PYSPARK_SUBMIT_ARGS": concat("--master ", master, f" {ports} pyspark-shell")}


def _traffic(master: Text, *, is_connect: bool) -> network.Traffic:
    if is_connect:
        return network.Traffic(endpoints=(clusters.endpoint(master, _MASTERS["sc"]),))
    hosts = master.removeprefix("spark://").split(",") if isinstance(master, str) else ()
    named = tuple(clusters.endpoint(f"spark://{each}", _MASTERS["spark"]) for each in hosts)
    tried = f"{_BLOCK_PORT} to {_LAST_BLOCK_PORT}"
    blocks = {"protocol": "TCP", "port": _BLOCK_PORT, "endPort": _LAST_BLOCK_PORT}
    driver = {"from": network.anywhere(), "ports": [*network.tcp(_DRIVER_PORT), blocks]}
    return network.Traffic(
        endpoints=named or (reach.Endpoint(_MASTERS["spark"], "", CLUSTER_ID),),
        ingress=(driver,),
        egress=({"to": network.anywhere(), "ports": [blocks]},),
        notes=(
            f"ports {_DRIVER_PORT} and {tried} of the pod are open, for executors",
            f"pods reach: ports {tried} of any host, for executors",
        ),
    )


def _application(context: Context) -> Built:
    name = context.name(SPARK_APPLICATION)
    scheduled = cron_job.is_scheduled(context.job)
    job = objects.JobObjects(
        context,
        {"spark_scheduled_application" if scheduled else "spark_application": name},
        rules=(MAKES_PODS,),
        traffic=network.Traffic(within=True, api_server=True),
    )
    before = tuple(job.surroundings())
    return Built(
        resources=(*before, *application(job, name, before)),
        exports=job.exports,
        shared=job.shared(),
        notes=(*_notes(job, name), *job.notes()),
        starts=cron_job.starts(context),
    )


def _notes(job: objects.JobObjects, name: str) -> Iterator[str]:
    yield f"the image must hold Spark of the version given, its {ENTRY_POINT}, and the runner"
    yield f"Spark's operator must watch the namespace {job.namespace} (its spark.jobNamespaces)"
    run = job.context.settings["run"]
    if run == "deploy":
        yield (
            "the job runs when it is deployed, and again when what it runs has changed (image, "
            "amounts, executors); a changed label, annotation or tag does not start it"
        )
    elif run == "suspended":
        changes = (
            f'{{"metadata": {{"name": "{name}-1", "resourceVersion": null}}, '
            '"spec": {"suspend": false}}'
        )
        yield (
            "the SparkApplication is suspended, and runs are copied from it; to run it once: "
            f"kubectl patch sparkapplication {name} -n {job.namespace} --type merge "
            f"--dry-run=client -o json -p '{changes}' | kubectl create -f -"
        )


SPARK = Platform(
    name="spark",
    component="SparkApplication",
    description="Spark application",
    variables=VARIABLES,
    exports=EXPORTS,
    fields=FIELDS,
    examples=EXAMPLES,
    check=_check,
    check_built=_check_built,
    needs=workers.needs,
    build=_build,
    shared=shared.KINDS,
)
