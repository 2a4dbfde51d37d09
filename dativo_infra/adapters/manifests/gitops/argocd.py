"""Argo CD: an Application for each unit, and for each cluster a project that limits them.

One Application a unit, and no ApplicationSet: each has a place of its own, and waves in which what
is shared comes before the jobs. A root Application keeps all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dativo_infra.adapters.manifests import layout
from dativo_infra.adapters.manifests.gitops.base import GitOps, ignored
from dativo_infra.diagnostics.rules import NO_KUBERNETES_CONTEXT
from dativo_infra.names import KUBERNETES, render_word

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dativo_infra.adapters.manifests.layout import Folder
    from dativo_infra.diagnostics import Diagnostic
    from dativo_infra.names import Identity
    from dativo_infra.project import PlacedTarget
    from dativo_infra.resources.kubernetes import KubernetesObject

FOLDER = "argocd"
_API = "argoproj.io/v1alpha1"
_OPTIONS = "argocd.argoproj.io/sync-options"
_WAVE = "argocd.argoproj.io/sync-wave"
_HERE = "https://kubernetes.default.svc"
"""The cluster that Argo CD runs in.

Source: https://argo-cd.readthedocs.io/en/stable/operator-manual/declarative-setup/#clusters
"""
_OF_CLUSTERS = (("", "Namespace"), ("", "PersistentVolume"))
"""Group and kind of all objects of ours that are in no namespace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArgoCd(GitOps):
    """Argo CD in one cluster, which applies to its own and to others."""

    namespace: str = "argocd"

    def annotations(self, resource: KubernetesObject) -> Mapping[str, str]:
        """Return the annotation with which an object outlives its file and its Application.

        Within a unit there are no waves: Argo CD applies kinds in their order, and a wave would
        wait for a volume that is bound only when a pod runs.
        Source: https://argo-cd.readthedocs.io/en/stable/user-guide/sync-options/
        """
        if not (resource.lifecycle.retain or resource.lifecycle.protect):
            return {}
        own = resource.annotations.get(_OPTIONS)
        return {_OPTIONS: ",".join(filter(None, (str(own or ""), "Prune=false,Delete=false")))}

    def problems(self, folders: Sequence[Folder]) -> Iterator[Diagnostic]:
        """Yield targets whose cluster Argo CD is not told."""
        for each in folders:
            target = each.unit.target
            if target.name and not target.kubernetes_context:
                yield NO_KUBERNETES_CONTEXT.at(
                    each.unit.resources[0].origin,
                    f"{each.unit.description}: no Kubernetes context is given for {target}.",
                    remedy=f"Give the target `{target.name}` a kubernetes_context: Argo CD knows "
                    "the cluster by that name.",
                )

    def files(self, folders: Sequence[Folder]) -> dict[str, str]:
        """Return the project, the Applications, and the one that keeps them all."""
        waves = waves_of(folders)
        found = {f"{FOLDER}/root.yaml": layout.text_of(self._root())}
        for each in folders:
            # No unit has a name with `_`.
            found[f"{FOLDER}/project_{each.cluster}.yaml"] = layout.text_of(self._project(each))
            application = self._application(each, waves[each.unit.identity])
            found[f"{FOLDER}/{each.name}.yaml"] = layout.text_of(application, each.job)
        return found

    def _project(self, folder: Folder) -> dict[str, Any]:
        """Return the limits of what the Applications of a unit's cluster may do."""
        spec = {
            "description": "Infrastructure of Dativo ingestion jobs",
            "sourceRepos": [self.repository.url],
            "destinations": [{**_place(folder.unit.target), "namespace": "*"}],
            "clusterResourceWhitelist": [
                {"group": group, "kind": kind} for group, kind in _OF_CLUSTERS
            ],
        }
        return self._object("AppProject", self._project_name(folder), spec, {_WAVE: "-1"})

    def _project_name(self, folder: Folder) -> str:
        return render_word(f"{self.name}-{folder.cluster}", KUBERNETES)

    def _root(self) -> dict[str, Any]:
        """Return the Application of Applications, which nothing but a person deletes."""
        spec = {
            "project": "default",
            "source": self._source(FOLDER),
            "destination": {"server": _HERE, "namespace": self.namespace},
            "syncPolicy": {"automated": {"prune": True, "selfHeal": True}},
        }
        return self._object("Application", self.name, spec, {_OPTIONS: "Prune=false"})

    def _application(self, folder: Folder, wave: int) -> dict[str, Any]:
        left = [_ignored(each) for each in folder.unit.resources if each.lifecycle.ignore]
        options = ["ServerSideApply=true"]  # annotations are too short for large ConfigMaps else
        spec: dict[str, Any] = {
            "project": self._project_name(folder),
            "source": self._source(folder.path),
            "destination": _place(folder.unit.target),
            "syncPolicy": {
                "automated": {"prune": True, "selfHeal": True},
                "syncOptions": [*options, *(["RespectIgnoreDifferences=true"] if left else [])],
                # What it needs may be on its way: waves of Applications wait only where Argo CD
                # is set up to judge their health.
                "retry": {
                    "limit": 10,
                    "backoff": {"duration": "10s", "factor": 2, "maxDuration": "5m"},
                },
            },
        }
        if left:
            spec["ignoreDifferences"] = left
        made = self._object("Application", folder.name, spec, {_WAVE: str(wave)})
        # With the Application go its objects, but for those that are retained.
        made["metadata"]["finalizers"] = ["resources-finalizer.argocd.argoproj.io/foreground"]
        return made

    def _source(self, folder: str) -> dict[str, str]:
        return {
            "repoURL": self.repository.url,
            "targetRevision": self.repository.revision,
            "path": self.repository.folder(folder),
        }

    def _object(
        self, kind: str, name: str, spec: Mapping[str, Any], annotations: Mapping[str, str]
    ) -> dict[str, Any]:
        metadata = {"name": name, "namespace": self.namespace, "annotations": annotations}
        return {"apiVersion": _API, "kind": kind, "metadata": metadata, "spec": spec}


def waves_of(folders: Sequence[Folder]) -> dict[Identity, int]:
    """Return for each unit after how many others it comes: 0 for what needs none that is written.

    Units are given as planned: what others need stands before them.
    """
    waves: dict[Identity, int] = {}
    for each in folders:
        above = [waves[need] for need in each.unit.needs if need in waves]
        waves[each.unit.identity] = max(above, default=-1) + 1
    return waves


def _place(target: PlacedTarget) -> dict[str, str]:
    """Return the destination of a target: the cluster that Argo CD knows by its context's name.

    `argocd cluster add CONTEXT` calls a cluster so by itself.
    """
    if target.kubernetes_context:
        return {"name": target.kubernetes_context}
    return {"server": _HERE}


def _ignored(resource: Any) -> dict[str, Any]:
    return {
        "group": resource.api_version.rpartition("/")[0],
        "kind": resource.kind,
        "name": resource.name,
        **({"namespace": resource.namespace} if resource.namespace else {}),
        "jsonPointers": ignored(resource),
    }
