"""Amazon S3."""

from __future__ import annotations

from aws_provider.model import Call, Name, Tagging, Type

_CONFIGURATION = "PublicAccessBlockConfiguration"

TYPES = {
    "aws:s3/bucket:Bucket": Type(
        service="s3",
        id="bucket",
        which={"Bucket": "bucket"},
        names={"tags": "Tagging.TagSet"},
        create=(
            Call(
                "create_bucket",
                # The one region that may not be named.
                {
                    "CreateBucketConfiguration": (
                        "[region][?@ != 'us-east-1'].{LocationConstraint: @} | [0]"
                    )
                },
            ),
            Call("put_bucket_tagging"),
        ),
        read=Call("head_bucket"),
        found="@",
        update=(Call("put_bucket_tagging", whole=True),),
        delete=(Call("delete_bucket"),),
        outputs={
            "arn": "join('', ['arn:', partition, ':s3:::', bucket])",
            "bucketDomainName": "join('', [bucket, '.s3.amazonaws.com'])",
        },
        replaces=frozenset({"bucket", "bucketPrefix"}),
        name=Name("bucket", prefix="bucketPrefix", longest=63),
        tagging=Tagging(tag="", read=Call("get_bucket_tagging")),
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": Type(
        service="s3",
        id="bucket",
        which={"Bucket": "bucket"},
        names={"rules": "LifecycleConfiguration.Rules"},
        create=(Call("put_bucket_lifecycle_configuration"),),
        read=Call("get_bucket_lifecycle_configuration"),
        found="@",
        update=(Call("put_bucket_lifecycle_configuration", whole=True),),
        delete=(Call("delete_bucket_lifecycle"),),
        replaces=frozenset({"bucket"}),
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": Type(
        service="s3",
        id="bucket",
        which={"Bucket": "bucket"},
        names={"rule": "OwnershipControls.Rules"},
        create=(Call("put_bucket_ownership_controls"),),
        read=Call("get_bucket_ownership_controls"),
        found="@",
        update=(Call("put_bucket_ownership_controls", whole=True),),
        delete=(Call("delete_bucket_ownership_controls"),),
        replaces=frozenset({"bucket"}),
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": Type(
        service="s3",
        id="bucket",
        which={"Bucket": "bucket"},
        names={
            "blockPublicAcls": f"{_CONFIGURATION}.BlockPublicAcls",
            "blockPublicPolicy": f"{_CONFIGURATION}.BlockPublicPolicy",
            "ignorePublicAcls": f"{_CONFIGURATION}.IgnorePublicAcls",
            "restrictPublicBuckets": f"{_CONFIGURATION}.RestrictPublicBuckets",
        },
        create=(Call("put_public_access_block"),),
        read=Call("get_public_access_block"),
        found="@",
        update=(Call("put_public_access_block", whole=True),),
        delete=(Call("delete_public_access_block"),),
        replaces=frozenset({"bucket"}),
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": Type(
        service="s3",
        id="bucket",
        which={"Bucket": "bucket"},
        names={"rules": "ServerSideEncryptionConfiguration.Rules"},
        create=(Call("put_bucket_encryption"),),
        read=Call("get_bucket_encryption"),
        found="@",
        update=(Call("put_bucket_encryption", whole=True),),
        delete=(Call("delete_bucket_encryption"),),
        replaces=frozenset({"bucket"}),
    ),
}
