"""Databricks: clusters, pools of machines, and jobs."""
# ruff: noqa: PLC0415 - a provider is imported only by a program that uses it

from __future__ import annotations

from typing import TYPE_CHECKING

from dativo_infra.adapters.bridged import databricks as arguments

if TYPE_CHECKING:
    from dativo_infra.adapters.pulumi.lowerings.scope import Scope
    from dativo_infra.resources.databricks import (
        DatabricksCluster,
        DatabricksInstancePool,
        DatabricksJob,
    )


def cluster(resource: DatabricksCluster, scope: Scope) -> None:
    """Register a cluster; the provider starts it, and waits until it runs."""
    import pulumi_databricks as databricks

    scope.create(databricks.Cluster, arguments.cluster(resource))


def instance_pool(resource: DatabricksInstancePool, scope: Scope) -> None:
    """Register a pool."""
    import pulumi_databricks as databricks

    scope.create(databricks.InstancePool, arguments.instance_pool(resource))


def job(resource: DatabricksJob, scope: Scope) -> None:
    """Register a job with its one task, and with its schedule."""
    import pulumi_databricks as databricks

    library = arguments.library(resource)
    task = {**arguments.task(resource), "libraries": [library] if library else None}
    scope.create(databricks.Job, {**arguments.job(resource), "tasks": [task]})
