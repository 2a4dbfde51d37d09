"""Nothing in a job is dropped silently: each field and variable changes the plan, or is reported.

Every field of the block and every variable is set, in several kinds of jobs, and the plan with it
is compared with the plan without.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from dativo_infra.model import fields
from dativo_infra.planning import Plan, plan
from dativo_infra.platforms import PLATFORMS

if TYPE_CHECKING:
    from collections.abc import Iterator

V = "metadata.variables."
C = "runtime.compute."
A = f"{C}auto_scaling."

SMALLEST: dict[str, dict[str, Any]] = {
    "emr": {
        "provider": "pulumi",
        f"{C}instance_type": "m5.xlarge",
        "runtime.network.subnet_ids": ["subnet-0a1b2c3d"],
    },
    "kubernetes": {"provider": "pulumi", "runtime.namespace": "ingestion"},
    "fargate": {
        "provider": "pulumi",
        "runtime.network.subnet_ids": ["subnet-0a1b2c3d"],
        f"{V}image": "ghcr.io/acme/ingest:1",
    },
    "ecs": {
        "provider": "pulumi",
        f"{C}instance_type": "m5.large",
        "runtime.network.subnet_ids": ["subnet-0a1b2c3d"],
        f"{V}image": "ghcr.io/acme/ingest:1",
    },
    "databricks": {"provider": "pulumi", f"{C}instance_type": "i3.xlarge"},
    "spark": {"provider": "pulumi", "runtime.namespace": "ingestion"},
    "ray": {"provider": "pulumi", "runtime.namespace": "ingestion"},
    "dask": {"provider": "pulumi", "runtime.namespace": "ingestion"},
}
"""What each platform needs to build anything."""
BASES: dict[str, tuple[str, dict[str, Any]]] = {
    "emr": ("emr", {f"{A}min_instances": 2, f"{A}max_instances": 9, f"{C}instance_count": 3}),
    "emr scaled": (
        "emr",
        {
            f"{A}enabled": True,
            f"{A}min_instances": 2,
            f"{A}max_instances": 9,
            f"{C}instance_count": 3,
            f"{V}enable_spot_instances": True,
            f"{V}enable_encryption": True,
            f"{V}kms_key_alias": "alias/data",
            "runtime.network.subnet_ids": ["subnet-0a1b2c3d", "subnet-0a1b2c3e"],
        },
    ),
    "emr with a role and a log bucket": (
        "emr",
        {
            "runtime.service_account": "arn:aws:iam::123456789012:role/data/runner",
            f"{V}log_bucket": "logs",
        },
    ),
    "emr refers": ("emr", {f"{C}cluster_id": "j-2AXXXXXXGAPLF"}),
    "kubernetes": ("kubernetes", {}),
    "kubernetes secured": (
        "kubernetes",
        {
            f"{V}enable_network_policy": True,
            f"{V}enable_pod_security_policy": True,
            f"{V}state_volume_size": "5Gi",
            f"{V}schedule": "0 3 * * *",
            "runtime.service_account": "runner",
        },
    ),
    "kubernetes in default": (
        "kubernetes",
        {"runtime.namespace": "default", "runtime.service_account": "default"},
    ),
    "kubernetes with a claim": ("kubernetes", {"runtime.storage.volume_id": "state"}),
    "kubernetes with a disk": (
        "kubernetes",
        {"runtime.storage.volume_id": "vol-0a1b2c3d", "runtime.storage.mount_path": "/state"},
    ),
    "fargate": ("fargate", {f"{A}min_instances": 2, f"{A}max_instances": 9}),
    "fargate scaled": (
        "fargate",
        {
            f"{A}enabled": True,
            f"{A}min_instances": 2,
            f"{A}max_instances": 9,
            "runtime.storage.volume_id": "fs-0a1b2c3d4e5f60718",
        },
    ),
    "fargate task": ("fargate", {f"{V}run": "task"}),
    "fargate schedule": ("fargate", {f"{V}run": "schedule", f"{V}schedule": "0 3 * * *"}),
    "fargate with a role and a command": (
        "fargate",
        {
            "runtime.service_account": "arn:aws:iam::123456789012:role/data/runner",
            f"{V}command": ["validate"],
        },
    ),
    "fargate in a cluster": ("fargate", {f"{C}cluster_id": "shared"}),
    "fargate in a named cluster": ("fargate", {f"{V}cluster_name": "shared"}),
    "ecs": ("ecs", {f"{A}min_instances": 2, f"{A}max_instances": 9}),
    "ecs scaled": (
        "ecs",
        {f"{A}enabled": True, f"{A}min_instances": 2, f"{A}max_instances": 9},
    ),
    "ecs fixed": (
        "ecs",
        {f"{A}enabled": True, f"{A}min_instances": 2, f"{A}max_instances": 9, f"{V}tasks": 3},
    ),
    "ecs with a disk": ("ecs", {"runtime.storage.volume_id": "vol-0a1b2c3d"}),
    "ecs schedule": (
        "ecs",
        {
            f"{V}run": "schedule",
            f"{V}schedule": "0 3 * * *",
            f"{A}min_instances": 2,
            f"{A}max_instances": 9,
        },
    ),
    "ecs in a cluster": ("ecs", {f"{C}cluster_id": "shared"}),
    "ecs in a cluster, scaled": (
        "ecs",
        {
            f"{C}cluster_id": "shared",
            f"{A}enabled": True,
            f"{A}min_instances": 2,
            f"{A}max_instances": 9,
        },
    ),
    "ecs in a cluster, fixed": (
        "ecs",
        {
            f"{C}cluster_id": "shared",
            f"{A}enabled": True,
            f"{A}min_instances": 2,
            f"{A}max_instances": 9,
            f"{V}tasks": 2,
        },
    ),
    "ecs in a named cluster": ("ecs", {f"{V}cluster_name": "shared"}),
    "databricks": ("databricks", {f"{A}min_instances": 2, f"{A}max_instances": 9}),
    "databricks scaled": (
        "databricks",
        {
            f"{A}enabled": True,
            f"{A}min_instances": 2,
            f"{A}max_instances": 9,
            f"{V}enable_spot_instances": True,
            f"{V}ebs_volume_count": 3,
            f"{V}data_security_mode": "NONE",
        },
    ),
    "databricks pool": (
        "databricks",
        {f"{V}enable_instance_pool": True, f"{V}enable_spot_instances": True},
    ),
    "databricks in a pool": ("databricks", {f"{V}instance_pool_id": "pool"}),
    "databricks job": ("databricks", {f"{V}run": "schedule", f"{V}schedule": "0 3 * * *"}),
    "databricks job with an image": (
        "databricks",
        {f"{V}run": "schedule", f"{V}schedule": "0 3 * * *", f"{V}image": "runner:0"},
    ),
    "databricks job in a cluster": (
        "databricks",
        {
            f"{C}cluster_id": "0123-456789-abc123",
            f"{V}run": "schedule",
            f"{V}schedule": "0 3 * * *",
        },
    ),
    "databricks refers": ("databricks", {f"{C}cluster_id": "0123-456789-abc123"}),
    "spark": ("spark", {f"{A}min_instances": 2, f"{A}max_instances": 9}),
    "spark deployed": ("spark", {f"{V}run": "deploy", "runtime.storage.volume_id": "state"}),
    "spark refers": ("spark", {f"{C}cluster_id": "spark://shared.example:7077"}),
    "ray": ("ray", {f"{A}min_instances": 2, f"{A}max_instances": 9}),
    "ray scaled": (
        "ray",
        {
            f"{A}enabled": True,
            f"{A}min_instances": 2,
            f"{A}max_instances": 9,
            f"{V}enable_network_policy": True,
        },
    ),
    "ray refers": ("ray", {f"{C}cluster_id": "shared"}),
    "dask scaled": (
        "dask",
        {f"{A}enabled": True, f"{A}min_instances": 2, f"{A}max_instances": 9},
    ),
    "dask refers": ("dask", {f"{C}cluster_id": "shared"}),
}
"""Kinds of jobs, each with its platform and fields."""

FIELD_VALUES: dict[str, tuple[Any, Any]] = {
    "name": ("other", "another"),
    "former_names": (["old"], ["older", "old"]),
    "provider": ("cloudformation", "cloudformation"),
    "terraform.module_source": ("./modules/x", "./modules/y"),
    "terraform.module_version": ("v1", "v2"),
    "terraform.workspace": ("one", "two"),
    "terraform.backend_config": ({"bucket": "state"}, {"bucket": "other"}),
    "runtime.platform": ("kubernetes", "emr"),
    f"{C}cluster_id": ("j-1ABCDEFGHIJKL", "j-1ABCDEFGHIJKM"),
    f"{C}instance_type": ("r5.2xlarge", "r5.4xlarge"),
    f"{C}instance_count": (4, 5),
    f"{A}enabled": (True, False),
    f"{A}min_instances": (3, 1),
    f"{A}max_instances": (8, 7),
    "runtime.storage.bucket": ("lake", "sea"),
    "runtime.storage.volume_id": ("vol-0a1b2c3e", "other"),
    "runtime.storage.mount_path": ("/mnt/state", "/mnt/data"),
    "runtime.network.vpc_id": ("vpc-0a1b2c3d", "vpc-0a1b2c3e"),
    "runtime.network.subnet_ids": (["subnet-1a1b2c3d"], ["subnet-2a1b2c3d"]),
    "runtime.network.security_group_ids": (["sg-0a1b2c3d"], ["sg-0a1b2c3e"]),
    "runtime.namespace": ("other", "another"),
    "runtime.service_account": ("worker", "other"),
    "metadata.tags": ({"Owner": "data"}, {"Owner": "web"}),
    "metadata.labels": ({"tier": "data"}, {"tier": "web"}),
    "metadata.annotations": ({"note": "data"}, {"note": "web"}),
    "metadata.variables": ({"surprise": 1}, {"surprise": 2}),
    "resources.database.endpoint": ("db.example.com", "db2.example.com"),
    "resources.database.port": (5433, 5434),
    "resources.database.database_name": ("meta", "data"),
    "resources.database.instance_id": ("db-1", "db-2"),
    "resources.cache.endpoint": ("cache.example.com", "cache2.example.com"),
    "resources.cache.cluster_id": ("cache-1", "cache-2"),
    "resources.queue.url": ("kafka.example.com:9092", "kafka2.example.com:9092"),
    "resources.queue.arn": ("arn:aws:sqs:eu-west-1:123456789012:q", "arn:aws:sqs:::r"),
    "resources.secrets.secret_manager_arn": (
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:x",
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:y",
    ),
    "resources.secrets.kms_key_id": ("alias/secrets", "alias/others"),
    "outputs": ({}, {}),  # named after the platform's exports, in the test
}
"""Two values for each field; the first that the job does not have already is set."""

OFF_AWS = ("kubernetes", "spark", "ray", "dask", "databricks")
VARIABLE_VALUES: dict[str, tuple[Any, Any]] = {
    "release_label": ("emr-7.1.0", "emr-7.2.0"),
    "applications": (["Flink"], ["Hive"]),
    "master_instance_type": ("m5.large", "m5.2xlarge"),
    "spot_bid_price_percent": (80, 90),
    "log_bucket": ("my-logs", "your-logs"),
    "log_retention_days": (30, 31),
    "kms_key_alias": ("alias/one", "alias/two"),
    "idle_timeout_minutes": (30, 31),
    "protect": (False, True),
    "image": ("registry/runner:1", "registry/runner:2"),
    "run": ("schedule", "suspended"),
    "schedule": ("0 4 * * *", "0 5 * * *"),
    "egress_ports": ([9092], [9093]),
    "egress_cidrs": (["10.0.0.0/8"], ["10.1.0.0/16"]),
    "pod_security_level": ("baseline", "restricted"),
    "run_as_user": (2000, 2001),
    "storage_class": ("fast", "slow"),
    "resource_requests_memory": ("1Gi", "2Gi"),
    "resource_limits_memory": ("1Gi", "2Gi"),
    "volume_zone": ("eu-west-1a", "eu-west-1b"),
    "state_volume_size": ("3Gi", "4Gi"),
    "command": (["check"], ["run", "it"]),
    "runner_config": ("/app/configs/one.yaml", "/app/configs/two.yaml"),
    "cpu": (512, 2048),
    "memory": (3000, 4000),
    "cpu_architecture": ("arm64", "x86_64"),
    "cluster_name": ("one", "two"),
    "scaling_cpu_percent": (50, 60),
    "scaling_memory_percent": (50, 60),
    "ephemeral_storage": (50, 60),
    "tasks": (4, 5),
    "root_volume_size": (50, 60),
    "machine_image": ("ami-0a1b2c3d", "ami-1a1b2c3d"),
}
_EFS = ("fs-0a1b2c3d4e5f60719", "fs-1a1b2c3d4e5f60719")
_PRINCIPALS = ("somebody@acme.example", "8d23ae77-912e-4a19-81e4-b9c3f5cc9349")
PLATFORM_VALUES: dict[tuple[str, str], tuple[Any, Any]] = {
    ("databricks", "runtime.service_account"): _PRINCIPALS,
    ("databricks", f"{C}cluster_id"): ("0123-456789-abc123", "0123-456789-abc124"),
    ("databricks", f"{V}run"): ("task", "schedule"),
    ("databricks", f"{V}data_security_mode"): ("NONE", "SINGLE_USER"),
    ("fargate", "runtime.storage.volume_id"): _EFS,
    ("ecs", "runtime.storage.volume_id"): _EFS,
    ("fargate", f"{V}run"): ("task", "service"),
    ("ecs", f"{V}run"): ("task", "service"),
    ("fargate", f"{V}memory"): (4096, 8192),
    ("fargate", "runtime.platform"): ("ecs", "kubernetes"),
    ("spark", f"{C}cluster_id"): ("spark://one.example:7077", "sc://two.example:15002"),
    ("ray", f"{C}cluster_id"): ("one", "two"),
    ("dask", f"{C}cluster_id"): ("one", "two"),
}
"""Values for a field or variable that means another thing on one platform."""
CONTRADICTIONS = {
    (base, path)
    for base in ("ecs with a disk",)
    for path in (
        f"{C}cluster_id",
        f"{C}instance_count",
        f"{A}enabled",
        f"{V}cluster_name",
    )
} | {("spark deployed", f"{C}cluster_id"), ("spark deployed", "runtime.platform")}
"""What cannot be set in a kind of job: it is an error, so nothing is dropped."""
NEEDED: dict[str, dict[str, Any]] = {
    f"{V}run": {f"{V}schedule": "0 6 * * *"},
    f"{A}enabled": {f"{A}min_instances": 2, f"{A}max_instances": 9},
    "runtime.platform": {
        f"{C}instance_type": "m5.xlarge",
        "runtime.network.subnet_ids": ["subnet-0a1b2c3d"],
        "runtime.namespace": "ingestion",
    },
}
"""Fields without which another cannot be set; both plans have them."""


@dataclass(frozen=True)
class Case:
    """One field or variable, set in one kind of job."""

    base: str
    path: str
    values: tuple[Any, Any] = field(compare=False)

    def __str__(self) -> str:
        return f"{self.base}: {self.path}"


def _values_of(variable: Any) -> tuple[Any, Any]:
    if variable.examples:
        return variable.examples
    if variable.choices and variable.name not in VARIABLE_VALUES:
        return tuple(each for each in variable.choices if each != variable.default)[:2]
    if variable.name in VARIABLE_VALUES:
        return VARIABLE_VALUES[variable.name]
    if variable.type == "boolean":
        return True, False
    assert variable.name.startswith(("quota_", "resource_")), f"no values for {variable.name}"
    return "1", "2"


def _cases() -> Iterator[Case]:
    for base, (platform, _) in BASES.items():
        fields_and_variables = {
            **FIELD_VALUES,
            **{f"{V}{each.name}": _values_of(each) for each in PLATFORMS[platform].variables},
        }
        for path, values in fields_and_variables.items():
            yield Case(base, path, PLATFORM_VALUES.get((platform, path), values))


CASES = list(_cases())


def test_every_field_is_mutated() -> None:
    """A field that is added to the model is added here."""
    assert FIELD_VALUES.keys() == fields().keys()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_used_fields_change_the_plan_and_others_say_why(make: Any, case: Case) -> None:
    """A field that is set gives one entry; `used` changes what is built, `unused` does not."""
    platform, base = BASES[case.base]
    needed = {"runtime.platform": platform, **NEEDED.get(case.path, {})}
    context = {**SMALLEST[platform], **needed, **base}
    value = next(each for each in case.values if each != context.get(case.path))
    path = f"{case.path}.surprise" if case.path == "metadata.variables" else case.path
    if path == "outputs":
        value = {"a": f"output.{next(iter(PLATFORMS[platform].exports))}"}
    one = plan([make.job(context)])
    two = plan([make.job({**context, path: value})])
    refused = path == "provider" and platform in OFF_AWS
    if (case.base, path) in CONTRADICTIONS:
        assert two.failed
        return
    assert not one.failed
    assert refused or not two.failed, [str(each) for each in two.diagnostics]
    uses = [each for each in two.jobs[0].fields if _is_entry(each.path, case.path)]
    assert len(uses) == 1, uses
    (use,) = uses
    assert use.text.strip()
    changed = _result(one) != _result(two)
    if use.outcome == "used":
        assert changed, f"{use.path} is said to be used ({use.text}) and changes nothing"
    if use.outcome == "unused":
        assert not changed, f"{use.path} is said to be unused ({use.text}) and changes the plan"


def _result(planned: Plan) -> tuple[Any, ...]:
    """Return what a plan builds, and what it knows its one job by."""
    (job,) = planned.jobs
    return planned.units, job.owner, job.job.identity, job.outputs


def _is_entry(entry: str, path: str) -> bool:
    if path in {"metadata.variables", "outputs"}:
        return entry in {f"{path}.surprise", f"{path}.a"}
    return entry == path


@pytest.mark.parametrize("platform", SMALLEST)
@pytest.mark.parametrize("path", fields())
def test_platforms_say_what_becomes_of_every_field(platform: str, path: str) -> None:
    """The table of a platform that is built has an entry for each field of the block."""
    from dativo_infra.planning.report import choices

    uses = choices(path, PLATFORMS[platform])
    assert uses
    assert all(use.text.strip() for use in uses)
    assert uses[-1].when is None, "the last case holds for all jobs"


@pytest.mark.parametrize("platform", [each for each in PLATFORMS if PLATFORMS[each].fields])
def test_tables_name_only_fields_that_exist(platform: str) -> None:
    """No table keeps a field that the model has lost."""
    assert PLATFORMS[platform].fields.keys() <= fields().keys()
