"""The project file `dativo-infra.yaml`: what holds for all jobs of a repository."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, Strict

from dativo_infra.diagnostics import Severity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dativo_infra.diagnostics import Diagnostic
    from dativo_infra.model import Job, Source

FILE_NAME = "dativo-infra.yaml"

Cloud: TypeAlias = Literal["aws", "gcp", "azure"]
Strings: TypeAlias = Annotated[tuple[str, ...], Strict(False)]

EDITIONS = ("2026-11",)
"""Editions of the defaults, oldest first; an edition once released never changes."""


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class Selector(_Entry):
    """Which jobs are meant; what is not given matches all. Patterns are shell patterns."""

    tenant: str | None = Field(default=None, description="Pattern of the tenant, such as `acme*`.")
    environment: str | None = Field(default=None, description="Pattern of the environment.")
    path: str | None = Field(
        default=None, description="Pattern of the job file's path below this file."
    )


class Target(_Entry):
    """A place that infrastructure is deployed to."""

    select: Selector = Field(default=Selector(), description="The jobs that are deployed there.")
    cloud: Cloud = Field(default="aws", description="The cloud.")
    account: str | None = Field(
        default=None, pattern="^[0-9]{12}$", description="AWS account, twelve digits in quotes."
    )
    region: str | None = Field(default=None, description="Region of the cloud.")
    kubernetes_context: str | None = Field(
        default=None, description="Context of the kubeconfig; never the current one by accident."
    )
    databricks_host: str | None = Field(
        default=None,
        pattern="^https://[A-Za-z0-9.-]+$",
        description="Address of the Databricks workspace, such as "
        "https://acme.cloud.databricks.com; credentials come from the environment alone.",
    )


class Tags(_Entry):
    """Rules for tags."""

    required: dict[str, Strings] = Field(
        default={},
        description="Tags that every job must set, each with its allowed values; [] for any.",
    )
    identity: dict[Literal["tenant", "environment", "job"], str] = Field(
        default={}, description="Keys of the identity tags, where others than dativo:* are wanted."
    )


class Project(_Entry):
    """The content of `dativo-infra.yaml`; the defaults are a project without the file."""

    name: str | None = Field(
        default=None,
        pattern="^[A-Za-z0-9._-]{1,64}$",
        description="The project's name, for good: by it the stacks are found that no job names "
        "any more.",
    )
    edition: str = Field(default=EDITIONS[-1], description="Edition of the defaults.")
    targets: dict[str, Target] = Field(
        default={},
        description="Targets by name; the first whose selector matches is a job's target. What "
        "jobs share is called by its target's name too, so a name is for good.",
    )
    tags: Tags = Tags()
    silence: Strings = Field(default=(), description="Codes of warnings and notes not to report.")

    def target_of(self, job: Job, path: str) -> PlacedTarget:
        """Return the target of a job, whose file has the given path below the project file."""
        for name, target in self.targets.items():
            wanted = target.select
            if (
                _matches(wanted.tenant, job.tenant)
                and _matches(wanted.environment, job.environment)
                and _matches(wanted.path, path)
            ):
                return PlacedTarget(
                    name=name,
                    cloud=target.cloud,
                    account=target.account,
                    region=target.region,
                    kubernetes_context=target.kubernetes_context,
                    databricks_host=target.databricks_host,
                )
        return AMBIENT

    def silences(self, diagnostic: Diagnostic) -> bool:
        """Return whether a diagnostic is not to be reported; an error always is."""
        return diagnostic.code in self.silence and diagnostic.severity is not Severity.ERROR

    def identity_keys(self) -> tuple[str, str, str]:
        """Return the keys of the tags for tenant, environment and job."""
        given = self.tags.identity
        return (
            given.get("tenant", "dativo:tenant"),
            given.get("environment", "dativo:environment"),
            given.get("job", "dativo:job"),
        )


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class PlacedTarget:
    """Where a unit is deployed; what is None comes from the tool's own configuration."""

    name: str = ""
    cloud: Cloud | None = None
    account: str | None = None
    region: str | None = None
    kubernetes_context: str | None = None
    databricks_host: str | None = None

    def __str__(self) -> str:
        if not self.name:
            return "the tool's own configuration"
        facts = (
            self.cloud,
            self.account,
            self.region,
            self.kubernetes_context,
            self.databricks_host,
        )
        return f"{self.name} ({', '.join(fact for fact in facts if fact)})"


AMBIENT = PlacedTarget()
"""The target of jobs that no selector reaches: what the stack or the tool is configured for."""


@dataclass(frozen=True, slots=True)
class LoadedProject:
    """A project with the places of what it says."""

    project: Project
    source: Source
    here: str = "/"
    """The folder that relative paths of files begin at: the current one when it was loaded."""


def _matches(pattern: str | None, text: str) -> bool:
    return pattern is None or fnmatchcase(text, pattern)


@cache
def project_schema() -> Mapping[str, Any]:
    """Return the JSON Schema (2020-12) of `dativo-infra.yaml`."""
    schema = Project.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
