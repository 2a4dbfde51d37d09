"""What the commands share that talk to CloudFormation: options, and the connection."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

from dativo_infra.cli.common import Run, need_extra, show_diagnostics
from dativo_infra.cli.progress import Progress

if TYPE_CHECKING:
    from dativo_infra.adapters.cloudformation.deploy import (
        Clients,
        DestroyResult,
        Doomed,
        TemplateBucket,
    )
    from dativo_infra.planning import Unit
    from dativo_infra.project import PlacedTarget

TOOL = "cloudformation"
NO_UNITS = "No job of the selection has a CloudFormation stack."

Function = TypeVar("Function", bound=Callable[..., Any])


def connection_options(function: Function) -> Function:
    """Add the options that say where CloudFormation is; `connected` takes them."""
    for option in reversed(
        (
            click.option(
                "--endpoint-url",
                metavar="URL",
                callback=_url,
                help="Another endpoint than AWS's, for all services.",
            ),
            click.option("--region", help="Region of targets that name none."),
        )
    ):
        function = option(function)
    return function


def _url(_context: click.Context, _option: click.Parameter, url: str | None) -> str | None:
    if url is None or url.startswith(("http://", "https://")):
        return url
    raise click.BadParameter("an endpoint begins with http:// or https://")


local_option = click.option(
    "--local",
    is_flag=True,
    help="CloudFormation embedded in this process: no account, empty, and gone at the end.",
)
concurrency_option = click.option(
    "--concurrency",
    type=click.IntRange(1, 64),
    default=8,
    show_default=True,
    help="How many stacks are worked on at once.",
)
param_option = click.option(
    "--param",
    "params",
    multiple=True,
    metavar="NAME=value",
    help="Value for ${NAME}, stronger than --env-file and the environment. Other users of the "
    "machine can see it: give secrets by those.",
)
bucket_option = click.option(
    "--template-bucket",
    "bucket",
    metavar="NAME",
    help="Bucket that exists, in the target's region, for templates over 51,200 bytes.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A way to CloudFormation."""

    session: Any
    clients: Clients
    endpoint_url: str | None
    account: str | None
    """The account of the credentials; None where it is embedded."""
    unsupported: list[str]
    """The types that the embedded CloudFormation does not know."""

    def bucket(self, name: str | None) -> TemplateBucket | None:
        """Return the bucket for large templates."""
        from dativo_infra.adapters.cloudformation.deploy import TemplateBucket, clients_of

        if name is None:
            return None
        clients = clients_of(self.session, service="s3", endpoint_url=self.endpoint_url)
        return TemplateBucket(name=name, clients=clients)


@contextmanager
def connected(
    run: Run, *, endpoint_url: str | None, region: str | None, local: bool = False
) -> Iterator[Connection]:
    """Connect to what a command's options mean.

    Raises:
        DiagnosticError: AWS cannot be asked, or the credentials are of another account.
    """
    need_extra("troposphere", "cloudformation")
    need_extra("boto3", "cloudformation")
    from dativo_infra.adapters.cloudformation.deploy import account_of, clients_of, open_session

    if local and endpoint_url:
        raise click.UsageError("--local has no endpoint: leave --endpoint-url out")
    if not local:
        session = open_session(region=region)
        targets = [unit.target for unit in run.plan.owned_by(TOOL)]
        yield Connection(
            session=session,
            clients=clients_of(session, endpoint_url=endpoint_url),
            endpoint_url=endpoint_url,
            account=account_of(session, targets, endpoint_url=endpoint_url),
            unsupported=[],
        )
        return
    need_extra("moto", "local")
    from dativo_infra.adapters.cloudformation.local import (
        create_references,
        create_roles,
        embedded,
    )

    with embedded(region=region or "us-east-1") as unsupported:
        session = open_session()
        create_roles(session, run.roles_of(TOOL))
        create_references(session, run.plan.owned_by(TOOL), run.environment)
        yield Connection(
            session=session,
            clients=clients_of(session),
            endpoint_url=None,
            account=None,
            unsupported=unsupported,
        )


def orphans_of(
    run: Run, connection: Connection, selected: tuple[str | None, str | None]
) -> list[Doomed]:
    """Return the stacks that no job of the whole project names any more.

    Raises:
        DiagnosticError: CloudFormation cannot be asked.
    """
    from dativo_infra.adapters.cloudformation.deploy import orphans
    from dativo_infra.planning import Selection

    if not (run.whole and run.plan.project and connection.account):
        return []
    units = run.plan.owned_by(TOOL)
    return orphans(
        units,
        clients=connection.clients,
        targets=list(_places(run, units, connection)),
        project=run.plan.project,
        selection=Selection(tenant=selected[0], environment=selected[1]),
        existing={*(str(each.job.identity) for each in run.plan.jobs), *run.left},
    )


def _places(run: Run, units: Iterable[Unit], connection: Connection) -> Iterator[PlacedTarget]:
    """Yield where stacks of the project may be that these credentials reach."""
    from dativo_infra.project import AMBIENT, PlacedTarget

    yield from {unit.target for unit in units}
    if connection.session.region_name:
        yield AMBIENT
    for name, target in run.project.targets.items():
        there = target.region or connection.session.region_name
        if there and target.cloud == "aws" and target.account in {None, connection.account}:
            yield PlacedTarget(name=name, cloud=target.cloud, region=target.region)


def describe(stacks: Iterable[Doomed]) -> Iterator[str]:
    """Yield lines that say what goes with each stack, and what stays."""
    from collections import Counter

    from dativo_infra.diagnostics.render import count_of

    for each in stacks:
        yield f"{each.stack}  {each.identity or 'no job'}"
        if each.keep:
            yield f"  stays: {each.keep}"
            continue
        counts = Counter(resource.type for resource in each.goes)
        listed = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
        yield f"  goes: {listed or 'no resource'}"
        if each.stays:
            yield f"  retained, {count_of(len(each.stays), 'resource')}:"
        for resource in each.stays:
            yield f"    {resource.type} {resource.id}"


def delete(
    stacks: list[Doomed], connection: Connection, concurrency: int
) -> tuple[list[DestroyResult], bool]:
    """Delete stacks and say what went wrong; return the results and whether it was interrupted."""
    from dativo_infra.adapters.cloudformation.deploy import InterruptedRunError, destroy

    interrupted = False
    with Progress(len(stacks)) as progress:
        try:
            results = destroy(
                stacks,
                clients=connection.clients,
                on_event=progress.event,
                on_result=progress.result,
                concurrency=concurrency,
            )
        except InterruptedRunError as error:
            results, interrupted = error.results, True
    show_diagnostics(each for result in results for each in result.diagnostics)
    return results, interrupted
