"""Amazon EventBridge Scheduler."""

from __future__ import annotations

from aws_provider.model import Call, Name, Type

TYPES = {
    "aws:scheduler/schedule:Schedule": Type(
        service="scheduler",
        id="join('/', [groupName || 'default', name])",
        which={"GroupName": "groupName || 'default'", "Name": "name"},
        names={
            "target.ecsParameters.networkConfiguration": (
                "NetworkConfiguration.awsvpcConfiguration"
            ),
        },
        create=(Call("create_schedule"),),
        read=Call("get_schedule"),
        found="@",
        update=(Call("update_schedule", whole=True),),
        delete=(Call("delete_schedule"),),
        outputs={"arn": "found.Arn"},
        replaces=frozenset({"groupName", "name", "namePrefix"}),
        name=Name(prefix="namePrefix", longest=64),
    ),
}
