"""Amazon EC2.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_EC2.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from troposphere import Base64, Tags, ec2

if TYPE_CHECKING:
    from dativo_infra.adapters.cloudformation.values import Lower
    from dativo_infra.resources.ec2 import LaunchTemplate

LAUNCHED = ("instance", "volume", "network-interface")
"""What is tagged when a machine starts."""


def launch_template(logical_id: str, resource: LaunchTemplate, value: Lower) -> ec2.LaunchTemplate:
    """Return the `AWS::EC2::LaunchTemplate`, named by CloudFormation."""
    optional: dict[str, Any] = {}
    if resource.security_group_ids:
        optional["SecurityGroupIds"] = value(resource.security_group_ids)
    if resource.spot:
        optional["InstanceMarketOptions"] = ec2.InstanceMarketOptions(MarketType="spot")
    return ec2.LaunchTemplate(
        logical_id,
        LaunchTemplateData=ec2.LaunchTemplateData(
            ImageId=value(resource.image),
            InstanceType=value(resource.instance_type),
            IamInstanceProfile=ec2.IamInstanceProfile(Arn=value(resource.instance_profile)),
            BlockDeviceMappings=[_root_volume(resource.root_volume_size)],
            MetadataOptions=ec2.MetadataOptions(HttpTokens="required", HttpPutResponseHopLimit=1),
            UserData=Base64(value(resource.user_data)),
            TagSpecifications=[_tagged(kind, resource, value) for kind in LAUNCHED],
            **optional,
        ),
        TagSpecifications=[_tagged("launch-template", resource, value)],
    )


def _root_volume(size: int) -> ec2.LaunchTemplateBlockDeviceMapping:
    return ec2.LaunchTemplateBlockDeviceMapping(
        DeviceName="/dev/xvda",
        Ebs=ec2.EBSBlockDevice(
            VolumeType="gp3", VolumeSize=size, Encrypted=True, DeleteOnTermination=True
        ),
    )


def _tagged(kind: str, resource: LaunchTemplate, value: Lower) -> ec2.TagSpecifications:
    return ec2.TagSpecifications(ResourceType=kind, Tags=Tags(value(resource.tags)))
