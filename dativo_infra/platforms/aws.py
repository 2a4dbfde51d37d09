"""What the platforms on AWS have in common: shapes of identifiers, and policy documents."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from dativo_infra.diagnostics import rules
from dativo_infra.values import Concat, Pseudo, Select, Split, Text, concat

if TYPE_CHECKING:
    from dativo_infra.platforms.base import Context

PARTITION = Pseudo("partition")
REGION = Pseudo("region")
ACCOUNT = Pseudo("account_id")

Statement = Mapping[str, Any]

_HEX = "(?:[0-9a-f]{8}|[0-9a-f]{17})"
_ACCOUNT = "[0-9]{12}"
_ARN = "arn:aws[a-z-]*"
_KEY_ID = "(?:mrk-)?[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
BUCKET_NAME = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
"""Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html"""
SHAPES: Mapping[str, tuple[str, str]] = {
    "runtime.network.vpc_id": ("a VPC id such as vpc-0a1b2c3d", f"vpc-{_HEX}"),
    "runtime.network.subnet_ids": ("a subnet id such as subnet-0a1b2c3d", f"subnet-{_HEX}"),
    "runtime.network.security_group_ids": ("a group id such as sg-0a1b2c3d", f"sg-{_HEX}"),
    "runtime.storage.bucket": ("a bucket name", BUCKET_NAME),
    "resources.secrets.secret_manager_arn": (
        "the ARN of a secret, with a twelve-digit account",
        f"{_ARN}:secretsmanager:[a-z0-9-]+:{_ACCOUNT}:secret:[A-Za-z0-9/_+=.@!-]+",
    ),
    "resources.secrets.kms_key_id": (
        "a key's ARN, id or alias",
        f"(?:{_ARN}:kms:[a-z0-9-]+:{_ACCOUNT}:(?:key|alias)/.+|alias/.+|{_KEY_ID})",
    ),
    "resources.queue.arn": ("the ARN of a queue", f"{_ARN}:[a-z]+:[a-z0-9-]+:{_ACCOUNT}:.+"),
}
"""For each field what it should be, and its pattern.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
"""
_ANY_ARN = re.compile(r"arn:[^:\s]+:[^:\s]+:[^:\s]*:[^:\s]*:\S+")
ROLE_ARN = re.compile(f"{_ARN}:iam::{_ACCOUNT}:role/.+")
_ROLE_LIKE = re.compile(f"{_ARN}:iam::[^:]*:role/(?P<name>.+)")
_ROLE_NAME = re.compile(r"[A-Za-z0-9_+=,.@-]{1,64}")


def check_role(context: Context) -> None:
    """Report a service account that looks like a role's ARN, but not like a right one."""
    value = context.get("runtime.service_account")
    if isinstance(value, str) and value.startswith("arn:") and not ROLE_ARN.fullmatch(value):
        context.report(
            rules.SUSPICIOUS_SHAPE.at(
                context.origin("runtime.service_account"),
                f"`{value}` is not a role's ARN with a twelve-digit account.",
            )
        )


def names_role(value: str) -> bool:
    """Return whether a text is the ARN of a role, or a role's name.

    Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
    """
    return (_ROLE_LIKE if value.startswith("arn:") else _ROLE_NAME).fullmatch(value) is not None


def is_arn(value: Text) -> bool:
    """Return whether a text is an ARN; one that is not known yet is taken for one."""
    if isinstance(value, Concat):
        return is_arn(value.parts[0])
    return not isinstance(value, str) or value.startswith("arn:")


def arn_problem(value: Text) -> str | None:
    """Return what is wrong with an ARN, or None; of one that is not known yet little can be."""
    good = _ANY_ARN.fullmatch(value) if isinstance(value, str) else is_arn(value)
    return None if good else "must be an ARN"


def key_problem(key: Text) -> str | None:
    """Return what is wrong with a key of KMS, or None; one known late must be given by its ARN."""
    if isinstance(key, str) and re.fullmatch(f"alias/[A-Za-z0-9/_-]+|{_KEY_ID}", key):
        return None
    return arn_problem(key) and "must be alias/NAME, the id or the ARN of a key"


def bucket_problem(bucket: Text) -> str | None:
    """Return what is wrong with a bucket's name, or with what is known of it; or None."""
    pattern = BUCKET_NAME if isinstance(bucket, str) else "[a-z0-9.-]+"
    parts = bucket.parts if isinstance(bucket, Concat) else (bucket,)
    good = all(re.fullmatch(pattern, part) for part in parts if isinstance(part, str))
    return None if good else "must be the name of a bucket alone"


def name_in(given: Text) -> Text:
    """Return the name of a thing given by its name or ARN, which may be known late.

    Of an ARN this is what follows its last slash.
    """
    if isinstance(given, str):
        return given.rsplit("/", 1)[-1] if given.startswith("arn:") else given
    if not is_arn(given):
        return given
    parts = given.parts if isinstance(given, Concat) else ()
    for index, part in reversed(list(enumerate(parts))):
        if isinstance(part, str) and "/" in part:
            return concat(part.rpartition("/")[2], *parts[index + 1 :])
    return Select(Split("/", given), -1)


def arn(service: str, name: str) -> Text:
    """Return the ARN of a thing in the target's own account and region."""
    return concat("arn:", PARTITION, f":{service}:", REGION, ":", ACCOUNT, f":{name}")


def trust(service: str, **conditions: Any) -> dict[str, Any]:
    """Return the policy by which a service takes on a role."""
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
    }
    if conditions:
        statement["Condition"] = conditions
    return document([statement])


def allow(
    actions: Iterable[str], resources: Iterable[Text], condition: Mapping[str, Any] | None = None
) -> Statement:
    """Return a statement that allows actions on resources."""
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Action": list(actions),
        "Resource": list(resources),
    }
    return {**statement, "Condition": condition} if condition else statement


def document(statements: Iterable[Statement]) -> dict[str, Any]:
    """Return a policy document.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
    """
    return {"Version": "2012-10-17", "Statement": list(statements)}


def read_bucket(bucket: Text) -> tuple[Statement, ...]:
    """Return statements to list one bucket and to read its objects."""
    arn = concat("arn:", PARTITION, ":s3:::", bucket)
    return (
        allow(["s3:GetBucketLocation", "s3:ListBucket"], [arn]),
        allow(["s3:GetObject"], [concat(arn, "/*")]),
    )


def read_write_bucket(bucket: Text) -> tuple[Statement, ...]:
    """Return statements to list one bucket and to read, write and delete its objects."""
    arn = concat("arn:", PARTITION, ":s3:::", bucket)
    return (
        allow(["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"], [arn]),
        allow(
            [
                "s3:AbortMultipartUpload",
                "s3:DeleteObject",
                "s3:GetObject",
                "s3:ListMultipartUploadParts",
                "s3:PutObject",
            ],
            [concat(arn, "/*")],
        ),
    )


def write_logs(bucket: Text, prefix: str) -> tuple[Statement, ...]:
    """Return statements to write below one prefix of a bucket."""
    arn = concat("arn:", PARTITION, ":s3:::", bucket)
    return (
        allow(["s3:GetBucketLocation"], [arn]),
        allow(["s3:PutObject", "s3:AbortMultipartUpload"], [concat(arn, f"/{prefix}*")]),
    )


def read_secret(arn: Text) -> Statement:
    """Return the statement to read one secret, given with or without its random suffix.

    A suffix cannot be told from a name that ends in six letters, so both are allowed.
    Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_iam-policies.html
    """
    return allow(["secretsmanager:GetSecretValue"], [arn, concat(arn, "-??????")])


def use_key(key: Text, actions: Iterable[str] = ("kms:Decrypt",)) -> Statement:
    """Return the statement to use one key, given by its ARN, id, or alias.

    An alias cannot stand in a policy's resources, so the key is then chosen by a condition.
    Source: https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html
    """
    place, _, alias = key.rpartition(":") if isinstance(key, str) else ("", "", "")
    if alias.startswith("alias/"):
        keys = f"{place}:key/*" if place else key_arn("*")
        return allow(actions, [keys], {"ForAnyValue:StringEquals": {"kms:ResourceAliases": alias}})
    return allow(actions, [key_arn(key)])


def key_arn(key: Text) -> Text:
    """Return the ARN of a key or alias of the target's own account and region."""
    if isinstance(key, str) and not key.startswith("arn:"):
        return arn("kms", key if key.startswith("alias/") else f"key/{key}")
    return key


def other_place(arn: Any, account: str | None, region: str | None) -> str | None:
    """Return the account or region that an ARN names, where it is another than the target's."""
    parts = arn.split(":", 5) if isinstance(arn, str) and arn.startswith("arn:") else []
    if len(parts) < 6:
        return None
    if account and parts[4] and parts[4] != account:
        return f"account {parts[4]}"
    if region and parts[3] and parts[3] != region:
        return f"region {parts[3]}"
    return None
