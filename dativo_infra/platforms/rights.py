"""What a job must be allowed on AWS: its buckets, secrets, keys and queue, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dativo_infra.diagnostics import rules
from dativo_infra.platforms import aws, reach
from dativo_infra.platforms.base import Context, referenced, used
from dativo_infra.values import Text, concat, show

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from dativo_infra.model import Job


def role_given(job: Job) -> bool:
    """Return whether the job brings a role of its own."""
    return job.get("runtime.service_account") is not None


def on_other_queue(job: Job) -> bool:
    """Return whether the job's queue is none of SQS."""
    arn = job.get("resources.queue.arn")
    return isinstance(arn, str) and arn.split(":")[2:3] != ["sqs"]


OWN_ROLE = referenced("the role given must allow it; nothing is added to it", role_given)
FIELDS = {
    "resources.queue.arn": (
        OWN_ROLE,
        referenced("the role is given rights on queues of SQS alone", on_other_queue),
        used("the role may send to it and receive from it"),
    ),
    "resources.secrets.kms_key_id": (OWN_ROLE, used("the role may decrypt with this key")),
}

_IN_POLICIES: Mapping[str, Callable[[Text], str | None]] = {
    "runtime.storage.bucket": aws.bucket_problem,
    "resources.queue.arn": aws.arn_problem,
    "resources.secrets.secret_manager_arn": aws.arn_problem,
    "resources.secrets.kms_key_id": aws.key_problem,
}
"""Fields that stand in a policy of the role that is built; IAM refuses what is no ARN there."""


def check(context: Context) -> None:
    """Report a role that is none, and what cannot stand in a policy of one that is built."""
    role = context.get("runtime.service_account")
    if isinstance(role, str) and not aws.names_role(role):
        context.report(
            rules.BAD_NAME.at(
                context.origin("runtime.service_account"),
                f"`{role}` is neither the ARN nor the name of a role.",
                remedy="Give the role itself.",
            )
        )
    for path, problem_of in _IN_POLICIES.items() if role is None else ():
        value = context.get(path)
        if path == "resources.queue.arn" and on_other_queue(context.job):
            continue
        if value is not None and (problem := problem_of(value)):
            context.report(
                rules.BAD_NAME.at(
                    context.origin(path),
                    f"`{path}` {problem}, as it stands in a policy: {show(value)}.",
                    remedy="Write it as AWS does, or give a role of your own.",
                )
            )


def role_arn(given: Text) -> Text:
    """Return the ARN of a role that is given by its ARN or by its name."""
    if aws.is_arn(given):
        return given
    return concat("arn:", aws.PARTITION, ":iam::", aws.ACCOUNT, ":role/", given)


def statements(context: Context) -> Iterator[aws.Statement]:
    """Yield what the jobs of a unit must be allowed, and no more."""
    get = context.get
    buckets = _buckets(context)
    bucket = get("runtime.storage.bucket")
    written = {each.name for each in buckets if each.written} - {"", bucket}
    read = {each.name for each in buckets} - {"", bucket} - written
    if bucket is not None:
        yield from aws.read_write_bucket(bucket)
    for name in sorted(written):
        yield from aws.read_write_bucket(name)
    for name in sorted(read):
        yield from aws.read_bucket(name)
    if (secret := get("resources.secrets.secret_manager_arn")) is not None:
        yield aws.read_secret(secret)
    if (key := get("resources.secrets.kms_key_id")) is not None:
        yield aws.use_key(key)
    queue = get("resources.queue.arn")
    if queue is not None and not on_other_queue(context.job):
        actions = ("DeleteMessage", "GetQueueAttributes", "ReceiveMessage", "SendMessage")
        yield aws.allow([f"sqs:{action}" for action in actions], [queue])


def notes(context: Context, needed: Iterable[aws.Statement], service: str) -> Iterator[str]:
    """Yield what is not allowed, and what a role that is given must allow.

    Args:
        context: The job.
        needed: What the role must allow.
        service: Who takes on the role, such as `ec2.amazonaws.com`.
    """
    for where in sorted({each.where for each in _buckets(context) if not each.name}):
        yield f"{where} names no bucket that is known here: no right on it is included"
    if role_given(context.job):
        yield f"the role given must trust {service}"
        for statement in needed:
            actions, places = (", ".join(show(statement[part])) for part in ("Action", "Resource"))
            yield f"the role given must allow {actions} on {places}"


def _buckets(context: Context) -> list[reach.Bucket]:
    return [each for job in context.jobs for each in reach.buckets(job, "s3", "s3a")]
