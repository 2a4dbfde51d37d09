"""Whether identifiers look like what they should be, in the cloud that the job runs in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dativo_infra.diagnostics import rules
from dativo_infra.platforms import aws, azure, gcp
from dativo_infra.platforms.clouds import cloud_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dativo_infra.platforms.base import Context
    from dativo_infra.project import Cloud

SHAPES: Mapping[Cloud, Mapping[str, tuple[str, str]]] = {
    "aws": aws.SHAPES,
    "gcp": gcp.SHAPES,
    "azure": azure.SHAPES,
}
"""For each cloud and field what it should be, and its pattern."""


def check(context: Context) -> None:
    """Report identifiers that do not look like what they should be, where the cloud is known.

    Those that are plainly of another cloud are reported where the clouds of a job are compared.
    """
    if context.understood.is_guess:
        return
    for path, (what, pattern) in SHAPES[context.cloud].items():
        value = context.get(path)
        items = value if isinstance(value, tuple) else (value,)
        for index, item in enumerate(items):
            if (
                isinstance(item, str)
                and re.fullmatch(pattern, item) is None
                and cloud_of(item, path) in {None, context.cloud}
            ):
                parts = (index,) if isinstance(value, tuple) else ()
                context.report(
                    rules.SUSPICIOUS_SHAPE.at(
                        context.job.locate(path, *parts), f"`{item}` is not {what}."
                    )
                )
