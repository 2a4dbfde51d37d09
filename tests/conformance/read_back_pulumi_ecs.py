"""The kinds around Amazon ECS, from what a Pulumi program registered to the neutral resources.

Written from the documentation of the provider's resources, not from the lowerings.
Source: https://www.pulumi.com/registry/packages/aws/
"""

from __future__ import annotations

import base64
import json
import zlib
from typing import TYPE_CHECKING, Any

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
from dativo_infra.testing import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from read_back_pulumi import Folded, Reader

    from dativo_infra.resources import Resource

CLUSTER = "aws:ecs/cluster:Cluster"
SERVICE = "aws:ecs/service:Service"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"

OUTPUTS: Mapping[str, Mapping[str, str]] = {
    CLUSTER: {"id": "arn", "arn": "arn", "name": "name"},
    SERVICE: {"id": "arn", "arn": "arn", "name": "name"},
    TEMPLATE: {"id": "id", "latest_version": "latest_version"},
    "aws:appautoscaling/policy:Policy": {},
    "aws:appautoscaling/target:Target": {},
    "aws:autoscaling/group:Group": {"id": "name", "name": "name", "arn": "arn"},
    "aws:cloudwatch/logGroup:LogGroup": {"id": "name", "name": "name"},
    "aws:ecs/capacityProvider:CapacityProvider": {"name": "name"},
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders": {},
    "aws:ecs/taskDefinition:TaskDefinition": {"arn": "arn"},
    "aws:scheduler/schedule:Schedule": {"name": "name", "arn": "arn"},
    "aws:secretsmanager/secret:Secret": {"id": "arn", "arn": "arn"},
}
"""What the outputs of each type are."""

PARTS: Mapping[str, str] = {"aws:secretsmanager/secretVersion:SecretVersion": "secretId"}
"""Types that belong to another resource, and the property that says which."""

IGNORABLE: Mapping[str, str] = {"desiredCount": "desired_count"}


def version_of(name: str) -> int:
    """Return a number that stands for the latest version of the launch template of a name.

    An output that is a number cannot be a text that says where it comes from.
    """
    return 7_000_000_000_000 + zlib.crc32(name.encode())


def cluster(folded: Folded, properties: Properties) -> EcsCluster:
    """Read aws.ecs.Cluster."""
    # Without the setting it is as the account's default says.
    setting = one("settings", properties.take("settings"))
    setting.expect("name", "containerInsights")
    insights = {"enabled": True, "disabled": False}[setting.take("value")]
    setting.end()
    return EcsCluster(
        **folded.envelope(),
        name=properties.take("name", None),
        container_insights=insights,
        tags=folded.reader.value(properties.take("tags", {})),
    )


def capacity_provider(folded: Folded, properties: Properties) -> EcsCapacityProvider:
    """Read aws.ecs.CapacityProvider."""
    group = properties.inner("autoScalingGroupProvider")
    group.expect("managedTerminationProtection", "DISABLED")
    group.expect("managedDraining", "ENABLED")
    scaling = group.inner("managedScaling")
    managed = {"ENABLED": True, "DISABLED": False}[scaling.take("status")]
    scaling.expect("targetCapacity", 100, 100)
    scaling.end()
    read = EcsCapacityProvider(
        **folded.envelope(),
        name=folded.reader.value(properties.take("name")),
        auto_scaling_group=folded.reader.value(group.take("autoScalingGroupArn")),
        managed_scaling=managed,
        tags=folded.reader.value(properties.take("tags", {})),
    )
    group.end()
    return read


def cluster_capacity_providers(
    folded: Folded, properties: Properties
) -> EcsClusterCapacityProviders:
    """Read aws.ecs.ClusterCapacityProviders."""
    reader = folded.reader
    return EcsClusterCapacityProviders(
        **folded.envelope(),
        cluster=reader.value(properties.take("clusterName")),
        providers=reader.texts(properties.take("capacityProviders", [])),
        default_providers=_strategy(
            reader, properties.take("defaultCapacityProviderStrategies", [])
        ),
    )


def _strategy(reader: Reader, items: Any) -> tuple[Any, ...]:
    return weighted(reader.value, items, "capacityProvider", "weight", "base")


def task_definition(folded: Folded, properties: Properties) -> EcsTaskDefinition:
    """Read aws.ecs.TaskDefinition."""
    reader = folded.reader
    properties.expect("networkMode", "awsvpc")
    (launch_type,) = properties.take("requiresCompatibilities")
    platform = properties.inner("runtimePlatform")
    platform.expect("operatingSystemFamily", "LINUX")
    storage = properties.take("ephemeralStorage", None)
    if storage is not None:
        inner = Properties("ephemeralStorage", storage)
        storage = inner.take("sizeInGib")
        inner.end()
    text = properties.take("containerDefinitions")
    if isinstance(text, Secret):
        # What is secret is fetched when the task starts; everybody may read a definition.
        raise UnreadableError(f"a secret stands in the definition of {folded.key}")
    read = EcsTaskDefinition(
        **folded.envelope(),
        family=properties.take("family"),
        launch_type=launch_type,
        cpu=_number(properties.take("cpu")),
        memory=_number(properties.take("memory")),
        architecture=platform.take("cpuArchitecture"),
        ephemeral_storage=storage,
        execution_role=reader.value(properties.take("executionRoleArn")),
        task_role=reader.value(properties.take("taskRoleArn")),
        container=_container(reader, one("container", json.loads(text))),
        volumes=tuple(_volume(each) for each in properties.take("volumes", [])),
        tags=reader.value(properties.take("tags", {})),
    )
    platform.end()
    return read


def _number(text: Any) -> int:
    """Return a number that the provider wants as text."""
    if not isinstance(text, str):
        raise UnreadableError(f"{text!r} is no text")
    return int(text)


def _container(reader: Reader, properties: Properties) -> Container:
    """Read a container, in the names of ECS's own API."""
    name = properties.take("name")
    properties.expect("essential", wanted=True, default=True)
    logs = properties.inner("logConfiguration")
    logs.expect("logDriver", "awslogs")
    options = logs.inner("options")
    options.expect("awslogs-stream-prefix", name)
    mounts = [Properties("mount", each) for each in properties.take("mountPoints", [])]
    read = Container(
        name=name,
        image=reader.value(properties.take("image")),
        command=reader.texts(properties.take("command", [])),
        environment=reader.value(pairs(properties.take("environment", []), "name", "value")),
        secrets=reader.value(pairs(properties.take("secrets", []), "name", "valueFrom")),
        mounts=tuple(_mount(each) for each in mounts),
        log_group=reader.value(options.take("awslogs-group")),
        log_region=reader.value(options.take("awslogs-region")),
        # By default it is the agent's setting, 30 seconds.
        stop_timeout_seconds=properties.take("stopTimeout"),
    )
    for each in (*mounts, options, logs, properties):
        each.end()
    return read


def _mount(properties: Properties) -> Mount:
    properties.expect("readOnly", wanted=False, default=False)
    return Mount(volume=properties.take("sourceVolume"), path=properties.take("containerPath"))


def _volume(item: Mapping[str, Any]) -> Volume:
    properties = Properties("volume", item)
    name = properties.take("name")
    path = properties.take("hostPath", None)
    if path is not None:
        read: Volume = HostVolume(name=name, path=path)
    else:
        efs = properties.inner("efsVolumeConfiguration")
        efs.expect("transitEncryption", "ENABLED")
        # With an access point it must be left out or be the root.
        efs.expect("rootDirectory", "/", "/")
        rights = efs.inner("authorizationConfig")
        rights.expect("iam", "ENABLED")
        read = EfsVolume(
            name=name,
            file_system_id=efs.take("fileSystemId"),
            access_point_id=rights.take("accessPointId", None),
        )
        rights.end()
        efs.end()
    properties.end()
    return read


def service(folded: Folded, properties: Properties) -> EcsService:
    """Read aws.ecs.Service, which starts no task by default."""
    reader = folded.reader
    properties.expect("availabilityZoneRebalancing", "DISABLED")
    properties.expect("propagateTags", "SERVICE")
    properties.expect("enableEcsManagedTags", wanted=True)
    properties.expect("deploymentCircuitBreaker", {"enable": True, "rollback": True})
    # Otherwise a deployment that is rolled back is a success to the engine.
    properties.expect("waitForSteadyState", wanted=True)
    count = properties.take("desiredCount", 0)
    envelope = folded.envelope()
    meant = []
    if count == 1 and "desired_count" in envelope["lifecycle"].ignore:
        count = None
        meant.append("desiredCount")
    if not {"launchType", "capacityProviderStrategies"} & folded.main.inputs.keys():
        meant.append("capacityProviderStrategies")
    envelope["lifecycle"] = folded.lifecycle(*meant)
    return EcsService(
        **envelope,
        cluster=reader.value(properties.take("cluster")),
        task_definition=reader.value(properties.take("taskDefinition")),
        desired_count=count,
        launch_type=properties.take("launchType", None),
        capacity_providers=_strategy(reader, properties.take("capacityProviderStrategies", [])),
        **_network(reader, properties),
        minimum_healthy_percent=properties.take("deploymentMinimumHealthyPercent", 100),
        maximum_percent=properties.take("deploymentMaximumPercent", 200),
        tags=reader.value(properties.take("tags", {})),
    )


def _network(reader: Reader, outer: Properties) -> dict[str, Any]:
    network = outer.inner("networkConfiguration")
    read = {
        "subnet_ids": reader.texts(network.take("subnets")),
        "security_group_ids": reader.texts(network.take("securityGroups", [])),
        "assign_public_ip": network.take("assignPublicIp", default=False),
    }
    network.end()
    return read


def log_group(folded: Folded, properties: Properties) -> LogGroup:
    """Read aws.cloudwatch.LogGroup."""
    properties.take("namePrefix", "")
    return LogGroup(
        **folded.envelope(),
        retention_days=properties.take("retentionInDays"),
        tags=folded.reader.value(properties.take("tags", {})),
    )


def launch_template(folded: Folded, properties: Properties) -> LaunchTemplate:
    """Read aws.ec2.LaunchTemplate."""
    value = folded.reader.value
    properties.take("namePrefix", "")
    metadata = properties.inner("metadataOptions")
    metadata.expect("httpEndpoint", "enabled", "enabled")
    metadata.expect("httpTokens", "required")
    metadata.expect("httpPutResponseHopLimit", 1)
    metadata.end()
    profile = properties.inner("iamInstanceProfile")
    market = properties.take("instanceMarketOptions", None)
    if market not in (None, {"marketType": "spot"}):
        raise UnreadableError(f"the market is {market!r}")
    specified = properties.take("tagSpecifications")
    if any(set(each) != {"resourceType", "tags"} for each in specified):
        raise UnreadableError(f"no specifications of tags: {specified}")
    read = LaunchTemplate(
        **folded.envelope(),
        instance_type=value(properties.take("instanceType")),
        image=value(properties.take("imageId")),
        instance_profile=value(profile.take("arn")),
        security_group_ids=folded.reader.texts(properties.take("vpcSecurityGroupIds", [])),
        user_data=_script(folded, properties.take("userData")),
        root_volume_size=_root_volume(one("volume", properties.take("blockDeviceMappings"))),
        spot=market is not None,
        tags=machines_tags(
            {"launch-template"},
            [("launch-template", value(properties.take("tags", {})))],
            [(each["resourceType"], value(each["tags"])) for each in specified],
        ),
    )
    profile.end()
    return read


def _script(folded: Folded, encoded: Any) -> Any:
    hidden = isinstance(encoded, Secret)
    text = base64.b64decode(encoded.value if hidden else encoded, validate=True).decode()
    return folded.reader.value(text, secret=hidden)


def _root_volume(device: Properties) -> int:
    device.expect("deviceName", "/dev/xvda")
    disk = device.inner("ebs")
    device.end()
    # The provider wants these two as text, to tell "false" from nothing said.
    disk.expect("encrypted", "true")
    disk.expect("deleteOnTermination", "true", "true")
    disk.expect("volumeType", "gp3")
    size = disk.take("volumeSize")
    disk.end()
    return size


def auto_scaling_group(folded: Folded, properties: Properties) -> AutoScalingGroup:
    """Read aws.autoscaling.Group; it starts with the fewest without a wish."""
    value = folded.reader.value
    properties.take("namePrefix", "")
    template = properties.inner("launchTemplate")
    items = properties.take("tags", [])
    for each in items:
        if each.get("propagateAtLaunch") is not True or len(each) != 3:
            raise UnreadableError(f"a tag is not the machines', too: {each}")
    read = AutoScalingGroup(
        **folded.envelope(),
        launch_template=value(template.take("id")),
        launch_template_version=value(template.take("version")),
        subnet_ids=folded.reader.texts(properties.take("vpcZoneIdentifiers")),
        minimum=properties.take("minSize"),
        maximum=properties.take("maxSize"),
        tags=value(
            pairs([{"key": each["key"], "value": each["value"]} for each in items], "key", "value")
        ),
    )
    template.end()
    return read


def scalable_target(folded: Folded, properties: Properties) -> ScalableTarget:
    """Read aws.appautoscaling.Target."""
    return ScalableTarget(
        **folded.envelope(),
        **_scaled(folded, properties),
        minimum=properties.take("minCapacity"),
        maximum=properties.take("maxCapacity"),
        tags=folded.reader.value(properties.take("tags", {})),
    )


def scaling_policy(folded: Folded, properties: Properties) -> ScalingPolicy:
    """Read aws.appautoscaling.Policy."""
    properties.expect("name", folded.key)
    properties.expect("policyType", "TargetTrackingScaling")
    tracking = properties.inner("targetTrackingScalingPolicyConfiguration")
    metric = tracking.inner("predefinedMetricSpecification")
    read = ScalingPolicy(
        **folded.envelope(),
        **_scaled(folded, properties),
        metric=metric.take("predefinedMetricType"),
        target_percent=tracking.take("targetValue"),
    )
    metric.end()
    tracking.end()
    return read


def _scaled(folded: Folded, properties: Properties) -> dict[str, Any]:
    properties.expect("serviceNamespace", "ecs")
    properties.expect("scalableDimension", "ecs:service:DesiredCount")
    return service_of(folded.reader.value(properties.take("resourceId")))


def schedule(folded: Folded, properties: Properties) -> Schedule:
    """Read aws.scheduler.Schedule."""
    reader = folded.reader
    properties.take("namePrefix", "")
    properties.expect("flexibleTimeWindow", {"mode": "OFF"})
    properties.expect("state", "ENABLED", "ENABLED")
    properties.expect("scheduleExpressionTimezone", "UTC", "UTC")
    properties.expect("groupName", "default", "default")
    target = properties.inner("target")
    retry = target.inner("retryPolicy")
    retry.expect("maximumEventAgeInSeconds", 3600)
    task = target.inner("ecsParameters")
    task.expect("taskCount", 1, 1)
    task.expect("propagateTags", "TASK_DEFINITION")
    task.expect("enableEcsManagedTags", wanted=True)
    read = Schedule(
        **folded.envelope(),
        description=properties.take("description"),
        expression=properties.take("scheduleExpression"),
        role=reader.value(target.take("roleArn")),
        cluster=reader.value(target.take("arn")),
        task_definition=reader.value(task.take("taskDefinitionArn")),
        launch_type=task.take("launchType", None),
        capacity_providers=_strategy(reader, task.take("capacityProviderStrategies", [])),
        **_network(reader, task),
        retries=retry.take("maximumRetryAttempts"),
    )
    for each in (task, retry, target):
        each.end()
    return read


def secret(folded: Folded, properties: Properties) -> SecretsManagerSecret:
    """Read aws.secretsmanager.Secret with its version."""
    properties.take("namePrefix", "")
    version = folded.only(":SecretVersion")
    read = SecretsManagerSecret(
        **folded.envelope(),
        description=properties.take("description"),
        value=folded.reader.value(version.take("secretString")),
        tags=folded.reader.value(properties.take("tags", {})),
    )
    version.end()
    return read


KINDS: Mapping[str, Callable[[Folded, Properties], Resource]] = {
    CLUSTER: cluster,
    SERVICE: service,
    TEMPLATE: launch_template,
    "aws:appautoscaling/policy:Policy": scaling_policy,
    "aws:appautoscaling/target:Target": scalable_target,
    "aws:autoscaling/group:Group": auto_scaling_group,
    "aws:cloudwatch/logGroup:LogGroup": log_group,
    "aws:ecs/capacityProvider:CapacityProvider": capacity_provider,
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders": cluster_capacity_providers,
    "aws:ecs/taskDefinition:TaskDefinition": task_definition,
    "aws:scheduler/schedule:Schedule": schedule,
    "aws:secretsmanager/secret:Secret": secret,
}
"""How each type is read."""
