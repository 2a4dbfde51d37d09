"""`orphans`: stacks of a project that no job names any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dativo_infra.adapters.cloudformation.deploy.connection import explained
from dativo_infra.adapters.cloudformation.deploy.deployed import said_in, template_of
from dativo_infra.adapters.cloudformation.deploy.destroying import DoomedStack, held_by
from dativo_infra.adapters.cloudformation.deploy.watch import NOT_CREATED, Watch, is_ours, names_of
from dativo_infra.adapters.results import all_selected, kept
from dativo_infra.planning.selection import Selection

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from dativo_infra.adapters.cloudformation.deploy.connection import Clients
    from dativo_infra.planning.result import Unit
    from dativo_infra.project import PlacedTarget


@explained()
def orphans(
    units: Iterable[Unit],
    *,
    clients: Clients,
    targets: Iterable[PlacedTarget],
    project: str,
    selection: Selection = Selection(),  # noqa: B008 - it cannot be changed
    existing: Collection[str] = (),
) -> list[DoomedStack]:
    """Return the stacks of a project that none of its units has, or had.

    Args:
        units: All units that CloudFormation owns, of all jobs of the project in the selection.
        clients: Gives the client for a target.
        targets: Where to look, each region once.
        project: The project's name, as it was given to `deploy`.
        selection: The tenant and environment of which all jobs of a stack must be.
        existing: The identities of all jobs of the project, whoever owns them now: a stack of one
            of them is kept.

    Raises:
        DiagnosticError: CloudFormation cannot be asked.

    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html
    """
    names = {
        (clients(unit.target).meta.region_name, name) for unit in units for name in names_of(unit)
    }
    found: list[DoomedStack] = []
    regions: set[str] = set()
    for target in targets:
        watch = Watch(client=clients(target))
        region = watch.client.meta.region_name
        if region in regions:
            continue
        regions.add(region)
        for described in _candidates(watch, {name for where, name in names if where == region}):
            document = template_of(watch, described["StackName"])
            ours = said_in(document)
            if ours.get("project") == project and all_selected(ours.get("jobs", ()), selection):
                found.append(held_by(watch, described, document, target))
    return kept(found, {job for each in found for job in each.jobs}, project, existing)


def _candidates(watch: Watch, names: set[str]) -> Iterator[Mapping[str, Any]]:
    """Yield the stacks that look like ours and that no unit has."""
    for page in watch.client.get_paginator("describe_stacks").paginate():
        for described in page["Stacks"]:
            if (
                described["StackName"] not in names
                and is_ours(described)
                and described["StackStatus"] not in NOT_CREATED
            ):
                yield described
