"""Amazon S3."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from dativo_infra.resources import Resource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dativo_infra.values import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Bucket(Resource):
    """A private bucket, encrypted, with public access blocked; its name is left to the tool.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
    """

    kms_key: Text | None = None
    """ARN of the key for server-side encryption; S3's own keys (AES256) where None."""
    expire_after_days: int | None = None
    """Days after which objects, old versions and unfinished uploads are removed; None for never."""
    tags: Mapping[str, Text]

    ATTRIBUTES: ClassVar[tuple[str, ...]] = ("name", "arn")
    STATEFUL: ClassVar[bool] = True
