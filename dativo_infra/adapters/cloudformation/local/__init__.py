"""CloudFormation embedded in the process, for trying a deployment without an account.

It is moto's. It shows the way of a deployment (change sets, outputs, tags), never that AWS would
accept a template. `embedded` fills those of its gaps that lie on this way; `GAPS` names the others.
"""

from __future__ import annotations

import os
import re
import warnings
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from moto import mock_aws

from dativo_infra.adapters.cloudformation.local.gaps import GAPS, filled
from dativo_infra.adapters.cloudformation.local.references import create_references, create_roles
from dativo_infra.adapters.cloudformation.local.tags import TaggedResource, tags_of

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "GAPS",
    "TaggedResource",
    "create_references",
    "create_roles",
    "embedded",
    "serve",
    "tags_of",
]

_NOT_SUPPORTED = re.compile(r"Tried to parse (\S+) but it's not supported")
_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "embedded",
    "AWS_SECRET_ACCESS_KEY": "embedded",
    "AWS_SESSION_TOKEN": "embedded",
    # Somebody's own settings could name another endpoint or a profile.
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    # A thousand images that nothing asks for would take half a second whenever moto begins or ends.
    "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
}
_FOREIGN = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ENDPOINT_URL", "AWS_CA_BUNDLE")


@contextmanager
def embedded(*, region: str = "us-east-1") -> Iterator[list[str]]:
    """Answer all calls to AWS of this process from memory, and forget everything at the end.

    Sessions must be opened inside. The environment has made-up credentials meanwhile. Calls of
    several threads are answered one at a time.

    Args:
        region: The region of sessions and targets that name none.

    Yields:
        A list that fills with the types of resources which were asked for and not created, since
        the embedded CloudFormation does not know them: each once.
    """
    unsupported: list[str] = []
    with ExitStack() as stack:
        environment = {**_ENVIRONMENT, "AWS_DEFAULT_REGION": region}
        stack.enter_context(patch.dict(os.environ, environment))
        for name in _FOREIGN:
            os.environ.pop(name, None)
        stack.enter_context(_collected(unsupported))
        stack.enter_context(mock_aws())
        for gap in filled():
            stack.enter_context(gap)
        yield unsupported


def serve(port: int = 0) -> None:
    """Answer as AWS over HTTP from memory, until the process is told to end.

    The address is the first line printed. Needs what `moto[server]` needs.
    """
    from dativo_infra.adapters.cloudformation.local.server import run  # noqa: PLC0415 - needs Flask

    with embedded() as unsupported:
        run(port, unsupported)


@contextmanager
def _collected(unsupported: list[str]) -> Iterator[None]:
    """Collect moto's warnings of types that it does not know; others are shown as always."""
    with warnings.catch_warnings():
        warnings.filterwarnings("always", _NOT_SUPPORTED.pattern, UserWarning)
        show = warnings.showwarning

        def collect(message: Warning | str, *args: Any, **options: Any) -> None:
            match = _NOT_SUPPORTED.match(str(message))
            if not match:
                show(message, *args, **options)
            elif match[1] not in unsupported:
                unsupported.append(match[1])

        warnings.showwarning = collect
        yield
