"""Amazon EMR on EC2: a cluster with its roles, logs, encryption and scaling."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dativo_infra.diagnostics import rules
from dativo_infra.platforms import aws, rights, shapes
from dativo_infra.platforms.base import (
    Built,
    Context,
    Platform,
    Use,
    Variable,
    is_scaled,
    referenced,
    refers,
    switched_on,
    unused,
    used,
)
from dativo_infra.platforms.emr_cluster import MANAGED_POLICY_TAG, Cluster
from dativo_infra.values import show

if TYPE_CHECKING:
    from dativo_infra.model import Job


def _release(text: str) -> str | None:
    if re.fullmatch(r"emr-\d+\.\d+\.\d+", text):
        return None
    return "must be an EMR release such as emr-7.10.0"


VARIABLES = (
    Variable(
        name="release_label",
        type="text",
        default={"2026-11": "emr-7.10.0"},
        examples=("emr-7.9.0", "emr-7.8.0"),
        meaning="EMR release; a change replaces the cluster, so an edition never changes it.",
        check=_release,
    ),
    Variable(
        name="applications",
        type="texts",
        default=("Hadoop", "Spark"),
        examples=(("Spark", "Hive"), ("Flink",)),
        meaning="What EMR installs; a change replaces the cluster.",
    ),
    Variable(
        name="master_instance_type",
        type="text",
        examples=("m5.large", "m5.2xlarge"),
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
        examples=(80, 60),
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
        examples=("acme-emr-logs", "acme-logs"),
        meaning="Bucket that exists for the cluster's logs; one is built where not given.",
    ),
    Variable(
        name="log_retention_days",
        type="number",
        default=90,
        minimum=1,
        examples=(30, 365),
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
        examples=("alias/acme-emr", "alias/acme-data"),
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
        examples=(60, 120),
        meaning="The cluster ends itself after this time without work; never where not given.",
    ),
)

EXPORTS = {
    "emr_cluster_id": "Id of the cluster, such as j-2AXXXXXXGAPLF.",
    "emr_cluster_dns": "Host name of the primary node.",
    "emr_master_public_dns": "Host name of the primary node, by its older name.",
    "emr_log_bucket": "Bucket that the cluster's logs go to.",
}


_ONLY_REFERRED = unused("the cluster exists and is only referred to", when=refers)


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
        used(
            "core nodes at the start; EMR's managed scaling owns the number afterwards", is_scaled
        ),
        used("number of core nodes; the primary is extra"),
    ),
    "runtime.compute.auto_scaling.enabled": _built(used("managed scaling of core and task nodes")),
    "runtime.compute.auto_scaling.min_instances": _built(
        used("lower limit of managed scaling", is_scaled), unused("auto_scaling is not enabled")
    ),
    "runtime.compute.auto_scaling.max_instances": _built(
        used("upper limit of managed scaling", is_scaled), unused("auto_scaling is not enabled")
    ),
    "runtime.storage.bucket": _built(
        rights.OWN_ROLE, used("the machines' role may list, read, write and delete in it")
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
    "resources.queue.arn": _built(*rights.FIELDS["resources.queue.arn"]),
    "resources.secrets.secret_manager_arn": _built(
        rights.OWN_ROLE, used("the machines' role may read this secret")
    ),
    "resources.secrets.kms_key_id": _built(*rights.FIELDS["resources.secrets.kms_key_id"]),
}

EXAMPLES = {
    "runtime.compute.cluster_id": ("j-2AXXXXXXGAPLF", "j-1ABCDEFGHIJKL"),
    "runtime.service_account": ("arn:aws:iam::123456789012:role/data/Runner", "reporting"),
}


def _needs(job: Job) -> tuple[str, ...]:
    if refers(job):
        return ()
    wanted = ["runtime.compute.instance_type", "runtime.network.subnet_ids"]
    if is_scaled(job):
        limits = "runtime.compute.auto_scaling"
        wanted += [f"{limits}.min_instances", f"{limits}.max_instances"]
    return tuple(wanted)


def _check(context: Context) -> None:
    shapes.check(context)
    aws.check_role(context)
    cluster = context.get("runtime.compute.cluster_id")
    if isinstance(cluster, str) and not re.fullmatch("j-[A-Z0-9]{1,20}", cluster):
        context.report(
            rules.SUSPICIOUS_SHAPE.at(
                context.origin("runtime.compute.cluster_id"),
                f"`{cluster}` is not a cluster's id such as j-2AXXXXXXGAPLF.",
            )
        )


def _check_built(context: Context) -> None:
    """Report what a cluster that is built cannot have."""
    if refers(context.job):
        return
    rights.check(context)
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
    return Cluster(context).built()


EMR = Platform(
    name="emr",
    component="EmrCluster",
    description="EMR cluster",
    clouds=("aws",),
    variables=VARIABLES,
    variable_uses=(_ONLY_REFERRED,),
    exports=EXPORTS,
    fields=FIELDS,
    examples=EXAMPLES,
    check=_check,
    check_built=_check_built,
    needs=_needs,
    only_refers=refers,
    build=_build,
)
