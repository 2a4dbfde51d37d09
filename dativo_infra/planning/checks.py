"""Rules that hold for a job on whatever platform."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dativo_infra.diagnostics import Diagnostic, Severity, rules
from dativo_infra.planning import support
from dativo_infra.platforms import PLATFORMS, aws, azure, clouds, gcp, reach, terraform
from dativo_infra.platforms.base import is_scaled
from dativo_infra.values import Parameter, Text, has_secret, is_known

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dativo_infra.diagnostics import Report
    from dativo_infra.model import Job, Path, Source
    from dativo_infra.platforms.base import Context, Platform
    from dativo_infra.platforms.terraform import State
    from dativo_infra.project import Cloud

_LABEL_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
_PREFIX = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
_MOST_ANNOTATIONS = 256 * 1024
_PLACED_FIELDS = (
    "runtime.compute.cluster_id",
    "runtime.service_account",
    "resources.queue.arn",
    "resources.secrets.secret_manager_arn",
    "resources.secrets.kms_key_id",
)
"""Fields whose identifiers name an account or a region; a network is often another account's."""
_OTHER_PLACE: Mapping[Cloud, Callable[[Any, str | None, str | None], str | None]] = {
    "aws": aws.other_place,
    "gcp": gcp.other_place,
    "azure": azure.other_place,
}


def unresolved(job: Job, report: Report, *, allowed: bool) -> None:
    """Report fields that cannot be known now: as notes where allowed, else as errors."""
    for path, parameter in job.unresolved:
        report(_unresolved(job, path, parameter, allowed=allowed))


def _unresolved(job: Job, path: Path, parameter: Parameter, *, allowed: bool) -> Diagnostic:
    field = ".".join(str(part) for part in path[1:])
    if parameter.secret:
        message = f"`{field}` is `{parameter}`, which looks like a secret and is never filled in."
    elif allowed:
        message = f"`{field}` is `{parameter}`, which has no value here, so it was not checked."
    else:
        message = f"`{field}` is `{parameter}`, which has no value, and must be known now."
    severity = Severity.NOTE if allowed else Severity.ERROR
    return rules.UNRESOLVED_FIELD.at(job.source.locate(path), message, severity=severity)


def counts(job: Job, report: Report) -> None:
    """Report counts that contradict each other: min <= count <= max must hold."""
    limits = "runtime.compute.auto_scaling"
    least, most = job.get(f"{limits}.min_instances"), job.get(f"{limits}.max_instances")
    count = job.get("runtime.compute.instance_count")
    if least and most and least > most:
        report(
            rules.COUNTS_DISAGREE.at(
                job.locate(f"{limits}.min_instances"),
                f"min_instances is {least}, but max_instances is {most}.",
            )
        )
    if not is_scaled(job) or not count:
        return
    if (least and count < least) or (most and count > most):
        report(
            rules.COUNTS_DISAGREE.at(
                job.locate("runtime.compute.instance_count"),
                f"instance_count is {count}, outside {least or 1} to {most or 'any'}.",
            )
        )


def ports(job: Job, report: Report) -> None:
    """Report a port that is none."""
    path = "resources.database.port"
    port = job.get(path)
    if port is not None and not reach.port_of(port):
        report(rules.OUT_OF_RANGE.at(job.locate(path), f"`{path}` must be 1 to 65535."))


def labels(job: Job, report: Report) -> None:
    """Report labels and annotations that Kubernetes refuses."""
    for field in ("labels", "annotations"):
        pairs: Mapping[str, Text] = job.get(f"metadata.{field}") or {}
        for key, value in pairs.items():
            if problem := _key_problem(key):
                place = job.locate(f"metadata.{field}", key, key=True)
                report(rules.BAD_LABEL.at(place, f"The key `{key}` {problem}."))
            if field == "labels" and isinstance(value, str) and not _is_label_value(value):
                report(
                    rules.BAD_LABEL.at(
                        job.locate(f"metadata.{field}", key),
                        f"`{value}` is no label value: at most 63 letters, digits, `-`, `_` and "
                        "`.`, with a letter or digit at both ends.",
                    )
                )
    annotations: Mapping[str, Text] = job.get("metadata.annotations") or {}
    size = sum(len(f"{key}{value}".encode()) for key, value in annotations.items())
    if size > _MOST_ANNOTATIONS:
        what = f"The annotations have {size} of at most {_MOST_ANNOTATIONS} bytes."
        report(rules.BAD_LABEL.at(job.locate("metadata.annotations", key=True), what))


def owners(job: Job, owner: str, report: Report) -> None:
    """Report a job that its own provider builds beside the tool that was chosen."""
    provider = job.get("provider")
    if support.owns_beside(provider, owner):
        report(
            rules.OWNED_BESIDE.at(
                job.locate("provider"),
                f"The job belongs to {provider}, and is written as {owner} as well.",
            )
        )


def state(job: Job, report: Report, shared: str = "") -> State:
    """Return where a job's state is, or that of what it shares; report what is wrong with it."""
    try:
        found = terraform.state_of(job, shared)
    except terraform.BackendError as error:
        path = "terraform.backend_config" if error.key else "terraform.workspace"
        if not error.key and not job.get("terraform.workspace"):
            path = "terraform.backend_config"
        parts = (error.key,) if error.key else ()
        report(rules.BAD_BACKEND.at(job.locate(path, *parts), str(error), remedy=error.remedy))
        return terraform.State()
    if found.backend is None and not shared:
        report(rules.LOCAL_STATE.at(job.locate("terraform.backend_config")))
    return found


def _is_label_value(text: str) -> bool:
    return not text or _LABEL_NAME.fullmatch(text) is not None


def _key_problem(key: str) -> str | None:
    prefix, slash, name = key.rpartition("/")
    if slash and (len(prefix) > 253 or _PREFIX.fullmatch(prefix) is None):
        return "does not begin with a DNS name of lower-case letters, digits, `-` and `.`"
    if _LABEL_NAME.fullmatch(name) is None:
        return "is not at most 63 letters, digits, `-`, `_` and `.` after its prefix"
    return None


def cloud(context: Context, platform: Platform, project: Source) -> None:
    """Report a platform that the target's cloud lacks, and what is of another cloud than the job.

    `project` is the project file, for the place where it says the cloud.
    """
    job, target, understood = context.job, context.target, context.understood
    name = clouds.NAMES[understood.cloud]
    if platform.clouds and understood.cloud not in platform.clouds:
        others = " and ".join(clouds.NAMES[each] for each in platform.clouds)
        context.report(
            rules.WRONG_CLOUD.at(
                job.locate("runtime.platform"),
                f"{platform.name} exists on {others} alone, and the target `{target.name}` is on "
                f"{name}.",
                remedy=f"{_platforms_on(understood.cloud)} Or choose another target.",
            )
        )
    if not understood.against:
        return
    first, *more = understood.against
    if understood.sign:
        said = [(job.source.locate(understood.sign.path), f"this is of {name}")]
    elif target.cloud:
        said = [(project.locate(("targets", target.name, "cloud")), f"the target is on {name}")]
    else:
        said = [(job.locate("runtime.platform"), f"{understood.why}, on {name}")]
    also = f" So {'is' if len(more) == 1 else 'are'} {', '.join(map(str, more))}." if more else ""
    context.report(
        rules.OTHER_CLOUD.at(
            job.source.locate(first.path),
            f"{first} has a form of {clouds.NAMES[first.cloud]}, but the job runs on {name}, as "
            f"{understood.why}.{also}",
            remedy=_platforms_on(first.cloud) if platform.clouds else "",
            related=said,
        )
    )


def _platforms_on(cloud: Cloud) -> str:
    there = (each.name for each in PLATFORMS.values() if not each.clouds or cloud in each.clouds)
    return f"On {clouds.NAMES[cloud]} there are: {', '.join(sorted(there))}."


def accounts(context: Context) -> None:
    """Report what belongs to another account or region than the target."""
    target, other_place = context.target, _OTHER_PLACE[context.cloud]
    for path in _PLACED_FIELDS:
        if other := other_place(context.get(path), target.account, target.region):
            context.report(
                rules.OTHER_ACCOUNT.at(
                    context.origin(path), f"`{path}` belongs to {other}; the target is {target}."
                )
            )


def needs(job: Job, platform: Platform, report: Report) -> None:
    """Report the fields that the platform needs to be built and that the job does not set."""
    for field in platform.needs(job):
        value = job.get(field)
        if value in {None, ()} and not job.lacks(field):
            report(
                rules.PLATFORM_NEEDS.at(
                    job.locate(field),
                    f"{platform.name} needs `{field}` to be built.",
                    remedy=f"Add `{field}`.",
                )
            )


def settings(
    job: Job, platform: Platform, edition: str, report: Report, *, allow_unresolved: bool
) -> dict[str, Any]:
    """Return every variable that the platform knows, with the job's value or the default.

    Values that a platform cannot use, and variables that it does not know, are reported; one that
    must be known and is not is a note where that is allowed.
    """
    known = {each.name: each for each in platform.variables}
    found = {name: each.default_of(edition) for name, each in known.items()}
    for name, value in job.variables.items():
        if name not in known:
            report(
                rules.UNKNOWN_VARIABLE.at(
                    job.locate("metadata.variables", name, key=True),
                    f"{platform.name} does not know the variable `{name}`.",
                    remedy=f"`dativo-infra explain {platform.name}` lists its variables.",
                    word=name,
                    choices=known,
                )
            )
            continue
        read, problem = known[name].read(value)
        if problem is None:
            found[name] = read
        else:
            late = allow_unresolved and not is_known(value) and not has_secret(value)
            report(
                rules.BAD_VARIABLE.at(
                    job.locate("metadata.variables", name),
                    f"The variable `{name}` {problem}.",
                    remedy=f"`dativo-infra explain {platform.name}` lists its variables.",
                    word=value if isinstance(value, str) else "",
                    choices=known[name].choices,
                    severity=Severity.NOTE if late else None,
                )
            )
    return found


def outputs(job: Job, platform: Platform, report: Report) -> dict[str, str]:
    """Return the exports that the job's expected outputs name, by the job's own names."""
    found = {}
    for alias, text in (job.get("outputs") or {}).items():
        export = platform.export_named(text)
        if export is None:
            # Terraform's own addresses mean nothing to another tool; the field report says so.
            continue
        if export in platform.exports:
            found[alias] = export
        else:
            report(
                rules.UNKNOWN_OUTPUT.at(
                    job.locate("outputs", alias),
                    f"{'The module' if platform.calls_module else platform.name} exports no "
                    f"`{export}`.",
                    remedy="Let the module have the output."
                    if platform.calls_module
                    else f"`dativo-infra explain {platform.name}` lists its outputs.",
                    word=export,
                    choices=platform.exports,
                )
            )
    return found
