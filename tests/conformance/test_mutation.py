"""Nothing that a job says is dropped silently, whatever the platform and the tool.

Every field of the block, every variable and every output of every platform is set, and changed, in
every kind of job that the platform's tables tell apart. Then what the tool is given changes, or the
plan says that nothing does, and why. All of it is generated, see `mutating`: a field, variable or
platform that is added is tried here, and one without examples fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields as parts_of
from dataclasses import is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import cases
import mutating
import pytest
from mutating import ROADS, Road

from dativo_infra.adapters.cloudformation import is_protected
from dativo_infra.adapters.cloudformation.deploy.watch import names_of
from dativo_infra.adapters.cloudformation.template import to_stack
from dativo_infra.adapters.manifests.layout import Folder
from dativo_infra.adapters.manifests.lowerings import lower
from dativo_infra.adapters.manifests.values import problems
from dativo_infra.adapters.terraform.roads import to_root
from dativo_infra.diagnostics import rules
from dativo_infra.model import Provider, fields
from dativo_infra.planning.support import TOOLS
from dativo_infra.platforms import PLATFORMS
from dativo_infra.values import TOKENS, Parameter, Ref

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mutating import Case, Mutation

    from dativo_infra.planning import Plan, Unit
    from dativo_infra.resources import Resource


def _manifests(unit: Unit) -> Any:
    """Return a unit's folder and manifests, or what keeps them from being written."""
    late = [str(each) for each in problems(unit, ())]
    return Folder(unit=unit).path, late or lower(unit)


def _root(unit: Unit) -> Any:
    """Return a unit's root, with the names and the workspace that it is applied under."""
    root = to_root(unit, Path("out"))
    return root.name, root.former_names, root.files, root.state.workspace


ADAPTERS: Mapping[str, Callable[[Unit], Any]] = {
    "pulumi": lambda unit: cases.record_units([unit]),
    "cloudformation": lambda unit: (names_of(unit), is_protected(unit), to_stack(unit).json),
    "manifests": _manifests,
    "terraform": _root,
}
"""What each tool is given of a unit."""


def test_every_tool_is_mutated() -> None:
    """A tool that is added is compared here, too."""
    assert ADAPTERS.keys() == set(TOOLS)


@pytest.mark.parametrize("road", ROADS, ids=str)
def test_what_is_used_changes_what_the_tool_is_given(
    road: Road, record_property: Callable[[str, object], None]
) -> None:
    """Each use of each setting is as the table says, down to the adapter's output."""
    found = mutating.cases(road)
    record_property("mutations", len(found))
    assert {case.path for case in found} == set(road.settings())
    assert len(found) >= len(fields()) + len(road.platform.variables)
    assert list(_wrong(found, _is_given_alike)) == []


@pytest.mark.parametrize("road", {each.name: each for each in ROADS}.values(), ids=str)
def test_each_setting_is_as_said_in_every_kind_of_job(road: Road) -> None:
    """In each kind of job, `used` changes what is planned, and `unused` does not."""
    assert list(_wrong(mutating.crossed(road), _is_planned_alike)) == []


NOT_BUILT = [
    (owner, name)
    for owner in dict.fromkeys((*get_args(Provider), *TOOLS))
    for name in PLATFORMS
    if (owner, name) not in {(road.tool, road.name) for road in ROADS}
]
"""What may own a job, and each platform that it does not build."""


@pytest.mark.parametrize(("owner", "platform"), NOT_BUILT)
def test_where_nothing_is_built_every_field_says_so(owner: str, platform: str) -> None:
    """A job that its owner cannot build is refused, or every field of it has the reason."""
    road = Road(tool=owner, name=platform)
    every = {path: road.values(path)[0] for path in fields()}
    # What a chosen tool does not take is left to the job's own provider: here to nobody.
    (job,) = road.planned({**every, mutating.PROVIDER: "manual", **road.start}).jobs
    if job.why_not_built:
        assert [each.path for each in job.fields if each.text.strip()] == list(fields())
        return
    found = road.planned(road.completed({})).diagnostics
    assert {each.code for each in found if each.severity == "error"} == {rules.REFUSED.code}


def _wrong(these: Iterable[Case], alike: Callable[[Plan, Plan], bool]) -> Iterator[str]:
    """Yield what the plans say that is not so."""
    for case in these:
        if mutation := mutating.mutation(case):
            yield from (f"{case} {problem}" for problem in _problems(case, mutation, alike))


def _problems(case: Case, mutation: Mutation, alike: Callable[[Plan, Plan], bool]) -> Iterator[str]:
    plans = (mutation.one, mutation.two)
    entries = [mutating.entry(each, case.path) for each in plans]
    if not all(each and each.text.strip() for each in entries):
        yield "is not in the report"
        return
    one, two = (each.outcome if each else "" for each in entries)
    if "used" in {one, two} and alike(*plans):
        yield "is used, and nothing changes with its value"
    if one == two == "unused" and not _is_planned_alike(*plans):
        yield "is unused, and its value changes something"
    if mutation.without is None:
        return
    unchanged = [alike(mutation.without, each) for each in plans]
    # Of a few values, one holds where none is set.
    lost = all(unchanged) if case.closed else unchanged[0]
    if one == "used" and lost:
        yield "is used, and setting it changes nothing"
    if one == "unused" and not _is_planned_alike(mutation.without, mutation.one):
        yield "is unused, and setting it changes something"


def _is_planned_alike(one: Plan, two: Plan) -> bool:
    return mutating.known_by(one) == mutating.known_by(two)


def _is_given_alike(one: Plan, two: Plan) -> bool:
    """Return whether a tool is given the same for two plans."""
    if one.jobs[0].outputs != two.jobs[0].outputs:  # what every tool shows of the stacks' outputs
        return False
    return all(_output(before) == _output(after) for before, after in _changed(one, two))


def _changed(one: Plan, two: Plan) -> Iterator[tuple[Unit | None, Unit | None]]:
    """Yield what differs between the units of two plans, in parts that are cheap to compare.

    That is each changed resource by itself, and what is around the resources.
    """
    before, after = ({each.component: each for each in planned.units} for planned in (one, two))
    for component in {**before, **after}:
        was, becomes = before.get(component), after.get(component)
        if was is None or becomes is None:
            yield (
                was and _part(was, was.resources[0]),
                becomes and _part(becomes, becomes.resources[0]),
            )
            continue
        any_one = was.resources[0]
        yield _part(was, any_one), _part(becomes, any_one)
        old, new = ({each.key: each for each in unit.resources} for unit in (was, becomes))
        for key in {**old, **new}:
            if old.get(key) != new.get(key):
                # In the same surroundings, so that the resource itself must show the change.
                yield _part(was, old.get(key)), _part(was, new.get(key))


def _part(unit: Unit, resource: Resource | None) -> Unit | None:
    """Return a unit with one resource alone; parameters stand for the others."""
    if resource is None:
        return None
    return replace(
        unit,
        resources=(_apart(replace(resource, after=()), resource.key),),
        exports=_apart(unit.exports, resource.key),
    )


def _apart(value: Any, key: str) -> Any:
    """Return data in which a parameter stands for each reference to another resource."""
    if isinstance(value, Ref):
        return value if value.key == key else Parameter(f"{value.key}_{value.attribute}")
    if isinstance(value, TOKENS) or is_dataclass(value):
        inner = {each.name: _apart(getattr(value, each.name), key) for each in parts_of(value)}
        return type(value)(**inner)
    if isinstance(value, Mapping):
        return {name: _apart(item, key) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_apart(item, key) for item in value)
    return value


_GIVEN: dict[str, Any] = {}


def _output(unit: Unit | None) -> Any:
    """Return what its tool is given of a unit; of equal ones it is made once."""
    if unit is None:
        return None
    key = repr(unit)
    if key not in _GIVEN:
        _GIVEN[key] = ADAPTERS[unit.owner](unit)
    return _GIVEN[key]
