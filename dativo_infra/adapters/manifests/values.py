"""What of a plan is known when it is written: everything, or it is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from dativo_infra.diagnostics.rules import LATE_IN_MANIFEST, SECRET_IN_MANIFEST
from dativo_infra.model import BLOCK
from dativo_infra.values import (
    Concat,
    Parameter,
    Pseudo,
    Ref,
    Select,
    Split,
    Token,
    parameters,
    resolve,
    tokens,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dativo_infra.diagnostics import Diagnostic, Location
    from dativo_infra.model import Job, Path
    from dativo_infra.planning.result import Unit
    from dativo_infra.resources import Resource


def known(value: Any, names: Mapping[str, str]) -> Any:
    """Return nested data without tokens.

    Args:
        value: Plain data, and tokens of which `problems` has found none to be known too late.
        names: The objects' names by their keys, since that is all one can refer to.
    """

    def lower(token: Token) -> Any:
        match token:
            case Ref(key, "name"):
                return names[key]
            case Concat(parts):
                return "".join(resolve(parts, lower))
            case Split(separator, text):
                return resolve(text, lower).split(separator)
            case Select(items, index):
                return resolve(items, lower)[index]
            case _:
                raise TypeError(f"`{token}` is not known when a manifest is written")

    return resolve(value, lower)


def problems(unit: Unit, jobs: Iterable[Job]) -> Iterator[Diagnostic]:
    """Yield an error for each place of a job that would be known after its unit is written.

    Args:
        unit: What is written.
        jobs: The jobs that the unit is for.
    """
    jobs = tuple(jobs)
    for resource in unit.resources:
        for token in dict.fromkeys(tokens(_content(resource))):
            if isinstance(token, Parameter):
                places = [place for job in jobs for place in _places(job, token)]
                for place in places or [resource.origin]:
                    yield _problem(token, place)
            elif isinstance(token, Pseudo):
                yield LATE_IN_MANIFEST.at(
                    resource.origin, f"`{token}` is known to AWS alone, and no manifest has it."
                )


def _problem(parameter: Parameter, place: Location | None) -> Diagnostic:
    if parameter.secret:
        message = f"`{parameter}` is a secret, and would stand in a manifest."
        return SECRET_IN_MANIFEST.at(place, message)
    return LATE_IN_MANIFEST.at(place, f"`{parameter}` has no value, and a manifest needs it.")


def names_of(job: Job) -> set[str]:
    """Return the names of all variables that have no value yet in a job's block."""
    late = (each for path in job.set_fields() for each in parameters(job.get(path)))
    return {each.name for each in late} | {each.name for _, each in job.unresolved}


def _places(job: Job, parameter: Parameter) -> Iterator[Location]:
    """Yield where a job's block says a parameter."""
    for field in job.set_fields():
        for path in _paths(job.get(field), parameter):
            yield job.source.locate((BLOCK, *field.split("."), *path))


def _paths(value: Any, parameter: Parameter) -> Iterator[Path]:
    if isinstance(value, Mapping | list | tuple):
        for key, item in value.items() if isinstance(value, Mapping) else enumerate(value):
            yield from ((key, *path) for path in _paths(item, parameter))
    elif parameter in parameters(value):
        yield ()


def _content(resource: Resource) -> dict[str, Any]:
    return {each.name: getattr(resource, each.name) for each in fields(resource)}
