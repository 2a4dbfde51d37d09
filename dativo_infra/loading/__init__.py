"""From text to jobs: files, YAML, substitution and the model, with everything that is wrong.

>>> loaded = load(["examples/jobs"], environment={"EMR_CLUSTER_ID": "j-1ABC"})
>>> loaded.jobs, loaded.diagnostics
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic import ValidationError

from dativo_infra.diagnostics import Diagnostic, Location, has_errors, in_order, rules
from dativo_infra.loading import files, shape
from dativo_infra.loading.substitution import read_env_file, substitute_all
from dativo_infra.loading.yaml import Parsed, parse
from dativo_infra.model import BLOCK, DEFAULT_ENVIRONMENT, Job, JobDocument, Path, Source
from dativo_infra.project import EDITIONS, LoadedProject, Project
from dativo_infra.values import TOKENS, Parameter, parameters

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "Loaded",
    "load",
    "load_document",
    "load_project",
    "read_env_file",
]

Scoped: TypeAlias = "Mapping[tuple[Any, Any], Mapping[str, str]]"
"""Values of variables, by tenant and environment."""

_JOB_KEYS = {"tenant_id", "source_connector_path", "target_connector_path", "asset_path", BLOCK}


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What was found: the jobs that can be read, and all that is wrong."""

    jobs: tuple[Job, ...]
    diagnostics: tuple[Diagnostic, ...]
    not_jobs: int = 0
    """Files passed over since they are YAML but no jobs."""
    broken: int = 0
    """Files that are no job because of an error in them."""
    faulty: tuple[Job, ...] = ()
    """Of those, the jobs that can be read but for some fields: to find what else is wrong with
    them, never to build them."""

    def places(self, paths: Iterable[str]) -> list[str]:
        """Return the places above which the project file is looked for.

        They are those of the jobs, or the paths that were asked for where no job can be read.
        """
        return [job.source.file for job in self.jobs] or list(paths)

    @property
    def without_infrastructure(self) -> int:
        """The number of jobs that have no infrastructure block."""
        return sum(job.document.infrastructure is None for job in self.jobs)


def load(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    environment: Mapping[str, str] | None = None,
    *,
    scoped: Scoped | None = None,
) -> Loaded:
    """Load the jobs that files, folders and patterns mean.

    `environment` fills in `${NAME}`; without it the process's own is used. `scoped` are values for
    the jobs of one tenant and environment alone, which are stronger. Jobs with an error are not
    among those returned. Never raises for what is in the files: see the diagnostics.
    """
    lookup = dict(os.environ if environment is None else environment)
    candidates, diagnostics = files.find([paths] if isinstance(paths, str | os.PathLike) else paths)
    jobs: list[Job] = []
    faulty: list[Job] = []
    not_jobs = broken = 0
    for candidate in candidates:
        text = files.read(candidate.path)
        if isinstance(text, Diagnostic):
            diagnostics.append(text)
            broken += 1
            continue
        parsed = parse(text, candidate.path, within=BLOCK)
        if not candidate.named and _is_no_job(parsed, text):
            not_jobs += 1
            continue
        job, found = _job(parsed, lookup, scoped)
        diagnostics += found
        if has_errors(found):
            broken += 1
        if job is not None:
            (faulty if has_errors(found) else jobs).append(job)
    return Loaded(
        jobs=tuple(jobs),
        diagnostics=in_order(diagnostics),
        not_jobs=not_jobs,
        broken=broken,
        faulty=tuple(faulty),
    )


def load_document(
    document: Mapping[str, Any],
    *,
    name: str,
    environment: Mapping[str, str] | None = None,
    source: Source | None = None,
) -> Loaded:
    """Load one job from data that a program made.

    `name` is what a file's name would be. Tokens may stand where text may be known late.
    """
    data = {key: value for key, value in document.items() if value is not None}
    parsed = Parsed(data, source or Source(name), ())
    job, found = _job(parsed, os.environ if environment is None else environment)
    jobs = (job,) if job and not has_errors(found) else ()
    return Loaded(jobs=jobs, diagnostics=in_order(found), broken=1 - len(jobs))


def load_project(
    file: str | os.PathLike[str] | None = None, *, near: Iterable[str] = ()
) -> tuple[LoadedProject, tuple[Diagnostic, ...]]:
    """Load the project file: the one given, or the nearest above the paths.

    Without one the defaults are returned. Never raises for what is in the file.
    """
    found = [FilePath(file)] if file is not None else files.project_file_above(near)
    default = LoadedProject(Project(), Source(""))
    if not found:
        return default, ()
    if len(found) > 1:
        listed = ", ".join(f"`{each}`" for each in found)
        return default, (rules.SEVERAL_PROJECTS.at(None, f"There are several: {listed}."),)
    path = os.path.relpath(found[0])
    text = files.read(path)
    if isinstance(text, Diagnostic):
        return default, (text,)
    parsed = parse(text, path)
    empty = [each.code for each in parsed.diagnostics] == [rules.EMPTY_FILE.code]
    if parsed.diagnostics and not empty:
        return default, parsed.diagnostics
    try:
        project = Project.model_validate({} if empty else parsed.data)
    except ValidationError as error:
        return default, in_order(
            shape.diagnostic(each, parsed.source, Project) for each in error.errors()
        )
    diagnostics = []
    if project.edition not in EDITIONS:
        diagnostics.append(
            rules.UNKNOWN_EDITION.at(
                parsed.source.locate(("edition",)),
                f"There is no edition `{project.edition}`; there are: {', '.join(EDITIONS)}.",
            )
        )
        project = project.model_copy(update={"edition": EDITIONS[-1]})
    for index, code in enumerate(project.silence):
        rule = rules.RULES.get(code)
        if rule is None or rule.severity == "error":
            silent = [each for each, rule in rules.RULES.items() if rule.severity != "error"]
            what = "is the code of an error" if rule else "is no code"
            diagnostics.append(
                rules.UNKNOWN_SILENCED.at(
                    parsed.source.locate(("silence", index)),
                    f"`{code}` {what}.",
                    word=code,
                    choices=silent,
                )
            )
    return LoadedProject(project, parsed.source, os.getcwd()), tuple(diagnostics)  # noqa: PTH109 - as text


def _is_no_job(parsed: Parsed, text: str) -> bool:
    """Return whether a file in a folder is something else than a job, or than a broken one."""
    if parsed.data is not None:
        return not _has_job_keys(parsed.data)
    empty = any(each.code == rules.EMPTY_FILE.code for each in parsed.diagnostics)
    return not empty and not any(f"{key}:" in text for key in _JOB_KEYS)


def _has_job_keys(data: Any) -> bool:
    return isinstance(data, dict) and not _JOB_KEYS.isdisjoint(data)


def _job(
    parsed: Parsed, lookup: Mapping[str, str], scoped: Scoped | None = None
) -> tuple[Job | None, tuple[Diagnostic, ...] | list[Diagnostic]]:
    """Return a job as far as it can be read, and what is wrong with it."""
    source = parsed.source
    if parsed.diagnostics:
        return None, parsed.diagnostics
    if not _has_job_keys(parsed.data):
        return None, [rules.NOT_A_JOB.at(source.locate())]
    place = (parsed.data.get("tenant_id"), parsed.data.get("environment", DEFAULT_ENVIRONMENT))
    if scoped and all(isinstance(each, str) for each in place):
        lookup = {**lookup, **scoped.get(place, {})}
    data, left, found = _substituted(parsed.data, source, lookup)
    found += shape.settle_provider(data, source)
    found += shape.unknown_keys(data, source)
    unresolved: list[tuple[Path, Parameter]] = []
    faulty: list[Path] = []
    document = _document(data, source, unresolved, faulty, found)
    found += (_left(*each, source) for each in left if each not in unresolved)
    if document is None:
        return None, found
    return Job(document, source, tuple(unresolved), tuple(faulty)), found


def _substituted(
    data: dict[str, Any], source: Source, lookup: Mapping[str, str]
) -> tuple[dict[str, Any], list[tuple[Path, Parameter]], list[Diagnostic]]:
    """Return the document with the variables of its block filled in, and those left open."""
    if BLOCK not in data:
        return data, [], []
    own = {"TENANT_ID": data.get("tenant_id"), "ENVIRONMENT": data.get("environment")}
    own = {name: text for name, text in own.items() if isinstance(text, str)}
    block, bad, left = substitute_all(data[BLOCK], {**lookup, **own})
    problems = [rules.BAD_SUBSTITUTION.at(source.locate((BLOCK, *path))) for path in bad]
    return {**data, BLOCK: block}, [((BLOCK, *path), name) for path, name in left], problems


def _document(
    data: dict[str, Any],
    source: Source,
    unresolved: list[tuple[Path, Parameter]],
    faulty: list[Path],
    found: list[Diagnostic],
) -> JobDocument | None:
    """Return the document checked against the model, or None where its outer part is wrong.

    A field of the block that must be known now and holds a token, and one that is wrong, are left
    out and added to the lists, so that the rest can be checked further.
    """
    try:
        return JobDocument.model_validate(data)
    except ValidationError as error:
        errors = error.errors()
    readable, removed = True, False
    for each in errors:
        path = shape.path_of(each["loc"])
        if isinstance(each["input"], TOKENS) and each["type"] not in shape.MAPPINGS:
            unresolved.extend((path, name) for name in parameters(each["input"]))
        else:
            found.append(shape.diagnostic(each, source, JobDocument))
            faulty.append(path)
            readable = readable and path[:1] == (BLOCK,) and len(path) > 1
        if readable:
            removed = _remove(data, path) or removed
    if not readable or not removed:
        return None
    return _document(data, source, unresolved, faulty, found)


def _remove(data: Any, path: Path) -> bool:
    """Remove what stands at a path, and return whether something did.

    A list goes as a whole, since a shorter one means another.
    """
    for part in path[:-1]:
        inner = data.get(part)
        if not isinstance(inner, dict):
            path = (part,)
            break
        data = inner
    return data.pop(path[-1], None) is not None


def _left(path: Path, parameter: Parameter, source: Source) -> Diagnostic:
    """Return what is to be said of a variable that has no value yet."""
    place: Location = source.locate(path)
    shown = path[1:3] in {("metadata", each) for each in ("tags", "labels", "annotations")}
    if parameter.secret and shown:
        return rules.SECRET_IN_METADATA.at(
            place, f"The secret `{parameter}` would be readable in metadata.{path[2]}."
        )
    if parameter.secret:
        return rules.UNRESOLVED.at(
            place,
            f"`{parameter}` looks like a secret, and stays a secret parameter.",
            remedy="Its value is asked for at deployment and written to no file.",
        )
    return rules.UNRESOLVED.at(place, f"`{parameter}` has no value here, and stays a parameter.")
