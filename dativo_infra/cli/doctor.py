"""`dativo-infra doctor`."""

from __future__ import annotations

import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from dativo_infra.cli.common import (
    FAILED,
    format_option,
    job_options,
    prepare,
    print_json,
    say,
    show_diagnostics,
)
from dativo_infra.cli.stacks import connection_options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from dativo_infra.cli.common import Run
    from dativo_infra.cli.tools import FoundTool, Package
    from dativo_infra.planning import Unit
    from dativo_infra.project import PlacedTarget

AWS_ANSWERS_WITHIN = 5.0
"""Seconds that AWS has to tell whose the credentials are."""
_MOST_LISTED = 5


@click.command("doctor")
@job_options
@connection_options
@click.option("--offline", is_flag=True, help="Ask nobody outside of this machine.")
@format_option
def command(
    *, endpoint_url: str | None, region: str | None, offline: bool, form: str, **options: Any
) -> None:
    """Show which tools and credentials are here, and what the jobs lack.

    Without PATHS the tools alone. Exits with 1 when something is missing that the jobs need.
    """
    from dativo_infra.cli import tools

    with ThreadPoolExecutor(len(tools.TOOLS)) as pool:
        asked = pool.map(tools.find_tool, tools.TOOLS)
        # Meanwhile.
        packages = {each: each.version() for each in tools.PACKAGES}
        run = prepare(**options) if options["paths"] else None
        places = list(_places(run)) if run else []
        credentials = None
        if any(place.aws for place in places):
            credentials = _credentials(
                places, offline=offline, region=region, endpoint_url=endpoint_url
            )
        found = list(asked)
    needs = [
        *_missing_tools(places, found),
        *_missing_packages(places, packages),
        *(need for place in places for need in place.missing(credentials)),
    ]
    if form == "json":
        _print_data(
            run=run,
            found=found,
            packages=packages,
            places=places,
            credentials=credentials,
            needs=needs,
        )
    else:
        for line in _lines(found, packages, places, credentials, needs):
            click.echo(line)
        if run:
            show_diagnostics(each for each in run.diagnostics if each.severity == "error")
            say(run.summary() if needs or run.failed else f"{run.summary()} They lack nothing.")
    if needs or (run and run.failed):
        sys.exit(FAILED)


# The tools can be looked at without any job.
next(each for each in command.params if each.name == "paths").required = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Something that jobs need and that is not here."""

    what: str
    remedy: str
    jobs: tuple[str, ...]


# --- the places that jobs are deployed to ---------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Whose credentials the next command would use, as far as it is known."""

    source: str | None
    account: str | None
    region: str | None
    problem: str = ""
    """Why they cannot be used; empty where they can, or where nobody was asked."""
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What one tool builds at one target, and what is found there."""

    target: PlacedTarget
    tool: str
    units: tuple[Unit, ...]
    program: str | None = None
    """What gets the credentials of the target's Kubernetes context; None: no such context."""

    def jobs(self, kubernetes: bool | None = None) -> tuple[str, ...]:
        """Return the jobs of this place: all, or those with or without Kubernetes objects."""
        units = (
            each for each in self.units if kubernetes is None or kubernetes in _on_kubernetes(each)
        )
        return tuple(sorted({str(job) for unit in units for job in unit.jobs}))

    @property
    def aws(self) -> bool:
        """Whether something is built on AWS."""
        return any(False in _on_kubernetes(each) for each in self.units)

    @property
    def kubernetes(self) -> bool:
        """Whether something is built in a Kubernetes cluster."""
        return any(True in _on_kubernetes(each) for each in self.units)

    @property
    def configured_elsewhere(self) -> bool:
        """Whether the tool's own configuration may say more than is known here."""
        return self.tool == "pulumi" and not (self.target.account or self.target.region)

    def missing(self, credentials: Credentials | None) -> Iterator[Missing]:
        """Yield what the jobs of this place need and do not have."""
        if self.aws and credentials:
            yield from self._missing_on_aws(credentials)
        wanted = self.target.kubernetes_context
        if self.kubernetes and wanted and self.program is None:
            yield Missing(
                what=f"the context {wanted} in the kubeconfig ({_kubeconfig()})",
                remedy="set KUBECONFIG, or kubernetes_context of the target to one of "
                "`kubectl config get-contexts`",
                jobs=self.jobs(kubernetes=True),
            )
        elif self.kubernetes and self.program and not shutil.which(self.program):
            yield Missing(
                what=f"{self.program}, by which the context {wanted} gets its credentials",
                remedy="install it, or put it on PATH",
                jobs=self.jobs(kubernetes=True),
            )

    def _missing_on_aws(self, credentials: Credentials) -> Iterator[Missing]:
        jobs = self.jobs(kubernetes=False)
        if self.tool == "cloudformation" and not (self.target.region or credentials.region):
            yield Missing(
                what=f"a region of {self.target}",
                remedy="set `region` in the target, give --region, or set AWS_DEFAULT_REGION",
                jobs=jobs,
            )
        if self.configured_elsewhere:
            return
        if credentials.problem:
            yield Missing(
                what=f"credentials for AWS: {credentials.problem}",
                remedy=credentials.remedy,
                jobs=jobs,
            )
        elif credentials.account and self.target.account not in {None, credentials.account}:
            yield Missing(
                what=f"credentials of account {self.target.account} for {self.target.name}: "
                f"those in use ({credentials.source}) are of account {credentials.account}",
                remedy="set AWS_PROFILE, or choose the jobs of one account with --tenant and "
                "--environment",
                jobs=jobs,
            )


def _places(run: Run) -> Iterator[Place]:
    from dativo_infra.cli.tools import kubernetes_contexts
    from dativo_infra.planning.support import TOOLS

    contexts = None
    for tool in TOOLS:
        units = run.plan.owned_by(tool)
        for target in sorted({unit.target for unit in units}, key=str):
            here = tuple(unit for unit in units if unit.target == target)
            place = Place(target=target, tool=tool, units=here)
            if place.kubernetes and target.kubernetes_context:
                contexts = kubernetes_contexts(os.environ) if contexts is None else contexts
                program = contexts.get(target.kubernetes_context)
                place = Place(target=target, tool=tool, units=here, program=program)
            yield place


def _on_kubernetes(unit: Unit) -> set[bool]:
    from dativo_infra.resources.kubernetes import KubernetesObject

    return {isinstance(each, KubernetesObject) for each in unit.resources}


def _credentials(
    places: Iterable[Place], *, offline: bool, region: str | None, endpoint_url: str | None
) -> Credentials:
    from importlib.util import find_spec

    from dativo_infra.cli.tools import aws_credentials, aws_region

    source = aws_credentials(os.environ)
    known = region or aws_region(os.environ)
    if offline or not (find_spec("boto3") and find_spec("troposphere")):
        return Credentials(source=source, account=None, region=known)

    from dativo_infra.adapters.cloudformation.deploy import account_of, open_session
    from dativo_infra.diagnostics import DiagnosticError
    from dativo_infra.project import PlacedTarget

    # The account is asked in a region of a target: other partitions have other endpoints.
    regions = sorted(each.target.region for each in places if each.aws and each.target.region)
    where = [PlacedTarget(region=each) for each in regions[:1]]

    def ask() -> Credentials:
        try:
            session = open_session(region=region)
            account = account_of(session, where, endpoint_url=endpoint_url)
        except DiagnosticError as error:
            [diagnostic] = error.diagnostics
            return Credentials(
                source=source,
                account=None,
                region=known,
                problem=_reason(error.__cause__),
                remedy=diagnostic.remedy,
            )
        method = getattr(session.get_credentials(), "method", None)
        return Credentials(source=source or method, account=account, region=known)

    answer = _within(AWS_ANSWERS_WITHIN, ask)
    if answer is not None:
        return answer
    return Credentials(
        source=source,
        account=None,
        region=known,
        problem=f"AWS did not answer within {AWS_ANSWERS_WITHIN:g} s",
        remedy="check the network and the proxy, or give --offline",
    )


def _reason(error: BaseException | None) -> str:
    """Return an error of AWS by its name: the message of one may quote a token."""
    response = getattr(error, "response", None)
    code = response.get("Error", {}).get("Code") if isinstance(response, dict) else None
    return str(code or type(error).__name__)


def _within(seconds: float, ask: Callable[[], Credentials]) -> Credentials | None:
    """Return an answer; None where it takes longer, and is then waited for no more."""
    from threading import Thread

    answers: list[Credentials] = []
    thread = Thread(target=lambda: answers.append(ask()), daemon=True)
    thread.start()
    thread.join(seconds)
    return answers[0] if answers else None


# --- what is missing ------------------------------------------------------------------------------

_TOOLS_OF = {"pulumi": ("pulumi", "pulumi-language-python")}


def _missing_tools(places: list[Place], found: Iterable[FoundTool]) -> Iterator[Missing]:
    for each in found:
        jobs = _jobs(place for place in places if each.tool.name in _TOOLS_OF.get(place.tool, ()))
        if jobs and each.problem:
            yield Missing(
                what=f"the tool {each.tool.name} ({each.problem})",
                remedy=each.tool.remedy,
                jobs=jobs,
            )


def _missing_packages(
    places: list[Place], packages: dict[Package, str | None]
) -> Iterator[Missing]:
    for package, version in packages.items():
        jobs = _jobs(place for place in places if package.name in _packages_of(place))
        if jobs and version is None:
            yield Missing(
                what=f"the Python package {package.name}: {package.cost}",
                remedy=package.remedy,
                jobs=jobs,
            )


def _packages_of(place: Place) -> tuple[str, ...]:
    if place.tool == "cloudformation":
        return ("troposphere", "boto3")
    aws = ("pulumi-aws",) if place.aws else ()
    return ("pulumi", *aws, *(("pulumi-kubernetes",) if place.kubernetes else ()))


def _jobs(places: Iterable[Place]) -> tuple[str, ...]:
    return tuple(sorted({job for place in places for job in place.jobs()}))


# --- for people -----------------------------------------------------------------------------------


def _lines(
    found: Iterable[FoundTool],
    packages: dict[Package, str | None],
    places: list[Place],
    credentials: Credentials | None,
    needs: list[Missing],
) -> Iterator[str]:
    yield "tools"
    for each in found:
        facts = (each.version, each.path, f"({each.problem})" if each.problem else "")
        yield f"  {each.tool.name:24}{' '.join(filter(None, facts))}"
        yield f"{'':26}{each.tool.purpose}"
        if each.problem == "missing":
            yield f"{'':26}{each.tool.remedy}"
    yield f"packages of {sys.executable}"
    for package, version in packages.items():
        yield f"  {package.name:24}{version or f'missing: {package.cost}; {package.remedy}'}"
    for place in places:
        yield f"{place.tool} at {place.target}: {_listed(place.jobs())}"
        yield from (f"  {each}" for each in _place_lines(place, credentials))
    if needs:
        yield "what jobs need and is not here"
    for need in needs:
        yield f"  {need.what}"
        yield f"    needed by {_listed(need.jobs)}"
        if need.remedy:
            yield f"    {need.remedy}"


def _place_lines(place: Place, credentials: Credentials | None) -> Iterator[str]:
    target = place.target
    if place.aws and credentials:
        source = credentials.source or "none found in files or the environment"
        of = f"of account {credentials.account}" if credentials.account else "AWS was not asked"
        yield f"account     {target.account or 'any'}"
        yield f"credentials {source} ({credentials.problem or of})"
        yield f"region      {target.region or credentials.region or 'not known here'}"
    if place.kubernetes:
        wanted = target.kubernetes_context
        if wanted is None:
            yield "kubernetes  no context in the target: the stack's configuration must name one"
        else:
            where = "not in" if place.program is None else "in"
            yield f"kubernetes  context {wanted}, {where} {_kubeconfig()}"
    if place.tool == "pulumi":
        project, stack = _pulumi()
        if project:
            yield f"project     {project}"
        if stack:
            yield f"stack       {stack}, selected last"


def _pulumi() -> tuple[str | None, str | None]:
    from dativo_infra.cli.tools import pulumi_project, pulumi_stack

    project = pulumi_project()
    return (str(project), pulumi_stack(project, os.environ)) if project else (None, None)


def _kubeconfig() -> str:
    from dativo_infra.cli.tools import kubeconfig

    return ", ".join(map(str, kubeconfig(os.environ)))


def _listed(jobs: tuple[str, ...]) -> str:
    more = f" and {len(jobs) - _MOST_LISTED:,} more" if len(jobs) > _MOST_LISTED else ""
    return ", ".join(jobs[:_MOST_LISTED]) + more


# --- for machines ---------------------------------------------------------------------------------


def _print_data(
    *,
    run: Run | None,
    found: Iterable[FoundTool],
    packages: dict[Package, str | None],
    places: Iterable[Place],
    credentials: Credentials | None,
    needs: Iterable[Missing],
) -> None:
    from dataclasses import asdict

    from dativo_infra.diagnostics.render import as_data

    project, stack = _pulumi()
    content = {
        "tools": [
            {
                "name": each.tool.name,
                "path": each.path,
                "version": each.version,
                "problem": each.problem or None,
                "purpose": each.tool.purpose,
                "remedy": each.tool.remedy,
            }
            for each in found
        ],
        "packages": [
            {**asdict(each), "version": version, "remedy": each.remedy}
            for each, version in packages.items()
        ],
        "targets": [
            {
                "tool": place.tool,
                **asdict(place.target),
                "jobs": place.jobs(),
                "aws": asdict(credentials) if place.aws and credentials else None,
                "kubernetes": {"context_found": place.program is not None}
                if place.kubernetes
                else None,
            }
            for place in places
        ],
        "pulumi": {"project": project, "stack": stack},
        "missing": [asdict(each) for each in needs],
        "diagnostics": as_data(run.diagnostics) if run else [],
    }
    print_json("doctor", content)
