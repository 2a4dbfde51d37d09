"""Amazon EC2."""

from __future__ import annotations

from aws_provider.model import Call, Name, Tagging, Type

_TAGGING = Tagging(tag="create_tags", untag="delete_tags", which={"Resources": "[id]"})

TYPES = {
    "aws:ec2/launchTemplate:LaunchTemplate": Type(
        service="ec2",
        id="answer.LaunchTemplate.LaunchTemplateId",
        which={"LaunchTemplateId": "id", "LaunchTemplateIds": "[id]"},
        names={
            **{
                name: f"LaunchTemplateData.{name[0].upper()}{name[1:]}"
                for name in (
                    "blockDeviceMappings",
                    "iamInstanceProfile",
                    "imageId",
                    "instanceMarketOptions",
                    "instanceType",
                    "metadataOptions",
                    "tagSpecifications",
                    "userData",
                )
            },
            "name": "LaunchTemplateName",
            "tags": "TagSpecifications[ResourceType=launch-template].Tags",
            "vpcSecurityGroupIds": "LaunchTemplateData.SecurityGroupIds",
        },
        create=(Call("create_launch_template"),),
        read=Call("describe_launch_templates"),
        found="LaunchTemplates[0]",
        update=(Call("create_launch_template_version", names={"name": None}, whole=True),),
        delete=(Call("delete_launch_template"),),
        outputs={
            "arn": (
                "join('', ['arn:', partition, ':ec2:', region, ':', account, "
                "':launch-template/', found.LaunchTemplateId])"
            ),
            "defaultVersion": "found.DefaultVersionNumber",
            "latestVersion": "found.LatestVersionNumber",
        },
        volatile=frozenset({"latestVersion"}),
        replaces=frozenset({"name", "namePrefix"}),
        name=Name(prefix="namePrefix", longest=128),
        tagging=_TAGGING,
    ),
    "aws:ec2/subnet:Subnet": Type(
        service="ec2",
        id="answer.Subnet.SubnetId",
        which={"SubnetId": "id", "SubnetIds": "[id]"},
        names={"tags": "TagSpecifications[ResourceType=subnet].Tags"},
        create=(Call("create_subnet"),),
        read=Call("describe_subnets"),
        found="Subnets[0]",
        delete=(Call("delete_subnet"),),
        outputs={"arn": "found.SubnetArn", "availabilityZone": "found.AvailabilityZone"},
        replaces=frozenset({"availabilityZone", "cidrBlock", "vpcId"}),
        tagging=_TAGGING,
    ),
    "aws:ec2/vpc:Vpc": Type(
        service="ec2",
        id="answer.Vpc.VpcId",
        which={"VpcId": "id", "VpcIds": "[id]"},
        names={
            "enableDnsHostnames": "EnableDnsHostnames.Value",
            "tags": "TagSpecifications[ResourceType=vpc].Tags",
        },
        create=(Call("create_vpc"), Call("modify_vpc_attribute")),
        read=Call("describe_vpcs"),
        found="Vpcs[0]",
        update=(Call("modify_vpc_attribute"),),
        delete=(Call("delete_vpc"),),
        outputs={
            "arn": "join('', ['arn:', partition, ':ec2:', region, ':', account, ':vpc/', id])"
        },
        replaces=frozenset({"cidrBlock"}),
        tagging=_TAGGING,
    ),
}
