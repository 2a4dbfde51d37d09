"""The container's settings: what the job refers to, by the names that the runner reads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dativo_infra.platforms.base import Context, referenced, unused, used
from dativo_infra.values import Text, concat

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dativo_infra.model import Job

_IN_CONFIG = used("an environment variable of the container, in the job's ConfigMap or Secret")
_ROLE_ALLOWS = referenced("the identity behind the account must allow it")

FIELDS = {
    "runtime.storage.bucket": (_IN_CONFIG,),
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
            "only an ARN of AWS Secrets Manager can be told to the runner",
            lambda job: not _is_secret(job.get("resources.secrets.secret_manager_arn")),
        ),
        used("the runner's secret manager setting; the identity behind the account must allow it"),
    ),
    "resources.secrets.kms_key_id": (_ROLE_ALLOWS,),
}

_NAMES = (
    ("DATABASE_HOST", "resources.database.endpoint"),
    ("DATABASE_PORT", "resources.database.port"),
    ("DATABASE_NAME", "resources.database.database_name"),
    ("CACHE_ENDPOINT", "resources.cache.endpoint"),
    ("QUEUE_URL", "resources.queue.url"),
    ("S3_BUCKET", "runtime.storage.bucket"),
)
_POSTGRES_NAMES = (
    ("PGHOST", "resources.database.endpoint"),
    ("PGPORT", "resources.database.port"),
    ("PGDATABASE", "resources.database.database_name"),
)
"""What the runner itself reads for a database, which is then PostgreSQL."""


def settings(context: Context) -> Iterator[tuple[str, Text]]:
    """Yield the names and values that tell the runner what exists."""
    names = [*_NAMES, *(_POSTGRES_NAMES if _is_postgres(context.job) else ())]
    for name, path in names:
        if (value := context.get(path)) is not None:
            yield name, str(value) if isinstance(value, int) else value
    yield from _secret_manager(context.get("resources.secrets.secret_manager_arn"))


def _is_postgres(job: Job) -> bool:
    return job.get("resources.database.port") in {None, 5432}


def _is_secret(arn: Any) -> bool:
    return not isinstance(arn, str) or arn.startswith("arn:")


def _secret_manager(arn: Any) -> Iterator[tuple[str, Text]]:
    """Yield the runner's settings to read its secrets from AWS Secrets Manager."""
    if arn is None or not _is_secret(arn):
        return
    region = arn.split(":")[3] if isinstance(arn, str) and arn.count(":") > 3 else ""
    known = {**({"region_name": region} if region else {}), "bundle_format": "json"}
    head = json.dumps(known).removesuffix("}") + ', "bundle_secret_id_template": "'
    yield "DATIVO_SECRET_MANAGER", "aws"
    # An ARN has no character that JSON escapes.
    yield "DATIVO_SECRET_MANAGER_CONFIG", concat(head, arn, '"}')
