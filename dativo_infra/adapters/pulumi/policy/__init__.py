"""The policy pack: tags that every resource of a stack must carry, whoever wrote its program.

    pulumi preview --policy-pack PATH/TO/dativo_infra/adapters/pulumi/policy

What it checks is set by a file for `--policy-pack-config`, of which each part may be left out:

    {
      "required-tags": {
        "enforcementLevel": "advisory",
        "project": "jobs/dativo-infra.yaml",
        "tags": {"CostCenter": ["data-engineering", "analytics"], "Owner": []}
      },
      "identity-tags": "disabled"
    }
"""

from __future__ import annotations

import json
from collections import ChainMap
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pulumi_policy import PolicyConfigSchema, ResourceValidationPolicy

from dativo_infra.adapters.pulumi.arguments import rooted
from dativo_infra.adapters.pulumi.components import TYPE, EcsCluster
from dativo_infra.diagnostics import raise_errors
from dativo_infra.loading import load_project

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pulumi_policy import ReportViolation, ResourceValidationArgs

    from dativo_infra.project import Project

GROUP = "aws:autoscaling/group:Group"
"""The one type whose tags are a list, and that the provider's default tags do not reach.

Source: https://registry.terraform.io/providers/hashicorp/aws/latest/docs#default_tags-configuration-block
"""

TAGGABLE = frozenset([GROUP, *Path(__file__).with_name("taggable.txt").read_text().split()])
"""The types that can be tagged, as pulumi-aws has them: importing it would take seconds."""

_SHARED = f"{TYPE}{EcsCluster.__name__}"
"""The component whose resources several jobs may share."""

_PROJECT = {
    "type": "string",
    "description": "The dativo-infra.yaml that holds, from the folder of Pulumi.yaml; the nearest "
    "above that folder where not given.",
}
_TAGS = {
    "type": "object",
    "additionalProperties": {"type": "array", "items": {"type": "string"}},
    "description": "Tags that are required beside those of the project, each with its allowed "
    "values; [] for any.",
}


def required_tags(args: ResourceValidationArgs, report: ReportViolation) -> None:
    """Report what a resource lacks of the tags that the project requires."""
    if args.resource_type in TAGGABLE:
        required = {**_project(args).tags.required, **args.get_config().get("tags", {})}
        types = _types(args)
        if _SHARED in types:
            remedy = "It has those that all jobs on the cluster say alike."
        elif TYPE in types:
            remedy = "Add them to `metadata.tags` of its job."
        else:
            remedy = "Add them to its `tags`, or to the provider's `defaultTags`."
        _check(args, report, required, remedy)


def identity_tags(args: ResourceValidationArgs, report: ReportViolation) -> None:
    """Report the tags of identity that a resource of a job lacks.

    What several jobs share is nobody's alone: it carries those that its jobs have in common.
    """
    types = _types(args)
    if args.resource_type in TAGGABLE and TYPE in types and _SHARED not in types:
        required = dict.fromkeys(_project(args).identity_keys(), ())
        _check(args, report, required, "Its component sets them: find what takes them away.")


POLICIES = (
    ResourceValidationPolicy(
        name="required-tags",
        description="What can be tagged carries the tags that the project requires.",
        validate=required_tags,
        config_schema=PolicyConfigSchema({"project": _PROJECT, "tags": _TAGS}),
    ),
    ResourceValidationPolicy(
        name="identity-tags",
        description="What a job has carries the tags that tell whose it is.",
        validate=identity_tags,
        config_schema=PolicyConfigSchema({"project": _PROJECT}),
    ),
)


def _check(
    args: ResourceValidationArgs,
    report: ReportViolation,
    required: Mapping[str, Sequence[str]],
    remedy: str,
) -> None:
    tags = _tags(args)
    # To look for a key in the mapping would read its value, which may not be known yet.
    keys = set(tags)
    what = f"{args.resource_type} `{args.name}`"
    if missing := [f"`{key}`" for key in required if key not in keys]:
        report(f"{what} lacks the tags {', '.join(missing)}. {remedy}", None)
    for key, allowed in required.items():
        if allowed and key in keys and tags[key] not in allowed:
            one_of = f"`{key}` must be one of {', '.join(allowed)}"
            report(f"{what} is tagged `{key}: {tags[key]}`; {one_of}.", None)


def _tags(args: ResourceValidationArgs) -> Mapping[str, Any]:
    """Return the tags of a resource: its own, and the provider's default ones."""
    own = args.props.get("tags") or {}
    if args.resource_type == GROUP:
        return {each["key"]: each["value"] for each in own}
    defaults = args.provider.props.get("defaultTags") if args.provider else None
    # The engine keeps what is nested in a provider's settings as JSON.
    defaults = json.loads(defaults) if isinstance(defaults, str) else defaults
    return ChainMap(own, (defaults or {}).get("tags") or {})


def _types(args: ResourceValidationArgs) -> str:
    """Return the types of a resource and of its parents, as its URN has them.

    Source: https://www.pulumi.com/docs/iac/concepts/resources/names/#urns
    """
    return args.urn.split("::")[2]


def _project(args: ResourceValidationArgs) -> Project:
    return _load(args.get_config().get("project"))


@cache
def _load(file: str | None) -> Project:
    """Return the project that a file describes, or the nearest above the program.

    Raises:
        DiagnosticError: it cannot be read.
    """
    loaded, found = load_project(rooted(file) if file else None, near=[rooted(".")])
    raise_errors(found)
    return loaded.project
