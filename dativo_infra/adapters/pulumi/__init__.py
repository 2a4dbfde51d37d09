"""Building with Pulumi: components, and the functions that build many jobs in one program."""

from __future__ import annotations

from dativo_infra.adapters.pulumi.build import build, build_stack
from dativo_infra.adapters.pulumi.components import (
    Component,
    DatabricksCluster,
    DatabricksClusterArgs,
    EcsCluster,
    EcsClusterArgs,
    EcsService,
    EcsServiceArgs,
    EmrCluster,
    EmrClusterArgs,
    KubernetesJob,
    KubernetesJobArgs,
    KubernetesNamespace,
    KubernetesNamespaceArgs,
    KubernetesServiceAccount,
    KubernetesServiceAccountArgs,
)

__all__ = [
    "Component",
    "DatabricksCluster",
    "DatabricksClusterArgs",
    "EcsCluster",
    "EcsClusterArgs",
    "EcsService",
    "EcsServiceArgs",
    "EmrCluster",
    "EmrClusterArgs",
    "KubernetesJob",
    "KubernetesJobArgs",
    "KubernetesNamespace",
    "KubernetesNamespaceArgs",
    "KubernetesServiceAccount",
    "KubernetesServiceAccountArgs",
    "build",
    "build_stack",
]
