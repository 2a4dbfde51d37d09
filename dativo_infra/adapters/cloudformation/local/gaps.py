"""What moto 5.2 leaves undone of what it has, filled from inside while something is embedded."""
# ruff: noqa: SLF001 - the gaps are inside of moto

from __future__ import annotations

import json
from threading import RLock
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from moto.applicationautoscaling.models import ApplicationAutoscalingBackend
from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse
from moto.autoscaling.exceptions import AutoscalingClientError
from moto.autoscaling.models import FakeAutoScalingGroup
from moto.cloudformation import parsing
from moto.cloudformation.models import CloudFormationBackend, Stack
from moto.cloudformation.responses import CloudFormationResponse
from moto.core.botocore_stubber import BotocoreStubber
from moto.core.responses import ActionResult
from moto.ec2.exceptions import InvalidSubnetIdError
from moto.ec2.models.launch_templates import LaunchTemplate
from moto.ecs.models import EC2ContainerServiceBackend, Service
from moto.ecs.responses import EC2ContainerServiceResponse
from moto.emr.models import Cluster
from moto.iam.models import Role
from moto.s3.models import FakeBucket

from dativo_infra.adapters.cloudformation.local import stacks
from dativo_infra.adapters.cloudformation.local.model import client_of
from dativo_infra.adapters.cloudformation.local.types import TYPES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

GAPS: Mapping[str, str] = {
    "AWS::ApplicationAutoScaling::ScalingPolicy": (
        "moves nothing, and has alarms with made-up limits"
    ),
    "AWS::AutoScaling::AutoScalingGroup": (
        "starts machines that run nothing, whose volumes and network interfaces stay; "
        "an update leaves its cooldown and termination policies"
    ),
    "AWS::ECS::CapacityProvider": "moves nothing; an update leaves its draining",
    "AWS::ECS::Service": "starts no tasks, and shows the deployment of its creation",
    "AWS::EMR::Cluster": (
        "ends at once, has no machines, applications or scaling, and a made-up DNS name"
    ),
    "AWS::EMR::SecurityConfiguration": "an update changes nothing",
    "AWS::IAM::InstanceProfile": "an update changes nothing",
    "AWS::IAM::Role": "has no managed policies",
    "AWS::Logs::LogGroup": "has the standard class",
    "AWS::S3::Bucket": "has no lifecycle rules, ownership controls or public access block",
    "AWS::Scheduler::Schedule": "starts nothing",
}
"""What the embedded CloudFormation leaves out, by type of resource."""


def filled() -> Iterator[Any]:
    """Yield the patches."""
    yield _one_at_a_time()
    yield from _cloudformation()
    yield from _machines()
    yield from _ecs()
    yield from _application_autoscaling()


def _one_at_a_time() -> Any:
    # Moto's memory is not made for threads. A call may make others, in the same thread.
    lock, process = RLock(), BotocoreStubber.process_request

    def process_request(stubber: BotocoreStubber, request: Any) -> Any:
        with lock:
            return process(stubber, request)

    return patch.object(BotocoreStubber, "process_request", process_request)


def _cloudformation() -> Iterator[Any]:
    class_of, update = parsing.resource_class_from_type, parsing.parse_and_update_resource
    attribute, put = Cluster.get_cfn_attribute, Role.put_policy

    def resource_class_from_type(name: str) -> Any:
        if name in TYPES:
            return TYPES[name]
        # Moto logs what it does not know; here it is collected.
        known = name in parsing.get_model_map() or name.startswith("Custom::")
        return class_of(name) if known else None

    def update_resource(
        logical_id: str, resource_json: Any, resources_map: Any, *args: Any, **options: Any
    ) -> Any:
        # Moto wants a bucket's name in the template, leaves most of a role and a cluster's tags as
        # they were, and loses a resource of a type that it cannot update.
        existing = resources_map[logical_id]
        properties = dict(resource_json.get("Properties", {}))
        if isinstance(existing, FakeBucket):
            properties["BucketName"] = existing.name
        changed = {**resource_json, "Properties": properties}
        updated = update(logical_id, changed, resources_map, *args, **options)
        now = parsing.clean_json(properties, resources_map)
        tags = now.get("Tags", [])
        if isinstance(existing, Role):
            existing.tags = tags
            existing.assume_role_policy_document = json.dumps(now["AssumeRolePolicyDocument"])
            existing.policies = {}
            for each in now.get("Policies", []):
                existing.put_policy(each["PolicyName"], each["PolicyDocument"])
        elif isinstance(existing, Cluster):
            existing.remove_tags([tag["Key"] for tag in existing.tags])
            existing.add_tags({tag["Key"]: tag["Value"] for tag in tags})
        return updated or existing

    def put_policy(role: Role, name: str, policy: Any) -> None:
        # A template has a policy as data, IAM as text.
        put(role, name, policy if isinstance(policy, str) else json.dumps(policy))

    def update_termination_protection(response: Any) -> ActionResult:
        stack = response.cloudformation_backend.get_stack(response._get_param("StackName"))
        stack.enable_termination_protection = response._get_bool_param(
            "EnableTerminationProtection"
        )
        return ActionResult({"StackId": stack.stack_id})

    def delete_bucket(name: str, _: Any, __: str, region: str) -> None:
        # Moto leaves a bucket that is not empty, and says nothing.
        client_of("s3", region).delete_bucket(Bucket=name)

    def get_attribute(cluster: Cluster, name: str) -> str:
        if name == "MasterPublicDNS":
            return cluster.master_public_dns_name
        return attribute(cluster, name)

    yield patch.object(parsing, "resource_class_from_type", resource_class_from_type)
    yield patch.object(parsing, "parse_and_update_resource", update_resource)
    yield patch.object(CloudFormationBackend, "execute_change_set", stacks.execute_change_set)
    yield patch.object(CloudFormationBackend, "delete_stack", stacks.delete_stack)
    yield patch.object(Stack, "create_resources", stacks.create_resources)
    yield patch.object(Stack, "update", stacks.update)
    yield patch.object(
        CloudFormationResponse,
        "update_termination_protection",
        update_termination_protection,
        create=True,
    )
    yield patch.object(Cluster, "get_cfn_attribute", get_attribute)
    yield patch.object(Role, "put_policy", put_policy)
    yield patch.object(FakeBucket, "delete_from_cloudformation_json", staticmethod(delete_bucket))


def _machines() -> Iterator[Any]:
    place = FakeAutoScalingGroup._set_azs_and_vpcs

    def set_azs_and_vpcs(group: Any, *args: Any, **options: Any) -> None:
        # Moto fails to say EC2's error as one of Auto Scaling.
        try:
            place(group, *args, **options)
        except InvalidSubnetIdError as error:
            raise AutoscalingClientError("ValidationError", error.message) from error

    yield patch.object(FakeAutoScalingGroup, "_set_azs_and_vpcs", set_azs_and_vpcs)
    # Moto shows the tags that a launch template was created with.
    tags = property(LaunchTemplate.get_tags, lambda *_: None)
    yield patch.object(LaunchTemplate, "tags", tags, create=True)


_DROPPED = {
    "capacityProviderStrategy": "capacity_provider_strategy",
    "deploymentConfiguration": "deployment_configuration",
    "enableECSManagedTags": "enable_ecs_managed_tags",
    "enableExecuteCommand": "enable_execute_command",
    "healthCheckGracePeriodSeconds": "health_check_grace_period_seconds",
    "placementConstraints": "placement_constraints",
    "placementStrategy": "placement_strategy",
}
"""What moto forgets of a service that is created, and what it calls it when it is updated."""


def _ecs() -> Iterator[Any]:
    create, network = EC2ContainerServiceResponse.create_service, Service._validate_network

    def create_service(response: Any) -> ActionResult:
        answer: Any = create(response)
        service = answer.result["service"]
        for name, attribute in _DROPPED.items():
            if (value := response._get_param(name)) is not None:
                setattr(service, attribute, value)
        cluster = response.ecs_backend._get_cluster(service.cluster_name)
        # A service has a launch type or capacity providers, its own or the cluster's.
        if not response._get_param("launchType") and (
            response._get_param("capacityProviderStrategy")
            or cluster.default_capacity_provider_strategy
        ):
            service.launch_type = None
            for deployment in service.deployments:
                deployment["launchType"] = None
        return answer

    def validate_network(service: Any, configuration: Any) -> Any:
        # Moto fails where no security group is named; AWS takes the VPC's default group.
        configuration["awsvpcConfiguration"].setdefault("securityGroups", [])
        return network(service, configuration)

    def list_clusters(backend: EC2ContainerServiceBackend) -> list[str]:
        return [each.arn for each in backend.clusters.values() if each.status == "ACTIVE"]

    listed = EC2ContainerServiceBackend.list_services

    def list_services(backend: EC2ContainerServiceBackend, *args: Any, **options: Any) -> list[str]:
        active = {each.arn for each in backend.services.values() if each.status == "ACTIVE"}
        return [arn for arn in listed(backend, *args, **options) if arn in active]

    yield patch.object(EC2ContainerServiceResponse, "create_service", create_service)
    yield patch.object(Service, "_validate_network", validate_network)
    # Moto lists what was deleted.
    yield patch.object(EC2ContainerServiceBackend, "list_clusters", list_clusters)
    yield patch.object(EC2ContainerServiceBackend, "list_services", list_services)


def _application_autoscaling() -> Iterator[Any]:
    register = ApplicationAutoScalingResponse.register_scalable_target
    put = ApplicationAutoscalingBackend.put_scaling_policy

    def target_of(response: Any) -> Any:
        backend, arn = response.applicationautoscaling_backend, response._get_param("ResourceARN")
        targets = (each for group in backend.targets.values() for each in group.values())
        return next(each for each in targets if each.arn == arn)

    def register_scalable_target(response: Any) -> str:
        answer = register(response)
        backend, arn = response.applicationautoscaling_backend, json.loads(answer)
        for group in backend.targets.values():
            for target in group.values():
                if target.arn == arn["ScalableTargetARN"] and not hasattr(target, "tags"):
                    target.tags = response._get_param("Tags", {})
        return answer

    def list_tags_for_resource(response: Any) -> str:
        return json.dumps({"Tags": target_of(response).tags})

    def tag_resource(response: Any) -> str:
        target_of(response).tags |= response._get_param("Tags")
        return "{}"

    def untag_resource(response: Any) -> str:
        for key in response._get_param("TagKeys"):
            target_of(response).tags.pop(key, None)
        return "{}"

    def put_scaling_policy(backend: Any, *args: Any, **options: Any) -> Any:
        # Moto makes another policy of a changed one, and leaves the alarms of the former.
        before = dict(backend.policies)
        policy = put(backend, *args, **options)
        for key, old in before.items():
            if backend.policies[key] is not old:
                old.delete_alarms(backend.account_id, backend.region_name)
                policy.policy_arn = old.policy_arn
        return policy

    for function in (list_tags_for_resource, tag_resource, untag_resource):
        yield patch.object(ApplicationAutoScalingResponse, function.__name__, function, create=True)
    yield patch.object(
        ApplicationAutoScalingResponse, "register_scalable_target", register_scalable_target
    )
    yield patch.object(ApplicationAutoscalingBackend, "put_scaling_policy", put_scaling_policy)
