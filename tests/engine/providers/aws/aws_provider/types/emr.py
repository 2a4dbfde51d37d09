"""Amazon EMR on EC2."""

from __future__ import annotations

from aws_provider.model import Call, Name, Tagging, Type

TYPES = {
    "aws:emr/cluster:Cluster": Type(
        service="emr",
        id="answer.JobFlowId",
        which={"ClusterId": "id", "JobFlowIds": "[id]"},
        names={
            "applications": "Applications[].Name",
            "coreInstanceFleet": "Instances.InstanceFleets[InstanceFleetType=CORE]",
            "coreInstanceGroup": "Instances.InstanceGroups[InstanceRole=CORE]",
            "ec2Attributes": "",
            "ec2Attributes.additionalMasterSecurityGroups": (
                "Instances.AdditionalMasterSecurityGroups"
            ),
            "ec2Attributes.additionalSlaveSecurityGroups": (
                "Instances.AdditionalSlaveSecurityGroups"
            ),
            "ec2Attributes.instanceProfile": "JobFlowRole",
            "ec2Attributes.subnetId": "Instances.Ec2SubnetId",
            "ec2Attributes.subnetIds": "Instances.Ec2SubnetIds",
            "keepJobFlowAliveWhenNoSteps": "Instances.KeepJobFlowAliveWhenNoSteps",
            "masterInstanceFleet": "Instances.InstanceFleets[InstanceFleetType=MASTER]",
            "masterInstanceGroup": "Instances.InstanceGroups[InstanceRole=MASTER]",
            "terminationProtection": "Instances.TerminationProtected",
        },
        create=(Call("run_job_flow"),),
        read=Call("describe_cluster"),
        found="[Cluster] | [?!starts_with(Status.State, 'TERMINAT')] | [0]",
        update=(
            Call(
                "set_termination_protection",
                names={"terminationProtection": "TerminationProtected"},
            ),
            Call("set_visible_to_all_users"),
            Call("modify_cluster"),
            Call("put_auto_termination_policy"),
            Call(
                "modify_instance_groups",
                names={
                    "coreInstanceGroup": "InstanceGroups[InstanceGroupId=$coreGroup]",
                    "coreInstanceGroup.instanceType": None,
                },
            ),
        ),
        delete=(Call("terminate_job_flows"),),
        reads={"groups": Call("list_instance_groups")},
        outputs={
            "arn": "found.ClusterArn",
            "clusterState": "found.Status.State",
            "coreGroup": "groups.InstanceGroups[?InstanceGroupType == 'CORE'] | [0].Id",
            "masterPublicDns": "found.MasterPublicDnsName",
        },
        replaces=frozenset(
            {
                "applications",
                "coreInstanceFleet",
                "coreInstanceGroup.instanceType",
                "ec2Attributes",
                "keepJobFlowAliveWhenNoSteps",
                "logUri",
                "masterInstanceFleet",
                "masterInstanceGroup",
                "name",
                "releaseLabel",
                "securityConfiguration",
                "serviceRole",
            }
        ),
        name=Name(),
        tagging=Tagging(tag="add_tags", untag="remove_tags", which={"ResourceId": "id"}),
    ),
    "aws:emr/managedScalingPolicy:ManagedScalingPolicy": Type(
        service="emr",
        id="clusterId",
        which={"ClusterId": "clusterId"},
        names={"computeLimits": "ManagedScalingPolicy.ComputeLimits"},
        create=(Call("put_managed_scaling_policy"),),
        read=Call("get_managed_scaling_policy"),
        found="ManagedScalingPolicy",
        delete=(Call("remove_managed_scaling_policy"),),
        replaces=frozenset({"clusterId", "computeLimits"}),
    ),
    "aws:emr/securityConfiguration:SecurityConfiguration": Type(
        service="emr",
        id="name",
        which={"Name": "name"},
        names={"configuration": "SecurityConfiguration"},
        create=(Call("create_security_configuration"),),
        read=Call("describe_security_configuration"),
        found="@",
        delete=(Call("delete_security_configuration"),),
        outputs={"creationDate": "found.CreationDateTime"},
        replaces=frozenset({"configuration", "name", "namePrefix"}),
        name=Name(prefix="namePrefix"),
    ),
}
