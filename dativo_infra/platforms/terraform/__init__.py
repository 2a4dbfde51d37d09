"""Jobs whose team keeps a Terraform module: what the module is given, and what it gives back.

Such a job stands on its module as others do on a platform: the module's variables say what becomes
of its fields. Which variables a module has is handed in, since planning reads no files; one that
was not read is given what modules for Dativo jobs take by convention.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from dativo_infra.diagnostics import rules
from dativo_infra.model import fields
from dativo_infra.platforms.base import (
    Built,
    Context,
    Platform,
    Use,
    Variable,
    referenced,
    unused,
    used,
)
from dativo_infra.platforms.terraform.backend import (
    DEFAULT_WORKSPACE,
    BackendError,
    State,
    backend,
    check_workspace,
)
from dativo_infra.platforms.terraform.inputs import (
    ACCOUNT,
    ENVIRONMENT,
    REGION,
    TABLE,
    TAGS,
    TENANT,
    VARIABLES,
    Input,
    fitting,
    google_labels,
    not_finite,
    plain,
)
from dativo_infra.platforms.terraform.interface import (
    IDENTIFIER,
    META_ARGUMENTS,
    ModuleInterface,
    ModuleVariable,
)
from dativo_infra.platforms.terraform.source import Address, SourceError, SourceKind, address
from dativo_infra.resources.terraform import ModuleInput, TerraformModule
from dativo_infra.values import Ref

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dativo_infra.diagnostics import Report
    from dativo_infra.model import Job
    from dativo_infra.project import Cloud

__all__ = [
    "Address",
    "BackendError",
    "ModuleInterface",
    "ModuleVariable",
    "Modules",
    "SourceKind",
    "State",
    "address_of",
    "module_of",
    "state_of",
]

Modules: TypeAlias = Mapping[Address, ModuleInterface]
"""The modules that were read."""

LABEL = "infrastructure"
"""What the call of a module is named where no expected output says its name."""

_OUTPUT = re.compile(
    rf"(?:output\.|module\.(?P<label>{IDENTIFIER.pattern})\.)?(?P<name>{IDENTIFIER.pattern})"
)


def address_of(job: Job) -> Address | None:
    """Return where a job's module is; None where it has none, or one that cannot be used."""
    source = job.get("terraform.module_source")
    if not source:
        return None
    try:
        return _address(job, source)
    except SourceError:
        return None


def _address(job: Job, source: str) -> Address:
    folder = posixpath.dirname(job.source.file.replace("\\", "/"))
    return address(source, job.get("terraform.module_version"), folder)


def state_of(job: Job, shared: str = "") -> State:
    """Return where the state is of a job, or of what jobs share, beside that of this one.

    Args:
        job: A job that Terraform builds.
        shared: What the shared thing is called; empty for the job itself.

    Raises:
        BackendError: the job does not say it rightly; its key is the setting.
    """
    config = job.get("terraform.backend_config")
    kept = backend(config) if config else None
    workspace = job.get("terraform.workspace") or DEFAULT_WORKSPACE
    check_workspace(kept, workspace)
    state = State(workspace=workspace, backend=kept)
    return state.of_shared(shared) if shared else state


def module_of(job: Job, cloud: Cloud, platform: Platform | None, modules: Modules) -> Platform:
    """Return a job's module as what the job stands on.

    Args:
        job: A job with a `module_source`.
        cloud: The cloud that it runs in, whose names modules for it use.
        platform: The platform that it names, whose checks hold whoever builds it.
        modules: The modules that were read.
    """
    found = address_of(job)
    call = _Call(
        job=job,
        cloud=cloud,
        module=modules.get(found) if found else None,
    )
    return Platform(
        name=platform.name if platform else "terraform",
        component="TerraformModule",
        description="Terraform module",
        clouds=platform.clouds if platform else (),
        variables=tuple(call.variables()),
        exports=call.exports(),
        fields=dict(call.uses()),
        check=platform.check if platform else lambda _: None,
        check_built=call.check,
        build=call.build,
        calls_module=True,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """One job's call of its module."""

    job: Job
    cloud: Cloud
    module: ModuleInterface | None
    """None where it was not read."""

    def names(self, entry: Input) -> tuple[str, ...]:
        """Return the variables of the module that take one fact."""
        platform = self.job.get("runtime.platform")
        if self.module is None:
            name = entry.documented(self.cloud, platform)
            return (name,) if name else ()
        known = self.module.variables
        return tuple(name for name in entry.names(self.cloud, platform) if name in known)

    @property
    def tag_names(self) -> tuple[str, ...]:
        """The variables of the module that take the tags."""
        return next(self.names(entry) for entry in TABLE if entry.path == TAGS)

    # --- what becomes of each field ---------------------------------------------------------

    def uses(self) -> Iterator[tuple[str, tuple[Use, ...]]]:
        """Yield what becomes of each field."""
        yield "terraform.module_source", (used("where the module is"),)
        yield "terraform.module_version", (used("which version of the module is taken"),)
        yield "terraform.workspace", (used("the workspace that the state is in"),)
        yield "terraform.backend_config", (used("where the state is kept"),)
        cluster = "what the module builds, known by its output; its root is the same without it"
        yield "runtime.compute.cluster_id", (referenced(cluster),)
        entries = {entry.path: entry for entry in TABLE}
        for path in fields():
            if path in entries:
                yield path, (self._use(entries[path]),)

    def _use(self, entry: Input) -> Use:
        names = self.names(entry)
        free = names if entry.path == TAGS else [n for n in names if n not in self.job.variables]
        if free:
            return used(f"the module's {_listed(free)}")
        if names:
            return unused(f"metadata.variables says the module's {_listed(names)}")
        if entry.path == "runtime.platform":
            return used("says what the module builds, and so what is checked")
        if entry.path == "name":
            return used("names the infrastructure")
        if self.module is None:
            return unused("the module was not read, and no variable is documented for this")
        wanted = entry.names(self.cloud, self.job.get("runtime.platform"))
        return unused(f"the module has no variable {_listed(wanted, 'or')}")

    def variables(self) -> Iterator[Variable]:
        """Yield the variables of the job, each with what becomes of it."""
        for name in self.job.variables:
            yield Variable(
                name=name, type="any", meaning=self._meaning(name), uses=self._lost(name)
            )

    def _meaning(self, name: str) -> str:
        if self.module is None or name in self.module.variables:
            return f"the module's `{name}`"
        return f"an element of the module's `{VARIABLES}`"

    def _lost(self, name: str) -> tuple[Use, ...]:
        known = self.module.variables if self.module else None
        if known is None or name in known or VARIABLES in known:
            return ()
        return (unused(f"the module has no variable `{name}`, and none called `{VARIABLES}`"),)

    def exports(self) -> dict[str, str]:
        """Return the outputs that the root passes on, with their meanings."""
        if self.module is not None:
            return dict.fromkeys(self.module.outputs, "An output of the module.")
        texts = (self.job.get("outputs") or {}).values()
        named = (match["name"] for text in texts if (match := _OUTPUT.fullmatch(text)))
        return dict.fromkeys(named, "An output of the module, which was not read.")

    # --- what is wrong ----------------------------------------------------------------------

    def check(self, context: Context) -> None:
        """Report what Terraform would refuse, evaluate, or take otherwise than is meant."""
        job, report = self.job, context.report
        place = job.locate("terraform.module_source")
        try:
            found = _address(job, context.get("terraform.module_source"))
        except SourceError as error:
            where = job.locate(f"terraform.{error.field}")
            report(rules.BAD_SOURCE.at(where, str(error), remedy=error.remedy))
        else:
            if not found.pinned:
                message = f"`{found.source}` is {found.kind} without a version."
                report(rules.UNPINNED_MODULE.at(place, message))
        self._check_outputs(context)
        if self.module is None:
            report(rules.MODULE_NOT_READ.at(place))
        else:
            self._check_known(self.module, context)
        self._check_variables(report)

    def _check_outputs(self, context: Context) -> None:
        first: tuple[str, Job, str] | None = None
        for job in context.jobs:
            for alias, text in (job.get("outputs") or {}).items():
                match = _OUTPUT.fullmatch(text)
                place = job.locate("outputs", alias)
                if match is None:
                    message = f"`{text}` is no output that a root can reach."
                    context.report(rules.BAD_ADDRESS.at(place, message))
                elif label := match["label"]:
                    first = first or (label, job, alias)
                    if label != first[0]:
                        message = f"The module would be called both `{first[0]}` and `{label}`."
                        other = (first[1].locate("outputs", first[2]), "the other name")
                        context.report(rules.BAD_ADDRESS.at(place, message, related=[other]))

    def _check_known(self, module: ModuleInterface, context: Context) -> None:
        job = self.job
        filled = self.inputs(context)
        fillers = {name: entry.path for entry in TABLE for name in self.names(entry)}
        place = job.locate("terraform.module_source")
        for variable in module.variables.values():
            if not variable.required or variable.name in filled:
                continue
            path = fillers.get(variable.name, "")
            if job.lacks(path or "metadata.variables", *(() if path else (variable.name,))):
                continue
            own = f"metadata.variables.{variable.name}"
            remedy = f"Set {own}, or `{path}`." if path in fields() else f"Set {own}."
            message = f"The module needs `{variable.name}`, and nothing in the job fills it."
            context.report(rules.UNFILLED_INPUT.at(place, message, remedy=remedy))
        if not self.tag_names:
            context.report(rules.UNTAGGED_MODULE.at(place))

    def _check_variables(self, report: Report) -> None:
        job = self.job
        for name, value in job.variables.items():
            place = job.locate("metadata.variables", name, key=True)
            if name in self.tag_names:
                message = f"`{name}` is what the module's tags are given by."
                remedy = "Set metadata.tags, to which those of identity are added."
                report(rules.BAD_INPUT.at(place, message, remedy=remedy))
            elif self._lost(name) and self.module:
                report(
                    rules.UNKNOWN_INPUT.at(
                        place,
                        f"The module has no variable `{name}`, and none called `{VARIABLES}`.",
                        word=name,
                        choices=self.module.variables,
                    )
                )
            elif self.module is None and not _may_be_argument(name):
                report(rules.BAD_INPUT.at(place, f"`{name}` can be no variable of a module."))
            if next(not_finite(value), None) is not None:
                place = job.locate("metadata.variables", name)
                report(rules.BAD_INPUT.at(place, f"`{name}` has a number that is not finite."))

    # --- what is built ----------------------------------------------------------------------

    def build(self, context: Context) -> Built:
        """Return the call of the module; nothing where it cannot be made, which `check` reports."""
        try:
            found = _address(self.job, context.get("terraform.module_source"))
        except SourceError:
            return Built()
        label, outputs = self._outputs(context)
        known = self.module.outputs if self.module else {}
        module = TerraformModule(
            key="module",
            origin=context.origin("terraform.module_source"),
            source=found.source,
            version=found.version,
            local=found.kind is SourceKind.LOCAL,
            label=label,
            inputs=self.inputs(context),
            outputs=outputs,
            secret_outputs=tuple(name for name, secret in known.items() if secret),
        )
        return Built(
            resources=(module,),
            exports={name: Ref("module", name) for name in outputs},
        )

    def inputs(self, context: Context) -> dict[str, ModuleInput]:
        """Return what the module's variables are given, by their names."""
        job = self.job
        known = self.module.variables if self.module else {}
        found: dict[str, ModuleInput] = {}
        for entry in TABLE:
            value = _value(entry.path, context)
            if value is None:
                continue
            for name in self.names(entry):
                labels = entry.path == TAGS and name == "labels"
                fit = fitting(google_labels(value) if labels else value, known.get(name))
                place = context.origin(entry.path) if entry.path in fields() else None
                found.setdefault(name, ModuleInput(value=fit, path=entry.path, origin=place))
        rest: dict[str, Any] = {}
        for name, value in job.variables.items():
            if name in self.tag_names:
                continue
            if self.module is None or name in known:
                found[name] = ModuleInput(
                    value=fitting(plain(value), known.get(name)),
                    path=f"metadata.variables.{name}",
                    origin=job.locate("metadata.variables", name),
                )
            else:
                rest[name] = plain(value)
        if VARIABLES in known and VARIABLES not in found:
            found[VARIABLES] = ModuleInput(
                value=fitting(rest, known[VARIABLES]),
                path="metadata.variables",
                origin=job.locate("metadata.variables"),
            )
        return found

    def _outputs(self, context: Context) -> tuple[str, tuple[str, ...]]:
        """Return the name of the call, and the module's outputs that its root passes on."""
        texts = [text for job in context.jobs for text in (job.get("outputs") or {}).values()]
        matches = [match for text in texts if (match := _OUTPUT.fullmatch(text))]
        label = next((match["label"] for match in matches if match["label"]), LABEL)
        if self.module is not None:
            return label, tuple(self.module.outputs)
        return label, tuple(dict.fromkeys(match["name"] for match in matches))


def _may_be_argument(name: str) -> bool:
    return bool(IDENTIFIER.fullmatch(name)) and name not in META_ARGUMENTS


def _value(path: str, context: Context) -> Any:
    """Return what a fact of the table is for a job; None where it is not known."""
    if path == TENANT:
        return context.job.tenant
    if path == ENVIRONMENT:
        return context.job.environment
    if path in {ACCOUNT, REGION}:
        return context.target.account if path == ACCOUNT else context.target.region
    return plain(dict(context.tags) if path == TAGS else context.get(path))


def _listed(names: Any, word: str = "and") -> str:
    *most, last = [f"`{name}`" for name in names]
    return f"{', '.join(most)} {word} {last}" if most else last
