"""Which tool builds which kind: the source of refusals, their remedies and the docs' matrix.

The adapters' tables are held against this one by the conformance suite.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from dativo_infra.diagnostics import Diagnostic, rules
from dativo_infra.model import Provider
from dativo_infra.platforms.base import refers
from dativo_infra.resources.kinds import KINDS
from dativo_infra.resources.kubernetes import KubernetesObject

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dativo_infra.model import Job
    from dativo_infra.planning.result import Unit
    from dativo_infra.platforms.base import Platform
    from dativo_infra.resources import Resource


def _no_object(kind: type[Resource]) -> str:
    """Return why there is no manifest for a kind."""
    place = "Databricks" if kind.__module__.endswith(".databricks") else "AWS"
    return f"manifests describe objects inside a Kubernetes cluster, and this is built in {place}"


_NOT_OF_AWS = (
    "AWS has no CloudFormation type for what is inside a Databricks workspace, and types of others "
    "must first be activated in the account, which is not assumed "
    "(https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/registry-public.html)"
)
_MODULE = {"TerraformModule": "a Terraform module is called by Terraform alone"}

REFUSALS: Mapping[str, Mapping[str, str]] = {
    "pulumi": {**_MODULE},
    "cloudformation": {
        "DatabricksCluster": _NOT_OF_AWS,
        "DatabricksInstancePool": _NOT_OF_AWS,
        "DatabricksJob": _NOT_OF_AWS,
        **_MODULE,
        "KubernetesObject": (
            "CloudFormation has no resource type for objects inside a Kubernetes cluster "
            "(https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/)"
        ),
    },
    "manifests": {kind.__name__: _no_object(kind) for kind in KINDS if kind is not KubernetesObject}
    | _MODULE,
    "terraform": {},
}
"""For each tool, the kinds that it cannot build and why; all other kinds it builds."""

LOSSES: Mapping[str, Mapping[tuple[str, str], str]] = {
    "pulumi": {},
    "terraform": {},
    "cloudformation": {
        ("IamInstanceProfile", "tags"): (
            "AWS::IAM::InstanceProfile has no Tags property; an instance profile costs nothing, "
            "and the role in it and the machines that use it are tagged"
        ),
    },
    "manifests": {},
}
"""For each tool, fields of kinds that it builds but cannot express, and why that is bearable."""

TOOLS: tuple[str, ...] = tuple(REFUSALS)
"""The tools that this version builds with."""

PROVIDERS: tuple[str, ...] = get_args(Provider)
"""What a job may name as the tool that owns it."""


def takes(tool: str, job: Job, platform: Platform | None) -> bool:
    """Return whether a tool that was chosen for all jobs is the one for this job.

    A provider is, whatever it can build. A tool that no job can name is not theirs to begin with:
    it takes what runs in Kubernetes, and leaves the others to who owns them.
    """
    return tool in PROVIDERS or bool(platform and platform.is_in_kubernetes and _has_place(job))


def _has_place(job: Job) -> bool:
    """Return whether a job has a place of its own, and is not sent to a cluster somewhere."""
    namespace = job.get("runtime.namespace") is not None or job.lacks("runtime.namespace")
    return namespace or not refers(job)


def owns_beside(provider: str | None, tool: str) -> bool:
    """Return whether what a tool is told to build is built by a job's own provider, too."""
    if tool in PROVIDERS or provider in {None, "manual"}:
        return False
    return KubernetesObject.__name__ not in REFUSALS.get(provider or "", {})


def tools_for(kind: str) -> tuple[str, ...]:
    """Return the tools that build a kind."""
    return tuple(tool for tool, refused in REFUSALS.items() if kind not in refused)


def owners_of(kind: str) -> tuple[str, ...]:
    """Return the tools that build a kind and that a job can name as its owner."""
    return tuple(tool for tool in tools_for(kind) if tool in PROVIDERS)


def refusals(unit: Unit, tool: str) -> Iterator[Diagnostic]:
    """Yield an error for each kind in a unit that a tool cannot build, with the tools that can."""
    refused = REFUSALS.get(tool, {})
    kinds = {type(resource).__name__: resource for resource in reversed(unit.resources)}
    for kind, resource in kinds.items():
        if kind in refused:
            yield rules.REFUSED.at(
                resource.origin,
                f"{tool} cannot build the {unit.description}: {refused[kind]}.",
                remedy=f"Let a tool own the job that can: {', '.join(owners_of(kind))}.",
            )
