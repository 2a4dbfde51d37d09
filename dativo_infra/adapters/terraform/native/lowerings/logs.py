"""Amazon CloudWatch Logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dativo_infra.names import Grammar

if TYPE_CHECKING:
    from dativo_infra.adapters.terraform.native.lowerings.scope import Scope
    from dativo_infra.resources.logs import LogGroup

PREFIX = Grammar(
    what="prefix of a log group's name, without the hyphen at its end",
    allowed="A-Za-z0-9._/#-",
    longest=485,
    source="https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html",
)
"""The provider adds 26 characters to make at most 512."""


def group(resource: LogGroup, scope: Scope) -> None:
    """Write a log group."""
    scope.block(
        "aws_cloudwatch_log_group",
        {"retention_in_days": resource.retention_days, "tags": resource.tags},
        prefix=PREFIX,
    )
