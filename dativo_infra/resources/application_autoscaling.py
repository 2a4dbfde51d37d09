"""Application Auto Scaling, of the number of tasks of a service of ECS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dativo_infra.resources import Resource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dativo_infra.values import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalableTarget(Resource):
    """The limits between which a service's number of tasks is moved.

    Source: https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html
    """

    cluster: Text
    """The cluster's name."""
    service: Text
    """The service's name."""
    minimum: int
    maximum: int
    tags: Mapping[str, Text]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingPolicy(Resource):
    """What moves the number: a metric is kept near a target; cannot be tagged.

    It is called as its key, and comes after the scalable target of the same service.
    Source: https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScalingPolicy.html
    """

    cluster: Text
    """The cluster's name."""
    service: Text
    """The service's name."""
    metric: str
    """A predefined metric, such as `ECSServiceAverageCPUUtilization`."""
    target_percent: int
