"""Amazon CloudWatch Logs."""

from __future__ import annotations

from aws_provider.model import Call, Name, Tagging, Type

TYPES = {
    "aws:cloudwatch/logGroup:LogGroup": Type(
        service="logs",
        id="name",
        which={"logGroupName": "name", "logGroupNamePrefix": "name"},
        names={"name": "logGroupName"},
        create=(Call("create_log_group"), Call("put_retention_policy")),
        read=Call("describe_log_groups"),
        found="logGroups[?logGroupName == '$name'] | [0]",
        update=(Call("put_retention_policy"),),
        delete=(Call("delete_log_group"),),
        outputs={"arn": "found.logGroupArn"},
        replaces=frozenset({"logGroupClass", "name", "namePrefix"}),
        name=Name(prefix="namePrefix", longest=512),
        tagging=Tagging(
            which={"resourceArn": "arn"},
            read=Call("list_tags_for_resource", {"resourceArn": "arn"}),
        ),
    ),
}
