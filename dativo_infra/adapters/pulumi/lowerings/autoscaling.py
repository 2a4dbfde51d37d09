"""Amazon EC2 Auto Scaling."""
# ruff: noqa: PLC0415 - a provider is imported only by a program that uses it

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dativo_infra.adapters.pulumi.lowerings.scope import Scope
    from dativo_infra.resources.autoscaling import AutoScalingGroup


def group(resource: AutoScalingGroup, scope: Scope) -> None:
    """Register a group; how many machines it has within its limits is left to what scales it."""
    import pulumi_aws as aws

    scope.create(
        aws.autoscaling.Group,
        {
            "launch_template": {
                "id": resource.launch_template,
                "version": resource.launch_template_version,
            },
            "vpc_zone_identifiers": scope.resolver.texts(resource.subnet_ids),
            "min_size": resource.minimum,
            "max_size": resource.maximum,
            "tags": [
                {"key": key, "value": value, "propagate_at_launch": True}
                for key, value in resource.tags.items()
            ],
        },
    )
