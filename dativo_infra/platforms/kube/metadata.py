"""Labels and annotations: the job's own, its tags, and those by which its objects are found."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dativo_infra.diagnostics import rules
from dativo_infra.names import LABEL_VALUE, Identity, render_word

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dativo_infra.platforms.base import Context
    from dativo_infra.values import Text

MANAGED_BY: Mapping[str, Text] = {"app.kubernetes.io/managed-by": "dativo-infra"}
"""Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/"""

_OURS = "dativo.io"
_TAG_PREFIX = f"tags.{_OURS}/"


def check(context: Context) -> None:
    """Report labels and annotations under the prefix that this tool keeps for itself."""
    for field in ("metadata.labels", "metadata.annotations"):
        for key in context.get(field) or {}:
            prefix = key.partition("/")[0]
            if "/" in key and (prefix == _OURS or prefix.endswith(f".{_OURS}")):
                context.report(
                    rules.BAD_LABEL.at(
                        context.job.locate(field, key, key=True),
                        f"`{key}` begins with `{prefix}/`, which this tool sets by itself.",
                        remedy="Use another prefix, or none.",
                    )
                )


def labels_of(context: Context) -> dict[str, Text]:
    """Return the labels of a job's objects and pods: its tags, its own, and its identity's."""
    return {
        **tag_labels(context.tags),
        **MANAGED_BY,
        **(context.get("metadata.labels") or {}),
        **identity_labels(context.identity),
    }


def annotations_of(context: Context) -> dict[str, Text]:
    """Return the annotations of a job's objects and pods: its own, and its tags as written."""
    return {**(context.get("metadata.annotations") or {}), **tag_annotations(context.tags)}


def identity_labels(identity: Identity) -> dict[str, Text]:
    """Return the labels by which the objects and pods of one job are found."""
    return {
        f"{_OURS}/tenant": render_word(identity.tenant, LABEL_VALUE),
        f"{_OURS}/environment": render_word(identity.environment, LABEL_VALUE),
        f"{_OURS}/job": render_word(identity.name, LABEL_VALUE),
    }


def tag_labels(tags: Mapping[str, Text]) -> dict[str, Text]:
    """Return the tags as labels, for cost reports: with the characters that a label may have.

    Tags known late, and those of which nothing is left, are annotations alone.
    """
    found: dict[str, Text] = {}
    for key, value in tags.items():
        if isinstance(value, str) and ":" not in key:
            name, text = _fitting(key), _fitting(value)
            if name and (text or not value):
                found.setdefault(name, text)
    return found


def tag_annotations(tags: Mapping[str, Text]) -> dict[str, Text]:
    """Return the tags as annotations, with their values as written; no two keys become one."""
    return {f"{_TAG_PREFIX}{render_word(key, LABEL_VALUE)}": value for key, value in tags.items()}


def _fitting(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", text)[:63].strip("-_.")
