"""Amazon Elastic Container Service: what a task definition holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dativo_infra.resources.ecs import EfsVolume

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dativo_infra.resources.ecs import Container, Volume
    from dativo_infra.values import Text


def container(resource: Container) -> dict[str, Any]:
    """Return a container as ECS gives it back, with which the provider compares it."""
    definition: dict[str, Any] = {
        "name": resource.name,
        "image": resource.image,
        "essential": True,
        "command": resource.command,
        "environment": _named(resource.environment, "value"),
        "secrets": _named(resource.secrets, "valueFrom"),
        "mountPoints": [
            {"sourceVolume": each.volume, "containerPath": each.path} for each in resource.mounts
        ],
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": resource.log_group,
                "awslogs-region": resource.log_region,
                "awslogs-stream-prefix": resource.name,
            },
        },
        "stopTimeout": resource.stop_timeout_seconds,
    }
    return {key: value for key, value in definition.items() if value not in ((), [])}


def _named(values: Mapping[str, Text], property_: str) -> list[dict[str, Any]]:
    return [{"name": name, property_: values[name]} for name in sorted(values)]


def volume(resource: Volume) -> dict[str, Any]:
    """Return a volume of a task definition."""
    if not isinstance(resource, EfsVolume):
        return {"name": resource.name, "host_path": resource.path}
    return {
        "name": resource.name,
        "efs_volume_configuration": {
            "file_system_id": resource.file_system_id,
            "transit_encryption": "ENABLED",
            "authorization_config": {"iam": "ENABLED", "access_point_id": resource.access_point_id},
        },
    }
