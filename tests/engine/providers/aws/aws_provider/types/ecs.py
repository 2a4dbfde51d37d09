"""Amazon Elastic Container Service."""

from __future__ import annotations

from aws_provider.model import Call, Name, Tagging, Type

_NONE = {"capacityProviders": "`[]`", "defaultCapacityProviderStrategy": "`[]`"}
_TAGGING = Tagging(which={"resourceArn": "arn"})

TYPES = {
    "aws:ecs/capacityProvider:CapacityProvider": Type(
        service="ecs",
        id="answer.capacityProvider.capacityProviderArn",
        which={
            "name": "name",
            "capacityProvider": "name",
            "capacityProviders": "[name]",
            "include": "['TAGS']",
        },
        create=(Call("create_capacity_provider"),),
        read=Call("describe_capacity_providers"),
        found="capacityProviders[?status == 'ACTIVE'] | [0]",
        update=(
            Call(
                "update_capacity_provider",
                names={"autoScalingGroupProvider.autoScalingGroupArn": None},
            ),
        ),
        delete=(Call("delete_capacity_provider"),),
        outputs={"arn": "found.capacityProviderArn"},
        replaces=frozenset({"autoScalingGroupProvider.autoScalingGroupArn", "name"}),
        name=Name(),
        tagging=_TAGGING,
    ),
    "aws:ecs/cluster:Cluster": Type(
        service="ecs",
        id="answer.cluster.clusterArn",
        which={
            "cluster": "name",
            "clusters": "[name]",
            "include": "['SETTINGS', 'TAGS']",
        },
        names={"name": "clusterName"},
        create=(Call("create_cluster"),),
        read=Call("describe_clusters"),
        found="clusters[?status == 'ACTIVE'] | [0]",
        update=(Call("update_cluster"),),
        delete=(Call("delete_cluster"),),
        outputs={"arn": "found.clusterArn"},
        replaces=frozenset({"name"}),
        name=Name(),
        tagging=_TAGGING,
    ),
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders": Type(
        service="ecs",
        id="clusterName",
        which={"cluster": "clusterName", "clusters": "[clusterName]"},
        names={"clusterName": "cluster"},
        create=(Call("put_cluster_capacity_providers", _NONE),),
        read=Call("describe_clusters"),
        found="clusters[?status == 'ACTIVE' && capacityProviders] | [0]",
        update=(Call("put_cluster_capacity_providers", _NONE, whole=True),),
        delete=(Call("put_cluster_capacity_providers", _NONE),),
        replaces=frozenset({"clusterName"}),
    ),
    "aws:ecs/service:Service": Type(
        service="ecs",
        id="answer.service.serviceArn",
        which={
            "cluster": "cluster",
            "include": "['TAGS']",
            "service": "name",
            "services": "[name]",
        },
        names={
            "deploymentCircuitBreaker": "deploymentConfiguration.deploymentCircuitBreaker",
            "deploymentMaximumPercent": "deploymentConfiguration.maximumPercent",
            "deploymentMinimumHealthyPercent": "deploymentConfiguration.minimumHealthyPercent",
            "name": "serviceName",
            "networkConfiguration": "networkConfiguration.awsvpcConfiguration",
        },
        create=(Call("create_service"),),
        read=Call("describe_services"),
        found="services[?status == 'ACTIVE'] | [0]",
        update=(Call("update_service"),),
        delete=(Call("update_service", {"desiredCount": "`0`"}), Call("delete_service")),
        outputs={"arn": "found.serviceArn"},
        told={"capacityProviderStrategies": "found.capacityProviderStrategy"},
        replaces_none=frozenset({"capacityProviderStrategies"}),
        replaces=frozenset({"cluster", "launchType", "name", "schedulingStrategy"}),
        own=frozenset({"waitForSteadyState"}),
        name=Name(),
        tagging=_TAGGING,
    ),
    "aws:ecs/taskDefinition:TaskDefinition": Type(
        service="ecs",
        id="family",
        which={"taskDefinition": "arn || answer.taskDefinition.taskDefinitionArn"},
        names={"volumes.hostPath": "host.sourcePath"},
        create=(Call("register_task_definition"),),
        read=Call("describe_task_definition", {"include": "['TAGS']"}),
        found="[@] | [?taskDefinition.status == 'ACTIVE'] | [0]",
        delete=(Call("deregister_task_definition"),),
        outputs={
            "arn": "found.taskDefinition.taskDefinitionArn",
            "revision": "found.taskDefinition.revision",
        },
        replaces=frozenset(
            {
                "containerDefinitions",
                "cpu",
                "ephemeralStorage",
                "executionRoleArn",
                "family",
                "memory",
                "networkMode",
                "requiresCompatibilities",
                "runtimePlatform",
                "taskRoleArn",
                "volumes",
            }
        ),
        tagging=_TAGGING,
    ),
}
