"""Which jobs a stack or a run is for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dativo_infra.model import Job
    from dativo_infra.planning.result import Plan, Unit

_MOST_LISTED = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """A choice of jobs; what is None chooses all."""

    environment: str | None = None
    tenant: str | None = None
    shard: tuple[int, int] | None = None
    """The i-th of n parts, counted from 0. The n stays as it was when the fleet was first
    deployed: another n moves most units to another stack."""

    def jobs(self, jobs: Iterable[Job]) -> tuple[tuple[Job, ...], tuple[Job, ...]]:
        """Return the jobs chosen by tenant and environment, and those left out."""
        chosen, left = [], []
        for job in jobs:
            (chosen if self._matches(job) else left).append(job)
        return tuple(chosen), tuple(left)

    def units(self, plan: Plan, tool: str) -> tuple[Unit, ...]:
        """Return the units that a tool builds in this shard, in the order to build them.

        Shards are cut after planning, so that a shared unit is in one shard alone.
        """
        units = plan.owned_by(tool)
        if self.shard is None:
            return units
        index, count = self.shard
        return tuple(unit for unit in units if _part_of(unit, count) == index)

    def _matches(self, job: Job) -> bool:
        return (self.environment in {None, job.environment}) and (self.tenant in {None, job.tenant})


def places(jobs: Iterable[Job]) -> str:
    """Return the tenants and environments of jobs for people, such as `acme/dev, acme/prod`."""
    found = sorted({f"{job.tenant}/{job.environment}" for job in jobs})
    return ", ".join(found[:_MOST_LISTED]) + (", ..." if found[_MOST_LISTED:] else "")


def _part_of(unit: Unit, count: int) -> int:
    # A renamed unit stays where it was built: aliases do not reach another stack.
    first = unit.former[0] if unit.former else unit.identity
    return int(first.digest, 16) % count


def parse_shard(text: str) -> tuple[int, int]:
    """Return the shard that a text such as `0/8` means.

    Raises:
        ValueError: the text has another form, or the index is not below the count.
    """
    index, slash, count = text.partition("/")
    if slash and index.isdigit() and count.isdigit() and int(index) < int(count):
        return int(index), int(count)
    raise ValueError(f"`{text}` is no shard: write index/count, such as 0/8, counted from 0")
