"""AWS Secrets Manager.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_SecretsManager.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from troposphere import Tags, secretsmanager

if TYPE_CHECKING:
    from dativo_infra.adapters.cloudformation.values import Lower
    from dativo_infra.resources.secretsmanager import SecretsManagerSecret


def secret(logical_id: str, resource: SecretsManagerSecret, value: Lower) -> secretsmanager.Secret:
    """Return the `AWS::SecretsManager::Secret`, named by CloudFormation.

    Its value is a parameter that is not shown; the template itself never holds it.
    """
    return secretsmanager.Secret(
        logical_id,
        Description=resource.description,
        SecretString=value(resource.value),
        Tags=Tags(value(resource.tags)),
    )
