"""Amazon CloudWatch Logs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from dativo_infra.resources import Resource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dativo_infra.values import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class LogGroup(Resource):
    """A log group; its name is left to the tool.

    Source: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html
    """

    retention_days: int
    """One of the numbers that CloudWatch Logs allows."""
    tags: Mapping[str, Text]

    # No ARN: some tools give it with `:*` at its end, and some without.
    ATTRIBUTES: ClassVar[tuple[str, ...]] = ("name",)
    STATEFUL: ClassVar[bool] = True
