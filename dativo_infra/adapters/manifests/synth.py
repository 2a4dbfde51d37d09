"""Writing manifests to a folder, and finding what an earlier run wrote there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dativo_infra.adapters.files import Written, write_files
from dativo_infra.adapters.manifests import layout, values
from dativo_infra.adapters.manifests.layout import Folder
from dativo_infra.adapters.manifests.lowerings import lower
from dativo_infra.diagnostics import Diagnostic, raise_errors
from dativo_infra.diagnostics.rules import NAMES_MEET, NOTHING_TO_WRITE
from dativo_infra.planning.support import refusals

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

    from dativo_infra.adapters.manifests.gitops.base import GitOps
    from dativo_infra.adapters.manifests.gitops.pulumi_operator import Operator
    from dativo_infra.model import Job
    from dativo_infra.names import Identity
    from dativo_infra.planning.result import Plan, Unit

TOOL = "manifests"


def synth(
    plan: Plan,
    folder: Path,
    *,
    gitops: GitOps | None = None,
    left: Collection[str] = (),
    prune: bool = False,
) -> Written:
    """Write a folder for each unit of a plan that was made for manifests.

    What earlier runs wrote for jobs that are not in the plan any more is listed as stale, and
    stays until it is pruned: what applies a folder deletes from the cluster what vanishes from it.

    Args:
        plan: What `plan(jobs, provider="manifests")` returns.
        folder: The output folder.
        gitops: What applies the folder from a Git repository; its objects are written, too.
        left: The identities of jobs that exist and were not to be planned; theirs is not stale.
        prune: Whether to remove what is stale.

    Raises:
        DiagnosticError: the plan failed or has nothing for Kubernetes, something is refused or
            not known yet, or the folder is not one to write to; nothing has been written then.
    """
    folders = [Folder(unit=unit) for unit in plan.owned_by(TOOL) if unit.resources]
    nothing = () if folders else (NOTHING_TO_WRITE.at(None, "No job here runs in Kubernetes."),)
    found = [*problems(plan), *(gitops.problems(folders) if gitops else ())]
    raise_errors([*plan.diagnostics, *found, *(() if plan.failed else nothing)])
    files: dict[str, str] = {}
    for each in folders:
        objects = lower(each.unit, gitops.annotations if gitops else None)
        names = [f"{key}.yaml" for key in objects]
        files[f"{each.path}/{layout.KUSTOMIZATION}"] = layout.kustomization(names, each.job)
        for name, manifest in zip(names, objects.values(), strict=True):
            files[f"{each.path}/{name}"] = layout.text_of(manifest, each.job)
    if gitops:
        files |= gitops.files(folders)
    return _write(folder, files, left=left, prune=prune)


def synth_stacks(
    plan: Plan,
    folder: Path,
    operator: Operator,
    *,
    left: Collection[str] = (),
    prune: bool = False,
) -> Written:
    """Write the Stacks by which the Pulumi Kubernetes Operator builds the jobs of a plan.

    Args:
        plan: Of all jobs that the stacks are for; one made without values of variables, since the
            program is given them in the cluster.
        folder: The output folder.
        operator: How the stacks are cut, and where their program is.
        left: As for `synth`.
        prune: As for `synth`.

    Raises:
        DiagnosticError: the plan failed, Pulumi owns none of its jobs, or the folder is not one to
            write to; nothing has been written then.
    """
    jobs = [each.job for each in plan.jobs if each.owner == "pulumi"]
    nothing = () if jobs else (NOTHING_TO_WRITE.at(None, "Pulumi owns none of the jobs."),)
    raise_errors([*plan.diagnostics, *nothing])
    return _write(folder, operator.files(jobs), left=left, prune=prune)


def problems(plan: Plan) -> list[Diagnostic]:
    """Return everything that keeps a plan that was made for manifests from being written."""
    units = [unit for unit in plan.owned_by(TOOL) if unit.resources]
    jobs: dict[Identity, list[Job]] = {}
    for each in plan.jobs:
        jobs.setdefault(each.job.identity, []).append(each.job)
    found = [*_meetings(units)]
    for unit in units:
        own = (job for name in unit.jobs for job in jobs.get(name, ()))
        found += list(refusals(unit, TOOL)) or values.problems(unit, own)
    return found


def _meetings(units: Iterable[Unit]) -> Iterator[Diagnostic]:
    """Yield units of one cluster that would have one folder."""
    seen: dict[str, Unit] = {}
    for unit in units:
        path = Folder(unit=unit).path
        other = seen.setdefault(path, unit)
        if other is not unit:
            yield NAMES_MEET.at(
                unit.resources[0].origin,
                f"{unit.identity} and {other.identity} would both have the folder `{path}`.",
            )


def _write(folder: Path, files: dict[str, str], *, left: Collection[str], prune: bool) -> Written:
    before = layout.written_before(folder)
    stale = [
        name
        for name, job in before.items()
        # What is of no single job may be of one that was left out.
        if name not in files and not layout.is_listing(name) and not (job in left if job else left)
    ]
    gone = set(stale) if prune else set()
    # What is stale stays listed until it is removed: what is not listed is deleted in the cluster.
    listings = layout.listings(
        name for name in (*files, *before) if not layout.is_listing(name) and name not in gone
    )
    empty = [name for name in before if layout.is_listing(name) and name not in listings]
    return write_files(folder, files | listings, stale=(*stale, *empty), prune=prune)
