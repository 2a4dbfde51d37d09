"""What planning gives: units of resources, and what became of each job."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from dativo_infra.diagnostics import Diagnostic, Location, has_errors
from dativo_infra.names import Grammar, Identity, render

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dativo_infra.model import Job
    from dativo_infra.platforms.base import Outcome
    from dativo_infra.project import PlacedTarget
    from dativo_infra.resources import Resource
    from dativo_infra.values import Text


class UnitKind(StrEnum):
    """Whether a unit is a job's own, or shared by all jobs that name it."""

    JOB = "job"
    SHARED = "shared"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """What is built, deployed and destroyed as one."""

    identity: Identity
    """Of a shared unit: its target's name, its kind and its physical name."""
    kind: UnitKind
    component: str
    """The component resource that builds it, such as `EmrCluster`."""
    owner: str
    """The tool that builds it."""
    target: PlacedTarget
    jobs: tuple[Identity, ...]
    former: tuple[Identity, ...] = ()
    """Identities under which it was deployed earlier."""
    needs: tuple[Identity, ...] = ()
    """Units that must exist before."""
    resources: tuple[Resource, ...]
    exports: Mapping[str, Text]
    """What the platform exports, by the names that jobs use."""
    tags: Mapping[str, Text]
    description: str
    """One line for people, such as `EMR cluster for acme/prod/orders`."""

    def name(self, grammar: Grammar) -> str:
        """Return the unit's name in a grammar."""
        return render(self.identity, grammar)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldUse:
    """What became of one field that a job sets."""

    path: str
    outcome: Outcome
    text: str
    """What it does, or why it does nothing."""
    location: Location


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Something that exists already and that a job names."""

    kind: str
    """What it is, such as `EMR cluster` or `subnet`."""
    id: Text
    location: Location


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPlan:
    """What became of one job."""

    job: Job
    owner: str
    """The tool that owns its infrastructure; `manual` owns nothing."""
    unit: Identity | None
    """The job's own unit; None where nothing is built for it alone."""
    shared: tuple[Identity, ...] = ()
    fields: tuple[FieldUse, ...] = ()
    references: tuple[Reference, ...] = ()
    outputs: Mapping[str, Text | None] = field(default_factory=dict)
    """The outputs that the job expects, by its own names; None where not known before deployment
    by another tool."""
    notes: tuple[str, ...] = ()
    """What a person should know, such as that a cluster costs until it is destroyed."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All jobs taken together. Equal input gives an equal plan."""

    units: tuple[Unit, ...]
    """Shared units first, then by identity."""
    jobs: tuple[JobPlan, ...]
    diagnostics: tuple[Diagnostic, ...]

    @property
    def failed(self) -> bool:
        """Whether an error was found; then nothing may be built from the plan."""
        return has_errors(self.diagnostics)

    def owned_by(self, tool: str) -> tuple[Unit, ...]:
        """Return the units that a tool builds, in the order to build them."""
        return tuple(unit for unit in self.units if unit.owner == tool)

    def unit(self, identity: Identity) -> Unit:
        """Return the unit of an identity.

        Raises:
            KeyError: there is none.
        """
        return self._by_identity[identity]

    @cached_property
    def _by_identity(self) -> Mapping[Identity, Unit]:
        return {unit.identity: unit for unit in self.units}
