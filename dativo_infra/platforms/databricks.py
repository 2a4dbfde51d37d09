"""Databricks: a cluster that stays, or a job whose runs have clusters of their own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dativo_infra.platforms import cron, databricks_checks, runner
from dativo_infra.platforms.base import (
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
from dativo_infra.platforms.databricks_cluster import (
    build,
    builds_pool,
    identity_of,
    is_job,
    is_referred,
    pool_exists,
    run_of,
)
from dativo_infra.values import Text, show

if TYPE_CHECKING:
    from dativo_infra.model import Job

_SCALING = "runtime.compute.auto_scaling"


def _version(text: str) -> str | None:
    good = re.fullmatch(r"[0-9]+\.[0-9]+\.x(-[a-z]+)*-scala2\.1[0-9]", text)
    return None if good else "must be a runtime of Databricks such as 16.4.x-scala2.12"


def _destination(text: Text) -> str | None:
    good = str(show(text)).startswith(("s3://", "dbfs:/", "/Volumes/"))
    return None if good else "must begin with s3://, dbfs:/ or /Volumes/"


def _absolute(text: str) -> str | None:
    return None if re.fullmatch(r"/\S+", text) else "must be an absolute path"


def _is_in_pool(job: Job) -> bool:
    return pool_exists(job) or builds_pool(job)


def _runs_as_nobody(job: Job) -> bool:
    """Return whether the job names a principal, and builds nothing that runs as one."""
    mode = job.variables.get("data_security_mode") or "SINGLE_USER"
    given = job.get("runtime.service_account")
    principal = given is not None and identity_of(given) in {"principal", "user"}
    return principal and not is_job(job) and mode != "SINGLE_USER"


def _is_of_machines(job: Job) -> bool:
    given = job.get("runtime.service_account")
    return isinstance(given, str) and identity_of(given) in {"profile", "google"}


_ONLY_REFERRED = unused("the cluster exists and is only referred to", is_referred)
_CLUSTER_EXISTS = unused("the cluster exists, with its own settings", refers)
_NOT_A_JOB = unused("run is cluster: no job of Databricks is built", lambda job: not is_job(job))
_NOT_KEPT = unused("a cluster of a job ends with its run", is_job)
_POOL_EXISTS = unused("the pool that exists says so", pool_exists)
_NO_POOL = unused("no pool is built", lambda job: not builds_pool(job))

VARIABLES = (
    Variable(
        name="run",
        type="text",
        default="cluster",
        choices=("cluster", "task", "schedule"),
        meaning="cluster: an all-purpose cluster that stays; task: a job of Databricks that "
        "somebody starts, with a cluster for each run; schedule: likewise, started by the clock.",
    ),
    Variable(
        name="schedule",
        type="text",
        check=cron.quartz_problem,
        examples=("0 3 * * *", "30 4 * * MON"),
        meaning="When the job is started, as a cron expression of five fields, in UTC.",
        uses=(unused("run is not schedule", lambda job: run_of(job) != "schedule"),),
    ),
    Variable(
        name="spark_version",
        type="text",
        default={"2026-11": "16.4.x-scala2.12"},
        check=_version,
        examples=("15.4.x-scala2.12", "17.3.x-scala2.13"),
        meaning="Databricks Runtime; a change restarts clusters, so an edition never changes it.",
        uses=(_CLUSTER_EXISTS,),
    ),
    Variable(
        name="driver_node_type",
        type="text",
        examples=("i3.2xlarge", "i3.4xlarge"),
        meaning="Machine type of the driver; compute.instance_type where not given.",
        uses=(_CLUSTER_EXISTS, unused("all machines of a pool are of one type", _is_in_pool)),
    ),
    Variable(
        name="data_security_mode",
        type="text",
        default="SINGLE_USER",
        choices=("SINGLE_USER", "USER_ISOLATION", "NONE"),
        meaning="Who may use the cluster: one user, several kept apart, or without Unity Catalog.",
        uses=(_CLUSTER_EXISTS,),
    ),
    Variable(
        name="runtime_engine",
        type="text",
        choices=("STANDARD", "PHOTON"),
        meaning="Engine of Spark; PHOTON is faster and costs more. By the version if not given.",
        uses=(_CLUSTER_EXISTS,),
    ),
    Variable(
        name="policy_id",
        type="text",
        late=True,
        examples=("E06216CAA0000001", "E06216CAA0000002"),
        meaning="Id of the cluster policy that the cluster must obey.",
        uses=(_CLUSTER_EXISTS,),
    ),
    Variable(
        name="autotermination_minutes",
        type="number",
        default=60,
        minimum=0,
        maximum=10000,
        examples=(20, 120),
        meaning="The cluster is terminated after this time without work: 10 or more; 0 for never.",
        uses=(_CLUSTER_EXISTS, _NOT_KEPT),
    ),
    Variable(
        name="pinned",
        type="boolean",
        default=False,
        meaning="Keep the cluster that was not used for thirty days, which Databricks deletes "
        "otherwise; needs an administrator.",
        uses=(_CLUSTER_EXISTS, _NOT_KEPT),
    ),
    Variable(
        name="protect",
        type="boolean",
        default=True,
        meaning="The tool that built the cluster refuses to delete or replace it. To take it down: "
        "set this to false, deploy, then destroy.",
        uses=(_CLUSTER_EXISTS, _NOT_KEPT),
    ),
    Variable(
        name="enable_spot_instances",
        type="boolean",
        default=False,
        meaning="Workers come from the spot market, and on demand where that has none; so do the "
        "machines of a pool that is built, its drivers among them.",
        uses=(_CLUSTER_EXISTS, _POOL_EXISTS),
    ),
    Variable(
        name="spot_bid_price_percent",
        type="number",
        default=100,
        minimum=1,
        maximum=10000,
        examples=(80, 90),
        meaning="Most to pay for a spot machine, in percent of the on-demand price; AWS only: "
        "elsewhere that price is the limit.",
        uses=(
            _CLUSTER_EXISTS,
            _POOL_EXISTS,
            unused(
                "enable_spot_instances is not set",
                lambda job: not switched_on(job, "enable_spot_instances"),
            ),
        ),
    ),
    Variable(
        name="ebs_volume_count",
        type="number",
        minimum=1,
        maximum=10,
        examples=(1, 2),
        meaning="Disks of each machine, which a type without its own must have; AWS only.",
        uses=(_CLUSTER_EXISTS, _POOL_EXISTS),
    ),
    Variable(
        name="ebs_volume_size",
        type="number",
        default=100,
        minimum=100,
        maximum=4096,
        examples=(200, 400),
        meaning="GiB of each of these disks.",
        uses=(
            _CLUSTER_EXISTS,
            _POOL_EXISTS,
            unused(
                "ebs_volume_count is not given", lambda job: "ebs_volume_count" not in job.variables
            ),
        ),
    ),
    Variable(
        name="zone",
        type="text",
        late=True,
        examples=("us-east-1a", "us-east-1b"),
        meaning="Zone of the machines, on AWS and Google Cloud; Databricks chooses if not given.",
        uses=(_CLUSTER_EXISTS, _POOL_EXISTS),
    ),
    Variable(
        name="instance_pool_id",
        type="text",
        late=True,
        examples=("0727-104344-hauls13-pool-a", "0727-104344-hauls13-pool-b"),
        meaning="A pool that exists, which the machines come from.",
        uses=(_CLUSTER_EXISTS,),
    ),
    Variable(
        name="enable_instance_pool",
        type="boolean",
        default=False,
        meaning="Build a pool that the machines come from, so that clusters start faster.",
        uses=(_CLUSTER_EXISTS, unused("instance_pool_id names one that exists", pool_exists)),
    ),
    Variable(
        name="pool_min_idle",
        type="number",
        default=0,
        minimum=0,
        examples=(1, 2),
        meaning="Machines that the pool keeps ready, and that cost, whether they are used or not.",
        uses=(_CLUSTER_EXISTS, _NO_POOL),
    ),
    Variable(
        name="pool_max_capacity",
        type="number",
        minimum=1,
        examples=(10, 20),
        meaning="Most machines of the pool, idle and used; no limit where not given.",
        uses=(_CLUSTER_EXISTS, _NO_POOL),
    ),
    Variable(
        name="pool_idle_minutes",
        type="number",
        default=15,
        minimum=0,
        maximum=10000,
        examples=(5, 30),
        meaning="The pool gives other machines back after this time without use.",
        uses=(_CLUSTER_EXISTS, _NO_POOL),
    ),
    Variable(
        name="log_destination",
        type="text",
        check=_destination,
        late=True,
        examples=("dbfs:/logs/orders", "/Volumes/main/ops/logs"),
        meaning="Where the logs of driver and workers go: s3://, dbfs:/ or a folder of /Volumes/.",
        uses=(_CLUSTER_EXISTS,),
    ),
    Variable(
        name="image",
        type="text",
        late=True,
        examples=("registry/runner:1", "registry/runner:2"),
        meaning="Container image of the machines with the runner in it; the workspace must allow "
        "Databricks Container Services. Databricks' own where not given.",
        uses=(_CLUSTER_EXISTS,),
    ),
    Variable(
        name="runner_library",
        type="text",
        default={"2026-11": "dativo-ingest"},
        late=True,
        examples=("dativo-ingest==1.8.0", "/Volumes/main/ops/dativo_ingest.whl"),
        meaning="What installs the runner for a job: a requirement of PyPI, or a wheel's path.",
        uses=(
            _NOT_A_JOB,
            unused(
                "the image has the runner", lambda job: "image" in job.variables and not refers(job)
            ),
        ),
    ),
    Variable(
        name="entry_point",
        type="text",
        default="dativo",
        examples=("ingest", "main"),
        meaning="Entry point of the runner's package that a job calls.",
        uses=(_NOT_A_JOB,),
    ),
    Variable(
        name="job_path",
        type="text",
        check=_absolute,
        examples=("/Volumes/main/ops/orders.yaml", "/Workspace/Shared/orders.yaml"),
        meaning="Where the machines find the job's file; where the runner's image has it, "
        f"{runner.JOB_FOLDER}/TENANT/FILE, if not given.",
        uses=(_NOT_A_JOB,),
    ),
)

EXPORTS = {
    "databricks_cluster_id": "Id of the cluster; of the one that exists where cluster_id is given.",
    "databricks_cluster_url": "Page of the cluster; with run: cluster.",
    "databricks_job_id": "Id of the job; with run: task or schedule.",
    "databricks_job_url": "Page of the job; with run: task or schedule.",
    "databricks_instance_pool_id": "Id of the pool; with enable_instance_pool.",
}


def _of_cluster(*uses: Use) -> tuple[Use, ...]:
    return (_ONLY_REFERRED, _CLUSTER_EXISTS, *uses)


_ALLOWED = referenced("whom the job runs as must be allowed to use it")
_IN_ENVIRONMENT = _of_cluster(used("an environment variable of driver and workers"))
_NETWORK = (unused("the machines are in the network of the workspace, which is made with it"),)
_NOT_SCALED = unused("auto_scaling is not enabled", lambda job: not is_scaled(job))

FIELDS = {
    "former_names": (_ONLY_REFERRED, used("earlier names, so that a rename replaces nothing")),
    "runtime.platform": (used("chooses Databricks"),),
    "runtime.compute.cluster_id": (referenced("the cluster that the job uses; none is built"),),
    "runtime.compute.instance_type": _of_cluster(
        unused("the machines are of the type of the pool that exists", pool_exists),
        used("machine type of the workers, and of the driver unless driver_node_type"),
    ),
    "runtime.compute.instance_count": _of_cluster(
        unused("a cluster that is scaled begins with min_instances", is_scaled),
        used("number of workers; the driver is extra"),
    ),
    f"{_SCALING}.enabled": _of_cluster(used("Databricks scales the number of workers")),
    f"{_SCALING}.min_instances": _of_cluster(_NOT_SCALED, used("fewest workers")),
    f"{_SCALING}.max_instances": _of_cluster(_NOT_SCALED, used("most workers")),
    "runtime.storage.bucket": _of_cluster(
        used("the runner is told its name; whom it runs as must be allowed to use it")
    ),
    "runtime.storage.volume_id": (
        unused("Databricks mounts no disk: say the path of a volume in mount_path"),
    ),
    "runtime.storage.mount_path": _of_cluster(
        used("STATE_DIR of the runner; a path below /Volumes/ outlives the cluster")
    ),
    "runtime.network.vpc_id": _NETWORK,
    "runtime.network.subnet_ids": _NETWORK,
    "runtime.network.security_group_ids": _NETWORK,
    "runtime.namespace": (unused("Databricks has no namespaces"),),
    "runtime.service_account": (
        _ONLY_REFERRED,
        unused(
            "the machines exist, with their own identity",
            lambda job: refers(job) and _is_of_machines(job),
        ),
        unused("nobody runs as it on a cluster that is not for one user", _runs_as_nobody),
        used(
            "an instance profile or a Google service account is the machines' identity; a user or "
            "a service principal is whom the job runs as, or the cluster's one user"
        ),
    ),
    "metadata.tags": (
        _ONLY_REFERRED,
        used("tags of the job", refers),
        used(
            "tags of the pool, which its machines and their usage carry; a cluster or a job in it "
            "may not repeat them",
            builds_pool,
        ),
        used("tags of the cluster, and of its job; Databricks passes them to machines and disks"),
    ),
    "metadata.labels": (unused("labels are for Kubernetes objects"),),
    "metadata.annotations": (unused("annotations are for Kubernetes objects"),),
    "resources.database.endpoint": _IN_ENVIRONMENT,
    "resources.database.port": _IN_ENVIRONMENT,
    "resources.database.database_name": _IN_ENVIRONMENT,
    "resources.database.instance_id": (referenced("the instance behind the endpoint"),),
    "resources.cache.endpoint": _IN_ENVIRONMENT,
    "resources.cache.cluster_id": (referenced("the cluster behind the endpoint"),),
    "resources.queue.url": _IN_ENVIRONMENT,
    "resources.queue.arn": (_ALLOWED,),
    "resources.secrets.secret_manager_arn": _of_cluster(
        unused(
            "only an ARN of AWS Secrets Manager can be told to the runner",
            lambda job: not runner.knows_secret(job),
        ),
        used("the runner's secret manager setting; whom it runs as must be allowed to read it"),
    ),
    "resources.secrets.kms_key_id": (_ALLOWED,),
}


def _needs(job: Job) -> tuple[str, ...]:
    if refers(job):
        return ()
    wanted = [] if pool_exists(job) else ["runtime.compute.instance_type"]
    if is_scaled(job):
        wanted += [f"{_SCALING}.min_instances", f"{_SCALING}.max_instances"]
    return tuple(wanted)


EXAMPLES = {
    "runtime.service_account": (
        "arn:aws:iam::123456789012:instance-profile/data/Machines",
        "0a1b2c3d-4e5f-4a6b-8c7d-0e1f2a3b4c5d",
        "data@acme.example",
    ),
}

DATABRICKS = Platform(
    name="databricks",
    component="DatabricksCluster",
    description="Databricks cluster",
    variables=VARIABLES,
    exports=EXPORTS,
    fields=FIELDS,
    examples=EXAMPLES,
    check=databricks_checks.check,
    check_built=databricks_checks.check_built,
    needs=_needs,
    only_refers=is_referred,
    build=build,
)
