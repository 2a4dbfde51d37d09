"""What a deployed template says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cfn_flip

from dativo_infra.adapters.cloudformation.template import METADATA
from dativo_infra.planning.result import UnitKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dativo_infra.adapters.cloudformation.deploy.templates import Inputs
    from dativo_infra.adapters.cloudformation.deploy.watch import Watch
    from dativo_infra.planning.result import Unit


def template_of(watch: Watch, name: str) -> Mapping[str, Any]:
    """Return a stack's deployed template; nothing where it was never executed.

    Raises:
        BotoCoreError, ClientError: CloudFormation cannot be asked.
    """
    # boto3 gives JSON as data, and YAML as text.
    body = watch.client.get_template(StackName=name).get("TemplateBody")
    return cfn_flip.load(body)[0] if isinstance(body, str) else body or {}


def said_in(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what we ourselves wrote into a template: identity, jobs, needs, project."""
    return document.get("Metadata", {}).get(METADATA, {})


def used_elsewhere(watch: Watch, unit: Unit, name: str, inputs: Inputs) -> str:
    """Return why the stack of a shared unit stays as it is; nothing where it may change.

    What a shared unit consists of is said by all jobs that use it. A run that has some of them only
    would take away what the others need.

    Raises:
        BotoCoreError, ClientError: CloudFormation cannot be asked.
    """
    if unit.kind is not UnitKind.SHARED:
        return ""
    mine = set(map(str, unit.jobs))
    jobs = said_in(template_of(watch, name)).get("jobs", ())
    others = [job for job in jobs if job not in mine and inputs.elsewhere(job)]
    if not others:
        return ""
    return f"also used by {', '.join(others)}; to change it, deploy all its jobs together"
