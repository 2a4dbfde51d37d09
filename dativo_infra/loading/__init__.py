"""From text to jobs: files, YAML, substitution and the model, with everything that is wrong.

>>> loaded = load(["examples/jobs"], environment={"EMR_CLUSTER_ID": "j-1ABC"})
>>> loaded.jobs, loaded.diagnostics
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from dativo_infra.diagnostics import Diagnostic, Location, has_errors, in_order, rules
from dativo_infra.loading import files, shape
from dativo_infra.loading.substitution import read_env_file, substitute_all
from dativo_infra.loading.yaml import Parsed, parse
from dativo_infra.model import BLOCK, Job, JobDocument, Path, Source
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

    @property
    def without_infrastructure(self) -> int:
        """The number of jobs that have no infrastructure block."""
        return sum(job.document.infrastructure is None for job in self.jobs)


def load(
    paths: Iterable[str | os.PathLike[str]], environment: Mapping[str, str] | None = None
) -> Loaded:
    """Load the jobs that files, folders and patterns mean.

    `environment` fills in `${NAME}`; without it the process's own is used. Jobs with an error are
    not among those returned. Never raises for what is in the files: see the diagnostics.
    """
    lookup = dict(os.environ if environment is None else environment)
    candidates, diagnostics = files.find(paths)
    jobs: list[Job] = []
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
        job = _job(parsed, lookup, diagnostics)
        if job is None:
            broken += 1
        else:
            jobs.append(job)
    return Loaded(
        jobs=tuple(jobs), diagnostics=in_order(diagnostics), not_jobs=not_jobs, broken=broken
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
    diagnostics: list[Diagnostic] = []
    job = _job(parsed, os.environ if environment is None else environment, diagnostics)
    return Loaded(jobs=(job,) if job else (), diagnostics=in_order(diagnostics))


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
    return LoadedProject(project, parsed.source, os.getcwd()), tuple(diagnostics)  # noqa: PTH109


def _is_no_job(parsed: Parsed, text: str) -> bool:
    """Return whether a file in a folder is something else than a job, or than a broken one."""
    if parsed.data is not None:
        return not _has_job_keys(parsed.data)
    empty = any(each.code == rules.EMPTY_FILE.code for each in parsed.diagnostics)
    return not empty and not any(f"{key}:" in text for key in _JOB_KEYS)


def _has_job_keys(data: Any) -> bool:
    return isinstance(data, dict) and not _JOB_KEYS.isdisjoint(data)


def _job(parsed: Parsed, lookup: Mapping[str, str], diagnostics: list[Diagnostic]) -> Job | None:
    source = parsed.source
    if parsed.diagnostics:
        diagnostics.extend(parsed.diagnostics)
        return None
    if not _has_job_keys(parsed.data):
        diagnostics.append(rules.NOT_A_JOB.at(source.locate()))
        return None
    data, left, found = _substituted(parsed.data, source, lookup)
    found += shape.settle_provider(data, source)
    found += shape.unknown_keys(data, source)
    document, unresolved, wrong = _document(data, source)
    found += wrong
    found += (_left(*each, source) for each in left if each not in unresolved)
    diagnostics.extend(found)
    if document is None or has_errors(found):
        return None
    return Job(document, source, unresolved)


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
    data: dict[str, Any], source: Source
) -> tuple[JobDocument | None, tuple[tuple[Path, Parameter], ...], list[Diagnostic]]:
    """Return the document checked against the model.

    A field that must be known now and holds a token is left out, and returned as unresolved.
    """
    try:
        return JobDocument.model_validate(data), (), []
    except ValidationError as error:
        errors = error.errors()
    problems: list[Diagnostic] = []
    unresolved: list[tuple[Path, Parameter]] = []
    for each in errors:
        if isinstance(each["input"], TOKENS) and each["type"] not in shape.MAPPINGS:
            path = shape.path_of(each["loc"])
            unresolved.extend((path, name) for name in parameters(each["input"]))
            _remove(data, path)
        else:
            problems.append(shape.diagnostic(each, source, JobDocument))
    if problems:
        return None, tuple(unresolved), problems
    document, more, problems = _document(data, source)
    return document, (*unresolved, *more), problems


def _remove(data: Any, path: Path) -> None:
    """Remove what stands at a path; a list goes as a whole, since a shorter one means another."""
    for part in path[:-1]:
        inner = data.get(part)
        if not isinstance(inner, dict):
            path = (part,)
            break
        data = inner
    data.pop(path[-1], None)


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
