"""The resources of one EMR cluster: roles, logs, encryption, scaling, and the cluster itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dativo_infra.names import EMR_CLUSTER, LABEL_VALUE, render_word
from dativo_infra.platforms import aws, rights
from dativo_infra.platforms.base import Built, Context, is_scaled
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
from dativo_infra.values import Parameter, Ref, Text, concat

if TYPE_CHECKING:
    from collections.abc import Iterator

MANAGED_POLICY_TAG = ("for-use-with-amazon-emr-managed-policies", "true")
"""The tag by which AmazonEMRServicePolicy_v2 knows what it may touch; EMR passes it on.

Source: https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-managed-iam-policies.html
"""

_SERVICE_POLICY = ":iam::aws:policy/service-role/AmazonEMRServicePolicy_v2"
_DISK_KEY_ACTIONS = (
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey*",
    "kms:ReEncrypt*",
)


class Cluster:
    """The resources of one cluster, each made once from the job's context."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.settings = context.settings
        self.tags = context.tags
        self.key: Text | None = (
            self.settings["kms_key_alias"] if self.settings["enable_encryption"] else None
        )
        given = self.settings["log_bucket"]
        self.log_bucket: Text = given or Ref("log-bucket", "name")
        # The prefix stands in a policy, where only Latin characters may.
        folders = (render_word(part, LABEL_VALUE) for part in context.first_identity.parts)
        self.log_prefix = f"emr/{'/'.join(folders)}/"

    def built(self) -> Built:
        """Return the resources, with what they export and what a person should know."""
        resources: list[Resource] = []
        if not self.settings["log_bucket"]:
            resources.append(self._log_bucket_resource())
        resources += [self._service_role(), *self._instance_role(), self._instance_profile()]
        if self.settings["enable_encryption"]:
            resources.append(self._security_configuration())
        cluster = self._cluster()
        resources.append(cluster)
        dns = Ref("cluster", "master_public_dns")
        return Built(
            resources=tuple(resources),
            exports={
                "emr_cluster_id": Ref("cluster", "id"),
                "emr_cluster_dns": dns,
                "emr_master_public_dns": dns,
                "emr_log_bucket": self.log_bucket,
            },
            notes=tuple(self._notes()),
        )

    def _notes(self) -> Iterator[str]:
        idle = self.settings["idle_timeout_minutes"]
        ends = f", or ends itself after {idle} minutes without work" if idle else ""
        yield f"the cluster stays up and is billed until it is destroyed{ends}"
        guards = [each for each in ("protect", "termination_protection") if self.settings[each]]
        if guards:
            off = " and ".join(f"{each}: false" for each in guards)
            yield f"it is protected; to take it down: set {off}, deploy, then destroy"
        key, value = MANAGED_POLICY_TAG
        yield f"its VPC, subnets and security groups must carry the tag {key}={value}"
        yield from rights.notes(self.context, self._role_statements(), "ec2.amazonaws.com")

    def _origin(self, path: str = "runtime.platform") -> Any:
        return self.context.origin(path)

    def _log_bucket_resource(self) -> S3Bucket:
        return S3Bucket(
            key="log-bucket",
            origin=self._origin(),
            kms_key=aws.key_arn(self.key) if self.key else None,
            expire_after_days=self.settings["log_retention_days"],
            tags=self.tags,
            lifecycle=Lifecycle(retain=True),
        )

    def _service_role(self) -> IamRole:
        pass_role = aws.allow(
            ["iam:PassRole"],
            [self._role_arn()],
            {"StringLike": {"iam:PassedToService": "ec2.amazonaws.com*"}},
        )
        policies = {"pass-instance-role": aws.document([pass_role])}
        if self.key:
            grant = aws.use_key(self.key, ["kms:CreateGrant"])
            only_aws = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
            condition = {**grant.get("Condition", {}), **only_aws}
            policies["use-disk-key"] = aws.document(
                [aws.use_key(self.key, _DISK_KEY_ACTIONS), {**grant, "Condition": condition}]
            )
        source = aws.arn("elasticmapreduce", "*")
        return IamRole(
            key="service-role",
            origin=self._origin(),
            description=f"EMR's service role for {self.context.name(EMR_CLUSTER)}",
            assume_role_policy=aws.trust(
                "elasticmapreduce.amazonaws.com",
                StringEquals={"aws:SourceAccount": aws.ACCOUNT},
                ArnLike={"aws:SourceArn": source},
            ),
            managed_policy_arns=(concat("arn:", aws.PARTITION, _SERVICE_POLICY),),
            policies=policies,
            tags=self.tags,
        )

    def _role_arn(self) -> Text:
        given = self.context.get("runtime.service_account")
        return Ref("instance-role", "arn") if given is None else rights.role_arn(given)

    def _instance_role(self) -> tuple[IamRole, ...]:
        if self.context.get("runtime.service_account") is not None:
            return ()
        return (
            IamRole(
                key="instance-role",
                origin=self._origin(),
                description=f"Role of the EMR machines of {self.context.name(EMR_CLUSTER)}",
                assume_role_policy=aws.trust("ec2.amazonaws.com"),
                policies={"job": aws.document(self._role_statements())},
                tags=self.tags,
            ),
        )

    def _role_statements(self) -> Iterator[aws.Statement]:
        """Yield what the machines must be allowed, and no more."""
        yield from aws.write_logs(self.log_bucket, self.log_prefix)
        yield from rights.statements(self.context)
        if self.key:
            yield aws.use_key(self.key, _DISK_KEY_ACTIONS)

    def _instance_profile(self) -> IamInstanceProfile:
        given = self.context.get("runtime.service_account")
        return IamInstanceProfile(
            key="instance-profile",
            origin=self._origin("runtime.service_account") if given is not None else self._origin(),
            role=Ref("instance-role", "name") if given is None else aws.name_in(given),
            tags=self.tags,
        )

    def _security_configuration(self) -> EmrSecurityConfiguration:
        at_rest: dict[str, Any] = {"S3EncryptionConfiguration": {"EncryptionMode": "SSE-S3"}}
        if self.key:
            key = aws.key_arn(self.key)
            at_rest = {
                "S3EncryptionConfiguration": {"EncryptionMode": "SSE-KMS", "AwsKmsKey": key},
                "LocalDiskEncryptionConfiguration": {
                    "EncryptionKeyProviderType": "AwsKms",
                    "AwsKmsKey": key,
                    "EnableEbsEncryption": True,
                },
            }
        return EmrSecurityConfiguration(
            key="security-configuration",
            origin=self.context.job.locate("metadata.variables", "enable_encryption"),
            configuration={
                "EncryptionConfiguration": {
                    # Encryption in transit needs certificates that no field of the block names.
                    "EnableInTransitEncryption": False,
                    "EnableAtRestEncryption": True,
                    "AtRestEncryptionConfiguration": at_rest,
                }
            },
        )

    def _cluster(self) -> EmrCluster:
        get, settings = self.context.get, self.settings
        subnets = get("runtime.network.subnet_ids") or ()
        scaling = get("runtime.compute.auto_scaling") if is_scaled(self.context.job) else None
        count = get("runtime.compute.instance_count") or (scaling and scaling.min_instances) or 1
        kind = get("runtime.compute.instance_type") or ""
        primary_kind = settings["master_instance_type"] or kind
        spot = settings["enable_spot_instances"]
        fleets = spot or isinstance(subnets, Parameter) or len(subnets) > 1
        if fleets:
            primary: Any = InstanceFleet(instance_type=primary_kind, target_on_demand=1)
            core: Any = InstanceFleet(
                instance_type=kind,
                target_on_demand=0 if spot else count,
                target_spot=count if spot else 0,
                **({"spot_bid_percent": settings["spot_bid_price_percent"]} if spot else {}),
            )
        else:
            primary = InstanceGroup(instance_type=primary_kind, instance_count=1)
            core = InstanceGroup(instance_type=kind, instance_count=count)
        owned = "core.target_spot" if spot else "core.target_on_demand"
        idle = settings["idle_timeout_minutes"]
        return EmrCluster(
            key="cluster",
            origin=self._origin(),
            # A cluster cannot be renamed, so a renamed job keeps the name it was built with.
            name=self.context.name(EMR_CLUSTER),
            release_label=settings["release_label"],
            applications=settings["applications"],
            service_role=Ref("service-role", "arn"),
            instance_profile=Ref("instance-profile", "arn"),
            subnet_ids=subnets,
            additional_security_group_ids=get("runtime.network.security_group_ids") or (),
            primary=primary,
            core=core,
            managed_scaling=scaling
            and ManagedScaling(
                minimum=scaling.min_instances or 1,
                maximum=scaling.max_instances or count,
                unit="InstanceFleetUnits" if fleets else "Instances",
            ),
            security_configuration=(
                Ref("security-configuration", "name") if settings["enable_encryption"] else None
            ),
            log_uri=concat("s3://", self.log_bucket, f"/{self.log_prefix}"),
            termination_protected=settings["termination_protection"],
            idle_timeout_seconds=idle and idle * 60,
            tags=dict([*self.tags.items(), MANAGED_POLICY_TAG]),
            lifecycle=Lifecycle(
                protect=settings["protect"],
                ignore=((owned if fleets else "core.instance_count"),) if scaling else (),
            ),
        )
