"""Amazon CloudWatch Logs.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_Logs.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from troposphere import Tags, logs

if TYPE_CHECKING:
    from dativo_infra.adapters.cloudformation.values import Lower
    from dativo_infra.resources.logs import LogGroup


def log_group(logical_id: str, resource: LogGroup, value: Lower) -> logs.LogGroup:
    """Return the `AWS::Logs::LogGroup`, named by CloudFormation."""
    return logs.LogGroup(
        logical_id, RetentionInDays=resource.retention_days, Tags=Tags(value(resource.tags))
    )
