"""What a job on ECS with machines becomes."""

from __future__ import annotations

import shutil
import subprocess
from typing import Any

import pytest

from dativo_infra.diagnostics import rules
from dativo_infra.planning import plan
from dativo_infra.platforms.tasks.cluster import architecture_of
from dativo_infra.resources.ecs import HostVolume
from dativo_infra.values import Ref, show

V = "metadata.variables."
C = "runtime.compute."
SCALING = {
    f"{C}auto_scaling.enabled": True,
    f"{C}auto_scaling.min_instances": 2,
    f"{C}auto_scaling.max_instances": 9,
}
DISK = {"runtime.storage.volume_id": "vol-0a1b2c3d"}


def test_smallest_cluster(make: Any) -> None:
    """A job with a machine type and subnets has a cluster with one machine, and one task on it."""
    made = make.resources(make.ecs())
    assert list(made) == [
        "cluster",
        "machine-role",
        "machine-profile",
        "launch-template",
        "machines",
        "capacity-provider",
        "capacity-providers",
        "log-group",
        "execution-role",
        "task-role",
        "task-definition",
        "service",
    ]
    assert (made["machines"].minimum, made["machines"].maximum) == (1, 1)
    assert not made["capacity-provider"].managed_scaling
    assert made["capacity-providers"].default_providers == (Ref("capacity-provider", "name"),)
    service = made["service"]
    provider = (Ref("capacity-provider", "name"),)
    assert (service.launch_type, service.capacity_providers) == (None, provider)
    assert service.after == ("capacity-providers",)
    assert not service.assign_public_ip
    assert made["task-definition"].launch_type == "EC2"


@pytest.mark.parametrize(
    ("fields", "machines", "tasks"),
    [
        ({f"{C}instance_count": 3}, (3, 3), 3),
        ({f"{C}instance_count": 3, f"{V}tasks": 1}, (3, 3), 1),
        (SCALING, (2, 9), None),
        ({**SCALING, f"{V}tasks": 4}, (2, 9), 4),
    ],
    ids=["count", "count and tasks", "scaled", "scaled with a fixed number of tasks"],
)
def test_counts(
    make: Any, fields: dict[str, Any], machines: tuple[int, int], tasks: int | None
) -> None:
    """The count is that of machines, with a task for each unless the job says how many."""
    made = make.resources(make.ecs(fields))
    assert (made["machines"].minimum, made["machines"].maximum) == machines
    assert made["service"].desired_count == tasks
    assert ("scaling-target" in made) is (tasks is None)
    assert made["capacity-provider"].managed_scaling is (fields.keys() >= SCALING.keys())


def test_tags_reach_the_machines(make: Any) -> None:
    """Machines carry the job's tags, and the group the one by which ECS knows it."""
    made = make.resources(make.ecs({"metadata.tags": {"Owner": "me"}}))
    assert made["launch-template"].tags["Owner"] == "me"
    assert made["machines"].tags["Owner"] == "me"
    assert made["machines"].tags["AmazonECSManaged"] == "true"


def test_empty_tag(make: Any) -> None:
    """A tag without a value is on everything but the capacity provider, whose type refuses it."""
    made = make.resources(make.ecs({"metadata.tags": {"Note": ""}}))
    without = [
        key for key, each in made.items() if "Note" not in getattr(each, "tags", {"Note": ""})
    ]
    assert without == ["capacity-provider"]


def test_image_of_the_machines(make: Any) -> None:
    """ECS's recommended image is looked up at each start, by the machine type's processor."""
    paths = {
        kind: make.resources(make.ecs({f"{C}instance_type": kind}))["launch-template"].image
        for kind in ("m5.large", "m7g.large")
    }
    assert paths["m5.large"].endswith("/amazon-linux-2023/recommended/image_id")
    assert paths["m7g.large"].endswith("/amazon-linux-2023/arm64/recommended/image_id")
    given = make.resources(make.ecs({f"{V}machine_image": "ami-0a1b2c3d"}))
    assert given["launch-template"].image == "ami-0a1b2c3d"
    late = make.ecs({f"{C}instance_type": "${MACHINE}", f"{V}cpu_architecture": "arm64"})
    assert make.resources(late)["task-definition"].architecture == "ARM64"


@pytest.mark.parametrize(
    ("kind", "architecture"),
    [
        ("m5.large", "X86_64"),
        ("g5.xlarge", "X86_64"),
        ("g4dn.xlarge", "X86_64"),
        ("m7i-flex.large", "X86_64"),
        ("trn1.2xlarge", "X86_64"),
        ("u-6tb1.metal", "X86_64"),
        ("a1.large", "ARM64"),
        ("t4g.small", "ARM64"),
        ("c6gn.large", "ARM64"),
        ("g5g.xlarge", "ARM64"),
        ("im4gn.large", "ARM64"),
        ("hpc7g.4xlarge", "ARM64"),
    ],
)
def test_processor_of_a_machine_type(kind: str, architecture: str) -> None:
    """Graviton machines are told by their name."""
    assert architecture_of(kind) == architecture


def test_agent_has_rights_on_its_cluster_alone(make: Any) -> None:
    """A machine may register with its own cluster, and has nothing of the job's rights."""
    job = make.ecs({"runtime.storage.bucket": "lake"})
    [policy] = make.resources(job)["machine-role"].policies.values()
    resources = {place for each in policy["Statement"] for place in show(each["Resource"])}
    assert resources == {
        "*",
        "<cluster.arn>",
        "arn:<partition>:ecs:<region>:<account_id>:container-instance/<cluster.name>/*",
    }
    wide = [each["Action"] for each in policy["Statement"] if "*" in each["Resource"]]
    assert wide == [["ecs:DiscoverPollEndpoint"]]


def test_disk(make: Any) -> None:
    """A disk of EBS is attached by the one machine when it starts, and mounted in the task."""
    made = make.resources(make.ecs({**DISK, "metadata.tags": {"Owner": "me"}}))
    task = made["task-definition"]
    assert task.volumes == (HostVolume(name="state", path="/mnt/state"),)
    assert task.container.environment["STATE_DIR"] == "/state"
    script = show(made["launch-template"].user_data)
    assert "--volume-id vol-0a1b2c3d" in script
    device = "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0a1b2c3d"
    assert f'echo "{device} /mnt/state auto defaults,nofail 0 2" >> /etc/fstab' in script
    # Also after a restart, when this script does not run, the agent waits for the mount.
    assert "RequiresMountsFor=/mnt/state" in script
    attach = [
        each
        for each in made["machine-role"].policies["agent"]["Statement"]
        if each["Action"] == ["ec2:AttachVolume"]
    ]
    on_volume, on_machines = attach
    assert show(on_volume["Resource"])[0].endswith(":volume/vol-0a1b2c3d")
    assert on_machines["Condition"]["StringEquals"]["aws:ResourceTag/Owner"] == "me"


@pytest.mark.parametrize("fields", [{}, DISK, {f"{V}enable_spot_instances": True}])
def test_script_of_a_machine_is_one_of_bash(make: Any, fields: dict[str, Any]) -> None:
    """Bash can read the script that a machine runs at its first start."""
    script = show(make.resources(make.ecs(fields))["launch-template"].user_data)
    assert script.startswith("#!/bin/bash\n")
    assert "ECS_CLUSTER=<cluster.name>\n" in script
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not here")
    subprocess.run([bash, "-n"], input=script, text=True, check=True)  # noqa: S603 - our own


@pytest.mark.parametrize(
    "fields",
    [
        {f"{C}instance_count": 2},
        SCALING,
        {"runtime.network.subnet_ids": ["subnet-0a1b2c3d", "subnet-1a1b2c3d"]},
        {"runtime.network.subnet_ids": "${SUBNETS}"},
        {f"{C}cluster_id": "shared"},
        {f"{V}cluster_name": "shared"},
    ],
    ids=["two machines", "scaled", "two subnets", "late subnets", "existing", "shared"],
)
def test_disk_needs_one_machine_of_the_jobs_own(make: Any, fields: dict[str, Any]) -> None:
    """A disk of EBS can be at one machine, in one zone, so other jobs are refused."""
    assert rules.BAD_NAME.code in make.codes(make.ecs({**DISK, **fields}))


@pytest.mark.parametrize(("kind", "good"), [("m4.large", False), ("t3.small", True)])
def test_disk_needs_a_machine_of_the_nitro_system(make: Any, kind: str, *, good: bool) -> None:
    """Older machines show a disk by another name, under which it would never be found."""
    codes = make.codes(make.ecs({**DISK, f"{C}instance_type": kind}))
    assert (rules.BAD_NAME.code not in codes) is good


def test_cluster_that_exists(make: Any) -> None:
    """In a cluster that exists only the job's own is built; its machines are not ours."""
    fields = {f"{C}cluster_id": "shared", f"{C}instance_type": None, f"{C}instance_count": 2}
    made = make.resources(make.ecs(fields))
    assert next(iter(made)) == "log-group"
    assert made["service"].cluster == "shared"
    # The cluster's default capacity providers place the tasks.
    assert (made["service"].launch_type, made["service"].capacity_providers) == (None, ())
    assert made["service"].desired_count == 2
    scaled = make.resources(make.ecs({**fields, **SCALING, f"{C}instance_count": None}))
    assert scaled["scaling-target"].cluster == "shared"


def test_named_cluster_has_the_machines(make: Any) -> None:
    """Jobs that name one cluster share its machines, and must agree about them."""
    named = {f"{V}cluster_name": "data", f"{V}run": "task"}
    jobs = [make.ecs(named, name=f"jobs/{name}.yaml") for name in ("one", "two")]
    made = make.shared("EcsCluster", *jobs)
    assert made["cluster"].name == "data"
    assert made["launch-template"].instance_type == "m5.large"
    assert "machines" not in make.resources(*jobs)
    other = make.ecs({**named, f"{C}instance_type": "m5.xlarge"}, name="jobs/three.yaml")
    assert rules.SHARED_DISAGREES.code in make.codes(*jobs, other)


def test_named_cluster_serves_both_platforms(make: Any) -> None:
    """Jobs on Fargate may name a cluster that others bring machines for."""
    named = {f"{V}cluster_name": "data", f"{V}run": "task"}
    spot = {f"{V}enable_spot_instances": True, f"{V}run": "schedule", f"{V}schedule": "@daily"}
    jobs = [
        make.fargate({**named, **spot}, name="jobs/a.yaml"),
        make.ecs(named, name="jobs/b.yaml"),
    ]
    capacity = make.shared("EcsCluster", *jobs)["capacity-providers"]
    assert capacity.providers == (Ref("capacity-provider", "name"), "FARGATE", "FARGATE_SPOT")
    assert capacity.default_providers == (Ref("capacity-provider", "name"),)


@pytest.mark.parametrize(
    ("fields", "missing"),
    [
        ({f"{C}instance_type": None}, "instance_type"),
        ({"runtime.network.subnet_ids": None, f"{V}run": "task"}, "subnet_ids"),
        ({f"{C}auto_scaling.enabled": True}, "max_instances"),
    ],
)
def test_what_machines_need(make: Any, fields: dict[str, Any], missing: str) -> None:
    """Machines need a type, subnets, and limits where they are scaled, whatever runs on them."""
    found = [str(each) for each in plan([make.ecs(fields)]).diagnostics]
    assert any(rules.PLATFORM_NEEDS.code in each and missing in each for each in found)
