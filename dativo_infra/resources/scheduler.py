"""Amazon EventBridge Scheduler, for tasks of ECS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from dativo_infra.resources import Resource

if TYPE_CHECKING:
    from dativo_infra.resources.ecs import LaunchType
    from dativo_infra.values import Text, TextList


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule(Resource):
    """Starts one task at certain times, in UTC and to the minute; its name is left to the tool.

    It is in the default group and cannot be tagged; its tasks get the tags of their task definition
    and those of ECS itself.
    Source: https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html,
    https://docs.aws.amazon.com/scheduler/latest/APIReference/API_EcsParameters.html
    """

    description: str
    expression: str
    """`cron(...)` with six fields, or `rate(...)`."""
    role: Text
    """ARN of the role by which the scheduler starts tasks."""
    cluster: Text
    """The cluster's ARN."""
    task_definition: Text
    """ARN of the revision."""
    launch_type: LaunchType | None = None
    capacity_providers: tuple[Text, ...] = ()
    """As of a service."""
    subnet_ids: TextList
    security_group_ids: TextList = ()
    assign_public_ip: bool = False
    retries: int = 3
    """How often starting a task is tried again, for an hour at most."""

    ATTRIBUTES: ClassVar[tuple[str, ...]] = ("name", "arn")
