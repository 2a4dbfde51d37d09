"""Amazon S3."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dativo_infra.names import Grammar, render_word
from dativo_infra.values import Ref

if TYPE_CHECKING:
    from dativo_infra.adapters.terraform.native.lowerings.scope import Scope
    from dativo_infra.resources.s3 import S3Bucket

PREFIX = Grammar(
    what="prefix of a bucket's name, without the hyphen at its end",
    allowed="a-z0-9-",
    longest=36,
    lower=True,
    source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html",
)
"""The provider adds 26 characters to make at most 63."""


def bucket(resource: S3Bucket, scope: Scope) -> None:
    """Write a bucket, and what makes it private, encrypted and short-lived."""
    scope.block(
        "aws_s3_bucket",
        {"bucket_prefix": f"{render_word(scope.name, PREFIX)}-", "tags": resource.tags},
        ignore=["bucket_prefix"],
    )
    name = Ref(resource.key, "name")
    key = resource.kms_key
    algorithm = {"sse_algorithm": "aws:kms" if key else "AES256", "kms_master_key_id": key}
    scope.block(
        "aws_s3_bucket_server_side_encryption_configuration",
        {
            "bucket": name,
            "rule": {
                "apply_server_side_encryption_by_default": algorithm,
                "bucket_key_enabled": key is not None,
            },
        },
    )
    scope.block(
        "aws_s3_bucket_public_access_block",
        {
            "bucket": name,
            "block_public_acls": True,
            "block_public_policy": True,
            "ignore_public_acls": True,
            "restrict_public_buckets": True,
        },
    )
    scope.block(
        "aws_s3_bucket_ownership_controls",
        {"bucket": name, "rule": {"object_ownership": "BucketOwnerEnforced"}},
    )
    if resource.expire_after_days is not None:
        days = resource.expire_after_days
        rule = {
            "id": "expire",
            "status": "Enabled",
            # An empty filter means every object; without one the provider warns.
            "filter": {},
            "expiration": {"days": days},
            "noncurrent_version_expiration": {"noncurrent_days": days},
            "abort_incomplete_multipart_upload": {"days_after_initiation": days},
        }
        scope.block("aws_s3_bucket_lifecycle_configuration", {"bucket": name, "rule": rule})
