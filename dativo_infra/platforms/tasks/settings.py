"""What a job says about its tasks: how they run, the variables, and what becomes of each field."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from dativo_infra.platforms import cron, rights, runner
from dativo_infra.platforms.base import (
    Context,
    Use,
    Variable,
    is_scaled,
    referenced,
    refers,
    unused,
    used,
)
from dativo_infra.platforms.tasks import storage
from dativo_infra.values import Concat, Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dativo_infra.model import Job

CLUSTER_NAME = "[A-Za-z0-9_-]{1,255}"
_SCALING = "runtime.compute.auto_scaling"


def run_of(job: Job) -> str:
    """Return how the job runs: `service`, `task` or `schedule`."""
    return job.variables.get("run") or "service"


def is_service(job: Job) -> bool:
    """Return whether the job runs as a service."""
    return run_of(job) == "service"


def is_runner(job: Job) -> bool:
    """Return whether the container runs the runner's own command."""
    return "command" not in job.variables


def fixed_tasks(job: Job) -> bool:
    """Return whether a variable fixes the number of tasks, whatever the number of machines."""
    return job.get("runtime.platform") == "ecs" and "tasks" in job.variables


def scales_tasks(job: Job) -> bool:
    """Return whether the number of a service's tasks is scaled."""
    return is_service(job) and is_scaled(job) and not fixed_tasks(job)


def names_cluster(job: Job) -> bool:
    """Return whether the job names a cluster that it shares with other jobs."""
    return "cluster_name" in job.variables and not refers(job)


def tasks_wanted(context: Context) -> int:
    """Return how many tasks a service has, or may have."""
    if scales_tasks(context.job):
        return context.get(f"{_SCALING}.max_instances") or 1
    return context.settings.get("tasks") or context.get("runtime.compute.instance_count") or 1


def _image(image: Text) -> str | None:
    """Return what is wrong with an image, of which the tag may be known late."""
    known = image if isinstance(image, str) else ""
    if isinstance(image, Concat) and isinstance(image.parts[0], str):
        # The right to pull is given for one repository, so that must be known.
        known = image.parts[0] if re.search(r"/[^/]*[:@]", image.parts[0]) else ""
    return (
        None
        if re.match(r"\S+", known) and " " not in known
        else (
            "must be an image such as registry/name:tag, of which the tag alone may be known late"
        )
    )


def _cluster_name(text: str) -> str | None:
    good = re.fullmatch(CLUSTER_NAME, text)
    return None if good else "must be at most 255 letters, digits, `-` and `_`"


_NOT_SCALED = unused(
    "auto_scaling is not enabled, or the number of tasks is fixed",
    lambda job: not scales_tasks(job),
)
_CLUSTER_EXISTS = unused("the cluster exists, with its own settings", refers)

VARIABLES = (
    replace(runner.IMAGE, check=_image, meaning=f"{runner.IMAGE.meaning} Its tag may be late."),
    Variable(
        name="run",
        type="text",
        default="service",
        choices=("service", "task", "schedule"),
        meaning="service: the long-running runner, kept up; task: a task definition that somebody "
        "else starts; schedule: EventBridge Scheduler starts the job.",
    ),
    Variable(
        name="schedule",
        type="text",
        check=cron.event_bridge_problem,
        examples=("0 3 * * *", "30 4 * * MON-FRI"),
        meaning="When the job is started, as a cron expression of five fields, in UTC.",
        uses=(unused("run is not schedule", lambda job: run_of(job) != "schedule"),),
    ),
    Variable(
        name="command",
        type="texts",
        examples=(("validate",), ("run", "--all")),
        meaning="Arguments of the image's entry point, instead of the runner's own for `run`.",
    ),
    Variable(
        name="runner_config",
        type="text",
        default=runner.RUNNER_CONFIG,
        examples=("/app/configs/small.yaml", "/app/configs/large.yaml"),
        meaning="File in the image by which the long-running runner starts jobs.",
        uses=(
            unused("only the long-running runner reads it", lambda job: not is_service(job)),
            unused("the command given says what runs", lambda job: not is_runner(job)),
        ),
    ),
    Variable(
        name="cpu",
        type="number",
        default=1024,
        minimum=128,
        examples=(512, 2048),
        meaning="CPU units of a task; 1024 are one vCPU.",
    ),
    Variable(
        name="memory",
        type="number",
        default=2048,
        minimum=128,
        examples=(4096, 8192),
        meaning="Memory of a task, in MiB.",
    ),
    Variable(
        name="cpu_architecture",
        type="text",
        choices=("x86_64", "arm64"),
        meaning="Processor of the image; where not given that of the machine type, or x86_64.",
    ),
    Variable(
        name="log_retention_days",
        type="number",
        default=90,
        examples=(30, 365),
        meaning="Days that logs are kept: one of those that CloudWatch Logs allows.",
    ),
    Variable(
        name="cluster_name",
        type="text",
        check=_cluster_name,
        examples=("ingestion", "reporting"),
        meaning="Name of a cluster that is built for all jobs that name it; without it each job "
        "has its own.",
        uses=(unused("cluster_id names a cluster that exists", refers),),
    ),
    Variable(
        name="container_insights",
        type="boolean",
        default=False,
        meaning="CloudWatch collects metrics of the cluster's tasks, which costs.",
        uses=(_CLUSTER_EXISTS,),
    ),
    Variable(
        name="scaling_cpu_percent",
        type="number",
        default=70,
        minimum=1,
        maximum=100,
        examples=(50, 60),
        meaning="Mean CPU use of the tasks that auto-scaling keeps.",
        uses=(_NOT_SCALED,),
    ),
    Variable(
        name="scaling_memory_percent",
        type="number",
        default=80,
        minimum=1,
        maximum=100,
        examples=(60, 70),
        meaning="Mean memory use of the tasks that auto-scaling keeps.",
        uses=(_NOT_SCALED,),
    ),
)

NO_SERVICE = unused("only a service is scaled", lambda job: not is_service(job))
NOT_ENABLED = unused("auto_scaling is not enabled", lambda job: not is_scaled(job))
_IN_ENVIRONMENT = used("an environment variable of the container")
FIELDS: Mapping[str, tuple[Use, ...]] = {
    **rights.FIELDS,
    **storage.FIELDS,
    "runtime.compute.cluster_id": (referenced("the cluster that the job runs in; none is built"),),
    f"{_SCALING}.enabled": (
        NO_SERVICE,
        used("the number of tasks is scaled by their CPU and memory use"),
    ),
    **{
        f"{_SCALING}.{limit}_instances": (NO_SERVICE, NOT_ENABLED, used(f"{words} tasks"))
        for limit, words in (("min", "fewest"), ("max", "most"))
    },
    "runtime.compute.instance_count": (
        unused("one task is started at a time", lambda job: not is_service(job)),
        unused(
            "a service that is scaled starts at min_instances: a count would undo the scaling at "
            "each update",
            is_scaled,
        ),
        used("number of tasks"),
    ),
    "runtime.storage.bucket": (
        referenced(
            "the container is told its name; the role given must allow it", rights.role_given
        ),
        used(
            "the container is told its name; the task role may list, read, write and delete in it"
        ),
    ),
    "runtime.network.vpc_id": (referenced("ECS finds the VPC by the subnets"),),
    "runtime.network.subnet_ids": (
        unused("whoever starts the task says where", lambda job: run_of(job) == "task"),
        used("subnets of the tasks"),
    ),
    "runtime.network.security_group_ids": (
        unused("whoever starts the task says where", lambda job: run_of(job) == "task"),
        used("security groups of the tasks"),
    ),
    "runtime.namespace": (unused("ECS has no namespaces"),),
    "runtime.service_account": (used("role of the tasks; none is built"),),
    "metadata.tags": (used("tags on every resource and on each task"),),
    "metadata.labels": (unused("labels are for Kubernetes objects"),),
    "metadata.annotations": (unused("annotations are for Kubernetes objects"),),
    "resources.database.endpoint": (_IN_ENVIRONMENT,),
    "resources.database.port": (_IN_ENVIRONMENT,),
    "resources.database.database_name": (_IN_ENVIRONMENT,),
    "resources.database.instance_id": (referenced("the instance behind the endpoint"),),
    "resources.cache.endpoint": (_IN_ENVIRONMENT,),
    "resources.cache.cluster_id": (referenced("the cluster behind the endpoint"),),
    "resources.queue.url": (_IN_ENVIRONMENT,),
    "resources.secrets.secret_manager_arn": (
        unused(
            runner.NOT_TOLD,
            lambda job: not runner.knows_secret(job),
        ),
        used(
            "the runner's secret manager setting; the role given must allow it", rights.role_given
        ),
        used("the runner's secret manager setting, and the task role may read it"),
    ),
}

EXPORTS = {
    "ecs_cluster_name": "Name of the cluster.",
    "ecs_cluster_arn": "ARN of the cluster.",
    "ecs_task_family": "Name of the task definition, without a revision.",
    "ecs_task_definition_arn": "ARN of the task definition's revision.",
    "ecs_task_role_arn": "ARN of the role that the job's container has.",
    "ecs_log_group": "Log group that the container writes to.",
    "ecs_service_name": "Name of the service; with run: service.",
    "ecs_service_arn": "ARN of the service; with run: service.",
    "ecs_schedule_arn": "ARN of the schedule; with run: schedule.",
}


def needs(job: Job) -> tuple[str, ...]:
    """Return the fields that a job must set for its tasks to be built."""
    wanted = ["runtime.network.subnet_ids"] if run_of(job) != "task" else []
    if scales_tasks(job):
        wanted += [f"{_SCALING}.min_instances", f"{_SCALING}.max_instances"]
    return tuple(wanted)
