"""What Databricks refuses, and what will work but probably not as meant."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dativo_infra.diagnostics import rules
from dativo_infra.platforms import runner, shapes
from dativo_infra.platforms.base import refers
from dativo_infra.platforms.clouds import NAMES, cloud_of
from dativo_infra.platforms.databricks_cluster import (
    builds_pool,
    environment,
    identity_of,
    is_job,
    is_referred,
    pool_exists,
    run_of,
    s3_bucket,
)
from dativo_infra.values import has_secret, show

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dativo_infra.platforms.base import Context
    from dativo_infra.project import Cloud

_MACHINE = "runtime.compute.instance_type"
_CLUSTER = re.compile("[0-9]{4}-[0-9]{6}-[a-z0-9]+")
_NODE_TYPES: Mapping[Cloud, tuple[str, str]] = {
    "aws": (r"[a-z][a-z0-9-]*\.[a-z0-9-]+", "i3.xlarge"),
    "azure": (r"Standard_[A-Za-z0-9_]+", "Standard_D4ds_v5"),
    "gcp": (r"[a-z][a-z0-9]*-[a-z]+(-[0-9a-z]+)*", "n2-highmem-4"),
}
"""The pattern of node types on each cloud, with an example."""
_NO_DISK = re.compile(r"[cmr][4-9][^d.]*\..+")
"""Types of AWS without a disk: those with one have a `d` after the generation.

Source: https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html
"""
_IDENTITIES: Mapping[str, Cloud] = {"profile": "aws", "google": "gcp"}
"""Identities that one cloud alone has."""
_CLOUDS_OF: Mapping[str, tuple[Cloud, ...]] = {
    "spot_bid_price_percent": ("aws",),
    "zone": ("aws", "gcp"),
    "ebs_volume_count": ("aws",),
    "ebs_volume_size": ("aws",),
}
"""Variables that not every cloud has."""
_DEFAULT_TAGS = frozenset(
    {
        "vendor",
        "clusterid",
        "clustername",
        "creator",
        "runname",
        "jobid",
        "databricksinstancepoolid",
        "databricksinstancepoolcreatorid",
    }
)
_MOST_TAGS: Mapping[str, int] = {"cluster": 45, "pool": 43, "job": 25}
_LASTING = ("/Volumes/", "/Workspace/", "/dbfs/")
"""Where files outlive the machine."""


def check(context: Context) -> None:
    """Report what does not look like what it should be, whoever owns the job."""
    shapes.check(context)
    runner.check_mount_path(context)
    cluster = context.get("runtime.compute.cluster_id")
    if isinstance(cluster, str) and not _CLUSTER.fullmatch(cluster):
        context.report(
            rules.SUSPICIOUS_SHAPE.at(
                context.origin("runtime.compute.cluster_id"),
                f"`{cluster}` is not a cluster's id such as 0123-456789-abc123.",
            )
        )
    machine = context.get(_MACHINE)
    pattern, example = _NODE_TYPES[context.cloud]
    # One that is plainly of another cloud is reported where the clouds of a job are compared.
    is_ours = cloud_of(machine, _MACHINE) in {None, context.cloud}
    if isinstance(machine, str) and is_ours and not re.fullmatch(pattern, machine):
        what = f"`{machine}` is not a node type of {NAMES[context.cloud]} such as {example}."
        context.report(rules.SUSPICIOUS_SHAPE.at(context.origin(_MACHINE), what))


def check_built(context: Context) -> None:
    """Report what cannot be built, or would not be as meant."""
    job = context.job
    if is_referred(job):
        return
    _check_tags(context)
    _check_identity(context)
    if run_of(job) == "schedule" and "schedule" not in job.variables:
        context.report(rules.SCHEDULE_MISSING.at(job.locate("metadata.variables", "run")))
    if is_job(job) and not _keeps_files(context):
        remedy = "Give runtime.storage.mount_path below /Volumes/, where a volume is."
        runner.check_state(context, remedy=remedy)
    if not refers(job):
        _check_variables(context)
        _check_environment(context)
        _check_disks(context)


def _keeps_files(context: Context) -> bool:
    path = context.get("runtime.storage.mount_path") or ""
    # The files of a cluster that exists are its own, and nothing is known of them.
    return refers(context.job) or path.startswith(_LASTING)


def _check_tags(context: Context) -> None:
    job = context.job
    for tag in context.get("metadata.tags") or {}:
        place = job.locate("metadata.tags", tag, key=True)
        if tag.casefold() == "name":
            what = "Databricks finds its machines by the tag `Name`, and bills lost ones for ever."
            context.report(rules.RESERVED_TAG.at(place, what, remedy="Give it another name."))
        elif tag.casefold() in _DEFAULT_TAGS:
            what = f"Databricks has a tag `{tag}` of its own."
            context.report(rules.DATABRICKS_TAG.at(place, what))
    what = "pool" if builds_pool(job) else "job" if is_job(job) else "cluster"
    if len(context.tags) > (most := _MOST_TAGS[what]):
        context.report(
            rules.MANY_DATABRICKS_TAGS.at(
                job.locate("metadata.tags", key=True),
                f"There are {len(context.tags)} tags, and a {what} takes {most}.",
            )
        )


def _check_identity(context: Context) -> None:
    given = context.get("runtime.service_account")
    if given is None:
        return
    kind, cloud = identity_of(given, context.cloud), context.cloud
    place = context.origin("runtime.service_account")
    other = _IDENTITIES.get(kind or "", cloud)
    if kind is None:
        what = f"`{given}` is no identity that Databricks knows."
        context.report(rules.OTHER_IDENTITY.at(place, what))
    elif other != cloud and not refers(context.job):
        what = (
            f"`{show(given)}` is an identity of {NAMES[other]}, and the job runs on {NAMES[cloud]}."
        )
        context.report(rules.OTHER_IDENTITY.at(place, what))


def _check_variables(context: Context) -> None:
    """Report settings that contradict each other, or that the cloud does not have."""
    job, settings = context.job, context.settings

    def wrong(name: str, what: str, remedy: str) -> None:
        place = job.locate("metadata.variables", name)
        context.report(rules.BAD_VARIABLE.at(place, what, remedy=remedy))

    for name, clouds in _CLOUDS_OF.items():
        if name in job.variables and context.cloud not in clouds:
            what = f"The variable `{name}` means nothing on {NAMES[context.cloud]}."
            wrong(name, what, "Leave it out.")
    if 0 < settings["autotermination_minutes"] < 10:
        what = "Databricks terminates no cluster before ten minutes without work."
        wrong("autotermination_minutes", what, "Write 10 to 10000, or 0 for never.")
    if settings["image"] and settings["data_security_mode"] == "USER_ISOLATION":
        what = "A cluster that users share (USER_ISOLATION) takes no image."
        wrong("image", what, "Leave out image, or set data_security_mode: SINGLE_USER.")
    least, most = settings["pool_min_idle"], settings["pool_max_capacity"]
    if builds_pool(job) and most and least > most:
        what = f"The pool would keep {least} machines ready, and may have {most}."
        wrong("pool_min_idle", what, "Write a number that is not above pool_max_capacity.")
    if s3_bucket(settings["log_destination"]):
        given = context.get("runtime.service_account")
        if context.cloud != "aws":
            wrong("log_destination", "Logs go to S3 on AWS alone.", "Write a folder of /Volumes/.")
        elif given is None or identity_of(given) != "profile":
            what = "Logs reach a bucket by the machines' instance profile, and none is given."
            wrong("log_destination", what, "Give its ARN as runtime.service_account.")
        elif not context.target.region:
            what = "To write logs to a bucket, Databricks must be told its region."
            wrong("log_destination", what, "Set region in the job's target in dativo-infra.yaml.")


def _check_environment(context: Context) -> None:
    """Report what cannot be an environment variable of a cluster."""
    for name, value in environment(context):
        path = "runtime.storage.mount_path" if name == "STATE_DIR" else runner.field_of(name)
        text = show(value)
        if has_secret(value):
            what = f"`{path}` holds a secret, and would be the environment variable {name}."
        elif "'" in text or "\n" in text:
            what = f"`{path}` would be the environment variable {name}, with a quote or a new line."
        else:
            continue
        context.report(rules.OPEN_ENVIRONMENT.at(context.origin(path), what))


def _check_disks(context: Context) -> None:
    machine = context.get(_MACHINE)
    if pool_exists(context.job) or context.settings["ebs_volume_count"]:
        return
    if context.cloud == "aws" and isinstance(machine, str) and _NO_DISK.fullmatch(machine):
        context.report(
            rules.NO_LOCAL_DISK.at(
                context.origin(_MACHINE),
                f"`{machine}` has no disk of its own, and no ebs_volume_count is given.",
            )
        )
