"""Amazon EMR.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_EMR.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from troposphere import Select, Tags, emr

from dativo_infra.resources.emr import (
    EmrCluster,
    EmrSecurityConfiguration,
    InstanceFleet,
    InstanceGroup,
)
from dativo_infra.values import Parameter

if TYPE_CHECKING:
    from dativo_infra.adapters.cloudformation.values import Lower


def cluster(logical_id: str, resource: EmrCluster, value: Lower) -> emr.Cluster:
    """Return the `AWS::EMR::Cluster`, with its managed scaling inside."""
    optional: dict[str, Any] = {}
    if resource.managed_scaling:
        limits = emr.ComputeLimits(
            MinimumCapacityUnits=resource.managed_scaling.minimum,
            MaximumCapacityUnits=resource.managed_scaling.maximum,
            UnitType=resource.managed_scaling.unit,
        )
        optional["ManagedScalingPolicy"] = emr.ManagedScalingPolicy(ComputeLimits=limits)
    if resource.security_configuration is not None:
        optional["SecurityConfiguration"] = value(resource.security_configuration)
    if resource.idle_timeout_seconds is not None:
        optional["AutoTerminationPolicy"] = emr.AutoTerminationPolicy(
            IdleTimeout=resource.idle_timeout_seconds
        )
    return emr.Cluster(
        logical_id,
        Name=value(resource.name),
        ReleaseLabel=resource.release_label,
        Applications=[emr.Application(Name=name) for name in resource.applications],
        ServiceRole=value(resource.service_role),
        JobFlowRole=value(resource.instance_profile),
        LogUri=value(resource.log_uri),
        Instances=_instances(resource, value),
        # Without it only the principal that deploys could see the cluster.
        VisibleToAllUsers=True,
        Tags=Tags(value(resource.tags)),
        **optional,
    )


def security_configuration(
    logical_id: str, resource: EmrSecurityConfiguration, value: Lower
) -> emr.SecurityConfiguration:
    """Return the `AWS::EMR::SecurityConfiguration`, named by CloudFormation."""
    return emr.SecurityConfiguration(
        logical_id, SecurityConfiguration=value(resource.configuration)
    )


def _instances(resource: EmrCluster, value: Lower) -> emr.JobFlowInstancesConfig:
    subnets = value(resource.subnet_ids)
    optional: dict[str, Any] = {}
    if resource.additional_security_group_ids:
        groups = value(resource.additional_security_group_ids)
        optional["AdditionalMasterSecurityGroups"] = groups
        optional["AdditionalSlaveSecurityGroups"] = groups
    if isinstance(resource.primary, InstanceFleet):
        optional["Ec2SubnetIds"] = subnets
    else:
        several = isinstance(resource.subnet_ids, Parameter)
        optional["Ec2SubnetId"] = Select(0, subnets) if several else subnets[0]
    for role, nodes in (("Master", resource.primary), ("Core", resource.core)):
        if isinstance(nodes, InstanceFleet):
            optional[f"{role}InstanceFleet"] = _fleet(nodes, value)
        else:
            optional[f"{role}InstanceGroup"] = _group(nodes, value)
    return emr.JobFlowInstancesConfig(
        # Otherwise the cluster would end as soon as it has no step to run.
        KeepJobFlowAliveWhenNoSteps=True,
        TerminationProtected=resource.termination_protected,
        **optional,
    )


def _group(nodes: InstanceGroup, value: Lower) -> emr.InstanceGroupConfigProperty:
    return emr.InstanceGroupConfigProperty(
        InstanceType=value(nodes.instance_type),
        InstanceCount=nodes.instance_count,
        Market="ON_DEMAND",
    )


def _fleet(nodes: InstanceFleet, value: Lower) -> emr.InstanceFleetConfigProperty:
    machine: dict[str, Any] = {}
    optional: dict[str, Any] = {}
    if nodes.target_spot:
        machine["BidPriceAsPercentageOfOnDemandPrice"] = nodes.spot_bid_percent
        spot = emr.SpotProvisioningSpecification(
            AllocationStrategy=nodes.spot_allocation_strategy,
            TimeoutAction="SWITCH_TO_ON_DEMAND",
            TimeoutDurationMinutes=nodes.spot_timeout_minutes,
        )
        # troposphere 4.11 lets `capacity-optimized` pass alone; EMR takes others too.
        spot.no_validation()
        optional["LaunchSpecifications"] = emr.InstanceFleetProvisioningSpecifications(
            SpotSpecification=spot
        )
    machines = emr.InstanceTypeConfig(
        # Each machine counts as one unit of the targets.
        InstanceType=value(nodes.instance_type),
        WeightedCapacity=1,
        **machine,
    )
    return emr.InstanceFleetConfigProperty(
        InstanceTypeConfigs=[machines],
        TargetOnDemandCapacity=nodes.target_on_demand,
        TargetSpotCapacity=nodes.target_spot,
        **optional,
    )
