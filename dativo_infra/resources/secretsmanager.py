"""AWS Secrets Manager."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from dativo_infra.resources import Resource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dativo_infra.values import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretsManagerSecret(Resource):
    """A secret with its value; its name is left to the tool.

    Source: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
    """

    description: str
    value: Text
    """The secret text, which is known at deployment only."""
    tags: Mapping[str, Text]

    ATTRIBUTES: ClassVar[tuple[str, ...]] = ("arn",)
