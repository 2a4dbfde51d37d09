"""Things with a fixed name that several jobs can name: each a unit of its own, built once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

from dativo_infra.diagnostics import Diagnostic, rules
from dativo_infra.names import Identity
from dativo_infra.planning.result import Unit, UnitKind
from dativo_infra.platforms.base import Platform, Shared, SharedContext
from dativo_infra.model import Job
from dativo_infra.project import PlacedTarget
from dativo_infra.values import Text

Report = Callable[[Diagnostic], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One job's wish for one shared thing."""

    shared: Shared
    job: Job
    platform: Platform
    owner: str
    target: PlacedTarget
    tags: Mapping[str, Text]

    @property
    def identity(self) -> Identity:
        """What the shared thing is known by: its target, kind and physical name."""
        return identity_of(self.target, self.shared.kind, self.shared.name)


def identity_of(target: PlacedTarget, kind: str, name: str) -> Identity:
    """Return the identity of a shared thing."""
    return Identity(target.name or "shared", kind, name)


def shared_units(wishes: Iterable[Wish], report: Report) -> list[Unit]:
    """Return one unit for each shared thing, those that others live in first.

    Contradicting wishes, and things that two tools would own, are reported.
    """
    groups: dict[Identity, list[Wish]] = {}
    for wish in wishes:
        groups.setdefault(wish.identity, []).append(wish)
    units = [_unit(group, groups, report) for _, group in sorted(groups.items())]
    return sorted(units, key=lambda unit: (len(unit.needs), unit.identity))


def _unit(group: list[Wish], groups: Mapping[Identity, Any], report: Report) -> Unit:
    first = group[0]
    kind = first.platform.shared[first.shared.kind]
    for other in group[1:]:
        if other.owner != first.owner:
            report(
                rules.TWO_OWNERS.at(
                    other.job.locate(other.shared.path),
                    f"{first.owner} and {other.owner} would both own the {kind.description} "
                    f"`{first.shared.name}`.",
                    related=[(first.job.locate(first.shared.path), f"owned by {first.owner}")],
                )
            )
    context = SharedContext(
        name=first.shared.name,
        claims=_claims(group, report),
        common={
            part: _in_common([wish.shared.common.get(part, {}) for wish in group])
            for part in sorted({part for wish in group for part in wish.shared.common})
        },
        tags=_in_common([wish.tags for wish in group]),
        origin=first.job.locate(first.shared.path),
    )
    needs = (identity_of(first.target, *need) for need in first.shared.needs)
    return Unit(
        identity=first.identity,
        kind=UnitKind.SHARED,
        component=first.shared.kind,
        owner=first.owner,
        target=first.target,
        jobs=tuple(sorted({wish.job.identity for wish in group})),
        needs=tuple(need for need in needs if need in groups),
        resources=kind.build(context),
        exports=kind.exports(context),
        tags=context.tags,
        description=f"{kind.description} {first.shared.name}",
    )


def _claims(group: list[Wish], report: Report) -> dict[str, Any]:
    """Return what the jobs say together; what is not agreed on is left out, or an error."""
    agreed: dict[str, Any] = {}
    first_to_say: dict[str, Wish] = {}
    dropped: set[str] = set()
    for wish in group:
        for name, claim in wish.shared.claims.items():
            other = first_to_say.setdefault(name, wish)
            if agreed.setdefault(name, claim.value) == claim.value:
                continue
            if not claim.strict:
                dropped.add(name)
                continue
            report(
                rules.SHARED_DISAGREES.at(
                    wish.job.locate(claim.path),
                    f"`{claim.path}` differs between two jobs of the same "
                    f"`{wish.shared.path}`, {wish.shared.name}.",
                    related=[(other.job.locate(claim.path), "the other job")],
                )
            )
    return {name: value for name, value in sorted(agreed.items()) if name not in dropped}


def _in_common(mappings: list[Mapping[str, Text]]) -> dict[str, Text]:
    """Return the pairs that all mappings have."""

    def both(one: Mapping[str, Text], other: Mapping[str, Text]) -> dict[str, Text]:
        return {key: value for key, value in one.items() if other.get(key) == value}

    return dict(sorted(reduce(both, mappings[1:], mappings[0]).items()))
