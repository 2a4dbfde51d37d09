"""What the engine runs: units built in this process, each registration known by its job."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pulumi

from dativo_infra.adapters.pulumi.build import build_units, outputs_of
from dativo_infra.adapters.pulumi.deploy.outputs import restored
from dativo_infra.adapters.pulumi.deploy.urns import name_of, type_of
from dativo_infra.adapters.results import place_of
from dativo_infra.diagnostics import Diagnostic, DiagnosticError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dativo_infra.adapters.pulumi.components import Component
    from dativo_infra.diagnostics import Location
    from dativo_infra.planning.result import JobPlan, Unit
    from dativo_infra.resources import Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What a resource of Pulumi is to a job."""

    unit: Unit
    resource: Resource | None = None
    """What it was made of; None for the component."""
    first: bool = False
    """Whether it is that resource itself, and no part of it such as a bucket's encryption."""

    @property
    def origin(self) -> Location | None:
        """The place in a job file that it comes from."""
        return (self.resource.origin if self.resource else None) or place_of(self.unit)


@dataclass(slots=True, kw_only=True)
class Program:
    """A program that builds units; call it with `run` as often as the engine wants."""

    units: tuple[Unit, ...] = ()
    jobs: tuple[JobPlan, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    kept: Mapping[str, Any] = field(default_factory=dict)
    """Outputs of the stack's other jobs, which stay as they are."""
    known: Mapping[str, Unit] = field(default_factory=dict)
    """The units of what the stack has already, by URN."""
    registered: dict[tuple[str, str], Registration] = field(default_factory=dict)
    """By type and logical name."""
    problems: tuple[Diagnostic, ...] = ()
    """Why nothing was registered."""

    def run(self) -> None:
        """Build the units, and export what is known of their jobs.

        Raises:
            RunError: something is missing that the units need; nothing was registered then.
        """
        try:
            built = build_units(self.units, parameters=self.parameters)
        except DiagnosticError as error:
            self.problems = error.diagnostics
            raise pulumi.RunError(str(error)) from error
        units = {unit.identity: unit for unit in self.units}
        for identity, component in built.items():
            self._know(units[identity], component)
        for name, output in self.kept.items():
            pulumi.export(name, restored(output))
        for job in self.jobs:
            if outputs := outputs_of(job, built, self.parameters):
                pulumi.export(str(job.job.identity), outputs)

    def _know(self, unit: Unit, component: Component) -> None:
        def know(created: pulumi.Resource, registration: Registration) -> None:
            kind, name = created.pulumi_resource_type, created.pulumi_resource_name
            self.registered[kind, name] = registration

        know(component, Registration(unit=unit))
        for resource in unit.resources:
            for position, created in enumerate(component.lowered(resource.key)):
                first = position == 0
                know(created, Registration(unit=unit, resource=resource, first=first))

    def of(self, urn: str) -> Registration | None:
        """Return what a resource is to a job; None where no job of the program describes it."""
        return self.registered.get((type_of(urn), name_of(urn)))

    def unit_of(self, urn: str, parent: str = "") -> Unit | None:
        """Return the unit that a resource is of, whether a job still describes it or not."""
        found = self.of(urn) or (self.of(parent) if parent else None)
        return found.unit if found else self.known.get(urn) or self.known.get(parent)
