"""Amazon Elastic Container Service, on EC2 and on Fargate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dativo_infra.adapters.bridged.ecs import container, volume

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dativo_infra.adapters.terraform.native.lowerings.scope import Scope
    from dativo_infra.adapters.terraform.native.values import Values
    from dativo_infra.resources.ecs import (
        EcsCapacityProvider,
        EcsCluster,
        EcsClusterCapacityProviders,
        EcsService,
        EcsTaskDefinition,
    )
    from dativo_infra.resources.scheduler import Schedule
    from dativo_infra.values import Text


def cluster(resource: EcsCluster, scope: Scope) -> None:
    """Write a cluster; Terraform wants a name, which is the unit's where nobody asks for one."""
    insights = "enabled" if resource.container_insights else "disabled"
    scope.block(
        "aws_ecs_cluster",
        {
            "name": resource.name or scope.name,
            "setting": {"name": "containerInsights", "value": insights},
            "tags": resource.tags,
        },
        named=True,
        ignore=[] if resource.name else ["name"],
    )


def capacity_provider(resource: EcsCapacityProvider, scope: Scope) -> None:
    """Write a capacity provider."""
    scaling = (
        {"status": "ENABLED", "target_capacity": 100}
        if resource.managed_scaling
        else {"status": "DISABLED"}
    )
    scope.block(
        "aws_ecs_capacity_provider",
        {
            "name": resource.name,
            "auto_scaling_group_provider": {
                "auto_scaling_group_arn": resource.auto_scaling_group,
                "managed_scaling": scaling,
                "managed_termination_protection": "DISABLED",
                "managed_draining": "ENABLED",
            },
            "tags": resource.tags,
        },
        named=True,
    )


def cluster_capacity_providers(resource: EcsClusterCapacityProviders, scope: Scope) -> None:
    """Write which capacity providers a cluster has."""
    scope.block(
        "aws_ecs_cluster_capacity_providers",
        {
            "cluster_name": resource.cluster,
            "capacity_providers": resource.providers,
            "default_capacity_provider_strategy": strategy(resource.default_providers),
        },
        named=True,
    )


def task_definition(resource: EcsTaskDefinition, scope: Scope) -> None:
    """Write a task definition; each change makes a revision and retires the one before."""
    storage = resource.ephemeral_storage
    scope.block(
        "aws_ecs_task_definition",
        {
            "family": resource.family,
            "requires_compatibilities": [resource.launch_type],
            "network_mode": "awsvpc",
            "cpu": str(resource.cpu),
            "memory": str(resource.memory),
            "runtime_platform": {
                "operating_system_family": "LINUX",
                "cpu_architecture": resource.architecture,
            },
            "ephemeral_storage": None if storage is None else {"size_in_gib": storage},
            "execution_role_arn": resource.execution_role,
            "task_role_arn": resource.task_role,
            "container_definitions": scope.values.json([container(resource.container)]),
            "volume": [volume(each) for each in resource.volumes] or None,
            "tags": resource.tags,
        },
    )


def service(resource: EcsService, scope: Scope) -> None:
    """Write a service; applying waits until its tasks run."""
    scaled = resource.desired_count is None
    placed = bool(resource.launch_type or resource.capacity_providers)
    scope.block(
        "aws_ecs_service",
        {
            "name": scope.name,
            "cluster": resource.cluster,
            "task_definition": resource.task_definition,
            # Left out it would be none at all.
            "desired_count": 1 if scaled else resource.desired_count,
            "launch_type": resource.launch_type,
            "capacity_provider_strategy": strategy(resource.capacity_providers),
            "network_configuration": network(resource, scope.values),
            "deployment_circuit_breaker": {"enable": True, "rollback": True},
            "deployment_minimum_healthy_percent": resource.minimum_healthy_percent,
            "deployment_maximum_percent": resource.maximum_percent,
            "wait_for_steady_state": True,
            # Refused by ECS where a deployment may not have more tasks than wanted.
            "availability_zone_rebalancing": "DISABLED",
            "propagate_tags": "SERVICE",
            "enable_ecs_managed_tags": True,
            "tags": resource.tags,
        },
        named=True,
        ignore=[
            "name",
            *(["desired_count"] if scaled else []),
            # The service gets the cluster's, and the provider would replace it to take them away
            # (https://github.com/hashicorp/terraform-provider-aws/issues/22823).
            *([] if placed else ["capacity_provider_strategy"]),
        ],
    )


def strategy(providers: Sequence[Text]) -> list[dict[str, Any]] | None:
    """Return a capacity provider strategy, or None where there are no providers."""
    return [{"capacity_provider": each, "weight": 1} for each in providers] or None


def network(resource: EcsService | Schedule, values: Values) -> dict[str, Any]:
    """Return where tasks are placed."""
    return {
        "subnets": values.texts(resource.subnet_ids),
        "security_groups": values.texts(resource.security_group_ids) or None,
        "assign_public_ip": resource.assign_public_ip,
    }
