"""Tags: what a job's resources carry, and what each cloud allows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dativo_infra.diagnostics import rules
from dativo_infra.model import BLOCK, Job

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dativo_infra.diagnostics import Report
    from dativo_infra.project import LoadedProject, Project
    from dativo_infra.values import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class TagLimits:
    """What a cloud allows for tags, as data."""

    most: int
    """Tags on one resource."""
    key: int
    """Characters in a key."""
    value: int
    """Characters in a value."""
    characters: str
    """What a key or value may consist of, as the inside of a regular expression's brackets."""
    words: str
    """The same for people."""
    reserved: str
    """What a key must not begin with, whatever its case."""
    source: str


AWS = TagLimits(
    most=50,
    key=128,
    value=256,
    # Letters and digits of any script, and the spaces of Unicode (categories L, N and Z).
    characters=r"\w .:/=+\-@\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000",
    words="letters, digits, spaces and _ . : / = + - @",
    reserved="aws:",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html",
)

_RESERVED_FOR_PLATFORMS = 5
"""Tags that this tool adds beside the job's: three of identity, and up to two of a platform."""


def resolve(job: Job, project: Project) -> dict[str, Text]:
    """Return the tags of a job's resources, by key: its own, and those of its identity."""
    tenant, environment, name = project.identity_keys()
    identity = job.identity
    own = {tenant: identity.tenant, environment: identity.environment, name: identity.name}
    return dict(sorted({**(job.get("metadata.tags") or {}), **own}.items()))


def check(job: Job, project: Project, report: Report, limits: TagLimits = AWS) -> None:
    """Report tags that the cloud refuses, that the project wants otherwise, or that are ours."""
    tags: Mapping[str, Text] = job.get("metadata.tags") or {}
    own = {key.casefold() for key in project.identity_keys()}
    seen: dict[str, str] = {}
    for key, value in tags.items():
        place = job.locate("metadata.tags", key, key=True)
        for problem in _key_problems(key, limits):
            report(rules.BAD_TAG.at(place, problem))
        for problem in _value_problems(key, value, limits):
            report(rules.BAD_TAG.at(job.locate("metadata.tags", key), problem))
        if key.casefold() in own:
            report(rules.RESERVED_TAG.at(place, f"The tag `{key}` is set by this tool."))
        other = seen.setdefault(key.casefold(), key)
        if other != key:
            report(
                rules.BAD_TAG.at(
                    place,
                    f"`{key}` and `{other}` differ in case only, and IAM takes them for one.",
                    remedy="Keep one of the two.",
                    related=[(job.locate("metadata.tags", other, key=True), "the other one")],
                )
            )
    room = limits.most - _RESERVED_FOR_PLATFORMS
    if len(tags) > room:
        what = f"{len(tags)} tags; a resource has at most {limits.most}, of which {room} are yours."
        report(rules.BAD_TAG.at(job.locate("metadata.tags", key=True), what))
    places = (("tenant_id",), ("environment",), (BLOCK, "name"))
    for key, value, path in zip(project.identity_keys(), job.identity.parts, places, strict=True):
        for problem in _value_problems(key, value, limits):
            report(rules.BAD_TAG.at(job.source.locate(path), problem))
    _check_required(job, project, tags, report)


def _check_required(job: Job, project: Project, tags: Mapping[str, Text], report: Report) -> None:
    for key, allowed in project.tags.required.items():
        if key in project.identity_keys():
            continue
        if key not in tags and not job.lacks("metadata.tags", key):
            report(
                rules.REQUIRED_TAG.at(
                    job.locate("metadata.tags", key=True),
                    f"The tag `{key}` is missing, and the project requires it.",
                    remedy=f"Add `{key}: {allowed[0] if allowed else '...'}` to metadata.tags.",
                    word=key,
                    choices=tags,
                )
            )
        elif allowed and isinstance(tags.get(key), str) and tags[key] not in allowed:
            report(
                rules.TAG_VALUE.at(
                    job.locate("metadata.tags", key),
                    f"`{key}` must be one of {', '.join(allowed)}.",
                    word=str(tags[key]),
                    choices=allowed,
                )
            )


def check_project(loaded: LoadedProject, report: Report, limits: TagLimits = AWS) -> None:
    """Report names for the identity tags that the cloud refuses, or that are one."""
    keys = loaded.project.identity_keys()
    for part, key in zip(("tenant", "environment", "job"), keys, strict=True):
        place = loaded.source.locate(("tags", "identity", part))
        for problem in _key_problems(key, limits):
            report(rules.BAD_TAG.at(place, problem))
        if sum(other.casefold() == key.casefold() for other in keys) > 1:
            report(rules.BAD_TAG.at(place, f"Two identity tags would have the key `{key}`."))


def _key_problems(key: str, limits: TagLimits) -> list[str]:
    found = []
    if not 0 < len(key) <= limits.key:
        found.append(f"A tag's key has 1 to {limits.key} characters; this one has {len(key)}.")
    if key.casefold().startswith(limits.reserved):
        found.append(f"`{key}` begins with `{limits.reserved}`, which belongs to the cloud.")
    if not _is_legal(key, limits):
        found.append(f"The key `{key}` has characters other than {limits.words}.")
    return found


def _value_problems(key: str, value: Text, limits: TagLimits) -> list[str]:
    found = []
    if isinstance(value, str):
        if len(value) > limits.value:
            what = f"{len(value)} of at most {limits.value} characters"
            found.append(f"The value of `{key}` has {what}.")
        if not _is_legal(value, limits):
            found.append(f"The value of `{key}` has characters other than {limits.words}.")
    return found


def _is_legal(text: str, limits: TagLimits) -> bool:
    return re.fullmatch(f"[{limits.characters}]*", text) is not None
