"""What a job on Fargate becomes; most of it holds on ECS with machines too."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest
from jsonschema import Draft7Validator

from dativo_infra.diagnostics import rules
from dativo_infra.planning import plan
from dativo_infra.platforms.fargate import MEMORY
from dativo_infra.resources.ecs import EfsVolume, Mount
from dativo_infra.values import Parameter, Ref, parameters, show

V = "metadata.variables."
SCALING = {
    "runtime.compute.auto_scaling.enabled": True,
    "runtime.compute.auto_scaling.min_instances": 2,
    "runtime.compute.auto_scaling.max_instances": 9,
}
ROLE = "arn:aws:iam::123456789012:role/team/Runner"
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:acme/x"
SCHEDULE = {f"{V}run": "schedule", f"{V}schedule": "0 3 * * *"}


def allowed(role: Any) -> dict[str, list[str]]:
    """Return the actions of a role, each with what it is allowed on."""
    found: dict[str, list[str]] = {}
    for policy in role.policies.values():
        for statement in policy["Statement"]:
            for action in statement["Action"]:
                found.setdefault(action, []).extend(show(statement["Resource"]))
    return found


def diagnostic(job: Any, rule: Any) -> Any:
    """Return the one diagnostic of a rule in a job's plan."""
    [found] = [each for each in plan([job]).diagnostics if each.code == rule.code]
    return found


def test_smallest_service(make: Any) -> None:
    """A job with subnets alone is one task of the long-running runner in a cluster of its own."""
    made = make.resources(make.fargate())
    assert list(made) == [
        "cluster",
        "log-group",
        "execution-role",
        "task-role",
        "task-definition",
        "service",
    ]
    task, service = made["task-definition"], made["service"]
    assert task.container.command == (
        *("start", "orchestrated"),
        *("--runner-config", "/app/configs/runner.yaml"),
    )
    assert (task.cpu, task.memory, task.launch_type, task.architecture) == (
        *(1024, 2048),
        *("FARGATE", "X86_64"),
    )
    assert (service.desired_count, service.launch_type) == (1, "FARGATE")
    assert service.cluster == Ref("cluster", "name")
    assert service.subnet_ids == ("subnet-0a1b2c3d",)
    assert made["cluster"].name is None
    assert made["log-group"].lifecycle.retain


def test_runner_is_never_there_twice(make: Any) -> None:
    """The old runner ends before a new one starts; a command of the job's own may overlap."""
    service = make.resources(make.fargate())["service"]
    assert (service.minimum_healthy_percent, service.maximum_percent) == (0, 100)
    service = make.resources(make.fargate({f"{V}command": ["serve"]}))["service"]
    assert (service.minimum_healthy_percent, service.maximum_percent) == (100, 200)


def test_several_runners_are_a_warning(make: Any) -> None:
    """More than one task of the long-running runner starts each job more than once."""
    count = {"runtime.compute.instance_count": 2}
    assert rules.SEVERAL_RUNNERS.code in make.codes(make.fargate(count))
    assert rules.SEVERAL_RUNNERS.code in make.codes(make.fargate(SCALING))
    for fields in ({f"{V}command": ["serve"]}, {f"{V}run": "task"}):
        assert rules.SEVERAL_RUNNERS.code not in make.codes(make.fargate({**count, **fields}))


def test_task_to_be_started_by_others(make: Any) -> None:
    """With `run: task` there is a task definition that runs the job once, and no service."""
    job = make.fargate({f"{V}run": "task", "runtime.network.subnet_ids": None})
    made = make.resources(job)
    assert "service" not in made
    assert made["task-definition"].container.command == (
        *("run", "--config", "/app/jobs/acme/orders.yaml"),
        *("--mode", "self_hosted"),
    )
    assert any("aws ecs run-task" in note for note in make.plan(job).jobs[0].notes)


def test_schedule(make: Any) -> None:
    """With `run: schedule` EventBridge Scheduler starts a task with its definition's tags."""
    made = make.resources(make.fargate({**SCHEDULE, "metadata.tags": {"Owner": "me"}}))
    schedule, role = made["schedule"], made["scheduler-role"]
    assert schedule.expression == "cron(0 3 * * ? *)"
    assert made["task-definition"].tags["Owner"] == "me"
    assert schedule.cluster == Ref("cluster", "arn")
    assert "service" not in made
    assert allowed(role) == {
        "ecs:RunTask": ["<task-definition.arn>"],
        "ecs:TagResource": [
            "arn:<partition>:ecs:<region>:<account_id>:task/<cluster.name>/*",
        ],
        "iam:PassRole": ["<execution-role.arn>", "<task-role.arn>"],
    }


def test_schedule_is_needed_and_must_be_one(make: Any) -> None:
    """A schedule that is missing, or that EventBridge cannot say, is an error."""
    assert rules.SCHEDULE_MISSING.code in make.codes(make.fargate({f"{V}run": "schedule"}))
    both = make.fargate({**SCHEDULE, f"{V}schedule": "0 3 1 * 1"})
    assert "takes one alone" in make.codes(both)[rules.BAD_VARIABLE.code]


def test_all_errors_at_once(make: Any) -> None:
    """What cannot be built is said together with what is wrong by itself."""
    job = make.fargate(
        {
            "runtime.network.subnet_ids": None,
            "runtime.storage.volume_id": "vol-0a1b2c3d",
            f"{V}run": "schedule",
            f"{V}schedule": "61 * * * *",
            f"{V}cpu": 300,
            f"{V}log_retention_days": 31,
        }
    )
    found = [each.message for each in plan([job]).diagnostics if each.severity == "error"]
    for words in ("needs `runtime.network", "disk of EBS", "`61`", "cpu 300", "31 days"):
        assert [each for each in found if words in each], words
    assert rules.SCHEDULE_MISSING.code not in make.codes(job)


def test_scaling(make: Any) -> None:
    """The autoscaler owns the number of tasks, between the job's limits, by CPU and memory."""
    fields = {**SCALING, f"{V}scaling_cpu_percent": 55}
    made = make.resources(make.fargate(fields))
    assert made["service"].desired_count is None
    target = made["scaling-target"]
    assert (target.minimum, target.maximum) == (2, 9)
    assert target.service == Ref("service", "name")
    policies = {key: made[key].target_percent for key in ("cpu-scaling", "memory-scaling")}
    assert policies == {"cpu-scaling": 55, "memory-scaling": 80}
    assert made["cpu-scaling"].after == ("scaling-target",)


@pytest.mark.parametrize("fields", [{f"{V}run": "task"}, SCHEDULE], ids=["task", "schedule"])
def test_only_a_service_is_scaled(make: Any, fields: dict[str, Any]) -> None:
    """A task that runs once is not scaled, whatever the job says."""
    assert "scaling-target" not in make.resources(make.fargate({**SCALING, **fields}))


@pytest.mark.parametrize(
    ("cpu", "memory", "nearest"),
    [
        (1000, 1000, "cpu: 1024 and memory: 2048"),
        (256, 4096, "cpu: 512 and memory: 4096"),
        (1024, 1024, "cpu: 1024 and memory: 2048"),
        (8192, 17000, "cpu: 8192 and memory: 20480"),
        (300, 600, "cpu: 512 and memory: 1024"),
        (99999, 128, "cpu: 32768 and memory: 249856"),
    ],
)
def test_amounts_that_fargate_lacks(make: Any, cpu: int, memory: int, nearest: str) -> None:
    """An amount of CPU and memory that Fargate lacks is an error that names the nearest."""
    job = make.fargate({f"{V}cpu": cpu, f"{V}memory": memory})
    assert nearest in diagnostic(job, rules.BAD_VARIABLE).remedy


def test_amounts_are_those_that_cfn_lint_knows() -> None:
    """The table of amounts is the one that cfn-lint has, from AWS's own page."""
    path = "data/schemas/extensions/aws_ecs_taskdefinition/fargate_cpu_memory.json"
    schema = json.loads((files("cfnlint") / path).read_text())
    accepted = {
        int(pair["properties"]["Cpu"]["then"]["enum"][0]): tuple(
            memory
            for memory in range(512, 300_000, 512)
            if Draft7Validator(pair["properties"]["Memory"]["then"]).is_valid(memory)
        )
        for pair in schema["then"]["anyOf"]
    }
    assert accepted == MEMORY


@pytest.mark.parametrize(("days", "nearest"), [(100, "90"), (6, "7"), (4, "5"), (99999, "3653")])
def test_retention_that_logs_lack(make: Any, days: int, nearest: str) -> None:
    """Days that CloudWatch Logs cannot keep logs for are an error that names the nearest."""
    job = make.fargate({f"{V}log_retention_days": days})
    assert diagnostic(job, rules.BAD_VARIABLE).remedy.endswith(f" {nearest}.")


@pytest.mark.parametrize(
    ("given", "name", "arn"),
    [
        ("shared", "shared", "arn:<partition>:ecs:<region>:<account_id>:cluster/shared"),
        (
            "arn:aws:ecs:us-east-1:123456789012:cluster/shared",
            "shared",
            "arn:aws:ecs:us-east-1:123456789012:cluster/shared",
        ),
        ("${CLUSTER}", "split(${CLUSTER}, '/')[-1]", "${CLUSTER}"),
    ],
)
def test_cluster_that_exists(make: Any, given: str, name: str, arn: str) -> None:
    """A cluster given by name or ARN is used, and none is built."""
    job = make.fargate({**SCHEDULE, "runtime.compute.cluster_id": given})
    made = make.resources(job)
    assert "cluster" not in made
    exports = make.plan(job).jobs[0].exports
    assert (show(exports["ecs_cluster_name"]), show(exports["ecs_cluster_arn"])) == (name, arn)
    assert show(made["schedule"].cluster) == arn


def test_cluster_that_is_none(make: Any) -> None:
    """What cannot stand in a policy as a cluster's name is an error."""
    job = make.fargate({"runtime.compute.cluster_id": "my cluster/*"})
    assert rules.BAD_NAME.code in make.codes(job)


def test_named_cluster_is_shared(make: Any) -> None:
    """Jobs that name one cluster share it; it is a unit of its own, which they refer to by name."""
    named = {f"{V}cluster_name": "data", f"{V}run": "task"}
    jobs = [
        make.fargate(named, name="jobs/one.yaml"),
        make.fargate({**named, f"{V}enable_spot_instances": True}, name="jobs/two.yaml"),
    ]
    made = make.shared("EcsCluster", *jobs)
    assert made["cluster"].name == "data"
    assert make.resources(*jobs)["task-definition"]
    assert "cluster" not in make.resources(*jobs)
    other = make.fargate({**named, f"{V}container_insights": True}, name="jobs/three.yaml")
    assert rules.SHARED_DISAGREES.code in make.codes(*jobs, other)


def test_spot_market(make: Any) -> None:
    """Tasks on the spot market ask for its capacity provider, which the cluster must have."""
    fields = {f"{V}enable_spot_instances": True}
    made = make.resources(make.fargate(fields))
    assert made["service"].launch_type is None
    assert made["service"].capacity_providers == ("FARGATE_SPOT",)
    assert made["service"].after == ("capacity-providers",)
    assert made["capacity-providers"].providers == ("FARGATE", "FARGATE_SPOT")
    job = make.fargate({**fields, **SCHEDULE, f"{V}cluster_name": "data"})
    assert make.shared("EcsCluster", job)["capacity-providers"].default_providers == ()
    assert make.resources(job)["schedule"].capacity_providers == ("FARGATE_SPOT",)


def test_scheduled_spot_tasks_have_no_public_address(make: Any) -> None:
    """EventBridge Scheduler gives a public address to the launch type Fargate alone."""
    both = {f"{V}enable_spot_instances": True, f"{V}assign_public_ip": True}
    assert rules.BAD_VARIABLE.code in make.codes(make.fargate({**SCHEDULE, **both}))
    assert rules.BAD_VARIABLE.code not in make.codes(make.fargate(both))


def test_what_exists_reaches_the_container(make: Any) -> None:
    """Database, cache, queue, bucket and secret manager are told by environment variables."""
    job = make.fargate(
        {
            "runtime.storage.bucket": "lake",
            "resources.database.endpoint": "db.example",
            "resources.database.port": 5432,
            "resources.cache.endpoint": "cache.example:6379",
            "resources.queue.url": "https://sqs.us-east-1.amazonaws.com/1/q",
            "resources.secrets.secret_manager_arn": SECRET,
        }
    )
    environment = make.resources(job)["task-definition"].container.environment
    config = environment.pop("DATIVO_SECRET_MANAGER_CONFIG")
    assert json.loads(config)["bundle_secret_id_template"] == SECRET
    assert show(environment) == {
        "AWS_REGION": "<region>",
        "DATABASE_HOST": "db.example",
        "DATABASE_PORT": "5432",
        "CACHE_ENDPOINT": "cache.example:6379",
        "QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/1/q",
        "S3_BUCKET": "lake",
        "PGHOST": "db.example",
        "PGPORT": "5432",
        "DATIVO_SECRET_MANAGER": "aws",
    }


def test_secret_is_never_plain(make: Any) -> None:
    """A value with a secret is a secret of Secrets Manager, which ECS alone reads at the start."""
    job = make.fargate(
        {"resources.cache.endpoint": "rediss://:${REDIS_PASSWORD}@cache:6379"},
        environment={"REDIS_PASSWORD": "hunter2"},
    )
    made = make.resources(job)
    container = made["task-definition"].container
    assert container.secrets == {"CACHE_ENDPOINT": Ref("secret-cache-endpoint", "arn")}
    assert "CACHE_ENDPOINT" not in container.environment
    assert list(parameters(made["secret-cache-endpoint"].value)) == [
        Parameter("REDIS_PASSWORD", "secret")
    ]
    place = job.locate("resources.cache.endpoint")
    assert made["secret-cache-endpoint"].origin == place
    rights = allowed(made["execution-role"])
    assert rights["secretsmanager:GetSecretValue"] == ["<secret-cache-endpoint.arn>"]
    assert "hunter2" not in str(made)


def test_rights_of_the_task(make: Any) -> None:
    """The task role may use exactly what the job names."""
    job = make.fargate(
        {
            "runtime.storage.bucket": "lake",
            "resources.secrets.secret_manager_arn": SECRET,
            "resources.secrets.kms_key_id": "alias/x",
            "resources.queue.arn": "arn:aws:sqs:us-east-1:123456789012:q",
        }
    )
    rights = allowed(make.resources(job)["task-role"])
    assert rights["secretsmanager:GetSecretValue"] == [SECRET, f"{SECRET}-??????"]
    assert rights["sqs:ReceiveMessage"] == ["arn:aws:sqs:us-east-1:123456789012:q"]
    assert rights["s3:PutObject"] == ["arn:<partition>:s3:::lake/*"]
    assert rights["kms:Decrypt"] == ["arn:<partition>:kms:<region>:<account_id>:key/*"]


def test_role_that_is_given(make: Any) -> None:
    """A role that is given is the tasks' role; nothing is added to it, and the plan says what."""
    job = make.fargate({"runtime.service_account": ROLE, "runtime.storage.bucket": "lake"})
    made = make.resources(job)
    assert "task-role" not in made
    assert made["task-definition"].task_role == ROLE
    notes = "\n".join(make.plan(job).jobs[0].notes)
    assert "must trust ecs-tasks.amazonaws.com" in notes
    assert "must allow s3:" in notes


@pytest.mark.parametrize(
    ("image", "repository"),
    [
        ("ghcr.io/acme/ingest:1", None),
        (
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com/data/ingest:1.2",
            "arn:<partition>:ecr:eu-west-1:123456789012:repository/data/ingest",
        ),
        (
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com/ingest@sha256:0a1b",
            "arn:<partition>:ecr:eu-west-1:123456789012:repository/ingest",
        ),
        (
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com/ingest:${TAG}",
            "arn:<partition>:ecr:eu-west-1:123456789012:repository/ingest",
        ),
        (
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com/ingest",
            "arn:<partition>:ecr:eu-west-1:123456789012:repository/ingest",
        ),
    ],
)
def test_right_to_pull_the_image(make: Any, image: str, repository: str | None) -> None:
    """ECS may pull from the image's repository of ECR alone; other registries need no right."""
    rights = allowed(make.resources(make.fargate({f"{V}image": image}))["execution-role"])
    assert rights.get("ecr:BatchGetImage") == (repository and [repository])
    assert rights["logs:PutLogEvents"] == [
        "arn:<partition>:logs:<region>:<account_id>:log-group:<log-group.name>:*"
    ]


@pytest.mark.parametrize("image", ["${IMAGE}", "ghcr.io/${NAME}", "${REGISTRY}/ingest:1", "a b"])
def test_repository_must_be_known(make: Any, image: str) -> None:
    """Only an image's tag may be known late, since its repository stands in a policy."""
    assert rules.BAD_VARIABLE.code in make.codes(make.fargate({f"{V}image": image}))


@pytest.mark.parametrize(
    ("volume", "access"),
    [("fs-0a1b2c3d", None), ("fs-0a1b2c3d::fsap-0a1b2c3d", "fsap-0a1b2c3d")],
)
def test_file_system(make: Any, volume: str, access: str | None) -> None:
    """A file system is mounted where the job says, holds its state, and may be written to."""
    job = make.fargate(
        {"runtime.storage.volume_id": volume, "runtime.storage.mount_path": "/var/state"}
    )
    made = make.resources(job)
    task = made["task-definition"]
    assert task.volumes == (
        EfsVolume(name="state", file_system_id="fs-0a1b2c3d", access_point_id=access),
    )
    assert task.container.mounts == (Mount(volume="state", path="/var/state"),)
    assert task.container.environment["STATE_DIR"] == "/var/state"
    rights = allowed(made["task-role"])
    system = "arn:<partition>:elasticfilesystem:<region>:<account_id>:file-system/fs-0a1b2c3d"
    assert rights["elasticfilesystem:ClientWrite"] == [system]
    # An access point says who owns the files, so no task needs to be root.
    assert ("elasticfilesystem:ClientRootAccess" in rights) is (access is None)


@pytest.mark.parametrize("volume", ["vol-0a1b2c3d", "pvc-1", "fs-xyz", "snap-0a1b2c3d"])
def test_volume_that_fargate_cannot_mount(make: Any, volume: str) -> None:
    """A disk of EBS, and what is no volume, is an error: state would be lost without a word."""
    job = make.fargate({"runtime.storage.volume_id": volume})
    assert rules.BAD_NAME.code in make.codes(job)


def test_state_that_is_lost(make: Any) -> None:
    """An incremental job without a volume is a warning."""
    source = {"incremental": {"strategy": "updated_at"}}
    assert rules.STATE_LOST.code in make.codes(make.fargate(source=source))
    volume = {"runtime.storage.volume_id": "fs-0a1b2c3d"}
    assert rules.STATE_LOST.code not in make.codes(make.fargate(volume, source=source))


@pytest.mark.parametrize("path", ["state", "/", "/a/../b", "/a:b"])
def test_mount_path_that_is_none(make: Any, path: str) -> None:
    """A path that a container cannot have a volume at is an error."""
    assert rules.BAD_NAME.code in make.codes(make.fargate({"runtime.storage.mount_path": path}))


@pytest.mark.parametrize(
    ("run", "output", "good"),
    [
        ({}, "ecs_service_name", True),
        ({f"{V}run": "task"}, "ecs_service_name", False),
        (SCHEDULE, "ecs_schedule_arn", True),
        ({}, "ecs_schedule_arn", False),
        ({f"{V}run": "task"}, "ecs_task_definition_arn", True),
    ],
)
def test_outputs_of_each_kind_of_run(
    make: Any, run: dict[str, Any], output: str, *, good: bool
) -> None:
    """An expected output that the kind of run does not have is an error."""
    job = make.fargate({**run, "outputs": {"wanted": f"output.{output}"}})
    assert (rules.UNKNOWN_OUTPUT.code not in make.codes(job)) is good
    if good:
        assert make.plan(job).jobs[0].outputs["wanted"] is not None


def test_jobs_that_share_a_name(make: Any) -> None:
    """Jobs of one name share one service; as tasks they cannot, as each task runs one job."""
    named = {"name": "shared"}
    one, two = (
        make.fargate(named, name=f"jobs/{name}.yaml", target={"warehouse": f"s3://{name}-lake/w"})
        for name in ("one", "two")
    )
    rights = allowed(make.resources(one, two)["task-role"])
    assert len(rights["s3:PutObject"]) == 2
    task = {**named, f"{V}run": "task"}
    jobs = [make.fargate(task, name=f"jobs/{name}.yaml") for name in ("one", "two")]
    assert rules.UNIT_DISAGREES.code in make.codes(*jobs)


def test_names_stay_those_of_the_first_name(make: Any) -> None:
    """A renamed job keeps its family, whose revisions go on."""
    job = make.fargate({"former_names": ["older"]})
    assert make.resources(job)["task-definition"].family == "acme-prod-older"
    assert make.plan(job).jobs[0].exports["ecs_task_family"] == "acme-prod-older"


def test_role_by_name(make: Any) -> None:
    """A role given by its name is one of the target's account."""
    made = make.resources(make.fargate({"runtime.service_account": "Runner"}))
    role = show(made["task-definition"].task_role)
    assert role == "arn:<partition>:iam::<account_id>:role/Runner"
