"""Amazon EMR on EC2: a cluster with its roles, logs, encryption and scaling."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dativo_infra.diagnostics import rules
from dativo_infra.names import EMR_CLUSTER, LABEL_VALUE, render_word
from dativo_infra.platforms import aws, reach
from dativo_infra.platforms.base import (
    Built,
    Context,
    Platform,
    Use,
    Variable,
    referenced,
    switched_on,
    unused,
    used,
)
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
from dativo_infra.values import Parameter, Ref, Text, concat, show

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from dativo_infra.model import Job

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


def _refers(job: Job) -> bool:
    return job.get("runtime.compute.cluster_id") is not None


def _role_given(job: Job) -> bool:
    return job.get("runtime.service_account") is not None


def _scales(job: Job) -> bool:
    return job.get("runtime.compute.auto_scaling.enabled") is True


def _on_other_queue(job: Job) -> bool:
    arn = job.get("resources.queue.arn")
    return isinstance(arn, str) and arn.split(":")[2:3] != ["sqs"]


def _release(text: str) -> str | None:
    if re.fullmatch(r"emr-\d+\.\d+\.\d+", text):
        return None
    return "must be an EMR release such as emr-7.10.0"


VARIABLES = (
    Variable(
        name="release_label",
        type="text",
        default={"2026-11": "emr-7.10.0"},
        meaning="EMR release; a change replaces the cluster, so an edition never changes it.",
        check=_release,
    ),
    Variable(
        name="applications",
        type="texts",
        default=("Hadoop", "Spark"),
        meaning="What EMR installs; a change replaces the cluster.",
    ),
    Variable(
        name="master_instance_type",
        type="text",
        meaning="Machine type of the primary node; compute.instance_type where not given.",
    ),
    Variable(
        name="enable_spot_instances",
        type="boolean",
        default=False,
        meaning="Workers come from the spot market, and on demand where that has none.",
    ),
    Variable(
        name="spot_bid_price_percent",
        type="number",
        default=100,
        minimum=1,
        maximum=1000,
        meaning="Most to pay for a spot machine, in percent of the on-demand price.",
        uses=(
            unused(
                "enable_spot_instances is not set",
                lambda job: not switched_on(job, "enable_spot_instances"),
            ),
        ),
    ),
    Variable(
        name="log_bucket",
        type="text",
        check=aws.bucket_problem,
        late=True,
        meaning="Bucket that exists for the cluster's logs; one is built where not given.",
    ),
    Variable(
        name="log_retention_days",
        type="number",
        default=90,
        minimum=1,
        meaning="Days that logs are kept in the bucket that is built.",
        uses=(
            unused(
                "the log_bucket given keeps its own rules",
                lambda job: "log_bucket" in job.variables,
            ),
        ),
    ),
    Variable(
        name="enable_encryption",
        type="boolean",
        default=False,
        meaning="Encrypt what EMR stores at rest: S3, and the disks where kms_key_alias is given.",
    ),
    Variable(
        name="kms_key_alias",
        type="text",
        check=aws.key_problem,
        late=True,
        meaning="Key for the encryption: alias/name, an id, or an ARN; an ARN when known late.",
        uses=(
            unused(
                "enable_encryption is not set",
                lambda job: not switched_on(job, "enable_encryption"),
            ),
        ),
    ),
    Variable(
        name="protect",
        type="boolean",
        default=True,
        meaning="The tool that built the cluster refuses to delete or replace it. To take it down: "
        "set this to false, deploy, then destroy.",
    ),
    Variable(
        name="termination_protection",
        type="boolean",
        default=False,
        meaning="EMR itself refuses to terminate the cluster, whoever asks.",
    ),
    Variable(
        name="idle_timeout_minutes",
        type="number",
        minimum=1,
        maximum=7 * 24 * 60,
        meaning="The cluster ends itself after this time without work; never where not given.",
    ),
)

EXPORTS = {
    "emr_cluster_id": "Id of the cluster, such as j-2AXXXXXXGAPLF.",
    "emr_cluster_dns": "Host name of the primary node.",
    "emr_master_public_dns": "Host name of the primary node, by its older name.",
    "emr_log_bucket": "Bucket that the cluster's logs go to.",
}


_ONLY_REFERRED = unused("the cluster exists and is only referred to", when=_refers)
_OWN_ROLE = referenced("the role given must allow it; nothing is added to it", _role_given)


def _built(*uses: Use) -> tuple[Use, ...]:
    return (_ONLY_REFERRED, *uses)


FIELDS = {
    "former_names": _built(used("earlier names, so that a rename replaces nothing")),
    "runtime.platform": (used("chooses EMR on EC2"),),
    "runtime.compute.cluster_id": (referenced("the cluster that the job uses; none is built"),),
    "runtime.compute.instance_type": _built(
        used("machine type of the core nodes, and of the primary unless master_instance_type")
    ),
    "runtime.compute.instance_count": _built(
        used("core nodes at the start; EMR's managed scaling owns the number afterwards", _scales),
        used("number of core nodes; the primary is extra"),
    ),
    "runtime.compute.auto_scaling.enabled": _built(used("managed scaling of core and task nodes")),
    "runtime.compute.auto_scaling.min_instances": _built(
        used("lower limit of managed scaling", _scales), unused("auto_scaling is not enabled")
    ),
    "runtime.compute.auto_scaling.max_instances": _built(
        used("upper limit of managed scaling", _scales), unused("auto_scaling is not enabled")
    ),
    "runtime.storage.bucket": _built(
        _OWN_ROLE, used("the machines' role may list, read, write and delete in it")
    ),
    "runtime.storage.volume_id": (unused("EMR mounts no volume that exists"),),
    "runtime.storage.mount_path": (unused("EMR mounts no volume that exists"),),
    "runtime.network.vpc_id": (referenced("EMR finds the VPC by the subnets"),),
    "runtime.network.subnet_ids": _built(used("subnets of the machines; several make fleets")),
    "runtime.network.security_group_ids": _built(
        used("added to the groups that EMR manages, on all nodes")
    ),
    "runtime.namespace": (unused("EMR has no namespaces"),),
    "runtime.service_account": _built(used("role of the machines, by a new instance profile")),
    "metadata.tags": _built(used("tags on every resource; EMR passes them to its EC2 machines")),
    "metadata.labels": (unused("labels are for Kubernetes objects"),),
    "metadata.annotations": (unused("annotations are for Kubernetes objects"),),
    "resources.database.endpoint": (referenced("the job connects to it from the machines"),),
    "resources.database.port": (referenced("the machines' security groups must allow it"),),
    "resources.database.database_name": (referenced("the job connects to it"),),
    "resources.database.instance_id": (referenced("the instance behind the endpoint"),),
    "resources.cache.endpoint": (referenced("the job connects to it from the machines"),),
    "resources.cache.cluster_id": (referenced("the cluster behind the endpoint"),),
    "resources.queue.url": (referenced("the job connects to it from the machines"),),
    "resources.queue.arn": _built(
        _OWN_ROLE,
        referenced("the machines' role is given rights on queues of SQS alone", _on_other_queue),
        used("the machines' role may send to it and receive from it"),
    ),
    "resources.secrets.secret_manager_arn": _built(
        _OWN_ROLE, used("the machines' role may read this secret")
    ),
    "resources.secrets.kms_key_id": _built(
        _OWN_ROLE, used("the machines' role may decrypt with this key")
    ),
}


def _needs(job: Job) -> tuple[str, ...]:
    if _refers(job):
        return ()
    wanted = ["runtime.compute.instance_type", "runtime.network.subnet_ids"]
    if _scales(job):
        limits = "runtime.compute.auto_scaling"
        wanted += [f"{limits}.min_instances", f"{limits}.max_instances"]
    return tuple(wanted)


def _check(context: Context) -> None:
    aws.check(context)
    cluster = context.get("runtime.compute.cluster_id")
    if isinstance(cluster, str) and not re.fullmatch("j-[A-Z0-9]{1,20}", cluster):
        context.report(
            rules.SUSPICIOUS_SHAPE.at(
                context.origin("runtime.compute.cluster_id"),
                f"`{cluster}` is not a cluster's id such as j-2AXXXXXXGAPLF.",
            )
        )


_IN_POLICIES: Mapping[str, Callable[[Text], str | None]] = {
    "runtime.storage.bucket": aws.bucket_problem,
    "resources.queue.arn": aws.arn_problem,
    "resources.secrets.secret_manager_arn": aws.arn_problem,
    "resources.secrets.kms_key_id": aws.key_problem,
}
"""Fields that stand in a policy of the role that is built; IAM refuses what is no ARN there."""


def _check_built(context: Context) -> None:
    """Report what a cluster that is built cannot have."""
    role = context.get("runtime.service_account")
    if isinstance(role, str) and not aws.names_role(role):
        context.report(
            rules.BAD_NAME.at(
                context.origin("runtime.service_account"),
                f"`{role}` is neither the ARN nor the name of a role.",
                remedy="Give the role itself; its instance profile is built.",
            )
        )
    for path, check in _IN_POLICIES.items() if role is None else ():
        value = context.get(path)
        if path == "resources.queue.arn" and _on_other_queue(context.job):
            continue
        if value is not None and (problem := check(value)):
            context.report(
                rules.BAD_NAME.at(
                    context.origin(path),
                    f"`{path}` {problem}, as it stands in a policy: {show(value)}.",
                    remedy="Write it as AWS does, or give a role of your own.",
                )
            )
    key, _ = MANAGED_POLICY_TAG
    for tag in context.get("metadata.tags") or {}:
        if tag.casefold() == key:
            place = context.job.locate("metadata.tags", tag, key=True)
            context.report(rules.RESERVED_TAG.at(place, f"The tag `{tag}` is set by this tool."))


def _build(context: Context) -> Built:
    cluster_id = context.get("runtime.compute.cluster_id")
    if cluster_id is not None:
        return Built(
            exports={"emr_cluster_id": cluster_id},
            notes=(f"uses the EMR cluster {show(cluster_id)}; nothing is built",),
        )
    _check_built(context)
    return _Cluster(context).built()


class _Cluster:
    """The resources of one cluster, each made once from the job's context."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.settings = context.settings
        self.tags = context.tags
        self.buckets = [each for job in context.jobs for each in reach.buckets(job, "s3", "s3a")]
        self.key: Text | None = (
            self.settings["kms_key_alias"] if self.settings["enable_encryption"] else None
        )
        given = self.settings["log_bucket"]
        self.log_bucket: Text = given or Ref("log-bucket", "name")
        # The prefix stands in a policy, where only Latin characters may.
        folders = (render_word(part, LABEL_VALUE) for part in context.first_identity.parts)
        self.log_prefix = f"emr/{'/'.join(folders)}/"

    def built(self) -> Built:
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
        if self.settings["protect"]:
            yield "it is protected; to take it down: set protect: false, deploy, then destroy"
        key, value = MANAGED_POLICY_TAG
        yield f"its VPC, subnets and security groups must carry the tag {key}={value}"
        role = self.context.get("runtime.service_account")
        for where in sorted({each.where for each in self.buckets if not each.name}):
            yield f"{where} names no bucket that is known here: no right on it is included"
        if role is not None:
            yield "the role given must trust ec2.amazonaws.com"
            for statement in self._role_statements():
                actions, places = (
                    ", ".join(show(statement[part])) for part in ("Action", "Resource")
                )
                yield f"the role given must allow {actions} on {places}"

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
        if given is None:
            return Ref("instance-role", "arn")
        if not aws.is_arn(given):
            return concat("arn:", aws.PARTITION, ":iam::", aws.ACCOUNT, ":role/", given)
        return given

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
        bucket = self.context.get("runtime.storage.bucket")
        written = {each.name for each in self.buckets if each.written} - {"", bucket}
        read = {each.name for each in self.buckets} - {"", bucket} - written
        if bucket is not None:
            yield from aws.read_write_bucket(bucket)
        for name in sorted(written):
            yield from aws.read_write_bucket(name)
        for name in sorted(read):
            yield from aws.read_bucket(name)
        if (secret := self.context.get("resources.secrets.secret_manager_arn")) is not None:
            yield aws.read_secret(secret)
        if (key := self.context.get("resources.secrets.kms_key_id")) is not None:
            yield aws.use_key(key)
        queue = self.context.get("resources.queue.arn")
        if queue is not None and not _on_other_queue(self.context.job):
            yield aws.allow(
                [
                    "sqs:DeleteMessage",
                    "sqs:GetQueueAttributes",
                    "sqs:ReceiveMessage",
                    "sqs:SendMessage",
                ],
                [queue],
            )
        if self.key:
            yield aws.use_key(self.key, _DISK_KEY_ACTIONS)

    def _instance_profile(self) -> IamInstanceProfile:
        given = self.context.get("runtime.service_account")
        return IamInstanceProfile(
            key="instance-profile",
            origin=self._origin("runtime.service_account") if given is not None else self._origin(),
            role=Ref("instance-role", "name") if given is None else aws.late_role_name(given),
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
        scaling = get("runtime.compute.auto_scaling") if _scales(self.context.job) else None
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


EMR = Platform(
    name="emr",
    component="EmrCluster",
    description="EMR cluster",
    clouds=("aws",),
    variables=VARIABLES,
    variable_uses=(_ONLY_REFERRED,),
    exports=EXPORTS,
    fields=FIELDS,
    check=_check,
    needs=_needs,
    build=_build,
)
