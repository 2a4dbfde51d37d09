"""Amazon EC2 Auto Scaling, and Application Auto Scaling."""

from __future__ import annotations

from aws_provider.model import Call, Name, Tagging, Type

_SCALED = {
    "ResourceId": "resourceId",
    "ScalableDimension": "scalableDimension",
    "ServiceNamespace": "serviceNamespace",
}

TYPES = {
    "aws:appautoscaling/policy:Policy": Type(
        service="application-autoscaling",
        id="name",
        which={"PolicyName": "name", "PolicyNames": "[name]", **_SCALED},
        names={"name": "PolicyName"},
        create=(Call("put_scaling_policy"),),
        read=Call("describe_scaling_policies"),
        found="ScalingPolicies[0]",
        update=(Call("put_scaling_policy", whole=True),),
        delete=(Call("delete_scaling_policy"),),
        outputs={"arn": "found.PolicyARN", "alarmArns": "found.Alarms[].AlarmARN"},
        replaces=frozenset({"name", "resourceId", "scalableDimension", "serviceNamespace"}),
        name=Name(),
    ),
    "aws:appautoscaling/target:Target": Type(
        service="application-autoscaling",
        id="resourceId",
        which={"ResourceIds": "[resourceId]", **_SCALED},
        create=(Call("register_scalable_target"),),
        read=Call("describe_scalable_targets"),
        found="ScalableTargets[0]",
        update=(Call("register_scalable_target", names={"tags": None}),),
        delete=(Call("deregister_scalable_target"),),
        outputs={"arn": "found.ScalableTargetARN", "roleArn": "found.RoleARN"},
        replaces=frozenset({"resourceId", "roleArn", "scalableDimension", "serviceNamespace"}),
        tagging=Tagging(
            which={"ResourceARN": "arn"},
            read=Call("list_tags_for_resource", {"ResourceARN": "arn"}),
        ),
    ),
    "aws:autoscaling/group:Group": Type(
        service="autoscaling",
        id="name",
        which={"AutoScalingGroupName": "name", "AutoScalingGroupNames": "[name]"},
        names={
            "launchTemplate.id": "LaunchTemplateId",
            "launchTemplate.name": "LaunchTemplateName",
            "name": "AutoScalingGroupName",
            "vpcZoneIdentifiers": "VPCZoneIdentifier",
        },
        create=(Call("create_auto_scaling_group"),),
        read=Call("describe_auto_scaling_groups"),
        found="AutoScalingGroups[0]",
        update=(Call("update_auto_scaling_group"),),
        delete=(
            Call(
                "update_auto_scaling_group",
                {"DesiredCapacity": "`0`", "MaxSize": "`0`", "MinSize": "`0`"},
            ),
            Call("delete_auto_scaling_group", {"ForceDelete": "`true`"}),
        ),
        outputs={"arn": "found.AutoScalingGroupARN"},
        replaces=frozenset({"name", "namePrefix"}),
        name=Name(prefix="namePrefix"),
        tagging=Tagging(
            tag="create_or_update_tags",
            untag="delete_tags",
            entry={"ResourceId": "name", "ResourceType": "'auto-scaling-group'"},
        ),
    ),
}
