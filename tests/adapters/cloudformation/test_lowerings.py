"""Each kind of resource in CloudFormation's form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from dativo_infra.adapters.cloudformation.lowerings import LOWERINGS, REFUSALS
from dativo_infra.planning.result import Unit
from dativo_infra.resources.ecs import EfsVolume, HostVolume
from dativo_infra.resources.emr import InstanceGroup
from dativo_infra.resources.kinds import KINDS, is_taggable
from dativo_infra.values import Parameter, Ref, concat

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


def _lowered_in(unit: Unit, template: Template) -> Callable[..., Any]:
    def lower(key: str, **changes: Any) -> dict[str, Any]:
        resources = [
            replace(each, **changes) if each.key == key else each for each in unit.resources
        ]
        made = template(replace(unit, resources=tuple(resources)))["Resources"]
        [properties] = [
            each["Properties"]
            for each in made.values()
            if each["Metadata"]["DativoInfra"]["key"] == key
        ]
        return properties

    return lower


@pytest.fixture
def fargate(fargate_unit: Unit, template: Template) -> Callable[..., Any]:
    """The properties of a resource of the unit on Fargate, by its key, with fields changed."""
    return _lowered_in(fargate_unit, template)


@pytest.fixture
def ec2(ec2_unit: Unit, template: Template) -> Callable[..., Any]:
    """The properties of a resource of the unit on machines, by its key, with fields changed."""
    return _lowered_in(ec2_unit, template)


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


def test_ecs_cluster(fargate: Any) -> None:
    """A cluster says that it has no insights, whatever the account's default is."""
    assert fargate("cluster") == {
        "ClusterSettings": [{"Name": "containerInsights", "Value": "disabled"}],
        "Tags": TAGS,
    }


def test_ecs_cluster_with_options(fargate: Any) -> None:
    """A cluster has the name and the insights asked for."""
    assert fargate("cluster", name="shared", container_insights=True) == {
        "ClusterName": "shared",
        "ClusterSettings": [{"Name": "containerInsights", "Value": "enabled"}],
        "Tags": TAGS,
    }


@pytest.mark.parametrize(
    ("managed", "scaling"),
    [(True, {"Status": "ENABLED", "TargetCapacity": 100}), (False, {"Status": "DISABLED"})],
)
def test_capacity_provider(ec2: Any, managed: bool, scaling: Any) -> None:
    """Machines are drained and not protected; ECS moves their number where asked to."""
    assert ec2("capacity", managed_scaling=managed) == {
        "Name": {"Fn::Join": ["", ["machines-", {"Ref": "Machines"}]]},
        "AutoScalingGroupProvider": {
            "AutoScalingGroupArn": {"Fn::GetAtt": ["Machines", "AutoScalingGroupARN"]},
            "ManagedScaling": scaling,
            "ManagedTerminationProtection": "DISABLED",
            "ManagedDraining": "ENABLED",
        },
        "Tags": TAGS,
    }


def test_capacity_providers_of_a_cluster(ec2: Any) -> None:
    """A cluster has its providers, of which some are the default."""
    assert ec2("cluster-capacity") == {
        "Cluster": {"Ref": "Cluster"},
        "CapacityProviders": [{"Ref": "Capacity"}, "FARGATE"],
        "DefaultCapacityProviderStrategy": [{"CapacityProvider": {"Ref": "Capacity"}, "Weight": 1}],
    }


def test_capacity_providers_without_a_default(ec2: Any) -> None:
    """The default strategy is there also when it is empty, since the type requires it."""
    assert ec2("cluster-capacity", default_providers=())["DefaultCapacityProviderStrategy"] == []


def test_task_definition(fargate: Any) -> None:
    """A task has its size as text, one essential container, and a file system by its role."""
    role = {"Fn::GetAtt": ["TaskRole", "Arn"]}
    image = [{"Ref": "AWS::AccountId"}, ".dkr.ecr.eu-west-1.amazonaws.com/dativo:1.2.0"]
    assert fargate("task") == {
        "Family": "acme-prod-orders",
        "NetworkMode": "awsvpc",
        "RequiresCompatibilities": ["FARGATE"],
        "Cpu": "1024",
        "Memory": "2048",
        "RuntimePlatform": {"CpuArchitecture": "X86_64", "OperatingSystemFamily": "LINUX"},
        "EphemeralStorage": {"SizeInGiB": 40},
        "ExecutionRoleArn": role,
        "TaskRoleArn": role,
        "ContainerDefinitions": [
            {
                "Name": "dativo",
                "Image": {"Fn::Join": ["", image]},
                "Essential": True,
                "Command": ["run", "--job", "orders"],
                "Environment": [
                    {"Name": "BUCKET", "Value": {"Ref": "Bucket"}},
                    {"Name": "STATE", "Value": "/state"},
                ],
                "Secrets": [{"Name": "DB_PASSWORD", "ValueFrom": {"Ref": "Secret"}}],
                "MountPoints": [{"SourceVolume": "state", "ContainerPath": "/state"}],
                "LogConfiguration": {
                    "LogDriver": "awslogs",
                    "Options": {
                        "awslogs-group": {"Ref": "TaskLogs"},
                        "awslogs-region": {"Ref": "AWS::Region"},
                        "awslogs-stream-prefix": "dativo",
                    },
                },
                "StopTimeout": 120,
            }
        ],
        "Volumes": [
            {
                "Name": "state",
                "EFSVolumeConfiguration": {
                    "FilesystemId": "fs-0123456789abcdef0",
                    "TransitEncryption": "ENABLED",
                    "AuthorizationConfig": {
                        "IAM": "ENABLED",
                        "AccessPointId": "fsap-0123456789abcdef0",
                    },
                },
            }
        ],
        "Tags": TAGS,
    }


def test_task_definition_without_options(fargate: Any, fargate_unit: Unit) -> None:
    """What a task does not ask for is not in the template."""
    [task] = [each for each in fargate_unit.resources if each.key == "task"]
    bare = replace(task.container, command=(), environment={}, secrets={}, mounts=())  # pyright: ignore[reportAttributeAccessIssue]
    properties = fargate(
        "task", container=bare, volumes=(), ephemeral_storage=None, architecture="ARM64"
    )
    assert properties.keys().isdisjoint({"Volumes", "EphemeralStorage"})
    assert properties["RuntimePlatform"]["CpuArchitecture"] == "ARM64"
    [container] = properties["ContainerDefinitions"]
    assert set(container) == {"Name", "Image", "Essential", "LogConfiguration", "StopTimeout"}


def test_secrets_are_sorted(fargate: Any, fargate_unit: Unit) -> None:
    """Secrets of a container come by name, whatever order they were written in."""
    [task] = [each for each in fargate_unit.resources if each.key == "task"]
    secrets = {"Z": Ref("secret", "arn"), "A": Parameter("A_ARN")}
    changed = replace(task.container, secrets=secrets, stop_timeout_seconds=30)  # pyright: ignore[reportAttributeAccessIssue]
    [container] = fargate("task", container=changed)["ContainerDefinitions"]
    assert container["Secrets"] == [
        {"Name": "A", "ValueFrom": {"Ref": "AArn"}},
        {"Name": "Z", "ValueFrom": {"Ref": "Secret"}},
    ]
    assert container["StopTimeout"] == 30


def test_volumes(ec2: Any) -> None:
    """A task of machines has their folders, and a file system also without an access point."""
    volumes = (
        HostVolume(name="state", path="/mnt/state"),
        EfsVolume(name="shared", file_system_id="fs-0123456789abcdef0"),
    )
    properties = ec2("task", volumes=volumes)
    assert properties["RequiresCompatibilities"] == ["EC2"]
    assert properties["Volumes"] == [
        {"Name": "state", "Host": {"SourcePath": "/mnt/state"}},
        {
            "Name": "shared",
            "EFSVolumeConfiguration": {
                "FilesystemId": "fs-0123456789abcdef0",
                "TransitEncryption": "ENABLED",
                "AuthorizationConfig": {"IAM": "ENABLED"},
            },
        },
    ]


def test_service_that_scales(fargate: Any) -> None:
    """A service has no count where an autoscaler owns it; its tasks have its tags."""
    owner = {"Key": "owner", "Value": {"Ref": "Owner"}}
    assert fargate("service") == {
        "Cluster": {"Ref": "Cluster"},
        "TaskDefinition": {"Ref": "Task"},
        "LaunchType": "FARGATE",
        "NetworkConfiguration": {
            "AwsvpcConfiguration": {
                "Subnets": {"Ref": "SubnetIds"},
                "SecurityGroups": ["sg-0123456789abcdef0"],
                "AssignPublicIp": "ENABLED",
            }
        },
        "DeploymentConfiguration": {
            "MinimumHealthyPercent": 0,
            "MaximumPercent": 100,
            "DeploymentCircuitBreaker": {"Enable": True, "Rollback": True},
        },
        "AvailabilityZoneRebalancing": "DISABLED",
        "PropagateTags": "SERVICE",
        "EnableECSManagedTags": True,
        "Tags": [*TAGS[:2], owner, TAGS[2]],
    }


def test_service_on_machines(ec2: Any) -> None:
    """A service of a capacity provider has no launch type, and the count that is given."""
    properties = ec2("service")
    assert properties["DesiredCount"] == 2
    assert properties["CapacityProviderStrategy"] == [
        {"CapacityProvider": {"Ref": "Capacity"}, "Weight": 1}
    ]
    assert "LaunchType" not in properties
    assert properties["NetworkConfiguration"]["AwsvpcConfiguration"] == {
        "Subnets": {"Ref": "SubnetIds"},
        "AssignPublicIp": "DISABLED",
    }


def test_service_that_is_stopped(ec2: Any) -> None:
    """A count of 0 is a count."""
    assert ec2("service", desired_count=0)["DesiredCount"] == 0


@pytest.mark.parametrize("key", ["service", "schedule"])
def test_tasks_of_the_cluster_s_default(ec2: Any, key: str) -> None:
    """With neither launch type nor provider the cluster's default holds."""
    properties = ec2(key, capacity_providers=())
    made = properties if key == "service" else properties["Target"]["EcsParameters"]
    assert made.keys().isdisjoint({"LaunchType", "CapacityProviderStrategy"})


def test_log_group(fargate: Any) -> None:
    """A log group forgets what is old."""
    assert fargate("task-logs") == {"RetentionInDays": 30, "Tags": TAGS}


def test_secret(fargate: Any, fargate_unit: Unit, template: Template) -> None:
    """A secret's value is a parameter that is not shown."""
    assert fargate("secret") == {
        "Description": "DB_PASSWORD of acme/prod/orders",
        "SecretString": {"Ref": "DbPassword"},
        "Tags": TAGS,
    }
    parameter = template(fargate_unit)["Parameters"]["DbPassword"]
    assert parameter["NoEcho"] is True
    assert "Default" not in parameter


def test_launch_template(ec2: Any) -> None:
    """Machines have an encrypted disk, and are tagged with all that starts with them."""
    script = ["#!/bin/bash\necho ECS_CLUSTER=", {"Ref": "Cluster"}, "\n"]
    assert ec2("launch-template") == {
        "LaunchTemplateData": {
            "ImageId": (
                "resolve:ssm:/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id"
            ),
            "InstanceType": {"Ref": "InstanceType"},
            "IamInstanceProfile": {"Arn": {"Fn::GetAtt": ["InstanceProfile", "Arn"]}},
            "SecurityGroupIds": ["sg-0123456789abcdef0"],
            "InstanceMarketOptions": {"MarketType": "spot"},
            "BlockDeviceMappings": [
                {
                    "DeviceName": "/dev/xvda",
                    "Ebs": {
                        "VolumeType": "gp3",
                        "VolumeSize": 50,
                        "Encrypted": True,
                        "DeleteOnTermination": True,
                    },
                }
            ],
            "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
            "UserData": {"Fn::Base64": {"Fn::Join": ["", script]}},
            "TagSpecifications": [
                {"ResourceType": kind, "Tags": TAGS}
                for kind in ("instance", "volume", "network-interface")
            ],
        },
        "TagSpecifications": [{"ResourceType": "launch-template", "Tags": TAGS}],
    }


def test_launch_template_without_options(ec2: Any) -> None:
    """Neither spot nor groups are there unasked; a plain script is encoded as well."""
    data = ec2("launch-template", spot=False, security_group_ids=(), user_data="#!/bin/sh\n")[
        "LaunchTemplateData"
    ]
    assert data.keys().isdisjoint({"InstanceMarketOptions", "SecurityGroupIds"})
    assert data["UserData"] == {"Fn::Base64": "#!/bin/sh\n"}


def test_auto_scaling_group(ec2: Any) -> None:
    """A group has limits and no count of its own; its machines have its tags."""
    owner = {"Key": "owner", "Value": {"Ref": "Owner"}}
    assert ec2("machines") == {
        "LaunchTemplate": {
            "LaunchTemplateId": {"Ref": "LaunchTemplate"},
            "Version": {"Fn::GetAtt": ["LaunchTemplate", "LatestVersionNumber"]},
        },
        "VPCZoneIdentifier": {"Ref": "SubnetIds"},
        "MinSize": "0",
        "MaxSize": "5",
        "Tags": [{**tag, "PropagateAtLaunch": True} for tag in [*TAGS[:2], owner, TAGS[2]]],
    }


def test_auto_scaling_group_in_known_subnets(ec2: Any) -> None:
    """Subnets that are written out are a list."""
    subnets = ("subnet-0123456789abcdef0", Parameter("OTHER"))
    assert ec2("machines", subnet_ids=subnets)["VPCZoneIdentifier"] == [
        "subnet-0123456789abcdef0",
        {"Ref": "Other"},
    ]


SCALED = {
    "ServiceNamespace": "ecs",
    "ScalableDimension": "ecs:service:DesiredCount",
    "ResourceId": {
        "Fn::Join": ["", ["service/", {"Ref": "Cluster"}, "/", {"Fn::GetAtt": ["Service", "Name"]}]]
    },
}


def test_scalable_target(fargate: Any) -> None:
    """A service's number of tasks has limits."""
    assert fargate("scalable-target") == {
        **SCALED,
        "MinCapacity": 1,
        "MaxCapacity": 8,
        "Tags": TAGS,
    }


def test_scalable_target_with_known_names(fargate: Any) -> None:
    """Names that are known make a plain text."""
    properties = fargate("scalable-target", cluster="shared", service="orders")
    assert properties["ResourceId"] == "service/shared/orders"


def test_scaling_policy(fargate: Any) -> None:
    """A policy is called as its key and moves the same number."""
    assert fargate("scaling-cpu") == {
        **SCALED,
        "PolicyName": "scaling-cpu",
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": {
            "PredefinedMetricSpecification": {
                "PredefinedMetricType": "ECSServiceAverageCPUUtilization"
            },
            "TargetValue": 70,
        },
    }


def test_schedule(fargate: Any) -> None:
    """A schedule starts one task, which gets the tags of its definition and those of ECS."""
    assert fargate("schedule") == {
        "Description": "Starts acme/prod/orders",
        "ScheduleExpression": "cron(0 2 * * ? *)",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "State": "ENABLED",
        "Target": {
            "Arn": {"Fn::GetAtt": ["Cluster", "Arn"]},
            "RoleArn": {"Fn::GetAtt": ["SchedulerRole", "Arn"]},
            "EcsParameters": {
                "TaskDefinitionArn": {"Ref": "Task"},
                "TaskCount": 1,
                "LaunchType": "FARGATE",
                "NetworkConfiguration": {
                    "AwsvpcConfiguration": {
                        "Subnets": ["subnet-0123456789abcdef0", {"Ref": "SubnetId"}],
                        "SecurityGroups": {"Ref": "SecurityGroupIds"},
                        "AssignPublicIp": "DISABLED",
                    }
                },
                "PropagateTags": "TASK_DEFINITION",
                "EnableECSManagedTags": True,
            },
            "RetryPolicy": {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 3600},
        },
    }


def test_schedule_on_machines(ec2: Any) -> None:
    """A schedule takes a capacity provider as a service does."""
    target = ec2("schedule", retries=0)["Target"]
    parameters = target["EcsParameters"]
    assert parameters["CapacityProviderStrategy"] == [
        {"CapacityProvider": {"Ref": "Capacity"}, "Weight": 1}
    ]
    assert "LaunchType" not in parameters
    assert "SecurityGroups" not in parameters["NetworkConfiguration"]["AwsvpcConfiguration"]
    assert target["RetryPolicy"]["MaximumRetryAttempts"] == 0


def test_schedule_with_a_name_in_parts(fargate: Any) -> None:
    """Tokens inside tokens are lowered in a schedule as well."""
    role = concat("arn:aws:iam::", Parameter("ACCOUNT"), ":role/starter")
    target = fargate("schedule", role=role, assign_public_ip=True)["Target"]
    assert target["RoleArn"] == {
        "Fn::Join": ["", ["arn:aws:iam::", {"Ref": "Account"}, ":role/starter"]]
    }
    network = target["EcsParameters"]["NetworkConfiguration"]["AwsvpcConfiguration"]
    assert network["AssignPublicIp"] == "ENABLED"


@pytest.mark.parametrize("shape", ["emr_unit", "fargate_unit", "ec2_unit"])
def test_every_taggable_resource_has_its_tags(
    request: pytest.FixtureRequest, template: Template, shape: str
) -> None:
    """Every resource that carries tags has exactly them, by key; the profile loses them."""
    unit = request.getfixturevalue(shape)
    resources = template(unit)["Resources"].values()
    for resource, lowered in zip(unit.resources, resources, strict=True):
        properties = lowered["Properties"]
        # A launch template says for each type what is tagged.
        [specified] = properties.get("TagSpecifications", [{}])
        tags = properties.get("Tags", specified.get("Tags"))
        if is_taggable(type(resource)) and resource.key != "instance-profile":
            assert [tag["Key"] for tag in tags] == sorted(resource.tags)
        else:
            assert tags is None


def test_the_units_have_every_kind(emr_unit: Unit, fargate_unit: Unit, ec2_unit: Unit) -> None:
    """No kind that is built is left out of the units that the tests look at."""
    units = (emr_unit, fargate_unit, ec2_unit)
    assert {type(each) for unit in units for each in unit.resources} == set(LOWERINGS)
