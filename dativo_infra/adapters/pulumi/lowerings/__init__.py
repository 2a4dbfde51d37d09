"""From the neutral kinds to Pulumi's resources: one table, one function a kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, Any, TypeAlias

from dativo_infra.adapters.pulumi.lowerings import (
    application_autoscaling,
    autoscaling,
    databricks,
    ec2,
    ecs,
    emr,
    iam,
    kubernetes,
    logs,
    s3,
    scheduler,
    secretsmanager,
)
from dativo_infra.adapters.pulumi.lowerings.scope import Scope
from dativo_infra.adapters.pulumi.values import Resolver, needed
from dativo_infra.planning.support import REFUSALS as ALL_REFUSALS
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

if TYPE_CHECKING:
    import pulumi

    from dativo_infra.planning.result import Unit
    from dativo_infra.resources import Resource

Lowering: TypeAlias = Callable[[Any, Scope], None]

LOWERINGS: Mapping[type[Resource], Lowering] = {
    AutoScalingGroup: autoscaling.group,
    DatabricksCluster: databricks.cluster,
    DatabricksInstancePool: databricks.instance_pool,
    DatabricksJob: databricks.job,
    EcsCapacityProvider: ecs.capacity_provider,
    EcsCluster: ecs.cluster,
    EcsClusterCapacityProviders: ecs.cluster_capacity_providers,
    EcsService: ecs.service,
    EcsTaskDefinition: ecs.task_definition,
    EmrCluster: emr.cluster,
    EmrSecurityConfiguration: emr.security_configuration,
    IamInstanceProfile: iam.instance_profile,
    IamRole: iam.role,
    KubernetesObject: kubernetes.kubernetes_object,
    LaunchTemplate: ec2.launch_template,
    LogGroup: logs.group,
    S3Bucket: s3.bucket,
    ScalableTarget: application_autoscaling.target,
    ScalingPolicy: application_autoscaling.policy,
    Schedule: scheduler.schedule,
    SecretsManagerSecret: secretsmanager.secret,
}
"""How each kind is built."""

REFUSALS: Mapping[str, str] = ALL_REFUSALS["pulumi"]
"""The kinds that Pulumi does not build, and why."""


def lower(
    unit: Unit, *, name: str, component: pulumi.Resource, parameters: Mapping[str, Any]
) -> Resolver:
    """Register a unit's resources as children of its component; return what they became.

    `name` is the component's name, of which those of the children are made.
    """
    resolver = Resolver(component, parameters)
    resources = {resource.key: resource for resource in unit.resources}
    order = TopologicalSorter({key: tuple(needed(each)) for key, each in resources.items()})
    for key in order.static_order():
        resource = resources[key]
        scope = Scope(
            name=f"{name}-{key}",
            parent=component,
            resolver=resolver,
            lifecycle=resource.lifecycle,
            depends_on=resolver.lowered(needed(resource)),
        )
        LOWERINGS[type(resource)](resource, scope)
        resolver.register(resource, scope.created)
    return resolver
