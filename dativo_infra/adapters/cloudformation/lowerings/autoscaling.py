"""Amazon EC2 Auto Scaling.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_AutoScaling.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from troposphere import autoscaling

if TYPE_CHECKING:
    from dativo_infra.adapters.cloudformation.values import Lower
    from dativo_infra.resources.autoscaling import AutoScalingGroup


def group(
    logical_id: str, resource: AutoScalingGroup, value: Lower
) -> autoscaling.AutoScalingGroup:
    """Return the `AWS::AutoScaling::AutoScalingGroup`, named by CloudFormation.

    It has no desired capacity: a number would take back at each update what ECS made of it.
    """
    return autoscaling.AutoScalingGroup(
        logical_id,
        LaunchTemplate=autoscaling.LaunchTemplateSpecification(
            LaunchTemplateId=value(resource.launch_template),
            Version=value(resource.launch_template_version),
        ),
        VPCZoneIdentifier=value(resource.subnet_ids),
        MinSize=str(resource.minimum),
        MaxSize=str(resource.maximum),
        Tags=[
            {"Key": key, "Value": value(text), "PropagateAtLaunch": True}
            for key, text in sorted(resource.tags.items())
        ],
    )
