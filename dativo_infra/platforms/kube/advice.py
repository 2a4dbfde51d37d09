"""What will work, but probably not as meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from dativo_infra.diagnostics import rules
from dativo_infra.platforms import runner
from dativo_infra.platforms.kube import volumes
from dativo_infra.values import looks_secret

if TYPE_CHECKING:
    from dativo_infra.platforms.base import Context


def advise(context: Context) -> None:
    """Report a default image, state that is lost, and secrets written out."""
    job = context.job
    runner.advise(context, has_volume=volumes.is_wanted(job))
    for side in ("source", "target"):
        for path in _literal_secrets(getattr(job.document, side), (side,)):
            context.report(
                rules.LITERAL_SECRET.at(
                    job.source.locate(path, key=True),
                    f"`{path[-1]}` seems to hold a secret, written out in the job file.",
                )
            )


def _literal_secrets(data: Any, path: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    if isinstance(data, Mapping):
        for key, value in data.items():
            if isinstance(value, str) and looks_secret(str(key)):
                if value and "${" not in value and not value.startswith(("/", "arn:")):
                    yield (*path, key)
            else:
                yield from _literal_secrets(value, (*path, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from _literal_secrets(value, (*path, index))
