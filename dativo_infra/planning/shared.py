"""Things with a fixed name that several jobs can name: each a unit of its own, built once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

from dativo_infra.diagnostics import Diagnostic, rules
from dativo_infra.names import STACK, Identity, render
from dativo_infra.planning import checks
from dativo_infra.planning.result import Unit, UnitKind
from dativo_infra.platforms.base import Platform, Shared, SharedContext, SharedKind

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

    from dativo_infra.diagnostics import Report
    from dativo_infra.model import Job
    from dativo_infra.platforms.terraform import State
    from dativo_infra.project import PlacedTarget
    from dativo_infra.values import Text


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

    @property
    def kind(self) -> SharedKind:
        """How the shared thing is built."""
        return self.platform.shared[self.shared.kind]


def identity_of(target: PlacedTarget, kind: str, name: str) -> Identity:
    """Return the identity of a shared thing."""
    return Identity(target.name or "shared", kind, name)


def shared_units(wishes: Iterable[Wish], report: Report) -> list[Unit]:
    """Return one unit for each shared thing, those that others live in first.

    Contradicting wishes, and things that two tools would own, are reported.
    """
    groups: dict[tuple[Identity, PlacedTarget], list[Wish]] = {}
    for wish in wishes:
        groups.setdefault((wish.identity, wish.target), []).append(wish)
    known = {identity for identity, _ in groups}
    units = [_unit(group, known, report) for group in groups.values()]
    return sorted(units, key=lambda unit: (len(unit.needs), unit.identity))


def _unit(group: list[Wish], known: Container[Identity], report: Report) -> Unit:
    first = group[0]
    kind = first.kind
    for other in group[1:]:
        if other.owner != first.owner:
            report(
                rules.TWO_OWNERS.at(
                    other.job.locate(other.shared.path),
                    f"{first.owner} (for {first.job.source.file}) and {other.owner} (for "
                    f"{other.job.source.file}) would both own the {kind.description} "
                    f"`{first.shared.name}`.",
                    related=[(first.job.locate(first.shared.path), f"owned by {first.owner}")],
                )
            )
    for wish in group:
        for claim, path in wish.shared.lacks.items():
            if claimant := next((each for each in group if claim in each.shared.claims), None):
                report(_lack(wish, path, claimant, claim))
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
    state = _state(group, report) if first.owner == "terraform" else None
    return Unit(
        identity=first.identity,
        kind=UnitKind.SHARED,
        component=first.shared.kind,
        owner=first.owner,
        target=first.target,
        jobs=tuple(sorted({wish.job.identity for wish in group})),
        needs=tuple(need for need in needs if need in known),
        resources=kind.build(context),
        exports=kind.exports(context),
        tags=context.tags,
        description=f"{kind.description} {first.shared.name}",
        state=state,
    )


def _state(group: list[Wish], report: Report) -> State:
    """Return where Terraform keeps a shared thing, which all jobs must say alike."""
    first, *others = group
    name = render(first.identity, STACK)
    state = checks.state(first.job, report, name)
    for other in others:
        if checks.state(other.job, report, name) != state:
            report(_disagreement(first, other, "terraform.backend_config"))
    return state


def _claims(group: list[Wish], report: Report) -> dict[str, Any]:
    """Return what the jobs say together; what is not agreed on is left out, or an error."""
    said: dict[str, list[Wish]] = {}
    for wish in group:
        for name in wish.shared.claims:
            said.setdefault(name, []).append(wish)
    agreed: dict[str, Any] = {}
    for name, (first, *others) in sorted(said.items()):
        claim = first.shared.claims[name]
        differing = [each for each in others if each.shared.claims[name].value != claim.value]
        if claim.strict:
            for other in differing:
                report(_disagreement(first, other, claim.path))
        elif differing or len(others) + 1 < len(group):
            continue
        agreed[name] = claim.value
    return agreed


def _disagreement(one: Wish, other: Wish, path: str) -> Diagnostic:
    return rules.SHARED_DISAGREES.at(
        other.job.locate(path),
        f"`{path}` differs between {other.job.source.file} and {one.job.source.file}, which both "
        f"name the {one.kind.description} `{one.shared.name}`.",
        related=[(one.job.locate(path), "the other job")],
    )


def _lack(wish: Wish, path: str, claimant: Wish, claim: str) -> Diagnostic:
    shared = claimant.shared
    said = claimant.job.locate(shared.claims[claim].path)
    return rules.SHARED_REFUSES.at(
        wish.job.locate(wish.shared.path),
        f"The {claimant.kind.description} `{shared.name}` has `{claim}`, and so refuses what does "
        f"not say `{path}`: this job does not.",
        remedy=f"Set `{path}`.",
        related=[(said, "asked for here")] if claimant is not wish else [],
    )


def _in_common(mappings: list[Mapping[str, Text]]) -> dict[str, Text]:
    """Return the pairs that all mappings have."""

    def both(one: Mapping[str, Text], other: Mapping[str, Text]) -> dict[str, Text]:
        return {key: value for key, value in one.items() if other.get(key) == value}

    return dict(sorted(reduce(both, mappings[1:], mappings[0]).items()))
