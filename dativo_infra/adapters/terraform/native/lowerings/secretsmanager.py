"""AWS Secrets Manager."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dativo_infra.names import Grammar
from dativo_infra.values import Ref

if TYPE_CHECKING:
    from dativo_infra.adapters.terraform.native.lowerings.scope import Scope
    from dativo_infra.resources.secretsmanager import SecretsManagerSecret

PREFIX = Grammar(
    what="prefix of a secret's name, without the hyphen at its end",
    allowed="A-Za-z0-9/_+=.@-",
    longest=485,
    source="https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html",
)
"""The provider adds 26 characters to make at most 512."""


def secret(resource: SecretsManagerSecret, scope: Scope) -> None:
    """Write a secret, and the version that holds its value."""
    scope.block(
        "aws_secretsmanager_secret",
        {"description": resource.description, "tags": resource.tags},
        prefix=PREFIX,
    )
    scope.block(
        "aws_secretsmanager_secret_version",
        {"secret_id": Ref(resource.key, "arn"), "secret_string": resource.value},
    )
