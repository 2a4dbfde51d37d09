"""Jobs made from a few fields, and their plans."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from dativo_infra.loading import load_document
from dativo_infra.model import Job, Source
from dativo_infra.planning import Plan, Unit, plan
from dativo_infra.project import LoadedProject, Project

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dativo_infra.resources import Resource

_OUTER: Mapping[str, Any] = {
    "tenant_id": "acme",
    "environment": "prod",
    "source_connector": "stripe",
    "source_connector_path": "/app/connectors/stripe.yaml",
    "target_connector": "iceberg",
    "target_connector_path": "/app/connectors/iceberg.yaml",
    "asset_path": "/app/assets/customers.yaml",
}
_EMR: Mapping[str, Any] = {
    "provider": "pulumi",
    "runtime.platform": "emr",
    "runtime.compute.instance_type": "m5.xlarge",
    "runtime.network.subnet_ids": ["subnet-0a1b2c3d"],
}
_FARGATE: Mapping[str, Any] = {
    "provider": "pulumi",
    "runtime.platform": "fargate",
    "runtime.network.subnet_ids": ["subnet-0a1b2c3d"],
    "metadata.variables.image": "ghcr.io/acme/ingest:1",
}
_ECS: Mapping[str, Any] = {
    **_FARGATE,
    "runtime.platform": "ecs",
    "runtime.compute.instance_type": "m5.large",
}
_KUBERNETES: Mapping[str, Any] = {
    "provider": "pulumi",
    "runtime.platform": "kubernetes",
    "runtime.namespace": "ingestion",
}
_DATABRICKS: Mapping[str, Any] = {
    "provider": "pulumi",
    "runtime.platform": "databricks",
    "runtime.compute.instance_type": "i3.xlarge",
}
_ON_WORKERS: Mapping[str, Any] = {**_KUBERNETES, "runtime.compute.instance_count": 3}


class Make:
    """Makes jobs and plans; fields are dotted paths below the block, and None leaves one out."""

    def job(
        self,
        fields: Mapping[str, Any] | None = None,
        *,
        name: str = "jobs/orders.yaml",
        environment: Mapping[str, str] | None = None,
        **outer: Any,
    ) -> Job:
        """Return a job with these fields alone."""
        document: dict[str, Any] = copy.deepcopy({**_OUTER, **outer, "infrastructure": {}})
        for path, value in (fields or {}).items():
            *above, last = path.split(".")
            inner = document["infrastructure"]
            for part in above:
                inner = inner.setdefault(part, {})
            if value is not None:
                inner[last] = copy.deepcopy(value)
        loaded = load_document(document, name=name, environment=environment or {})
        assert loaded.jobs, loaded.diagnostics
        return loaded.jobs[0]

    def emr(self, fields: Mapping[str, Any] | None = None, **more: Any) -> Job:
        """Return a job that builds the smallest EMR cluster, changed by fields."""
        return self.job({**_EMR, **(fields or {})}, **more)

    def fargate(self, fields: Mapping[str, Any] | None = None, **more: Any) -> Job:
        """Return a job that is the smallest service on Fargate, changed by fields."""
        return self.job({**_FARGATE, **(fields or {})}, **more)

    def ecs(self, fields: Mapping[str, Any] | None = None, **more: Any) -> Job:
        """Return a job that is the smallest service on a machine of its own, changed by fields."""
        return self.job({**_ECS, **(fields or {})}, **more)

    def kubernetes(self, fields: Mapping[str, Any] | None = None, **more: Any) -> Job:
        """Return a job in the namespace `ingestion`, changed by fields."""
        return self.job({**_KUBERNETES, **(fields or {})}, **more)

    def databricks(self, fields: Mapping[str, Any] | None = None, **more: Any) -> Job:
        """Return a job that builds the smallest cluster of Databricks, changed by fields."""
        return self.job({**_DATABRICKS, **(fields or {})}, **more)

    def workers(self, platform: str, fields: Mapping[str, Any] | None = None, **more: Any) -> Job:
        """Return a job with three workers of Spark, Ray or Dask, changed by fields."""
        return self.job({**_ON_WORKERS, "runtime.platform": platform, **(fields or {})}, **more)

    def project(self, here: str = "/repo", **content: Any) -> LoadedProject:
        """Return a project whose file is at the top of the repository."""
        project = Project.model_validate(content)
        return LoadedProject(project, Source("dativo-infra.yaml"), here)

    def plan(self, *jobs: Job, **options: Any) -> Plan:
        """Return the plan of jobs that must have no error."""
        planned = plan(jobs, **options)
        assert not planned.failed, [str(each) for each in planned.diagnostics]
        return planned

    def codes(self, *jobs: Job, **options: Any) -> dict[str, str]:
        """Return the codes of what is wrong with jobs, each with its first message."""
        found: dict[str, str] = {}
        for each in plan(jobs, **options).diagnostics:
            found.setdefault(each.code, each.message)
        return found

    def unit(self, *jobs: Job, **options: Any) -> Unit:
        """Return the own unit of the first job."""
        return self.plan(*jobs, **options).unit(jobs[0].identity)

    def resources(self, *jobs: Job, **options: Any) -> dict[str, Any]:
        """Return the resources of the first job's own unit, by key."""
        return {each.key: each for each in self.unit(*jobs, **options).resources}

    def shared(self, kind: str, *jobs: Job, **options: Any) -> dict[str, Any]:
        """Return the resources of the one shared unit of a kind, by key."""
        units = [each for each in self.plan(*jobs, **options).units if each.component == kind]
        assert len(units) == 1, units
        return {each.key: each for each in units[0].resources}

    def everything(self, *jobs: Job, **options: Any) -> list[Resource]:
        """Return all resources of all units."""
        return [each for unit in self.plan(*jobs, **options).units for each in unit.resources]


@pytest.fixture(scope="session")
def make() -> Make:
    """Return what makes jobs and plans."""
    return Make()
