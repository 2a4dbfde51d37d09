"""Amazon ECS on EC2: the job's tasks on machines that are built for them, or that exist."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dativo_infra.platforms.base import (
    Built,
    Context,
    Platform,
    Use,
    Variable,
    is_scaled,
    refers,
    unused,
    used,
)
from dativo_infra.platforms.tasks import checks, cluster, settings, storage
from dativo_infra.platforms.tasks.settings import fixed_tasks, is_service, names_cluster
from dativo_infra.platforms.tasks.task import Task
from dativo_infra.values import Ref

if TYPE_CHECKING:
    from dativo_infra.model import Job

_SCALING = "runtime.compute.auto_scaling"
_MACHINES_EXIST = unused("the cluster exists, with its own machines", refers)
_NOT_SERVICE = unused("only a service has several tasks", lambda job: not is_service(job))


def _machine_image(image: str) -> str | None:
    if image.startswith(("ami-", "resolve:ssm:")):
        return None
    return "must be an image's id, ami-..., or resolve:ssm:PARAMETER"


VARIABLES = (
    *settings.VARIABLES,
    Variable(
        name="tasks",
        type="number",
        minimum=1,
        examples=(2, 4),
        meaning="Number of the service's tasks; without it one for each machine.",
        uses=(_NOT_SERVICE,),
    ),
    Variable(
        name="enable_spot_instances",
        type="boolean",
        default=False,
        meaning="Machines come from the spot market, which may stop them with two minutes' notice.",
        uses=(_MACHINES_EXIST,),
    ),
    Variable(
        name="root_volume_size",
        type="number",
        default=30,
        minimum=30,
        maximum=16384,
        examples=(50, 100),
        meaning="GiB of a machine's own disk, which holds images and goes with the machine.",
        uses=(_MACHINES_EXIST,),
    ),
    Variable(
        name="machine_image",
        type="text",
        check=_machine_image,
        examples=("ami-0a1b2c3d4e5f60718", "resolve:ssm:/acme/ecs-image"),
        meaning="Image of the machines; the one that ECS recommends at each start if not given.",
        uses=(_MACHINES_EXIST,),
    ),
)

_BUILT = used("machines and tasks", lambda job: not refers(job))
_FIXED = unused(
    "the number of tasks is fixed by variables.tasks",
    lambda job: refers(job) and fixed_tasks(job),
)


def _limit(words: str) -> tuple[Use, ...]:
    machines = used(
        f"{words} machines, and tasks unless variables.tasks", lambda job: not refers(job)
    )
    tasks = used(f"{words} tasks")
    return (settings.NOT_ENABLED, _FIXED, machines, settings.NO_SERVICE, tasks)


FIELDS = {
    **settings.FIELDS,
    "runtime.platform": (used("chooses ECS on EC2"),),
    "runtime.compute.instance_type": (_MACHINES_EXIST, used("type of the cluster's machines")),
    "runtime.compute.instance_count": (
        unused("one task is started at a time", lambda job: refers(job) and not is_service(job)),
        unused(
            "what is scaled starts at min_instances: a count would undo the scaling at each update",
            is_scaled,
        ),
        unused("variables.tasks says how many", lambda job: refers(job) and fixed_tasks(job)),
        used("number of tasks", refers),
        used("number of machines; the service has one task for each, or variables.tasks"),
    ),
    f"{_SCALING}.enabled": (
        _FIXED,
        used(
            "machines follow the tasks, and tasks their CPU and memory use",
            lambda job: not refers(job),
        ),
        *settings.FIELDS[f"{_SCALING}.enabled"],
    ),
    f"{_SCALING}.min_instances": _limit("fewest"),
    f"{_SCALING}.max_instances": _limit("most"),
    "runtime.network.subnet_ids": (_BUILT, *settings.FIELDS["runtime.network.subnet_ids"]),
    "runtime.network.security_group_ids": (
        _BUILT,
        *settings.FIELDS["runtime.network.security_group_ids"],
    ),
}


def _needs(job: Job) -> tuple[str, ...]:
    wanted = set(settings.needs(job))
    if not refers(job):
        wanted |= {"runtime.compute.instance_type", "runtime.network.subnet_ids"}
        if is_scaled(job):
            wanted |= {f"{_SCALING}.min_instances", f"{_SCALING}.max_instances"}
    return tuple(sorted(wanted))


def _check_built(context: Context) -> None:
    checks.check_built(context)
    own = not refers(context.job) and not names_cluster(context.job)
    storage.check(context, disks=own)


def _build(context: Context) -> Built:
    wanted = None if refers(context.job) else cluster.machines(context)
    given = context.settings["cpu_architecture"]
    own, shared = cluster.build(context, wanted)
    task = Task(
        context,
        "EC2",
        architecture=wanted.architecture if wanted else cluster.ARCHITECTURES[given or "x86_64"],
        # What a service does not say ECS fills in, which some tools take for a change.
        providers=(Ref("capacity-provider", "name"),) if own else (),
    )
    # Replacing machines would stop tasks at a time that nobody chose.
    note = "machines that run keep their type, image and tags until they are replaced"
    return task.built(own, shared, (note,) if wanted else ())


ECS = Platform(
    name="ecs",
    component="EcsService",
    description="ECS tasks",
    clouds=("aws",),
    variables=VARIABLES,
    exports=settings.EXPORTS,
    fields=FIELDS,
    examples={"runtime.storage.volume_id": (*storage.FILE_SYSTEMS, storage.DISK)},
    check=checks.check,
    check_built=_check_built,
    needs=_needs,
    build=_build,
    shared=cluster.SHARED,
)
