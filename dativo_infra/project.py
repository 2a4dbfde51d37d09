"""The project file `dativo-infra.yaml`: what holds for all jobs of a repository."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, Strict, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from dativo_infra.diagnostics import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dativo_infra.diagnostics import Diagnostic
    from dativo_infra.model import Job, Source

FILE_NAME = "dativo-infra.yaml"

Cloud: TypeAlias = Literal["aws", "gcp", "azure"]
Strings: TypeAlias = Annotated[tuple[str, ...], Strict(False)]

EDITIONS = ("2026-11",)
"""Editions of the defaults, oldest first; an edition once released never changes."""

ACCOUNTS: Mapping[Cloud, tuple[str, str]] = {
    "aws": ("an AWS account, twelve digits in quotes", "[0-9]{12}"),
    "gcp": (
        "the id of a Google Cloud project, 6 to 30 lower-case letters, digits and `-`",
        r"(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]",
    ),
    "azure": (
        "the id of an Azure subscription, a UUID",
        r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
    ),
}
"""What an account is in each cloud, and its pattern; no text matches two of them.

Sources: https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-identifiers.html,
https://cloud.google.com/resource-manager/docs/creating-managing-projects,
https://learn.microsoft.com/azure/azure-portal/get-subscription-tenant-id
"""
_TELLING: tuple[tuple[str, Cloud, str], ...] = (
    ("account", "aws", ACCOUNTS["aws"][1]),
    ("account", "gcp", ACCOUNTS["gcp"][1]),
    ("account", "azure", ACCOUNTS["azure"][1]),
    ("region", "aws", "[a-z]{2}(?:-[a-z]+)+-[0-9]"),
    ("region", "gcp", "[a-z]+-[a-z]+[0-9]{1,2}"),
    ("kubernetes_context", "aws", "arn:aws[a-z-]*:eks:.+"),
    ("kubernetes_context", "gcp", "gke_[^_]+_[^_]+_.+"),
    ("databricks_host", "aws", r"https://.+\.cloud\.databricks\.(?:com|us)"),
    ("databricks_host", "gcp", r"https://.+\.gcp\.databricks\.com"),
    ("databricks_host", "azure", r"https://.+\.azuredatabricks\.(?:net|us|cn)"),
)
"""What tells the cloud of a target that does not say it: by field, its form in one cloud alone.

Contexts have these names where the cloud's own command line made them.
Sources: https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html,
https://cloud.google.com/compute/docs/regions-zones,
https://docs.aws.amazon.com/cli/latest/reference/eks/update-kubeconfig.html,
https://cloud.google.com/kubernetes-engine/docs/how-to/cluster-access-for-kubectl
"""


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class Selector(_Entry):
    """Which jobs are meant; what is not given matches all. Patterns are shell patterns."""

    tenant: str | None = Field(default=None, description="Pattern of the tenant, such as `acme*`.")
    environment: str | None = Field(default=None, description="Pattern of the environment.")
    path: str | None = Field(
        default=None, description="Pattern of the job file's path below this file."
    )


def _account_schema(schema: dict[str, Any]) -> None:
    """Add the forms of an account to the schema of a target."""

    def form(*clouds: Cloud) -> dict[str, Any]:
        pattern = "|".join(ACCOUNTS[cloud][1] for cloud in clouds)
        return {"properties": {"account": {"pattern": f"^(?:{pattern})$"}}}

    schema["allOf"] = [
        form(*ACCOUNTS),
        *(
            {"if": {"required": ["cloud"], "properties": {"cloud": {"const": cloud}}}, "then": then}
            for cloud, then in ((cloud, form(cloud)) for cloud in ACCOUNTS)
        ),
    ]


class Target(_Entry):
    """A place that infrastructure is deployed to."""

    model_config = ConfigDict(json_schema_extra=_account_schema)

    select: Selector = Field(default=Selector(), description="The jobs that are deployed there.")
    cloud: Cloud | None = Field(
        default=None,
        description="The cloud; told by the account, the region or the jobs where not given.",
    )
    account: str | None = Field(
        default=None,
        description="Account of AWS, project of Google Cloud, or subscription of Azure.",
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

    @field_validator("account")
    @classmethod
    def _check_account(cls, account: str | None, info: ValidationInfo) -> str | None:
        said: Cloud | None = info.data.get("cloud")
        known = [ACCOUNTS[said]] if said else list(ACCOUNTS.values())
        if account is not None and not any(re.fullmatch(each, account) for _, each in known):
            words = ", or ".join(what for what, _ in known)
            raise PydanticCustomError("account", "{words}", {"words": words})
        return account

    def place(self, name: str) -> PlacedTarget:
        """Return the place, with the name of the target, and the cloud where anything tells it."""
        told: Iterator[Cloud] = (
            cloud
            for field, cloud, pattern in _TELLING
            if re.fullmatch(pattern, getattr(self, field) or "")
        )
        return PlacedTarget(
            name=name,
            cloud=self.cloud or next(told, None),
            account=self.account,
            region=self.region,
            kubernetes_context=self.kubernetes_context,
            databricks_host=self.databricks_host,
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
                return target.place(name)
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
    """None where nothing tells it; then each job may."""
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
