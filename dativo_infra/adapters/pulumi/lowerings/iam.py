"""AWS Identity and Access Management."""
# ruff: noqa: PLC0415 - a provider is imported only by a program that uses it

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dativo_infra.names import Grammar

if TYPE_CHECKING:
    from dativo_infra.adapters.pulumi.lowerings.scope import Scope
    from dativo_infra.resources.iam import IamInstanceProfile, IamRole

PREFIX = Grammar(
    what="prefix of an IAM name, without the hyphen at its end",
    allowed="A-Za-z0-9+=,.@_-",
    longest=37,
    source="https://www.pulumi.com/registry/packages/aws/api-docs/iam/role/#nameprefix_python",
)
"""The provider adds 26 characters. Pulumi's own naming fails where its name is longer than 56."""


def role(resource: IamRole, scope: Scope) -> None:
    """Register a role, and each of its policies."""
    import pulumi_aws as aws

    created = scope.create(
        aws.iam.Role,
        {
            "description": resource.description,
            "assume_role_policy": scope.resolver.json(resource.assume_role_policy),
            "tags": resource.tags,
        },
        # A job that is renamed keeps its role, so that its cluster is not replaced.
        prefix=PREFIX,
    )
    for arn in resource.managed_policy_arns:
        scope.create(
            aws.iam.RolePolicyAttachment,
            {"role": created.name, "policy_arn": arn},
            part=re.sub("[^A-Za-z0-9]+", "-", str(arn).rpartition("/")[2]).strip("-"),
        )
    for name, document in resource.policies.items():
        policy = scope.resolver.json(document)
        scope.create(
            aws.iam.RolePolicy, {"role": created.name, "name": name, "policy": policy}, part=name
        )


def instance_profile(resource: IamInstanceProfile, scope: Scope) -> None:
    """Register an instance profile."""
    import pulumi_aws as aws

    scope.create(
        aws.iam.InstanceProfile,
        {
            "role": resource.role,
            "tags": resource.tags,
        },
        prefix=PREFIX,
    )
