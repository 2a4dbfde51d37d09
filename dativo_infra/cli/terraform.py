"""Terraform's roots, for the commands that work on them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from dativo_infra.cli.common import need_extra
from dativo_infra.cli.stacks import Tool

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from dativo_infra.adapters.results import DestroyResult, Doomed, StackPreview, StackResult
    from dativo_infra.adapters.terraform.deploy import Binary, Site
    from dativo_infra.cli.common import Run
    from dativo_infra.cli.progress import Progress

WORKDIR = (".dativo-infra", "terraform")
"""Where roots are worked on, below the folder of the project file."""


@contextmanager
def opened(
    run: Run,
    *,
    concurrency: int,
    binary: str | None = None,
    workdir: Path | None = None,
    migrate_state: bool = False,
    **_of_others: Any,
) -> Iterator[Terraform]:
    """Find the program.

    Raises:
        DiagnosticError: there is none.
    """
    need_extra("hcl2", "terraform")
    from dativo_infra.adapters.files import write_files
    from dativo_infra.adapters.terraform.deploy import find_binary

    found = find_binary(binary)
    if workdir is None:
        workdir = run.folder.joinpath(*WORKDIR)
        write_files(workdir.parent, {".gitignore": "*\n"})
    yield Terraform(
        run, found, workdir=workdir, concurrency=concurrency, migrate_state=migrate_state
    )


class Terraform(Tool):
    """A root for each unit, in a folder of its name, with the state that its backend keeps."""

    name: ClassVar[str] = "terraform"

    def __init__(
        self, run: Run, binary: Binary, *, workdir: Path, concurrency: int, migrate_state: bool
    ) -> None:
        super().__init__(run)
        self._binary = binary
        self._workdir = workdir
        self._concurrency = concurrency
        self._migrate_state = migrate_state

    def deploy(
        self,
        progress: Progress,
        *,
        allow_replacement: bool,
        recreate_failed: bool,  # noqa: ARG002 - Terraform goes on with what a failed run left
    ) -> list[StackResult]:
        """Apply the roots, many at once."""
        from dativo_infra.adapters.terraform.deploy import deploy

        return deploy(
            self._sites(),
            on_event=progress.event,
            on_result=progress.result,
            elsewhere=self.run.elsewhere(),
            allow_replacement=allow_replacement,
            concurrency=self._concurrency,
        )

    def preview(self, progress: Progress) -> list[StackPreview]:
        """Return what Terraform plans."""
        from dativo_infra.adapters.terraform.deploy import preview

        return preview(
            self._sites(),
            elsewhere=self.run.elsewhere(),
            on_result=progress.result,
            concurrency=self._concurrency,
        )

    def doomed(self) -> list[Doomed]:
        """Return the roots that have built something."""
        from dativo_infra.adapters.terraform.deploy import doomed

        return doomed(self._sites(), concurrency=self._concurrency)

    def orphans(self, selected: tuple[str | None, str | None]) -> list[Doomed]:  # noqa: ARG002
        """Return nothing: a state knows nothing of other states, and nobody else of it."""
        return []

    def destroy(self, found: list[Doomed], progress: Progress) -> list[DestroyResult]:
        """Destroy what roots have built."""
        from dativo_infra.adapters.terraform.deploy import destroy

        return destroy(
            self._sites(),
            found,
            on_event=progress.event,
            on_result=progress.result,
            concurrency=self._concurrency,
        )

    def outputs(self, *, show_secrets: bool = False) -> Mapping[str, Mapping[str, str] | None]:
        """Return what the roots of each job give: what it shares, its own, by its own names."""
        from dativo_infra.adapters.terraform.deploy import outputs

        found = outputs(self._sites(), show_secrets=show_secrets, concurrency=self._concurrency)
        return self.by_job(found)

    def _sites(self) -> list[Site]:
        from dativo_infra.adapters.terraform.deploy import Site

        return [
            Site(
                unit=unit,
                workdir=self._workdir,
                binary=self._binary,
                parameters=self.run.environment,
                migrate=self._migrate_state,
            )
            for unit in self.units
        ]
