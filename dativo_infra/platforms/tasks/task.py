"""What a job runs in, and what starts it: roles, logs, task definition, service or schedule."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dativo_infra.names import ECS_FAMILY
from dativo_infra.platforms import aws, cron, rights, runner
from dativo_infra.platforms.base import Built, Context
from dativo_infra.platforms.tasks import storage
from dativo_infra.platforms.tasks.cluster import place
from dativo_infra.platforms.tasks.settings import (
    is_runner,
    is_service,
    run_of,
    scales_tasks,
    tasks_wanted,
)
from dativo_infra.resources import Lifecycle, Resource
from dativo_infra.resources.application_autoscaling import ScalableTarget, ScalingPolicy
from dativo_infra.resources.ecs import (
    Architecture,
    Container,
    EcsService,
    EcsTaskDefinition,
    LaunchType,
    Mount,
)
from dativo_infra.resources.iam import IamRole
from dativo_infra.resources.logs import LogGroup
from dativo_infra.resources.scheduler import Schedule
from dativo_infra.resources.secretsmanager import SecretsManagerSecret
from dativo_infra.values import Ref, Text, concat, has_secret, show

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from dativo_infra.platforms.base import Shared, Starts

_SERVICE = "ecs-tasks.amazonaws.com"
_ECR = re.compile(
    r"(?P<account>[0-9]{12})\.dkr[.-]ecr(-fips)?\.(?P<region>[a-z0-9-]+)\."
    r"(amazonaws\.com(\.cn)?|on\.aws)/"
    r"(?P<repository>[^:@]+)"
)
_METRICS: Mapping[str, tuple[str, str]] = {
    "cpu-scaling": ("ECSServiceAverageCPUUtilization", "scaling_cpu_percent"),
    "memory-scaling": ("ECSServiceAverageMemoryUtilization", "scaling_memory_percent"),
}
"""By the key of a policy: its metric, and the variable that says what is kept."""


class Task:
    """The resources of one job's tasks, each made once from the job's context."""

    def __init__(
        self,
        context: Context,
        launch_type: LaunchType,
        *,
        architecture: Architecture,
        asked: LaunchType | None = None,
        providers: tuple[Text, ...] = (),
        ephemeral_storage: int | None = None,
        assign_public_ip: bool = False,
    ) -> None:
        """Take the job's context and where its tasks run.

        Args:
            context: The job.
            launch_type: What the task definition is for.
            architecture: The processor.
            asked: The launch type that services and schedules ask for; with neither this nor
                `providers` the cluster's default capacity providers are meant.
            providers: The capacity providers that they ask for.
            ephemeral_storage: GiB of Fargate's own disk.
            assign_public_ip: Whether tasks get a public address.
        """
        self.context = context
        self.settings = context.settings
        self.launch_type: LaunchType = launch_type
        self.architecture: Architecture = architecture
        self.ephemeral_storage = ephemeral_storage
        self.cluster = place(context)
        self.state = storage.state(context)
        self.placement: dict[str, Any] = {
            "launch_type": asked,
            "capacity_providers": providers,
            "subnet_ids": context.get("runtime.network.subnet_ids") or (),
            "security_group_ids": context.get("runtime.network.security_group_ids") or (),
            "assign_public_ip": assign_public_ip,
        }
        environment = dict(self._environment())
        self.environment = {
            name: value for name, value in environment.items() if not has_secret(value)
        }
        self.secrets = {name: value for name, value in environment.items() if has_secret(value)}

    def built(
        self,
        before: tuple[Resource, ...] = (),
        shared: tuple[Shared, ...] = (),
        notes: Iterable[str] = (),
    ) -> Built:
        """Return all resources, with what they export and what a person should know.

        Args:
            before: The resources of the job's own cluster.
            shared: The cluster that the job shares.
            notes: What a person should know beside what holds for all tasks.
        """
        exports: dict[str, Text] = {
            "ecs_cluster_name": self.cluster.name,
            "ecs_cluster_arn": self.cluster.arn,
            "ecs_task_family": self._family,
            "ecs_task_definition_arn": Ref("task-definition", "arn"),
            "ecs_task_role_arn": self._task_role_arn,
            "ecs_log_group": Ref("log-group", "name"),
        }
        after = tuple(each.key for each in before if each.key == "capacity-providers")
        starting: Iterable[Resource] = ()
        if is_service(self.context.job):
            starting = self._service(after)
            exports |= {
                "ecs_service_name": Ref("service", "name"),
                "ecs_service_arn": Ref("service", "arn"),
            }
        elif run_of(self.context.job) == "schedule" and self.settings["schedule"]:
            starting = self._schedule(after)
            exports["ecs_schedule_arn"] = Ref("schedule", "arn")
        return Built(
            resources=(*before, *self._definition(), *starting),
            exports=exports,
            shared=shared,
            notes=(*self._notes(), *notes),
            starts=_STARTS.get(run_of(self.context.job)) if self._is_runner else None,
        )

    @property
    def _family(self) -> str:
        return self.context.name(ECS_FAMILY)

    @property
    def _is_runner(self) -> bool:
        return is_runner(self.context.job)

    @property
    def _task_role_arn(self) -> Text:
        given = self.context.get("runtime.service_account")
        return Ref("task-role", "arn") if given is None else rights.role_arn(given)

    @property
    def _command(self) -> tuple[str, ...]:
        if (given := self.settings["command"]) is not None:
            return given
        if is_service(self.context.job):
            return runner.orchestrated(self.settings["runner_config"])
        return runner.run_once(runner.job_path(self.context.job))

    def _origin(self, path: str = "runtime.platform") -> Any:
        return self.context.origin(path)

    def _environment(self) -> Iterator[tuple[str, Text]]:
        yield "AWS_REGION", aws.REGION
        yield from runner.settings(self.context)
        if self.state:
            yield "STATE_DIR", self.state.path

    def _notes(self) -> Iterator[str]:
        job = self.context.job
        if is_service(job):
            number = "min_instances" if scales_tasks(job) else str(tasks_wanted(self.context))
            yield f"the service keeps {number} task(s) running, billed until it is destroyed"
        elif run_of(job) == "task":
            placed = f"--cluster {show(self.cluster.name)} --task-definition {self._family}"
            if self.launch_type == "FARGATE":
                placed += " --launch-type FARGATE"
            yield (
                f"nothing starts the task by itself; to run it once: aws ecs run-task {placed} "
                "--enable-ecs-managed-tags --propagate-tags TASK_DEFINITION "
                "--network-configuration ..."
            )
        if not self.placement["security_group_ids"] and run_of(job) != "task":
            yield "no security group is given, so its tasks have the default one of the VPC"
        if not self.placement["assign_public_ip"]:
            yield (
                "its tasks get no public address: their subnets need a NAT gateway, or endpoints "
                "for the image, the logs and what the job reaches"
            )
        if self.secrets and is_service(job):
            yield "its running tasks keep a secret's old value until they are started again"
        yield from rights.notes(self.context, self._job_rights(), _SERVICE)

    # --- what every task has ----------------------------------------------------------------

    def _definition(self) -> Iterator[Resource]:
        yield LogGroup(
            key="log-group",
            origin=self._origin(),
            retention_days=self.settings["log_retention_days"],
            tags=self.context.tags,
            lifecycle=Lifecycle(retain=True),
        )
        for name, value in self.secrets.items():
            yield SecretsManagerSecret(
                key=_secret_key(name),
                origin=self._origin(runner.field_of(name)),
                description=f"{name} of the tasks {self._family}",
                value=value,
                tags=self.context.tags,
            )
        yield self._role(
            "execution-role", "ECS's role to start the tasks", {"start": self._start_rights()}
        )
        if not rights.role_given(self.context.job):
            allowed = list(self._job_rights())
            yield self._role("task-role", "Role of the tasks", {"job": allowed} if allowed else {})
        yield EcsTaskDefinition(
            key="task-definition",
            origin=self._origin(),
            family=self._family,
            launch_type=self.launch_type,
            cpu=self.settings["cpu"],
            memory=self.settings["memory"],
            architecture=self.architecture,
            ephemeral_storage=self.ephemeral_storage,
            execution_role=Ref("execution-role", "arn"),
            task_role=self._task_role_arn,
            container=Container(
                name=runner.CONTAINER,
                image=self.settings["image"],
                command=self._command,
                environment=self.environment,
                secrets={name: Ref(_secret_key(name), "arn") for name in self.secrets},
                mounts=(
                    (Mount(volume=self.state.volume.name, path=self.state.path),)
                    if self.state
                    else ()
                ),
                log_group=Ref("log-group", "name"),
                log_region=aws.REGION,
            ),
            volumes=(self.state.volume,) if self.state else (),
            tags=self.context.tags,
        )

    def _role(
        self, key: str, what: str, policies: Mapping[str, Iterable[aws.Statement]]
    ) -> IamRole:
        """Return a role that ECS takes on, for this account alone.

        Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
        """
        return IamRole(
            key=key,
            origin=self._origin(),
            description=f"{what} {self._family}",
            assume_role_policy=aws.trust(
                _SERVICE,
                StringEquals={"aws:SourceAccount": aws.ACCOUNT},
                ArnLike={"aws:SourceArn": aws.arn("ecs", "*")},
            ),
            policies={name: aws.document(allowed) for name, allowed in policies.items()},
            tags=self.context.tags,
        )

    def _start_rights(self) -> Iterator[aws.Statement]:
        """Yield what ECS needs to start a task: its logs, its image, its secrets.

        Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html
        """
        streams = concat(aws.arn("logs", "log-group:"), Ref("log-group", "name"), ":*")
        yield aws.allow(["logs:CreateLogStream", "logs:PutLogEvents"], [streams])
        if image := _ECR.match(str(self.settings["image"])):
            place = f":ecr:{image['region']}:{image['account']}:repository/{image['repository']}"
            # The token is for the whole registry; the action takes no resource.
            yield aws.allow(["ecr:GetAuthorizationToken"], ["*"])
            actions = ("BatchCheckLayerAvailability", "BatchGetImage", "GetDownloadUrlForLayer")
            repository = concat("arn:", aws.PARTITION, place)
            yield aws.allow([f"ecr:{action}" for action in actions], [repository])
        if self.secrets:
            arns = [Ref(_secret_key(name), "arn") for name in self.secrets]
            yield aws.allow(["secretsmanager:GetSecretValue"], arns)

    def _job_rights(self) -> Iterator[aws.Statement]:
        yield from rights.statements(self.context)
        if self.state:
            yield from self.state.statements()

    # --- what starts them -------------------------------------------------------------------

    def _service(self, after: tuple[str, ...]) -> Iterator[Resource]:
        job = self.context.job
        scaled = scales_tasks(job)
        # Two runners at once would start each job twice, so the old one ends before the new starts.
        # On machines there may be no room for the new task beside the old one.
        least, most = (0, 100) if self._is_runner or self.launch_type == "EC2" else (100, 200)
        yield EcsService(
            key="service",
            origin=self._origin(),
            cluster=self.cluster.name,
            task_definition=Ref("task-definition", "arn"),
            desired_count=None if scaled else tasks_wanted(self.context),
            tags=self.context.tags,
            after=after,
            minimum_healthy_percent=least,
            maximum_percent=most,
            lifecycle=Lifecycle(delete_first=self._is_runner),
            **self.placement,
        )
        if not scaled:
            return
        place = "runtime.compute.auto_scaling"
        limits = self.context.get(place)
        service = {"cluster": self.cluster.name, "service": Ref("service", "name")}
        yield ScalableTarget(
            key="scaling-target",
            origin=self._origin(place),
            minimum=limits.min_instances or 1,
            maximum=limits.max_instances or 1,
            tags=self.context.tags,
            **service,
        )
        for key, (metric, variable) in _METRICS.items():
            yield ScalingPolicy(
                key=key,
                origin=self._origin(place),
                metric=metric,
                target_percent=self.settings[variable],
                after=("scaling-target",),
                **service,
            )

    def _schedule(self, after: tuple[str, ...]) -> Iterator[Resource]:
        origin = self.context.job.locate("metadata.variables", "schedule")
        yield IamRole(
            key="scheduler-role",
            origin=origin,
            description=f"EventBridge Scheduler's role to start the tasks {self._family}",
            assume_role_policy=aws.trust(
                "scheduler.amazonaws.com",
                StringEquals={"aws:SourceAccount": aws.ACCOUNT},
                ArnLike={"aws:SourceArn": aws.arn("scheduler", "schedule-group/default")},
            ),
            policies={"start": aws.document(self._scheduler_rights())},
            tags=self.context.tags,
        )
        yield Schedule(
            key="schedule",
            origin=origin,
            description=f"Starts {self.context.identity}"[:512],
            expression=cron.event_bridge(self.settings["schedule"]),
            role=Ref("scheduler-role", "arn"),
            cluster=self.cluster.arn,
            task_definition=Ref("task-definition", "arn"),
            after=after,
            **self.placement,
        )

    def _scheduler_rights(self) -> Iterator[aws.Statement]:
        """Yield what the scheduler needs to start this task in this cluster.

        Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/CWE_IAM_role.html,
        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/supported-iam-actions-tagging.html
        """
        in_cluster = {"ArnEquals": {"ecs:cluster": self.cluster.arn}}
        yield aws.allow(["ecs:RunTask"], [Ref("task-definition", "arn")], in_cluster)
        yield aws.allow(
            ["ecs:TagResource"],
            [concat(aws.arn("ecs", "task/"), self.cluster.name, "/*")],
            {"StringEquals": {"ecs:CreateAction": "RunTask"}},
        )
        yield aws.allow(
            ["iam:PassRole"],
            [Ref("execution-role", "arn"), self._task_role_arn],
            {"StringEquals": {"iam:PassedToService": _SERVICE}},
        )


_STARTS: Mapping[str, Starts] = {"service": "runner", "schedule": "schedule"}
"""By the kind of run: who starts the tenant's jobs."""


def _secret_key(name: str) -> str:
    return f"secret-{name.lower().replace('_', '-')}"
