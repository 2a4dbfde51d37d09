"""The kinds around Amazon ECS, from a template's JSON back to the neutral resources.

Written from the documentation of CloudFormation's resource types, not from the lowerings.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from reading import (
    Properties,
    UnreadableError,
    machines_tags,
    one,
    pairs,
    service_of,
    weighted,
)

from dativo_infra.resources.application_autoscaling import ScalableTarget, ScalingPolicy
from dativo_infra.resources.autoscaling import AutoScalingGroup
from dativo_infra.resources.ec2 import LaunchTemplate
from dativo_infra.resources.ecs import (
    Container,
    EcsCapacityProvider,
    EcsCluster,
    EcsClusterCapacityProviders,
    EcsService,
    EcsTaskDefinition,
    EfsVolume,
    HostVolume,
    Mount,
    Volume,
)
from dativo_infra.resources.logs import LogGroup
from dativo_infra.resources.scheduler import Schedule
from dativo_infra.resources.secretsmanager import SecretsManagerSecret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from read_back_cloudformation import Reader

    from dativo_infra.resources import Resource

Envelope: TypeAlias = dict[str, Any]

RETURNS: Mapping[str, Mapping[str, str]] = {
    "AWS::ApplicationAutoScaling::ScalableTarget": {},
    "AWS::ApplicationAutoScaling::ScalingPolicy": {},
    "AWS::AutoScaling::AutoScalingGroup": {"Ref": "name", "AutoScalingGroupARN": "arn"},
    "AWS::EC2::LaunchTemplate": {
        "Ref": "id",
        "LaunchTemplateId": "id",
        "LatestVersionNumber": "latest_version",
    },
    "AWS::ECS::CapacityProvider": {"Ref": "name"},
    "AWS::ECS::Cluster": {"Ref": "name", "Arn": "arn"},
    "AWS::ECS::ClusterCapacityProviderAssociations": {},
    "AWS::ECS::Service": {"Ref": "arn", "ServiceArn": "arn", "Name": "name"},
    "AWS::ECS::TaskDefinition": {"Ref": "arn", "TaskDefinitionArn": "arn"},
    # The attribute `Arn` ends in `:*`, and so is no ARN of a log group in a policy.
    "AWS::Logs::LogGroup": {"Ref": "name"},
    "AWS::Scheduler::Schedule": {"Ref": "name", "Arn": "arn"},
    "AWS::SecretsManager::Secret": {"Ref": "arn", "Id": "arn"},
}
"""What `Ref` and `Fn::GetAtt` give, by the section "Return values" of each type."""


def cluster(reader: Reader, properties: Properties, envelope: Envelope) -> EcsCluster:
    """Read AWS::ECS::Cluster."""
    # Without the setting it is as the account's default says.
    setting = one("settings", properties.take("ClusterSettings"))
    setting.expect("Name", "containerInsights")
    insights = {"enabled": True, "disabled": False}[setting.take("Value")]
    setting.end()
    return EcsCluster(
        **envelope,
        name=properties.take("ClusterName", None),
        container_insights=insights,
        tags=reader.tags(properties.take("Tags", [])),
    )


def capacity_provider(
    reader: Reader, properties: Properties, envelope: Envelope
) -> EcsCapacityProvider:
    """Read AWS::ECS::CapacityProvider."""
    group = properties.inner("AutoScalingGroupProvider")
    group.expect("ManagedTerminationProtection", "DISABLED")
    group.expect("ManagedDraining", "ENABLED")
    scaling = group.inner("ManagedScaling")
    managed = {"ENABLED": True, "DISABLED": False}[scaling.take("Status")]
    scaling.expect("TargetCapacity", 100, 100)
    scaling.end()
    read = EcsCapacityProvider(
        **envelope,
        name=reader.value(properties.take("Name")),
        auto_scaling_group=reader.value(group.take("AutoScalingGroupArn")),
        managed_scaling=managed,
        tags=reader.tags(properties.take("Tags", [])),
    )
    group.end()
    return read


def cluster_capacity_providers(
    reader: Reader, properties: Properties, envelope: Envelope
) -> EcsClusterCapacityProviders:
    """Read AWS::ECS::ClusterCapacityProviderAssociations."""
    return EcsClusterCapacityProviders(
        **envelope,
        cluster=reader.value(properties.take("Cluster")),
        providers=reader.texts(properties.take("CapacityProviders")),
        default_providers=_strategy(reader, properties.take("DefaultCapacityProviderStrategy")),
    )


def _strategy(reader: Reader, items: Any) -> tuple[Any, ...]:
    return weighted(reader.value, items, "CapacityProvider", "Weight", "Base")


def task_definition(
    reader: Reader, properties: Properties, envelope: Envelope
) -> EcsTaskDefinition:
    """Read AWS::ECS::TaskDefinition."""
    properties.expect("NetworkMode", "awsvpc")
    (launch_type,) = properties.take("RequiresCompatibilities")
    platform = properties.inner("RuntimePlatform")
    platform.expect("OperatingSystemFamily", "LINUX")
    storage = properties.take("EphemeralStorage", None)
    if storage is not None:
        inner = Properties("EphemeralStorage", storage)
        storage = inner.take("SizeInGiB")
        inner.end()
    read = EcsTaskDefinition(
        **envelope,
        family=properties.take("Family"),
        launch_type=launch_type,
        cpu=_number(properties.take("Cpu")),
        memory=_number(properties.take("Memory")),
        architecture=platform.take("CpuArchitecture"),
        ephemeral_storage=storage,
        execution_role=reader.value(properties.take("ExecutionRoleArn")),
        task_role=reader.value(properties.take("TaskRoleArn")),
        container=_container(reader, one("container", properties.take("ContainerDefinitions"))),
        volumes=tuple(_volume(each) for each in properties.take("Volumes", [])),
        tags=reader.tags(properties.take("Tags", [])),
    )
    platform.end()
    return read


def _number(text: Any) -> int:
    """Return a number that the schema wants as text."""
    if not isinstance(text, str):
        raise UnreadableError(f"{text!r} is no text")
    return int(text)


def _container(reader: Reader, properties: Properties) -> Container:
    name = properties.take("Name")
    properties.expect("Essential", wanted=True, default=True)
    logs = properties.inner("LogConfiguration")
    logs.expect("LogDriver", "awslogs")
    options = logs.inner("Options")
    options.expect("awslogs-stream-prefix", name)
    read = Container(
        name=name,
        image=reader.value(properties.take("Image")),
        command=reader.texts(properties.take("Command", [])),
        environment=reader.value(pairs(properties.take("Environment", []), "Name", "Value")),
        secrets=reader.value(pairs(properties.take("Secrets", []), "Name", "ValueFrom")),
        mounts=tuple(
            _mount(Properties("mount", each)) for each in properties.take("MountPoints", [])
        ),
        log_group=reader.value(options.take("awslogs-group")),
        log_region=reader.value(options.take("awslogs-region")),
        # By default it is the agent's setting, 30 seconds.
        stop_timeout_seconds=properties.take("StopTimeout"),
    )
    for each in (options, logs, properties):
        each.end()
    return read


def _mount(properties: Properties) -> Mount:
    properties.expect("ReadOnly", wanted=False, default=False)
    read = Mount(volume=properties.take("SourceVolume"), path=properties.take("ContainerPath"))
    properties.end()
    return read


def _volume(item: Mapping[str, Any]) -> Volume:
    properties = Properties("volume", item)
    name = properties.take("Name")
    host = properties.take("Host", None)
    if host is not None:
        inner = Properties("host", host)
        read: Volume = HostVolume(name=name, path=inner.take("SourcePath"))
        inner.end()
    else:
        efs = properties.inner("EFSVolumeConfiguration")
        efs.expect("TransitEncryption", "ENABLED")
        # With an access point it must be left out or be the root.
        efs.expect("RootDirectory", "/", "/")
        rights = efs.inner("AuthorizationConfig")
        rights.expect("IAM", "ENABLED")
        read = EfsVolume(
            name=name,
            file_system_id=efs.take("FilesystemId"),
            access_point_id=rights.take("AccessPointId", None),
        )
        rights.end()
        efs.end()
    properties.end()
    return read


def service(reader: Reader, properties: Properties, envelope: Envelope) -> EcsService:
    """Read AWS::ECS::Service."""
    properties.expect("AvailabilityZoneRebalancing", "DISABLED")
    properties.expect("PropagateTags", "SERVICE")
    properties.expect("EnableECSManagedTags", wanted=True)
    deployment = properties.inner("DeploymentConfiguration")
    deployment.expect("DeploymentCircuitBreaker", {"Enable": True, "Rollback": True})
    read = EcsService(
        **envelope,
        cluster=reader.value(properties.take("Cluster")),
        task_definition=reader.value(properties.take("TaskDefinition")),
        # A new service starts with one then, and a change leaves the number alone.
        desired_count=properties.take("DesiredCount", None),
        launch_type=properties.take("LaunchType", None),
        capacity_providers=_strategy(reader, properties.take("CapacityProviderStrategy", [])),
        **_network(reader, properties.inner("NetworkConfiguration")),
        minimum_healthy_percent=deployment.take("MinimumHealthyPercent", 100),
        maximum_percent=deployment.take("MaximumPercent", 200),
        tags=reader.tags(properties.take("Tags", [])),
    )
    deployment.end()
    return read


def _network(reader: Reader, outer: Properties) -> dict[str, Any]:
    network = outer.inner("AwsvpcConfiguration")
    outer.end()
    read = {
        "subnet_ids": reader.texts(network.take("Subnets")),
        "security_group_ids": reader.texts(network.take("SecurityGroups", [])),
        "assign_public_ip": {"ENABLED": True, "DISABLED": False}[
            network.take("AssignPublicIp", "DISABLED")
        ],
    }
    network.end()
    return read


def log_group(reader: Reader, properties: Properties, envelope: Envelope) -> LogGroup:
    """Read AWS::Logs::LogGroup."""
    return LogGroup(
        **envelope,
        retention_days=properties.take("RetentionInDays"),
        tags=reader.tags(properties.take("Tags", [])),
    )


def launch_template(reader: Reader, properties: Properties, envelope: Envelope) -> LaunchTemplate:
    """Read AWS::EC2::LaunchTemplate."""
    data = properties.inner("LaunchTemplateData")
    metadata = data.inner("MetadataOptions")
    metadata.expect("HttpEndpoint", "enabled", "enabled")
    metadata.expect("HttpTokens", "required")
    metadata.expect("HttpPutResponseHopLimit", 1)
    metadata.end()
    profile = data.inner("IamInstanceProfile")
    script = Properties("UserData", data.take("UserData"))
    market = data.take("InstanceMarketOptions", None)
    if market not in (None, {"MarketType": "spot"}):
        raise UnreadableError(f"the market is {market!r}")
    read = LaunchTemplate(
        **envelope,
        instance_type=reader.value(data.take("InstanceType")),
        image=reader.value(data.take("ImageId")),
        instance_profile=reader.value(profile.take("Arn")),
        security_group_ids=reader.texts(data.take("SecurityGroupIds", [])),
        user_data=reader.value(script.take("Fn::Base64")),
        root_volume_size=_root_volume(one("volume", data.take("BlockDeviceMappings"))),
        spot=market is not None,
        tags=machines_tags(
            {"launch-template"},
            [(each["ResourceType"], reader.tags(each["Tags"])) for each in specified(properties)],
            [(each["ResourceType"], reader.tags(each["Tags"])) for each in specified(data)],
        ),
    )
    for each in (script, profile, data):
        each.end()
    return read


def specified(properties: Properties) -> list[dict[str, Any]]:
    """Take specifications of tags: each a type of resource, and the tags of such."""
    found = properties.take("TagSpecifications")
    if any(set(each) != {"ResourceType", "Tags"} for each in found):
        raise UnreadableError(f"no specifications of tags: {found}")
    return found


def _root_volume(device: Properties) -> int:
    device.expect("DeviceName", "/dev/xvda")
    disk = device.inner("Ebs")
    device.end()
    disk.expect("Encrypted", wanted=True)
    disk.expect("VolumeType", "gp3")
    disk.expect("DeleteOnTermination", wanted=True, default=True)
    size = disk.take("VolumeSize")
    disk.end()
    return size


def auto_scaling_group(
    reader: Reader, properties: Properties, envelope: Envelope
) -> AutoScalingGroup:
    """Read AWS::AutoScaling::AutoScalingGroup; it starts with the fewest without a wish."""
    template = properties.inner("LaunchTemplate")
    items = properties.take("Tags", [])
    for each in items:
        if each.get("PropagateAtLaunch") is not True or len(each) != 3:
            raise UnreadableError(f"a tag is not the machines', too: {each}")
    read = AutoScalingGroup(
        **envelope,
        launch_template=reader.value(template.take("LaunchTemplateId")),
        launch_template_version=reader.value(template.take("Version")),
        subnet_ids=reader.texts(properties.take("VPCZoneIdentifier")),
        minimum=_number(properties.take("MinSize")),
        maximum=_number(properties.take("MaxSize")),
        tags=reader.tags([{"Key": each["Key"], "Value": each["Value"]} for each in items]),
    )
    template.end()
    return read


def scalable_target(reader: Reader, properties: Properties, envelope: Envelope) -> ScalableTarget:
    """Read AWS::ApplicationAutoScaling::ScalableTarget."""
    return ScalableTarget(
        **envelope,
        **_scaled(reader, properties),
        minimum=properties.take("MinCapacity"),
        maximum=properties.take("MaxCapacity"),
        tags=reader.tags(properties.take("Tags", [])),
    )


def scaling_policy(reader: Reader, properties: Properties, envelope: Envelope) -> ScalingPolicy:
    """Read AWS::ApplicationAutoScaling::ScalingPolicy."""
    properties.expect("PolicyName", envelope["key"])
    properties.expect("PolicyType", "TargetTrackingScaling")
    tracking = properties.inner("TargetTrackingScalingPolicyConfiguration")
    metric = tracking.inner("PredefinedMetricSpecification")
    read = ScalingPolicy(
        **envelope,
        **_scaled(reader, properties),
        metric=metric.take("PredefinedMetricType"),
        target_percent=tracking.take("TargetValue"),
    )
    metric.end()
    tracking.end()
    return read


def _scaled(reader: Reader, properties: Properties) -> dict[str, Any]:
    properties.expect("ServiceNamespace", "ecs")
    properties.expect("ScalableDimension", "ecs:service:DesiredCount")
    return service_of(reader.value(properties.take("ResourceId")))


def schedule(reader: Reader, properties: Properties, envelope: Envelope) -> Schedule:
    """Read AWS::Scheduler::Schedule."""
    properties.expect("FlexibleTimeWindow", {"Mode": "OFF"})
    properties.expect("State", "ENABLED", "ENABLED")
    properties.expect("ScheduleExpressionTimezone", "UTC", "UTC")
    properties.expect("GroupName", "default", "default")
    target = properties.inner("Target")
    retry = target.inner("RetryPolicy")
    retry.expect("MaximumEventAgeInSeconds", 3600)
    task = target.inner("EcsParameters")
    task.expect("TaskCount", 1, 1)
    task.expect("PropagateTags", "TASK_DEFINITION")
    task.expect("EnableECSManagedTags", wanted=True)
    read = Schedule(
        **envelope,
        description=properties.take("Description"),
        expression=properties.take("ScheduleExpression"),
        role=reader.value(target.take("RoleArn")),
        cluster=reader.value(target.take("Arn")),
        task_definition=reader.value(task.take("TaskDefinitionArn")),
        launch_type=task.take("LaunchType", None),
        capacity_providers=_strategy(reader, task.take("CapacityProviderStrategy", [])),
        **_network(reader, task.inner("NetworkConfiguration")),
        retries=retry.take("MaximumRetryAttempts"),
    )
    for each in (task, retry, target):
        each.end()
    return read


def secret(reader: Reader, properties: Properties, envelope: Envelope) -> SecretsManagerSecret:
    """Read AWS::SecretsManager::Secret."""
    return SecretsManagerSecret(
        **envelope,
        description=properties.take("Description"),
        value=reader.value(properties.take("SecretString")),
        tags=reader.tags(properties.take("Tags", [])),
    )


KINDS: Mapping[str, Callable[[Reader, Properties, Envelope], Resource]] = {
    "AWS::ApplicationAutoScaling::ScalableTarget": scalable_target,
    "AWS::ApplicationAutoScaling::ScalingPolicy": scaling_policy,
    "AWS::AutoScaling::AutoScalingGroup": auto_scaling_group,
    "AWS::EC2::LaunchTemplate": launch_template,
    "AWS::ECS::CapacityProvider": capacity_provider,
    "AWS::ECS::Cluster": cluster,
    "AWS::ECS::ClusterCapacityProviderAssociations": cluster_capacity_providers,
    "AWS::ECS::Service": service,
    "AWS::ECS::TaskDefinition": task_definition,
    "AWS::Logs::LogGroup": log_group,
    "AWS::Scheduler::Schedule": schedule,
    "AWS::SecretsManager::Secret": secret,
}
"""How each type is read."""
