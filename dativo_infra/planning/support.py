"""Which tool builds which kind: the source of refusals, their remedies and the docs' matrix.

The adapters' tables are held against this one by the conformance suite.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dativo_infra.diagnostics import Diagnostic, rules

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dativo_infra.model import Job
    from dativo_infra.planning.result import Unit

_NOT_OF_AWS = (
    "AWS has no CloudFormation type for what is inside a Databricks workspace, and types of others "
    "must first be activated in the account, which is not assumed "
    "(https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/registry-public.html)"
)

REFUSALS: Mapping[str, Mapping[str, str]] = {
    "pulumi": {},
    "cloudformation": {
        "DatabricksCluster": _NOT_OF_AWS,
        "DatabricksInstancePool": _NOT_OF_AWS,
        "DatabricksJob": _NOT_OF_AWS,
        "KubernetesObject": (
            "CloudFormation has no resource type for objects inside a Kubernetes cluster "
            "(https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/)"
        ),
    },
    "terraform": {},
}
"""For each tool, the kinds that it cannot build and why; all other kinds it builds."""

LOSSES: Mapping[str, Mapping[tuple[str, str], str]] = {
    "pulumi": {},
    "cloudformation": {
        ("IamInstanceProfile", "tags"): (
            "AWS::IAM::InstanceProfile has no Tags property; an instance profile costs nothing, "
            "and the role in it and the machines that use it are tagged"
        ),
    },
    "terraform": {},
}
"""For each tool, fields of kinds that it builds but cannot express, and why that is bearable."""

TOOLS: tuple[str, ...] = tuple(REFUSALS)
"""The tools that this version builds with."""


def calls_module(job: Job, tool: str) -> bool:
    """Return whether a tool leaves what is built to the Terraform module that the job names."""
    return tool == "terraform" and bool(job.get("terraform.module_source"))


def builds(job: Job, tool: str) -> bool:
    """Return whether a tool of this version builds a job from its own resources."""
    return tool in TOOLS and not calls_module(job, tool)


def tools_for(kind: str) -> tuple[str, ...]:
    """Return the tools that build a kind."""
    return tuple(tool for tool, refused in REFUSALS.items() if kind not in refused)


def refusals(unit: Unit, tool: str) -> Iterator[Diagnostic]:
    """Yield an error for each kind in a unit that a tool cannot build, with the tools that can."""
    refused = REFUSALS.get(tool, {})
    kinds = {type(resource).__name__: resource for resource in reversed(unit.resources)}
    for kind, resource in kinds.items():
        if kind in refused:
            yield rules.REFUSED.at(
                resource.origin,
                f"{tool} cannot build the {unit.description}: {refused[kind]}.",
                remedy=f"Let a tool own the job that can: {', '.join(tools_for(kind))}.",
            )
