"""AWS Identity and Access Management."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from dativo_infra.resources import Resource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dativo_infra.values import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class IamRole(Resource):
    """A role with its policies; its physical name is left to the tool.

    Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_Role.html
    """

    description: str
    assume_role_policy: Mapping[str, Any]
    managed_policy_arns: tuple[Text, ...] = ()
    policies: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Inline policies: name to document."""
    tags: Mapping[str, Text]

    ATTRIBUTES: ClassVar[tuple[str, ...]] = ("name", "arn")


@dataclass(frozen=True, slots=True, kw_only=True)
class IamInstanceProfile(Resource):
    """What hands a role to EC2 instances; its physical name is left to the tool.

    Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_InstanceProfile.html
    """

    role: Text
    """The role's name (not its ARN)."""
    tags: Mapping[str, Text]

    ATTRIBUTES: ClassVar[tuple[str, ...]] = ("name", "arn")
