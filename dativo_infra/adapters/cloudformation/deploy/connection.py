"""Sessions and clients, and what is wrong with them, said before anything is done.

Sources: https://docs.aws.amazon.com/boto3/latest/guide/retries.html and
https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeAlias

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
)

from dativo_infra import __version__
from dativo_infra.diagnostics import DiagnosticError, raise_errors
from dativo_infra.diagnostics.rules import NO_CONNECTION, OTHER_CREDENTIALS
from dativo_infra.project import PlacedTarget

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dativo_infra.diagnostics import Diagnostic

MOST_CONCURRENT = 64
"""The most stacks that are worked on at once."""
CONFIG = Config(
    retries={"mode": "standard", "max_attempts": 10},
    user_agent_extra=f"dativo-infra/{__version__}",
    max_pool_connections=MOST_CONCURRENT,
)
"""How every client calls: throttled calls are repeated, slower each time."""
# Whoever mistyped an endpoint is told at once.
_FIRST_CALL = CONFIG.merge(
    Config(retries={"mode": "standard", "max_attempts": 2}, connect_timeout=5, read_timeout=10)
)

Clients: TypeAlias = Callable[[PlacedTarget], Any]
"""Gives boto3's client of a service for a target."""


def open_session(*, region: str | None = None) -> boto3.Session:
    """Return a session with the credentials that AWS's own tools would use.

    Args:
        region: For targets that name none; by default the one of AWS's own configuration.

    Raises:
        DiagnosticError: the profile that the environment names does not exist.
    """
    try:
        return boto3.Session(region_name=region)
    except BotoCoreError as error:
        raise DiagnosticError([_unreachable(error)]) from error


def clients_of(
    session: boto3.Session, *, service: str = "cloudformation", endpoint_url: str | None = None
) -> Clients:
    """Return a session's clients of a service: one for each region; its own where none is set.

    A session is not safe for threads, its clients are: they are made one at a time.
    """
    made: dict[str | None, Any] = {}
    lock = Lock()

    def client(target: PlacedTarget) -> Any:
        with lock:
            if target.region not in made:
                made[target.region] = session.client(
                    service, region_name=target.region, endpoint_url=endpoint_url, config=CONFIG
                )
            return made[target.region]

    return client


def account_of(
    session: boto3.Session, targets: Iterable[PlacedTarget], *, endpoint_url: str | None = None
) -> str:
    """Return the account of a session's credentials, once each target is one of that account.

    Raises:
        DiagnosticError: there are no credentials or no region, the endpoint does not answer, or a
            target is of another account.
    """
    targets = sorted(set(targets), key=str)
    regions = [target.region or session.region_name for target in targets]
    if None in regions:
        where = targets[regions.index(None)]
        raise DiagnosticError([_unreachable(NoRegionError(), of=where)])
    try:
        client = session.client(
            "sts",
            # Whose the credentials are is the same in every region.
            region_name=next(iter(regions), session.region_name or "us-east-1"),
            endpoint_url=endpoint_url,
            config=_FIRST_CALL,
        )
        account: str = client.get_caller_identity()["Account"]
    except (BotoCoreError, ClientError, ValueError) as error:
        raise DiagnosticError([_unreachable(error)]) from error
    raise_errors(
        OTHER_CREDENTIALS.at(
            None,
            f"The target {target} is in account {target.account}; the credentials are of account "
            f"{account}.",
        )
        for target in targets
        if target.account not in {None, account}
    )
    return account


@contextmanager
def explained() -> Iterator[None]:
    """Raise as a diagnostic what boto3 raises.

    Raises:
        DiagnosticError: AWS cannot be asked.
    """
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise DiagnosticError([_unreachable(error)]) from error


def _unreachable(error: Exception, *, of: PlacedTarget | None = None) -> Diagnostic:
    remedy = ""
    match error:
        case NoRegionError():
            message = f"There is no region for {of}."
            remedy = "Set `region` in the target in dativo-infra.yaml, or give `--region`."
        case NoCredentialsError() | PartialCredentialsError() | CredentialRetrievalError():
            message = f"There are no credentials for AWS: {error}"
            remedy = "Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        case ProfileNotFound():
            message = f"{error}."
            remedy = "Set AWS_PROFILE to a profile of `aws configure list-profiles`."
        case _:
            # Of a signature that is wrong the lines below quote the request, with its token.
            message = f"{error}".partition("\n")[0]
    return NO_CONNECTION.at(None, message, remedy=remedy)
