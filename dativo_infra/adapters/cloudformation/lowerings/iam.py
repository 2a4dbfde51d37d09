"""AWS Identity and Access Management.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_IAM.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from troposphere import Tags, iam

if TYPE_CHECKING:
    from dativo_infra.adapters.cloudformation.values import Lower
    from dativo_infra.resources.iam import IamInstanceProfile, IamRole


def role(logical_id: str, resource: IamRole, value: Lower) -> iam.Role:
    """Return the `AWS::IAM::Role`, named by CloudFormation."""
    optional: dict[str, Any] = {}
    if resource.managed_policy_arns:
        optional["ManagedPolicyArns"] = value(resource.managed_policy_arns)
    if resource.policies:
        optional["Policies"] = [
            iam.Policy(PolicyName=name, PolicyDocument=value(document))
            for name, document in resource.policies.items()
        ]
    return iam.Role(
        logical_id,
        Description=resource.description,
        AssumeRolePolicyDocument=value(resource.assume_role_policy),
        Tags=Tags(value(resource.tags)),
        **optional,
    )


def instance_profile(
    logical_id: str, resource: IamInstanceProfile, value: Lower
) -> iam.InstanceProfile:
    """Return the `AWS::IAM::InstanceProfile`; its tags are lost, as `planning.support` says."""
    return iam.InstanceProfile(logical_id, Roles=[value(resource.role)])
