"""Databricks: clusters, pools of machines, and jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dativo_infra.adapters.bridged import databricks as arguments

if TYPE_CHECKING:
    from dativo_infra.adapters.terraform.native.lowerings.scope import Scope
    from dativo_infra.resources.databricks import (
        DatabricksCluster,
        DatabricksInstancePool,
        DatabricksJob,
    )


def cluster(resource: DatabricksCluster, scope: Scope) -> None:
    """Write a cluster; the provider starts it, and waits until it runs."""
    scope.block("databricks_cluster", arguments.cluster(resource))


def instance_pool(resource: DatabricksInstancePool, scope: Scope) -> None:
    """Write a pool."""
    # A workspace has no two pools of one name.
    scope.block("databricks_instance_pool", arguments.instance_pool(resource), named=True)


def job(resource: DatabricksJob, scope: Scope) -> None:
    """Write a job with its one task, and with its schedule."""
    task = {**arguments.task(resource), "library": arguments.library(resource)}
    scope.block("databricks_job", {**arguments.job(resource), "task": task})
