"""From the neutral kinds to manifests: one table, and all other kinds are refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from dativo_infra.adapters.manifests.values import known
from dativo_infra.planning.support import REFUSALS as ALL_REFUSALS
from dativo_infra.resources.kubernetes import KubernetesObject

if TYPE_CHECKING:
    from dativo_infra.planning.result import Unit
    from dativo_infra.resources import Resource

Annotate: TypeAlias = Callable[["KubernetesObject"], Mapping[str, str]]
"""Gives the annotations by which a tool of GitOps knows what becomes of an object."""
Lowering: TypeAlias = Callable[[Any, Mapping[str, Any]], dict[str, Any]]


def kubernetes_object(resource: KubernetesObject, annotations: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object's manifest; what is empty is left out."""
    metadata = {
        "name": resource.name,
        "namespace": resource.namespace,
        "labels": resource.labels,
        "annotations": annotations,
    }
    return {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": {name: value for name, value in metadata.items() if value},
        **resource.body,
    }


LOWERINGS: Mapping[type[Resource], Lowering] = {KubernetesObject: kubernetes_object}
"""How each kind is written."""

REFUSALS: Mapping[str, str] = ALL_REFUSALS["manifests"]
"""The kinds that have no manifest, and why."""


def lower(unit: Unit, annotate: Annotate | None = None) -> dict[str, dict[str, Any]]:
    """Return a unit's manifests by the keys of its resources, in the order planned.

    Args:
        unit: A unit of which `values.problems` has found nothing.
        annotate: Gives further annotations of an object, which win over the job's own.
    """
    objects: list[Any] = list(unit.resources)
    names = {each.key: each.name for each in objects}
    return {
        each.key: known(
            LOWERINGS[type(each)](
                each, {**each.annotations, **(annotate(each) if annotate else {})}
            ),
            names,
        )
        for each in objects
    }
