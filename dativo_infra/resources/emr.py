"""Amazon EMR on EC2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from dativo_infra.resources import Resource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dativo_infra.values import Text, TextList


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceGroup:
    """Machines of one type, on demand."""

    instance_type: Text
    instance_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceFleet:
    """Capacity that EMR finds on demand or on the spot market, in one of several subnets.

    Source: https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-instance-fleet.html
    """

    instance_type: Text
    target_on_demand: int = 0
    target_spot: int = 0
    spot_bid_percent: int = 100
    """Most to pay, in percent of the on-demand price."""
    spot_allocation_strategy: str = "price-capacity-optimized"
    """How EMR chooses among the pools of spot machines."""
    spot_timeout_minutes: int = 30
    """After this EMR takes on-demand machines instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedScaling:
    """Limits of EMR's own scaling; it counts core and task nodes, not the primary.

    Source: https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-managed-scaling.html
    """

    minimum: int
    maximum: int
    unit: str
    """`Instances` for groups, `InstanceFleetUnits` for fleets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmrCluster(Resource):
    """A cluster that stays up without steps, and costs until it is destroyed.

    The primary and the core nodes are both groups, or both fleets.
    Source: https://docs.aws.amazon.com/emr/latest/APIReference/API_RunJobFlow.html
    """

    name: Text
    release_label: str
    applications: tuple[str, ...]
    service_role: Text
    """ARN of the role that EMR itself takes on."""
    instance_profile: Text
    """ARN or name of the instance profile of the machines."""
    subnet_ids: TextList
    """One with groups, one or several with fleets."""
    additional_security_group_ids: TextList = ()
    """Added to the groups that EMR manages, on the primary and on the core and task nodes."""
    primary: InstanceGroup | InstanceFleet
    core: InstanceGroup | InstanceFleet
    managed_scaling: ManagedScaling | None = None
    security_configuration: Text | None = None
    """Name of the security configuration."""
    log_uri: Text
    """Where logs go: `s3://bucket/prefix/`."""
    termination_protected: bool = False
    idle_timeout_seconds: int | None = None
    """The cluster ends itself after this time without work; None for never."""
    tags: Mapping[str, Text]

    ATTRIBUTES: ClassVar[tuple[str, ...]] = ("id", "arn", "master_public_dns")
    STATEFUL: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class EmrSecurityConfiguration(Resource):
    """Encryption settings that clusters refer to by name; cannot be tagged or changed in place.

    Source: https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-create-security-configuration.html
    """

    configuration: Mapping[str, Any]
    """The document `{"EncryptionConfiguration": ...}`."""

    ATTRIBUTES: ClassVar[tuple[str, ...]] = ("name",)
