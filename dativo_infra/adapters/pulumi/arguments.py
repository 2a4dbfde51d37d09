"""From a component's arguments to the unit that they describe."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pulumi

from dativo_infra.diagnostics import Diagnostic, Severity, did_you_mean, raise_errors, rules
from dativo_infra.loading import files, load_document, load_project
from dativo_infra.loading.yaml import parse
from dativo_infra.model import BLOCK, Source
from dativo_infra.planning import Plan, Unit, plan
from dativo_infra.values import TOKENS, Parameter

if TYPE_CHECKING:
    from dativo_infra.project import LoadedProject

PLACES: Mapping[str, tuple[str, ...]] = {
    "tenant_id": ("tenant_id",),
    "environment": ("environment",),
    "platform": (BLOCK, "runtime", "platform"),
    "compute": (BLOCK, "runtime", "compute"),
    "storage": (BLOCK, "runtime", "storage"),
    "network": (BLOCK, "runtime", "network"),
    "namespace": (BLOCK, "runtime", "namespace"),
    "service_account": (BLOCK, "runtime", "service_account"),
    "tags": (BLOCK, "metadata", "tags"),
    "labels": (BLOCK, "metadata", "labels"),
    "annotations": (BLOCK, "metadata", "annotations"),
    "variables": (BLOCK, "metadata", "variables"),
}
"""Where in a job an argument is laid."""

PLATFORMS: Mapping[str, str] = {
    "DaskCluster": "dask",
    "DatabricksCluster": "databricks",
    "EcsCluster": "ecs",
    "EcsService": "fargate",
    "EmrCluster": "emr",
    "KubernetesJob": "kubernetes",
    "KubernetesNamespace": "kubernetes",
    "KubernetesServiceAccount": "kubernetes",
    "RayCluster": "ray",
    "SparkApplication": "spark",
}
"""The platform of a component's job that names none."""

_LISTS = frozenset({"subnet_ids", "security_group_ids"})
_PATHS = ("source_connector_path", "target_connector_path", "asset_path")
"""What the runner needs of a job."""
_WITH_TEXT = frozenset({"DaskCluster", "KubernetesJob", "RayCluster", "SparkApplication"})
"""The components that bring the job's text along, so that what is built depends on all of it."""


def unit_from(
    args: Mapping[str, Any], known: type, *, component: str, name: str
) -> tuple[Unit, dict[str, pulumi.Output[Any]]]:
    """Return the unit that a component's arguments describe, and the outputs in it by parameter.

    Args:
        args: the arguments.
        known: the class of the arguments.
        component: the component that is to build the unit.
        name: the component's name, and the job's where no file names it.

    Raises:
        TypeError: there is an argument that the component does not have, or an output outside the
            infrastructure block.
        DiagnosticError: the job cannot be read or planned.
        ValueError: the job is none that the component builds.
    """
    for key in args:
        if key not in known.__annotations__:
            near = did_you_mean(key, known.__annotations__)
            raise TypeError(f"{component} has no argument `{key}`. {near}".rstrip())
    path = rooted(args["job"]) if "job" in args else None
    read, source = _read(path) if path else ({}, None)
    document = _laid(read, args.get("document", {}))
    for key, place in PLACES.items():
        if key in args:
            document = _laid(document, _nested(place, args[key]))
    outputs: dict[str, pulumi.Output[Any]] = {}
    document = _late(document, (), outputs)
    changed = {**document, BLOCK: None} != {**read, BLOCK: None}
    document = _complete(document, component, None if path else name)
    loaded = load_document(document, name=name, source=source)
    project, found = load_project(near=[path or rooted(".")])
    jobs = [replace(job, changed=changed) for job in loaded.jobs]
    planned = plan(jobs, project, provider="pulumi")
    report([*loaded.diagnostics, *found, *planned.diagnostics], project)
    units = [unit for unit in planned.units if unit.component == component]
    if len(units) != 1:
        raise ValueError(f"{component} `{name}`: {_why_not(planned, component)}")
    return units[0], outputs


def rooted(path: str | os.PathLike[str]) -> str:
    """Return a path that was given from the project's folder, else from the current one.

    It is given back as seen from the current folder, as messages show it.
    """
    root = Path(pulumi.get_root_directory() or "")
    if not root.is_absolute():
        # Older language hosts do not tell, and start the program in the folder of `main:`.
        here = Path.cwd()
        above = (each for each in (here, *here.parents) if (each / "Pulumi.yaml").is_file())
        root = next(above, here)
    return os.path.relpath(root / path)


def report(diagnostics: Iterable[Diagnostic], project: LoadedProject | None = None) -> None:
    """Show what is worth a warning, and what the project does not silence, in Pulumi's own way.

    Raises:
        DiagnosticError: there are errors.
    """
    diagnostics = tuple(diagnostics)
    raise_errors(diagnostics)
    for each in diagnostics:
        silent = project is not None and project.project.silences(each)
        if each.severity is Severity.WARNING and not silent:
            pulumi.log.warn(" ".join(part for part in (str(each), each.remedy) if part))


def _why_not(planned: Plan, component: str) -> str:
    """Return why a plan has no unit of a component."""
    notes = "; ".join(note for job in planned.jobs for note in job.notes)
    if notes and not planned.units:
        return f"the job {notes}"
    there = ", ".join(unit.component for unit in planned.units) or "nothing"
    return f"of this job {there} is built, and no {component}"


def _read(path: str) -> tuple[dict[str, Any], Source]:
    text = files.read(path)
    if isinstance(text, Diagnostic):
        raise_errors([text])
    parsed = parse(str(text), path, within=BLOCK)
    raise_errors(parsed.diagnostics)
    if not isinstance(parsed.data, dict):
        raise_errors([rules.NOT_A_JOB.at(parsed.source.locate())])
    return parsed.data, parsed.source


def _complete(document: dict[str, Any], component: str, name: str | None) -> dict[str, Any]:
    """Return a document with what a program that builds infrastructure need not say."""
    base: dict[str, Any] = {BLOCK: {"runtime": {"platform": PLATFORMS[component]}}}
    if component not in _WITH_TEXT:
        base.update(dict.fromkeys(_PATHS, "none"))
    if name is not None:
        base[BLOCK]["name"] = name
    return _laid(base, document)


def _nested(place: tuple[str, ...], value: Any) -> dict[str, Any]:
    for key in reversed(place):
        value = {key: value}
    return value


def _laid(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return two documents as one; of what both say, `above` wins."""
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        if isinstance(under, Mapping) and isinstance(value, Mapping):
            merged[key] = _laid(under, value)
        else:
            merged[key] = value
    return merged


def _late(value: Any, path: tuple[str, ...], outputs: dict[str, pulumi.Output[Any]]) -> Any:
    """Return data with each output in it replaced by a parameter, and kept by its name.

    Raises:
        TypeError: one is not in the infrastructure block.
    """
    late = isinstance(value, pulumi.Output | Awaitable)
    # No variable's name has a dot, so none of the job's own parameters is meant.
    name = ".".join(path)
    if (late or isinstance(value, TOKENS)) and path[:1] != (BLOCK,):
        raise TypeError(
            f"`{name}` cannot be an output: outside `{BLOCK}` a job is text that its runner reads."
        )
    if late:
        outputs[name] = pulumi.Output.from_input(value)
        return Parameter(name, "list" if path[-1] in _LISTS else "string")
    if isinstance(value, Mapping):
        return {key: _late(item, (*path, str(key)), outputs) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_late(item, (*path, str(i)), outputs) for i, item in enumerate(value)]
    return value
