"""Amazon S3.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_S3.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from troposphere import Tags, s3

if TYPE_CHECKING:
    from dativo_infra.adapters.cloudformation.values import Lower
    from dativo_infra.resources.s3 import S3Bucket


def bucket(logical_id: str, resource: S3Bucket, value: Lower) -> s3.Bucket:
    """Return the `AWS::S3::Bucket`, named by CloudFormation."""
    optional: dict[str, Any] = {}
    if resource.expire_after_days is not None:
        optional["LifecycleConfiguration"] = _expiration(resource.expire_after_days)
    return s3.Bucket(
        logical_id,
        BucketEncryption=_encryption(resource, value),
        OwnershipControls=s3.OwnershipControls(
            Rules=[s3.OwnershipControlsRule(ObjectOwnership="BucketOwnerEnforced")]
        ),
        PublicAccessBlockConfiguration=s3.PublicAccessBlockConfiguration(
            BlockPublicAcls=True,
            BlockPublicPolicy=True,
            IgnorePublicAcls=True,
            RestrictPublicBuckets=True,
        ),
        Tags=Tags(value(resource.tags)),
        **optional,
    )


def _encryption(resource: S3Bucket, value: Lower) -> s3.BucketEncryption:
    if resource.kms_key is None:
        rule = s3.ServerSideEncryptionRule(
            ServerSideEncryptionByDefault=s3.ServerSideEncryptionByDefault(SSEAlgorithm="AES256")
        )
    else:
        rule = s3.ServerSideEncryptionRule(
            # One key a bucket for some time, instead of a paid call to KMS for each object.
            BucketKeyEnabled=True,
            ServerSideEncryptionByDefault=s3.ServerSideEncryptionByDefault(
                SSEAlgorithm="aws:kms", KMSMasterKeyID=value(resource.kms_key)
            ),
        )
    return s3.BucketEncryption(ServerSideEncryptionConfiguration=[rule])


def _expiration(days: int) -> s3.LifecycleConfiguration:
    rule = s3.LifecycleRule(
        Id="expire",
        Status="Enabled",
        ExpirationInDays=days,
        NoncurrentVersionExpiration=s3.NoncurrentVersionExpiration(NoncurrentDays=days),
        AbortIncompleteMultipartUpload=s3.AbortIncompleteMultipartUpload(DaysAfterInitiation=days),
    )
    return s3.LifecycleConfiguration(Rules=[rule])
