"""What a job on Databricks becomes."""

from __future__ import annotations

from typing import Any

import pytest

from dativo_infra.diagnostics import rules
from dativo_infra.planning import plan
from dativo_infra.resources.databricks import (
    AutoScale,
    AwsAttributes,
    AzureAttributes,
    ClusterLogs,
    GcpAttributes,
    RunAs,
)
from dativo_infra.values import Parameter, Ref

V = "metadata.variables."
C = "runtime.compute."
ACCOUNT = "runtime.service_account"
PROFILE = "arn:aws:iam::123456789012:instance-profile/machines"
GOOGLE = "ingest@project.iam.gserviceaccount.com"
PRINCIPAL = "8d23ae77-912e-4a19-81e4-b9c3f5cc9349"
EXISTING = {f"{C}cluster_id": "0123-456789-abc123"}
JOB = {f"{V}run": "task"}
SCALING = {
    f"{C}auto_scaling.enabled": True,
    f"{C}auto_scaling.min_instances": 2,
    f"{C}auto_scaling.max_instances": 9,
}
MACHINES = {"azure": "Standard_D4ds_v5", "gcp": "n2-highmem-4", "aws": "i3.xlarge"}


def on(make: Any, cloud: str, fields: dict[str, Any] | None = None) -> tuple[Any, Any]:
    """Return a job whose target is in a cloud, and the project."""
    project = make.project(targets={"main": {"cloud": cloud, "region": "somewhere"}})
    return make.databricks({f"{C}instance_type": MACHINES[cloud], **(fields or {})}), project


def made(make: Any, cloud: str, fields: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return what a job in a cloud becomes, by key."""
    job, project = on(make, cloud, fields)
    return make.resources(job, project=project)


def refused(make: Any, cloud: str, fields: dict[str, Any]) -> dict[str, str]:
    """Return the codes of what is wrong with a job in a cloud."""
    job, project = on(make, cloud, fields)
    return make.codes(job, project=project)


def test_the_smallest_cluster(make: Any) -> None:
    """It is on demand, for one user, ends itself, and the edition names its runtime."""
    unit = make.unit(make.databricks())
    (cluster,) = unit.resources
    spec = cluster.spec
    assert (spec.workers, spec.node_type, spec.spark_version) == (
        1,
        "i3.xlarge",
        "16.4.x-scala2.12",
    )
    assert spec.attributes == AwsAttributes(availability="ON_DEMAND")
    assert spec.data_security_mode == "SINGLE_USER"
    assert cluster.autotermination_minutes == 60
    assert cluster.lifecycle.protect
    assert cluster.tags == unit.tags
    assert unit.exports == {
        f"databricks_cluster_{each}": Ref("cluster", each) for each in ("id", "url")
    }


def test_count_or_scaling(make: Any) -> None:
    """A number is fixed; with limits there is none, and the report says so of the count."""
    fixed = make.resources(make.databricks({f"{C}instance_count": 4}))["cluster"]
    assert fixed.spec.workers == 4
    job = make.databricks({f"{C}instance_count": 4, **SCALING})
    assert make.resources(job)["cluster"].spec.workers == AutoScale(minimum=2, maximum=9)
    (planned,) = make.plan(job).jobs
    (count,) = [each for each in planned.fields if each.path.endswith("instance_count")]
    assert count.outcome == "unused"


@pytest.mark.parametrize(
    ("cloud", "attributes"),
    [
        (
            "aws",
            AwsAttributes(
                availability="SPOT_WITH_FALLBACK", first_on_demand=1, spot_bid_percent=100
            ),
        ),
        (
            "azure",
            AzureAttributes(
                availability="SPOT_WITH_FALLBACK_AZURE", first_on_demand=1, spot_bid_max_price=-1
            ),
        ),
        ("gcp", GcpAttributes(availability="PREEMPTIBLE_WITH_FALLBACK_GCP", first_on_demand=1)),
    ],
)
def test_spot_machines(make: Any, cloud: str, attributes: Any) -> None:
    """Each cloud has words of its own; the driver is on demand on each."""
    fields = {f"{V}enable_spot_instances": True}
    assert made(make, cloud, fields)["cluster"].spec.attributes == attributes
    assert made(make, cloud, {**fields, **JOB})["job"].cluster.attributes == attributes


@pytest.mark.parametrize("cloud", MACHINES)
def test_a_pool_has_the_tags(make: Any, cloud: str) -> None:
    """Machines of a pool carry its tags alone, which what uses it must not repeat."""
    fields = {f"{V}enable_instance_pool": True, f"{V}enable_spot_instances": True}
    for more, key in (({}, "cluster"), (JOB, "job")):
        resources = made(make, cloud, {**fields, **more})
        pool, user = resources["instance-pool"], resources[key]
        spec = user.spec if key == "cluster" else user.cluster
        assert list(resources) == ["instance-pool", key]
        assert pool.tags["dativo:job"] == "orders"
        assert user.tags == {}
        assert spec.instance_pool == Ref("instance-pool", "id")
        assert (spec.node_type, spec.attributes) == (None, None)
        assert "SPOT" in pool.attributes.availability or cloud == "gcp"


def test_a_pool_that_exists_is_referred_to(make: Any) -> None:
    """The cluster carries the tags, which reach usage reports alone: the plan says so."""
    fields = {f"{V}instance_pool_id": "pool-1", f"{C}instance_type": None}
    job = make.databricks(fields)
    (cluster,) = make.unit(job).resources
    assert cluster.spec.instance_pool == "pool-1"
    assert cluster.tags["dativo:job"] == "orders"
    assert any("tags of the pool pool-1" in note for note in make.plan(job).jobs[0].notes)


def test_a_job_runs_the_runner(make: Any) -> None:
    """Its one task calls the runner's package with the job's file, on a cluster of its own."""
    job = make.resources(make.databricks(JOB))["job"]
    assert job.task.package == "dativo_ingest"
    assert job.task.library == "dativo-ingest"
    assert job.task.parameters == (
        "run",
        "--config",
        "/app/jobs/acme/orders.yaml",
        "--mode",
        "self_hosted",
    )
    assert job.schedule is None
    with_image = make.resources(make.databricks({**JOB, f"{V}image": "runner:1"}))["job"]
    assert (with_image.task.library, with_image.cluster.image) == (None, "runner:1")


def test_a_schedule(make: Any) -> None:
    """It is a Quartz expression; beside a runner of the tenant it would start jobs twice."""
    scheduled = {f"{V}run": "schedule", f"{V}schedule": "0 3 * * MON"}
    job = make.databricks(scheduled)
    assert make.resources(job)["job"].schedule == "0 0 3 ? * 2"
    assert rules.SCHEDULE_MISSING.code in make.codes(make.databricks({f"{V}run": "schedule"}))
    runner = make.fargate({"provider": "pulumi"}, name="jobs/runner.yaml")
    assert rules.TWO_STARTERS.code in make.codes(job, runner)


def test_what_exists_is_referred_to(make: Any) -> None:
    """With a cluster that exists nothing is built, but for a job that runs on it."""
    planned = make.plan(make.databricks(EXISTING))
    assert planned.units == ()
    assert planned.jobs[0].exports == {"databricks_cluster_id": "0123-456789-abc123"}
    unit = make.unit(make.databricks({**EXISTING, **JOB, ACCOUNT: PRINCIPAL}))
    (job,) = unit.resources
    assert job.cluster == "0123-456789-abc123"
    assert job.run_as == RunAs(service_principal=PRINCIPAL)
    assert job.tags == unit.tags
    assert set(unit.exports) == {
        "databricks_cluster_id",
        "databricks_job_id",
        "databricks_job_url",
    }


@pytest.mark.parametrize(
    ("given", "run_as"),
    [
        ("somebody@acme.example", RunAs(user="somebody@acme.example")),
        (PRINCIPAL, RunAs(service_principal=PRINCIPAL)),
        (PROFILE, None),
    ],
)
def test_whom_it_runs_as(make: Any, given: str, run_as: Any) -> None:
    """A principal is whom a job runs as, or the one user of a cluster; a profile the machines'."""
    job = make.resources(make.databricks({**JOB, ACCOUNT: given}))["job"]
    spec = make.resources(make.databricks({ACCOUNT: given}))["cluster"].spec
    assert job.run_as == run_as
    assert job.cluster.single_user is None
    assert spec.single_user == (given if run_as else None)
    for each in (job.cluster, spec):
        assert each.attributes.instance_profile == (None if run_as else PROFILE)


def test_an_account_of_google(make: Any) -> None:
    """It is the machines' identity there; the e-mail alone tells the cloud."""
    fields = {ACCOUNT: GOOGLE, f"{C}instance_type": MACHINES["gcp"]}
    spec = make.resources(make.databricks(fields))["cluster"].spec
    assert spec.attributes == GcpAttributes(
        availability="ON_DEMAND_GCP", google_service_account=GOOGLE
    )


@pytest.mark.parametrize(
    ("cloud", "kind"), [("aws", "instance_profile"), ("gcp", "google_service_account")]
)
def test_an_identity_known_late(make: Any, cloud: str, kind: str) -> None:
    """It is taken for what the machines of the cloud have, and on Azure for a principal."""
    spec = made(make, cloud, {ACCOUNT: "${WHO}"})["cluster"].spec
    assert getattr(spec.attributes, kind) == Parameter("WHO")
    assert made(make, "azure", {ACCOUNT: "${WHO}"})["cluster"].spec.single_user == Parameter("WHO")
    on_existing = make.resources(make.databricks({**EXISTING, **JOB, ACCOUNT: "${WHO}"}))["job"]
    assert on_existing.run_as == RunAs(service_principal=Parameter("WHO"))


@pytest.mark.parametrize(
    ("cloud", "given"),
    [
        ("aws", "some-runner"),
        ("aws", "arn:aws:iam::123456789012:role/runner"),
        ("aws", GOOGLE),
        ("azure", PROFILE),
        ("gcp", PROFILE),
    ],
)
def test_an_identity_that_cannot_be(make: Any, cloud: str, given: str) -> None:
    """What Databricks does not know, or another cloud has, is an error."""
    assert rules.OTHER_IDENTITY.code in refused(make, cloud, {ACCOUNT: given})


def test_the_runner_is_told_what_exists(make: Any) -> None:
    """By environment variables of the machines, state among them."""
    fields = {
        "resources.cache.endpoint": "cache.acme.example:6379",
        "runtime.storage.bucket": "${LAKE}",
        "runtime.storage.mount_path": "/Volumes/main/ingest/state",
    }
    spec = make.resources(make.databricks(fields))["cluster"].spec
    assert spec.environment == {
        "CACHE_ENDPOINT": "cache.acme.example:6379",
        "S3_BUCKET": Parameter("LAKE"),
        "STATE_DIR": "/Volumes/main/ingest/state",
    }


@pytest.mark.parametrize("value", ["redis://:${REDIS_PASSWORD}@cache", "it's", "two\nlines"])
def test_what_no_environment_may_have(make: Any, value: str) -> None:
    """A secret, and what a shell would read, is refused."""
    job = make.databricks({"resources.cache.endpoint": value})
    assert rules.OPEN_ENVIRONMENT.code in make.codes(job)
    fine = make.databricks({"resources.cache.endpoint": "{{secrets/acme/redis}}"})
    assert not plan([fine]).failed


def test_state_that_is_lost(make: Any) -> None:
    """A job whose runs begin anew each time is told so, unless its files outlive the machines."""
    source = {"incremental": {"strategy": "cursor"}}
    assert rules.STATE_LOST.code in make.codes(make.databricks(JOB, source=source))
    for path, lost in (("/Volumes/a/b/c", False), ("/local_disk0/state", True)):
        job = make.databricks({**JOB, "runtime.storage.mount_path": path}, source=source)
        assert (rules.STATE_LOST.code in make.codes(job)) == lost


@pytest.mark.parametrize(
    ("destination", "region"),
    [("/Volumes/main/ops/logs", None), ("dbfs:/logs", None), ("s3://logs/x/", "somewhere")],
)
def test_logs(make: Any, destination: str, region: str | None) -> None:
    """They go where they are said to go; of a bucket the target's region is told."""
    fields = {f"{V}log_destination": destination, ACCOUNT: PROFILE}
    logs = made(make, "aws", fields)["cluster"].spec.logs
    assert logs == ClusterLogs(destination=destination, region=region)


def test_rights_of_the_machines(make: Any) -> None:
    """What the role behind an instance profile must allow is said, logs included."""
    fields = {
        ACCOUNT: PROFILE,
        f"{V}log_destination": "s3://logs/x",
        "runtime.storage.bucket": "lake",
    }
    job, project = on(make, "aws", fields)
    notes = "\n".join(make.plan(job, project=project).jobs[0].notes)
    assert "must be registered in the workspace" in notes
    assert "s3:PutObject, s3:AbortMultipartUpload on arn:<partition>:s3:::logs/x/*" in notes
    assert "arn:<partition>:s3:::lake/*" in notes


@pytest.mark.parametrize(
    ("cloud", "fields", "words"),
    [
        ("aws", {f"{V}autotermination_minutes": 5}, "before ten minutes"),
        ("aws", {f"{V}autotermination_minutes": 10001}, "10000 or less"),
        ("aws", {f"{V}spot_bid_price_percent": 0}, "1 or more"),
        ("aws", {f"{V}spot_bid_price_percent": 10001}, "10000 or less"),
        ("azure", {f"{V}spot_bid_price_percent": 80}, "means nothing on Azure"),
        ("gcp", {f"{V}ebs_volume_count": 1}, "means nothing on Google Cloud"),
        ("azure", {f"{V}zone": "1"}, "means nothing on Azure"),
        ("aws", {f"{V}spark_version": "16.4"}, "must be a runtime"),
        ("aws", {f"{V}spark_version": "emr-7.10.0"}, "must be a runtime"),
        ("aws", {f"{V}image": "x", f"{V}data_security_mode": "USER_ISOLATION"}, "takes no image"),
        (
            "aws",
            {f"{V}enable_instance_pool": True, f"{V}pool_min_idle": 9, f"{V}pool_max_capacity": 3},
            "9 machines ready",
        ),
        ("aws", {f"{V}log_destination": "logs"}, "must begin with"),
        ("aws", {f"{V}log_destination": "s3://logs"}, "instance profile"),
        ("azure", {f"{V}log_destination": "s3://logs"}, "on AWS alone"),
        ("aws", {f"{V}schedule": "@every 1h"}, "intervals"),
        ("aws", {f"{V}job_path": "jobs/x.yaml"}, "absolute path"),
    ],
)
def test_variables_that_cannot_be(
    make: Any, cloud: str, fields: dict[str, Any], words: str
) -> None:
    """What Databricks refuses, or the cloud does not have, is an error before anything is built."""
    assert words in refused(make, cloud, fields)[rules.BAD_VARIABLE.code]


def test_logs_in_a_bucket_need_a_region(make: Any) -> None:
    """Databricks must be told it, and the job's target says it."""
    job = make.databricks({f"{V}log_destination": "s3://logs", ACCOUNT: PROFILE})
    assert "region" in make.codes(job)[rules.BAD_VARIABLE.code]


@pytest.mark.parametrize(
    ("cloud", "machine", "good"),
    [
        ("aws", "i3.xlarge", True),
        ("aws", "Standard_D4ds_v5", False),
        ("azure", "Standard_D4ds_v5", True),
        ("azure", "i3.xlarge", False),
        ("gcp", "n2-highmem-4", True),
        ("gcp", "m5d.large", False),
        ("gcp", "large", False),
    ],
)
def test_shapes_of_node_types(make: Any, cloud: str, machine: str, good: bool) -> None:
    """A type that does not look like one of the cloud's is a warning, and just one."""
    codes = refused(make, cloud, {f"{C}instance_type": machine})
    told = codes.keys() & {rules.SUSPICIOUS_SHAPE.code, rules.OTHER_CLOUD.code}
    assert len(told) == (not good)


def test_shapes_of_clusters(make: Any) -> None:
    """An id that does not look like one is a warning."""
    assert rules.SUSPICIOUS_SHAPE.code not in make.codes(make.databricks(EXISTING))
    other = make.databricks({f"{C}cluster_id": "j-2AXXXXXXGAPLF"})
    assert rules.SUSPICIOUS_SHAPE.code in make.codes(other)


@pytest.mark.parametrize(
    ("machine", "lacks"),
    [
        ("m5.xlarge", True),
        ("c6i.2xlarge", True),
        ("m7i-flex.large", True),
        ("m5d.xlarge", False),
        ("r6gd.xlarge", False),
        ("i3.xlarge", False),
        ("g4dn.xlarge", False),
    ],
)
def test_machines_without_a_disk(make: Any, machine: str, lacks: bool) -> None:
    """Databricks makes no cluster of them unless disks are asked for."""
    job = make.databricks({f"{C}instance_type": machine})
    assert (rules.NO_LOCAL_DISK.code in make.codes(job)) == lacks
    with_disks = make.databricks({f"{C}instance_type": machine, f"{V}ebs_volume_count": 1})
    assert rules.NO_LOCAL_DISK.code not in make.codes(with_disks)


def test_tags_that_databricks_keeps_for_itself(make: Any) -> None:
    """`Name` loses a cluster, which is an error; another of its own is renamed, a warning."""
    lost = make.databricks({"metadata.tags": {"Name": "x"}})
    assert rules.RESERVED_TAG.code in make.codes(lost)
    renamed = make.databricks({"metadata.tags": {"Creator": "x"}})
    assert rules.DATABRICKS_TAG.code in make.codes(renamed)
    assert not plan([renamed]).failed


@pytest.mark.parametrize(
    ("fields", "most"),
    [({}, 45), ({f"{V}enable_instance_pool": True}, 43), (JOB, 25)],
    ids=["cluster", "pool", "job"],
)
def test_how_many_tags(make: Any, fields: dict[str, Any], most: int) -> None:
    """A cluster, a pool and a job take different numbers, those of identity among them."""
    for number, too_many in ((most - 3, False), (most - 2, True)):
        tags = {f"tag{index}": "x" for index in range(number)}
        codes = make.codes(make.databricks({**fields, "metadata.tags": tags}))
        assert (rules.MANY_DATABRICKS_TAGS.code in codes) == too_many
