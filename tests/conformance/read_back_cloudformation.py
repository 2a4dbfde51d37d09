"""From a template's JSON back to the neutral resources.

Written from the documentation of CloudFormation's resource types, not from the lowerings.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

import read_back_cloudformation_ecs as ecs
from reading import Properties, UnreadableError, one, same

from dativo_infra.resources import Lifecycle, Resource
from dativo_infra.resources.emr import (
    EmrCluster,
    EmrSecurityConfiguration,
    InstanceFleet,
    InstanceGroup,
    ManagedScaling,
)
from dativo_infra.resources.iam import IamInstanceProfile, IamRole
from dativo_infra.resources.s3 import S3Bucket
from dativo_infra.values import Concat, Parameter, Pseudo, Ref, Select, Split, concat

if TYPE_CHECKING:
    from collections.abc import Mapping

METADATA = "DativoInfra"
PSEUDO = {
    "AWS::AccountId": Pseudo("account_id"),
    "AWS::Region": Pseudo("region"),
    "AWS::Partition": Pseudo("partition"),
}
RETURNS: Mapping[str, Mapping[str, str]] = {
    **ecs.RETURNS,
    "AWS::EMR::Cluster": {"Ref": "id", "Id": "id", "MasterPublicDNS": "master_public_dns"},
    "AWS::EMR::SecurityConfiguration": {"Ref": "name"},
    "AWS::IAM::InstanceProfile": {"Ref": "name", "Arn": "arn"},
    "AWS::IAM::Role": {"Ref": "name", "Arn": "arn"},
    "AWS::S3::Bucket": {"Ref": "name", "Arn": "arn"},
}
"""What `Ref` and `Fn::GetAtt` give, by the section "Return values" of each type."""


def read_back(template: Mapping[str, Any]) -> list[Resource]:
    """Return the resources that a template describes, with their envelopes."""
    return Reader(template).resources()


class Reader:
    """Reads one template."""

    def __init__(self, template: Mapping[str, Any]) -> None:
        self.template = template
        self._parameters = template.get("Parameters", {})
        self._resources = template["Resources"]
        self._names = template["Metadata"][METADATA]["parameters"]
        self._identity: str = template["Metadata"][METADATA]["identity"]

    def resources(self) -> list[Resource]:
        """Return all resources, in the order of the template."""
        return [self.resource(name) for name in self._resources]

    def key(self, logical_id: str) -> str:
        """Return the key of the resource of a logical id."""
        return self._resources[logical_id]["Metadata"][METADATA]["key"]

    # --- values ---

    def value(self, value: Any) -> Any:
        """Return nested data with intrinsic functions as tokens."""
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            name, argument = next(iter(value.items()))
            if name == "Ref":
                return self._ref(argument)
            if name.startswith("Fn::"):
                return self._function(name, argument)
        return {key: self.value(item) for key, item in value.items()}

    def _ref(self, name: str) -> Any:
        if name in PSEUDO:
            return PSEUDO[name]
        if name in self._parameters:
            declared = Properties(name, self._parameters[name])
            declared.take("Description", "")
            listed = {"String": False, "CommaDelimitedList": True}[declared.take("Type")]
            secret = declared.take("NoEcho", default=False)
            if declared.take("AllowedPattern", default=None):
                declared.take("ConstraintDescription")
            declared.end()
            kind = "list" if listed else "secret" if secret else "string"
            return Parameter(self._names[name], kind)
        return self._attribute(name, "Ref")

    def _attribute(self, logical_id: str, attribute: str) -> Ref:
        kind = self._resources[logical_id]["Type"]
        return Ref(self.key(logical_id), RETURNS[kind][attribute])

    def _function(self, name: str, argument: Any) -> Any:
        if name == "Fn::GetAtt":
            pair = argument.split(".", 1) if isinstance(argument, str) else argument
            return self._attribute(*pair)
        if name == "Fn::Join":
            separator, items = argument
            joined: list[Any] = []
            for item in items:
                joined += [separator, self.value(item)] if joined else [self.value(item)]
            return _cluster_arn(concat(*joined))
        if name == "Fn::Sub":
            text, given = argument if isinstance(argument, list) else (argument, {})
            return _cluster_arn(concat(*self._substituted(text, given)))
        if name == "Fn::Select":
            index, items = argument
            read = self.value(items)
            last = int(index) == 1 and self._has_one_separator(items)
            return Select(read, -1 if last else int(index))
        if name == "Fn::Split":
            separator, text = argument
            return Split(separator, self.value(text))
        raise UnreadableError(f"{name} is not understood")

    def _has_one_separator(self, items: Any) -> bool:
        """Return whether what is cut is a parameter that may be cut once, so 1 is the last."""
        separator, text = items.get("Fn::Split", ("", {})) if isinstance(items, dict) else ("", {})
        declared = self._parameters.get(text.get("Ref", "") if isinstance(text, dict) else "", {})
        return declared.get("AllowedPattern") == f"[^{separator}]*{separator}[^{separator}]*"

    def _substituted(self, text: str, given: Mapping[str, Any]) -> list[Any]:
        parts: list[Any] = []
        for index, piece in enumerate(re.split(r"\$\{([^}]+)\}", text)):
            if index % 2 == 0:
                parts.append(piece)
            elif piece.startswith("!"):
                parts.append(f"${{{piece[1:]}}}")
            elif piece in given:
                parts.append(self.value(given[piece]))
            elif "." in piece:
                parts.append(self._function("Fn::GetAtt", piece))
            else:
                parts.append(self._ref(piece))
        return parts

    def texts(self, value: Any) -> Any:
        """Return a list of texts, or the parameter that is one."""
        read = self.value(value)
        return tuple(read) if isinstance(read, list) else read

    def tags(self, items: list[dict[str, Any]]) -> dict[str, Any]:
        """Return a property `Tags` as a mapping."""
        read = {item["Key"]: self.value(item["Value"]) for item in items}
        if len(read) != len(items) or any(set(item) != {"Key", "Value"} for item in items):
            raise UnreadableError(f"tags are no pairs of unique keys: {items}")
        return read

    # --- resources ---

    def resource(self, logical_id: str) -> Resource:
        """Return the resource of a logical id."""
        outer = Properties(logical_id, self._resources[logical_id])
        kind = outer.take("Type")
        depends = outer.take("DependsOn", [])
        policies = {
            outer.take(name, "Delete") for name in ("DeletionPolicy", "UpdateReplacePolicy")
        }
        if policies not in ({"Delete"}, {"Retain"}):
            raise UnreadableError(f"{logical_id} is kept in one case and deleted in the other")
        properties = outer.inner("Properties", {})
        metadata = outer.inner("Metadata")
        ours = metadata.inner(METADATA)
        ours.take("key")
        self._check_facts(ours.take("unit", None))
        metadata.end()
        outer.end()
        envelope = {
            "key": self.key(logical_id),
            "after": tuple(
                self.key(each) for each in [depends] * isinstance(depends, str) or depends
            ),
            "lifecycle": Lifecycle(retain=policies == {"Retain"}),
        }
        read = {
            "AWS::EMR::Cluster": self._cluster,
            "AWS::EMR::SecurityConfiguration": self._security_configuration,
            "AWS::IAM::InstanceProfile": self._instance_profile,
            "AWS::IAM::Role": self._role,
            "AWS::S3::Bucket": self._bucket,
            **{name: partial(each, self) for name, each in ecs.KINDS.items()},
        }[kind]
        resource = read(properties, envelope)
        properties.end()
        return resource

    def _bucket(self, properties: Properties, envelope: dict[str, Any]) -> S3Bucket:
        encryption = properties.inner("BucketEncryption")
        rule = one("encryption", encryption.take("ServerSideEncryptionConfiguration"))
        encryption.end()
        default = rule.inner("ServerSideEncryptionByDefault")
        key = default.take("KMSMasterKeyID", None)
        # With a key of its own each object costs a call of KMS, if the bucket has none.
        rule.expect("BucketKeyEnabled", key is not None, default=False)
        rule.end()
        default.expect("SSEAlgorithm", "AES256" if key is None else "aws:kms")
        default.end()
        access = properties.inner("PublicAccessBlockConfiguration")
        for name in (
            "BlockPublicAcls",
            "BlockPublicPolicy",
            "IgnorePublicAcls",
            "RestrictPublicBuckets",
        ):
            access.expect(name, wanted=True)
        access.end()
        properties.expect(
            "OwnershipControls", {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
        )
        return S3Bucket(
            **envelope,
            kms_key=self.value(key),
            expire_after_days=self._expiry(properties.take("LifecycleConfiguration", None)),
            tags=self.tags(properties.take("Tags", [])),
        )

    def _expiry(self, configuration: Any) -> int | None:
        if configuration is None:
            return None
        outer = Properties("lifecycle", configuration)
        rule = one("lifecycle", outer.take("Rules"))
        outer.end()
        rule.take("Id", "")
        rule.expect("Status", "Enabled")
        old = rule.inner("NoncurrentVersionExpiration")
        unfinished = rule.inner("AbortIncompleteMultipartUpload")
        days = same(
            "days of expiry",
            rule.take("ExpirationInDays"),
            old.take("NoncurrentDays"),
            unfinished.take("DaysAfterInitiation"),
        )
        for each in (rule, old, unfinished):
            each.end()
        return days

    def _role(self, properties: Properties, envelope: dict[str, Any]) -> IamRole:
        policies: dict[str, Any] = {}
        for item in properties.take("Policies", []):
            policy = Properties("policy", item)
            policies[policy.take("PolicyName")] = self.value(policy.take("PolicyDocument"))
            policy.end()
        return IamRole(
            **envelope,
            description=properties.take("Description", ""),
            assume_role_policy=self.value(properties.take("AssumeRolePolicyDocument")),
            managed_policy_arns=self.texts(properties.take("ManagedPolicyArns", [])),
            policies=policies,
            tags=self.tags(properties.take("Tags", [])),
        )

    def _instance_profile(
        self, properties: Properties, envelope: dict[str, Any]
    ) -> IamInstanceProfile:
        (role,) = properties.take("Roles")
        tags = self.tags(properties.take("Tags", []))
        return IamInstanceProfile(**envelope, role=self.value(role), tags=tags)

    def _security_configuration(
        self, properties: Properties, envelope: dict[str, Any]
    ) -> EmrSecurityConfiguration:
        document = self.value(properties.take("SecurityConfiguration"))
        return EmrSecurityConfiguration(**envelope, configuration=document)

    def _check_facts(self, facts: Any) -> None:
        """Refuse what one resource says of its unit where the template says something else."""
        if facts is None:
            return
        identity = self._identity
        # What is shared is called by its kind, and its jobs stand nowhere else.
        shared = identity.split("/")[1][:1].isupper()
        if facts["identity"] != identity or (not shared and facts["jobs"] != [identity]):
            raise UnreadableError(f"{facts} is not of {identity}")

    def _cluster(self, properties: Properties, envelope: dict[str, Any]) -> EmrCluster:
        properties.expect("VisibleToAllUsers", wanted=True)
        instances = properties.inner("Instances")
        # Without it EMR ends a cluster that has no steps.
        instances.expect("KeepJobFlowAliveWhenNoSteps", wanted=True)
        idle = properties.inner("AutoTerminationPolicy", {"IdleTimeout": None})
        cluster = EmrCluster(
            **envelope,
            name=self.value(properties.take("Name")),
            release_label=properties.take("ReleaseLabel"),
            applications=tuple(_application(item) for item in properties.take("Applications", [])),
            service_role=self.value(properties.take("ServiceRole")),
            instance_profile=self.value(properties.take("JobFlowRole")),
            subnet_ids=self._subnets(instances),
            additional_security_group_ids=same(
                "additional groups",
                self.texts(instances.take("AdditionalMasterSecurityGroups", [])),
                self.texts(instances.take("AdditionalSlaveSecurityGroups", [])),
            ),
            primary=self._machines(instances, "Master"),
            core=self._machines(instances, "Core"),
            managed_scaling=_scaling(properties.take("ManagedScalingPolicy", None)),
            security_configuration=self.value(properties.take("SecurityConfiguration", None)),
            log_uri=self.value(properties.take("LogUri")),
            termination_protected=instances.take("TerminationProtected", default=False),
            idle_timeout_seconds=idle.take("IdleTimeout"),
            tags=self.tags(properties.take("Tags", [])),
        )
        idle.end()
        instances.end()
        return cluster

    def _subnets(self, instances: Properties) -> Any:
        single = instances.take("Ec2SubnetId", None)
        if single is not None:
            return (self.value(single),)
        return self.texts(instances.take("Ec2SubnetIds"))

    def _machines(self, instances: Properties, part: str) -> InstanceGroup | InstanceFleet:
        group = instances.take(f"{part}InstanceGroup", None)
        if group is not None:
            properties = Properties(part, group)
            properties.expect("Market", "ON_DEMAND", "ON_DEMAND")
            read = InstanceGroup(
                instance_type=self.value(properties.take("InstanceType")),
                instance_count=properties.take("InstanceCount"),
            )
            properties.end()
            return read
        fleet = instances.inner(f"{part}InstanceFleet")
        machine = one(part, fleet.take("InstanceTypeConfigs"))
        machine.expect("WeightedCapacity", 1, 1)
        extra: dict[str, Any] = {}
        launch = fleet.take("LaunchSpecifications", None)
        if launch is not None:
            launch = Properties("launch", launch)
            spot = launch.inner("SpotSpecification")
            launch.end()
            spot.expect("TimeoutAction", "SWITCH_TO_ON_DEMAND")
            extra = {
                "spot_timeout_minutes": spot.take("TimeoutDurationMinutes"),
                "spot_allocation_strategy": spot.take("AllocationStrategy"),
            }
            spot.end()
        bid = machine.take("BidPriceAsPercentageOfOnDemandPrice", 100)
        read = InstanceFleet(
            instance_type=self.value(machine.take("InstanceType")),
            target_on_demand=fleet.take("TargetOnDemandCapacity", 0),
            target_spot=fleet.take("TargetSpotCapacity", 0),
            spot_bid_percent=int(bid),
            **extra,
        )
        machine.end()
        fleet.end()
        return read


def _application(item: Mapping[str, Any]) -> str:
    properties = Properties("application", item)
    name = properties.take("Name")
    properties.end()
    return name


def _scaling(policy: Any) -> ManagedScaling | None:
    if policy is None:
        return None
    outer = Properties("scaling", policy)
    limits = outer.inner("ComputeLimits")
    outer.end()
    read = ManagedScaling(
        minimum=limits.take("MinimumCapacityUnits"),
        maximum=limits.take("MaximumCapacityUnits"),
        unit=limits.take("UnitType"),
    )
    limits.end()
    return read


def _cluster_arn(text: Any) -> Any:
    """Return a text with the ARN of a cluster, which CloudFormation cannot tell, as a reference.

    Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticmapreduce.html
    """
    if not isinstance(text, Concat):
        return text
    parts = list(text.parts)
    shape = (PSEUDO["AWS::Partition"], ":elasticmapreduce:", PSEUDO["AWS::Region"], ":")
    shape += (PSEUDO["AWS::AccountId"], ":cluster/")
    for start in range(1, len(parts) - len(shape)):
        end = start + len(shape)
        before, cluster = parts[start - 1], parts[end]
        is_arn = tuple(parts[start:end]) == shape and str(before).endswith("arn:")
        if is_arn and isinstance(cluster, Ref) and cluster.attribute == "id":
            reference = Ref(cluster.key, "arn")
            rest = _cluster_arn(concat(*parts[end + 1 :]))
            return concat(*parts[: start - 1], before.removesuffix("arn:"), reference, rest)
    return text
