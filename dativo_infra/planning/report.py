"""What became of each field that a job sets: used, referenced, or unused with a reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dativo_infra.platforms.base import Outcome, Platform, Use, referenced, unused, used

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping

    from dativo_infra.diagnostics import Location
    from dativo_infra.model import Job
    from dativo_infra.project import Cloud
    from dativo_infra.values import Text


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


_VARIABLE = "metadata.variables."
_NOT_TERRAFORM = unused("another tool than Terraform builds this job, so its module is not called")
_COMMON: Mapping[str, tuple[Use, ...]] = {
    "name": (used("names the infrastructure"),),
    "former_names": (used("earlier names, so that a rename replaces nothing"),),
    "provider": (used("the tool that owns the infrastructure"),),
    "terraform.module_source": (_NOT_TERRAFORM,),
    "terraform.module_version": (_NOT_TERRAFORM,),
    "terraform.workspace": (_NOT_TERRAFORM,),
    "terraform.backend_config": (_NOT_TERRAFORM,),
    "metadata.variables": (used("see each variable"),),
    "outputs": (used("see each output"),),
}
"""The fields that mean the same on every platform."""

_TERRAFORM: Mapping[str, Use] = {
    "terraform.module_version": unused("`terraform.module_source` names no module"),
    "terraform.workspace": used("the workspace that the state is in"),
    "terraform.backend_config": used("where the state is kept"),
}
"""What becomes of fields where Terraform builds the job from the providers' own resources."""

_KINDS: Mapping[str, str] = {
    "runtime.compute.cluster_id": "cluster",
    "runtime.storage.bucket": "bucket",
    "runtime.storage.volume_id": "volume",
    "runtime.network.vpc_id": "network",
    "runtime.network.subnet_ids": "subnet",
    "runtime.network.security_group_ids": "security group",
    "runtime.service_account": "identity",
    "resources.database.instance_id": "database",
    "resources.cache.cluster_id": "cache",
    "resources.queue.arn": "queue",
    "resources.secrets.secret_manager_arn": "secret",
    "resources.secrets.kms_key_id": "key",
}
"""Fields that name something which exists already, and what that is."""


def references(job: Job) -> Iterator[Reference]:
    """Yield everything that exists already and that the job names."""
    for path, kind in _KINDS.items():
        value = job.get(path)
        several = isinstance(value, tuple)
        for index, item in enumerate(value if several else (value,)):
            if item is not None:
                parts = (index,) if several else ()
                yield Reference(kind=kind, id=item, location=job.locate(path, *parts))


def uses(
    job: Job, platform: Platform, owner: str, cloud: Cloud, exports: Container[str]
) -> Iterator[FieldUse]:
    """Yield what becomes of each field that the job sets, where a tool, `owner`, builds the job.

    `cloud` is the one that the job runs in. `exports` are the outputs that this job's unit gives;
    one whose cluster exists gives fewer.
    """
    for path in job.set_fields():
        if path == "metadata.variables":
            yield from _variables(job, platform, cloud)
        elif path == "outputs":
            yield from _outputs(job, platform, owner, exports)
        elif path == "provider" and job.get("provider") != owner:
            yield _use(job, path, unused(f"another tool, {owner}, was chosen for this run"))
        else:
            yield _use(job, path, _first(job, cloud, choices(path, platform, owner)))


def choices(path: str, platform: Platform, owner: str | None = None) -> tuple[Use, ...]:
    """Return what may become of a field on a platform; the first that holds for a job is it.

    Of a variable, too: `metadata.variables.NAME`. `owner` is the tool that builds the job, where
    it is known.
    """
    if owner == "terraform" and path in _TERRAFORM and not platform.calls_module:
        use = _TERRAFORM[path]
        never = platform.only_refers if use.outcome == "used" else None
        return (unused("nothing is built, so there is no state", never), use) if never else (use,)
    if not path.startswith(_VARIABLE):
        return platform.fields.get(path) or _COMMON[path]
    variable = platform.variable(path.removeprefix(_VARIABLE))
    if variable is None:
        return (unused(f"{platform.name} does not know it"),)
    return (*platform.variable_uses, *variable.uses, used(variable.meaning))


def all_unused(job: Job, reason: str) -> Iterator[FieldUse]:
    """Yield each field that the job sets, as unused or only referred to, with one reason."""
    for path in job.set_fields():
        use = referenced(reason) if path in _KINDS else unused(reason)
        yield _use(job, path, use)


def _variables(job: Job, platform: Platform, cloud: Cloud) -> Iterator[FieldUse]:
    for name in job.variables:
        use = _first(job, cloud, choices(f"{_VARIABLE}{name}", platform))
        yield _use(job, "metadata.variables", use, name)


def _outputs(
    job: Job, platform: Platform, owner: str, exports: Container[str]
) -> Iterator[FieldUse]:
    inside = (
        "an address inside a module, and none is called"
        if owner == "terraform"
        else "an address inside Terraform, and another tool builds this job"
    )
    for alias, text in (job.get("outputs") or {}).items():
        export = platform.export_named(text)
        if export is None:
            use = unused(inside)
        else:
            meaning = platform.exports.get(export, "no such output")
            if export in exports:
                use = used(meaning)
            else:
                use = referenced(f"{meaning} Known to whoever built what exists, not here.")
        yield _use(job, "outputs", use, alias)


def _first(job: Job, cloud: Cloud, choices: Iterable[Use]) -> Use:
    for use in choices:
        if use.holds(job, cloud):
            return use
    return unused("the platform does not use it")


def _use(job: Job, path: str, use: Use, *parts: str) -> FieldUse:
    return FieldUse(
        path=".".join((path, *parts)),
        outcome=use.outcome,
        text=use.text,
        location=job.locate(path, *parts),
    )
