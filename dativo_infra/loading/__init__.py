"""From text to jobs: files, YAML, substitution and the model, with everything that is wrong.

>>> loaded = load(["examples/jobs"], environment={"EMR_CLUSTER_ID": "j-1ABC"})
>>> loaded.jobs, loaded.diagnostics
"""

from __future__ import annotations

import os
from collections import ChainMap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from pydantic import BaseModel, ValidationError

from dativo_infra.diagnostics import Diagnostic, Location, in_order, rules
from dativo_infra.loading import files, shape
from dativo_infra.loading.substitution import read_env_file, substitute_all
from dativo_infra.loading.yaml import Parsed, parse
from dativo_infra.model import BLOCK, Job, JobDocument, Path, Source
from dativo_infra.project import EDITIONS, LoadedProject, Project
from dativo_infra.values import TOKENS, Parameter, parameters

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
    lookup = os.environ if environment is None else environment
    candidates, diagnostics = files.find(paths)
    jobs: list[Job] = []
    not_jobs = 0
    for candidate in candidates:
        text = files.read(candidate.path)
        if isinstance(text, Diagnostic):
            diagnostics.append(text)
            continue
        parsed = parse(text, candidate.path, within=BLOCK)
        if not candidate.named and _is_no_job(parsed, text):
            not_jobs += 1
            continue
        job = _job(parsed, lookup, diagnostics)
        if job is not None:
            jobs.append(job)
    return Loaded(jobs=tuple(jobs), diagnostics=in_order(diagnostics), not_jobs=not_jobs)


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
    if parsed.diagnostics:
        return default, parsed.diagnostics
    try:
        project = Project.model_validate(parsed.data)
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
        return not (isinstance(parsed.data, dict) and _JOB_KEYS & parsed.data.keys())
    several = any(each.code == rules.SEVERAL_DOCUMENTS.code for each in parsed.diagnostics)
    return several and not any(f"{key}:" in text for key in _JOB_KEYS)


def _job(
    parsed: Parsed, lookup: Mapping[str, str], diagnostics: list[Diagnostic]
) -> Job | None:
    source = parsed.source
    if parsed.diagnostics:
        diagnostics.extend(parsed.diagnostics)
        return None
    if not isinstance(parsed.data, dict):
        diagnostics.append(rules.NOT_A_JOB.at(source.locate()))
        return None
    data, problems = _substituted(parsed.data, source, lookup)
    problems += shape.settle_provider(data, source)
    document, unresolved, wrong = _document(data, source)
    problems += wrong
    diagnostics.extend(problems)
    if document is None or any(each.severity == "error" for each in problems):
        return None
    diagnostics.extend(shape.unknown_keys(document, source))
    diagnostics.extend(_still_open(document, source))
    return Job(document, source, unresolved)


def _substituted(
    data: dict[str, Any], source: Source, lookup: Mapping[str, str]
) -> tuple[dict[str, Any], list[Diagnostic]]:
    """Return the document with the variables of its block filled in."""
    own = {}
    if isinstance(tenant := data.get("tenant_id"), str):
        own["TENANT_ID"] = tenant
    if isinstance(environment := data.get("environment"), str):
        own["ENVIRONMENT"] = environment
    bad: list[Path] = []
    block = substitute_all(data.get(BLOCK), ChainMap(own, dict(lookup)), bad.append)
    problems = [rules.BAD_SUBSTITUTION.at(source.locate((BLOCK, *path))) for path in bad]
    return ({**data, BLOCK: block} if BLOCK in data else data), problems


def _document(
    data: dict[str, Any], source: Source
) -> tuple[JobDocument | None, tuple[tuple[Path, Parameter], ...], list[Diagnostic]]:
    """Return the document checked against the model.

    A field that must be known now and holds a token is left out, and returned as unresolved.
    """
    unresolved: list[tuple[Path, Parameter]] = []
    try:
        return JobDocument.model_validate(data), (), []
    except ValidationError as error:
        problems = []
        for each in error.errors():
            if isinstance(each["input"], TOKENS):
                path = shape.path_of(each["loc"])
                unresolved.extend((path, name) for name in parameters(each["input"]))
                _remove(data, path)
            else:
                problems.append(shape.diagnostic(each, source, JobDocument))
        if problems:
            return None, (), problems
    document, more, problems = _document(data, source)
    return document, (*unresolved, *more), problems


def _remove(data: dict[str, Any], path: Path) -> None:
    inner: Any = data
    for part in path[:-1]:
        inner = inner[part]
    # A list loses the whole list: a shorter one would mean something else.
    if isinstance(inner, list):
        _remove(data, path[:-1])
    else:
        inner.pop(path[-1], None)


def _still_open(document: JobDocument, source: Source) -> list[Diagnostic]:
    """Return a note for each variable that stays a parameter, and errors for exposed secrets."""
    found: list[Diagnostic] = []

    def walk(value: Any, path: Path) -> None:
        if isinstance(value, BaseModel):
            for name in (*type(value).model_fields, *(value.model_extra or {})):
                walk(getattr(value, name), (*path, name))
        elif isinstance(value, dict):
            for key, item in value.items():
                walk(item, (*path, key))
        elif isinstance(value, list | tuple):
            for index, item in enumerate(value):
                walk(item, (*path, index))
        else:
            found.extend(_open(parameter, path, source) for parameter in parameters(value))

    walk(document.infrastructure, (BLOCK,))
    return found


def _open(parameter: Parameter, path: Path, source: Source) -> Diagnostic:
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
