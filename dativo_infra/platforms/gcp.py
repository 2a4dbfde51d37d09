"""What Google Cloud's identifiers look like, and what they tell."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME = "[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?"
"""Source: https://cloud.google.com/compute/docs/naming-resources"""
_PROJECT = "projects/[^/]+"
_HOST = r"(?:https://www\.googleapis\.com/compute/[a-z0-9]+/|//compute\.googleapis\.com/)?"
_ACCOUNT = r"[a-z0-9-]+@[a-z0-9.-]+\.gserviceaccount\.com"


def _compute(collection: str) -> str:
    """Return the pattern of the name of a thing of Compute Engine, in its project or alone."""
    return f"(?:{_HOST}{_PROJECT}/{collection}/)?{_NAME}"


BUCKET_NAME = "[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]"
"""Source: https://cloud.google.com/storage/docs/buckets#naming"""
SHAPES: Mapping[str, tuple[str, str]] = {
    "runtime.network.vpc_id": (
        "a network such as projects/my-project/global/networks/my-network",
        _compute("global/networks"),
    ),
    "runtime.network.subnet_ids": (
        "a subnet such as projects/my-project/regions/us-central1/subnetworks/my-subnet",
        _compute("regions/[^/]+/subnetworks"),
    ),
    "runtime.network.security_group_ids": (
        "a firewall rule or a network tag",
        _compute("global/firewalls"),
    ),
    "runtime.storage.bucket": ("a bucket", f"(?:gs://)?{BUCKET_NAME}/?"),
    "runtime.service_account": (
        "a plain name or the e-mail of a service account",
        f"[^@]+|{_ACCOUNT}",
    ),
    "resources.secrets.secret_manager_arn": (
        "a secret such as projects/my-project/secrets/my-secret",
        f"{_PROJECT}/(?:locations/[^/]+/)?secrets/[A-Za-z0-9_-]+(?:/versions/[A-Za-z0-9_-]+)?",
    ),
    "resources.secrets.kms_key_id": (
        "a key such as projects/my-project/locations/global/keyRings/my-ring/cryptoKeys/my-key",
        f"{_PROJECT}/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+(?:/cryptoKeyVersions/[0-9]+)?",
    ),
    "resources.queue.arn": (
        "a topic or a subscription such as projects/my-project/topics/my-topic",
        f"{_PROJECT}/(?:topics|subscriptions)/[^/]+",
    ),
}
"""For each field what it should be, and its pattern.

A project is not judged, since its number may stand for its id.
Sources: https://cloud.google.com/compute/docs/reference/rest/v1/networks,
https://cloud.google.com/iam/docs/service-account-types,
https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets,
https://cloud.google.com/kms/docs/resource-hierarchy,
https://cloud.google.com/pubsub/docs/reference/rest/v1/projects.topics
"""
_SECRET = re.compile(
    r"projects/(?P<project>[^/]+)/secrets/(?P<name>[^/]+)(?:/versions/(?P<version>[^/]+))?"
)
_PLACE = re.compile(
    r"(?:.*/)?projects/(?P<project>[^/]+)(?:/(?:locations|regions|zones)/(?P<place>[^/]+))?(?:/.*)?"
)
_MAIL = re.compile(r"[^@]+@(?P<project>[a-z0-9-]+)\.iam\.gserviceaccount\.com")
_REGION = re.compile("(?P<region>[a-z]+-[a-z]+[0-9]{1,2})(?:-[a-z])?")


def secret_of(text: str) -> tuple[str, str, str] | None:
    """Return project, full name without version, and version or "" of a global secret, or None."""
    match = _SECRET.fullmatch(text)
    if match is None:
        return None
    project, name = match["project"], match["name"]
    return project, f"projects/{project}/secrets/{name}", match["version"] or ""


def other_place(name: Any, project: str | None, region: str | None) -> str | None:
    """Return the project or region that a name tells, where it is another than the target's.

    A project may stand there by its number, which cannot be compared; a location may be more than
    one region.
    """
    match = isinstance(name, str) and (_PLACE.fullmatch(name) or _MAIL.fullmatch(name))
    if not match:
        return None
    found = match.groupdict()
    if project and not found["project"].isdigit() and found["project"] != project:
        return f"project {found['project']}"
    place = _REGION.fullmatch(found.get("place") or "")
    if region and place and place["region"] != region:
        return f"region {place['region']}"
    return None
