"""What a deployed template says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cfn_flip

from dativo_infra.adapters.cloudformation.deploy.states import place_of
from dativo_infra.adapters.cloudformation.template import METADATA
from dativo_infra.diagnostics.rules import SHARED_PARTLY
from dativo_infra.planning.result import UnitKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dativo_infra.adapters.cloudformation.deploy.templates import Inputs
    from dativo_infra.adapters.cloudformation.deploy.watch import Watch
    from dativo_infra.diagnostics import Diagnostic
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
    entries = (each.get("Metadata", {}) for each in document.get("Resources", {}).values())
    return next(
        (each[METADATA]["unit"] for each in entries if "unit" in each.get(METADATA, {})), {}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Users:
    """The jobs that use what is shared."""

    elsewhere: tuple[str, ...] = ()
    """Those that the run does not have."""
    new: tuple[str, ...] = ()
    """Those of the run that the deployed stack does not know."""

    @property
    def reason(self) -> str:
        """Why the stack stays as it is."""
        others = ", ".join(self.elsewhere)
        return f"also used by {others}; to change it, deploy all its jobs together"


def users(watch: Watch, unit: Unit, name: str, inputs: Inputs) -> Users:
    """Return who uses a deployed shared unit beside the jobs of the run; nobody of another unit.

    What a shared unit consists of is said by all jobs that use it. A run that has some of them only
    would take away what the others need.

    Raises:
        BotoCoreError, ClientError: CloudFormation cannot be asked.
    """
    if unit.kind is not UnitKind.SHARED:
        return Users()
    mine = list(map(str, unit.jobs))
    known = said_in(template_of(watch, name)).get("jobs", ())
    return Users(
        elsewhere=tuple(job for job in known if job not in mine and inputs.elsewhere(job)),
        new=tuple(job for job in mine if job not in known),
    )


def refusal(unit: Unit, name: str, found: Users) -> tuple[Diagnostic, ...]:
    """Return why jobs cannot begin to use what is shared in this run; nothing where they can.

    The stack would not know them, and would be deleted under them with its last known user.
    """
    if not (found.elsewhere and found.new):
        return ()
    message = (
        f"The stack {name} is used by {', '.join(found.elsewhere)}, which the run does not have."
    )
    return (SHARED_PARTLY.at(place_of(unit), message),)
