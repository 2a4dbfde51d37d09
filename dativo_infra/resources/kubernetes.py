"""Kubernetes objects of any kind; all names are ours, so they are referred to by name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from dativo_infra.resources import Resource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dativo_infra.values import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class KubernetesObject(Resource):
    """One object, as a manifest would say it.

    Source: https://kubernetes.io/docs/reference/kubernetes-api/
    """

    api_version: str
    kind: str
    name: str
    namespace: str | None = None
    """None for kinds that belong to the cluster."""
    labels: Mapping[str, Text] = field(default_factory=dict)
    annotations: Mapping[str, Text] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)
    """What stands beside apiVersion, kind and metadata: `spec`, `data`, `rules` and the like."""

    ATTRIBUTES: ClassVar[tuple[str, ...]] = ("name",)
