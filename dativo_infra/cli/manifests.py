"""`dativo-infra synth --to manifests`."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from dativo_infra.cli.common import prepare, reported

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from dativo_infra.adapters.files import Written
    from dativo_infra.adapters.manifests.gitops.base import GitOps
    from dativo_infra.cli.common import Run

TOOL = "manifests"
_OPERATOR = "pulumi-operator"
_ONLY_FOR: Mapping[str, tuple[str, ...]] = {
    "repo": ("argocd", "flux", _OPERATOR),
    "path": ("argocd", "flux", _OPERATOR),
    "gitops_namespace": ("argocd", "flux", _OPERATOR),
    "git_secret": ("flux", _OPERATOR),
    "shards": (_OPERATOR,),
    "backend": (_OPERATOR,),
}
"""The options that only some tools of GitOps take."""
_MOST_LISTED = 10


def write(
    output: Path, options: Mapping[str, Any], *, gitops: str | None, prune: bool, **own: Any
) -> tuple[Written, list[str]]:
    """Write the objects of jobs that run in Kubernetes, or the Stacks of those that Pulumi owns."""
    for name, tools in _ONLY_FOR.items():
        if own[name] is not None and gitops not in tools:
            flag = f"--{name.replace('_', '-')}"
            raise click.UsageError(f"{flag} is for --gitops {', '.join(tools)}")
    if gitops and own["repo"] is None:
        raise click.UsageError(f"--gitops {gitops} needs --repo, the repository it reads")
    if gitops == _OPERATOR:
        return _stacks(output, options, prune=prune, **own)
    if options["provider"]:
        raise click.UsageError(
            "--to manifests takes the jobs of every provider: leave --provider out"
        )
    return _objects(output, options, gitops, prune=prune, **own)


def _objects(
    output: Path, options: Mapping[str, Any], gitops: str | None, *, prune: bool, **own: Any
) -> tuple[Written, list[str]]:
    from dativo_infra.adapters.manifests import problems, synth
    from dativo_infra.diagnostics import in_order

    run = prepare(**{**options, "provider": TOOL})
    run = replace(run, diagnostics=in_order([*run.diagnostics, *problems(run.plan)]))
    with _usage():
        tool = _tool(gitops, output, run, own) if gitops else None
    run.stop_on_errors()
    with reported():
        written = synth(run.plan, output, gitops=tool, left=run.left, prune=prune)
    return written, [*_left_out(run), *_stale(written)]


def _tool(gitops: str, output: Path, run: Run, own: Mapping[str, Any]) -> GitOps:
    from dativo_infra.adapters.manifests.gitops.argocd import ArgoCd
    from dativo_infra.adapters.manifests.gitops.flux import Flux
    from dativo_infra.adapters.manifests.gitops.repository import Repository

    path = own["path"]
    if path is None and (output.is_absolute() or ".." in output.parts):
        raise ValueError(f"say with --path which folder of the repository {output} is")
    where = output.as_posix() if path is None else path
    said: dict[str, Any] = {
        "repository": Repository(
            url=own["repo"], revision=own["revision"], path="" if where == "." else where
        ),
        "project": run.plan.project,
    }
    if own["gitops_namespace"]:
        said["namespace"] = own["gitops_namespace"]
    return ArgoCd(**said) if gitops == "argocd" else Flux(**said, secret=own["git_secret"])


def _stacks(
    output: Path, options: Mapping[str, Any], *, prune: bool, **own: Any
) -> tuple[Written, list[str]]:
    from dativo_infra.adapters.manifests import synth_stacks
    from dativo_infra.adapters.manifests.gitops.pulumi_operator import Operator
    from dativo_infra.adapters.manifests.gitops.repository import Repository

    if len(options["env_files"]) > 1:
        raise click.UsageError("a Stack has one --env-file")
    said = {"namespace": own["gitops_namespace"]} if own["gitops_namespace"] else {}
    with _usage():
        operator = Operator(
            repository=Repository(
                url=own["repo"], revision=own["revision"], path=own["path"] or ""
            ),
            jobs=tuple(options["paths"]),
            shards=own["shards"],
            tenant=options["tenant"],
            settings={
                "provider": options["provider"],
                "project": options["project"],
                "env-file": next(iter(options["env_files"]), None),
            },
            backend=own["backend"],
            secret=own["git_secret"],
            **said,
        )
    # What has a value here has none in the cluster, but by a file of the repository.
    run = prepare(**options, ambient={}, allow_unresolved=True)
    run.stop_on_errors()
    with reported():
        written = synth_stacks(run.plan, output, operator, left=run.left, prune=prune)
    keys = ", ".join(operator.secrets(each.job for each in run.plan.jobs if each.owner == "pulumi"))
    needed = f"the Secret {operator.variables} in namespace {operator.namespace} must have: {keys}"
    return written, [*run.not_owned_by("pulumi"), needed, *_stale(written)]


@contextmanager
def _usage() -> Iterator[None]:
    """Report a value that an option must not have as a wrong call."""
    try:
        yield
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def _left_out(run: Run) -> list[str]:
    """Return lines that say which jobs are not written, and why."""
    others: dict[str, list[str]] = {}
    for each in run.plan.jobs:
        if each.owner != TOOL:
            why = (
                f"not in Kubernetes but on {each.platform.name}" if each.platform else "on nothing"
            )
            if each.platform and each.platform.is_in_kubernetes:
                why = f"in a {each.platform.name} cluster that exists, without a namespace"
            others.setdefault(why, []).append(str(each.job.identity))
    return [f"{why}, so not written: {', '.join(jobs)}" for why, jobs in sorted(others.items())]


def _stale(written: Written) -> list[str]:
    from dativo_infra.diagnostics.render import count_of

    if not written.stale:
        return []
    listed = ", ".join(written.stale[:_MOST_LISTED])
    more = ", ..." if written.stale[_MOST_LISTED:] else ""
    what = count_of(len(written.stale), "file")
    return [f"{what} of an earlier run would not be written now; --prune removes: {listed}{more}"]
