"""Amazon EC2 Auto Scaling."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dativo_infra.names import Grammar

if TYPE_CHECKING:
    from dativo_infra.adapters.terraform.native.lowerings.scope import Scope
    from dativo_infra.resources.autoscaling import AutoScalingGroup

PREFIX = Grammar(
    what="prefix of a group's name, without the hyphen at its end",
    allowed="A-Za-z0-9._-",
    longest=228,
    source="https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CreateAutoScalingGroup.html",
)
"""The provider adds 26 characters to make at most 255."""


def group(resource: AutoScalingGroup, scope: Scope) -> None:
    """Write a group; how many machines it has within its limits is left to what scales it."""
    scope.block(
        "aws_autoscaling_group",
        {
            "launch_template": {
                "id": resource.launch_template,
                "version": resource.launch_template_version,
            },
            "vpc_zone_identifier": scope.values.texts(resource.subnet_ids),
            "min_size": resource.minimum,
            "max_size": resource.maximum,
            "tag": [
                {"key": key, "value": value, "propagate_at_launch": True}
                for key, value in resource.tags.items()
            ],
        },
        prefix=PREFIX,
    )
