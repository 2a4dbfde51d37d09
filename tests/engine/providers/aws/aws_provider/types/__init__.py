"""The types, by the tokens that programs register."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_provider.types import autoscaling, ec2, ecs, emr, iam, logs, s3, scheduler, secretsmanager

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_provider.model import Type

TYPES: Mapping[str, Type] = {
    **autoscaling.TYPES,
    **ec2.TYPES,
    **ecs.TYPES,
    **emr.TYPES,
    **iam.TYPES,
    **logs.TYPES,
    **s3.TYPES,
    **scheduler.TYPES,
    **secretsmanager.TYPES,
}
