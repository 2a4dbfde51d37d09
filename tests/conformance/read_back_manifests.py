"""From the manifests of a unit, and its Application of Argo CD, back to the neutral resources.

Written from the documentation of Kubernetes, Kustomize and Argo CD, not from the lowering.
Sources: https://kubernetes.io/docs/concepts/overview/working-with-objects/,
https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/,
https://argo-cd.readthedocs.io/en/stable/user-guide/sync-options/
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from reading import Properties, UnreadableError

from dativo_infra.resources import Lifecycle
from dativo_infra.resources.kubernetes import KubernetesObject

if TYPE_CHECKING:
    from collections.abc import Mapping

KUSTOMIZATION = "kustomization.yaml"
APPLICATION = "../application"
"""What the Application of a unit is given under, beside the files of its folder."""
_OPTIONS = "argocd.argoproj.io/sync-options"
_RETAINED = "Prune=false,Delete=false"
"""Not deleted when its file is gone, nor with its Application."""


def read_back(documents: Mapping[str, Any]) -> list[KubernetesObject]:
    """Return the objects of a unit, with what their envelopes say.

    Args:
        documents: The documents in a unit's folder by file, and its Application.
    """
    names = _listed(documents[KUSTOMIZATION])
    if sorted(names) != sorted(set(documents) - {KUSTOMIZATION, APPLICATION}):
        raise UnreadableError(f"the folder has other files than {names}")
    ignored = _ignored(documents[APPLICATION])
    read = [_object(name, documents[name], ignored) for name in names]
    if ignored:
        raise UnreadableError(f"no object is {list(ignored)}")
    return read


def _listed(document: Mapping[str, Any]) -> list[str]:
    properties = Properties(KUSTOMIZATION, document)
    properties.expect("apiVersion", "kustomize.config.k8s.io/v1beta1")
    properties.expect("kind", "Kustomization")
    order = properties.inner("sortOptions")
    order.expect("order", "legacy")
    order.take("legacySortOptions")  # what it gives is asked of kubectl
    order.end()
    names = properties.take("resources")
    properties.end()
    return names


def _object(name: str, document: Mapping[str, Any], ignored: dict[Any, Any]) -> KubernetesObject:
    properties = Properties(name, document)
    api_version, kind = properties.take("apiVersion"), properties.take("kind")
    metadata = properties.inner("metadata")
    annotations = dict(metadata.take("annotations", {}))
    options = annotations.pop(_OPTIONS, "")
    others = options.removesuffix(_RETAINED)
    if others:
        annotations[_OPTIONS] = others.removesuffix(",")
    own, namespace = metadata.take("name"), metadata.take("namespace", None)
    identity = (api_version.rpartition("/")[0], kind, own, namespace)
    read = KubernetesObject(
        key=name.removesuffix(".yaml"),
        lifecycle=Lifecycle(retain=options != others, ignore=ignored.pop(identity, ())),
        api_version=api_version,
        kind=kind,
        name=own,
        namespace=namespace,
        labels=metadata.take("labels", {}),
        annotations=annotations,
        body=properties.rest(),
    )
    metadata.end()
    return read


def _ignored(application: Mapping[str, Any]) -> dict[Any, tuple[str, ...]]:
    """Return the fields that an Application leaves to others, by what their object is called."""
    spec = application["spec"]
    found: dict[Any, tuple[str, ...]] = {}
    for item in spec.get("ignoreDifferences", ()):
        properties = Properties("ignoreDifferences", item)
        identity = tuple(properties.take(each) for each in ("group", "kind", "name"))
        pointers = properties.take("jsonPointers")
        paths = (re.sub(r"/(\d+)", r"[\1]", each).replace("/", ".") for each in pointers)
        found[*identity, properties.take("namespace", None)] = tuple(
            f"body{path}" for path in paths
        )
        properties.end()
    # Without this option fields are only not shown, and overwritten all the same.
    if bool(found) != ("RespectIgnoreDifferences=true" in spec["syncPolicy"]["syncOptions"]):
        raise UnreadableError("fields are ignored and overwritten")
    return found
