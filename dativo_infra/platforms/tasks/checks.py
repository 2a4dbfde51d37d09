"""What ECS refuses, and what will work but probably not as meant."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dativo_infra.diagnostics import rules
from dativo_infra.platforms import aws, rights, runner, shapes
from dativo_infra.platforms.tasks.settings import (
    CLUSTER_NAME,
    is_runner,
    is_service,
    run_of,
    tasks_wanted,
)

if TYPE_CHECKING:
    from dativo_infra.platforms.base import Context

RETENTIONS = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
)  # fmt: skip
"""Days that CloudWatch Logs may keep logs for.

Source: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
"""


def check(context: Context) -> None:
    """Report what does not look like what it should be, whoever owns the job."""
    shapes.check(context)
    aws.check_role(context)
    runner.check_mount_path(context)
    cluster = context.get("runtime.compute.cluster_id")
    arn = f"arn:aws[a-z-]*:ecs:[a-z0-9-]+:[0-9]{{12}}:cluster/{CLUSTER_NAME}"
    if isinstance(cluster, str) and not re.fullmatch(f"{CLUSTER_NAME}|{arn}", cluster):
        context.report(
            rules.SUSPICIOUS_SHAPE.at(
                context.origin("runtime.compute.cluster_id"),
                f"`{cluster}` is neither the name nor the ARN of a cluster.",
            )
        )


def check_built(context: Context) -> None:
    """Report what tasks that are built cannot have."""
    rights.check(context)
    job, settings = context.job, context.settings
    _check_cluster(context)
    days = settings["log_retention_days"]
    if days not in RETENTIONS:
        nearest = min(RETENTIONS, key=lambda each: (abs(each - days), -each))
        context.report(
            rules.BAD_VARIABLE.at(
                job.locate("metadata.variables", "log_retention_days"),
                f"CloudWatch Logs does not keep logs for {days} days.",
                remedy=f"The nearest number that it knows is {nearest}.",
            )
        )
    if run_of(job) == "schedule" and "schedule" not in job.variables:
        context.report(rules.SCHEDULE_MISSING.at(job.locate("metadata.variables", "run")))
    if not is_service(job) and len(context.jobs) > 1:
        other = context.jobs[1]
        context.report(
            rules.UNIT_DISAGREES.at(
                other.locate("name"),
                "A task runs one job, so two can share one name only as a service.",
                remedy="Give each its own infrastructure.name; they may share a cluster_name.",
                related=[(context.origin("name"), "the other job")],
            )
        )
    if is_service(job) and is_runner(job) and tasks_wanted(context) > 1:
        context.report(
            rules.SEVERAL_RUNNERS.at(
                context.origin("runtime.compute"),
                f"The service may have {tasks_wanted(context)} tasks, and each starts every job of "
                f"{runner.RUNNER_CONFIG}.",
            )
        )
    _check_outputs(context)
    volume = context.get("runtime.storage.volume_id") is not None
    remedy = "Give runtime.storage.volume_id, such as a file system of EFS (fs-...)."
    runner.advise(context, has_volume=volume, remedy=remedy)


def _check_cluster(context: Context) -> None:
    cluster = context.get("runtime.compute.cluster_id")
    if isinstance(cluster, str) and not re.fullmatch(r"[\w-]+|arn:.*/[\w-]+", cluster):
        context.report(
            rules.BAD_NAME.at(
                context.origin("runtime.compute.cluster_id"),
                f"`{cluster}` is neither the name nor the ARN of a cluster, as it stands in "
                "policies.",
            )
        )


def _check_outputs(context: Context) -> None:
    """Report outputs that belong to another kind of run."""
    belongs = {
        "ecs_service_name": "service",
        "ecs_service_arn": "service",
        "ecs_schedule_arn": "schedule",
    }
    for job in context.jobs:
        for alias, text in (job.get("outputs") or {}).items():
            wanted = belongs.get(text.removeprefix("output."))
            if wanted and wanted != run_of(job):
                context.report(
                    rules.UNKNOWN_OUTPUT.at(
                        job.locate("outputs", alias),
                        f"`{text}` is there with `run: {wanted}` alone; this job has "
                        f"`run: {run_of(job)}`.",
                        remedy=f"Remove it, or set `run: {wanted}`.",
                    )
                )
