"""The kinds around Amazon ECS, from a root module of Terraform to the neutral resources.

Written from the documentation of the provider's resources, not from the lowerings.
Source: https://registry.terraform.io/providers/hashicorp/aws/latest/docs
"""

from __future__ import annotations

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
from terraform_expressions import Call

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
from dativo_infra.values import has_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from read_back_terraform import Folded

    from dativo_infra.resources import Resource

OUTPUTS: Mapping[str, Mapping[str, str]] = {
    "aws_appautoscaling_policy": {},
    "aws_appautoscaling_target": {},
    "aws_autoscaling_group": {"id": "name", "name": "name", "arn": "arn"},
    "aws_cloudwatch_log_group": {"id": "name", "name": "name"},
    "aws_ecs_capacity_provider": {"name": "name"},
    "aws_ecs_cluster": {"id": "arn", "arn": "arn", "name": "name"},
    "aws_ecs_cluster_capacity_providers": {},
    "aws_ecs_service": {"id": "arn", "arn": "arn", "name": "name"},
    "aws_ecs_task_definition": {"arn": "arn"},
    "aws_launch_template": {"id": "id", "latest_version": "latest_version"},
    "aws_scheduler_schedule": {"name": "name", "arn": "arn"},
    "aws_secretsmanager_secret": {"id": "arn", "arn": "arn"},
}
"""What the attributes of each type are."""

PARTS: Mapping[str, str] = {"aws_secretsmanager_secret_version": "secret_id"}
"""Types that belong to another resource, and the argument that says which."""

IGNORABLE: Mapping[str, str] = {"desired_count": "desired_count"}


def texts(value: Any) -> Any:
    """Return a list of texts, or the parameter that is one."""
    return tuple(value) if isinstance(value, list) else value


def cluster(folded: Folded, properties: Properties) -> EcsCluster:
    """Read aws_ecs_cluster, which must have a name."""
    # Without the setting it is as the account's default says.
    setting = properties.inner("setting")
    setting.expect("name", "containerInsights")
    insights = {"enabled": True, "disabled": False}[setting.take("value")]
    setting.end()
    envelope = folded.envelope()
    name = None
    if "name" in folded.main.lifecycle.get("ignore_changes", ()):
        folded.named_by_the_unit(properties)
        envelope["lifecycle"] = folded.lifecycle("name")
    else:
        name = properties.take("name")
    return EcsCluster(
        **envelope, name=name, container_insights=insights, tags=properties.take("tags", {})
    )


def capacity_provider(folded: Folded, properties: Properties) -> EcsCapacityProvider:
    """Read aws_ecs_capacity_provider."""
    group = properties.inner("auto_scaling_group_provider")
    group.expect("managed_termination_protection", "DISABLED")
    group.expect("managed_draining", "ENABLED")
    scaling = group.inner("managed_scaling")
    managed = {"ENABLED": True, "DISABLED": False}[scaling.take("status")]
    scaling.expect("target_capacity", 100, 100)
    scaling.end()
    read = EcsCapacityProvider(
        **folded.envelope(),
        name=properties.take("name"),
        auto_scaling_group=group.take("auto_scaling_group_arn"),
        managed_scaling=managed,
        tags=properties.take("tags", {}),
    )
    group.end()
    return read


def cluster_capacity_providers(
    folded: Folded, properties: Properties
) -> EcsClusterCapacityProviders:
    """Read aws_ecs_cluster_capacity_providers."""
    return EcsClusterCapacityProviders(
        **folded.envelope(),
        cluster=properties.take("cluster_name"),
        providers=texts(properties.take("capacity_providers", [])),
        default_providers=_strategy(properties.take("default_capacity_provider_strategy", [])),
    )


def _strategy(items: Any) -> tuple[Any, ...]:
    return weighted(lambda each: each, items, "capacity_provider", "weight", "base")


def task_definition(folded: Folded, properties: Properties) -> EcsTaskDefinition:
    """Read aws_ecs_task_definition."""
    properties.expect("network_mode", "awsvpc")
    (launch_type,) = properties.take("requires_compatibilities")
    platform = properties.inner("runtime_platform")
    platform.expect("operating_system_family", "LINUX")
    storage = properties.take("ephemeral_storage", None)
    if storage is not None:
        inner = Properties("ephemeral_storage", storage)
        storage = inner.take("size_in_gib")
        inner.end()
    containers = folded.document(properties.take("container_definitions"))
    if has_secret(containers):
        # What is secret is fetched when the task starts; everybody may read a definition.
        raise UnreadableError(f"a secret stands in the definition of {folded.key}")
    read = EcsTaskDefinition(
        **folded.envelope(),
        family=properties.take("family"),
        launch_type=launch_type,
        cpu=_number(properties.take("cpu")),
        memory=_number(properties.take("memory")),
        architecture=platform.take("cpu_architecture"),
        ephemeral_storage=storage,
        execution_role=properties.take("execution_role_arn"),
        task_role=properties.take("task_role_arn"),
        container=_container(one("container", containers)),
        volumes=tuple(_volume(each) for each in properties.take("volume", [])),
        tags=properties.take("tags", {}),
    )
    platform.end()
    return read


def _number(text: Any) -> int:
    """Return a number that the provider wants as text."""
    if not isinstance(text, str):
        raise UnreadableError(f"{text!r} is no text")
    return int(text)


def _container(properties: Properties) -> Container:
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
        image=properties.take("image"),
        command=texts(properties.take("command", [])),
        environment=pairs(properties.take("environment", []), "name", "value"),
        secrets=pairs(properties.take("secrets", []), "name", "valueFrom"),
        mounts=tuple(_mount(each) for each in mounts),
        log_group=options.take("awslogs-group"),
        log_region=options.take("awslogs-region"),
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
    path = properties.take("host_path", None)
    if path is not None:
        read: Volume = HostVolume(name=name, path=path)
    else:
        efs = properties.inner("efs_volume_configuration")
        efs.expect("transit_encryption", "ENABLED")
        # With an access point it must be left out or be the root.
        efs.expect("root_directory", "/", "/")
        rights = efs.inner("authorization_config")
        rights.expect("iam", "ENABLED")
        read = EfsVolume(
            name=name,
            file_system_id=efs.take("file_system_id"),
            access_point_id=rights.take("access_point_id", None),
        )
        rights.end()
        efs.end()
    properties.end()
    return read


def service(folded: Folded, properties: Properties) -> EcsService:
    """Read aws_ecs_service, which must have a name and starts no task by default."""
    folded.named_by_the_unit(properties)
    properties.expect("availability_zone_rebalancing", "DISABLED")
    properties.expect("propagate_tags", "SERVICE")
    properties.expect("enable_ecs_managed_tags", wanted=True)
    properties.expect("deployment_circuit_breaker", {"enable": True, "rollback": True})
    # Otherwise a deployment that is rolled back is a success to Terraform.
    properties.expect("wait_for_steady_state", wanted=True)
    count = properties.take("desired_count", 0)
    envelope = folded.envelope()
    meant = ["name"]
    if count == 1 and "desired_count" in envelope["lifecycle"].ignore:
        count = None
        meant.append("desired_count")
    if not {"launch_type", "capacity_provider_strategy"} & folded.main.arguments.keys():
        meant.append("capacity_provider_strategy")
    envelope["lifecycle"] = folded.lifecycle(*meant)
    return EcsService(
        **envelope,
        cluster=properties.take("cluster"),
        task_definition=properties.take("task_definition"),
        desired_count=count,
        launch_type=properties.take("launch_type", None),
        capacity_providers=_strategy(properties.take("capacity_provider_strategy", [])),
        **_network(properties),
        minimum_healthy_percent=properties.take("deployment_minimum_healthy_percent", 100),
        maximum_percent=properties.take("deployment_maximum_percent", 200),
        tags=properties.take("tags", {}),
    )


def _network(outer: Properties) -> dict[str, Any]:
    network = outer.inner("network_configuration")
    read = {
        "subnet_ids": texts(network.take("subnets")),
        "security_group_ids": texts(network.take("security_groups", [])),
        "assign_public_ip": network.take("assign_public_ip", default=False),
    }
    network.end()
    return read


def log_group(folded: Folded, properties: Properties) -> LogGroup:
    """Read aws_cloudwatch_log_group."""
    properties.take("name_prefix", "")
    return LogGroup(
        **folded.envelope(),
        retention_days=properties.take("retention_in_days"),
        tags=properties.take("tags", {}),
    )


def launch_template(folded: Folded, properties: Properties) -> LaunchTemplate:
    """Read aws_launch_template."""
    properties.take("name_prefix", "")
    metadata = properties.inner("metadata_options")
    metadata.expect("http_endpoint", "enabled", "enabled")
    metadata.expect("http_tokens", "required")
    metadata.expect("http_put_response_hop_limit", 1)
    metadata.end()
    profile = properties.inner("iam_instance_profile")
    market = properties.take("instance_market_options", None)
    if market not in (None, {"market_type": "spot"}):
        raise UnreadableError(f"the market is {market!r}")
    specified = properties.take("tag_specifications")
    if any(set(each) != {"resource_type", "tags"} for each in specified):
        raise UnreadableError(f"no specifications of tags: {specified}")
    read = LaunchTemplate(
        **folded.envelope(),
        instance_type=properties.take("instance_type"),
        image=properties.take("image_id"),
        instance_profile=profile.take("arn"),
        security_group_ids=texts(properties.take("vpc_security_group_ids", [])),
        user_data=_script(properties.take("user_data")),
        root_volume_size=_root_volume(properties.inner("block_device_mappings")),
        spot=market is not None,
        tags=machines_tags(
            {"launch-template"},
            [("launch-template", properties.take("tags", {}))],
            [(each["resource_type"], each["tags"]) for each in specified],
        ),
    )
    profile.end()
    return read


def _script(encoded: Any) -> Any:
    if not isinstance(encoded, Call) or encoded.name != "base64encode":
        raise UnreadableError(f"{encoded} is not encoded")
    (text,) = encoded.arguments
    return text


def _root_volume(device: Properties) -> int:
    device.expect("device_name", "/dev/xvda")
    disk = device.inner("ebs")
    device.end()
    # The provider wants these two as text, to tell "false" from nothing said.
    disk.expect("encrypted", "true")
    disk.expect("delete_on_termination", "true", "true")
    disk.expect("volume_type", "gp3")
    size = disk.take("volume_size")
    disk.end()
    return size


def auto_scaling_group(folded: Folded, properties: Properties) -> AutoScalingGroup:
    """Read aws_autoscaling_group; it starts with the fewest without a wish."""
    properties.take("name_prefix", "")
    template = properties.inner("launch_template")
    items = properties.take("tag", [])
    for each in items:
        if each.get("propagate_at_launch") is not True or len(each) != 3:
            raise UnreadableError(f"a tag is not the machines', too: {each}")
    read = AutoScalingGroup(
        **folded.envelope(),
        launch_template=template.take("id"),
        launch_template_version=template.take("version"),
        subnet_ids=texts(properties.take("vpc_zone_identifier")),
        minimum=properties.take("min_size"),
        maximum=properties.take("max_size"),
        tags=pairs(
            [{"key": each["key"], "value": each["value"]} for each in items], "key", "value"
        ),
    )
    template.end()
    return read


def scalable_target(folded: Folded, properties: Properties) -> ScalableTarget:
    """Read aws_appautoscaling_target."""
    return ScalableTarget(
        **folded.envelope(),
        **_scaled(properties),
        minimum=properties.take("min_capacity"),
        maximum=properties.take("max_capacity"),
        tags=properties.take("tags", {}),
    )


def scaling_policy(folded: Folded, properties: Properties) -> ScalingPolicy:
    """Read aws_appautoscaling_policy."""
    properties.expect("name", folded.key)
    properties.expect("policy_type", "TargetTrackingScaling")
    tracking = properties.inner("target_tracking_scaling_policy_configuration")
    metric = tracking.inner("predefined_metric_specification")
    read = ScalingPolicy(
        **folded.envelope(),
        **_scaled(properties),
        metric=metric.take("predefined_metric_type"),
        target_percent=tracking.take("target_value"),
    )
    metric.end()
    tracking.end()
    return read


def _scaled(properties: Properties) -> dict[str, Any]:
    properties.expect("service_namespace", "ecs")
    properties.expect("scalable_dimension", "ecs:service:DesiredCount")
    return service_of(properties.take("resource_id"))


def schedule(folded: Folded, properties: Properties) -> Schedule:
    """Read aws_scheduler_schedule."""
    properties.take("name_prefix", "")
    properties.expect("flexible_time_window", {"mode": "OFF"})
    properties.expect("state", "ENABLED", "ENABLED")
    properties.expect("schedule_expression_timezone", "UTC", "UTC")
    properties.expect("group_name", "default", "default")
    target = properties.inner("target")
    retry = target.inner("retry_policy")
    retry.expect("maximum_event_age_in_seconds", 3600)
    task = target.inner("ecs_parameters")
    task.expect("task_count", 1, 1)
    task.expect("propagate_tags", "TASK_DEFINITION")
    task.expect("enable_ecs_managed_tags", wanted=True)
    read = Schedule(
        **folded.envelope(),
        description=properties.take("description"),
        expression=properties.take("schedule_expression"),
        role=target.take("role_arn"),
        cluster=target.take("arn"),
        task_definition=task.take("task_definition_arn"),
        launch_type=task.take("launch_type", None),
        capacity_providers=_strategy(task.take("capacity_provider_strategy", [])),
        **_network(task),
        retries=retry.take("maximum_retry_attempts"),
    )
    for each in (task, retry, target):
        each.end()
    return read


def secret(folded: Folded, properties: Properties) -> SecretsManagerSecret:
    """Read aws_secretsmanager_secret with its version."""
    properties.take("name_prefix", "")
    version = folded.only("aws_secretsmanager_secret_version")
    read = SecretsManagerSecret(
        **folded.envelope(),
        description=properties.take("description"),
        value=version.take("secret_string"),
        tags=properties.take("tags", {}),
    )
    version.end()
    return read


KINDS: Mapping[str, Callable[[Folded, Properties], Resource]] = {
    "aws_appautoscaling_policy": scaling_policy,
    "aws_appautoscaling_target": scalable_target,
    "aws_autoscaling_group": auto_scaling_group,
    "aws_cloudwatch_log_group": log_group,
    "aws_ecs_capacity_provider": capacity_provider,
    "aws_ecs_cluster": cluster,
    "aws_ecs_cluster_capacity_providers": cluster_capacity_providers,
    "aws_ecs_service": service,
    "aws_ecs_task_definition": task_definition,
    "aws_launch_template": launch_template,
    "aws_scheduler_schedule": schedule,
    "aws_secretsmanager_secret": secret,
}
"""How each type is read."""
