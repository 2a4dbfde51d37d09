"""What a Kubernetes object is in Terraform: a resource of its kind, or a manifest.

A manifest can be of any kind, but to plan one the provider asks the cluster about the kind, which
must be there before the plan. So what Kubernetes itself has is a resource of its own type, with the
fields of the API renamed by rule; a manifest is what is left, for custom resources.
Source: https://registry.terraform.io/providers/hashicorp/kubernetes/latest/docs/resources/manifest
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dativo_infra.resources.kubernetes import KubernetesObject

MANIFEST = "kubernetes_manifest"

_RBAC = "rbac.authorization.k8s.io/v1"
TYPES: Mapping[tuple[str, str], str] = {
    ("apps/v1", "Deployment"): "kubernetes_deployment_v1",
    ("batch/v1", "CronJob"): "kubernetes_cron_job_v1",
    ("batch/v1", "Job"): "kubernetes_job_v1",
    ("networking.k8s.io/v1", "NetworkPolicy"): "kubernetes_network_policy_v1",
    (_RBAC, "Role"): "kubernetes_role_v1",
    (_RBAC, "RoleBinding"): "kubernetes_role_binding_v1",
    ("v1", "ConfigMap"): "kubernetes_config_map_v1",
    ("v1", "LimitRange"): "kubernetes_limit_range_v1",
    ("v1", "Namespace"): "kubernetes_namespace_v1",
    ("v1", "PersistentVolume"): "kubernetes_persistent_volume_v1",
    ("v1", "PersistentVolumeClaim"): "kubernetes_persistent_volume_claim_v1",
    ("v1", "ResourceQuota"): "kubernetes_resource_quota_v1",
    ("v1", "Secret"): "kubernetes_secret_v1",
    ("v1", "Service"): "kubernetes_service_v1",
    ("v1", "ServiceAccount"): "kubernetes_service_account_v1",
}
"""The type of each kind that has one, by its version and kind."""

_MAPS = frozenset(
    (
        "annotations",
        "binaryData",
        "capacity",
        "data",
        "default",
        "defaultRequest",
        "hard",
        "labels",
        "matchLabels",
        "nodeSelector",
        "requests",
        "stringData",
        "volumeAttributes",
    )
)
"""Fields whose keys are the user's own, or names of amounts."""
_SINGULAR = frozenset(
    (
        "containers",
        "initContainers",
        "limits",
        "nodeSelectorTerms",
        "ports",
        "rules",
        "subjects",
        "tolerations",
        "topologySpreadConstraints",
        "volumeMounts",
        "volumes",
    )
)
"""Lists of blocks, of which each is called by the singular."""
_RENAMED: Mapping[tuple[str, str], str] = {
    ("CronJob", "timeZone"): "timezone",
    ("NetworkPolicy", "ports"): "ports",
    # The provider encodes the one and takes the other as it is.
    ("Secret", "data"): "binary_data",
    ("Secret", "stringData"): "data",
    ("ServiceAccount", "imagePullSecrets"): "image_pull_secret",
}
"""Fields of single kinds that follow no rule."""
_VOLUME_FIELDS = frozenset(
    (
        "accessModes",
        "capacity",
        "claimRef",
        "mountOptions",
        "nodeAffinity",
        "persistentVolumeReclaimPolicy",
        "storageClassName",
        "volumeMode",
    )
)
"""What a PersistentVolume says beside what it is made of."""


def type_of(resource: KubernetesObject) -> str:
    """Return the provider's type of an object."""
    spec = resource.body.get("spec", {})
    if resource.kind == "PersistentVolumeClaim" and spec.get("storageClassName") == "":
        # The type takes no class for the default one
        # (https://github.com/hashicorp/terraform-provider-kubernetes/issues/1379).
        return MANIFEST
    return TYPES.get((resource.api_version, resource.kind), MANIFEST)


def arguments(kind: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return what stands beside the metadata of an object as arguments of its type."""
    if kind == "PersistentVolume":
        body = {**body, "spec": _with_source(body.get("spec", {}))}
    return _fields(kind, body)


def path(kind: str, dotted: str) -> str:
    """Return the address of a field within the resource: `spec.suspend` is `spec[0].suspend`."""
    *outer, last = (_name(kind, field, several=False) for field in dotted.split("."))
    return "".join(f"{block}[0]." for block in outer) + last


def _fields(kind: str, value: Mapping[str, Any]) -> dict[str, Any]:
    if "containers" in value:
        value = _as_the_pod(value)
    return {
        _name(kind, name, several=isinstance(item, list | tuple)): (
            item if name in _MAPS or _is_amounts(name, item) else _inner(kind, item)
        )
        for name, item in value.items()
    }


def _inner(kind: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return _fields(kind, value)
    if isinstance(value, list | tuple):
        return [_inner(kind, item) for item in value]
    return value


def _is_amounts(name: str, value: Any) -> bool:
    """Return whether these are the limits of a container, and not those of a namespace."""
    return name == "limits" and isinstance(value, Mapping)


def _name(kind: str, name: str, *, several: bool) -> str:
    if renamed := _RENAMED.get((kind, name)):
        return renamed
    snake = re.sub("(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
    return snake.removesuffix("s") if several and name in _SINGULAR else snake


def _as_the_pod(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return a pod whose containers say themselves that they are not root, where the pod does.

    The provider sends `false` for a container that says nothing of it but has a security context,
    and what a container says counts more than what its pod does (`expandContainerSecurityContext`
    in https://github.com/hashicorp/terraform-provider-kubernetes).
    """
    said = "runAsNonRoot"
    ours = {said: spec["securityContext"][said]} if said in spec.get("securityContext", {}) else {}

    def stated(container: Mapping[str, Any]) -> dict[str, Any]:
        if "securityContext" not in container:
            return dict(container)
        return {**container, "securityContext": {**ours, **container["securityContext"]}}

    lists = {name: spec[name] for name in ("containers", "initContainers") if name in spec}
    return {**spec, **{name: [stated(each) for each in items] for name, items in lists.items()}}


def _with_source(spec: Mapping[str, Any]) -> dict[str, Any]:
    source = {name: item for name, item in spec.items() if name not in _VOLUME_FIELDS}
    return {
        **{name: item for name, item in spec.items() if name in _VOLUME_FIELDS},
        "persistentVolumeSource": source,
    }
