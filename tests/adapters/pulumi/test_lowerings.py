"""From neutral resources to Pulumi's."""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import replace
from typing import Any

import pytest

from dativo_infra.adapters.pulumi.lowerings import LOWERINGS, REFUSALS
from dativo_infra.adapters.pulumi.lowerings.kubernetes import known_class
from dativo_infra.adapters.pulumi.typed import PropertyError
from dativo_infra.adapters.pulumi.values import ATTRIBUTES, NUMBERS
from dativo_infra.names import Identity
from dativo_infra.resources import Lifecycle, Resource
from dativo_infra.resources.application_autoscaling import ScalableTarget, ScalingPolicy
from dativo_infra.resources.autoscaling import AutoScalingGroup
from dativo_infra.resources.databricks import (
    AwsAttributes,
    ClusterSpec,
    DatabricksCluster,
    DatabricksInstancePool,
    DatabricksJob,
    WheelTask,
)
from dativo_infra.resources.ec2 import LaunchTemplate
from dativo_infra.resources.ecs import (
    Container,
    EcsCapacityProvider,
    EcsCluster,
    EcsClusterCapacityProviders,
    EcsService,
    EcsTaskDefinition,
    EfsVolume,
    HostVolume,
    Mount,
)
from dativo_infra.resources.emr import (
    EmrCluster,
    EmrSecurityConfiguration,
    InstanceFleet,
    InstanceGroup,
    ManagedScaling,
)
from dativo_infra.resources.iam import IamInstanceProfile, IamRole
from dativo_infra.resources.kinds import KINDS, is_taggable
from dativo_infra.resources.kubernetes import KubernetesObject
from dativo_infra.resources.logs import LogGroup
from dativo_infra.resources.s3 import S3Bucket
from dativo_infra.resources.scheduler import Schedule
from dativo_infra.resources.secretsmanager import SecretsManagerSecret
from dativo_infra.testing import Recording, Registration, Secret
from dativo_infra.values import Parameter, Pseudo, Ref, concat

TAGS = {"CostCenter": "data", "Owner": "team"}
TRUST = {"Version": "2012-10-17", "Statement": []}
CLUSTER = EmrCluster(
    key="cluster",
    name="acme-prod-orders",
    release_label="emr-7.10.0",
    applications=("Hadoop", "Spark"),
    service_role="arn:aws:iam::123456789012:role/service",
    instance_profile="machines",
    subnet_ids=("subnet-1",),
    primary=InstanceGroup(instance_type="m5.xlarge", instance_count=1),
    core=InstanceGroup(instance_type="m5.2xlarge", instance_count=3),
    log_uri="s3://logs/",
    tags=TAGS,
)
FLEETS = replace(
    CLUSTER,
    subnet_ids=("subnet-1", "subnet-2"),
    primary=InstanceFleet(instance_type="m5.xlarge", target_on_demand=1),
    core=InstanceFleet(instance_type="m5.2xlarge", target_spot=4, spot_bid_percent=80),
)
ROLE = IamRole(key="role", description="a role", assume_role_policy=TRUST, tags=TAGS)
PROFILE = IamInstanceProfile(key="profile", role=Ref("role", "name"), tags=TAGS)
BUCKET = S3Bucket(key="logs", tags=TAGS)
ENCRYPTION = EmrSecurityConfiguration(
    key="encryption", configuration={"EncryptionConfiguration": {}}
)
OBJECT = KubernetesObject(key="settings", api_version="v1", kind="ConfigMap", name="settings")
GROUP_ARN = (
    "arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:1f2e:autoScalingGroupName/group-1"
)
ECS_CLUSTER = EcsCluster(key="cluster", tags=TAGS)
TEMPLATE = LaunchTemplate(
    key="template",
    instance_type="m5.large",
    image="resolve:ssm:/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id",
    instance_profile="arn:aws:iam::123456789012:instance-profile/machines",
    user_data="#!/bin/bash\n",
    root_volume_size=30,
    tags=TAGS,
)
GROUP = AutoScalingGroup(
    key="group",
    launch_template="lt-1",
    launch_template_version="1",
    subnet_ids=("subnet-1", "subnet-2"),
    minimum=1,
    maximum=4,
    tags=TAGS,
)
PROVIDER = EcsCapacityProvider(
    key="provider", name="machines", auto_scaling_group=GROUP_ARN, managed_scaling=True, tags=TAGS
)
PROVIDERS = EcsClusterCapacityProviders(
    key="providers", cluster="main", providers=("FARGATE", "FARGATE_SPOT")
)
CONTAINER = Container(
    name="runner",
    image="dativo:1",
    command=("run", "--once"),
    environment={"ZONE": "a", "HOST": "db"},
    log_group="logs",
    log_region="eu-west-1",
)
TASK = EcsTaskDefinition(
    key="task",
    family="acme-prod-orders",
    launch_type="FARGATE",
    cpu=1024,
    memory=2048,
    execution_role="arn:aws:iam::123456789012:role/execution",
    task_role="arn:aws:iam::123456789012:role/task",
    container=CONTAINER,
    tags=TAGS,
)
TASK_ARN = "arn:aws:ecs:us-east-1:123456789012:task-definition/acme-prod-orders:1"
SERVICE = EcsService(
    key="service",
    cluster="main",
    task_definition=TASK_ARN,
    desired_count=2,
    subnet_ids=("subnet-1",),
    tags=TAGS,
)
TARGET = ScalableTarget(
    key="target", cluster="main", service="orders", minimum=1, maximum=5, tags=TAGS
)
POLICY = ScalingPolicy(
    key="scaling-cpu",
    cluster="main",
    service="orders",
    metric="ECSServiceAverageCPUUtilization",
    target_percent=70,
)
SCHEDULE = Schedule(
    key="schedule",
    description="starts orders",
    expression="cron(0 3 * * ? *)",
    role="arn:aws:iam::123456789012:role/starter",
    cluster="arn:aws:ecs:us-east-1:123456789012:cluster/main",
    task_definition=TASK_ARN,
    subnet_ids=("subnet-1",),
)
LOG_GROUP = LogGroup(key="log-group", retention_days=30, tags=TAGS)
SECRET = SecretsManagerSecret(
    key="secret", description="a key", value=Parameter("API_KEY", "secret"), tags=TAGS
)
SPEC = ClusterSpec(
    spark_version="16.4.x-scala2.12",
    node_type="i3.xlarge",
    workers=2,
    data_security_mode="SINGLE_USER",
)
DATABRICKS_CLUSTER = DatabricksCluster(
    key="databricks-cluster", name="all", spec=SPEC, autotermination_minutes=30, tags=TAGS
)
POOL = DatabricksInstancePool(
    key="pool",
    name="pool",
    node_type="i3.xlarge",
    min_idle=0,
    idle_minutes=15,
    spark_version="16.4.x-scala2.12",
    attributes=AwsAttributes(availability="ON_DEMAND"),
    tags=TAGS,
)
WHEEL = WheelTask(package="p", entry_point="e", parameters=("run",), library="/x.whl")
JOB = DatabricksJob(key="job", name="job", cluster=SPEC, task=WHEEL, tags=TAGS)
SAMPLES: dict[type[Resource], Resource] = {
    AutoScalingGroup: GROUP,
    DatabricksCluster: DATABRICKS_CLUSTER,
    DatabricksInstancePool: POOL,
    DatabricksJob: JOB,
    EcsCapacityProvider: PROVIDER,
    EcsCluster: ECS_CLUSTER,
    EcsClusterCapacityProviders: PROVIDERS,
    EcsService: SERVICE,
    EcsTaskDefinition: TASK,
    EmrCluster: CLUSTER,
    EmrSecurityConfiguration: ENCRYPTION,
    IamInstanceProfile: replace(PROFILE, role="role"),
    IamRole: ROLE,
    KubernetesObject: OBJECT,
    LaunchTemplate: TEMPLATE,
    LogGroup: LOG_GROUP,
    S3Bucket: BUCKET,
    ScalableTarget: TARGET,
    ScalingPolicy: POLICY,
    Schedule: SCHEDULE,
    SecretsManagerSecret: replace(SECRET, value="hush"),
}


def one(recording: Recording, type_: str) -> Registration:
    """Return the one resource of a type of AWS, such as `ecs/cluster:Cluster`."""
    return recording.one(f"aws:{type_}")


def tags_of(registration: Registration) -> Any:
    """Return the tags of a resource as a mapping; a group has them as a list."""
    tags = registration.inputs.get("tags") or registration.inputs.get("customTags")
    return {each["key"]: each["value"] for each in tags} if isinstance(tags, list) else tags


def test_each_kind_is_lowered_or_refused() -> None:
    """No kind is forgotten, and none is in both tables."""
    refused = {kind for kind in KINDS if kind.__name__ in REFUSALS}
    assert set(LOWERINGS) | refused == set(KINDS)
    assert not set(LOWERINGS) & refused


@pytest.mark.parametrize("kind", LOWERINGS, ids=lambda kind: kind.__name__)
def test_each_attribute_can_be_referred_to(kind: type[Resource], built: Any) -> None:
    """Every attribute of a kind is a value of its first Pulumi resource."""
    assert set(ATTRIBUTES[kind]) == set(kind.ATTRIBUTES)
    for attribute in kind.ATTRIBUTES:
        note = KubernetesObject(
            key="note",
            api_version="v1",
            kind="ConfigMap",
            name="note",
            body={"data": {"value": Ref(SAMPLES[kind].key, attribute)}},
        )
        name = f"acme-prod-orders-{SAMPLES[kind].key}"
        number = (kind, attribute) in NUMBERS
        outputs = {name: {"latestVersion": 3}} if number else None
        recording = built(SAMPLES[kind], note, outputs=outputs)
        known = recording.one("kubernetes:core/v1:ConfigMap", "acme-prod-orders-note")
        wanted = {
            "3" if number else f"<{name}.{ATTRIBUTES[kind][attribute]}>",
            getattr(SAMPLES[kind], "name", None),
        }
        assert known.inputs["data"]["value"] in wanted


@pytest.mark.parametrize("kind", list(filter(is_taggable, KINDS)), ids=lambda kind: kind.__name__)
def test_each_taggable_kind_carries_its_tags(kind: type[Resource], built: Any) -> None:
    """Tags are set on the resource itself, not left to a transform."""
    recording = built(SAMPLES[kind])
    assert any(tags_of(each) == TAGS for each in recording)


def test_a_cluster_of_groups(built: Any) -> None:
    """Groups use one subnet; additional groups are for all nodes; the cluster stays up."""
    resource = replace(
        CLUSTER, additional_security_group_ids=("sg-1", "sg-2"), idle_timeout_seconds=3600
    )
    inputs = built(resource).one("aws:emr/cluster:Cluster").inputs
    assert inputs["ec2Attributes"] == {
        "instanceProfile": "machines",
        "subnetId": "subnet-1",
        "additionalMasterSecurityGroups": "sg-1,sg-2",
        "additionalSlaveSecurityGroups": "sg-1,sg-2",
    }
    assert inputs["masterInstanceGroup"] == {"instanceType": "m5.xlarge", "instanceCount": 1}
    assert inputs["coreInstanceGroup"] == {"instanceType": "m5.2xlarge", "instanceCount": 3}
    assert inputs["keepJobFlowAliveWhenNoSteps"] is True
    assert inputs["terminationProtection"] is False
    assert inputs["autoTerminationPolicy"] == {"idleTimeout": 3600}
    assert "coreInstanceFleet" not in inputs


def test_a_cluster_of_fleets(built: Any) -> None:
    """Fleets use all subnets; spot capacity has a highest price and falls back to on-demand."""
    inputs = built(FLEETS).one("aws:emr/cluster:Cluster").inputs
    assert inputs["ec2Attributes"]["subnetIds"] == ["subnet-1", "subnet-2"]
    assert inputs["masterInstanceFleet"] == {
        "instanceTypeConfigs": [{"instanceType": "m5.xlarge", "weightedCapacity": 1}],
        "targetOnDemandCapacity": 1,
        "targetSpotCapacity": 0,
    }
    core = inputs["coreInstanceFleet"]
    assert core["targetSpotCapacity"] == 4
    assert core["instanceTypeConfigs"][0]["bidPriceAsPercentageOfOnDemandPrice"] == 80
    (spot,) = core["launchSpecifications"]["spotSpecifications"]
    assert spot["timeoutAction"] == "SWITCH_TO_ON_DEMAND"
    assert spot["timeoutDurationMinutes"] == 30


def test_managed_scaling_is_a_policy_beside_the_cluster(built: Any) -> None:
    """The limits are a resource of their own, for the cluster's id."""
    scaling = ManagedScaling(minimum=2, maximum=8, unit="Instances")
    policy = built(replace(CLUSTER, managed_scaling=scaling)).one(
        "aws:emr/managedScalingPolicy:ManagedScalingPolicy"
    )
    assert policy.inputs == {
        "clusterId": "<acme-prod-orders-cluster.id>",
        "computeLimits": [
            {"unitType": "Instances", "minimumCapacityUnits": 2, "maximumCapacityUnits": 8}
        ],
    }


def test_limits_of_scaling_change_on_a_protected_cluster(built: Any) -> None:
    """They are replaced, the former first: its deletion would take away what the cluster has."""
    scaling = ManagedScaling(minimum=2, maximum=8, unit="Instances")
    protected = replace(CLUSTER, managed_scaling=scaling, lifecycle=Lifecycle(protect=True))
    policy = built(protected).one("aws:emr/managedScalingPolicy:ManagedScalingPolicy")
    assert not policy.protect
    assert policy.delete_before_replace


def test_subnets_that_are_one_text_are_split(built: Any) -> None:
    """A variable for a whole list holds its items joined by commas."""
    resource = replace(
        FLEETS, subnet_ids=Parameter("SUBNETS"), additional_security_group_ids=Parameter("GROUPS")
    )
    recording = built(resource, parameters={"SUBNETS": "subnet-1,subnet-2", "GROUPS": "sg-1,sg-2"})
    attributes = recording.one("aws:emr/cluster:Cluster").inputs["ec2Attributes"]
    assert attributes["subnetIds"] == ["subnet-1", "subnet-2"]
    assert attributes["additionalMasterSecurityGroups"] == "sg-1,sg-2"


def test_a_cluster_waits_for_all_that_a_role_is(built: Any) -> None:
    """What refers to a role depends on its attachments and inline policies too."""
    role = replace(
        ROLE,
        managed_policy_arns=(
            concat("arn:", Pseudo("partition"), ":iam::aws:policy/service-role/Some_v2"),
        ),
        policies={"pass": {"Version": "2012-10-17", "Statement": [{"Resource": Pseudo("region")}]}},
    )
    recording = built(replace(CLUSTER, service_role=Ref("role", "arn")), role)
    cluster = recording.one("aws:emr/cluster:Cluster")
    attachment = recording.one("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
    policy = recording.one("aws:iam/rolePolicy:RolePolicy")
    assert {attachment.urn, policy.urn} <= set(cluster.dependencies)
    assert attachment.name == "acme-prod-orders-role-Some-v2"
    assert attachment.inputs["policyArn"] == "arn:aws:iam::aws:policy/service-role/Some_v2"
    assert json.loads(policy.inputs["policy"])["Statement"] == [{"Resource": "us-east-1"}]


def test_order_that_no_reference_shows_is_kept(built: Any) -> None:
    """`after` makes a resource wait, in whatever order the unit lists them."""
    recording = built(replace(ENCRYPTION, after=("logs",)), replace(BUCKET, expire_after_days=7))
    waiting = recording.one("aws:emr/securityConfiguration:SecurityConfiguration")
    names = {urn.rpartition("::")[2] for urn in waiting.dependencies}
    assert {"acme-prod-orders-logs", "acme-prod-orders-logs-expiry"} <= names


def test_physical_names_begin_with_ours_and_fit(built: Any) -> None:
    """A prefix leaves the provider room; a renamed job keeps the name that its role has."""
    recording = built(
        *(ROLE, PROFILE, BUCKET, TEMPLATE, SCHEDULE),
        identity=Identity("acme", "prod", "a_very_long_name_of_a_job_" * 5),
    )
    template = one(recording, "ec2/launchTemplate:LaunchTemplate")
    schedule = one(recording, "scheduler/schedule:Schedule")
    role = recording.one("aws:iam/role:Role")
    bucket = recording.one("aws:s3/bucket:Bucket")
    assert len(role.inputs["namePrefix"]) <= 38
    assert len(bucket.inputs["bucketPrefix"]) <= 37
    assert len(template.inputs["namePrefix"]) <= 102
    assert len(schedule.inputs["namePrefix"]) <= 38
    assert "_" not in bucket.inputs["bucketPrefix"]
    for each in (role, template, schedule):
        assert each.ignore_changes == ("namePrefix",)
    assert bucket.ignore_changes == ("bucketPrefix",)


def test_a_bucket_is_private_and_encrypted(built: Any) -> None:
    """Beside the bucket there are encryption, the block of public access, ownership and expiry."""
    key = "arn:aws:kms:us-east-1:123456789012:key/1"
    recording = built(replace(BUCKET, kms_key=key, expire_after_days=90))
    of = {each.type.partition(":")[2].rpartition(":")[2]: each.inputs for each in recording}
    (rule,) = of["BucketServerSideEncryptionConfiguration"]["rules"]
    assert rule["applyServerSideEncryptionByDefault"] == {
        "sseAlgorithm": "aws:kms",
        "kmsMasterKeyId": key,
    }
    block = {key: value for key, value in of["BucketPublicAccessBlock"].items() if key != "bucket"}
    assert len(block) == 4
    assert set(block.values()) == {True}
    assert of["BucketOwnershipControls"]["rule"] == {"objectOwnership": "BucketOwnerEnforced"}
    (rule,) = of["BucketLifecycleConfiguration"]["rules"]
    assert rule["expiration"] == {"days": 90}
    assert rule["noncurrentVersionExpiration"] == {"noncurrentDays": 90}
    assert rule["abortIncompleteMultipartUpload"] == {"daysAfterInitiation": 90}


def test_a_bucket_without_key_or_expiry(built: Any) -> None:
    """S3's own keys encrypt it, and nothing expires."""
    recording = built(BUCKET)
    encryption = recording.one(
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
    )
    assert encryption.inputs["rules"] == [
        {
            "applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"},
            "bucketKeyEnabled": False,
        }
    ]
    assert not recording.of_type("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration")


def test_a_retained_bucket_keeps_what_makes_it_private(built: Any) -> None:
    """What is retained is retained as a whole: no settings are taken from it."""
    recording = built(replace(BUCKET, lifecycle=Lifecycle(retain=True)))
    assert {each.retain_on_delete for each in recording if each.parent} == {True}


def test_protect_and_delete_first(built: Any) -> None:
    """Both become options of the resource."""
    lifecycle = Lifecycle(protect=True, delete_first=True)
    cluster = built(replace(CLUSTER, lifecycle=lifecycle)).one("aws:emr/cluster:Cluster")
    assert cluster.protect
    assert cluster.delete_before_replace
    assert not cluster.retain_on_delete


@pytest.mark.parametrize(
    ("resource", "path", "wanted"),
    [
        (CLUSTER, "core.instance_count", "coreInstanceGroup.instanceCount"),
        (FLEETS, "core.target_spot", "coreInstanceFleet.targetSpotCapacity"),
        (FLEETS, "core.target_on_demand", "coreInstanceFleet.targetOnDemandCapacity"),
    ],
)
def test_what_an_autoscaler_owns_is_ignored(
    resource: EmrCluster, path: str, wanted: str, built: Any
) -> None:
    """A neutral field is ignored under the provider's name for it."""
    scaled = replace(resource, lifecycle=Lifecycle(ignore=(path,)))
    assert built(scaled).one("aws:emr/cluster:Cluster").ignore_changes == (wanted,)


def test_an_object_of_kubernetes_itself_is_typed(built: Any) -> None:
    """A known kind is registered by its class, with what a manifest would say."""
    resource = KubernetesObject(
        key="cron-job",
        api_version="batch/v1",
        kind="CronJob",
        name="orders",
        namespace="data",
        labels={"app": "x"},
        body={
            "spec": {
                "schedule": "0 3 * * *",
                "jobTemplate": {
                    "spec": {"template": {"spec": {"containers": [{"name": "a", "image": "b"}]}}}
                },
            }
        },
        lifecycle=Lifecycle(ignore=("body.spec.suspend",)),
    )
    job = built(resource, component="KubernetesJob").one("kubernetes:batch/v1:CronJob")
    assert job.inputs["metadata"] == {"name": "orders", "namespace": "data", "labels": {"app": "x"}}
    assert job.inputs["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"] == [
        {"name": "a", "image": "b"}
    ]
    assert job.ignore_changes == ("spec.suspend",)


def test_a_misspelt_field_of_an_object_is_refused(built: Any) -> None:
    """Pulumi would pass it on without a word."""
    resource = replace(
        OBJECT, api_version="batch/v1", kind="CronJob", body={"spec": {"schedul": ""}}
    )
    with pytest.raises(PropertyError, match=r"no property `spec.schedul`.*`schedule`"):
        built(resource)


@pytest.mark.parametrize(
    ("path", "taken"), [("spec.groups[0].replicas", True), ("spec.worker.replicas", False)]
)
def test_a_list_that_something_else_writes_is_taken_over(
    built: Any, path: str, *, taken: bool
) -> None:
    """Else the server refuses each later update: who writes an item owns the list as a whole."""
    body = {"spec": {"groups": [{"replicas": 2}], "worker": {"replicas": 2}}}
    resource = replace(
        OBJECT,
        api_version="example.com/v1",
        kind="Cluster",
        body=body,
        annotations={"note": "x"},
        lifecycle=Lifecycle(ignore=(f"body.{path}",)),
    )
    cluster = built(resource).one("kubernetes:example.com/v1:Cluster")
    assert cluster.ignore_changes == (path,)
    force = {"pulumi.com/patchForce": "true"} if taken else {}
    assert cluster.inputs["metadata"]["annotations"] == {"note": "x", **force}


def test_another_object_is_a_custom_resource(built: Any) -> None:
    """A kind that only the cluster knows is registered as it is."""
    body = {"spec": {"rayVersion": "2.9.0", "headGroupSpec": {"rayStartParams": {}}}}
    resource = replace(OBJECT, api_version="ray.io/v1", kind="RayCluster", body=body)
    cluster = built(resource).one("kubernetes:ray.io/v1:RayCluster")
    assert cluster.inputs["spec"] == body["spec"]
    assert cluster.inputs["metadata"] == {"name": "settings"}


@pytest.mark.parametrize(
    ("api_version", "kind", "module"),
    [
        ("v1", "ServiceAccount", "core.v1"),
        ("batch/v1", "CronJob", "batch.v1"),
        ("rbac.authorization.k8s.io/v1", "RoleBinding", "rbac.v1"),
        ("networking.k8s.io/v1", "NetworkPolicy", "networking.v1"),
        ("apps/v1", "Deployment", "apps.v1"),
        ("batch/v1", "Unheard", None),
        ("batch/v9", "CronJob", None),
        ("ray.io/v1", "RayCluster", None),
        ("gateway.networking.k8s.io/v1", "Gateway", None),
    ],
)
def test_kinds_are_found_by_convention(api_version: str, kind: str, module: str | None) -> None:
    """A group's first word is the package, and what is not there is a custom resource."""
    found = known_class(api_version, kind)
    assert (found and found.__module__) == (module and f"pulumi_kubernetes.{module}.{kind}")


def test_what_a_secret_object_holds_is_secret(built: Any) -> None:
    """Each value is encrypted in the state, also when it was given in clear."""
    body = {"type": "Opaque", "stringData": {"KEY": Parameter("API_KEY", "secret"), "USER": "me"}}
    resource = replace(OBJECT, kind="Secret", body=body)
    recording = built(resource, parameters={"API_KEY": "hush"})
    held = recording.one("kubernetes:core/v1:Secret").inputs["stringData"]
    assert isinstance(held, Secret)
    assert held.value == {"KEY": "hush", "USER": "me"}


@pytest.mark.parametrize(("insights", "wanted"), [(True, "enabled"), (False, "disabled")])
def test_a_cluster_of_ecs(insights: bool, wanted: str, built: Any) -> None:
    """Metrics are switched off as well as on, whatever the account's default is."""
    cluster = one(built(replace(ECS_CLUSTER, container_insights=insights)), "ecs/cluster:Cluster")
    assert cluster.inputs == {
        "settings": [{"name": "containerInsights", "value": wanted}],
        "tags": TAGS,
    }
    named = one(built(replace(ECS_CLUSTER, name="main")), "ecs/cluster:Cluster")
    assert named.inputs["name"] == "main"


@pytest.mark.parametrize(
    ("scaling", "wanted"),
    [(True, {"status": "ENABLED", "targetCapacity": 100}), (False, {"status": "DISABLED"})],
)
def test_a_capacity_provider(scaling: bool, wanted: dict[str, Any], built: Any) -> None:
    """ECS scales its group, or leaves that to others; machines are drained before they end."""
    recording = built(replace(PROVIDER, managed_scaling=scaling))
    assert one(recording, "ecs/capacityProvider:CapacityProvider").inputs == {
        "name": "machines",
        "autoScalingGroupProvider": {
            "autoScalingGroupArn": GROUP_ARN,
            "managedScaling": wanted,
            "managedTerminationProtection": "DISABLED",
            "managedDraining": "ENABLED",
        },
        "tags": TAGS,
    }


def test_the_capacity_providers_of_a_cluster(built: Any) -> None:
    """Default ones have equal weights, and may be missing."""
    type_ = "ecs/clusterCapacityProviders:ClusterCapacityProviders"
    inputs = {"clusterName": "main", "capacityProviders": ["FARGATE", "FARGATE_SPOT"]}
    assert one(built(PROVIDERS), type_).inputs == inputs
    chosen = one(built(replace(PROVIDERS, default_providers=("FARGATE",))), type_)
    assert chosen.inputs == {
        **inputs,
        "defaultCapacityProviderStrategies": [{"capacityProvider": "FARGATE", "weight": 1}],
    }


def test_a_task_definition(built: Any) -> None:
    """Its own network, Linux, and one container whose definition is what ECS gives back."""
    inputs = dict(one(built(TASK), "ecs/taskDefinition:TaskDefinition").inputs)
    text = inputs.pop("containerDefinitions")
    assert inputs == {
        "family": "acme-prod-orders",
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        "cpu": "1024",
        "memory": "2048",
        "runtimePlatform": {"operatingSystemFamily": "LINUX", "cpuArchitecture": "X86_64"},
        "executionRoleArn": "arn:aws:iam::123456789012:role/execution",
        "taskRoleArn": "arn:aws:iam::123456789012:role/task",
        "tags": TAGS,
    }
    assert json.loads(text) == [
        {
            "name": "runner",
            "image": "dativo:1",
            "essential": True,
            "command": ["run", "--once"],
            "environment": [{"name": "HOST", "value": "db"}, {"name": "ZONE", "value": "a"}],
            "logConfiguration": {
                "logDriver": "awslogs",
                "options": {
                    "awslogs-group": "logs",
                    "awslogs-region": "eu-west-1",
                    "awslogs-stream-prefix": "runner",
                },
            },
            "stopTimeout": 120,
        }
    ]


def test_what_a_container_does_not_have_is_left_out(built: Any) -> None:
    """ECS gives no empty lists back, and the provider would see a change each time."""
    task = replace(TASK, container=replace(CONTAINER, command=(), environment={}))
    text = one(built(task), "ecs/taskDefinition:TaskDefinition").inputs["containerDefinitions"]
    (container,) = json.loads(text)
    assert set(container) == {"name", "image", "essential", "logConfiguration", "stopTimeout"}


def test_a_task_with_volumes_and_secrets(built: Any) -> None:
    """File systems are encrypted in transit and guarded by the role; values are filled in late."""
    container = replace(
        CONTAINER,
        secrets={"B": Ref("secret", "arn"), "A": "arn:a"},
        mounts=(Mount(volume="state", path="/state"),),
        log_group=Ref("log-group", "name"),
        log_region=Pseudo("region"),
    )
    volumes = (
        EfsVolume(name="state", file_system_id="fs-1", access_point_id="fsap-1"),
        EfsVolume(name="more", file_system_id="fs-2"),
        HostVolume(name="disk", path="/mnt/disk"),
    )
    task = replace(
        TASK,
        architecture="ARM64",
        ephemeral_storage=50,
        container=container,
        volumes=volumes,
    )
    recording = built(task, LOG_GROUP, SECRET, parameters={"API_KEY": "hush"})
    definition = one(recording, "ecs/taskDefinition:TaskDefinition")
    efs = {"transitEncryption": "ENABLED", "authorizationConfig": {"iam": "ENABLED"}}
    point = {"iam": "ENABLED", "accessPointId": "fsap-1"}
    assert definition.inputs["volumes"] == [
        {
            "name": "state",
            "efsVolumeConfiguration": {**efs, "fileSystemId": "fs-1", "authorizationConfig": point},
        },
        {"name": "more", "efsVolumeConfiguration": {**efs, "fileSystemId": "fs-2"}},
        {"name": "disk", "hostPath": "/mnt/disk"},
    ]
    assert definition.inputs["ephemeralStorage"] == {"sizeInGib": 50}
    assert definition.inputs["runtimePlatform"]["cpuArchitecture"] == "ARM64"
    (read,) = json.loads(definition.inputs["containerDefinitions"])
    assert read["secrets"] == [
        {"name": "A", "valueFrom": "arn:a"},
        {"name": "B", "valueFrom": "<acme-prod-orders-secret.arn>"},
    ]
    assert read["mountPoints"] == [{"sourceVolume": "state", "containerPath": "/state"}]
    options = read["logConfiguration"]["options"]
    assert options["awslogs-group"] == "<acme-prod-orders-log-group.name>"
    assert options["awslogs-region"] == "us-east-1"
    # A task that starts before its secret has a value fails.
    version = one(recording, "secretsmanager/secretVersion:SecretVersion")
    assert version.urn in definition.dependencies


def test_a_service(built: Any) -> None:
    """It is rolled back when it does not come up, waited for, and hands its tags on."""
    service = one(built(SERVICE), "ecs/service:Service")
    assert service.inputs == {
        "cluster": "main",
        "taskDefinition": TASK_ARN,
        "desiredCount": 2,
        "networkConfiguration": {"subnets": ["subnet-1"], "assignPublicIp": False},
        "deploymentCircuitBreaker": {"enable": True, "rollback": True},
        "deploymentMinimumHealthyPercent": 100,
        "deploymentMaximumPercent": 200,
        "waitForSteadyState": True,
        "availabilityZoneRebalancing": "DISABLED",
        "propagateTags": "SERVICE",
        "enableEcsManagedTags": True,
        "tags": TAGS,
    }
    assert not service.delete_before_replace


def test_what_a_service_may_say(built: Any) -> None:
    """Where its tasks run, and how many of them during a deployment."""
    resource = replace(
        SERVICE,
        launch_type="EC2",
        capacity_providers=("one", "two"),
        subnet_ids=Parameter("SUBNETS"),
        security_group_ids=Parameter("GROUPS", "list"),
        assign_public_ip=True,
        minimum_healthy_percent=0,
        maximum_percent=100,
    )
    parameters = {"SUBNETS": "subnet-1,subnet-2", "GROUPS": ["sg-1"]}
    service = one(built(resource, parameters=parameters), "ecs/service:Service")
    assert service.ignore_changes == ()
    inputs = service.inputs
    assert inputs["launchType"] == "EC2"
    assert inputs["capacityProviderStrategies"] == [
        {"capacityProvider": "one", "weight": 1},
        {"capacityProvider": "two", "weight": 1},
    ]
    assert inputs["networkConfiguration"] == {
        "subnets": ["subnet-1", "subnet-2"],
        "securityGroups": ["sg-1"],
        "assignPublicIp": True,
    }
    assert inputs["deploymentMinimumHealthyPercent"] == 0
    assert inputs["deploymentMaximumPercent"] == 100


def test_a_service_keeps_the_capacity_providers_of_its_cluster(built: Any) -> None:
    """It gets those where it names none, and is not replaced to be without them."""
    ignored = "capacityProviderStrategies"
    assert one(built(SERVICE), "ecs/service:Service").ignore_changes == (ignored,)
    for placed in ({"launch_type": "FARGATE"}, {"capacity_providers": ("one",)}):
        service = one(built(replace(SERVICE, **placed)), "ecs/service:Service")
        assert service.ignore_changes == ()


def test_a_service_whose_size_is_an_autoscalers(built: Any) -> None:
    """It starts with one task, as without a number there would be none; then it is left alone."""
    service = one(built(replace(SERVICE, desired_count=None)), "ecs/service:Service")
    assert service.inputs["desiredCount"] == 1
    assert "desiredCount" in service.ignore_changes
    none = one(built(replace(SERVICE, desired_count=0)), "ecs/service:Service")
    assert none.inputs["desiredCount"] == 0


def test_scaling_of_a_service(built: Any) -> None:
    """Limits, and a policy after them that is called as its key."""
    recording = built(
        replace(TARGET, cluster=Ref("cluster", "name"), service=Ref("service", "name")),
        replace(POLICY, after=("target",)),
        replace(SERVICE, cluster=Ref("cluster", "arn")),
        ECS_CLUSTER,
    )
    target = one(recording, "appautoscaling/target:Target")
    place = {"serviceNamespace": "ecs", "scalableDimension": "ecs:service:DesiredCount"}
    assert target.inputs == {
        **place,
        "resourceId": "service/<acme-prod-orders-cluster.name>/<acme-prod-orders-service.name>",
        "minCapacity": 1,
        "maxCapacity": 5,
        "tags": TAGS,
    }
    policy = one(recording, "appautoscaling/policy:Policy")
    assert policy.inputs == {
        **place,
        "resourceId": "service/main/orders",
        "name": "scaling-cpu",
        "policyType": "TargetTrackingScaling",
        "targetTrackingScalingPolicyConfiguration": {
            "predefinedMetricSpecification": {
                "predefinedMetricType": "ECSServiceAverageCPUUtilization"
            },
            "targetValue": 70,
        },
    }
    assert target.urn in policy.dependencies


def test_a_log_group_that_is_retained(built: Any) -> None:
    """It keeps what is in it for a time, and stays when its unit goes."""
    recording = built(replace(LOG_GROUP, lifecycle=Lifecycle(retain=True)))
    group = one(recording, "cloudwatch/logGroup:LogGroup")
    assert group.inputs == {"retentionInDays": 30, "tags": TAGS}
    assert group.retain_on_delete


def test_a_launch_template(built: Any) -> None:
    """Encrypted disk, metadata for the machine alone, tags on all that a machine brings."""
    inputs = dict(one(built(TEMPLATE), "ec2/launchTemplate:LaunchTemplate").inputs)
    assert b64decode(inputs.pop("userData")).decode() == "#!/bin/bash\n"
    assert inputs == {
        "namePrefix": "acme-prod-orders-template-",
        "imageId": TEMPLATE.image,
        "instanceType": "m5.large",
        "iamInstanceProfile": {"arn": "arn:aws:iam::123456789012:instance-profile/machines"},
        "blockDeviceMappings": [
            {
                "deviceName": "/dev/xvda",
                "ebs": {
                    "volumeType": "gp3",
                    "volumeSize": 30,
                    "encrypted": "true",
                    "deleteOnTermination": "true",
                },
            }
        ],
        "metadataOptions": {"httpTokens": "required", "httpPutResponseHopLimit": 1},
        "tagSpecifications": [
            {"resourceType": each, "tags": TAGS}
            for each in ("instance", "volume", "network-interface")
        ],
        "tags": TAGS,
    }


def test_a_launch_template_for_a_cluster_that_is_built(built: Any) -> None:
    """The script is encoded once the cluster's name is known; spot and groups are said if asked."""
    script = concat("#!/bin/bash\necho ECS_CLUSTER=", Ref("cluster", "name"), "\n")
    resource = replace(TEMPLATE, user_data=script, spot=True, security_group_ids=("sg-1",))
    inputs = one(built(resource, ECS_CLUSTER), "ec2/launchTemplate:LaunchTemplate").inputs
    decoded = b64decode(inputs["userData"]).decode()
    assert decoded == "#!/bin/bash\necho ECS_CLUSTER=<acme-prod-orders-cluster.name>\n"
    assert inputs["instanceMarketOptions"] == {"marketType": "spot"}
    assert inputs["vpcSecurityGroupIds"] == ["sg-1"]


def test_a_group_of_machines(built: Any) -> None:
    """It names the version of its template, hands its tags on, and leaves its size open."""
    resource = replace(
        GROUP,
        launch_template=Ref("template", "id"),
        launch_template_version=Ref("template", "latest_version"),
    )
    outputs = {"acme-prod-orders-template": {"latestVersion": 7}}
    group = one(built(resource, TEMPLATE, outputs=outputs), "autoscaling/group:Group")
    assert group.inputs == {
        "launchTemplate": {"id": "<acme-prod-orders-template.id>", "version": "7"},
        "vpcZoneIdentifiers": ["subnet-1", "subnet-2"],
        "minSize": 1,
        "maxSize": 4,
        "tags": [
            {"key": key, "value": value, "propagateAtLaunch": True} for key, value in TAGS.items()
        ],
    }


def test_a_schedule(built: Any) -> None:
    """One task at the minute, with the tags of its definition, tried again for an hour."""
    inputs = one(built(SCHEDULE), "scheduler/schedule:Schedule").inputs
    assert inputs == {
        "namePrefix": "acme-prod-orders-schedule-",
        "description": "starts orders",
        "scheduleExpression": "cron(0 3 * * ? *)",
        "state": "ENABLED",
        "flexibleTimeWindow": {"mode": "OFF"},
        "target": {
            "arn": "arn:aws:ecs:us-east-1:123456789012:cluster/main",
            "roleArn": "arn:aws:iam::123456789012:role/starter",
            "ecsParameters": {
                "taskDefinitionArn": TASK_ARN,
                "taskCount": 1,
                "networkConfiguration": {"subnets": ["subnet-1"], "assignPublicIp": False},
                "propagateTags": "TASK_DEFINITION",
                "enableEcsManagedTags": True,
            },
            "retryPolicy": {"maximumRetryAttempts": 3, "maximumEventAgeInSeconds": 3600},
        },
    }


def test_what_a_schedule_may_say(built: Any) -> None:
    """Where its tasks run."""
    resource = replace(
        SCHEDULE,
        launch_type="FARGATE",
        capacity_providers=("one",),
        security_group_ids=("sg-1",),
        assign_public_ip=True,
        retries=0,
    )
    target = one(built(resource), "scheduler/schedule:Schedule").inputs["target"]
    task = target["ecsParameters"]
    assert task["launchType"] == "FARGATE"
    assert task["capacityProviderStrategies"] == [{"capacityProvider": "one", "weight": 1}]
    assert task["networkConfiguration"] == {
        "subnets": ["subnet-1"],
        "securityGroups": ["sg-1"],
        "assignPublicIp": True,
    }
    assert target["retryPolicy"]["maximumRetryAttempts"] == 0


@pytest.mark.parametrize("value", [Parameter("API_KEY", "secret"), "hush"])
def test_the_value_of_a_secret_stays_secret(value: Any, built: Any) -> None:
    """It is encrypted in the state, also when it was given in clear."""
    recording = built(replace(SECRET, value=value), parameters={"API_KEY": "hush"})
    assert one(recording, "secretsmanager/secret:Secret").inputs == {
        "description": "a key",
        "tags": TAGS,
    }
    assert one(recording, "secretsmanager/secretVersion:SecretVersion").inputs == {
        "secretId": "<acme-prod-orders-secret.arn>",
        "secretString": Secret("hush"),
    }


@pytest.mark.parametrize(
    ("library", "written"),
    [
        ("dativo-ingest==1.8.0", {"pypi": {"package": "dativo-ingest==1.8.0"}}),
        ("/Volumes/main/x.whl", {"whl": "/Volumes/main/x.whl"}),
        ("s3://wheels/x", {"whl": "s3://wheels/x"}),
    ],
)
def test_a_library_is_a_wheel_or_a_package(library: str, written: Any, built: Any) -> None:
    """A path is a wheel, all else is a requirement."""
    job = replace(JOB, task=replace(WHEEL, library=library))
    (task,) = built(job).one("databricks:index/job:Job").inputs["tasks"]
    assert task["libraries"] == [written]


def test_a_job_on_a_cluster_that_exists(built: Any) -> None:
    """No cluster is described, and the tags are the job's alone."""
    job = built(replace(JOB, cluster="0123-456789-abc123")).one("databricks:index/job:Job")
    (task,) = job.inputs["tasks"]
    assert task["existingClusterId"] == "0123-456789-abc123"
    assert "newCluster" not in task
    assert job.inputs["tags"] == TAGS


def test_no_property_of_another_cloud_is_registered(built: Any) -> None:
    """A cluster has the attributes of one cloud, or none."""
    for spec in (SPEC, replace(SPEC, attributes=AwsAttributes(availability="SPOT"))):
        cluster = built(replace(DATABRICKS_CLUSTER, spec=spec))
        inputs = cluster.one("databricks:index/cluster:Cluster").inputs
        found = {key for key in inputs if key.endswith("Attributes")}
        assert found == ({"awsAttributes"} if spec.attributes else set())
