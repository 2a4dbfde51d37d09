"""One function a kind: from the neutral description to CloudFormation's resource."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dativo_infra.adapters.cloudformation.lowerings import (
    application_autoscaling,
    autoscaling,
    ec2,
    ecs,
    emr,
    iam,
    logs,
    s3,
    scheduler,
    secretsmanager,
)
from dativo_infra.planning import support
from dativo_infra.resources.application_autoscaling import ScalableTarget, ScalingPolicy
from dativo_infra.resources.autoscaling import AutoScalingGroup
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
from dativo_infra.resources.logs import LogGroup
from dativo_infra.resources.s3 import S3Bucket
from dativo_infra.resources.scheduler import Schedule
from dativo_infra.resources.secretsmanager import SecretsManagerSecret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dativo_infra.resources import Resource

LOWERINGS: Mapping[type[Resource], Callable[..., Any]] = {
    AutoScalingGroup: autoscaling.group,
    EcsCapacityProvider: ecs.capacity_provider,
    EcsCluster: ecs.cluster,
    EcsClusterCapacityProviders: ecs.cluster_capacity_providers,
    EcsService: ecs.service,
    EcsTaskDefinition: ecs.task_definition,
    EmrCluster: emr.cluster,
    EmrSecurityConfiguration: emr.security_configuration,
    IamInstanceProfile: iam.instance_profile,
    IamRole: iam.role,
    LaunchTemplate: ec2.launch_template,
    LogGroup: logs.log_group,
    S3Bucket: s3.bucket,
    ScalableTarget: application_autoscaling.target,
    ScalingPolicy: application_autoscaling.policy,
    Schedule: scheduler.schedule,
    SecretsManagerSecret: secretsmanager.secret,
}
"""Called with the logical id, the resource, and the function that gives values in CloudFormation's
form; returns a troposphere resource without its envelope."""

REFUSALS: Mapping[str, str] = support.REFUSALS["cloudformation"]
"""The kinds that are refused, by their class's name, and why."""
