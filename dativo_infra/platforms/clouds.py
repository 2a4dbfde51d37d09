"""Which cloud a job runs in: its target says so, or the shapes of what it names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dativo_infra.model import Job
    from dativo_infra.project import Cloud, PlacedTarget

_SHAPES: tuple[tuple[str, str, Cloud], ...] = (
    ("runtime.network.vpc_id", r"projects/.+", "gcp"),
    ("runtime.network.vpc_id", r"/subscriptions/.+", "azure"),
    ("runtime.service_account", r"[^@]+@[^@]+\.iam\.gserviceaccount\.com", "gcp"),
)
"""By field: the pattern of an identifier that one cloud alone has, and the cloud."""


@dataclass(frozen=True, slots=True)
class Understood:
    """The cloud that a job was understood to run in, and why."""

    cloud: Cloud
    why: str


def understood(job: Job, target: PlacedTarget) -> Understood:
    """Return the cloud of a job: its target's, else by the shape of what it names, else AWS."""
    if target.cloud:
        return Understood(target.cloud, f"the target {target.name} says so")
    for path, pattern, cloud in _SHAPES:
        value = job.get(path)
        if isinstance(value, str) and re.fullmatch(pattern, value):
            return Understood(cloud, f"`{path}` is of {cloud}")
    return Understood("aws", "nothing says otherwise")
