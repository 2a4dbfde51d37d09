"""The types that the embedded CloudFormation builds by the services' own calls.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dativo_infra.adapters.cloudformation.local.model import Type

if TYPE_CHECKING:
    from collections.abc import Mapping

_SCALED = {
    name: f"properties.{name}" for name in ("ServiceNamespace", "ResourceId", "ScalableDimension")
}
_SCALED_ID = (
    "join('|', [properties.ResourceId, properties.ScalableDimension, properties.ServiceNamespace])"
)

TYPES: Mapping[str, Type] = {
    "AWS::ApplicationAutoScaling::ScalableTarget": Type(
        service="application-autoscaling",
        create="register_scalable_target",
        update=("register_scalable_target",),
        delete="deregister_scalable_target",
        id=_SCALED,
        facts={"Ref": _SCALED_ID, "Id": _SCALED_ID, "arn": "answer.ScalableTargetARN"},
        tagged={"ResourceARN": "arn"},
    ),
    "AWS::ApplicationAutoScaling::ScalingPolicy": Type(
        service="application-autoscaling",
        create="put_scaling_policy",
        update=("put_scaling_policy",),
        whole=True,
        delete="delete_scaling_policy",
        id={"PolicyName": "properties.PolicyName", **_SCALED},
        facts={"Ref": "answer.PolicyARN", "Arn": "answer.PolicyARN"},
    ),
    "AWS::AutoScaling::AutoScalingGroup": Type(
        service="autoscaling",
        create="create_auto_scaling_group",
        update=("update_auto_scaling_group",),
        delete="delete_auto_scaling_group",
        delete_with={"ForceDelete": "`true`"},
        id={"AutoScalingGroupName": "name"},
        named="AutoScalingGroupName",
        kept=frozenset({"DesiredCapacity"}),
        renamed={"Cooldown": "DefaultCooldown"},
        read=("describe_auto_scaling_groups", {"AutoScalingGroupNames": "[name]"}),
        facts={
            "Ref": "name",
            "AutoScalingGroupARN": "answer.AutoScalingGroups[0].AutoScalingGroupARN",
        },
        tagged={},
        tag=("create_or_update_tags", "delete_tags"),
        tag_with={"ResourceId": "name", "ResourceType": "'auto-scaling-group'"},
    ),
    "AWS::EC2::LaunchTemplate": Type(
        service="ec2",
        create="create_launch_template",
        update=("create_launch_template_version",),
        whole=True,
        delete="delete_launch_template",
        id={"LaunchTemplateName": "name"},
        named="LaunchTemplateName",
        read=("describe_launch_templates", {"LaunchTemplateNames": "[name]"}),
        facts={
            "Ref": "answer.LaunchTemplates[0].LaunchTemplateId",
            "LaunchTemplateId": "answer.LaunchTemplates[0].LaunchTemplateId",
            "DefaultVersionNumber": "to_string(answer.LaunchTemplates[0].DefaultVersionNumber)",
            "LatestVersionNumber": "to_string(answer.LaunchTemplates[0].LatestVersionNumber)",
        },
        tags="TagSpecifications[?ResourceType=='launch-template'].Tags[]",
        tagged={"Resources": "[Ref]"},
        tag=("create_tags", "delete_tags"),
    ),
    "AWS::ECS::CapacityProvider": Type(
        service="ecs",
        create="create_capacity_provider",
        update=("update_capacity_provider",),
        delete="delete_capacity_provider",
        id={"name": "name", "capacityProvider": "name"},
        named="Name",
        facts={"Ref": "name", "arn": "answer.capacityProvider.capacityProviderArn"},
        tagged={"resourceArn": "arn"},
    ),
    "AWS::ECS::Cluster": Type(
        service="ecs",
        create="create_cluster",
        update=("update_cluster",),
        delete="delete_cluster",
        id={"cluster": "Arn"},
        named="ClusterName",
        renamed={"ClusterSettings": "settings"},
        facts={"Ref": "name", "Arn": "answer.cluster.clusterArn"},
        tagged={"resourceArn": "Arn"},
    ),
    "AWS::ECS::ClusterCapacityProviderAssociations": Type(
        service="ecs",
        create="put_cluster_capacity_providers",
        update=("put_cluster_capacity_providers",),
        whole=True,
        delete="put_cluster_capacity_providers",
        delete_with={"capacityProviders": "`[]`", "defaultCapacityProviderStrategy": "`[]`"},
        id={"cluster": "properties.Cluster"},
        facts={"Ref": "properties.Cluster"},
    ),
    "AWS::ECS::Service": Type(
        service="ecs",
        create="create_service",
        update=("update_service",),
        delete="delete_service",
        delete_with={"force": "`true`"},
        id={"cluster": "properties.Cluster", "service": "Ref"},
        named="ServiceName",
        kept=frozenset({"DesiredCount"}),
        renamed={"PlacementStrategies": "placementStrategy"},
        facts={
            "Ref": "answer.service.serviceArn",
            "ServiceArn": "answer.service.serviceArn",
            "Name": "answer.service.serviceName",
        },
        tagged={"resourceArn": "Ref"},
    ),
    "AWS::ECS::TaskDefinition": Type(
        service="ecs",
        create="register_task_definition",
        delete="deregister_task_definition",
        id={"taskDefinition": "Ref"},
        named="Family",
        facts={
            "Ref": "answer.taskDefinition.taskDefinitionArn",
            "TaskDefinitionArn": "answer.taskDefinition.taskDefinitionArn",
        },
        tagged={"resourceArn": "Ref"},
    ),
    "AWS::Logs::LogGroup": Type(
        service="logs",
        create="create_log_group",
        then=("put_retention_policy",),
        update=("put_retention_policy",),
        delete="delete_log_group",
        id={"logGroupName": "name"},
        named="LogGroupName",
        read=("describe_log_groups", {"logGroupNamePrefix": "name"}),
        facts={
            "Ref": "name",
            "Arn": "answer.logGroups[0].arn",
            "arn": "answer.logGroups[0].logGroupArn",
        },
        tagged={"resourceArn": "arn"},
    ),
    "AWS::Scheduler::Schedule": Type(
        service="scheduler",
        create="create_schedule",
        update=("update_schedule",),
        whole=True,
        delete="delete_schedule",
        id={"Name": "name", "GroupName": "properties.GroupName || 'default'"},
        named="Name",
        facts={"Ref": "name", "Arn": "answer.ScheduleArn"},
    ),
    "AWS::SecretsManager::Secret": Type(
        service="secretsmanager",
        create="create_secret",
        update=("update_secret",),
        delete="delete_secret",
        delete_with={"ForceDeleteWithoutRecovery": "`true`"},
        id={"SecretId": "Ref"},
        named="Name",
        facts={"Ref": "answer.ARN", "Id": "answer.ARN"},
        tagged={"SecretId": "Ref"},
    ),
}
