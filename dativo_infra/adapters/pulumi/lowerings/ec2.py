"""Amazon EC2."""
# ruff: noqa: PLC0415 - a provider is imported only by a program that uses it

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

from dativo_infra.names import Grammar

if TYPE_CHECKING:
    from dativo_infra.adapters.pulumi.lowerings.scope import Scope
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
    """Register a launch template."""
    import pulumi_aws as aws

    disk = {
        "volume_type": "gp3",
        "volume_size": resource.root_volume_size,
        # Text, since the provider tells "not set" from false.
        "encrypted": "true",
        "delete_on_termination": "true",
    }
    scope.create(
        aws.ec2.LaunchTemplate,
        {
            "image_id": resource.image,
            "instance_type": resource.instance_type,
            "iam_instance_profile": {"arn": resource.instance_profile},
            "instance_market_options": {"market_type": "spot"} if resource.spot else None,
            "vpc_security_group_ids": scope.resolver.texts(resource.security_group_ids) or None,
            "block_device_mappings": [{"device_name": "/dev/xvda", "ebs": disk}],
            # One hop ends at the machine: a container's network is one further.
            "metadata_options": {"http_tokens": "required", "http_put_response_hop_limit": 1},
            "user_data": scope.resolver.changed(resource.user_data, _base64),
            "tag_specifications": [
                {"resource_type": each, "tags": resource.tags} for each in TAGGED
            ],
            "tags": resource.tags,
        },
        prefix=PREFIX,
    )


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode()
