"""From neutral resources to Pulumi's."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from dativo_infra.adapters.pulumi.lowerings import LOWERINGS, REFUSALS
from dativo_infra.adapters.pulumi.lowerings.kubernetes import known_class
from dativo_infra.adapters.pulumi.typed import PropertyError
from dativo_infra.adapters.pulumi.values import ATTRIBUTES
from dativo_infra.resources import Lifecycle, Resource
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
from dativo_infra.resources.s3 import S3Bucket
from dativo_infra.testing import Secret
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
SAMPLES: dict[type[Resource], Resource] = {
    EmrCluster: CLUSTER,
    EmrSecurityConfiguration: ENCRYPTION,
    IamInstanceProfile: replace(PROFILE, role="role"),
    IamRole: ROLE,
    KubernetesObject: OBJECT,
    S3Bucket: BUCKET,
}


def test_each_kind_is_lowered_or_refused() -> None:
    """No kind is forgotten, and none is in both tables."""
    refused = {kind for kind in KINDS if kind.__name__ in REFUSALS}
    assert set(LOWERINGS) | refused == set(KINDS)
    assert not set(LOWERINGS) & refused


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
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
        recording = built(SAMPLES[kind], note)
        known = recording.one("kubernetes:core/v1:ConfigMap", "acme-prod-orders-note")
        name = f"acme-prod-orders-{SAMPLES[kind].key}"
        wanted = {
            f"<{name}.{ATTRIBUTES[kind][attribute]}>",
            getattr(SAMPLES[kind], "name", None),
        }
        assert known.inputs["data"]["value"] in wanted


@pytest.mark.parametrize("kind", list(filter(is_taggable, KINDS)), ids=lambda kind: kind.__name__)
def test_each_taggable_kind_carries_its_tags(kind: type[Resource], built: Any) -> None:
    """Tags are set on the resource itself, not left to a transform."""
    recording = built(SAMPLES[kind])
    assert any(each.inputs.get("tags") == TAGS for each in recording)


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
        ROLE, PROFILE, BUCKET, identity=replace_name("a_very_long_name_of_a_job_" * 3)
    )
    role = recording.one("aws:iam/role:Role")
    bucket = recording.one("aws:s3/bucket:Bucket")
    assert len(role.inputs["namePrefix"]) <= 38
    assert len(bucket.inputs["bucketPrefix"]) <= 37
    assert "_" not in bucket.inputs["bucketPrefix"]
    assert role.ignore_changes == ("namePrefix",)
    assert bucket.ignore_changes == ("bucketPrefix",)


def replace_name(name: str) -> Any:
    """Return an identity with another name."""
    from dativo_infra.names import Identity

    return Identity("acme", "prod", name)


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
