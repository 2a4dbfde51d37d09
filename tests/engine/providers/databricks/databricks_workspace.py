"""Workspaces without machines: what was made in each, and what Databricks refuses to make.

Kept in a file, as each provider of a program is a process of its own. Source of the limits:
https://docs.databricks.com/api/workspace/clusters/create and those of the others
"""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from databricks_requests import CLUSTER, JOB, POOL, clusters_of
from pulumi.runtime.rpc import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

STORE = "DATABRICKS_TEST_STORE"
"""The variable that names the file."""


class Workspace:
    """What one host has, by type and id.

    Raises:
        LookupError: the environment names no file.
    """

    def __init__(self, host: str) -> None:
        if STORE not in os.environ:
            raise LookupError(f"this is a test provider: {STORE} must name a file")
        self._file = Path(os.environ[STORE])
        self._host = host

    def create(self, type_: str, request: Mapping[str, Any]) -> str:
        """Keep what was asked for; return its id."""
        with self._changing() as there:
            number = there["next"] = there.get("next", 0) + 1
            id_ = str(number) if type_ == JOB else f"1127-{number:06}-test"
            there.setdefault(type_, {})[id_] = dict(request)
        return id_

    def edit(self, type_: str, id_: str, request: Mapping[str, Any]) -> None:
        """Keep what was asked for instead of what was."""
        with self._changing() as there:
            there[type_][id_] = dict(request)

    def delete(self, type_: str, id_: str) -> None:
        """Forget what was made."""
        with self._changing() as there:
            del there[type_][id_]

    def get(self, type_: str) -> dict[str, dict[str, Any]]:
        """Return all of a type by id."""
        return self._all().get(self._host, {}).get(type_, {})

    def refusals(self, type_: str, request: Mapping[str, Any], own: str = "") -> Iterator[str]:
        """Yield why Databricks would not do what is asked for; `own` is the id of what exists."""
        if type_ == POOL:
            names = {id_: each["instance_pool_name"] for id_, each in self.get(POOL).items()}
            if request.get("instance_pool_name") in {names[id_] for id_ in names if id_ != own}:
                yield f"Instance pool name {request['instance_pool_name']} already exists"
            yield from _too_many(request, "custom_tags", 43)
        if type_ == JOB:
            yield from _too_many(request, "tags", 25)
            for task in request.get("tasks", ()):
                yield from self._task_refusals(task)
        for cluster in clusters_of(type_, request):
            yield from self._cluster_refusals(cluster)

    def machine_tags(self, cluster: Mapping[str, Any]) -> dict[str, str]:
        """Return the custom tags that the machines of a cluster carry.

        Source: https://docs.databricks.com/aws/en/admin/account-settings/usage-detail-tags
        """
        pool = cluster.get("instance_pool_id")
        return (self.get(POOL)[pool] if pool else cluster).get("custom_tags", {})

    def _task_refusals(self, task: Mapping[str, Any]) -> Iterator[str]:
        existing = task.get("existing_cluster_id")
        if ("new_cluster" in task) == (existing is not None):
            yield "a task has one of new_cluster and existing_cluster_id"
        if existing not in {None, UNKNOWN, *self.get(CLUSTER)}:
            yield f"Cluster {existing} does not exist"

    def _cluster_refusals(self, cluster: Mapping[str, Any]) -> Iterator[str]:
        if ("num_workers" in cluster) == ("autoscale" in cluster):
            yield "a cluster has one of num_workers and autoscale"
        yield from _too_many(cluster, "custom_tags", 45)
        if 0 < cluster.get("autotermination_minutes", 0) < 10:
            yield "autotermination_minutes must be 0, or 10 to 10000"
        pool = cluster.get("instance_pool_id")
        if pool is None:
            if "node_type_id" not in cluster:
                yield "a cluster has one of node_type_id and instance_pool_id"
            return
        if {"node_type_id", "driver_node_type_id"} & cluster.keys():
            yield "The field 'node_type_id' cannot be supplied when an instance pool ID is provided"
        pools = self.get(POOL)
        if pool != UNKNOWN and pool not in pools:
            yield f"Can't find an instance pool with id: {pool}"
        # The real message, of https://github.com/databricks/terraform-provider-databricks/pull/2242
        both = (
            sorted({*pools.get(pool, {}).get("custom_tags", {})} & {*cluster["custom_tags"]})
            if ("custom_tags" in cluster)
            else []
        )
        if both:
            what = "the following custom tag keys conflict with the pool's custom tag keys"
            yield f"Invalid tags - {what}: {', '.join(both)}"

    def _all(self) -> dict[str, Any]:
        return json.loads(self._file.read_text()) if self._file.exists() else {}

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Any]]:
        with self._file.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            everything = self._all()
            yield everything.setdefault(self._host, {})
            self._file.write_text(json.dumps(everything))


def _too_many(request: Mapping[str, Any], name: str, most: int) -> Iterator[str]:
    if len(request.get(name, {})) > most:
        yield f"{name} has {len(request[name])} of at most {most} tags"
