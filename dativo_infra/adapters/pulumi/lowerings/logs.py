"""Amazon CloudWatch Logs."""
# ruff: noqa: PLC0415 - a provider is imported only by a program that uses it

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dativo_infra.adapters.pulumi.lowerings.scope import Scope
    from dativo_infra.resources.logs import LogGroup


def group(resource: LogGroup, scope: Scope) -> None:
    """Register a log group."""
    import pulumi_aws as aws

    scope.create(
        aws.cloudwatch.LogGroup,
        {"retention_in_days": resource.retention_days, "tags": resource.tags},
    )
