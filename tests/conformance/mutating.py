"""Jobs in which one setting is set and changed, made from the tables of the model and platforms.

A setting is a field of the block by its dotted path, a variable by `metadata.variables.NAME`, or an
expected output by `outputs.NAME`. No platform, field or variable has a line here: values are the
tables' examples, and the kinds of jobs are found by watching what the conditions of the tables
read. So a new one is tried as it is, and one that lacks its examples or its words is told.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, get_args

from dativo_infra.loading import load_document
from dativo_infra.model import Job, Provider, examples, fields
from dativo_infra.planning import Plan, plan
from dativo_infra.planning.report import choices
from dativo_infra.planning.support import TOOLS
from dativo_infra.platforms import PLATFORMS
from dativo_infra.platforms.clouds import understood
from dativo_infra.project import PlacedTarget

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from dativo_infra.planning import FieldUse
    from dativo_infra.platforms.base import Platform, Use, Variable

VARIABLE = "metadata.variables."
OUTPUT = "outputs."
UNKNOWN = f"{VARIABLE}unheard_of"
PLATFORM = "runtime.platform"
PROVIDER = "provider"
MODULE = "terraform.module_source"
ALIAS = "mine"
"""What the jobs call an output."""

MOST_BESIDE = 3
MOST_KINDS = 300
"""How many settings at most are looked for beside one to reach a use of it, and how long."""
FURTHER_KINDS = (
    ("runtime.compute.cluster_id", 0),
    ("runtime.network.subnet_ids", 1),
    ("runtime.storage.volume_id", -1),
)
"""Settings that make other resources without a word in the tables, each with one of its values."""

_OUTER = {
    "tenant_id": "acme",
    "environment": "prod",
    "source_connector": "stripe",
    "source_connector_path": "/app/connectors/stripe.yaml",
    "target_connector": "iceberg",
    "target_connector_path": "/app/connectors/iceberg.yaml",
    "asset_path": "/app/assets/customers.yaml",
}
_PROVIDERS: tuple[str, ...] = get_args(Provider)

Settings = dict[str, Any]
"""What a job says, by the names of settings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Road:
    """A tool that builds a platform."""

    tool: str
    name: str
    """The platform's."""
    module: bool = False
    """Whether what is built is a module of the job's team."""

    def __str__(self) -> str:
        return f"{self.name} by {self.tool}"

    @property
    def platform(self) -> Platform:
        """The tables: the platform's, or those that hold where a module is called instead."""
        return _tables(self)

    @property
    def start(self) -> Settings:
        """What every job on it says."""
        # A tool that no job can name is chosen for the run.
        owner = {PROVIDER: self.tool} if self.tool in _PROVIDERS else {}
        module = {MODULE: examples()[MODULE][0]} if self.module else {}
        return {**owner, **module, PLATFORM: self.name}

    def settings(self) -> Iterator[str]:
        """Yield every setting that there is, and a variable that there is not."""
        for path in fields():
            if path == "metadata.variables":
                yield from (f"{VARIABLE}{each.name}" for each in self.platform.variables)
                yield UNKNOWN
            elif path == "outputs":
                yield from (f"{OUTPUT}{export}" for export in self.platform.exports)
            elif path != MODULE or self.module or self.tool != "terraform":
                # A module is another road of Terraform's.
                yield path

    def values(self, path: str) -> tuple[Any, ...]:
        """Return the values that the tables give for a setting."""
        if path == UNKNOWN:
            return 1, 2
        if path == PLATFORM:
            others = (*(each.name for each in ROADS if each.tool == self.tool), *PLATFORMS)
            return tuple(dict.fromkeys((self.name, *others)))
        if path == PROVIDER:
            return self.tool if self.tool in _PROVIDERS else "terraform", "manual"
        if path.startswith(OUTPUT):
            export = f"output.{path.removeprefix(OUTPUT)}"
            return {ALIAS: export}, {ALIAS: export, "other": export}
        if variable := self.platform.variable(path.removeprefix(VARIABLE)):
            return _values_of(variable)
        return PLATFORMS[self.name].examples.get(path) or examples()[path]

    def uses(self, path: str) -> tuple[Use, ...]:
        """Return what the tables say that becomes of a setting."""
        field = "outputs" if path.startswith(OUTPUT) else path
        return choices(field, self.platform, self.tool)

    def planned(self, settings: Settings) -> Plan:
        """Return the plan of a job with some settings."""
        return _planned(settings, None if self.tool in _PROVIDERS else self.tool)

    def completed(self, settings: Settings, *changes: Settings) -> Settings:
        """Return settings with what the platform needs, however they are changed."""
        completed = {**self.start, **settings}
        while True:
            needed: Settings = {}
            for change in changes or ({},):
                job = _job({**completed, **change})
                for path in PLATFORMS[job.get(PLATFORM)].needs(job):
                    if job.get(path) is None and not any(path in each for each in changes):
                        needed.setdefault(path, self.values(path)[0])
            if not needed:
                return completed
            completed |= needed


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One setting that is set, and then changed, in one kind of job."""

    road: Road
    path: str
    use: Use
    """What the platform's table says that becomes of the first value."""
    values: tuple[Any, Any]
    beside: Mapping[str, Any] = field(default_factory=dict)
    """What makes the kind of job, beside what every job of the platform needs."""

    @property
    def closed(self) -> bool:
        """Whether the setting has a few values alone, of which one holds where it is not set."""
        variable = self.road.platform.variable(self.path.removeprefix(VARIABLE))
        return variable is not None and _is_closed(variable)

    def __str__(self) -> str:
        kind = ", ".join(f"{name}={value!r}" for name, value in self.beside.items())
        return f"{self.road}: {self.path} ({self.use.text}){f' where {kind}' if kind else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """The plans of a job without a setting, with it, and with another value of it."""

    without: Plan | None
    """None where the job cannot be built without the setting."""
    one: Plan
    two: Plan


def mutation(case: Case) -> Mutation | None:
    """Return the plans of a case; None where such jobs are errors."""
    road = case.road
    one, two = (_change(case.path, value) for value in case.values)
    base = road.completed(dict(case.beside), one, two)
    if any(road.planned({**base, **change}).failed for change in (one, two)):
        return None
    without = road.planned({path: value for path, value in base.items() if path not in one})
    return Mutation(
        without=None if without.failed else without,
        one=road.planned({**base, **one}),
        two=road.planned({**base, **two}),
    )


def known_by(planned: Plan) -> tuple[Any, ...]:
    """Return everything that a plan hands on about its one job."""
    (job,) = planned.jobs
    return planned.units, job.owner, job.job.identity, job.outputs


def entry(planned: Plan, path: str) -> FieldUse | None:
    """Return what a plan says of a setting of its one job."""
    (job,) = planned.jobs
    wanted = f"{OUTPUT}{ALIAS}" if path.startswith(OUTPUT) else path
    found = [each for each in job.fields if each.path == wanted]
    assert len(found) < 2, found
    return found[0] if found else None


def _change(path: str, value: Any) -> Settings:
    return {"outputs" if path.startswith(OUTPUT) else path: value}


def _is_closed(variable: Variable) -> bool:
    return bool(variable.choices) or variable.type == "boolean"


def _values_of(variable: Variable) -> tuple[Any, ...]:
    if not _is_closed(variable):
        return variable.examples
    return variable.choices or (True, False)


# --- jobs and their plans -------------------------------------------------------------------------


def _job(settings: Settings) -> Job:
    block: dict[str, Any] = {}
    for path, value in settings.items():
        *above, last = path.split(".")
        inner = block
        for part in above:
            inner = inner.setdefault(part, {})
        inner[last] = list(value) if isinstance(value, tuple) else value
    document = {**_OUTER, "infrastructure": block}
    (job,) = load_document(document, name="jobs/invoices.yaml", environment={}).jobs
    return job


_PLANS: dict[str, Plan] = {}


def _planned(settings: Settings, tool: str | None) -> Plan:
    """Return the plan of a job with some settings; of equal ones it is made once."""
    key = f"{tool} {_key(settings)}"
    if key not in _PLANS:
        _PLANS[key] = plan([_job(settings)], provider=tool)
    return _PLANS[key]


@cache
def _tables(road: Road) -> Platform:
    (job,) = road.planned(road.start).jobs
    return job.platform or PLATFORMS[road.name]


def _key(settings: Mapping[str, Any]) -> str:
    return repr(sorted(settings.items()))


def _roads() -> Iterator[Road]:
    for tool in TOOLS:
        for name in PLATFORMS:
            for road in (Road(tool=tool, name=name), Road(tool=tool, name=name, module=True)):
                planned = road.planned(road.completed({}))
                if planned.owned_by(tool) and not planned.failed:
                    yield road
                    break


# --- kinds of jobs --------------------------------------------------------------------------------


class _Read(dict[str, Any]):
    """Variables that tell which of them were asked for."""

    def __init__(self, content: Mapping[str, Any], reads: set[str]) -> None:
        super().__init__(content)
        self.reads = reads

    def __contains__(self, name: object) -> bool:
        self.reads.add(f"{VARIABLE}{name}")
        return super().__contains__(name)

    def __getitem__(self, name: str) -> Any:
        self.reads.add(f"{VARIABLE}{name}")
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.reads.add(f"{VARIABLE}{name}")
        return super().get(name, default)


class _Watched(Job):
    """A job that tells which of its settings were asked for."""

    @cached_property
    def reads(self) -> set[str]:
        return set()

    @property
    def variables(self) -> Mapping[str, Any]:
        return _Read(super().get("metadata.variables") or {}, self.reads)

    def get(self, path: str) -> Any:
        if path == "metadata.variables":
            return self.variables
        self.reads.add(path)
        return super().get(path)


@cache
def cases(road: Road) -> tuple[Case, ...]:
    """Return a case for each use that the tables give a setting.

    Raises:
        LookupError: a setting has no two values, or no job was found for a use of it.
    """
    found: list[Case] = []
    missing: list[str] = []
    first = next(each for each in ROADS if each.name == road.name)
    like = () if road == first else cases(first)
    for path in road.settings():
        if len(road.values(path)) < 2:
            missing.append(f"{road}: `{path}` has no two examples")
            continue
        # What another tool needs for the same is most likely it.
        alike = (case for case in like if case.path == path)
        reached = _reached(road, path, ({}, *(case.beside for case in (*alike, *found))))
        found += reached.values()
        missing += [
            f"{road}: no job was found in which `{path}` is {use.outcome}: {use.text}"
            for index, use in enumerate(road.uses(path))
            if index not in reached
        ]
    if missing:
        raise LookupError("\n".join(missing))
    return tuple(found)


def _reached(road: Road, path: str, known: Iterable[Mapping[str, Any]]) -> dict[int, Case]:
    """Return a case for each use of a setting: in a known kind of job, or in one that is found.

    Found by what the conditions of its uses read: each of that is set to each of its values.
    """
    uses = road.uses(path)
    values = road.values(path)
    if path in {PLATFORM, PROVIDER} or path.startswith(OUTPUT):
        pairs = [(values[0], each) for each in values[1:]]
    else:
        pairs = list(zip(values, (*values[1:], values[0]), strict=True))
    found: dict[int, Case] = {}
    waiting = deque(each for each in known if path not in each)
    seen: set[str] = set()
    while waiting and len(found) < len(uses) and len(seen) < MOST_KINDS:
        kind = waiting.popleft()
        if _key(kind) in seen:
            continue
        seen.add(_key(kind))
        reads: set[str] = set()
        for pair in pairs:
            job = _watched(
                road.completed(dict(kind), *(_change(path, each) for each in pair)), path, pair[0]
            )
            index = _holding(uses, job)
            reads |= job.reads
            if index not in found:
                case = Case(road=road, path=path, use=uses[index], values=pair, beside=kind)
                if sound := _sound(case):
                    found[index] = sound
        if len(kind) < MOST_BESIDE:
            others = sorted(reads - {path, PLATFORM} - kind.keys())
            waiting.extend(
                {**kind, other: value} for other in others for value in road.values(other)
            )
    return found


def _watched(settings: Settings, path: str, value: Any) -> _Watched:
    job = _job({**settings, **_change(path, value)})
    return _Watched(job.document, job.source)


def _holding(uses: tuple[Use, ...], job: Job) -> int:
    cloud = understood(job, PlacedTarget(), PLATFORMS[job.get(PLATFORM)]).cloud
    return next(i for i, use in enumerate(uses) if use.holds(job, cloud))


def _sound(case: Case) -> Case | None:
    """Return a case of which the jobs can be built, if need be by one more setting beside."""
    if mutation(case):
        return case
    # A variable mostly wants another variable.
    for path in sorted(case.road.settings(), key=lambda path: not path.startswith(VARIABLE)):
        if path in {PLATFORM, PROVIDER, UNKNOWN, case.path, *case.beside}:
            continue
        for value in () if path.startswith(OUTPUT) else case.road.values(path):
            more = replace(case, beside={**case.beside, path: value})
            if mutation(more):
                return more
    return None


def crossed(road: Road) -> Iterator[Case]:
    """Yield each setting in every kind of job that some use of another setting depends on."""
    further = ({path: road.values(path)[index]} for path, index in FURTHER_KINDS)
    every = ({}, *(case.beside for case in cases(road)), *further)
    for kind in {_key(each): each for each in every}.values():
        for case in cases(road):
            if case.path not in kind:
                yield replace(case, beside=kind)


ROADS = tuple(_roads())
"""Each tool with each platform that it builds."""
