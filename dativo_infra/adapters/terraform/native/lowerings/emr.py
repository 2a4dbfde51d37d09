"""Amazon EMR on EC2."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dativo_infra.names import Grammar
from dativo_infra.resources.emr import (
    EmrCluster,
    EmrSecurityConfiguration,
    InstanceFleet,
    InstanceGroup,
)
from dativo_infra.values import Ref, Select

if TYPE_CHECKING:
    from dativo_infra.adapters.terraform.native.lowerings.scope import Scope

PREFIX = Grammar(
    what="prefix of a security configuration's name, without the hyphen at its end",
    allowed="A-Za-z0-9._-",
    longest=229,
    source="https://docs.aws.amazon.com/emr/latest/APIReference/API_CreateSecurityConfiguration.html",
)

IGNORED = {
    "core.instance_count": "core_instance_group[0].instance_count",
    "core.target_on_demand": "core_instance_fleet[0].target_on_demand_capacity",
    "core.target_spot": "core_instance_fleet[0].target_spot_capacity",
}
"""Fields of a cluster that a lifecycle can leave to something else, by the provider's names."""


def cluster(resource: EmrCluster, scope: Scope) -> None:
    """Write a cluster, and the policy that scales it."""
    groups = scope.values.joined(",", resource.additional_security_group_ids)
    subnets = scope.values.texts(resource.subnet_ids)
    fleets = isinstance(resource.core, InstanceFleet)
    idle = resource.idle_timeout_seconds
    scope.block(
        "aws_emr_cluster",
        {
            "name": resource.name,
            "release_label": resource.release_label,
            "applications": resource.applications,
            "service_role": resource.service_role,
            "ec2_attributes": {
                "instance_profile": resource.instance_profile,
                "subnet_id": None if fleets else _first(subnets),
                "subnet_ids": subnets if fleets else None,
                "additional_master_security_groups": groups,
                "additional_slave_security_groups": groups,
            },
            **_instances("master", resource.primary),
            **_instances("core", resource.core),
            "security_configuration": resource.security_configuration,
            "log_uri": resource.log_uri,
            # Without it a cluster ends as soon as it has no steps.
            "keep_job_flow_alive_when_no_steps": True,
            "visible_to_all_users": True,
            "termination_protection": resource.termination_protected,
            "auto_termination_policy": None if idle is None else {"idle_timeout": idle},
            "tags": resource.tags,
        },
        ignore=[IGNORED[path] for path in resource.lifecycle.ignore],
    )
    if resource.managed_scaling is not None:
        scaling = resource.managed_scaling
        scope.block(
            "aws_emr_managed_scaling_policy",
            {
                "cluster_id": Ref(resource.key, "id"),
                "compute_limits": {
                    "unit_type": scaling.unit,
                    "minimum_capacity_units": scaling.minimum,
                    "maximum_capacity_units": scaling.maximum,
                },
            },
            part="scaling",
            # The provider replaces it for other limits, which protection forbids. Its id is the
            # cluster's, so that deleting the former one afterwards would take the new limits away.
            lifecycle=replace(resource.lifecycle, protect=False, retain=False, delete_first=True),
        )


def _first(subnets: Any) -> Any:
    return subnets[0] if isinstance(subnets, tuple) else Select(subnets, 0)


def _instances(part: str, machines: InstanceGroup | InstanceFleet) -> dict[str, Any]:
    """Return the block of the primary or core nodes, which is one of two."""
    if isinstance(machines, InstanceGroup):
        group = {
            "instance_type": machines.instance_type,
            "instance_count": machines.instance_count,
        }
        return {f"{part}_instance_group": group}
    kind: dict[str, Any] = {"instance_type": machines.instance_type, "weighted_capacity": 1}
    fleet: dict[str, Any] = {
        "instance_type_configs": kind,
        "target_on_demand_capacity": machines.target_on_demand,
        "target_spot_capacity": machines.target_spot,
    }
    if machines.target_spot:
        kind["bid_price_as_percentage_of_on_demand_price"] = machines.spot_bid_percent
        spot = {
            "allocation_strategy": machines.spot_allocation_strategy,
            "timeout_action": "SWITCH_TO_ON_DEMAND",
            "timeout_duration_minutes": machines.spot_timeout_minutes,
        }
        fleet["launch_specifications"] = {"spot_specification": spot}
    return {f"{part}_instance_fleet": fleet}


def security_configuration(resource: EmrSecurityConfiguration, scope: Scope) -> None:
    """Write a security configuration."""
    document = scope.values.json(resource.configuration)
    scope.block("aws_emr_security_configuration", {"configuration": document}, prefix=PREFIX)
