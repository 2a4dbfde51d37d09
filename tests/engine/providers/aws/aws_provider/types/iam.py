"""AWS Identity and Access Management."""

from __future__ import annotations

from aws_provider.model import Call, Name, Tagging, Type

TYPES = {
    "aws:iam/instanceProfile:InstanceProfile": Type(
        service="iam",
        id="name",
        which={"InstanceProfileName": "name"},
        names={"name": "InstanceProfileName", "role": "RoleName"},
        create=(Call("create_instance_profile"), Call("add_role_to_instance_profile")),
        read=Call("get_instance_profile"),
        found="InstanceProfile",
        delete=(
            Call("remove_role_from_instance_profile", {"RoleName": "role"}),
            Call("delete_instance_profile"),
        ),
        outputs={"arn": "found.Arn", "uniqueId": "found.InstanceProfileId"},
        replaces=frozenset({"name", "namePrefix", "path"}),
        name=Name(prefix="namePrefix", longest=128),
        tagging=Tagging(
            tag="tag_instance_profile",
            untag="untag_instance_profile",
            which={"InstanceProfileName": "name"},
        ),
    ),
    "aws:iam/role:Role": Type(
        service="iam",
        id="name",
        which={"RoleName": "name"},
        names={"assumeRolePolicy": "AssumeRolePolicyDocument", "name": "RoleName"},
        create=(Call("create_role"),),
        read=Call("get_role"),
        found="Role",
        update=(
            Call("update_assume_role_policy", names={"assumeRolePolicy": "PolicyDocument"}),
            Call("update_role"),
        ),
        delete=(Call("delete_role"),),
        outputs={"arn": "found.Arn", "uniqueId": "found.RoleId"},
        replaces=frozenset({"name", "namePrefix", "path"}),
        name=Name(prefix="namePrefix", longest=64),
        tagging=Tagging(tag="tag_role", untag="untag_role", which={"RoleName": "name"}),
    ),
    "aws:iam/rolePolicy:RolePolicy": Type(
        service="iam",
        id="join(':', [role, name])",
        which={"RoleName": "role", "PolicyName": "name"},
        names={"name": "PolicyName", "policy": "PolicyDocument", "role": "RoleName"},
        create=(Call("put_role_policy"),),
        read=Call("get_role_policy"),
        found="@",
        update=(Call("put_role_policy", whole=True),),
        delete=(Call("delete_role_policy"),),
        replaces=frozenset({"name", "namePrefix", "role"}),
        name=Name(prefix="namePrefix", longest=128),
    ),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": Type(
        service="iam",
        id="join('/', [role, policyArn])",
        which={"RoleName": "role", "PolicyArn": "policyArn"},
        names={"role": "RoleName"},
        create=(Call("attach_role_policy"),),
        read=Call("list_attached_role_policies"),
        found="AttachedPolicies[?PolicyArn == '$policyArn'] | [0]",
        delete=(Call("detach_role_policy"),),
        replaces=frozenset({"policyArn", "role"}),
    ),
}
