"""What the commands share that work on stacks: options, and the tools that have the stacks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import click

from dativo_infra.cli.common import show_diagnostics
from dativo_infra.cli.progress import Progress

if TYPE_CHECKING:
    from dativo_infra.adapters.cloudformation.local import TaggedResource
    from dativo_infra.adapters.results import DestroyResult, Doomed, StackPreview, StackResult
    from dativo_infra.cli.common import Run
    from dativo_infra.names import Identity
    from dativo_infra.planning import JobPlan, Unit

TOOLS: tuple[str, ...] = ("cloudformation", "pulumi", "terraform")
"""The tools that deploy, in the order in which they do."""
NO_UNITS = "No job of the selection has a stack."

Function = TypeVar("Function", bound=Callable[..., Any])


def connection_options(function: Function) -> Function:
    """Add the options that say where the cloud is; `open_tools` takes them."""
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


def stack_options(function: Function) -> Function:
    """Add the options of every command that works on stacks; `open_tools` takes them."""
    for option in reversed(
        (
            click.option(
                "--tool", type=click.Choice(TOOLS), help="Only the jobs that this tool owns."
            ),
            click.option(
                "--stack",
                metavar="NAME",
                help="Pulumi's stack; by default each environment has the one of its own name.",
            ),
            click.option(
                "--concurrency",
                type=click.IntRange(1, 64),
                default=8,
                show_default=True,
                help="How many stacks, or with Pulumi resources, are worked on at once.",
            ),
            binary_option,
            click.option(
                "--workdir",
                type=click.Path(file_okay=False, path_type=Path),
                help="Terraform: where the roots are worked on, and states without a backend are; "
                "by default .dativo-infra/terraform beside the project file.",
            ),
        )
    ):
        function = option(function)
    return connection_options(function)


def _url(_context: click.Context, _option: click.Parameter, url: str | None) -> str | None:
    if url is None or url.startswith(("http://", "https://")):
        return url
    raise click.BadParameter("an endpoint begins with http:// or https://")


local_option = click.option(
    "--local",
    is_flag=True,
    help="CloudFormation embedded in this process: no account, empty, and gone at the end.",
)
binary_option = click.option(
    "--terraform",
    "binary",
    metavar="PROGRAM",
    envvar="DATIVO_INFRA_TERRAFORM",
    help="The terraform or tofu to run; by default the first of these on PATH.",
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
    help="Bucket that exists, in the target's region, for CloudFormation templates over 51,200 "
    "bytes.",
)


class Tool(ABC):
    """A tool's stacks, as the commands use them: of the units that it owns in a run."""

    name: ClassVar[str]
    unsupported: Sequence[str] = ()
    """The types that an embedded tool does not know."""

    def __init__(self, run: Run) -> None:
        self.run = run

    @property
    def units(self) -> tuple[Unit, ...]:
        """What the tool owns of the run."""
        return self.run.plan.owned_by(self.name)

    @abstractmethod
    def deploy(
        self, progress: Progress, *, allow_replacement: bool, recreate_failed: bool
    ) -> list[StackResult]:
        """Create and update what the units are.

        Raises:
            DiagnosticError: nothing was begun.
            InterruptedRunError: Ctrl-C.
        """

    @abstractmethod
    def preview(self, progress: Progress) -> list[StackPreview]:
        """Return what `deploy` would change."""

    @abstractmethod
    def doomed(self) -> list[Doomed]:
        """Return what is deployed of the units."""

    @abstractmethod
    def orphans(self, selected: tuple[str | None, str | None]) -> list[Doomed]:
        """Return what no job of the whole project names any more.

        Args:
            selected: The tenant and the environment that were chosen.
        """

    @abstractmethod
    def destroy(self, found: list[Doomed], progress: Progress) -> list[DestroyResult]:
        """Delete what `doomed` or `orphans` found."""

    @abstractmethod
    def outputs(self, *, show_secrets: bool = False) -> Mapping[str, Mapping[str, str] | None]:
        """Return the outputs of each job that the tool owns; None where it is not deployed.

        Args:
            show_secrets: Whether secrets are among them that the tool can read without more.
        """

    def by_job(
        self, found: Mapping[Identity, Mapping[str, str] | None]
    ) -> dict[str, Mapping[str, str] | None]:
        """Return the outputs of each job from those of units: what it shares, its own, renamed."""

        def of_job(job: JobPlan) -> Mapping[str, str] | None:
            known: dict[str, str] = {}
            for identity in (*job.shared, *([job.unit] if job.unit else [])):
                if (values := found.get(identity, {})) is None:
                    return None
                known.update(values)
            own = {alias: known[name] for alias, name in job.expected.items() if name in known}
            return {**known, **own}

        return {str(job.job.identity): of_job(job) for job in self.run.built_by(self.name)}

    def created(self, results: Iterable[StackResult]) -> list[TaggedResource]:  # noqa: ARG002
        """Return what an embedded tool has created, with the tags that the services report."""
        return []


def owners(run: Run, tool: str | None, *, local: bool = False, needed: bool = False) -> list[str]:
    """Return the names of the tools that own units of a run.

    Args:
        run: The jobs.
        tool: The only one that is wanted.
        local: Whether only what can be embedded is wanted.
        needed: Whether one is wanted even if none owns anything.
    """
    if local and tool not in {None, "cloudformation"}:
        raise click.UsageError("--local is for CloudFormation alone")
    wanted: list[str] = [tool] if tool else ["cloudformation"] if local else list(TOOLS)
    return [each for each in wanted if run.plan.owned_by(each)] or wanted[: int(needed)]


def may_run_terraform(tool: str | None, *, local: bool = False) -> bool:
    """Return whether roots are worked on, for which all modules must be read."""
    return tool in {None, "terraform"} and not local


@contextmanager
def open_tools(run: Run, names: Iterable[str], **options: Any) -> Iterator[list[Tool]]:
    """Give the tools of these names, all of them usable, with what the options mean to each.

    Raises:
        DiagnosticError: some cannot be used; why is said of each.
    """
    from dativo_infra.diagnostics import Diagnostic, DiagnosticError, raise_errors

    tools: list[Tool] = []
    problems: list[Diagnostic] = []
    with ExitStack() as opened:
        for name in names:
            try:
                tools.append(opened.enter_context(_open(name, run, **options)))
            except DiagnosticError as error:
                problems.extend(error.diagnostics)
        raise_errors(problems)
        yield tools


@contextmanager
def _open(name: str, run: Run, **options: Any) -> Iterator[Tool]:
    if name == "pulumi":
        from dativo_infra.cli.pulumi import opened
    elif name == "terraform":
        from dativo_infra.cli.terraform import opened
    else:
        from dativo_infra.cli.cloudformation import opened
    with opened(run, **options) as tool:
        yield tool


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


def orphan_data(stacks: Iterable[Doomed]) -> list[dict[str, Any]]:
    """Return what no job names any more, for machines."""
    return [
        {"identity": each.identity, "stack": each.stack, "kept": each.keep or None}
        for each in stacks
    ]


def delete(found: list[tuple[Tool, list[Doomed]]]) -> tuple[list[DestroyResult], bool]:
    """Delete stacks and say what went wrong; return the results and whether it was interrupted."""
    from dativo_infra.adapters.results import InterruptedRunError
    from dativo_infra.diagnostics import Diagnostic, DiagnosticError, raise_errors

    results: list[DestroyResult] = []
    problems: list[Diagnostic] = []
    interrupted = False
    with Progress(sum(len(stacks) for _, stacks in found)) as progress:
        for tool, stacks in found:
            try:
                results += tool.destroy(stacks, progress)
            except InterruptedRunError as error:
                results += error.results
                interrupted = True
                break
            except DiagnosticError as error:
                results += getattr(error, "results", [])
                problems.extend(error.diagnostics)
    show_diagnostics(each for result in results for each in result.diagnostics)
    raise_errors(problems)
    return results, interrupted
