"""What the runner wants of the container that it runs in: image, command, settings and state.

The image's entry point is the runner's command line already, so a command begins with its verb.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import PurePath, PurePosixPath
from typing import TYPE_CHECKING, Any

from dativo_infra.diagnostics import rules
from dativo_infra.platforms import gcp, reach
from dativo_infra.platforms.base import Context, Variable
from dativo_infra.values import Concat, Text, concat, is_known

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dativo_infra.model import Job

CONTAINER = "dativo-runner"
MODULE = "dativo_ingest.cli"
"""What the image's entry point runs."""
JOB_FOLDER = "/app/jobs"
RUNNER_CONFIG = "/app/configs/runner.yaml"
STATE_PATH = "/state"
"""Where state is kept when the job does not say where its volume is mounted."""


def _image(text: Text) -> str | None:
    return None if re.fullmatch(r"\S+", str(text)) else "must be an image such as registry/name:tag"


IMAGE = Variable(
    name="image",
    type="text",
    default={"2026-11": "dativo/dativo-ingest:latest"},
    check=_image,
    late=True,
    examples=("ghcr.io/acme/ingest:1.4", "ghcr.io/acme/ingest:1.5"),
    meaning="Container image of the runner.",
)

_NAMES = (
    ("DATABASE_HOST", "resources.database.endpoint"),
    ("DATABASE_PORT", "resources.database.port"),
    ("DATABASE_NAME", "resources.database.database_name"),
    ("CACHE_ENDPOINT", "resources.cache.endpoint"),
    ("QUEUE_URL", "resources.queue.url"),
)
_AWS_NAMES = (("S3_BUCKET", "runtime.storage.bucket"),)
"""What the runner reads of AWS alone; it has no setting for a bucket of another cloud."""
_POSTGRES_NAMES = (
    ("PGHOST", "resources.database.endpoint"),
    ("PGPORT", "resources.database.port"),
    ("PGDATABASE", "resources.database.database_name"),
)
"""What the runner itself reads for a database that is PostgreSQL."""
_POSTGRES = ("postgres", "postgresql")


def run_once(path: str) -> tuple[str, ...]:
    """Return the command that runs one job, whose file is at a path in the container, and ends."""
    return ("run", "--config", path, "--mode", "self_hosted")


def orchestrated(config: str) -> tuple[str, ...]:
    """Return the command that runs until it is stopped, and starts jobs as its file says."""
    return ("start", "orchestrated", "--runner-config", config)


def job_path(job: Job) -> str:
    """Return where the image has the job's file; one that a program made is called as the job."""
    file = PurePath(job.source.file).name
    return f"{JOB_FOLDER}/{job.tenant}/{file if PurePath(file).suffix else f'{file}.yaml'}"


def field_of(name: str) -> str:
    """Return the field that gives an environment variable of `settings` its value."""
    known = dict((*_NAMES, *_AWS_NAMES, *_POSTGRES_NAMES))
    return known.get(name, "resources.secrets.secret_manager_arn")


def settings(context: Context) -> Iterator[tuple[str, Text]]:
    """Yield the names and values of environment variables that tell the runner what exists."""
    names = (
        *_NAMES,
        *(_AWS_NAMES if context.cloud == "aws" else ()),
        *(_POSTGRES_NAMES if reach.database_kind(context.job) in _POSTGRES else ()),
    )
    for name, path in names:
        if (value := context.get(path)) is not None:
            yield name, str(value) if isinstance(value, int) else value
    if context.cloud == "gcp" and context.target.account:
        yield "GOOGLE_CLOUD_PROJECT", context.target.account
    secret = context.get("resources.secrets.secret_manager_arn")
    if (
        secret is not None
        and knows_secret(context.job)
        and (context.cloud == "aws" or not has_late_secret(context.job))
    ):
        yield from _secret_manager(secret)


NOT_TOLD = (
    "the runner can be told an ARN of AWS Secrets Manager or the name of a global secret of Google "
    "Cloud alone"
)
"""Why a secret is not told to the runner."""


def knows_secret(job: Job) -> bool:
    """Return whether the runner can be told where its secrets are; not of Azure's key vaults."""
    secret = job.get("resources.secrets.secret_manager_arn")
    known = not isinstance(secret, str) or secret.startswith("arn:")
    return known or gcp.secret_of(secret) is not None


def has_late_secret(job: Job) -> bool:
    """Return whether the name of the secret is known later; then only an ARN can be told."""
    return not is_known(job.get("resources.secrets.secret_manager_arn"))


def _secret_manager(secret: Any) -> Iterator[tuple[str, Text]]:
    """Yield the runner's settings to read its secrets, all of them in one, from where they are."""
    key, bundle = "bundle_secret_id_template", {"bundle_format": "json"}
    if isinstance(secret, str) and (found := gcp.secret_of(secret)):
        project, name, version = found
        at = {"version": version} if version else {}
        yield "DATIVO_SECRET_MANAGER", "gcp"
        known = {"project_id": project, **at, **bundle, key: name}
        yield "DATIVO_SECRET_MANAGER_CONFIG", json.dumps(known)
        return
    region = secret.split(":")[3] if isinstance(secret, str) and secret.count(":") > 3 else ""
    known = {**({"region_name": region} if region else {}), **bundle}
    yield "DATIVO_SECRET_MANAGER", "aws"
    if isinstance(secret, str):
        yield "DATIVO_SECRET_MANAGER_CONFIG", json.dumps({**known, key: secret})
        return
    # What is known only later is an ARN, which has no character that JSON escapes.
    parts = secret.parts if isinstance(secret, Concat) else (secret,)
    escaped = (json.dumps(part)[1:-1] if isinstance(part, str) else part for part in parts)
    head = json.dumps({**known, key: ""}).removesuffix('"}')
    yield "DATIVO_SECRET_MANAGER_CONFIG", concat(head, *escaped, '"}')


def check_mount_path(context: Context) -> None:
    """Report a path that no volume can be mounted at."""
    mount = context.get("runtime.storage.mount_path")
    if mount is None:
        return
    path = PurePosixPath(mount)
    if not path.is_absolute() or ".." in path.parts or ":" in mount or len(path.parts) == 1:
        context.report(
            rules.BAD_NAME.at(
                context.origin("runtime.storage.mount_path"),
                f"`{mount}` is no absolute path below `/` without `..` and `:`.",
            )
        )


def advise(context: Context, *, has_volume: bool, remedy: str = "") -> None:
    """Report a default image, and state that is lost; `remedy` says how to keep it."""
    if "image" not in context.job.variables:
        image = context.settings["image"]
        what = f"The default container image {image} is used."
        context.report(rules.DEFAULT_IMAGE.at(context.origin("runtime.platform"), what))
    if not has_volume:
        check_state(context, remedy=remedy)


def check_state(context: Context, *, remedy: str = "") -> None:
    """Report jobs whose state is lost, where there is no volume; `remedy` says how to keep it."""
    if any(_keeps_state(each.document.source) for each in context.jobs):
        context.report(rules.STATE_LOST.at(context.origin("runtime.platform"), remedy=remedy))


def _keeps_state(source: Any) -> bool:
    """Return whether a source is read in steps, with the last one kept in a local file."""
    incremental = source.get("incremental") if isinstance(source, Mapping) else None
    return (
        isinstance(incremental, Mapping)
        and incremental.get("strategy") != "full_refresh"
        and "://" not in str(incremental.get("state_path", ""))
    )
