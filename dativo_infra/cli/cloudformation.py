"""CloudFormation's stacks, for the commands that work on them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import click

from dativo_infra.cli.common import need_extra
from dativo_infra.cli.stacks import Tool

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from dativo_infra.adapters.cloudformation.deploy import TemplateBucket
    from dativo_infra.adapters.cloudformation.local import TaggedResource
    from dativo_infra.adapters.results import DestroyResult, Doomed, StackPreview, StackResult
    from dativo_infra.cli.common import Run
    from dativo_infra.cli.progress import Progress
    from dativo_infra.project import PlacedTarget


@contextmanager
def opened(
    run: Run,
    *,
    endpoint_url: str | None,
    region: str | None,
    concurrency: int,
    local: bool = False,
    bucket: str | None = None,
    **_of_others: Any,
) -> Iterator[CloudFormation]:
    """Connect to what a command's options mean.

    Raises:
        DiagnosticError: AWS cannot be asked, or the credentials are of another account.
    """
    need_extra("troposphere", "cloudformation")
    need_extra("boto3", "cloudformation")
    from dativo_infra.adapters.cloudformation.deploy import account_of, open_session

    if local and endpoint_url:
        raise click.UsageError("--local has no endpoint: leave --endpoint-url out")
    more: dict[str, Any] = {
        "endpoint_url": endpoint_url,
        "concurrency": concurrency,
        "bucket": bucket,
    }
    if not local:
        session = open_session(region=region)
        targets = [unit.target for unit in run.plan.owned_by(CloudFormation.name)]
        account = account_of(session, targets, endpoint_url=endpoint_url)
        yield CloudFormation(run, session, account=account, **more)
        return
    need_extra("moto", "local")
    from dativo_infra.adapters.cloudformation.local import (
        create_references,
        create_roles,
        embedded,
    )

    with embedded(region=region or "us-east-1") as unsupported:
        session = open_session()
        create_roles(session, run.roles_of(CloudFormation.name))
        create_references(session, run.plan.owned_by(CloudFormation.name), run.environment)
        yield CloudFormation(run, session, unsupported=unsupported, embedded=True, **more)


class CloudFormation(Tool):
    """One stack a unit, in an account or in this process."""

    name: ClassVar[str] = "cloudformation"

    def __init__(
        self,
        run: Run,
        session: Any,
        *,
        concurrency: int,
        endpoint_url: str | None = None,
        bucket: str | None = None,
        account: str | None = None,
        unsupported: Sequence[str] = (),
        embedded: bool = False,
    ) -> None:
        from dativo_infra.adapters.cloudformation.deploy import clients_of

        super().__init__(run)
        self._clients = clients_of(session, endpoint_url=endpoint_url)
        self._session = session
        self._endpoint_url = endpoint_url
        self._bucket = bucket
        self._account = account
        # What is embedded answers one call at a time.
        self._concurrency = 1 if embedded else concurrency
        self._embedded = embedded
        self.unsupported = unsupported

    def deploy(
        self, progress: Progress, *, allow_replacement: bool, recreate_failed: bool
    ) -> list[StackResult]:
        """Create and update the stacks, many at once and shared ones first."""
        from dativo_infra.adapters.cloudformation.deploy import deploy

        return deploy(
            self.units,
            on_event=progress.event,
            on_result=progress.result,
            allow_replacement=allow_replacement,
            recreate_failed=recreate_failed,
            **self._said(),
        )

    def preview(self, progress: Progress) -> list[StackPreview]:
        """Return what change sets say, which are deleted again."""
        from dativo_infra.adapters.cloudformation.deploy import preview

        return preview(self.units, on_result=progress.result, **self._said())

    def doomed(self) -> list[Doomed]:
        """Return the units' stacks that exist."""
        from dativo_infra.adapters.cloudformation.deploy import doomed

        project = self.run.plan.project
        return [
            *doomed(
                self.units,
                clients=self._clients,
                concurrency=self._concurrency,
                project=project,
            )
        ]

    def orphans(self, selected: tuple[str | None, str | None]) -> list[Doomed]:
        """Return the stacks of the project in the account that no unit has, or had."""
        from dativo_infra.adapters.cloudformation.deploy import orphans
        from dativo_infra.planning import Selection

        run = self.run
        if not (run.whole and run.plan.project and self._account):
            return []
        return [
            *orphans(
                self.units,
                clients=self._clients,
                targets=list(self._places()),
                project=run.plan.project,
                selection=Selection(tenant=selected[0], environment=selected[1]),
                existing=run.existing,
            )
        ]

    def destroy(self, found: list[Doomed], progress: Progress) -> list[DestroyResult]:
        """Delete stacks, what is deployed on others before those."""
        from dativo_infra.adapters.cloudformation.deploy import DoomedStack, destroy

        return destroy(
            [each for each in found if isinstance(each, DoomedStack)],
            clients=self._clients,
            on_event=progress.event,
            on_result=progress.result,
            concurrency=self._concurrency,
        )

    def outputs(
        self,
        *,
        show_secrets: bool = False,  # noqa: ARG002 - it gives none
    ) -> Mapping[str, Mapping[str, str] | None]:
        """Return what the stacks of each job give: what it shares, its own, by its own names."""
        from dativo_infra.adapters.cloudformation.deploy import outputs

        found = outputs(self.units, clients=self._clients, concurrency=self._concurrency)
        return self.by_job(found)

    def created(self, results: Iterable[StackResult]) -> list[TaggedResource]:
        """Return what the embedded services have created, with the tags that they report."""
        if not self._embedded:
            return []
        from dativo_infra.adapters.cloudformation.local import tags_of

        return tags_of(self._session, results)

    def _said(self) -> dict[str, Any]:
        """Return what deploying and previewing take."""
        return {
            "clients": self._clients,
            "parameters": self.run.environment,
            "concurrency": self._concurrency,
            "bucket": self._template_bucket(),
            "project": self.run.plan.project,
            "elsewhere": self.run.elsewhere(),
        }

    def _template_bucket(self) -> TemplateBucket | None:
        from dativo_infra.adapters.cloudformation.deploy import TemplateBucket, clients_of

        if self._bucket is None:
            return None
        clients = clients_of(self._session, service="s3", endpoint_url=self._endpoint_url)
        return TemplateBucket(name=self._bucket, clients=clients)

    def _places(self) -> Iterator[PlacedTarget]:
        """Yield where stacks of the project may be that these credentials reach."""
        from dativo_infra.project import AMBIENT, PlacedTarget

        yield from {unit.target for unit in self.units}
        region = self._session.region_name
        if region:
            yield AMBIENT
        for name, each in self.run.project.targets.items():
            target = each.place(name)
            on_aws = target.cloud in {None, "aws"} and target.account in {None, self._account}
            if on_aws and (target.region or region):
                yield PlacedTarget(name=name, cloud=target.cloud, region=target.region)
