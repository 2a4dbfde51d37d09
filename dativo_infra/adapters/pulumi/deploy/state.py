"""What a stack has built, as its state says."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dativo_infra.adapters.pulumi.components import RECORD, TYPE
from dativo_infra.adapters.pulumi.deploy.urns import name_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from dativo_infra.planning.result import Unit


STATEFUL_TYPES = frozenset(
    {
        "aws:cloudwatch/logGroup:LogGroup",
        "aws:ecs/cluster:Cluster",
        "aws:ecs/service:Service",
        "aws:emr/cluster:Cluster",
        "aws:s3/bucket:Bucket",
        "databricks:index/cluster:Cluster",
    }
)
"""The types of the kinds that are `STATEFUL`, for resources that no job describes any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A resource of a stack."""

    urn: str
    type: str
    parent: str
    id: str = ""
    provider: str = ""
    """The URN of its provider."""
    protected: bool = False
    retained: bool = False

    @property
    def stateful(self) -> bool:
        """Whether it holds data, or something runs on it."""
        return self.protected or self.retained or self.type in STATEFUL_TYPES

    @property
    def name(self) -> str:
        """Its logical name."""
        return name_of(self.urn)


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A unit in a stack: its component, and all that is below it."""

    urn: str
    identity: str
    jobs: tuple[str, ...]
    """The jobs that named it when it was last deployed."""
    needs: tuple[str, ...]
    resources: tuple[Resource, ...]

    @property
    def urns(self) -> list[str]:
        """The component and its resources."""
        return [self.urn, *(each.urn for each in self.resources)]

    @property
    def providers(self) -> set[str]:
        """The URNs of the providers that its resources need."""
        return {each.provider for each in self.resources if each.provider}


@dataclass(frozen=True, kw_only=True)
class State:
    """A stack's units."""

    units: tuple[Built, ...] = ()
    foreign: tuple[str, ...] = ()
    """What is in the stack and belongs to no unit, but for providers."""
    outputs: Mapping[str, Any] = field(default_factory=dict)
    """The stack's outputs; a secret in them is as `is_secret` knows it."""

    @classmethod
    def of(cls, deployment: Mapping[str, Any]) -> State:
        """Return what an exported deployment says.

        Source: https://www.pulumi.com/docs/iac/cli/commands/pulumi_stack_export/
        """
        below: dict[str, list[Resource]] = {}
        records: dict[str, Mapping[str, Any]] = {}
        outputs: Mapping[str, Any] = {}
        entries = deployment.get("resources") or ()
        for each in entries:
            resource = Resource(
                urn=each["urn"],
                type=each["type"],
                parent=each.get("parent", ""),
                id=each.get("id", ""),
                provider=each.get("provider", "").rpartition("::")[0],
                protected=each.get("protect", False),
                retained=each.get("retainOnDelete", False),
            )
            below.setdefault(resource.parent, []).append(resource)
            # Without a record it was built by a program, under a name that the program chose.
            if resource.type.startswith(TYPE) and RECORD in (each.get("inputs") or {}):
                records[resource.urn] = each["inputs"][RECORD]
            if resource.type == "pulumi:pulumi:Stack":
                outputs = each.get("outputs") or {}
        units = tuple(
            Built(
                urn=urn,
                identity=record["identity"],
                jobs=tuple(record["jobs"]),
                needs=tuple(record["needs"]),
                resources=tuple(_descendants(urn, below)),
            )
            for urn, record in records.items()
        )
        ours = {urn for unit in units for urn in unit.urns}
        foreign = tuple(
            each["urn"]
            for each in entries
            if each["urn"] not in ours and not each["type"].startswith("pulumi:")
        )
        return cls(units=units, foreign=foreign, outputs=outputs)

    def of_unit(self, unit: Unit) -> list[Built]:
        """Return what a unit has in the stack, under its own identity and under former ones.

        It is one component, and two where the job went from one platform to another half-way.
        """
        names = map(str, (unit.identity, *unit.former))
        return [built for each in names for built in self._by_identity.get(each, ())]

    def others(self, units: Iterable[Unit]) -> list[Built]:
        """Return the units in the stack that are none of these."""
        known = {str(each) for unit in units for each in (unit.identity, *unit.former)}
        return [each for each in self.units if each.identity not in known]

    @cached_property
    def _by_identity(self) -> Mapping[str, list[Built]]:
        found: dict[str, list[Built]] = {}
        for each in self.units:
            found.setdefault(each.identity, []).append(each)
        return found


def _descendants(urn: str, below: Mapping[str, list[Resource]]) -> Iterator[Resource]:
    for each in below.get(urn, ()):
        yield each
        yield from _descendants(each.urn, below)
