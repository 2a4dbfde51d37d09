"""Amazon EC2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from dativo_infra.resources import Resource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dativo_infra.values import Text, TextList


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchTemplate(Resource):
    """How machines are started; its name is left to the tool.

    The root volume is encrypted, and the metadata service answers only with a session token, one
    network hop away. The template, its machines, their volumes and network interfaces are tagged.
    Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateLaunchTemplate.html
    """

    instance_type: Text
    image: Text
    """An AMI's id, or `resolve:ssm:PARAMETER`, which EC2 looks up at each start."""
    instance_profile: Text
    """ARN of the instance profile."""
    security_group_ids: TextList = ()
    """The VPC's default group where empty."""
    user_data: Text
    """A script that runs at the first start, as plain text."""
    root_volume_size: int
    """GiB."""
    spot: bool = False
    """Whether machines come from the spot market."""
    tags: Mapping[str, Text]

    ATTRIBUTES: ClassVar[tuple[str, ...]] = ("id", "latest_version")
