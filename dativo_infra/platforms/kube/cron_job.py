"""The CronJob that runs a job: suspended, or on a schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dativo_infra.diagnostics import rules
from dativo_infra.names import CRON_JOB
from dativo_infra.platforms import cron
from dativo_infra.platforms.base import Context, Starts, Variable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dativo_infra.model import Job
    from dativo_infra.platforms.kube.objects import JobObjects
    from dativo_infra.resources.kubernetes import KubernetesObject

RUN = Variable(
    name="run",
    type="text",
    default="suspended",
    choices=("suspended", "schedule"),
    meaning="Whether the CronJob runs on its schedule, or only when somebody starts it.",
)
SCHEDULE = Variable(
    name="schedule",
    type="text",
    check=cron.problem,
    examples=("0 3 * * *", "30 4 * * MON-FRI"),
    meaning="When the job runs, as a cron expression; kept while the CronJob is suspended.",
)
VARIABLES = (RUN, SCHEDULE)

EXPORTS = {"kubernetes_cron_job": "CronJob that runs the job."}


def name_of(context: Context) -> str:
    """Return the name of a job's CronJob."""
    return context.name(CRON_JOB)


def is_scheduled(job: Job) -> bool:
    """Return whether a job runs by the clock."""
    return job.variables.get("run") == "schedule"


def starts(context: Context) -> Starts | None:
    """Return who starts the job."""
    return "schedule" if context.settings["run"] == "schedule" else None


def check(context: Context) -> None:
    """Report a schedule that is missing."""
    if context.settings["run"] == "schedule" and "schedule" not in context.job.variables:
        context.report(rules.SCHEDULE_MISSING.at(context.job.locate("metadata.variables", "run")))


def notes(job: JobObjects) -> Iterator[str]:
    """Yield how to start a CronJob that is suspended."""
    if job.context.settings["run"] == "suspended":
        name = name_of(job.context)
        yield (
            "the CronJob is suspended; to run it once: kubectl create job "
            f"--from=cronjob/{name} {name}-1 -n {job.namespace}"
        )


def cron_job(job: JobObjects, after: Iterable[str]) -> KubernetesObject:
    """Return the CronJob of a job, made after the objects with these keys."""
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
    name = name_of(job.context)
    return job.object("cron-job", "batch/v1", "CronJob", {"spec": spec}, name=name, after=after)
