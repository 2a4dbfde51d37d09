"""Application Auto Scaling.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_ApplicationAutoScaling.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from troposphere import Tags
from troposphere import applicationautoscaling as scaling

from dativo_infra.values import concat

if TYPE_CHECKING:
    from dativo_infra.adapters.cloudformation.values import Lower
    from dativo_infra.resources.application_autoscaling import ScalableTarget, ScalingPolicy


def target(logical_id: str, resource: ScalableTarget, value: Lower) -> scaling.ScalableTarget:
    """Return the `AWS::ApplicationAutoScaling::ScalableTarget`."""
    return scaling.ScalableTarget(
        logical_id,
        **_count(resource, value),
        MinCapacity=resource.minimum,
        MaxCapacity=resource.maximum,
        Tags=Tags(value(resource.tags)),
    )


def policy(logical_id: str, resource: ScalingPolicy, value: Lower) -> scaling.ScalingPolicy:
    """Return the `AWS::ApplicationAutoScaling::ScalingPolicy`, called as its key."""
    metric = scaling.PredefinedMetricSpecification(PredefinedMetricType=resource.metric)
    return scaling.ScalingPolicy(
        logical_id,
        **_count(resource, value),
        PolicyName=resource.key,
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration=scaling.TargetTrackingScalingPolicyConfiguration(
            PredefinedMetricSpecification=metric, TargetValue=resource.target_percent
        ),
    )


def _count(resource: ScalableTarget | ScalingPolicy, value: Lower) -> dict[str, Any]:
    """Return the properties that name what is moved: a service's number of tasks."""
    return {
        "ServiceNamespace": "ecs",
        "ScalableDimension": "ecs:service:DesiredCount",
        "ResourceId": value(concat("service/", resource.cluster, "/", resource.service)),
    }
