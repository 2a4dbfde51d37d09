"""AWS Secrets Manager."""

from __future__ import annotations

from aws_provider.model import Call, Name, Tagging, Type

TYPES = {
    "aws:secretsmanager/secret:Secret": Type(
        service="secretsmanager",
        id="answer.ARN",
        which={"SecretId": "id"},
        create=(Call("create_secret"),),
        read=Call("describe_secret"),
        found="[@] | [?!DeletedDate] | [0]",
        update=(Call("update_secret"),),
        delete=(Call("delete_secret", {"RecoveryWindowInDays": "recoveryWindowInDays || `30`"}),),
        outputs={"arn": "found.ARN"},
        replaces=frozenset({"name", "namePrefix", "type"}),
        own=frozenset({"recoveryWindowInDays"}),
        name=Name(prefix="namePrefix", longest=512),
        tagging=Tagging(which={"SecretId": "id"}),
    ),
    "aws:secretsmanager/secretVersion:SecretVersion": Type(
        service="secretsmanager",
        id="join('|', [secretId, answer.VersionId])",
        which={"SecretId": "secretId", "VersionId": "versionId || answer.VersionId"},
        create=(Call("put_secret_value"),),
        read=Call("get_secret_value"),
        found="{ARN: ARN, VersionId: VersionId}",
        # The current version goes with its secret.
        delete=(),
        outputs={"arn": "found.ARN", "versionId": "found.VersionId"},
        replaces=frozenset({"secretBinary", "secretId", "secretString"}),
    ),
}
