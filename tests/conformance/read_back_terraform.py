"""From a root module of Terraform back to the neutral resources.

Written from the documentation of the providers' resources, not from the lowerings. Several blocks
can be one neutral resource: a bucket and its configurations, a role and its policies.
Source: https://registry.terraform.io/providers/hashicorp/aws/latest/docs and .../kubernetes/
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import read_back_terraform_databricks as databricks
import read_back_terraform_ecs as ecs
from reading import Properties, UnreadableError, same
from terraform_expressions import Call, read

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
from dativo_infra.values import Parameter, Pseudo, Ref, Select, concat

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

OUTPUTS: Mapping[str, Mapping[str, str]] = {
    "aws_emr_cluster": {"id": "id", "arn": "arn", "master_public_dns": "master_public_dns"},
    "aws_emr_security_configuration": {"id": "name", "name": "name"},
    "aws_iam_instance_profile": {"id": "name", "name": "name", "arn": "arn"},
    "aws_iam_role": {"id": "name", "name": "name", "arn": "arn"},
    "aws_s3_bucket": {"id": "name", "bucket": "name", "arn": "arn"},
    **databricks.OUTPUTS,
    **ecs.OUTPUTS,
}
"""What the attributes of each type are."""

FACTS: Mapping[tuple[str, str], str] = {
    ("aws_caller_identity", "account_id"): "account_id",
    ("aws_partition", "partition"): "partition",
    ("aws_region", "region"): "region",
}

PARTS: Mapping[str, str] = {
    "aws_emr_managed_scaling_policy": "cluster_id",
    "aws_iam_role_policy": "role",
    "aws_iam_role_policy_attachment": "role",
    "aws_s3_bucket_lifecycle_configuration": "bucket",
    "aws_s3_bucket_ownership_controls": "bucket",
    "aws_s3_bucket_public_access_block": "bucket",
    "aws_s3_bucket_server_side_encryption_configuration": "bucket",
    **ecs.PARTS,
}
"""Types that belong to another resource, and the argument that says which."""

IGNORABLE: Mapping[str, str] = {
    "core_instance_group[0].instance_count": "core.instance_count",
    "core_instance_fleet[0].target_on_demand_capacity": "core.target_on_demand",
    "core_instance_fleet[0].target_spot_capacity": "core.target_spot",
    **ecs.IGNORABLE,
}
_GENERATED_NAMES = {"name_prefix", "bucket_prefix"}
"""Of a name that the provider makes up only the beginning is given; it is no part of the
resource."""

_MAIN = re.compile(r"(?P<key>\S+)( \((?P<kept>[a-z, ]+)\))?")
_META = ("//", "depends_on", "lifecycle")

_LISTS: Mapping[str, str] = {
    "container": "containers",
    "limit": "limits",
    "node_selector_term": "nodeSelectorTerms",
    "port": "ports",
    "rule": "rules",
    "subject": "subjects",
    "volume": "volumes",
    "volume_mount": "volumeMounts",
}
"""Fields of Kubernetes that are lists, and blocks that are called by the singular."""
_KEYED = {
    "binary_data",
    "capacity",
    "data",
    "default",
    "default_request",
    "hard",
    "limits",
    "match_labels",
    "labels",
    "annotations",
    "requests",
}
"""Mappings in Kubernetes whose keys are no fields."""

KINDS: Mapping[str, tuple[str, str]] = {
    "kubernetes_config_map_v1": ("v1", "ConfigMap"),
    "kubernetes_cron_job_v1": ("batch/v1", "CronJob"),
    "kubernetes_deployment_v1": ("apps/v1", "Deployment"),
    "kubernetes_limit_range_v1": ("v1", "LimitRange"),
    "kubernetes_namespace_v1": ("v1", "Namespace"),
    "kubernetes_network_policy_v1": ("networking.k8s.io/v1", "NetworkPolicy"),
    "kubernetes_persistent_volume_claim_v1": ("v1", "PersistentVolumeClaim"),
    "kubernetes_persistent_volume_v1": ("v1", "PersistentVolume"),
    "kubernetes_resource_quota_v1": ("v1", "ResourceQuota"),
    "kubernetes_role_binding_v1": ("rbac.authorization.k8s.io/v1", "RoleBinding"),
    "kubernetes_role_v1": ("rbac.authorization.k8s.io/v1", "Role"),
    "kubernetes_secret_v1": ("v1", "Secret"),
    "kubernetes_service_account_v1": ("v1", "ServiceAccount"),
    "kubernetes_service_v1": ("v1", "Service"),
}


@dataclass(frozen=True, kw_only=True)
class Block:
    """One block, with its arguments and its meta-arguments apart."""

    reader: Reader
    type: str
    label: str
    body: Mapping[str, Any]

    @property
    def address(self) -> str:
        """Return what it is called."""
        return f"{self.type}.{self.label}"

    @cached_property
    def arguments(self) -> Mapping[str, Any]:
        """The arguments, read."""
        return {
            name: self.reader.value(item) for name, item in self.body.items() if name not in _META
        }

    @property
    def comment(self) -> str:
        """Return what it says to people."""
        return self.body.get("//", "")

    @property
    def depends_on(self) -> tuple[str, ...]:
        """Return the addresses that it waits for without referring to them."""
        return tuple(self.body.get("depends_on", ()))

    @property
    def lifecycle(self) -> Mapping[str, Any]:
        """Return what is to happen to it."""
        return self.body.get("lifecycle", {})


def read_back(document: Mapping[str, Any], name: str) -> list[Resource]:
    """Return the resources of a root, with their envelopes.

    `name` is what the unit is called, with which names begin that Terraform wants to be given.
    """
    return [folded.resource for folded in Reader(document, name).folded.values()]


class Reader:
    """Reads one root module."""

    def __init__(self, document: Mapping[str, Any], name: str) -> None:
        self.name = name
        self._document = document
        self._keys: dict[str, str] = {}
        for type_, label, body in self._bodies():
            if type_ not in PARTS:
                match = _MAIN.fullmatch(body["//"])
                if match is None or match["key"].replace("-", "_") != label:
                    raise UnreadableError(f"{body['//']} does not say what {label} is")
                self._keys[f"{type_}.{label}"] = match["key"]
        self.blocks = [
            Block(reader=self, type=type_, label=label, body=body)
            for type_, label, body in self._bodies()
        ]

    def _bodies(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        for type_, labels in self._document["resource"].items():
            for label, body in labels.items():
                yield type_, label, body

    @cached_property
    def folded(self) -> dict[str, Folded]:
        """The resources by key, each with its parts."""
        parts: dict[str, list[Block]] = {key: [] for key in self._keys.values()}
        for block in self.blocks:
            if block.type in PARTS:
                parts[self.value(block.body[PARTS[block.type]]).key].append(block)
        keys = {**self._keys}
        for key, blocks in parts.items():
            keys |= {block.address: key for block in blocks}
        return {
            self._keys[block.address]: Folded(
                self, self._keys[block.address], block, parts[self._keys[block.address]], keys
            )
            for block in self.blocks
            if block.type not in PARTS
        }

    def value(self, value: Any) -> Any:
        """Return nested data with all that is evaluated as tokens."""
        return read(value, self._look_up)

    def _look_up(self, address: tuple[str | int, ...]) -> Any:
        match address:
            case ("var", str(name)):
                return self._variable(name)
            case ("data", str(source), "current", str(attribute)):
                if self._document["data"][source] != {"current": {}}:
                    raise UnreadableError(f"{source} is not as the provider is")
                return Pseudo(FACTS[source, attribute])  # pyright: ignore[reportArgumentType]
            case (str(type_), str(label), "metadata", 0, "name"):
                return Ref(self._keys[f"{type_}.{label}"], "name")
            case ("kubernetes_manifest", str(label), "manifest", "metadata", "name"):
                return Ref(self._keys[f"kubernetes_manifest.{label}"], "name")
            case (str(type_), str(label), str(attribute)):
                return Ref(self._keys[f"{type_}.{label}"], OUTPUTS[type_][attribute])
            case _:
                raise UnreadableError(f"{address} is no address")

    def _variable(self, name: str) -> Parameter:
        body = Properties(name, self._document["variable"][name])
        said = re.fullmatch(r"Value of (.+)\.", body.take("description"))
        if said is None:
            raise UnreadableError(f"{name} does not say what it is")
        body.expect("nullable", wanted=False)
        secret = body.take("sensitive", default=False)
        type_ = {"string": "string", "list(string)": "list"}[body.take("type")]
        body.end()
        return Parameter(said[1], "secret" if secret else type_)  # pyright: ignore[reportArgumentType]


class Folded:
    """One neutral resource: its main block and what belongs to it."""

    def __init__(
        self,
        reader: Reader,
        key: str,
        main: Block,
        parts: list[Block],
        keys: Mapping[str, str],
    ) -> None:
        self.reader = reader
        self.key = key
        self.main = main
        self.parts = parts
        self.blocks = (main, *parts)
        self._keys = keys

    @cached_property
    def resource(self) -> Resource:
        """The resource with its envelope."""
        properties = Properties(self.main.address, self.main.arguments)
        if self.main.type.startswith("kubernetes_"):
            resource = self._kubernetes(properties)
        else:
            kinds = {
                "aws_emr_cluster": self._cluster,
                "aws_emr_security_configuration": self._security,
                "aws_iam_instance_profile": self._profile,
                "aws_iam_role": self._role,
                "aws_s3_bucket": self._bucket,
                **{
                    name: partial(each, self)
                    for name, each in {**ecs.KINDS, **databricks.KINDS}.items()
                },
            }
            resource = kinds[self.main.type](properties)
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
        """Return the wishes, but for ignoring arguments that a kind means by itself.

        Whether a replacement comes first cannot be told: it never can, where a name is given.
        """
        said = _MAIN.fullmatch(self.main.comment)
        kept = set((said["kept"] or "").split(", ")) - {""} if said else set()
        for block in self.blocks:
            lasts = block.lifecycle.get("prevent_destroy", False)
            # A policy that scales is replaced for other limits, and holds nothing.
            if lasts != (bool(kept) and block.type != "aws_emr_managed_scaling_policy"):
                raise UnreadableError(f"{block.address} is kept otherwise than it says")
        ignored = [
            each
            for each in self.main.lifecycle.get("ignore_changes", ())
            if each not in {*_GENERATED_NAMES, *meant}
        ]
        return Lifecycle(
            retain="retained" in kept,
            protect="protected" in kept,
            ignore=tuple(IGNORABLE.get(each, each) for each in ignored),
        )

    @cached_property
    def dependencies(self) -> set[str]:
        """Keys of the resources of the root that are waited for without being referred to."""
        return {self._keys[address] for block in self.blocks for address in block.depends_on}

    def _of(self, type_: str) -> Iterator[Properties]:
        """Yield the arguments of the parts of a type, but the one that says whose they are."""
        for each in self.parts:
            if each.type == type_:
                properties = Properties(each.address, each.arguments)
                properties.take(PARTS[type_])
                yield properties

    def only(self, type_: str) -> Properties:
        """Return the arguments of the only part of a type."""
        (properties,) = self._of(type_)
        return properties

    def named_by_the_unit(self, properties: Properties) -> None:
        """Take a name that Terraform wants and nobody else cares for; it is never changed."""
        properties.expect("name", f"{self.reader.name}-{self.key}")
        if "name" not in self.main.lifecycle["ignore_changes"]:
            raise UnreadableError(f"a rename would replace {self.main.address}")

    # --- S3 ---

    def _bucket(self, properties: Properties) -> S3Bucket:
        properties.take("bucket_prefix", "")
        ownership = self.only("aws_s3_bucket_ownership_controls")
        ownership.expect("rule", {"object_ownership": "BucketOwnerEnforced"})
        ownership.end()
        access = self.only("aws_s3_bucket_public_access_block")
        for name in (
            "block_public_acls",
            "block_public_policy",
            "ignore_public_acls",
            "restrict_public_buckets",
        ):
            access.expect(name, wanted=True)
        access.end()
        encryption = self.only("aws_s3_bucket_server_side_encryption_configuration")
        rule = encryption.inner("rule")
        encryption.end()
        default = rule.inner("apply_server_side_encryption_by_default")
        key = default.take("kms_master_key_id", None)
        # With a key of its own each object costs a call of KMS, if the bucket has none.
        rule.expect("bucket_key_enabled", key is not None, default=False)
        rule.end()
        default.expect("sse_algorithm", "AES256" if key is None else "aws:kms")
        default.end()
        return S3Bucket(
            **self.envelope(),
            kms_key=key,
            expire_after_days=self._expiry(),
            tags=properties.take("tags", {}),
        )

    def _expiry(self) -> int | None:
        found = list(self._of("aws_s3_bucket_lifecycle_configuration"))
        if not found:
            return None
        (configuration,) = found
        rule = configuration.inner("rule")
        configuration.end()
        rule.take("id")
        rule.expect("status", "Enabled")
        rule.expect("filter", {}, {})
        now, old = rule.inner("expiration"), rule.inner("noncurrent_version_expiration")
        unfinished = rule.inner("abort_incomplete_multipart_upload")
        days = same(
            "days of expiry",
            now.take("days"),
            old.take("noncurrent_days"),
            unfinished.take("days_after_initiation"),
        )
        for each in (rule, now, old, unfinished):
            each.end()
        return days

    # --- IAM ---

    def document(self, text: Any) -> Any:
        """Return what JSON text is made of."""
        if not isinstance(text, Call) or text.name != "jsonencode":
            raise UnreadableError(f"{text} is no JSON")
        (content,) = text.arguments
        return content

    def _role(self, properties: Properties) -> IamRole:
        properties.take("name_prefix", "")
        policies: dict[str, Any] = {}
        for policy in self._of("aws_iam_role_policy"):
            name = policy.take("name")
            if name in policies:
                raise UnreadableError(f"two policies of {self.key} are called {name}")
            policies[name] = self.document(policy.take("policy"))
            policy.end()
        attached: list[Any] = []
        for attachment in self._of("aws_iam_role_policy_attachment"):
            attached.append(attachment.take("policy_arn"))
            attachment.end()
        return IamRole(
            **self.envelope(),
            description=properties.take("description", ""),
            assume_role_policy=self.document(properties.take("assume_role_policy")),
            managed_policy_arns=tuple(attached),
            policies=policies,
            tags=properties.take("tags", {}),
        )

    def _profile(self, properties: Properties) -> IamInstanceProfile:
        properties.take("name_prefix", "")
        return IamInstanceProfile(
            **self.envelope(), role=properties.take("role"), tags=properties.take("tags", {})
        )

    # --- EMR ---

    def _security(self, properties: Properties) -> EmrSecurityConfiguration:
        properties.take("name_prefix", "")
        document = self.document(properties.take("configuration"))
        return EmrSecurityConfiguration(**self.envelope(), configuration=document)

    def _cluster(self, properties: Properties) -> EmrCluster:
        properties.expect("visible_to_all_users", wanted=True, default=True)
        # Without it EMR ends a cluster that has no steps.
        properties.expect("keep_job_flow_alive_when_no_steps", wanted=True)
        place = properties.inner("ec2_attributes")
        idle = properties.inner("auto_termination_policy", {"idle_timeout": None})
        single = place.take("subnet_id", None)
        cluster = EmrCluster(
            **self.envelope(),
            name=properties.take("name"),
            release_label=properties.take("release_label"),
            applications=tuple(properties.take("applications", [])),
            service_role=properties.take("service_role"),
            instance_profile=place.take("instance_profile"),
            subnet_ids=self._subnets(single, place.take("subnet_ids", None)),
            additional_security_group_ids=same(
                "additional groups",
                *(
                    _groups(place.take(name, ""))
                    for name in (
                        "additional_master_security_groups",
                        "additional_slave_security_groups",
                    )
                ),
            ),
            primary=self._machines(properties, "master"),
            core=self._machines(properties, "core"),
            managed_scaling=self._scaling(),
            security_configuration=properties.take("security_configuration", None),
            log_uri=properties.take("log_uri"),
            termination_protected=properties.take("termination_protection", default=False),
            idle_timeout_seconds=idle.take("idle_timeout"),
            tags=properties.take("tags", {}),
        )
        idle.end()
        place.end()
        return cluster

    @staticmethod
    def _subnets(single: Any, several: Any) -> Any:
        if single is None:
            return ecs.texts(several)
        if isinstance(single, Select) and isinstance(single.items, Parameter):
            # Uniform groups take one subnet, the first of those that are given.
            return single.items
        return (single,)

    def _scaling(self) -> ManagedScaling | None:
        found = list(self._of("aws_emr_managed_scaling_policy"))
        if not found:
            return None
        (policy,) = found
        limits = policy.inner("compute_limits")
        policy.end()
        read = ManagedScaling(
            minimum=limits.take("minimum_capacity_units"),
            maximum=limits.take("maximum_capacity_units"),
            unit=limits.take("unit_type"),
        )
        limits.end()
        return read

    def _machines(self, properties: Properties, part: str) -> InstanceGroup | InstanceFleet:
        group = properties.take(f"{part}_instance_group", None)
        if group is not None:
            machines = Properties(part, group)
            # Without a bid price the machines are on demand.
            read = InstanceGroup(
                instance_type=machines.take("instance_type"),
                instance_count=machines.take("instance_count", 1),
            )
            machines.end()
            return read
        fleet = properties.inner(f"{part}_instance_fleet")
        machine = fleet.inner("instance_type_configs")
        machine.expect("weighted_capacity", 1, 1)
        extra: dict[str, Any] = {}
        launch = fleet.take("launch_specifications", None)
        if launch is not None:
            launch = Properties("launch", launch)
            spot = launch.inner("spot_specification")
            launch.end()
            spot.expect("timeout_action", "SWITCH_TO_ON_DEMAND")
            extra = {
                "spot_timeout_minutes": spot.take("timeout_duration_minutes"),
                "spot_allocation_strategy": spot.take("allocation_strategy"),
            }
            spot.end()
        read = InstanceFleet(
            instance_type=machine.take("instance_type"),
            target_on_demand=fleet.take("target_on_demand_capacity", 0),
            target_spot=fleet.take("target_spot_capacity", 0),
            spot_bid_percent=machine.take("bid_price_as_percentage_of_on_demand_price", 100),
            **extra,
        )
        machine.end()
        fleet.end()
        return read

    # --- Kubernetes ---

    def _kubernetes(self, properties: Properties) -> KubernetesObject:
        if self.main.type == "kubernetes_manifest":
            return self._manifest(properties)
        api_version, kind = KINDS[self.main.type]
        metadata = properties.inner("metadata")
        if kind == "PersistentVolumeClaim":
            # Many a class binds a claim to a volume when a pod wants it, which is later.
            properties.expect("wait_until_bound", wanted=False)
        body = _fields(kind, properties.rest())
        if kind == "PersistentVolume":
            body["spec"] |= body["spec"].pop("persistentVolumeSource")
        read = KubernetesObject(
            **self.envelope(),
            api_version=api_version,
            kind=kind,
            **_metadata(metadata),
            body=body,
        )
        metadata.end()
        return read

    def _manifest(self, properties: Properties) -> KubernetesObject:
        manifest = properties.inner("manifest")
        metadata = manifest.inner("metadata")
        envelope = self.envelope()
        computed = properties.take("computed_fields", None)
        if computed is not None:
            # The list stands instead of the provider's own, which is these two.
            if computed[:2] != ["metadata.annotations", "metadata.labels"]:
                raise UnreadableError(f"{self.main.address} has lost the provider's own list")
            ignored = tuple(f"body.{each}" for each in computed[2:])
            envelope["lifecycle"] = _ignoring(envelope["lifecycle"], ignored)
        read = KubernetesObject(
            **envelope,
            api_version=manifest.take("apiVersion"),
            kind=manifest.take("kind"),
            **_metadata(metadata),
            body=manifest.rest(),
        )
        metadata.end()
        return read


def _ignoring(lifecycle: Lifecycle, ignored: tuple[str, ...]) -> Lifecycle:
    return Lifecycle(retain=lifecycle.retain, protect=lifecycle.protect, ignore=ignored)


def _metadata(metadata: Properties) -> dict[str, Any]:
    return {
        "name": metadata.take("name"),
        "namespace": metadata.take("namespace", None),
        "labels": metadata.take("labels", {}),
        "annotations": metadata.take("annotations", {}),
    }


def _fields(kind: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments as the fields of the API that they mean."""
    fields = {
        _field(kind, name, item): item if name in _KEYED else _field_value(kind, item)
        for name, item in arguments.items()
    }
    for container in (*fields.get("containers", ()), *fields.get("initContainers", ())):
        _as_the_provider(fields, container.get("securityContext"))
    return fields


def _as_the_provider(pod: dict[str, Any], own: dict[str, Any] | None) -> None:
    """Take away what a container says since the provider would say the opposite for it.

    It sends `run_as_non_root` whenever there is a security context, and `false` by default.
    """
    if own is not None:
        wanted = pod.get("securityContext", {}).get("runAsNonRoot", False)
        if own.pop("runAsNonRoot", False) != wanted:
            raise UnreadableError("a container is root, and its pod says that it is not")


def _field_value(kind: str, value: Any) -> Any:
    if isinstance(value, dict):
        return _fields(kind, value)
    if isinstance(value, list):
        return [_field_value(kind, item) for item in value]
    return value


def _field(kind: str, name: str, value: Any) -> str:
    if kind == "Secret" and name in {"data", "binary_data"}:
        # The provider encodes what is in `data`.
        return {"data": "stringData", "binary_data": "data"}[name]
    if isinstance(value, list) and name in _LISTS:
        return _LISTS[name]
    first, *words = name.split("_")
    return first + "".join(word.capitalize() for word in words)


def _groups(value: Any) -> Any:
    """Return what is written with commas between, says the provider."""
    if isinstance(value, Call):
        if value.name != "join" or value.arguments[0] != ",":
            raise UnreadableError(f"{value} is no list with commas")
        return value.arguments[1]
    items: list[list[Any]] = [[]]
    for part in getattr(value, "parts", (value,)):
        pieces = part.split(",") if isinstance(part, str) else [part]
        items[-1].append(pieces[0])
        items += [[piece] for piece in pieces[1:]]
    return tuple(concat(*item) for item in items if item not in ([], [""]))
