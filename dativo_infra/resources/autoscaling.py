"""Amazon EC2 Auto Scaling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from dativo_infra.resources import Resource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dativo_infra.values import Text, TextList


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoScalingGroup(Resource):
    """Machines of one launch template; its name is left to the tool.

    It starts with the fewest machines. Machines keep the template's version that they were started
    with.
    Source: https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CreateAutoScalingGroup.html
    """

    launch_template: Text
    """The template's id."""
    launch_template_version: Text
    subnet_ids: TextList
    minimum: int
    maximum: int
    tags: Mapping[str, Text]
    """On the group, and on each machine that it starts."""

    ATTRIBUTES: ClassVar[tuple[str, ...]] = ("name", "arn")
