"""Amazon EC2."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dativo_infra.names import Grammar

if TYPE_CHECKING:
    from dativo_infra.adapters.terraform.native.lowerings.scope import Scope
    from dativo_infra.resources.ec2 import LaunchTemplate

PREFIX = Grammar(
    what="prefix of a launch template's name, without the hyphen at its end",
    allowed="A-Za-z0-9()./_-",
    longest=101,
    source="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateLaunchTemplate.html",
)
"""The provider adds 26 characters to make at most 128."""

TAGGED = ("instance", "volume", "network-interface")
"""What a machine brings with it."""


def launch_template(resource: LaunchTemplate, scope: Scope) -> None:
    """Write a launch template."""
    disk = {
        "volume_type": "gp3",
        "volume_size": resource.root_volume_size,
        # Text, since the provider tells "not set" from false.
        "encrypted": "true",
        "delete_on_termination": "true",
    }
    scope.block(
        "aws_launch_template",
        {
            "image_id": resource.image,
            "instance_type": resource.instance_type,
            "iam_instance_profile": {"arn": resource.instance_profile},
            "instance_market_options": {"market_type": "spot"} if resource.spot else None,
            "vpc_security_group_ids": scope.values.texts(resource.security_group_ids) or None,
            "block_device_mappings": {"device_name": "/dev/xvda", "ebs": disk},
            # One hop ends at the machine: a container's network is one further.
            "metadata_options": {"http_tokens": "required", "http_put_response_hop_limit": 1},
            "user_data": scope.values.base64(resource.user_data),
            "tag_specifications": [
                {"resource_type": each, "tags": resource.tags} for each in TAGGED
            ],
            "tags": resource.tags,
        },
        prefix=PREFIX,
    )
