"""AWS Fargate: the job's tasks on machines of AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dativo_infra.diagnostics import rules
from dativo_infra.platforms.base import Built, Context, Platform, Variable, unused, used
from dativo_infra.platforms.tasks import checks, cluster, settings, storage
from dativo_infra.platforms.tasks.settings import run_of
from dativo_infra.platforms.tasks.task import Task

if TYPE_CHECKING:
    from collections.abc import Mapping

MEMORY: Mapping[int, tuple[int, ...]] = {
    256: (512, 1024, 2048),
    512: tuple(range(1024, 4096 + 1, 1024)),
    1024: tuple(range(2048, 8192 + 1, 1024)),
    2048: tuple(range(4096, 16384 + 1, 1024)),
    4096: tuple(range(8192, 30720 + 1, 1024)),
    8192: tuple(range(16384, 61440 + 1, 4096)),
    16384: tuple(range(32768, 122880 + 1, 8192)),
    32768: (61440, 122880, 249856),
}
"""MiB of memory that a task may have with each number of CPU units.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html
"""

VARIABLES = (
    *settings.VARIABLES,
    Variable(
        name="enable_spot_instances",
        type="boolean",
        default=False,
        meaning="Tasks run on the spot market, which may stop them with two minutes' notice.",
        uses=(unused("whoever starts the task says so", lambda job: run_of(job) == "task"),),
    ),
    Variable(
        name="assign_public_ip",
        type="boolean",
        default=False,
        meaning="Tasks get a public address, for subnets without a NAT gateway.",
        uses=(unused("whoever starts the task says so", lambda job: run_of(job) == "task"),),
    ),
    Variable(
        name="ephemeral_storage",
        type="number",
        minimum=21,
        maximum=200,
        examples=(50, 100),
        meaning="GiB of a task's own disk, which goes with the task; 20 where not given.",
    ),
)

FIELDS = {
    **settings.FIELDS,
    "runtime.platform": (used("chooses ECS on Fargate"),),
    "runtime.compute.instance_type": (
        unused("Fargate has no machine types: set the variables cpu and memory"),
    ),
}


def _check_size(context: Context) -> None:
    """Report an amount of CPU and memory that Fargate does not have, with the nearest that it has.

    The nearest is the smallest that has enough of both, or else the largest.
    """
    cpu, memory = context.settings["cpu"], context.settings["memory"]
    if memory in MEMORY.get(cpu, ()):
        return
    pairs = [(each, amount) for each, amounts in MEMORY.items() for amount in amounts]
    enough = (pair for pair in pairs if pair[0] >= cpu and pair[1] >= memory)
    near_cpu, near_memory = next(enough, pairs[-1])
    name = "cpu" if cpu not in MEMORY else "memory"
    context.report(
        rules.BAD_VARIABLE.at(
            context.job.locate("metadata.variables", name),
            f"Fargate has no tasks with cpu {cpu} and memory {memory}.",
            remedy=f"The nearest that it has is cpu: {near_cpu} and memory: {near_memory} (MiB).",
        )
    )


def _on_spot(context: Context) -> bool:
    # Who runs a task by hand asks for the spot market in that call.
    return context.settings["enable_spot_instances"] and run_of(context.job) != "task"


def _check_built(context: Context) -> None:
    checks.check_built(context)
    storage.check(context, disks=False)
    _check_size(context)
    scheduled = run_of(context.job) == "schedule"
    if scheduled and _on_spot(context) and context.settings["assign_public_ip"]:
        context.report(
            rules.BAD_VARIABLE.at(
                context.job.locate("metadata.variables", "assign_public_ip"),
                "EventBridge Scheduler gives no public address to tasks on the spot market.",
                remedy="Leave out assign_public_ip or enable_spot_instances. Source: "
                "https://docs.aws.amazon.com/scheduler/latest/APIReference/API_AwsVpcConfiguration.html",
            )
        )


def _build(context: Context) -> Built:
    spot = _on_spot(context)
    task = Task(
        context,
        "FARGATE",
        architecture=cluster.ARCHITECTURES[context.settings["cpu_architecture"] or "x86_64"],
        asked=None if spot else "FARGATE",
        providers=("FARGATE_SPOT",) if spot else (),
        ephemeral_storage=context.settings["ephemeral_storage"],
        assign_public_ip=context.settings["assign_public_ip"],
    )
    return task.built(*cluster.build(context, None, spot=spot))


FARGATE = Platform(
    name="fargate",
    component="EcsService",
    description="Fargate tasks",
    clouds=("aws",),
    variables=VARIABLES,
    exports=settings.EXPORTS,
    fields=FIELDS,
    examples={"runtime.storage.volume_id": storage.FILE_SYSTEMS},
    check=checks.check,
    check_built=_check_built,
    needs=settings.needs,
    build=_build,
    shared=cluster.SHARED,
)
