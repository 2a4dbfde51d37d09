"""Kubernetes objects of any kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dativo_infra.adapters.terraform.native.kubernetes import MANIFEST, arguments, path, type_of

if TYPE_CHECKING:
    from dativo_infra.adapters.terraform.native.lowerings.scope import Scope
    from dativo_infra.resources.kubernetes import KubernetesObject

_WAITING: dict[str, dict[str, Any]] = {
    # Many a storage class binds a claim when its first pod starts, which is later.
    "PersistentVolumeClaim": {"wait_until_bound": False},
}
"""What the provider is told not to wait for."""


def kubernetes_object(resource: KubernetesObject, scope: Scope) -> None:
    """Write an object as a resource of its kind, or as a manifest."""
    metadata = {
        "name": resource.name,
        "namespace": resource.namespace,
        "labels": resource.labels or None,
        "annotations": resource.annotations or None,
    }
    ignored = [each.removeprefix("body.") for each in resource.lifecycle.ignore]
    type_ = type_of(resource)
    if type_ == MANIFEST:
        manifest = {
            "apiVersion": resource.api_version,
            "kind": resource.kind,
            "metadata": metadata,
            **resource.body,
        }
        # What a controller fills in; the first two are the provider's own choice.
        computed = ["metadata.annotations", "metadata.labels", *ignored] if ignored else None
        scope.block(type_, {"manifest": manifest, "computed_fields": computed}, named=True)
        return
    scope.block(
        type_,
        {
            "metadata": metadata,
            **arguments(resource.kind, resource.body),
            **_WAITING.get(resource.kind, {}),
        },
        named=True,
        ignore=[path(resource.kind, each) for each in ignored],
    )
