"""Application Auto Scaling, of the number of tasks of a service of ECS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dativo_infra.values import concat

if TYPE_CHECKING:
    from dativo_infra.adapters.terraform.native.lowerings.scope import Scope
    from dativo_infra.resources.application_autoscaling import ScalableTarget, ScalingPolicy


def target(resource: ScalableTarget, scope: Scope) -> None:
    """Write the limits of a service's number of tasks."""
    scope.block(
        "aws_appautoscaling_target",
        {
            **_tasks(resource),
            "min_capacity": resource.minimum,
            "max_capacity": resource.maximum,
            "tags": resource.tags,
        },
        named=True,
    )


def policy(resource: ScalingPolicy, scope: Scope) -> None:
    """Write what moves a service's number of tasks."""
    scope.block(
        "aws_appautoscaling_policy",
        {
            **_tasks(resource),
            "name": resource.key,
            "policy_type": "TargetTrackingScaling",
            "target_tracking_scaling_policy_configuration": {
                "predefined_metric_specification": {"predefined_metric_type": resource.metric},
                "target_value": resource.target_percent,
            },
        },
        named=True,
    )


def _tasks(resource: ScalableTarget | ScalingPolicy) -> dict[str, Any]:
    """Return the arguments that say what is scaled."""
    return {
        "service_namespace": "ecs",
        "scalable_dimension": "ecs:service:DesiredCount",
        "resource_id": concat("service/", resource.cluster, "/", resource.service),
    }
