"""The container's settings: what the job refers to, by the names that the runner reads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dativo_infra.platforms import reach
from dativo_infra.platforms.base import Context, referenced, unused, used
from dativo_infra.values import Concat, Text, concat

if TYPE_CHECKING:
    from collections.abc import Iterator

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
"""What the runner itself reads for a database that is PostgreSQL."""
_POSTGRES = ("postgres", "postgresql")


def settings(context: Context) -> Iterator[tuple[str, Text]]:
    """Yield the names and values that tell the runner what exists."""
    names = [*_NAMES, *(_POSTGRES_NAMES if reach.database_kind(context.job) in _POSTGRES else ())]
    for name, path in names:
        if (value := context.get(path)) is not None:
            yield name, str(value) if isinstance(value, int) else value
    yield from _secret_manager(context.get("resources.secrets.secret_manager_arn"))


def _is_secret(arn: Any) -> bool:
    return not isinstance(arn, str) or arn.startswith("arn:")


def _secret_manager(arn: Any) -> Iterator[tuple[str, Text]]:
    """Yield the runner's settings to read its secrets from AWS Secrets Manager."""
    if arn is None or not _is_secret(arn):
        return
    region = arn.split(":")[3] if isinstance(arn, str) and arn.count(":") > 3 else ""
    known = {**({"region_name": region} if region else {}), "bundle_format": "json"}
    key = "bundle_secret_id_template"
    yield "DATIVO_SECRET_MANAGER", "aws"
    if isinstance(arn, str):
        yield "DATIVO_SECRET_MANAGER_CONFIG", json.dumps({**known, key: arn})
        return
    # What is known only later is an ARN, which has no character that JSON escapes.
    parts = arn.parts if isinstance(arn, Concat) else (arn,)
    escaped = (json.dumps(part)[1:-1] if isinstance(part, str) else part for part in parts)
    head = json.dumps({**known, key: ""}).removesuffix('"}')
    yield "DATIVO_SECRET_MANAGER_CONFIG", concat(head, *escaped, '"}')
