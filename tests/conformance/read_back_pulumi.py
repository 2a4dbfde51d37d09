"""From what a Pulumi program registered back to the neutral resources.

Written from the documentation of the providers' resources, not from the lowerings. Several
registrations can be one neutral resource: a bucket and its configurations, a role and its policies.
Source: https://www.pulumi.com/registry/packages/aws/ and .../kubernetes/
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import read_back_pulumi_databricks as databricks
import read_back_pulumi_ecs as ecs
from reading import Properties, UnreadableError, one, plain, same

from dativo_infra.resources import Lifecycle, Resource
from dativo_infra.resources.emr import (
    EmrCluster,
    EmrSecurityConfiguration,
    InstanceFleet,
    InstanceGroup,
    ManagedScaling,
)
from dativo_infra.resources.iam import IamInstanceProfile, IamRole
from dativo_infra.resources.kubernetes import KubernetesObject
from dativo_infra.resources.s3 import S3Bucket
from dativo_infra.testing import Recording, Registration, Secret
from dativo_infra.values import Parameter, Pseudo, Ref, Select, Split, concat, parameters

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from dativo_infra.planning import Unit

CALLS: Mapping[str, Mapping[str, Any]] = {
    "aws:index/getCallerIdentity:getCallerIdentity": {"accountId": "{{aws|account_id}}"},
    "aws:index/getPartition:getPartition": {"partition": "{{aws|partition}}"},
    "aws:index/getRegion:getRegion": {"region": "{{aws|region}}"},
}
"""Answers that can be told from any other text."""

ROLE = "aws:iam/role:Role"
BUCKET = "aws:s3/bucket:Bucket"
CLUSTER = "aws:emr/cluster:Cluster"
PROFILE = "aws:iam/instanceProfile:InstanceProfile"
SECURITY = "aws:emr/securityConfiguration:SecurityConfiguration"

OUTPUTS: Mapping[str, Mapping[str, str]] = {
    BUCKET: {"id": "name", "bucket": "name", "arn": "arn"},
    CLUSTER: {"id": "id", "arn": "arn", "master_public_dns": "master_public_dns"},
    PROFILE: {"id": "name", "name": "name", "arn": "arn"},
    ROLE: {"id": "name", "name": "name", "arn": "arn"},
    SECURITY: {"id": "name", "name": "name"},
    **databricks.OUTPUTS,
    **ecs.OUTPUTS,
}
"""What the outputs of each type are."""

_ENCRYPTION = "BucketServerSideEncryptionConfiguration"
PARTS: Mapping[str, str] = {
    "aws:emr/managedScalingPolicy:ManagedScalingPolicy": "clusterId",
    "aws:iam/rolePolicy:RolePolicy": "role",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": "role",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": "bucket",
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": "bucket",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "bucket",
    f"aws:s3/bucketServerSideEncryptionConfiguration:{_ENCRYPTION}": "bucket",
    **ecs.PARTS,
}
"""Types that belong to another resource, and the property that says which."""

IGNORABLE: Mapping[str, str] = {
    "coreInstanceGroup.instanceCount": "core.instance_count",
    "coreInstanceFleet.targetOnDemandCapacity": "core.target_on_demand",
    "coreInstanceFleet.targetSpotCapacity": "core.target_spot",
    **ecs.IGNORABLE,
}
_GENERATED_NAMES = {"namePrefix", "bucketPrefix"}
"""Of a name that the tool makes up only the beginning is given; it is no part of the resource."""

_TOKEN = re.compile(
    r"<(?P<name>[^<>]+)\.(?P<attribute>[a-z_]+)>"
    r"|\{\{aws\|(?P<pseudo>\w+)\}\}"
    r"|\{\{(?P<whole>\w+)\|0\}\}/\{\{(?P=whole)\|1\}\}/\{\{(?P=whole)\|-1\}\}"
    r"|\{\{(?P<piece>\w+)\|(?P<index>-?\d)\}\}"
    r"|\{\{(?P<secret>\w+)\|secret\}\}"
    r"|\{\{(?P<list>\w+)\|list\|(?P<item>\d)\}\}"
    r"|(?<!\d)(?P<version>7\d{12})(?!\d)"
)


def sentinels(units: Iterable[Unit]) -> dict[str, Any]:
    """Return a value for each parameter of some units by which it is known again."""
    given: dict[str, Any] = {}
    for unit in units:
        for parameter in parameters(plain([*unit.resources, unit.exports])):
            given[parameter.name] = {
                "string": "/".join(f"{{{{{parameter.name}|{index}}}}}" for index in (0, 1, -1)),
                "secret": f"{{{{{parameter.name}|secret}}}}",
                "list": [f"{{{{{parameter.name}|list|{index}}}}}" for index in (0, 1)],
            }[parameter.type]
    return given


def read_back(recording: Recording, component: str) -> list[Resource]:
    """Return the resources below the component of a URN, with their envelopes."""
    return [folded.resource for folded in Reader(recording, component).folded.values()]


class Reader:
    """Reads what is below one component."""

    def __init__(self, recording: Recording, component: str) -> None:
        by_urn = {each.urn: each for each in recording}
        self.component = by_urn[component]
        below = {component}
        self._registrations: list[Registration] = []
        for each in recording:  # parents come first
            if each.parent in below:
                below.add(each.urn)
                self._registrations.append(each)
        self._main = {each.name: each for each in self._registrations if each.type not in PARTS}

    @cached_property
    def _versions(self) -> dict[int, str]:
        """The keys of launch templates by what stands for their latest versions."""
        named = (name for name, each in self._main.items() if each.type == ecs.TEMPLATE)
        return {ecs.version_of(name): self.key(name) for name in named}

    def key(self, name: str) -> str:
        """Return the key of the resource that is registered under a name."""
        prefix = f"{self.component.name}-"
        if name not in self._main or not name.startswith(prefix):
            raise UnreadableError(f"{name} is no resource of {self.component.name}")
        return name.removeprefix(prefix)

    @cached_property
    def folded(self) -> dict[str, Folded]:
        """The resources by key, each with its parts."""
        parts: dict[str, list[Registration]] = {self.key(name): [] for name in self._main}
        for each in self._registrations:
            if each.type in PARTS:
                parts[self.value(each.inputs[PARTS[each.type]]).key].append(each)
        keys = {
            registration.urn: key
            for main, (key, others) in zip(self._main.values(), parts.items(), strict=True)
            for registration in (main, *others)
        }
        return {
            key: Folded(self, key, self._main[f"{self.component.name}-{key}"], others, keys)
            for key, others in parts.items()
        }

    def value(self, value: Any, *, secret: bool = False) -> Any:
        """Return nested data with sentinels as tokens."""
        if isinstance(value, Secret):
            return self.value(value.value, secret=True)
        if isinstance(value, str):
            return self._text(value, secret=secret)
        if isinstance(value, dict):
            return {key: self.value(item, secret=secret) for key, item in value.items()}
        if isinstance(value, list):
            return self._list([self.value(item, secret=secret) for item in value])
        return value

    def texts(self, value: Any) -> Any:
        """Return a list of texts, or the parameter that is one."""
        read = self.value(value)
        return tuple(read) if isinstance(read, list) else read

    def _text(self, text: str, *, secret: bool) -> Any:
        parts: list[Any] = []
        position = 0
        for match in _TOKEN.finditer(text):
            parts += [text[position : match.start()], self._token(match)]
            position = match.end()
            if match["secret"] and not secret:
                raise UnreadableError(f"{match['secret']} is not marked as secret")
        return concat(*parts, text[position:])

    def _token(self, match: re.Match[str]) -> Any:
        if match["name"]:
            outputs = OUTPUTS[self._registered(match["name"]).type]
            return Ref(self.key(match["name"]), outputs[match["attribute"]])
        if match["version"]:
            return Ref(self._versions[int(match["version"])], "latest_version")
        if match["pseudo"]:
            return Pseudo(match["pseudo"])  # pyright: ignore[reportArgumentType]
        if match["whole"]:
            return Parameter(match["whole"])
        if match["piece"]:
            return Select(Split("/", Parameter(match["piece"])), int(match["index"]))
        if match["secret"]:
            return Parameter(match["secret"], "secret")
        return Select(Parameter(match["list"], "list"), int(match["item"]))

    def _registered(self, name: str) -> Registration:
        if name not in self._main:
            raise UnreadableError(f"{name} is no resource of {self.component.name}")
        return self._main[name]

    @staticmethod
    def _list(items: list[Any]) -> Any:
        first = items[0] if items else None
        if isinstance(first, Select) and items == [Select(first.items, 0), Select(first.items, 1)]:
            return first.items
        return items


class Folded:
    """One neutral resource: its main registration and what belongs to it."""

    def __init__(
        self,
        reader: Reader,
        key: str,
        main: Registration,
        parts: list[Registration],
        keys: Mapping[str, str],
    ) -> None:
        self.reader = reader
        self.key = key
        self.main = main
        self.parts = parts
        self.registrations = (main, *parts)
        self._keys = keys

    @cached_property
    def resource(self) -> Resource:
        """The resource with its envelope."""
        properties = Properties(self.main.name, self.main.inputs)
        if self.main.type.startswith("kubernetes:"):
            resource = self._kubernetes(properties)
        else:
            read = {
                BUCKET: self._bucket,
                CLUSTER: self._cluster,
                PROFILE: self._profile,
                ROLE: self._role,
                SECURITY: self._security,
                **{
                    name: partial(each, self)
                    for name, each in {**databricks.KINDS, **ecs.KINDS}.items()
                },
            }[self.main.type]
            resource = read(properties)
        properties.end()
        return resource

    def envelope(self) -> dict[str, Any]:
        """Return what every kind has."""
        return {
            "key": self.key,
            "after": tuple(sorted(self.dependencies - {self.key})),
            "lifecycle": self.lifecycle(),
        }

    def lifecycle(self, *meant: str) -> Lifecycle:
        """Return the wishes, but for ignoring properties that a kind means by itself."""
        ignored = [
            each for each in self.main.ignore_changes if each not in {*_GENERATED_NAMES, *meant}
        ]
        return Lifecycle(
            retain=same(self.key, *(each.retain_on_delete for each in self.registrations)),
            protect=self.main.protect,
            delete_first=self.main.delete_before_replace,
            ignore=tuple(IGNORABLE.get(each, each) for each in ignored),
        )

    @cached_property
    def dependencies(self) -> set[str]:
        """Keys of the resources of the unit that are waited for, for whatever reason."""
        urns = {urn for each in self.registrations for urn in each.dependencies}
        return {self._keys[urn] for urn in urns if urn in self._keys}

    def _of(self, type_: str) -> Iterator[Properties]:
        """Yield the properties of the parts of a type, but the one that says whose they are."""
        for each in self.parts:
            if each.type == type_:
                properties = Properties(each.name, each.inputs)
                properties.take(PARTS[type_])
                yield properties

    def only(self, suffix: str) -> Properties:
        """Return the properties of the only part of a type."""
        (type_,) = (each for each in PARTS if each.endswith(suffix))
        (properties,) = self._of(type_)
        return properties

    # --- S3 ---

    def _bucket(self, properties: Properties) -> S3Bucket:
        properties.take("bucketPrefix", "")
        ownership = self.only(":BucketOwnershipControls")
        ownership.expect("rule", {"objectOwnership": "BucketOwnerEnforced"})
        ownership.end()
        access = self.only(":BucketPublicAccessBlock")
        for name in (
            "blockPublicAcls",
            "blockPublicPolicy",
            "ignorePublicAcls",
            "restrictPublicBuckets",
        ):
            access.expect(name, wanted=True)
        access.end()
        encryption = self.only(":BucketServerSideEncryptionConfiguration")
        rule = one("encryption", encryption.take("rules"))
        encryption.end()
        default = rule.inner("applyServerSideEncryptionByDefault")
        key = default.take("kmsMasterKeyId", None)
        # With a key of its own each object costs a call of KMS, if the bucket has none.
        rule.expect("bucketKeyEnabled", key is not None, default=False)
        rule.end()
        default.expect("sseAlgorithm", "AES256" if key is None else "aws:kms")
        default.end()
        return S3Bucket(
            **self.envelope(),
            kms_key=self.reader.value(key),
            expire_after_days=self._expiry(),
            tags=self.reader.value(properties.take("tags", {})),
        )

    def _expiry(self) -> int | None:
        type_ = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
        found = list(self._of(type_))
        if not found:
            return None
        (configuration,) = found
        rule = one("lifecycle", configuration.take("rules"))
        configuration.end()
        rule.take("id")
        rule.expect("status", "Enabled")
        rule.expect("filter", {}, {})
        now, old = rule.inner("expiration"), rule.inner("noncurrentVersionExpiration")
        unfinished = rule.inner("abortIncompleteMultipartUpload")
        days = same(
            "days of expiry",
            now.take("days"),
            old.take("noncurrentDays"),
            unfinished.take("daysAfterInitiation"),
        )
        for each in (rule, now, old, unfinished):
            each.end()
        return days

    # --- IAM ---

    def _document(self, text: Any) -> Any:
        hidden = isinstance(text, Secret)
        return self.reader.value(json.loads(text.value if hidden else text), secret=hidden)

    def _role(self, properties: Properties) -> IamRole:
        properties.take("namePrefix", "")
        policies: dict[str, Any] = {}
        for policy in self._of("aws:iam/rolePolicy:RolePolicy"):
            name = policy.take("name")
            if name in policies:
                raise UnreadableError(f"two policies of {self.key} are called {name}")
            policies[name] = self._document(policy.take("policy"))
            policy.end()
        attached: list[Any] = []
        for attachment in self._of("aws:iam/rolePolicyAttachment:RolePolicyAttachment"):
            attached.append(self.reader.value(attachment.take("policyArn")))
            attachment.end()
        return IamRole(
            **self.envelope(),
            description=properties.take("description", ""),
            assume_role_policy=self._document(properties.take("assumeRolePolicy")),
            managed_policy_arns=tuple(attached),
            policies=policies,
            tags=self.reader.value(properties.take("tags", {})),
        )

    def _profile(self, properties: Properties) -> IamInstanceProfile:
        properties.take("namePrefix", "")
        return IamInstanceProfile(
            **self.envelope(),
            role=self.reader.value(properties.take("role")),
            tags=self.reader.value(properties.take("tags", {})),
        )

    # --- EMR ---

    def _security(self, properties: Properties) -> EmrSecurityConfiguration:
        properties.take("namePrefix", "")
        document = self._document(properties.take("configuration"))
        return EmrSecurityConfiguration(**self.envelope(), configuration=document)

    def _cluster(self, properties: Properties) -> EmrCluster:
        value = self.reader.value
        properties.expect("visibleToAllUsers", wanted=True)
        # Without it EMR ends a cluster that has no steps.
        properties.expect("keepJobFlowAliveWhenNoSteps", wanted=True)
        place = properties.inner("ec2Attributes")
        idle = properties.inner("autoTerminationPolicy", {"idleTimeout": None})
        single = place.take("subnetId", None)
        cluster = EmrCluster(
            **self.envelope(),
            name=value(properties.take("name")),
            release_label=properties.take("releaseLabel"),
            applications=tuple(properties.take("applications", [])),
            service_role=value(properties.take("serviceRole")),
            instance_profile=value(place.take("instanceProfile")),
            subnet_ids=(
                self.reader.texts(place.take("subnetIds")) if single is None else (value(single),)
            ),
            additional_security_group_ids=same(
                "additional groups",
                *(
                    # A list written with commas, says the provider.
                    self.reader.texts([each for each in text.split(",") if each])
                    for text in (
                        place.take("additionalMasterSecurityGroups", ""),
                        place.take("additionalSlaveSecurityGroups", ""),
                    )
                ),
            ),
            primary=self._machines(properties, "master"),
            core=self._machines(properties, "core"),
            managed_scaling=self._scaling(),
            security_configuration=value(properties.take("securityConfiguration", None)),
            log_uri=value(properties.take("logUri")),
            termination_protected=properties.take("terminationProtection", default=False),
            idle_timeout_seconds=idle.take("idleTimeout"),
            tags=value(properties.take("tags", {})),
        )
        idle.end()
        place.end()
        return cluster

    def _scaling(self) -> ManagedScaling | None:
        found = list(self._of("aws:emr/managedScalingPolicy:ManagedScalingPolicy"))
        if not found:
            return None
        (policy,) = found
        limits = one("scaling", policy.take("computeLimits"))
        policy.end()
        read = ManagedScaling(
            minimum=limits.take("minimumCapacityUnits"),
            maximum=limits.take("maximumCapacityUnits"),
            unit=limits.take("unitType"),
        )
        limits.end()
        return read

    def _machines(self, properties: Properties, part: str) -> InstanceGroup | InstanceFleet:
        group = properties.take(f"{part}InstanceGroup", None)
        if group is not None:
            machines = Properties(part, group)
            # Without a bid price the machines are on demand.
            read = InstanceGroup(
                instance_type=self.reader.value(machines.take("instanceType")),
                instance_count=machines.take("instanceCount", 1),
            )
            machines.end()
            return read
        fleet = properties.inner(f"{part}InstanceFleet")
        machine = one(part, fleet.take("instanceTypeConfigs"))
        machine.expect("weightedCapacity", 1, 1)
        extra: dict[str, Any] = {}
        launch = fleet.take("launchSpecifications", None)
        if launch is not None:
            launch = Properties("launch", launch)
            spot = one("spot", launch.take("spotSpecifications"))
            launch.end()
            spot.expect("timeoutAction", "SWITCH_TO_ON_DEMAND")
            extra = {
                "spot_timeout_minutes": spot.take("timeoutDurationMinutes"),
                "spot_allocation_strategy": spot.take("allocationStrategy"),
            }
            spot.end()
        read = InstanceFleet(
            instance_type=self.reader.value(machine.take("instanceType")),
            target_on_demand=fleet.take("targetOnDemandCapacity", 0),
            target_spot=fleet.take("targetSpotCapacity", 0),
            spot_bid_percent=int(machine.take("bidPriceAsPercentageOfOnDemandPrice", 100)),
            **extra,
        )
        machine.end()
        fleet.end()
        return read

    # --- Kubernetes ---

    def _kubernetes(self, properties: Properties) -> KubernetesObject:
        _, place, kind = self.main.type.split(":")
        api_version = properties.take("apiVersion")
        if place.removeprefix("core/") != api_version:
            raise UnreadableError(f"{self.main.type} says it is {api_version}")
        properties.expect("kind", kind)
        metadata = properties.inner("metadata")
        value = self.reader.value
        wishes = self.lifecycle()
        # What stands beside the metadata is the body of the object.
        ignored = tuple(f"body.{each}" for each in wishes.ignore)
        annotations = value(metadata.take("annotations", {}))
        # What an autoscaler has written into a list is taken over with the list.
        contested = any("[" in each for each in wishes.ignore)
        if contested and annotations.pop("pulumi.com/patchForce", None) != "true":
            raise UnreadableError(f"{self.main.name} does not take over what it ignores")
        read = KubernetesObject(
            **{**self.envelope(), "lifecycle": replace(wishes, ignore=ignored)},
            api_version=api_version,
            kind=kind,
            name=metadata.take("name"),
            namespace=metadata.take("namespace", None),
            labels=value(metadata.take("labels", {})),
            annotations=annotations,
            body=value(properties.rest()),
        )
        metadata.end()
        return read
