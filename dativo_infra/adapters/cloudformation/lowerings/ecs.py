"""Amazon Elastic Container Service.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_ECS.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from troposphere import Tags, ecs

from dativo_infra.resources.ecs import EfsVolume

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dativo_infra.adapters.cloudformation.values import Lower
    from dativo_infra.resources.ecs import (
        Container,
        EcsCapacityProvider,
        EcsCluster,
        EcsClusterCapacityProviders,
        EcsService,
        EcsTaskDefinition,
        Volume,
    )
    from dativo_infra.resources.scheduler import Schedule
    from dativo_infra.values import Text


def cluster(logical_id: str, resource: EcsCluster, value: Lower) -> ecs.Cluster:
    """Return the `AWS::ECS::Cluster`; its container insights never depend on the account."""
    optional: dict[str, Any] = {}
    if resource.name is not None:
        optional["ClusterName"] = resource.name
    insights = "enabled" if resource.container_insights else "disabled"
    return ecs.Cluster(
        logical_id,
        ClusterSettings=[ecs.ClusterSetting(Name="containerInsights", Value=insights)],
        Tags=Tags(value(resource.tags)),
        **optional,
    )


def capacity_provider(
    logical_id: str, resource: EcsCapacityProvider, value: Lower
) -> ecs.CapacityProvider:
    """Return the `AWS::ECS::CapacityProvider`."""
    scaling = (
        ecs.ManagedScaling(Status="ENABLED", TargetCapacity=100)
        if resource.managed_scaling
        else ecs.ManagedScaling(Status="DISABLED")
    )
    return ecs.CapacityProvider(
        logical_id,
        Name=value(resource.name),
        AutoScalingGroupProvider=ecs.AutoScalingGroupProvider(
            AutoScalingGroupArn=value(resource.auto_scaling_group),
            ManagedScaling=scaling,
            ManagedTerminationProtection="DISABLED",
            ManagedDraining="ENABLED",
        ),
        Tags=Tags(value(resource.tags)),
    )


def cluster_capacity_providers(
    logical_id: str, resource: EcsClusterCapacityProviders, value: Lower
) -> ecs.ClusterCapacityProviderAssociations:
    """Return the `AWS::ECS::ClusterCapacityProviderAssociations`."""
    return ecs.ClusterCapacityProviderAssociations(
        logical_id,
        Cluster=value(resource.cluster),
        CapacityProviders=value(resource.providers),
        # Required, also when there is none.
        DefaultCapacityProviderStrategy=strategy(
            resource.default_providers, value, ecs.CapacityProviderStrategy
        ),
    )


def task_definition(
    logical_id: str, resource: EcsTaskDefinition, value: Lower
) -> ecs.TaskDefinition:
    """Return the `AWS::ECS::TaskDefinition`; a change replaces it by a new revision."""
    optional: dict[str, Any] = {}
    if resource.ephemeral_storage is not None:
        optional["EphemeralStorage"] = ecs.EphemeralStorage(SizeInGiB=resource.ephemeral_storage)
    if resource.volumes:
        optional["Volumes"] = [_volume(each) for each in resource.volumes]
    return ecs.TaskDefinition(
        logical_id,
        Family=resource.family,
        NetworkMode="awsvpc",
        RequiresCompatibilities=[resource.launch_type],
        Cpu=str(resource.cpu),
        Memory=str(resource.memory),
        RuntimePlatform=ecs.RuntimePlatform(
            CpuArchitecture=resource.architecture, OperatingSystemFamily="LINUX"
        ),
        ExecutionRoleArn=value(resource.execution_role),
        TaskRoleArn=value(resource.task_role),
        ContainerDefinitions=[_container(resource.container, value)],
        Tags=Tags(value(resource.tags)),
        **optional,
    )


def service(logical_id: str, resource: EcsService, value: Lower) -> ecs.Service:
    """Return the `AWS::ECS::Service`, named by CloudFormation."""
    optional = placement(resource, value, ecs.CapacityProviderStrategyItem)
    if resource.desired_count is not None:
        # With a count in the template each update would take back what an autoscaler did.
        optional["DesiredCount"] = resource.desired_count
    return ecs.Service(
        logical_id,
        Cluster=value(resource.cluster),
        TaskDefinition=value(resource.task_definition),
        NetworkConfiguration=ecs.NetworkConfiguration(
            AwsvpcConfiguration=ecs.AwsvpcConfiguration(**network(resource, value))
        ),
        DeploymentConfiguration=ecs.DeploymentConfiguration(
            MinimumHealthyPercent=resource.minimum_healthy_percent,
            MaximumPercent=resource.maximum_percent,
            DeploymentCircuitBreaker=ecs.DeploymentCircuitBreaker(Enable=True, Rollback=True),
        ),
        # On by default, and refused where a deployment may not have more tasks than wanted:
        # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-rebalancing.html
        AvailabilityZoneRebalancing="DISABLED",
        PropagateTags="SERVICE",
        EnableECSManagedTags=True,
        Tags=Tags(value(resource.tags)),
        **optional,
    )


def network(resource: EcsService | Schedule, value: Lower) -> dict[str, Any]:
    """Return the properties of an `AwsvpcConfiguration`."""
    properties: dict[str, Any] = {
        "Subnets": value(resource.subnet_ids),
        "AssignPublicIp": "ENABLED" if resource.assign_public_ip else "DISABLED",
    }
    if resource.security_group_ids:
        properties["SecurityGroups"] = value(resource.security_group_ids)
    return properties


def placement(
    resource: EcsService | Schedule, value: Lower, item: Callable[..., Any]
) -> dict[str, Any]:
    """Return the properties that say what tasks run on: none where the cluster's default does.

    Args:
        resource: What starts the tasks.
        value: Gives values in CloudFormation's form.
        item: Makes an item of the strategy.
    """
    properties: dict[str, Any] = {}
    if resource.launch_type is not None:
        properties["LaunchType"] = resource.launch_type
    if resource.capacity_providers:
        properties["CapacityProviderStrategy"] = strategy(resource.capacity_providers, value, item)
    return properties


def strategy(providers: Iterable[Text], value: Lower, item: Callable[..., Any]) -> list[Any]:
    """Return a strategy that takes all providers alike."""
    return [item(CapacityProvider=value(each), Weight=1) for each in providers]


def _container(container: Container, value: Lower) -> ecs.ContainerDefinition:
    optional: dict[str, Any] = {}
    if container.command:
        optional["Command"] = list(container.command)
    if container.environment:
        optional["Environment"] = [
            ecs.Environment(Name=name, Value=value(text))
            for name, text in sorted(container.environment.items())
        ]
    if container.secrets:
        optional["Secrets"] = [
            ecs.Secret(Name=name, ValueFrom=value(secret))
            for name, secret in sorted(container.secrets.items())
        ]
    if container.mounts:
        optional["MountPoints"] = [
            ecs.MountPoint(SourceVolume=each.volume, ContainerPath=each.path)
            for each in container.mounts
        ]
    return ecs.ContainerDefinition(
        Name=container.name,
        Image=value(container.image),
        Essential=True,
        LogConfiguration=ecs.LogConfiguration(
            LogDriver="awslogs",
            Options={
                "awslogs-group": value(container.log_group),
                "awslogs-region": value(container.log_region),
                # Required on Fargate.
                "awslogs-stream-prefix": container.name,
            },
        ),
        StopTimeout=container.stop_timeout_seconds,
        **optional,
    )


def _volume(volume: Volume) -> ecs.Volume:
    if not isinstance(volume, EfsVolume):
        return ecs.Volume(Name=volume.name, Host=ecs.Host(SourcePath=volume.path))
    authorization = ecs.AuthorizationConfig(IAM="ENABLED")
    if volume.access_point_id is not None:
        authorization.AccessPointId = volume.access_point_id
    return ecs.Volume(
        Name=volume.name,
        EFSVolumeConfiguration=ecs.EFSVolumeConfiguration(
            FilesystemId=volume.file_system_id,
            TransitEncryption="ENABLED",
            AuthorizationConfig=authorization,
        ),
    )
