"""Dativo ingestion jobs, described once in YAML, built by Pulumi, CloudFormation and more.

The public names are loaded on first use, so that importing the package costs nothing:

>>> from dativo_infra import load, plan
>>> loaded = load(["examples/jobs"])
>>> planned = plan(loaded.jobs)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dativo_infra.diagnostics import Diagnostic, DiagnosticError, Location, Severity
    from dativo_infra.loading import Loaded, load, load_document, load_project
    from dativo_infra.model import Job
    from dativo_infra.planning import Plan, Unit, plan
    from dativo_infra.project import Project

__version__ = "0.1.0"

_HOMES = {
    "Diagnostic": "dativo_infra.diagnostics",
    "DiagnosticError": "dativo_infra.diagnostics",
    "Job": "dativo_infra.model",
    "Loaded": "dativo_infra.loading",
    "Location": "dativo_infra.diagnostics",
    "Plan": "dativo_infra.planning",
    "Project": "dativo_infra.project",
    "Severity": "dativo_infra.diagnostics",
    "Unit": "dativo_infra.planning",
    "load": "dativo_infra.loading",
    "load_document": "dativo_infra.loading",
    "load_project": "dativo_infra.loading",
    "plan": "dativo_infra.planning",
}

__all__ = [
    "Diagnostic",
    "DiagnosticError",
    "Job",
    "Loaded",
    "Location",
    "Plan",
    "Project",
    "Severity",
    "Unit",
    "load",
    "load_document",
    "load_project",
    "plan",
]


def __getattr__(name: str) -> Any:  # PEP 562
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
