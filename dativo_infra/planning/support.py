"""Which tool builds which kind: the source of refusals, their remedies and the docs' matrix.

The adapters' tables are held against this one by the conformance suite.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

REFUSALS: Mapping[str, Mapping[str, str]] = {
    "pulumi": {},
    "cloudformation": {
        "KubernetesObject": (
            "CloudFormation has no resource type for objects inside a Kubernetes cluster "
            "(https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/)"
        ),
    },
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
}
"""For each tool, fields of kinds that it builds but cannot express, and why that is bearable."""

TOOLS: tuple[str, ...] = tuple(REFUSALS)
"""The tools that this version builds with."""


def tools_for(kind: str) -> tuple[str, ...]:
    """Return the tools that build a kind."""
    return tuple(tool for tool, refused in REFUSALS.items() if kind not in refused)
