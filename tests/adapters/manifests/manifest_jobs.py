"""Jobs on Kubernetes, and what is read of the folders that they are written to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from dativo_infra import load_document, plan
from dativo_infra.adapters.manifests.gitops.repository import Repository
from dativo_infra.diagnostics import raise_errors
from dativo_infra.model import Source
from dativo_infra.project import LoadedProject, Project, Selector, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from dativo_infra.planning import Plan

REPOSITORY = Repository(url="https://git.acme.example/data/jobs.git", path="deploy")
PROJECT = LoadedProject(
    Project(
        name="acme-data",
        targets={
            "east": Target(select=Selector(tenant="acme"), kubernetes_context="acme-east"),
            "bare": Target(select=Selector(tenant="bare"), region="eu-central-1"),
        },
    ),
    Source("dativo-infra.yaml"),
)


def document(tenant: str = "acme", **changes: Any) -> dict[str, Any]:
    """Return a job on Kubernetes.

    `changes` are fields of its block, by their path with `__` for dots; None leaves one out.
    """
    block: dict[str, Any] = {
        "provider": "manual",
        "runtime": {"platform": "kubernetes", "namespace": "data"},
        "metadata": {"variables": {"image": "registry.example/ingest:1"}},
    }
    for path, value in changes.items():
        *above, last = path.split("__")
        inner = block
        for name in above:
            inner = inner.setdefault(name, {})
        inner[last] = value
        if value is None:
            del inner[last]
    return {
        "tenant_id": tenant,
        "environment": "prod",
        "source_connector_path": "/c/stripe.yaml",
        "target_connector_path": "/c/iceberg.yaml",
        "asset_path": "/a/customers.yaml",
        "infrastructure": block,
    }


EMR = {
    "runtime__platform": "emr",
    "runtime__namespace": None,
    "runtime__compute": {"instance_type": "m5.xlarge"},
    "runtime__network": {"subnet_ids": ["subnet-0a1b2c3d"]},
}


@pytest.fixture
def planned() -> Callable[..., Plan]:
    """Plan documents by the names of their jobs, for manifests."""

    def make(
        documents: Mapping[str, Any],
        project: LoadedProject | None = None,
        provider: str | None = "manifests",
    ) -> Plan:
        loaded = [
            load_document(each, name=f"{name}.yaml", environment={})
            for name, each in documents.items()
        ]
        raise_errors(each for one in loaded for each in one.diagnostics)
        jobs = [job for one in loaded for job in one.jobs]
        return plan(jobs, project, provider=provider)

    return make


def tree(folder: Path) -> dict[str, str]:
    """Return the text of all files below a folder, by their names."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text() for path in files}


def read(folder: Path, pattern: str) -> Any:
    """Return the document of the one file that a pattern means."""
    (path,) = folder.glob(pattern)
    return yaml.safe_load(path.read_text())
