"""Platforms: one file each, from a job to its resources."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dativo_infra.platforms.dask import DASK
from dativo_infra.platforms.databricks import DATABRICKS
from dativo_infra.platforms.ecs import ECS
from dativo_infra.platforms.emr import EMR
from dativo_infra.platforms.fargate import FARGATE
from dativo_infra.platforms.kubernetes import KUBERNETES
from dativo_infra.platforms.ray import RAY
from dativo_infra.platforms.spark import SPARK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dativo_infra.platforms.base import Platform

PLATFORMS: Mapping[str, Platform] = {
    platform.name: platform
    for platform in (
        KUBERNETES,
        EMR,
        ECS,
        FARGATE,
        DATABRICKS,
        SPARK,
        RAY,
        DASK,
    )
}
"""Every platform of the job schema, by its name."""
