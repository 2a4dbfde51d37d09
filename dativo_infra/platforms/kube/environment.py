"""What becomes of the fields that name what exists: settings of the runner, in its environment."""

from __future__ import annotations

from dativo_infra.platforms import runner
from dativo_infra.platforms.base import referenced, unused, used

_IN_CONFIG = used("an environment variable of the container, in the job's ConfigMap or Secret")
_ROLE_ALLOWS = referenced("the identity behind the account must allow it")

FIELDS = {
    "runtime.storage.bucket": (
        referenced(
            "the runner has a setting for a bucket of S3 alone; the job's target names this one, "
            "and the identity behind the account must allow it",
            clouds=("gcp", "azure"),
        ),
        _IN_CONFIG,
    ),
    "resources.database.endpoint": (_IN_CONFIG,),
    "resources.database.port": (_IN_CONFIG,),
    "resources.database.database_name": (_IN_CONFIG,),
    "resources.database.instance_id": (referenced("the instance behind the endpoint"),),
    "resources.cache.endpoint": (_IN_CONFIG,),
    "resources.cache.cluster_id": (referenced("the cluster behind the endpoint"),),
    "resources.queue.url": (_IN_CONFIG,),
    "resources.queue.arn": (_ROLE_ALLOWS,),
    "resources.secrets.secret_manager_arn": (
        unused(
            runner.NOT_TOLD,
            lambda job: not runner.knows_secret(job),
        ),
        unused(
            "its name is known at deployment only, and then only an ARN can be told to the runner",
            runner.has_late_secret,
            clouds=("gcp", "azure"),
        ),
        used("the runner's secret manager setting; the identity behind the account must allow it"),
    ),
    "resources.secrets.kms_key_id": (_ROLE_ALLOWS,),
}
