"""What a platform is: the tables and functions that each module of this folder fills in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from dativo_infra.diagnostics import Location, Severity, rules
from dativo_infra.model import Job, read_boolean, read_number
from dativo_infra.names import Grammar, Identity, render
from dativo_infra.values import TOKENS, Text, has_secret, is_known, show

if TYPE_CHECKING:
    from dativo_infra.diagnostics import Report
    from dativo_infra.platforms.clouds import Understood
    from dativo_infra.project import Cloud, PlacedTarget
    from dativo_infra.resources import Resource

Outcome: TypeAlias = Literal["used", "referenced", "unused"]
Starts: TypeAlias = Literal["runner", "schedule"]
"""The runner itself, kept up, for all jobs in its configuration; or a schedule of the platform."""
VariableType: TypeAlias = Literal["text", "number", "boolean", "texts", "numbers", "any"]

TYPES: Mapping[VariableType, str] = {
    "text": "text",
    "number": "a whole number",
    "boolean": "true or false",
    "texts": "a list of texts",
    "numbers": "a list of whole numbers",
    "any": "anything",
}
"""What the types of variables are called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A setting of `metadata.variables` that a platform knows."""

    name: str
    type: VariableType
    meaning: str
    default: Any = None
    """What holds when it is not set; with editions, a mapping from edition to value."""
    choices: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    check: Callable[[Any], str | None] | None = None
    """For texts: returns what is wrong with one, or None; with `late` it gets tokens as well."""
    late: bool = False
    """Whether the value may be a token: known at deployment only."""
    examples: tuple[Any, ...] = ()
    """Two or more values that it may have, neither the default; booleans and choices need none."""
    uses: tuple[Use, ...] = ()
    """What becomes of it where that depends on the job; else it is used as its meaning says."""

    def default_of(self, edition: str) -> Any:
        """Return the default in an edition."""
        return self.default[edition] if isinstance(self.default, Mapping) else self.default

    def read(self, value: Any) -> tuple[Any, str | None]:
        """Return the value as this variable means it, and what is wrong with it, if anything."""
        if self.type == "any":
            return value, None
        if self.type in {"texts", "numbers"}:
            if not isinstance(value, list | tuple):
                return None, f"must be {TYPES[self.type]}"
            read = [self._read_one(item, self.type.removesuffix("s")) for item in value]
            wrong = next((problem for _, problem in read if problem), None)
            return tuple(item for item, _ in read), wrong
        return self._read_one(value, self.type)

    def _read_one(self, value: Any, kind: str) -> tuple[Any, str | None]:
        if isinstance(value, TOKENS):
            if has_secret(value):
                return None, "is no place for a secret"
            if not self.late:
                return None, "must be known when planning"
            return value, self.check(value) if self.check else None
        if kind == "number":
            value = read_number(value)
            if isinstance(value, bool) or not isinstance(value, int):
                return None, "must be a whole number"
            if self.minimum is not None and value < self.minimum:
                return None, f"must be {self.minimum} or more"
            if self.maximum is not None and value > self.maximum:
                return None, f"must be {self.maximum} or less"
        elif kind == "boolean":
            value = read_boolean(value)
            if not isinstance(value, bool):
                return None, "must be true or false"
        elif not isinstance(value, str) or not value:
            return None, "must be text"
        elif self.choices and value not in self.choices:
            return None, f"must be one of {', '.join(self.choices)}"
        elif self.check and (problem := self.check(value)):
            return None, problem
        return value, None


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a platform is given to build one job."""

    job: Job
    jobs: tuple[Job, ...]
    """All jobs that share the infrastructure, by one `infrastructure.name`; `job` is the first."""
    target: PlacedTarget
    understood: Understood
    """The cloud that the job runs in, and why."""
    tags: Mapping[str, Text]
    shared_tags: Mapping[str, Text]
    """The tags without the one that names the job, for what other jobs may share."""
    settings: Mapping[str, Any]
    """Every variable that the platform knows, with the job's value or the default."""
    report: Report
    allow_unresolved: bool = False
    """Whether a field that must be known now, and is not, gives a note instead of an error."""

    @property
    def identity(self) -> Identity:
        """What the job's infrastructure is known by."""
        return self.job.identity

    @property
    def first_identity(self) -> Identity:
        """What names are made of that cannot change in place: the oldest name of the job."""
        return next(iter(former_identities(self.jobs)), self.identity)

    @property
    def cloud(self) -> Cloud:
        """The cloud that the job runs in."""
        return self.understood.cloud

    def get(self, path: str) -> Any:
        """Return the value of a field of the block by its dotted path, or None."""
        return self.job.get(path)

    def known(self, path: str) -> Any:
        """Return a field that shapes what is built; report it when it is known only later."""
        value = self.job.get(path)
        if value is None or is_known(value):
            return value
        self.report(
            rules.UNRESOLVED_FIELD.at(
                self.job.locate(path),
                f"`{path}` must be known when planning: {show(value)}.",
                severity=Severity.NOTE if self.allow_unresolved else None,
            )
        )
        return None

    def origin(self, path: str) -> Location:
        """Return the place of a field of the block."""
        return self.job.locate(path)

    def name(self, grammar: Grammar) -> str:
        """Return the job's name in a grammar; a renamed job keeps the one it was built with."""
        return render(self.first_identity, grammar)


def former_identities(jobs: Iterable[Job]) -> tuple[Identity, ...]:
    """Return what the infrastructure of jobs was known by earlier, oldest first."""
    found = {
        Identity(job.tenant, job.environment, name): None
        for job in jobs
        for name in job.block.former_names or ()
        if name != job.identity.name
    }
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What one job says about a shared thing."""

    value: Any
    path: str
    """The field that says it."""
    strict: bool = True
    """Whether it is an error that two jobs say different things. Otherwise the claim holds only
    when all jobs say the same, and is left out when one says another thing or nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """A thing with a fixed physical name that several jobs can name."""

    kind: str
    """Its component, such as `KubernetesNamespace`."""
    name: str
    """Its physical name; of an account, with its namespace before."""
    path: str
    """The field that names it."""
    needs: tuple[tuple[str, str], ...] = ()
    """Kind and name of the shared things that it lives in."""
    claims: Mapping[str, Claim] = field(default_factory=dict)
    common: Mapping[str, Mapping[str, Text]] = field(default_factory=dict)
    """Mappings of which the thing gets the pairs that all its jobs have: labels, annotations."""
    lacks: Mapping[str, str] = field(default_factory=dict)
    """Fields that the job does not set, by the claim of any job that makes them necessary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedContext:
    """What a platform is given to build a shared thing: what all its jobs say together."""

    name: str
    claims: Mapping[str, Any]
    common: Mapping[str, Mapping[str, Text]]
    tags: Mapping[str, Text]
    origin: Location


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedKind:
    """How a shared thing is built, and what it exports."""

    description: str
    build: Callable[[SharedContext], tuple[Resource, ...]]
    exports: Callable[[SharedContext], Mapping[str, Text]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What a platform makes of one job."""

    resources: tuple[Resource, ...] = ()
    exports: Mapping[str, Text] = field(default_factory=dict)
    shared: tuple[Shared, ...] = ()
    notes: tuple[str, ...] = ()
    starts: Starts | None = None
    """Who starts the tenant's jobs by the clock; None where nobody does, or it cannot be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What becomes of a field, in one case."""

    outcome: Outcome
    text: str
    when: Callable[[Job], bool] | None = None
    clouds: tuple[Cloud, ...] = ()
    """The clouds that it holds in; empty where in any."""

    def holds(self, job: Job, cloud: Cloud) -> bool:
        """Return whether this is the case of a job that runs in a cloud."""
        return (not self.clouds or cloud in self.clouds) and (self.when is None or self.when(job))


def used(
    text: str, when: Callable[[Job], bool] | None = None, clouds: tuple[Cloud, ...] = ()
) -> Use:
    """Return that a field shapes what is built, and how."""
    return Use(outcome="used", text=text, when=when, clouds=clouds)


def referenced(
    text: str, when: Callable[[Job], bool] | None = None, clouds: tuple[Cloud, ...] = ()
) -> Use:
    """Return that a field names something that exists, and is not built."""
    return Use(outcome="referenced", text=text, when=when, clouds=clouds)


def unused(
    reason: str, when: Callable[[Job], bool] | None = None, clouds: tuple[Cloud, ...] = ()
) -> Use:
    """Return that a field does nothing, and why."""
    return Use(outcome="unused", text=reason, when=when, clouds=clouds)


def refers(job: Job) -> bool:
    """Return whether the job runs in a cluster that exists."""
    return job.get("runtime.compute.cluster_id") is not None


def is_scaled(job: Job) -> bool:
    """Return whether auto-scaling is on."""
    return job.get("runtime.compute.auto_scaling.enabled") is True


def switched_on(job: Job, variable: str) -> bool:
    """Return whether a job sets a variable to true; for the conditions of a `Use`."""
    return read_boolean(job.variables.get(variable)) is True


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """One execution platform."""

    name: str
    component: str = ""
    """The component resource of a job's own unit."""
    description: str = ""
    """What is built, such as `EMR cluster`."""
    clouds: tuple[Cloud, ...] = ()
    """The clouds that have it; empty where any may."""
    variables: tuple[Variable, ...] = ()
    variable_uses: tuple[Use, ...] = ()
    """What becomes of every variable alike, in cases that come before what each says itself."""
    exports: Mapping[str, str] = field(default_factory=dict)
    """What it exports, each with its meaning."""
    fields: Mapping[str, tuple[Use, ...]] = field(default_factory=dict)
    """What becomes of each field of the block: the first use whose condition holds."""
    examples: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    """Two or more values for each field that means another thing here than the model's say."""
    check: Callable[[Context], None] = lambda _: None
    """Reports what would fail, whoever owns the job."""
    check_built: Callable[[Context], None] = lambda _: None
    """Reports what would fail, or not be as meant, where a tool builds the job; also of a job with
    other errors, so that all are found at once."""
    needs: Callable[[Job], tuple[str, ...]] = lambda _: ()
    """Returns the fields that a job must set for this platform to be built."""
    only_refers: Callable[[Job], bool] | None = None
    """Tells whether all that a job needs exists, so that nothing is built for it; None where
    something always is."""
    build: Callable[[Context], Built] | None = None
    """None where this version reads and checks the platform but does not build it."""
    shared: Mapping[str, SharedKind] = field(default_factory=dict)
    calls_module: bool = False
    """Whether what is built is a Terraform module of the job's team, whose outputs a job may
    address as `module.label.name`."""

    def export_named(self, text: str) -> str | None:
        """Return the export that an expected output names; None for what it cannot have."""
        if text.startswith("module."):
            return text.rpartition(".")[2] if self.calls_module else None
        return text.removeprefix("output.")

    @property
    def is_in_kubernetes(self) -> bool:
        """Whether jobs run inside a Kubernetes cluster, where they share namespaces."""
        return "KubernetesNamespace" in self.shared

    def variable(self, name: str) -> Variable | None:
        """Return a known variable by its name."""
        return next((each for each in self.variables if each.name == name), None)
