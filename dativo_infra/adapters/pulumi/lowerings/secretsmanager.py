"""AWS Secrets Manager."""
# ruff: noqa: PLC0415 - a provider is imported only by a program that uses it

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dativo_infra.adapters.pulumi.lowerings.scope import Scope
    from dativo_infra.resources.secretsmanager import SecretsManagerSecret


def secret(resource: SecretsManagerSecret, scope: Scope) -> None:
    """Register a secret, and the version that holds its value."""
    import pulumi_aws as aws

    created = scope.create(
        aws.secretsmanager.Secret, {"description": resource.description, "tags": resource.tags}
    )
    scope.create(
        aws.secretsmanager.SecretVersion,
        {"secret_id": created.arn, "secret_string": resource.value},
        part="value",
    )
