"""Building with Pulumi: components, and the functions that build many jobs in one program."""

from __future__ import annotations

from dativo_infra.adapters.pulumi.build import build, build_stack
from dativo_infra.adapters.pulumi.components import (
    Component,
    DaskCluster,
    DatabricksCluster,
    DatabricksClusterArgs,
    EcsCluster,
    EcsClusterArgs,
    EcsService,
    EcsServiceArgs,
    EmrCluster,
    EmrClusterArgs,
    KubernetesClusterArgs,
    KubernetesJob,
    KubernetesJobArgs,
    KubernetesNamespace,
    KubernetesNamespaceArgs,
    KubernetesServiceAccount,
    KubernetesServiceAccountArgs,
    RayCluster,
    SparkApplication,
)

__all__ = [
    "Component",
    "DaskCluster",
    "DatabricksCluster",
    "DatabricksClusterArgs",
    "EcsCluster",
    "EcsClusterArgs",
    "EcsService",
    "EcsServiceArgs",
    "EmrCluster",
    "EmrClusterArgs",
    "KubernetesClusterArgs",
    "KubernetesJob",
    "KubernetesJobArgs",
    "KubernetesNamespace",
    "KubernetesNamespaceArgs",
    "KubernetesServiceAccount",
    "KubernetesServiceAccountArgs",
    "RayCluster",
    "SparkApplication",
    "build",
    "build_stack",
]
