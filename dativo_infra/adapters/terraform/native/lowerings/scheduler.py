"""Amazon EventBridge Scheduler, for tasks of ECS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dativo_infra.adapters.terraform.native.lowerings.ecs import network, strategy
from dativo_infra.names import Grammar

if TYPE_CHECKING:
    from dativo_infra.adapters.terraform.native.lowerings.scope import Scope
    from dativo_infra.resources.scheduler import Schedule

PREFIX = Grammar(
    what="prefix of a schedule's name, without the hyphen at its end",
    allowed="A-Za-z0-9_.-",
    longest=37,
    source="https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html",
)
"""The provider adds 26 characters to make at most 64."""


def schedule(resource: Schedule, scope: Scope) -> None:
    """Write a schedule."""
    task = {
        "task_definition_arn": resource.task_definition,
        "task_count": 1,
        "launch_type": resource.launch_type,
        "capacity_provider_strategy": strategy(resource.capacity_providers),
        "network_configuration": network(resource, scope.values),
        "propagate_tags": "TASK_DEFINITION",
        "enable_ecs_managed_tags": True,
        # No tags here: the provider sends two maps for each that ECS then refuses
        # (https://github.com/hashicorp/terraform-provider-aws/issues/45629).
    }
    scope.block(
        "aws_scheduler_schedule",
        {
            "description": resource.description,
            "schedule_expression": resource.expression,
            "state": "ENABLED",
            "flexible_time_window": {"mode": "OFF"},
            "target": {
                "arn": resource.cluster,
                "role_arn": resource.role,
                "ecs_parameters": task,
                "retry_policy": {
                    "maximum_retry_attempts": resource.retries,
                    "maximum_event_age_in_seconds": 3600,
                },
            },
        },
        prefix=PREFIX,
    )
