"""Each kind of resource in CloudFormation's form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from dativo_infra.adapters.cloudformation.lowerings import LOWERINGS, REFUSALS
from dativo_infra.planning.result import Unit
from dativo_infra.resources.emr import InstanceGroup
from dativo_infra.resources.kinds import KINDS, is_taggable
from dativo_infra.values import Parameter

Template = Callable[[Unit], dict[str, Any]]
GROUPS = {"Ref": "SecurityGroupIds"}
TAGS = [
    {"Key": "Cost Center", "Value": "42"},
    {"Key": "dativo:job", "Value": "orders"},
    {"Key": "team", "Value": "data"},
]


@pytest.fixture
def lowered(samples: dict[str, Any], unit: Any, template: Template) -> Callable[..., Any]:
    """The properties of a sample with some fields changed, within a whole unit."""

    def lower(sample: str, **changes: Any) -> dict[str, Any]:
        changed = replace(samples[sample], **changes)
        others = [each for key, each in samples.items() if key not in {changed.key, sample}]
        resources = template(unit(changed, *others[: 5 if "cluster" in sample else 4]))["Resources"]
        return next(iter(resources.values()))["Properties"]

    return lower


def test_each_kind_is_built_or_refused() -> None:
    """Every kind is in exactly one of the two tables."""
    built = {kind.__name__ for kind in LOWERINGS}
    assert built.isdisjoint(REFUSALS)
    assert built | set(REFUSALS) == {kind.__name__ for kind in KINDS}


def test_cluster_of_groups(lowered: Any) -> None:
    """A cluster of groups has one subnet and stays up without steps."""
    assert lowered("cluster") == {
        "Name": "acme-prod-orders",
        "ReleaseLabel": "emr-7.5.0",
        "Applications": [{"Name": "Spark"}, {"Name": "Hive"}],
        "ServiceRole": {"Fn::GetAtt": ["ServiceRole", "Arn"]},
        "JobFlowRole": {"Fn::GetAtt": ["InstanceProfile", "Arn"]},
        "LogUri": {"Fn::Join": ["", ["s3://", {"Ref": "Logs"}, "/emr/"]]},
        "Instances": {
            "KeepJobFlowAliveWhenNoSteps": True,
            "TerminationProtected": True,
            "Ec2SubnetId": {"Ref": "SubnetId"},
            "AdditionalMasterSecurityGroups": GROUPS,
            "AdditionalSlaveSecurityGroups": GROUPS,
            "MasterInstanceGroup": {
                "InstanceType": "m5.xlarge",
                "InstanceCount": 1,
                "Market": "ON_DEMAND",
            },
            "CoreInstanceGroup": {
                "InstanceType": "m5.2xlarge",
                "InstanceCount": 3,
                "Market": "ON_DEMAND",
            },
        },
        "ManagedScalingPolicy": {
            "ComputeLimits": {
                "MinimumCapacityUnits": 2,
                "MaximumCapacityUnits": 9,
                "UnitType": "Instances",
            }
        },
        "SecurityConfiguration": {"Ref": "Security"},
        "AutoTerminationPolicy": {"IdleTimeout": 3600},
        "VisibleToAllUsers": True,
        "Tags": sorted(
            [*TAGS, {"Key": "owner", "Value": {"Ref": "Owner"}}], key=lambda tag: tag["Key"]
        ),
    }


def test_cluster_of_fleets(lowered: Any) -> None:
    """A cluster of fleets has all subnets, and spot settings only where spot is wanted."""
    instances = lowered("fleet-cluster")["Instances"]
    assert instances == {
        "KeepJobFlowAliveWhenNoSteps": True,
        "TerminationProtected": True,
        "Ec2SubnetIds": {"Ref": "SubnetIds"},
        "AdditionalMasterSecurityGroups": ["sg-0123456789abcdef0"],
        "AdditionalSlaveSecurityGroups": ["sg-0123456789abcdef0"],
        "MasterInstanceFleet": {
            "InstanceTypeConfigs": [{"InstanceType": "m5.xlarge", "WeightedCapacity": 1}],
            "TargetOnDemandCapacity": 1,
            "TargetSpotCapacity": 0,
        },
        "CoreInstanceFleet": {
            "InstanceTypeConfigs": [
                {
                    "InstanceType": "m5.2xlarge",
                    "WeightedCapacity": 1,
                    "BidPriceAsPercentageOfOnDemandPrice": 80,
                }
            ],
            "TargetOnDemandCapacity": 1,
            "TargetSpotCapacity": 2,
            "LaunchSpecifications": {
                "SpotSpecification": {
                    "AllocationStrategy": "price-capacity-optimized",
                    "TimeoutAction": "SWITCH_TO_ON_DEMAND",
                    "TimeoutDurationMinutes": 15,
                }
            },
        },
    }


def test_cluster_without_options(lowered: Any) -> None:
    """What a cluster does not ask for is not in the template."""
    properties = lowered(
        "cluster",
        managed_scaling=None,
        security_configuration=None,
        idle_timeout_seconds=None,
        additional_security_group_ids=(),
        termination_protected=False,
    )
    assert properties.keys().isdisjoint(
        {"ManagedScalingPolicy", "SecurityConfiguration", "AutoTerminationPolicy"}
    )
    assert not any(key.startswith("Additional") for key in properties["Instances"])
    assert properties["Instances"]["TerminationProtected"] is False


def test_cluster_of_groups_takes_the_first_of_a_list(lowered: Any) -> None:
    """Groups take one subnet, so of a list known later the first is selected."""
    properties = lowered("cluster", subnet_ids=Parameter("SUBNET_IDS", "list"))
    assert properties["Instances"]["Ec2SubnetId"] == {"Fn::Select": [0, {"Ref": "SubnetIds"}]}


def test_cluster_with_an_instance_type_known_later(lowered: Any) -> None:
    """A token in a nested part is lowered too."""
    core = InstanceGroup(instance_type=Parameter("CORE_TYPE"), instance_count=1)
    group = lowered("cluster", core=core)["Instances"]["CoreInstanceGroup"]
    assert group["InstanceType"] == {"Ref": "CoreType"}


def test_security_configuration(lowered: Any, samples: dict[str, Any]) -> None:
    """The document stays nested data, and the name is left to CloudFormation."""
    assert lowered("security") == {"SecurityConfiguration": samples["security"].configuration}


def test_role_with_inline_policy(lowered: Any, samples: dict[str, Any]) -> None:
    """A role has its trust and inline policies, with tokens lowered within."""
    properties = lowered("instance-role")
    assert properties == {
        "Description": "What the machines of acme/prod/orders do",
        "AssumeRolePolicyDocument": samples["instance-role"].assume_role_policy,
        "Policies": [
            {
                "PolicyName": "logs",
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Action": ["s3:PutObject"],
                            "Resource": {"Fn::Join": ["", [{"Fn::GetAtt": ["Logs", "Arn"]}, "/*"]]},
                        }
                    ],
                },
            }
        ],
        "Tags": TAGS,
    }


def test_role_with_managed_policies(lowered: Any) -> None:
    """Managed policies are attached by ARN; without inline ones there is no such property."""
    properties = lowered("service-role")
    assert len(properties["ManagedPolicyArns"]) == 1
    assert "Policies" not in properties


def test_instance_profile_has_no_tags(lowered: Any) -> None:
    """An instance profile has its role only, since the type has no property for tags."""
    assert lowered("instance-profile") == {"Roles": [{"Ref": "InstanceRole"}]}


def test_bucket(lowered: Any) -> None:
    """A bucket is encrypted, closed to the public, and removes what is old."""
    assert lowered("logs") == {
        "BucketEncryption": {
            "ServerSideEncryptionConfiguration": [
                {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
            ]
        },
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        "PublicAccessBlockConfiguration": {
            "BlockPublicAcls": True,
            "BlockPublicPolicy": True,
            "IgnorePublicAcls": True,
            "RestrictPublicBuckets": True,
        },
        "LifecycleConfiguration": {
            "Rules": [
                {
                    "Id": "expire",
                    "Status": "Enabled",
                    "ExpirationInDays": 90,
                    "NoncurrentVersionExpiration": {"NoncurrentDays": 90},
                    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 90},
                }
            ]
        },
        "Tags": TAGS,
    }


def test_bucket_with_a_key_and_without_expiration(lowered: Any) -> None:
    """A key of KMS is used where given; without an age nothing is removed."""
    properties = lowered("logs", kms_key=Parameter("KMS_KEY_ARN"), expire_after_days=None)
    assert properties["BucketEncryption"]["ServerSideEncryptionConfiguration"] == [
        {
            "BucketKeyEnabled": True,
            "ServerSideEncryptionByDefault": {
                "SSEAlgorithm": "aws:kms",
                "KMSMasterKeyID": {"Ref": "KmsKeyArn"},
            },
        }
    ]
    assert "LifecycleConfiguration" not in properties


def test_every_taggable_resource_has_its_tags(emr_unit: Unit, template: Template) -> None:
    """Every resource that carries tags has exactly them, by key; the profile loses them."""
    resources = template(emr_unit)["Resources"].values()
    for resource, lowered in zip(emr_unit.resources, resources, strict=True):
        tags = lowered["Properties"].get("Tags")
        if is_taggable(type(resource)) and resource.key != "instance-profile":
            assert [tag["Key"] for tag in tags] == sorted(resource.tags)  # pyright: ignore[reportAttributeAccessIssue]
        else:
            assert tags is None
