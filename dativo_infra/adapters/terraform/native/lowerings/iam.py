"""AWS Identity and Access Management."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dativo_infra.names import Grammar
from dativo_infra.values import Ref

if TYPE_CHECKING:
    from dativo_infra.adapters.terraform.native.lowerings.scope import Scope
    from dativo_infra.resources.iam import IamInstanceProfile, IamRole

PREFIX = Grammar(
    what="prefix of an IAM name, without the hyphen at its end",
    allowed="A-Za-z0-9+=,.@_-",
    longest=37,
    source="https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/iam_role",
)
"""The provider adds 26 characters to make at most 64."""


def role(resource: IamRole, scope: Scope) -> None:
    """Write a role, and each of its policies."""
    scope.block(
        "aws_iam_role",
        {
            "description": resource.description,
            "assume_role_policy": scope.values.json(resource.assume_role_policy),
            "tags": resource.tags,
        },
        prefix=PREFIX,
    )
    name = Ref(resource.key, "name")
    for arn in resource.managed_policy_arns:
        scope.block(
            "aws_iam_role_policy_attachment",
            {"role": name, "policy_arn": arn},
            part=re.sub("[^A-Za-z0-9]+", "-", str(arn).rpartition("/")[2]).strip("-"),
        )
    for policy, document in resource.policies.items():
        scope.block(
            "aws_iam_role_policy",
            {"role": name, "name": policy, "policy": scope.values.json(document)},
            part=policy,
        )


def instance_profile(resource: IamInstanceProfile, scope: Scope) -> None:
    """Write an instance profile."""
    scope.block(
        "aws_iam_instance_profile", {"role": resource.role, "tags": resource.tags}, prefix=PREFIX
    )
