"""`dativo-infra doctor`."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dativo_infra.cli.common import (
    FAILED,
    format_option,
    is_databricks,
    job_options,
    prepare,
    print_json,
    say,
    show_diagnostics,
)
from dativo_infra.cli.stacks import connection_options

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dativo_infra.cli.common import Run
    from dativo_infra.planning import Unit
    from dativo_infra.project import PlacedTarget

_EXTRAS = {
    "pulumi": ("pulumi", "pulumi-aws", "pulumi-kubernetes"),
    "databricks": ("pulumi-databricks",),
    "cloudformation": ("troposphere", "boto3"),
    "local": ("moto",),
    "terraform": ("python-hcl2",),
}
"""The Python packages of each extra that show whether it is installed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that was looked for."""

    name: str
    value: str = ""
    """What is there: a version, an account, a name."""
    source: str = ""
    """Where it is, or comes from."""
    purpose: str = ""
    problem: str = ""
    """Why it cannot be used; empty where it can."""
    remedy: str = ""
    needed: bool = False
    """Whether the jobs need it."""


@click.command("doctor")
@job_options
@connection_options
@format_option
def command(*, endpoint_url: str | None, region: str | None, form: str, **options: Any) -> None:
    """Show which tools are here, and the targets and credentials that the jobs would use.

    Without PATHS the tools alone. Exits with 1 when something is missing that the jobs need.
    """
    run = prepare(**options) if options["paths"] else None
    units = run.plan.units if run else ()
    owners = {unit.owner for unit in units}
    extras = owners | {"databricks" for unit in units if is_databricks(unit)}
    sections = {"tools": list(_tools(owners)), "packages": list(_packages(extras))}
    if run:
        sections["targets"] = list(_targets(run))
        sections["credentials"] = [
            *_aws(run, region=region, endpoint_url=endpoint_url),
            *_kubernetes(run),
            *_databricks(run),
            *_pulumi(run, sections["tools"]),
        ]
    if form == "json":
        content = {name: [asdict(each) for each in found] for name, found in sections.items()}
        print_json("doctor", content)
    else:
        for line in _lines(sections):
            click.echo(line)
    every = (each for found in sections.values() for each in found)
    missing = {each.name: None for each in every if each.problem and each.needed}
    if run:
        show_diagnostics(each for each in run.diagnostics if each.severity == "error")
        say(f"{run.summary()} They lack {', '.join(missing) or 'nothing'}.")
    if missing or (run and run.failed):
        sys.exit(FAILED)


# The tools can be looked at without any job.
next(each for each in command.params if each.name == "paths").required = False


def _lines(sections: Mapping[str, list[Finding]]) -> Iterator[str]:
    for name, found in sections.items():
        if found:
            yield name
        for each in found:
            problem = each.problem and f"({each.problem})"
            yield f"  {each.name:24}{'  '.join(filter(None, (each.value, each.source, problem)))}"
            for more in (each.purpose, each.problem and each.remedy):
                if more:
                    yield f"{'':26}{more}"


def _tools(owners: set[str]) -> Iterator[Finding]:
    from dativo_infra.cli.tools import ENGINES, TOOLS, UnusableError

    for tool in TOOLS:
        path, version, problem = shutil.which(tool.name), "", ""
        if path is None:
            path = shutil.which(tool.name, path=ENGINES)
            problem = "not on PATH" if path else "missing"
        if path:
            try:
                version = tool.version(path)
            except UnusableError as error:
                problem = str(error)
        yield Finding(
            name=tool.name,
            value=version,
            source=path or "",
            purpose=tool.purpose,
            problem=problem,
            remedy="" if path else tool.remedy,
            needed=tool.name in owners and not _stands_in(tool.name),
        )


def _stands_in(name: str) -> bool:
    """Return whether another program that is on PATH does what this one would."""
    return name == "terraform" and shutil.which("tofu") is not None


def _packages(extras: set[str]) -> Iterator[Finding]:
    from importlib.metadata import PackageNotFoundError, version

    for extra, names in _EXTRAS.items():
        for name in names:
            try:
                found, problem = version(name), ""
            except PackageNotFoundError:
                found, problem = "", "missing"
            yield Finding(
                name=name,
                value=found,
                problem=problem,
                remedy=f"pip install 'dativo-infra[{extra}]'",
                needed=extra in extras,
            )


def _targets(run: Run) -> Iterator[Finding]:
    from dativo_infra.diagnostics.render import count_of

    jobs: dict[tuple[str, PlacedTarget], set[str]] = {}
    for unit in run.plan.units:
        jobs.setdefault((unit.owner, unit.target), set()).update(map(str, unit.jobs))
    for owner, target in sorted(jobs):
        count = count_of(len(jobs[owner, target]), "job")
        yield Finding(name=owner, value=str(target), source=count)


def _aws(run: Run, *, region: str | None, endpoint_url: str | None) -> Iterator[Finding]:
    from importlib.util import find_spec

    from dativo_infra.diagnostics import DiagnosticError

    units = [unit for unit in run.plan.units if _has_aws(unit)]
    if not units:
        return
    if not (find_spec("boto3") and find_spec("troposphere")):
        remedy = "pip install 'dativo-infra[cloudformation]'"
        yield Finding(name="AWS account", problem="not known without boto3", remedy=remedy)
        return

    from dativo_infra.adapters.cloudformation.deploy import account_of, open_session

    # The stack's configuration may tell Pulumi the region that its target does not.
    targets = [unit.target for unit in units if unit.owner != "pulumi" or unit.target.region]
    try:
        session = open_session(region=region)
        account = account_of(session, targets, endpoint_url=endpoint_url)
    except DiagnosticError as error:
        # AWS may quote a request that it refuses, and with it a token.
        refused = getattr(error.__cause__, "response", {}).get("Error", {}).get("Code")
        problem = refused or " ".join(each.message for each in error.diagnostics)
        remedy = error.diagnostics[0].remedy
        yield Finding(name="AWS account", problem=problem, remedy=remedy, needed=True)
        return
    source = f"{session.get_credentials().method}, profile {session.profile_name}"
    if session.region_name:
        source += f", region {session.region_name}"
    yield Finding(name="AWS account", value=account, source=source)


def _kubernetes(run: Run) -> Iterator[Finding]:
    wanted = {
        unit.target.kubernetes_context
        for unit in run.plan.units
        if any(map(_is_kubernetes, unit.resources))
    }
    files = os.environ.get("KUBECONFIG") or str(Path("~/.kube/config").expanduser())
    found = [name for file in files.split(os.pathsep) for name in _contexts(file)]
    for context in sorted(filter(None, wanted)):
        yield Finding(
            name="Kubernetes context",
            value=context,
            source=files,
            problem="" if context in found else "no such context",
            remedy="set KUBECONFIG, or the target's kubernetes_context in dativo-infra.yaml",
            needed=True,
        )


def _contexts(kubeconfig: str) -> Iterator[object]:
    from dativo_infra.loading.files import read
    from dativo_infra.loading.yaml import parse

    text = read(kubeconfig)
    data = parse(text, kubeconfig).data if isinstance(text, str) else None
    contexts = data.get("contexts") if isinstance(data, dict) else None
    for each in contexts if isinstance(contexts, list) else ():
        if isinstance(each, dict):
            yield each.get("name")


def _databricks(run: Run) -> Iterator[Finding]:
    targets = {unit.target.databricks_host for unit in run.plan.units if is_databricks(unit)}
    for host in sorted(filter(None, targets)):
        yield Finding(
            name="Databricks workspace",
            value=host,
            source="credentials are Databricks' own, as its command line finds them",
        )


def _has_aws(unit: Unit) -> bool:
    return not (is_databricks(unit) or all(map(_is_kubernetes, unit.resources)))


def _is_kubernetes(resource: object) -> bool:
    from dativo_infra.resources.kubernetes import KubernetesObject

    return isinstance(resource, KubernetesObject)


def _pulumi(run: Run, tools: list[Finding]) -> Iterator[Finding]:
    import json

    from dativo_infra.cli.tools import PULUMI, UnusableError

    usable = [each.source for each in tools if each.name == PULUMI.name and not each.problem]
    if not (usable and run.plan.owned_by("pulumi")):
        return
    user, backend, problem = "", "", ""
    try:
        answer = json.loads(PULUMI.run(usable[0], "whoami", "--json", "--non-interactive"))
        user, url = answer["user"], answer["url"]
        # The address of a database may hold a password.
        backend = url.partition(":" if "@" in url else "?")[0]
    except (UnusableError, ValueError):
        problem = "not logged in to one"
    yield Finding(
        name="Pulumi backend",
        value=user,
        source=backend,
        problem=problem,
        remedy="`pulumi login`, or set PULUMI_ACCESS_TOKEN or PULUMI_BACKEND_URL",
        needed=True,
    )
