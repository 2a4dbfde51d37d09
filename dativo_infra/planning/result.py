"""What planning gives: units of resources, and what became of each job."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from dativo_infra.diagnostics import Diagnostic, has_errors
from dativo_infra.names import Grammar, Identity, render
from dativo_infra.planning import report

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dativo_infra.model import Job
    from dativo_infra.planning.report import FieldUse, Reference
    from dativo_infra.platforms.base import Platform
    from dativo_infra.platforms.clouds import Understood
    from dativo_infra.platforms.terraform import State
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
    state: State | None = None
    """Where Terraform keeps what it has built of it; None where another tool builds it."""

    def name(self, grammar: Grammar) -> str:
        """Return the unit's name in a grammar."""
        return render(self.identity, grammar)


@dataclass(frozen=True, kw_only=True)
class JobPlan:
    """What became of one job."""

    job: Job
    owner: str
    """The tool that owns its infrastructure; `manual` owns nothing."""
    platform: Platform | None
    understood: Understood
    """The cloud that the job runs in, and why."""
    unit: Identity | None
    """The job's own unit; None where nothing is built for it alone."""
    shared: tuple[Identity, ...] = ()
    why_not_built: str = ""
    """Why no tool of this version builds the job; empty where one does."""
    exports: Mapping[str, Text] = field(default_factory=dict)
    """What is known of its infrastructure, by the common names."""
    expected: Mapping[str, str] = field(default_factory=dict)
    """The exports that the job's expected outputs name, by its own names."""
    notes: tuple[str, ...] = ()
    """What a person should know, such as that a cluster costs until it is destroyed."""

    @property
    def outputs(self) -> Mapping[str, Text | None]:
        """The outputs that the job expects, by its own names; None where another tool knows it."""
        return {alias: self.exports.get(export) for alias, export in self.expected.items()}

    # A fleet is planned many times for each time that somebody reads what became of each field.

    @cached_property
    def fields(self) -> tuple[FieldUse, ...]:
        """What became of each field that the job sets."""
        if self.why_not_built or self.platform is None:
            return tuple(report.all_unused(self.job, self.why_not_built))
        cloud = self.understood.cloud
        return tuple(report.uses(self.job, self.platform, self.owner, cloud, self.exports))

    @cached_property
    def references(self) -> tuple[Reference, ...]:
        """Everything that exists already and that the job names."""
        return tuple(report.references(self.job))


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All jobs taken together. Equal input gives an equal plan."""

    units: tuple[Unit, ...]
    """Shared units first, then by identity."""
    jobs: tuple[JobPlan, ...]
    diagnostics: tuple[Diagnostic, ...]
    project: str | None = None
    """The project's name, by which a tool knows again what it built for it."""

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
