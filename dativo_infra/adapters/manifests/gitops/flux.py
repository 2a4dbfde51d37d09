"""Flux: for each cluster a source and a Kustomization for each unit, which wait for each other.

Each cluster has its own folder, as Flux usually runs in the cluster that it keeps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dativo_infra.adapters.manifests import layout
from dativo_infra.adapters.manifests.gitops.base import GitOps, ignored

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dativo_infra.adapters.manifests.layout import Folder
    from dativo_infra.planning.result import Unit
    from dativo_infra.resources.kubernetes import KubernetesObject

FOLDER = "flux"
_RETAINED = {"kustomize.toolkit.fluxcd.io/prune": "disabled"}
"""Source: https://fluxcd.io/flux/components/kustomize/kustomizations/#prune"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flux(GitOps):
    """Flux in each cluster."""

    namespace: str = "flux-system"
    secret: str | None = None
    """The Secret in that namespace with which a private repository is read."""

    def annotations(self, resource: KubernetesObject) -> Mapping[str, str]:
        """Return the annotation with which an object outlives its file and its Kustomization."""
        return _RETAINED if resource.lifecycle.retain or resource.lifecycle.protect else {}

    def files(self, folders: Sequence[Folder]) -> dict[str, str]:
        """Return the sources and Kustomizations, and of each cluster the one that keeps them."""
        found: dict[str, str] = {}
        for each in folders:
            here = f"{FOLDER}/{each.cluster}"
            found[f"{here}/source.yaml"] = layout.text_of(self._source())
            found[f"{here}/root.yaml"] = layout.text_of(self._root(here))
            own = self._kustomization(each.name, each.path, **_of_unit(each.unit))
            found[f"{here}/{each.name}.yaml"] = layout.text_of(own, each.job)
        return found

    def _source(self) -> dict[str, Any]:
        revision = self.repository.revision
        kind = "name" if revision.startswith("refs/") else "branch"
        spec: dict[str, Any] = {
            "interval": "5m",
            "url": self.repository.url,
            "ref": {"commit" if self.repository.is_commit else kind: revision},
        }
        if self.secret:
            spec["secretRef"] = {"name": self.secret}
        metadata = {"name": self.name, "namespace": self.namespace}
        return {
            "apiVersion": "source.toolkit.fluxcd.io/v1",
            "kind": "GitRepository",
            "metadata": metadata,
            "spec": spec,
        }

    def _root(self, folder: str) -> dict[str, Any]:
        """Return the Kustomization of Kustomizations, which nothing but a person deletes."""
        root = self._kustomization(self.name, folder)
        root["metadata"]["annotations"] = _RETAINED
        return root

    def _kustomization(self, name: str, folder: str, **more: Any) -> dict[str, Any]:
        spec = {
            "interval": "10m",
            "retryInterval": "1m",
            "sourceRef": {"kind": "GitRepository", "name": self.name},
            "path": f"./{self.repository.folder(folder)}",
            "prune": True,
            **more,
        }
        return {
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
            "kind": "Kustomization",
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": spec,
        }


def _of_unit(unit: Unit) -> dict[str, Any]:
    """Return what a unit waits for, and what of its objects is left to others."""
    objects: list[Any] = list(unit.resources)
    needs = [{"name": layout.name_of(need)} for need in unit.needs]
    left = [
        {"paths": ignored(each), "target": {"kind": each.kind, "name": each.name}}
        for each in objects
        if each.lifecycle.ignore
    ]
    return {**({"dependsOn": needs} if needs else {}), **({"ignore": left} if left else {})}
