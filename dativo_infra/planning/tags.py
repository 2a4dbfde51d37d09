"""Tags: what a job's resources carry, and what each cloud allows."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dativo_infra.diagnostics import rules
from dativo_infra.model import BLOCK, Job

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dativo_infra.diagnostics import Report
    from dativo_infra.platforms.base import Platform
    from dativo_infra.project import Cloud, LoadedProject, Project
    from dativo_infra.values import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class TagLimits:
    """What a cloud allows for tags, as data."""

    most: int | None = None
    """Tags on one resource; None where it depends on what is built, and the platform says it."""
    key: int | None = None
    """Characters in a key; None where that is not said."""
    value: int | None = None
    """Characters in a value; None where that is not said."""
    characters: str
    """What a key or value may consist of, as the inside of a regular expression's brackets."""
    words: str
    """The same for people."""
    not_in_keys: str = ""
    """Characters that a value may have, and a key may not."""
    reserved: tuple[str, ...] = ()
    """What a key must not begin with, whatever its case."""
    one_key_for: str = ""
    """Who takes keys that differ in case only for one."""
    labels: LabelLimits | None = None
    """What the platform makes labels of, where the cloud knows no tags."""
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelLimits:
    """What a cloud allows for labels that a platform makes of tags, as data."""

    length: int
    """Characters in a key or value."""
    dropped: str
    """What is left out of a key or value, as a regular expression; the rest is in lower case."""
    source: str

    def render(self, text: str) -> str:
        """Return what becomes of a key or value."""
        return re.sub(self.dropped, "", text.lower())


AWS = TagLimits(
    most=50,
    key=128,
    value=256,
    # Letters and digits of any script, and the spaces of Unicode (categories L, N and Z).
    characters=r"\w .:/=+\-@\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000",
    words="letters, digits, spaces and _ . : / = + - @",
    reserved=("aws:",),
    one_key_for="IAM",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html",
)

_RESERVED_FOR_PLATFORMS = 5
"""Tags that this tool adds beside the job's: three of identity, and up to two of a platform."""

# Databricks passes its tags on to the machines and disks of its cloud.
_LATIN = r" -~\u00a0-\u00ff"

DATABRICKS_ON_AWS = replace(AWS, most=None)
DATABRICKS_ON_AZURE = TagLimits(
    key=512,
    value=256,
    characters=_LATIN,
    words="those of Latin-1, and Databricks leaves such a tag out",
    not_in_keys=r"<>%&\?/",
    reserved=("microsoft", "azure", "windows"),
    one_key_for="Azure",
    source="https://learn.microsoft.com/azure/azure-resource-manager/management/tag-resources",
)
DATABRICKS_ON_GCP = TagLimits(
    characters=_LATIN,
    words="those of Latin-1, and Databricks leaves such a tag out",
    labels=LabelLimits(
        length=63,
        dropped="[^a-z0-9_-]",
        source="https://cloud.google.com/resource-manager/docs/labels-overview",
    ),
    source="https://docs.databricks.com/gcp/en/admin/account-settings/usage-detail-tags",
)

_DATABRICKS: Mapping[Cloud, TagLimits] = {
    "aws": DATABRICKS_ON_AWS,
    "gcp": DATABRICKS_ON_GCP,
    "azure": DATABRICKS_ON_AZURE,
}
_IN_A_CLUSTER = ("kubernetes", "spark", "ray", "dask")
"""Platforms whose tags are labels and annotations of objects, and reach no cloud."""


def limits_of(platform: Platform | None, cloud: Cloud) -> TagLimits | None:
    """Return what holds for the tags of a job, or None where they reach no cloud that is known."""
    name = platform.name if platform else ""
    if name == "databricks":
        return _DATABRICKS[cloud]
    return AWS if cloud == "aws" and name not in _IN_A_CLUSTER else None


def resolve(job: Job, project: Project) -> dict[str, Text]:
    """Return the tags of a job's resources, by key: its own, and those of its identity."""
    tenant, environment, name = project.identity_keys()
    identity = job.identity
    own = {tenant: identity.tenant, environment: identity.environment, name: identity.name}
    return dict(sorted({**(job.get("metadata.tags") or {}), **own}.items()))


def check(job: Job, project: Project, report: Report, limits: TagLimits | None) -> None:
    """Report tags that the cloud refuses, that the project wants otherwise, or that are ours."""
    tags: Mapping[str, Text] = job.get("metadata.tags") or {}
    own = {key.casefold() for key in project.identity_keys()}
    for key in tags:
        if key.casefold() in own:
            place = job.locate("metadata.tags", key, key=True)
            report(rules.RESERVED_TAG.at(place, f"The tag `{key}` is set by this tool."))
    if limits:
        _check_limits(job, project, tags, report, limits)
    _check_required(job, project, tags, report)


def _check_limits(
    job: Job, project: Project, tags: Mapping[str, Text], report: Report, limits: TagLimits
) -> None:
    seen: dict[str, str] = {}
    for key, value in tags.items():
        place = job.locate("metadata.tags", key, key=True)
        for problem in _key_problems(key, limits):
            report(rules.BAD_TAG.at(place, problem))
        for problem in _value_problems(key, value, limits):
            report(rules.BAD_TAG.at(job.locate("metadata.tags", key), problem))
        other = seen.setdefault(key.casefold(), key)
        if other != key and limits.one_key_for:
            report(
                rules.BAD_TAG.at(
                    place,
                    f"`{key}` and `{other}` differ in case only, and {limits.one_key_for} takes "
                    "them for one.",
                    remedy="Keep one of the two.",
                    related=[(job.locate("metadata.tags", other, key=True), "the other one")],
                )
            )
    if limits.most and len(tags) > (room := limits.most - _RESERVED_FOR_PLATFORMS):
        what = f"{len(tags)} tags; a resource has at most {limits.most}, of which {room} are yours."
        report(rules.BAD_TAG.at(job.locate("metadata.tags", key=True), what))
    places = (("tenant_id",), ("environment",), (BLOCK, "name"))
    for key, value, path in zip(project.identity_keys(), job.identity.parts, places, strict=True):
        # What AWS refuses too is reported in the project file.
        found = (each for each in _key_problems(key, limits) if each not in _key_problems(key, AWS))
        for problem in (*found, *_value_problems(key, value, limits)):
            report(rules.BAD_TAG.at(job.source.locate(path), problem))
    if limits.labels:
        _check_labels(job, tags, report, limits.labels)


def _check_labels(job: Job, tags: Mapping[str, Text], report: Report, limits: LabelLimits) -> None:
    """Report what is lost where tags become labels: in a bill it is missing, nothing fails."""
    seen: dict[str, str] = {}
    for key, value in tags.items():
        label = limits.render(key)
        other = seen.setdefault(label, key)
        if not label[:1].isalpha() or len(label) > limits.length:
            what = (
                f"The key `{key}` makes the label `{label}`, which does not have 1 to "
                f"{limits.length} characters with a letter first."
            )
        elif other != key:
            what = f"The keys `{key}` and `{other}` make one label, `{label}`."
        elif isinstance(value, str) and len(limits.render(value)) > limits.length:
            what = f"The value of `{key}` makes a label of more than {limits.length} characters."
        else:
            continue
        place = job.locate("metadata.tags", key, key=True)
        report(rules.TAG_IN_LABEL.at(place, what))


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
    most = limits.key or len(key)
    if not 0 < len(key) <= most:
        found.append(f"A tag's key has 1 to {most} characters; this one has {len(key)}.")
    if reserved := next((each for each in limits.reserved if _begins(key, each)), None):
        found.append(f"`{key}` begins with `{reserved}`, which belongs to the cloud.")
    if any(each in key for each in limits.not_in_keys):
        found.append(f"The key `{key}` has one of the characters {' '.join(limits.not_in_keys)}")
    if not _is_legal(key, limits):
        found.append(f"The key `{key}` has characters other than {limits.words}.")
    return found


def _begins(key: str, reserved: str) -> bool:
    return key.casefold().startswith(reserved)


def _value_problems(key: str, value: Text, limits: TagLimits) -> list[str]:
    found = []
    if isinstance(value, str):
        if limits.value and len(value) > limits.value:
            what = f"{len(value)} of at most {limits.value} characters"
            found.append(f"The value of `{key}` has {what}.")
        if not _is_legal(value, limits):
            found.append(f"The value of `{key}` has characters other than {limits.words}.")
    return found


def _is_legal(text: str, limits: TagLimits) -> bool:
    return re.fullmatch(f"[{limits.characters}]*", text) is not None
