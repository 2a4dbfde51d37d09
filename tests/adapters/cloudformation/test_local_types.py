"""The types that the embedded CloudFormation builds by the services' own calls."""

from __future__ import annotations

import copy
import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from moto.cloudformation.models import CloudFormationBackend

from dativo_infra.adapters.cloudformation.local import embedded
from dativo_infra.adapters.cloudformation.local.model import client_of
from dativo_infra.adapters.cloudformation.local.tags import READERS, as_mapping
from dativo_infra.adapters.cloudformation.local.types import TYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NAME = "acme-prod-orders"
TAGS = [{"Key": "team", "Value": "data"}, {"Key": "Cost Center", "Value": "42"}]
OTHER_TAGS = [{"Key": "team", "Value": "other"}, {"Key": "new", "Value": "1"}]
SCALED = {
    "ServiceNamespace": "ecs",
    "ScalableDimension": "ecs:service:DesiredCount",
    "ResourceId": {
        "Fn::Join": ["/", ["service", {"Ref": "Cluster"}, {"Fn::GetAtt": ["Service", "Name"]}]]
    },
}
NETWORK = {
    "AwsvpcConfiguration": {
        "AssignPublicIp": "DISABLED",
        "SecurityGroups": [{"Ref": "Group"}],
        "Subnets": [{"Ref": "Subnet"}],
    }
}
RESOURCES: dict[str, dict[str, Any]] = {
    "Cluster": {
        "Type": "AWS::ECS::Cluster",
        "Properties": {
            "ClusterSettings": [{"Name": "containerInsights", "Value": "enabled"}],
            "Tags": TAGS,
        },
    },
    "Logs": {
        "Type": "AWS::Logs::LogGroup",
        "Properties": {"RetentionInDays": 30, "Tags": TAGS},
    },
    "Secret": {
        "Type": "AWS::SecretsManager::Secret",
        "Properties": {"Description": "key", "SecretString": {"Ref": "Value"}, "Tags": TAGS},
    },
    "Machine": {
        "Type": "AWS::EC2::LaunchTemplate",
        "Properties": {
            "LaunchTemplateData": {
                "ImageId": "resolve:ssm:/aws/service/ecs/optimized-ami/amazon-linux-2023",
                "InstanceType": "m5.large",
                "UserData": {"Fn::Base64": "echo hello"},
                "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
                "BlockDeviceMappings": [
                    {
                        "DeviceName": "/dev/xvda",
                        "Ebs": {"Encrypted": True, "VolumeSize": 30, "VolumeType": "gp3"},
                    }
                ],
                "TagSpecifications": [{"ResourceType": "instance", "Tags": TAGS}],
            },
            "TagSpecifications": [{"ResourceType": "launch-template", "Tags": TAGS}],
        },
    },
    "Machines": {
        "Type": "AWS::AutoScaling::AutoScalingGroup",
        "Properties": {
            "LaunchTemplate": {
                "LaunchTemplateId": {"Ref": "Machine"},
                "Version": {"Fn::GetAtt": ["Machine", "LatestVersionNumber"]},
            },
            "MinSize": "0",
            "MaxSize": "4",
            "VPCZoneIdentifier": [{"Ref": "Subnet"}],
            "Tags": [{**tag, "PropagateAtLaunch": True} for tag in TAGS],
        },
    },
    "Provider": {
        "Type": "AWS::ECS::CapacityProvider",
        "Properties": {
            "AutoScalingGroupProvider": {
                "AutoScalingGroupArn": {"Fn::GetAtt": ["Machines", "AutoScalingGroupARN"]},
                "ManagedScaling": {"Status": "ENABLED", "TargetCapacity": 100},
                "ManagedTerminationProtection": "DISABLED",
            },
            "Tags": TAGS,
        },
    },
    "Providers": {
        "Type": "AWS::ECS::ClusterCapacityProviderAssociations",
        "Properties": {
            "Cluster": {"Ref": "Cluster"},
            "CapacityProviders": ["FARGATE", {"Ref": "Provider"}],
            "DefaultCapacityProviderStrategy": [
                {"CapacityProvider": {"Ref": "Provider"}, "Weight": 1}
            ],
        },
    },
    "Task": {
        "Type": "AWS::ECS::TaskDefinition",
        "Properties": {
            "Family": "acme-orders",
            "Cpu": "512",
            "Memory": 1024,
            "NetworkMode": "awsvpc",
            "RequiresCompatibilities": ["FARGATE"],
            "ExecutionRoleArn": "arn:aws:iam::123456789012:role/execution",
            "TaskRoleArn": "arn:aws:iam::123456789012:role/task",
            "RuntimePlatform": {"CpuArchitecture": "ARM64", "OperatingSystemFamily": "LINUX"},
            "EphemeralStorage": {"SizeInGiB": 40},
            "ContainerDefinitions": [
                {
                    "Name": "job",
                    "Image": "acme/orders:1",
                    "Command": ["run"],
                    "Essential": "true",
                    "StopTimeout": "120",
                    "Environment": [{"Name": "A", "Value": "B"}],
                    "Secrets": [{"Name": "KEY", "ValueFrom": {"Ref": "Secret"}}],
                    "MountPoints": [{"SourceVolume": "state", "ContainerPath": "/state"}],
                    "LogConfiguration": {
                        "LogDriver": "awslogs",
                        "Options": {"awslogs-group": {"Ref": "Logs"}, "mode": "non-blocking"},
                    },
                }
            ],
            "Volumes": [
                {
                    "Name": "state",
                    "EFSVolumeConfiguration": {
                        "FilesystemId": "fs-1",
                        "TransitEncryption": "ENABLED",
                        "AuthorizationConfig": {"AccessPointId": "fsap-1", "IAM": "ENABLED"},
                    },
                }
            ],
            "Tags": TAGS,
        },
    },
    "Service": {
        "Type": "AWS::ECS::Service",
        "DependsOn": ["Providers"],
        "Properties": {
            "Cluster": {"Ref": "Cluster"},
            "TaskDefinition": {"Ref": "Task"},
            "DesiredCount": 2,
            "CapacityProviderStrategy": [{"CapacityProvider": {"Ref": "Provider"}, "Weight": 1}],
            "DeploymentConfiguration": {
                "MinimumHealthyPercent": 100,
                "MaximumPercent": 200,
                "DeploymentCircuitBreaker": {"Enable": True, "Rollback": True},
            },
            "EnableECSManagedTags": True,
            "PropagateTags": "SERVICE",
            "NetworkConfiguration": NETWORK,
            "Tags": TAGS,
        },
    },
    "Target": {
        "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
        "Properties": {**SCALED, "MinCapacity": 1, "MaxCapacity": 5, "Tags": TAGS},
    },
    "Policy": {
        "Type": "AWS::ApplicationAutoScaling::ScalingPolicy",
        "DependsOn": "Target",
        "Properties": {
            **SCALED,
            "PolicyName": "cpu",
            "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": {
                "TargetValue": 70,
                "PredefinedMetricSpecification": {
                    "PredefinedMetricType": "ECSServiceAverageCPUUtilization"
                },
            },
        },
    },
    "Nightly": {
        "Type": "AWS::Scheduler::Schedule",
        "Properties": {
            "Description": "each night",
            "ScheduleExpression": "cron(0 3 * * ? *)",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": {
                "Arn": {"Fn::GetAtt": ["Cluster", "Arn"]},
                "RoleArn": "arn:aws:iam::123456789012:role/scheduler",
                "EcsParameters": {
                    "TaskDefinitionArn": {"Ref": "Task"},
                    "TaskCount": 1,
                    "LaunchType": "FARGATE",
                    "EnableECSManagedTags": True,
                    "NetworkConfiguration": NETWORK,
                    "Tags": [{"Key": "team", "Value": "data"}],
                },
                "RetryPolicy": {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 3600},
            },
        },
    },
}
TAGGABLE = [name for name, each in RESOURCES.items() if each["Type"] in READERS]


class Place:
    """An embedded AWS, with what a stack of all types refers to."""

    def __init__(self) -> None:
        ec2 = self.client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
        group = ec2.create_security_group(VpcId=vpc, GroupName="g", Description="g")["GroupId"]
        self.values = {"Subnet": subnet, "Group": group, "Value": "s3cret"}

    def client(self, service: str) -> Any:
        """Return a service's client."""
        return client_of(service, "us-east-1")

    def put(self, resources: dict[str, Any], **outputs: Any) -> str:
        """Create or update the stack and return its status."""
        cfn = self.client("cloudformation")
        new = NAME not in [each["StackName"] for each in cfn.describe_stacks()["Stacks"]]
        template = {
            "Parameters": {name: {"Type": "String"} for name in self.values},
            "Resources": resources,
            "Outputs": {name: {"Value": value} for name, value in outputs.items()},
        }
        (cfn.create_stack if new else cfn.update_stack)(
            StackName=NAME,
            TemplateBody=json.dumps(template),
            Parameters=[
                {"ParameterKey": name, "ParameterValue": value}
                for name, value in self.values.items()
            ],
        )
        return self.stack()["StackStatus"]

    def stack(self) -> dict[str, Any]:
        """Return what CloudFormation says of the stack."""
        return self.client("cloudformation").describe_stacks(StackName=NAME)["Stacks"][0]

    def failures(self) -> dict[str, str]:
        """Return why resources failed."""
        events = self.client("cloudformation").describe_stack_events(StackName=NAME)
        return {
            each["LogicalResourceId"]: each["ResourceStatusReason"]
            for each in events["StackEvents"]
            if each["ResourceStatus"].endswith("_FAILED")
        }

    def ids(self) -> dict[str, str]:
        """Return the physical ids by the logical ones."""
        listed = self.client("cloudformation").list_stack_resources(StackName=NAME)
        return {
            each["LogicalResourceId"]: each["PhysicalResourceId"]
            for each in listed["StackResourceSummaries"]
        }

    def delete(self) -> None:
        """Delete the stack."""
        self.client("cloudformation").delete_stack(StackName=NAME)

    def tags(self, name: str) -> dict[str, str]:
        """Return the tags of a resource, from its service."""
        service, read = READERS[RESOURCES[name]["Type"]]
        return as_mapping(read(self.client(service), self.ids()[name]))

    def found(self) -> dict[str, Any]:
        """Return what there is of each type, as the services tell it, by logical id."""
        ecs, logs = self.client("ecs"), self.client("logs")
        scaling = self.client("application-autoscaling")
        ec2, cloudwatch = self.client("ec2"), self.client("cloudwatch")
        clusters = ecs.describe_clusters(
            clusters=ecs.list_clusters()["clusterArns"], include=["SETTINGS"]
        )["clusters"]
        services = [
            each
            for cluster in clusters
            for arn in ecs.list_services(cluster=cluster["clusterArn"])["serviceArns"]
            for each in ecs.describe_services(cluster=cluster["clusterArn"], services=[arn])[
                "services"
            ]
        ]
        providers = {
            name
            for cluster in clusters
            for name in cluster.get("capacityProviders", [])
            if name != "FARGATE"
        }
        schedules = self.client("scheduler").list_schedules()["Schedules"]
        secrets = self.client("secretsmanager").list_secrets()["SecretList"]
        return {
            "Cluster": clusters,
            "Logs": logs.describe_log_groups()["logGroups"],
            "Secret": [
                {**each, **self.client("secretsmanager").get_secret_value(SecretId=each["ARN"])}
                for each in secrets
            ],
            "Machine": ec2.describe_launch_templates()["LaunchTemplates"],
            "Machines": self.client("autoscaling").describe_auto_scaling_groups()[
                "AutoScalingGroups"
            ],
            "Provider": [
                each
                for name in providers
                for each in ecs.describe_capacity_providers(capacityProviders=[name])[
                    "capacityProviders"
                ]
            ],
            "Task": [
                ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]
                for arn in ecs.list_task_definitions(status="ACTIVE")["taskDefinitionArns"]
            ],
            "Service": services,
            "Target": scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"],
            "Policy": scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"],
            "Nightly": [
                self.client("scheduler").get_schedule(Name=each["Name"]) for each in schedules
            ],
            "alarms": cloudwatch.describe_alarms()["MetricAlarms"],
        }


def part(*names: str) -> dict[str, Any]:
    """Return some of the resources, and those that they refer to."""
    text, found = json.dumps([RESOURCES[name] for name in names]), set(names)
    found |= {each for each in RESOURCES if f'"{each}"' in text}
    chosen = {name: copy.deepcopy(RESOURCES[name]) for name in RESOURCES if name in found}
    return chosen if found == set(names) else part(*chosen)


def changed(name: str, change: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    """Return what `part` returns, with the resource's properties changed."""
    resources = part(name)
    change(resources[name]["Properties"])
    return resources


@pytest.fixture
def place() -> Iterator[Place]:
    """An embedded AWS, which knows all types that are asked for."""
    with embedded() as unsupported:
        yield Place()
        assert unsupported == []


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What was told of a stack of all types."""

    ids: dict[str, str]
    values: dict[str, str]
    outputs: dict[str, str]
    tags: dict[str, dict[str, str]]
    versions: list[dict[str, Any]]
    """Those of the launch template."""
    found: dict[str, Any]


@pytest.fixture(scope="module")
def seen() -> Seen:
    """What CloudFormation and the services tell of a stack of all types."""
    with embedded():
        place = Place()
        attributes = {
            f"{name}{attribute}": {"Fn::GetAtt": [name, attribute]}
            for name, each in RESOURCES.items()
            for attribute in TYPES[each["Type"]].facts
            if TYPES[each["Type"]].has_cfn_attr(attribute)
        }
        assert place.put(RESOURCES, **attributes) == "CREATE_COMPLETE"
        ids = place.ids()
        versions = place.client("ec2").describe_launch_template_versions(
            LaunchTemplateId=ids["Machine"]
        )
        return Seen(
            ids=ids,
            values=place.values,
            outputs={each["OutputKey"]: each["OutputValue"] for each in place.stack()["Outputs"]},
            tags={name: place.tags(name) for name in TAGGABLE},
            versions=versions["LaunchTemplateVersions"],
            found={name: found[0] for name, found in place.found().items()},
        )


def test_every_type_is_tried() -> None:
    """Each type that is built by calls is in the template here, and each taggable is read."""
    assert {each["Type"] for each in RESOURCES.values()} == TYPES.keys()
    tagged = {name for name, each in TYPES.items() if each.tagged is not None}
    assert tagged == TYPES.keys() & READERS.keys()


@pytest.mark.parametrize("name", TAGGABLE)
def test_tags_are_those_of_the_service(seen: Seen, name: str) -> None:
    """The tags that a template gives a resource are told by its service."""
    assert seen.tags[name] == as_mapping(TAGS)


def test_properties_reach_the_service(seen: Seen) -> None:
    """What a template says of a resource is what its service tells of it."""
    found, ids, values = seen.found, seen.ids, seen.values
    network = {
        "assignPublicIp": "DISABLED",
        "securityGroups": [values["Group"]],
        "subnets": [values["Subnet"]],
    }
    assert found["Cluster"]["settings"] == [{"name": "containerInsights", "value": "enabled"}]
    assert found["Cluster"]["capacityProviders"] == ["FARGATE", ids["Provider"]]
    assert found["Cluster"]["defaultCapacityProviderStrategy"] == [
        {"capacityProvider": ids["Provider"], "weight": 1}
    ]
    assert found["Logs"]["retentionInDays"] == 30
    assert (found["Secret"]["SecretString"], found["Secret"]["Description"]) == ("s3cret", "key")
    group = found["Machines"]
    assert (group["MinSize"], group["MaxSize"], group["DesiredCapacity"]) == (0, 4, 0)
    assert group["VPCZoneIdentifier"] == values["Subnet"]
    assert group["LaunchTemplate"]["LaunchTemplateId"] == ids["Machine"]
    assert group["LaunchTemplate"]["Version"] == "1"
    assert all(tag["PropagateAtLaunch"] for tag in group["Tags"])
    provider = found["Provider"]["autoScalingGroupProvider"]
    assert provider["autoScalingGroupArn"] == group["AutoScalingGroupARN"]
    assert provider["managedScaling"]["status"] == "ENABLED"
    service = found["Service"]
    assert service["networkConfiguration"]["awsvpcConfiguration"] == network
    assert service["taskDefinition"] == ids["Task"]
    assert service["capacityProviderStrategy"] == [
        {"capacityProvider": ids["Provider"], "weight": 1}
    ]
    assert "launchType" not in service
    assert service["deploymentConfiguration"]["deploymentCircuitBreaker"]["rollback"] is True
    assert (service["enableECSManagedTags"], service["propagateTags"]) == (True, "SERVICE")
    assert (found["Target"]["MinCapacity"], found["Target"]["MaxCapacity"]) == (1, 5)
    policy = found["Policy"]["TargetTrackingScalingPolicyConfiguration"]
    assert policy["TargetValue"] == 70
    target = found["Nightly"]["Target"]
    assert target["Arn"] == found["Cluster"]["clusterArn"]
    assert target["EcsParameters"]["TaskDefinitionArn"] == ids["Task"]
    assert target["EcsParameters"]["Tags"] == [{"Key": "team", "Value": "data"}]


def test_task_definition_reaches_the_service(seen: Seen) -> None:
    """A task definition is whole, its numbers and switches in the service's own types."""
    task, ids = seen.found["Task"], seen.ids
    assert (task["family"], task["cpu"], task["memory"]) == ("acme-orders", "512", "1024")
    assert (task["networkMode"], task["requiresCompatibilities"]) == ("awsvpc", ["FARGATE"])
    assert task["executionRoleArn"].endswith("role/execution")
    assert task["taskRoleArn"].endswith("role/task")
    assert task["runtimePlatform"]["cpuArchitecture"] == "ARM64"
    assert task["ephemeralStorage"] == {"sizeInGiB": 40}
    [container] = task["containerDefinitions"]
    assert (container["essential"], container["stopTimeout"]) == (True, 120)
    assert container["secrets"] == [{"name": "KEY", "valueFrom": ids["Secret"]}]
    # The keys of a map are somebody's own, and stay as they are written.
    assert container["logConfiguration"]["options"]["awslogs-group"] == ids["Logs"]
    volume = task["volumes"][0]["efsVolumeConfiguration"]
    assert volume["authorizationConfig"] == {"accessPointId": "fsap-1", "iam": "ENABLED"}


def test_launch_template_reaches_the_service(seen: Seen) -> None:
    """A launch template's data is whole."""
    data = seen.versions[0]["LaunchTemplateData"]
    wanted = RESOURCES["Machine"]["Properties"]["LaunchTemplateData"]
    for name in ("ImageId", "InstanceType", "MetadataOptions", "BlockDeviceMappings"):
        assert data[name] == wanted[name]
    assert wanted["TagSpecifications"][0] in data["TagSpecifications"]
    assert data["UserData"] == "ZWNobyBoZWxsbw=="


def test_references_and_attributes(seen: Seen) -> None:
    """`Ref` and `Fn::GetAtt` give what AWS documents for each type."""
    found, outputs = seen.found, seen.outputs
    scaled = f"{found['Target']['ResourceId']}|ecs:service:DesiredCount|ecs"
    assert seen.ids == {
        "Cluster": found["Cluster"]["clusterName"],
        "Logs": found["Logs"]["logGroupName"],
        "Secret": found["Secret"]["ARN"],
        "Machine": found["Machine"]["LaunchTemplateId"],
        "Machines": found["Machines"]["AutoScalingGroupName"],
        "Provider": found["Provider"]["name"],
        "Providers": found["Cluster"]["clusterName"],
        "Task": found["Task"]["taskDefinitionArn"],
        "Service": found["Service"]["serviceArn"],
        "Target": scaled,
        "Policy": found["Policy"]["PolicyARN"],
        "Nightly": found["Nightly"]["Name"],
    }
    assert outputs == {
        "ClusterArn": found["Cluster"]["clusterArn"],
        "LogsArn": found["Logs"]["arn"],
        "SecretId": found["Secret"]["ARN"],
        "MachineLaunchTemplateId": found["Machine"]["LaunchTemplateId"],
        "MachineDefaultVersionNumber": "1",
        "MachineLatestVersionNumber": "1",
        "MachinesAutoScalingGroupARN": found["Machines"]["AutoScalingGroupARN"],
        "TaskTaskDefinitionArn": found["Task"]["taskDefinitionArn"],
        "ServiceServiceArn": found["Service"]["serviceArn"],
        "ServiceName": found["Service"]["serviceName"],
        "TargetId": scaled,
        "PolicyArn": found["Policy"]["PolicyARN"],
        "NightlyArn": found["Nightly"]["Arn"],
    }


def test_names_are_those_of_the_stack(seen: Seen) -> None:
    """A name that the template leaves out is made of the stack's and the resource's."""
    for name in ("Cluster", "Logs", "Machines", "Provider", "Nightly"):
        assert seen.ids[name].startswith(f"{NAME}-{name}-")


def test_long_names_are_cut(place: Place) -> None:
    """A name that is made up has the 64 characters that a schedule may have, and a random end."""
    place.put({name * 40: RESOURCES["Logs"] for name in ("Aa", "Ab")} | part("Nightly"))
    names = [name for key, name in place.ids().items() if len(key) == 80]
    assert [len(name) for name in names] == [64, 64]
    assert len({name[-13:] for name in names}) == 2


def test_many_at_once(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several threads can build stacks in one process, as their calls are answered in turn."""
    cfn = place.client("cloudformation")
    resources = {name: {"Type": RESOURCES[name]["Type"]} for name in ("Cluster", "Logs")}
    body = json.dumps({"Resources": resources})
    entered: list[int] = []
    overlaps: list[int] = []

    def list_stacks(*_: Any) -> list[Any]:
        overlaps.extend(entered)
        entered.append(1)
        time.sleep(0.01)
        entered.pop()
        return []

    def build(number: int) -> None:
        cfn.create_stack(StackName=f"s-{number}", TemplateBody=body)
        cfn.list_stacks()
        if number % 2:
            cfn.delete_stack(StackName=f"s-{number}")

    monkeypatch.setattr(CloudFormationBackend, "list_stacks", list_stacks)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(build, range(16)))
    assert overlaps == []
    assert len(place.found()["Cluster"]) == len(place.found()["Logs"]) == 8


@pytest.mark.parametrize("name", TAGGABLE)
def test_changed_tags_are_changed_in_place(place: Place, name: str) -> None:
    """Tags are added, changed and taken away of a resource that stays the same."""

    def retag(properties: dict[str, Any]) -> None:
        if name == "Machine":
            properties["TagSpecifications"][0]["Tags"] = OTHER_TAGS
        elif name == "Machines":
            properties["Tags"] = [{**tag, "PropagateAtLaunch": True} for tag in OTHER_TAGS]
        else:
            properties["Tags"] = OTHER_TAGS

    place.put(part(name))
    before = place.ids()
    assert place.put(changed(name, retag)) == "UPDATE_COMPLETE"
    assert place.tags(name) == as_mapping(OTHER_TAGS)
    assert place.ids() == before
    place.put(
        changed(
            name,
            lambda properties: properties.pop(
                TYPES[RESOURCES[name]["Type"]].tags.partition("[")[0]
            ),
        )
    )
    assert place.tags(name) == {}


@pytest.mark.parametrize(
    ("name", "change", "look"),
    [
        (
            "Cluster",
            {"ClusterSettings": [{"Name": "containerInsights", "Value": "disabled"}]},
            lambda found: found["settings"][0]["value"] == "disabled",
        ),
        ("Logs", {"RetentionInDays": 7}, lambda found: found["retentionInDays"] == 7),
        ("Secret", {"SecretString": "new"}, lambda found: found["SecretString"] == "new"),
        (
            "Secret",
            {"Description": "new"},
            lambda found: (found["Description"], found["SecretString"]) == ("new", "s3cret"),
        ),
        (
            "Machine",
            {"LaunchTemplateData": {"InstanceType": "m5.xlarge"}},
            lambda found: found["LatestVersionNumber"] == 2,
        ),
        ("Machines", {"MaxSize": "6"}, lambda found: found["MaxSize"] == 6),
        (
            "Provider",
            {
                "AutoScalingGroupProvider": {
                    **RESOURCES["Provider"]["Properties"]["AutoScalingGroupProvider"],
                    "ManagedScaling": {"Status": "DISABLED"},
                }
            },
            lambda found: (
                found["autoScalingGroupProvider"]["managedScaling"]["status"] == "DISABLED"
            ),
        ),
        ("Service", {"DesiredCount": 3}, lambda found: found["desiredCount"] == 3),
        ("Target", {"MaxCapacity": 9}, lambda found: found["MaxCapacity"] == 9),
        (
            "Policy",
            {
                "TargetTrackingScalingPolicyConfiguration": {
                    **RESOURCES["Policy"]["Properties"]["TargetTrackingScalingPolicyConfiguration"],
                    "TargetValue": "50",
                }
            },
            lambda found: found["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 50,
        ),
        (
            "Nightly",
            {"ScheduleExpression": "rate(1 day)"},
            lambda found: (
                (found["ScheduleExpression"], found["Description"]) == ("rate(1 day)", "each night")
            ),
        ),
    ],
)
def test_changed_in_place(place: Place, name: str, change: Any, look: Any) -> None:
    """What an API can change is changed, and the resource stays the same with its tags."""
    place.put(part(name, *(["Provider"] if name == "Service" else [])))
    before = place.ids()
    resources = changed(name, lambda properties: properties.update(change))
    assert place.put(resources) == "UPDATE_COMPLETE", place.failures()
    assert place.ids() == before
    # The provider is found by its cluster alone.
    if name == "Provider":
        [found] = place.client("ecs").describe_capacity_providers(capacityProviders=[before[name]])[
            "capacityProviders"
        ]
    else:
        [found] = place.found()[name]
    assert look(found)
    if name == "Policy":
        # A policy has two alarms, and those of the former one are gone.
        assert (found["PolicyARN"], len(place.found()["alarms"])) == (before[name], 2)
    if name in TAGGABLE:
        assert place.tags(name) == as_mapping(TAGS)


def test_changed_providers_of_a_cluster(place: Place) -> None:
    """A cluster's capacity providers are set anew, and taken away with their resource."""
    place.put(part("Providers"))
    strategy = {"DefaultCapacityProviderStrategy": []}
    place.put(changed("Providers", lambda properties: properties.update(strategy)))
    [cluster] = place.found()["Cluster"]
    assert cluster["defaultCapacityProviderStrategy"] == []
    assert len(cluster["capacityProviders"]) == 2
    place.put(part("Cluster"))
    assert place.found()["Cluster"][0]["capacityProviders"] == []


def test_same_again_changes_nothing(place: Place) -> None:
    """An update to what is there already calls no API, though the template is written anew."""
    place.put(RESOURCES)
    before = place.found()
    for each in (resources := copy.deepcopy(RESOURCES)).values():
        each["Metadata"] = {"written": "anew"}
    assert place.put(resources) == "UPDATE_COMPLETE"
    after = place.found()
    for found in (before, after):
        for each in (*found["Secret"], *found["Nightly"]):
            del each["ResponseMetadata"]
            each.pop("LastAccessedDate", None)
    assert after == before


def test_new_revision_reaches_what_refers_to_it(place: Place) -> None:
    """A changed task definition is a new revision; service and schedule get it; the old one ends.

    Their own entries in the template are as before.
    """
    place.put(RESOURCES)
    before = place.ids()
    resources = copy.deepcopy(RESOURCES)
    resources["Task"]["Properties"]["Memory"] = "2048"
    assert place.put(resources, Task={"Ref": "Task"}) == "UPDATE_COMPLETE"
    found = place.found()
    [task] = found["Task"]
    assert (task["revision"], task["memory"]) == (2, "2048")
    assert place.tags("Task") == as_mapping(TAGS)
    assert found["Service"][0]["taskDefinition"] == task["taskDefinitionArn"]
    parameters = found["Nightly"][0]["Target"]["EcsParameters"]
    assert parameters["TaskDefinitionArn"] == task["taskDefinitionArn"]
    assert place.stack()["Outputs"][0]["OutputValue"] == task["taskDefinitionArn"]
    assert {name for name, each in place.ids().items() if each != before[name]} == {"Task"}


def test_new_version_reaches_the_machines(place: Place) -> None:
    """An Auto Scaling group gets the new version of its changed launch template."""
    place.put(part("Machines"))
    resources = part("Machines")
    resources["Machine"]["Properties"]["LaunchTemplateData"]["InstanceType"] = "m5.xlarge"
    place.put(resources)
    assert place.found()["Machines"][0]["LaunchTemplate"]["Version"] == "2"


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("Cluster", {"ClusterName": "other"}),
        ("Logs", {"LogGroupName": "other"}),
        ("Machine", {"LaunchTemplateName": "other"}),
        ("Machines", {"AutoScalingGroupName": "other"}),
        ("Nightly", {"Name": "other"}),
        ("Policy", {"PolicyName": "other"}),
        ("Secret", {"Name": "other"}),
        ("Service", {"ServiceName": "other"}),
        ("Service", {"SchedulingStrategy": "DAEMON"}),
        ("Task", {"Family": "other"}),
    ],
)
def test_replaced(place: Place, name: str, change: dict[str, Any]) -> None:
    """What an API cannot change is created anew, and then the old one is deleted."""
    place.put(part(name))
    before = place.ids()[name]
    resources = changed(name, lambda properties: properties.update(change))
    assert place.put(resources) == "UPDATE_COMPLETE", place.failures()
    assert place.ids()[name] != before
    assert len(place.found()[name]) == 1
    if name in TAGGABLE:
        assert place.tags(name) == as_mapping(TAGS)


def test_property_taken_away(place: Place) -> None:
    """A property taken away has its default again, by another resource if need be."""
    place.put(part("Logs"))
    place.put(changed("Logs", lambda properties: properties.pop("RetentionInDays")))
    [found] = place.found()["Logs"]
    assert "retentionInDays" not in found


def test_desired_count_taken_away(place: Place) -> None:
    """A service whose number of tasks is no longer said keeps it, as an autoscaler moves it."""
    place.put(part("Service"))
    before = place.ids()
    place.put(changed("Service", lambda properties: properties.pop("DesiredCount")))
    assert place.ids() == before
    assert place.found()["Service"][0]["desiredCount"] == 2


@pytest.mark.parametrize("name", RESOURCES)
def test_unknown_property_fails_the_stack(place: Place, name: str) -> None:
    """A property that the service does not know fails the stack, which leaves nothing behind."""
    resources = changed(name, lambda properties: properties.update(Wrong="x"))
    assert place.put(resources) == "ROLLBACK_COMPLETE"
    assert 'Unknown parameter in input: "Wrong"' in place.failures()[name]
    assert not any(place.found().values())
    assert place.ids() == {}


def test_unknown_property_inside(place: Place) -> None:
    """So does one deep inside, and a value that is none."""
    for wrong in ({"Imagee": "x"}, {"StopTimeout": "soon"}):
        resources = part("Task")
        resources["Task"]["Properties"]["ContainerDefinitions"][0].update(wrong)
        place.put(resources)
        assert next(iter(wrong)).lower() in place.failures()["Task"].lower()
        place.delete()


def test_failed_update_is_undone(place: Place) -> None:
    """Where an update fails, all is as it was: changed, replaced, added and removed resources."""
    place.put(RESOURCES)
    before = place.ids()
    resources = copy.deepcopy(RESOURCES)
    resources["More"] = resources["Logs"]
    resources["Logs"]["Properties"]["RetentionInDays"] = 7
    resources["Task"]["Properties"]["Memory"] = "2048"
    resources["Cluster"]["Properties"]["Tags"] = OTHER_TAGS
    resources["Nightly"]["Properties"]["Wrong"] = "x"
    del resources["Policy"]
    assert place.put(resources) == "UPDATE_ROLLBACK_COMPLETE"
    assert place.failures().keys() == {"Nightly"}
    found = place.found()
    assert place.ids() == before
    assert [each["retentionInDays"] for each in found["Logs"]] == [30]
    assert [each["taskDefinitionArn"] for each in found["Task"]] == [before["Task"]]
    assert found["Service"][0]["taskDefinition"] == before["Task"]
    assert len(found["Policy"]) == 1
    assert place.tags("Cluster") == as_mapping(TAGS)
    assert place.put(RESOURCES, Logs={"Ref": "Logs"}) == "UPDATE_COMPLETE"


def test_failed_second_call_leaves_nothing(place: Place) -> None:
    """A resource that is created by two calls is not left behind where the second fails."""
    place.put(changed("Logs", lambda properties: properties.update(RetentionInDays="soon")))
    assert place.found()["Logs"] == []


def test_unknown_attribute_fails_the_stack(place: Place) -> None:
    """An attribute that a type does not have is told, in outputs and in properties."""
    with pytest.raises(ClientError, match="does not support attribute type Wrong"):
        place.put(part("Logs"), X={"Fn::GetAtt": ["Logs", "Wrong"]})
    place.delete()
    secret = {"Description": {"Fn::GetAtt": ["Logs", "Wrong"]}}
    resources = {**part("Logs"), "Secret": {**RESOURCES["Secret"], "Properties": secret}}
    assert place.put(resources) == "ROLLBACK_COMPLETE"
    assert place.failures() == {"Secret": "there is no 'Wrong'"}


def test_references_in_a_circle(place: Place) -> None:
    """Resources that refer to each other are refused before anything is built."""
    logs = {"Type": "AWS::Logs::LogGroup"}
    circle = {"A": {**logs, "DependsOn": "B"}, "B": {**logs, "DependsOn": ["A"]}}
    with pytest.raises(ClientError, match="Circular dependency"):
        place.put(circle)
    place.delete()
    place.put(part("Secret"))
    with pytest.raises(ClientError, match="Circular dependency"):
        place.put(circle)
    assert place.ids().keys() == {"Secret"}


def test_delete_leaves_nothing(place: Place) -> None:
    """A deleted stack of all types leaves nothing, also after an update of all."""
    place.put(RESOURCES)
    resources = copy.deepcopy(RESOURCES)
    resources["Task"]["Properties"]["Memory"] = "2048"
    resources["Logs"]["Properties"]["LogGroupName"] = "other"
    resources["Policy"]["Properties"]["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] = 1
    resources["Cluster"]["Properties"]["ClusterName"] = "other"
    place.put(resources)
    place.delete()
    assert {name: found for name, found in place.found().items() if found} == {}
    assert place.client("cloudformation").describe_stacks()["Stacks"] == []


def test_retained_resources_stay(place: Place) -> None:
    """What is retained stays, when its stack is deleted and when it is taken out of it."""
    kept = part("Logs", "Secret")
    for each in kept.values():
        each["DeletionPolicy"] = "Retain"
    place.put(kept)
    place.put({"Secret": kept["Secret"]})
    assert len(place.found()["Logs"]) == 1
    place.delete()
    found = place.found()
    assert (len(found["Logs"]), len(found["Secret"])) == (1, 1)


def test_retained_when_replaced(place: Place) -> None:
    """What is retained when it is replaced stays."""
    resources = part("Logs")
    resources["Logs"]["UpdateReplacePolicy"] = "Retain"
    place.put(resources)
    resources["Logs"]["Properties"]["LogGroupName"] = "other"
    place.put(resources)
    assert len(place.found()["Logs"]) == 2


def test_retained_resources_go_with_a_failed_creation(place: Place) -> None:
    """What a failed creation made goes again, even where it is retained otherwise."""
    resources = part("Logs", "Secret")
    resources["Logs"]["DeletionPolicy"] = "Retain"
    resources["Secret"].update(DependsOn="Logs", Properties={"Wrong": 1})
    place.put(resources)
    assert place.found()["Logs"] == []


def test_older_types_leave_nothing(place: Place) -> None:
    """What moto's CloudFormation builds by itself is gone with its stack, too."""
    trusted = {"Version": "2012-10-17", "Statement": []}
    rights = {"PolicyName": "x", "PolicyDocument": trusted}
    place.put(
        {
            "Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {"AssumeRolePolicyDocument": trusted, "Policies": [rights]},
            },
            "Profile": {
                "Type": "AWS::IAM::InstanceProfile",
                "Properties": {"Roles": [{"Ref": "Role"}]},
            },
            "Bucket": {"Type": "AWS::S3::Bucket"},
            "Security": {
                "Type": "AWS::EMR::SecurityConfiguration",
                "Properties": {"SecurityConfiguration": {}},
            },
            "Cluster": {
                "Type": "AWS::EMR::Cluster",
                "Properties": {
                    "Name": "x",
                    "ReleaseLabel": "emr-7.5.0",
                    "JobFlowRole": {"Ref": "Profile"},
                    "ServiceRole": {"Ref": "Role"},
                    "Instances": {"TerminationProtected": True},
                },
            },
        }
    )
    assert place.stack()["StackStatus"] == "CREATE_COMPLETE", place.failures()
    ids, iam, emr = place.ids(), place.client("iam"), place.client("emr")
    assert emr.describe_security_configuration(Name=ids["Security"])
    place.delete()
    assert iam.list_roles()["Roles"] == []
    assert iam.list_instance_profiles()["InstanceProfiles"] == []
    assert place.client("s3").list_buckets()["Buckets"] == []
    cluster = emr.describe_cluster(ClusterId=ids["Cluster"])["Cluster"]
    assert cluster["Status"]["State"] == "TERMINATED"
    with pytest.raises(ClientError):
        emr.describe_security_configuration(Name=ids["Security"])


def test_updated_role(place: Place) -> None:
    """A role's rights, its trust and its description are changed in place."""

    def put(action: str, **more: Any) -> Any:
        rights = {"Version": "2012-10-17", "Statement": [{"Action": action}]}
        policies = [{"PolicyName": "x", "PolicyDocument": rights}]
        place.put(
            {
                "Role": {
                    "Type": "AWS::IAM::Role",
                    "Properties": {
                        "AssumeRolePolicyDocument": rights,
                        "Description": action,
                        "Policies": policies,
                        **more,
                    },
                }
            }
        )
        return client.get_role(RoleName=place.ids()["Role"])["Role"]

    client = place.client("iam")
    before, after = put("a:b"), put("c:d")
    assert after["Arn"] == before["Arn"]
    assert after["Description"] == "c:d"
    assert after["AssumeRolePolicyDocument"]["Statement"] == [{"Action": "c:d"}]
    policy = client.get_role_policy(RoleName=after["RoleName"], PolicyName="x")["PolicyDocument"]
    assert policy["Statement"] == [{"Action": "c:d"}]
    put("e:f", Policies=[])
    assert client.list_role_policies(RoleName=after["RoleName"])["PolicyNames"] == []


def test_failed_deletion_keeps_the_stack(place: Place) -> None:
    """A bucket that is not empty cannot be deleted; the stack stays and says so."""
    logs = RESOURCES["Logs"]["Properties"]
    logs = {**RESOURCES["Logs"], "Properties": {**logs, "LogGroupName": {"Ref": "Bucket"}}}
    place.put({"Bucket": {"Type": "AWS::S3::Bucket"}, "Logs": logs})
    bucket = place.ids()["Bucket"]
    place.client("s3").put_object(Bucket=bucket, Key="x", Body=b"x")
    place.delete()
    assert place.stack()["StackStatus"] == "DELETE_FAILED"
    assert "not empty" in place.failures()["Bucket"]
    assert place.ids() == {"Bucket": bucket}
    assert place.found()["Logs"] == []
    place.client("s3").delete_object(Bucket=bucket, Key="x")
    place.delete()
    assert place.client("s3").list_buckets()["Buckets"] == []


def test_protected_stack_is_not_deleted(place: Place) -> None:
    """A stack with termination protection is not deleted until it has none."""
    place.put(part("Logs"))
    cfn = place.client("cloudformation")
    cfn.update_termination_protection(StackName=NAME, EnableTerminationProtection=True)
    with pytest.raises(ClientError, match="TerminationProtection is enabled"):
        place.delete()
    assert len(place.found()["Logs"]) == 1


def test_service_without_security_groups(place: Place) -> None:
    """A service that names no security group is fine, as AWS takes the VPC's default group."""
    resources = part("Service")
    del resources["Service"]["Properties"]["NetworkConfiguration"]["AwsvpcConfiguration"][
        "SecurityGroups"
    ]
    assert place.put(resources) == "CREATE_COMPLETE"


def test_unknown_subnet_fails_the_stack(place: Place) -> None:
    """A subnet that does not exist is refused."""
    place.values["Subnet"] = "subnet-0"
    resources = part("Cluster", "Task", "Machines")
    resources["Service"] = service = copy.deepcopy(RESOURCES["Service"])
    del service["DependsOn"], service["Properties"]["CapacityProviderStrategy"]
    for name in ("Machines", "Service"):
        assert place.put(resources) == "ROLLBACK_COMPLETE"
        assert "'subnet-0' does not exist" in place.failures()[name]
        place.delete()
        del resources[name]
