"""The list of kinds: what every adapter lowers or refuses."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from dativo_infra.resources.application_autoscaling import ScalableTarget, ScalingPolicy
from dativo_infra.resources.autoscaling import AutoScalingGroup
from dativo_infra.resources.databricks import (
    DatabricksCluster,
    DatabricksInstancePool,
    DatabricksJob,
)
from dativo_infra.resources.ec2 import LaunchTemplate
from dativo_infra.resources.ecs import (
    EcsCapacityProvider,
    EcsCluster,
    EcsClusterCapacityProviders,
    EcsService,
    EcsTaskDefinition,
)
from dativo_infra.resources.emr import EmrCluster, EmrSecurityConfiguration
from dativo_infra.resources.iam import IamInstanceProfile, IamRole
from dativo_infra.resources.kubernetes import KubernetesObject
from dativo_infra.resources.logs import LogGroup
from dativo_infra.resources.s3 import S3Bucket
from dativo_infra.resources.scheduler import Schedule
from dativo_infra.resources.secretsmanager import SecretsManagerSecret
from dativo_infra.resources.terraform import TerraformModule

if TYPE_CHECKING:
    from dativo_infra.resources import Resource

KINDS: tuple[type[Resource], ...] = (
    AutoScalingGroup,
    DatabricksCluster,
    DatabricksInstancePool,
    DatabricksJob,
    EcsCapacityProvider,
    EcsCluster,
    EcsClusterCapacityProviders,
    EcsService,
    EcsTaskDefinition,
    EmrCluster,
    EmrSecurityConfiguration,
    IamInstanceProfile,
    IamRole,
    KubernetesObject,
    LaunchTemplate,
    LogGroup,
    S3Bucket,
    ScalableTarget,
    ScalingPolicy,
    Schedule,
    SecretsManagerSecret,
    TerraformModule,
)


def is_taggable(kind: type[Resource]) -> bool:
    """Return whether resources of the kind carry tags."""
    return any(field.name == "tags" for field in fields(kind))
