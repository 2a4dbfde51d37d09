"""Working on many roots: deploying, previewing, destroying, and what they give."""

from __future__ import annotations

from threading import Event as Flag
from typing import TYPE_CHECKING, Any, TypeVar

from dativo_infra.adapters.pool import CONCURRENCY, Task, one_at_a_time, run
from dativo_infra.adapters.results import (
    Action,
    DestroyResult,
    Doomed,
    InterruptedRunError,
    StackPreview,
    StackResult,
    kept,
    nobody,
    place_of,
    shared_partly,
)
from dativo_infra.adapters.terraform.deploy.site import read_outputs, workspaces
from dativo_infra.adapters.terraform.root import root_name
from dativo_infra.diagnostics import Diagnostic, DiagnosticError, raise_errors
from dativo_infra.diagnostics.rules import (
    NO_WORKSPACE,
    NOT_DEPLOYED,
    REPLACEMENT,
    SKIPPED,
    TERRAFORM_FAILED,
)
from dativo_infra.planning.result import UnitKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from dativo_infra.adapters.results import OnDestroyed, OnEvent, OnResult
    from dativo_infra.adapters.terraform.deploy.binary import Binary
    from dativo_infra.adapters.terraform.deploy.site import Site
    from dativo_infra.names import Identity

Result = TypeVar("Result")


def deploy(
    sites: Sequence[Site],
    *,
    elsewhere: Callable[[str], bool],
    on_event: OnEvent = nobody,
    on_result: OnResult = nobody,
    allow_replacement: bool = False,
    concurrency: int = CONCURRENCY,
) -> list[StackResult]:
    """Build what the roots say; each is planned, and what was planned is applied.

    Each begins when those that it needs are done. What would be lost must be allowed: a resource
    that holds data or runs something, and whatever is in a module.

    Args:
        sites: The roots.
        elsewhere: Tells of a job, by its identity, whether it may exist though it is not among the
            units' jobs: what it shares with them is kept as it is.
        on_event: Called with each step of each root.
        on_result: Called with the result of each when it is done.
        allow_replacement: Also replace and remove what would be lost.
        concurrency: How many are worked on at once.

    Raises:
        DiagnosticError: parameters are missing (all are named); nothing was begun.
        InterruptedRunError: Ctrl-C; what had begun was brought to an end.
    """
    raise_errors(each for site in sites for each in site.missing())
    tell, report = one_at_a_time(on_event), one_at_a_time(on_result)

    def work(site: Site) -> StackResult:
        name = root_name(site.unit)
        try:
            site.enter(create=True)
            found, reason = _standing(site, elsewhere)
            if found:
                return _failed(site, found)
            if reason:
                return _result(site, Action.KEPT, reason)
            planned = site.plan()
            lost = [each for each in planned.changes if each.needs_allowing]
            if lost and not allow_replacement:
                site.forget()
                message = f"{name} would {'; '.join(map(str, lost))}."
                place = lost[0].origin or place_of(site.unit)
                return _failed(site, [REPLACEMENT.at(place, message)])
            if not planned.changes:
                site.forget()
                action = Action.UNCHANGED
            else:
                site.apply(tell)
                action = Action.CREATED if planned.creates else Action.UPDATED
            return _result(site, action)
        except DiagnosticError as error:
            return _failed(site, error.diagnostics)

    def task(site: Site) -> Task[StackResult]:
        def skip(reason: str) -> StackResult:
            message = f"{site.unit.identity} was left as it is: {reason}."
            result = _failed(site, [SKIPPED.at(place_of(site.unit), message)], Action.SKIPPED)
            report(result)
            return result

        return Task(
            key=site.unit.identity,
            needs=frozenset(site.unit.needs),
            work=_reported(lambda: work(site), report),
            skip=skip,
        )

    return run(
        [task(site) for site in sites],
        failed=lambda result: result.action.unfinished,
        stop=Flag(),
        concurrency=concurrency,
    )


def preview(
    sites: Sequence[Site],
    *,
    elsewhere: Callable[[str], bool],
    on_result: Callable[[StackPreview], None] = nobody,
    concurrency: int = CONCURRENCY,
) -> list[StackPreview]:
    """Return what `deploy` would do. No workspace is created, and no state is written.

    Raises:
        DiagnosticError: parameters are missing (all are named).
        InterruptedRunError: Ctrl-C.
    """
    raise_errors(each for site in sites for each in site.missing())

    def work(site: Site) -> StackPreview:
        name = root_name(site.unit)
        try:
            there = site.enter(create=False)
            found, reason = _standing(site, elsewhere) if there else ((), "")
            if found or reason:
                return StackPreview(unit=site.unit, stack=name, diagnostics=found, reason=reason)
            planned = site.plan() if there else site.plan_afresh()
            return StackPreview(
                unit=site.unit, stack=name, creates=planned.creates, changes=planned.changes
            )
        except DiagnosticError as error:
            return StackPreview(unit=site.unit, stack=name, diagnostics=error.diagnostics)
        finally:
            site.forget()

    return _each(sites, work, one_at_a_time(on_result), concurrency)


def doomed(sites: Sequence[Site], *, concurrency: int = CONCURRENCY) -> list[Doomed]:
    """Return the roots that have built something, each with what goes and what stays.

    What is protected is kept; so is what a job shares that is not among those of the units.

    Raises:
        DiagnosticError: a state cannot be read.
    """

    def work(site: Site) -> Doomed | None:
        held = site.held() if site.enter(create=False) else []
        if not held:
            return None
        name, unit = root_name(site.unit), site.unit
        resources = site.root.addresses
        there = {each.logical_id for each in held}
        return Doomed(
            stack=name,
            id=name,
            identity=str(unit.identity),
            jobs=tuple(site.jobs() if unit.kind is UnitKind.SHARED else map(str, unit.jobs)),
            needs=tuple(map(str, unit.needs)),
            protected=any(
                each.lifecycle.protect for name, each in resources.items() if name in there
            ),
            goes=tuple(each for each in held if each.logical_id not in site.root.retained),
            stays=tuple(each for each in held if each.logical_id in site.root.retained),
            unit=unit,
        )

    found = [each for each in _each(sites, work, nobody, concurrency) if each]
    return kept(found, {str(job) for site in sites for job in (*site.unit.jobs, *site.unit.former)})


def destroy(
    sites: Sequence[Site],
    found: Iterable[Doomed],
    *,
    on_event: OnEvent = nobody,
    on_result: OnDestroyed = nobody,
    concurrency: int = CONCURRENCY,
) -> list[DestroyResult]:
    """Destroy what roots have built; their states stay, and are empty.

    What is retained is taken out of the state before, and what needs others goes before those.

    Raises:
        InterruptedRunError: Ctrl-C.
    """
    found = list(found)
    by_name: Mapping[str, Site] = {root_name(site.unit): site for site in sites}
    tell, report = one_at_a_time(on_event), one_at_a_time(on_result)

    def work(each: Doomed) -> DestroyResult:
        if each.keep:
            return DestroyResult(doomed=each, action=Action.KEPT, reason=each.keep)
        site = by_name[each.stack]
        try:
            site.leave(held.logical_id for held in each.stays)
            site.plan(destroy=True)
            site.apply(tell)
            return DestroyResult(doomed=each, action=Action.DELETED)
        except DiagnosticError as error:
            return DestroyResult(doomed=each, action=Action.FAILED, diagnostics=error.diagnostics)

    def task(each: Doomed) -> Task[DestroyResult]:
        def skip(reason: str) -> DestroyResult:
            result = DestroyResult(doomed=each, action=Action.SKIPPED, reason=reason)
            report(result)
            return result

        users = frozenset(other.id for other in found if each.identity in other.needs)
        return Task(key=each.id, needs=users, work=_reported(lambda: work(each), report), skip=skip)

    return run(
        [task(each) for each in found],
        failed=lambda result: result.action is not Action.DELETED,
        stop=Flag(),
        concurrency=concurrency,
    )


def outputs(
    sites: Sequence[Site], *, show_secrets: bool = False, concurrency: int = CONCURRENCY
) -> dict[Identity, dict[str, str] | None]:
    """Return what each root gives, by identity; None where it has built nothing.

    Raises:
        DiagnosticError: a state cannot be read.
    """

    def work(site: Site) -> tuple[Identity, dict[str, str] | None]:
        there = site.enter(create=False)
        found = site.outputs(show_secrets=show_secrets) if there else None
        return site.unit.identity, found

    return dict(_each(sites, work, nobody, concurrency))


def root_outputs(binary: Binary, folder: Path, workspace: str) -> dict[str, tuple[str, bool]]:
    """Return the outputs of a root that a team keeps itself, each with whether it is a secret.

    The root must be initialised; nothing is changed in it.

    Raises:
        DiagnosticError: it has no such workspace, has built nothing, or cannot be asked.
    """

    def ask(*arguments: str) -> str:
        done = binary.run(folder, *arguments, variables={"TF_WORKSPACE": workspace})
        if done.code:
            raise DiagnosticError([TERRAFORM_FAILED.at(None, f"{folder}: {done.why}")])
        return done.output

    # Asked first: naming a workspace that is not there would create its state.
    listed = binary.run(folder, "workspace", "list")
    if listed.code:
        raise DiagnosticError([TERRAFORM_FAILED.at(None, f"{folder}: {listed.why}")])
    if workspace not in (known := workspaces(listed.output)):
        there = ", ".join(sorted(known))
        message = f"{folder} has no workspace `{workspace}`; there are {there}."
        raise DiagnosticError([NO_WORKSPACE.at(None, message, word=workspace, choices=known)])
    found = read_outputs(ask("output", "-json"))
    if not found:
        message = f"{folder} gives no output in the workspace `{workspace}`."
        raise DiagnosticError([NOT_DEPLOYED.at(None, message)])
    return found


def _standing(site: Site, elsewhere: Callable[[str], bool]) -> tuple[tuple[Diagnostic, ...], str]:
    """Return why what jobs share cannot be changed, or else why it stays as it is."""
    if site.unit.kind is not UnitKind.SHARED:
        return (), ""
    return shared_partly(site.unit, root_name(site.unit), site.jobs(), elsewhere)


def _result(site: Site, action: Action, reason: str = "") -> StackResult:
    return StackResult(
        unit=site.unit,
        stack=root_name(site.unit),
        action=action,
        reason=reason,
        outputs=site.outputs() or {},
    )


def _failed(
    site: Site, diagnostics: Sequence[Diagnostic], action: Action = Action.FAILED
) -> StackResult:
    first, *further = diagnostics
    return StackResult(
        unit=site.unit,
        stack=root_name(site.unit),
        action=action,
        diagnostic=first,
        further=tuple(further),
    )


def _each(
    sites: Sequence[Site],
    work: Callable[[Site], Result],
    report: Callable[[Any], None],
    concurrency: int,
) -> list[Result]:
    """Ask all sites, some at once, and return the results in their order.

    Raises:
        InterruptedRunError: Ctrl-C; nothing further was begun.
    """

    def task(site: Site) -> Task[Result | None]:
        return Task(
            key=site.unit.identity,
            work=_reported(lambda: work(site), report),
            skip=lambda _: None,
        )

    try:
        found = run(
            [task(site) for site in sites],
            failed=lambda _: False,
            stop=Flag(),
            concurrency=concurrency,
        )
    except InterruptedRunError as error:
        raise InterruptedRunError([each for each in error.results if each]) from None
    return [each for each in found if each is not None]


def _reported(work: Callable[[], Result], report: Callable[[Any], None]) -> Callable[[], Result]:
    """Return work that reports what it gives."""

    def done() -> Result:
        result = work()
        report(result)
        return result

    return done
