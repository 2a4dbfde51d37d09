"""One function a kind: from the neutral description to CloudFormation's resource."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dativo_infra.adapters.cloudformation.lowerings import emr, iam, s3
from dativo_infra.planning import support
from dativo_infra.resources.emr import EmrCluster, EmrSecurityConfiguration
from dativo_infra.resources.iam import IamInstanceProfile, IamRole
from dativo_infra.resources.s3 import S3Bucket

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dativo_infra.resources import Resource

LOWERINGS: Mapping[type[Resource], Callable[..., Any]] = {
    EmrCluster: emr.cluster,
    EmrSecurityConfiguration: emr.security_configuration,
    IamInstanceProfile: iam.instance_profile,
    IamRole: iam.role,
    S3Bucket: s3.bucket,
}
"""Called with the logical id, the resource, and the function that gives values in CloudFormation's
form; returns a troposphere resource without its envelope."""

REFUSALS: Mapping[str, str] = support.REFUSALS["cloudformation"]
"""The kinds that are refused, by their class's name, and why."""
