"""The list of kinds: what every adapter lowers or refuses."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from dativo_infra.resources.emr import EmrCluster, EmrSecurityConfiguration
from dativo_infra.resources.iam import IamInstanceProfile, IamRole
from dativo_infra.resources.kubernetes import KubernetesObject
from dativo_infra.resources.s3 import S3Bucket

if TYPE_CHECKING:
    from dativo_infra.resources import Resource

KINDS: tuple[type[Resource], ...] = (
    EmrCluster,
    EmrSecurityConfiguration,
    IamInstanceProfile,
    IamRole,
    KubernetesObject,
    S3Bucket,
)


def is_taggable(kind: type[Resource]) -> bool:
    """Return whether resources of the kind carry tags."""
    return any(field.name == "tags" for field in fields(kind))
