"""Kubernetes objects of any kind."""
# ruff: noqa: PLC0415 - a provider is imported only by a program that uses it

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pulumi

from dativo_infra.adapters.pulumi.typed import typed

if TYPE_CHECKING:
    from dativo_infra.adapters.pulumi.lowerings.scope import Scope
    from dativo_infra.resources.kubernetes import KubernetesObject

_OWN_GROUPS = ".k8s.io"
_TAKE_OVER = {"pulumi.com/patchForce": "true"}
"""Who writes one item of a list of a custom resource owns the list as a whole, and every later
update of it would be refused.

Source: https://www.pulumi.com/registry/packages/kubernetes/how-to-guides/managing-resources-with-server-side-apply/
"""


def kubernetes_object(resource: KubernetesObject, scope: Scope) -> None:
    """Register an object by the class of its kind, or as a custom resource."""
    from pulumi_kubernetes.apiextensions import CustomResource
    from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

    ignore = [path.removeprefix("body.") for path in resource.lifecycle.ignore]
    contested = any("[" in path for path in ignore)
    annotations = {**resource.annotations, **(_TAKE_OVER if contested else {})}
    metadata = {
        "name": resource.name,
        "namespace": resource.namespace,
        "labels": resource.labels or None,
        "annotations": annotations or None,
    }
    body = scope.resolver.value(resource.body)
    if (resource.api_version, resource.kind) == ("v1", "Secret"):
        for part in ("data", "stringData"):
            hidden = {key: pulumi.Output.secret(item) for key, item in body.get(part, {}).items()}
            body |= {part: hidden} if hidden else {}
    cls = known_class(resource.api_version, resource.kind)
    if cls is not None:
        scope.create(cls, {"metadata": metadata, **body}, ignore=ignore)
        return
    # A custom resource has no class of arguments: its definition is known to the cluster alone.
    scope.keep(
        CustomResource(
            scope.name,
            api_version=resource.api_version,
            kind=resource.kind,
            metadata=typed(ObjectMetaArgs, scope.resolver.value(metadata)),
            opts=scope.options(ignore),
            **body,
        )
    )


@cache
def known_class(api_version: str, kind: str) -> type[Any] | None:
    """Return the provider's class of a kind that Kubernetes itself has, or None.

    `batch/v1` CronJob is `pulumi_kubernetes.batch.v1.CronJob`; the group without a name is `core`,
    and `rbac.authorization.k8s.io` is `rbac`.
    """
    group, _, version = api_version.rpartition("/")
    if "." in group and not group.endswith(_OWN_GROUPS):
        return None
    package = group.partition(".")[0] or "core"
    try:
        module = import_module(f"pulumi_kubernetes.{package}.{version}")
    except ModuleNotFoundError:
        return None
    return getattr(module, kind, None)
