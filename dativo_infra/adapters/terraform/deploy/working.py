"""Working on many roots: deploying, previewing, destroying, and what they give."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from dativo_infra.adapters.results import (
    Action,
    DestroyResult,
    Doomed,
    InterruptedRunError,
    StackPreview,
    StackResult,
    nobody,
    place_of,
)
from dativo_infra.adapters.terraform.deploy.site import read_outputs, workspaces
from dativo_infra.adapters.terraform.root import root_name
from dativo_infra.diagnostics import Diagnostic, DiagnosticError, raise_errors
from dativo_infra.diagnostics.rules import (
    NO_WORKSPACE,
    NOT_DEPLOYED,
    REPLACEMENT,
    TERRAFORM_FAILED,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from dativo_infra.adapters.results import OnDestroyed, OnEvent, OnResult
    from dativo_infra.adapters.terraform.deploy.binary import Binary
    from dativo_infra.adapters.terraform.deploy.site import Site

CONCURRENCY = 8
"""How many roots are worked on at once, where nothing else is said."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def deploy(
    sites: Sequence[Site],
    *,
    on_event: OnEvent = nobody,
    on_result: OnResult = nobody,
    allow_replacement: bool = False,
    concurrency: int = CONCURRENCY,
) -> list[StackResult]:
    """Build what the roots say; each is planned, and what was planned is applied.

    What a module holds is not known here, so that whatever would be replaced or removed must be
    allowed.

    Raises:
        DiagnosticError: parameters are missing (all are named); nothing was begun.
        InterruptedRunError: Ctrl-C; what had begun was brought to an end.
    """
    raise_errors(each for site in sites for each in site.missing())
    tell = _one_at_a_time(on_event)

    def work(site: Site) -> StackResult:
        name = root_name(site.unit)
        try:
            site.enter(create=True)
            planned = site.plan()
            lost = [str(each) for each in planned.changes if each.needs_allowing]
            if lost and not allow_replacement:
                site.forget()
                message = f"{name} would {'; '.join(lost)}."
                refused = REPLACEMENT.at(place_of(site.unit), message)
                return _failed(site, [refused])
            if not planned.changes:
                site.forget()
                action = Action.UNCHANGED
            else:
                site.apply(tell)
                action = Action.CREATED if planned.creates else Action.UPDATED
            return StackResult(unit=site.unit, stack=name, action=action, outputs=site.outputs())
        except DiagnosticError as error:
            return _failed(site, error.diagnostics)

    return _each(sites, work, on_result, concurrency)


def preview(
    sites: Sequence[Site],
    *,
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
            planned = site.plan() if site.enter(create=False) else site.plan_afresh()
            return StackPreview(
                unit=site.unit, stack=name, creates=planned.creates, changes=planned.changes
            )
        except DiagnosticError as error:
            return StackPreview(unit=site.unit, stack=name, diagnostics=error.diagnostics)
        finally:
            site.forget()

    return _each(sites, work, on_result, concurrency)


def doomed(sites: Sequence[Site], *, concurrency: int = CONCURRENCY) -> list[Doomed]:
    """Return the roots that have built something.

    Raises:
        DiagnosticError: a state cannot be read.
    """

    def work(site: Site) -> Doomed | None:
        held = site.held() if site.enter(create=False) else []
        if not held:
            return None
        name = root_name(site.unit)
        return Doomed(
            stack=name,
            id=name,
            identity=str(site.unit.identity),
            jobs=tuple(map(str, site.unit.jobs)),
            goes=tuple(held),
            unit=site.unit,
        )

    return [each for each in _each(sites, work, nobody, concurrency) if each]


def destroy(
    sites: Sequence[Site],
    found: Iterable[Doomed],
    *,
    on_event: OnEvent = nobody,
    on_result: OnDestroyed = nobody,
    concurrency: int = CONCURRENCY,
) -> list[DestroyResult]:
    """Destroy what roots have built; their states stay, and are empty.

    Raises:
        InterruptedRunError: Ctrl-C.
    """
    by_name: Mapping[str, Site] = {root_name(site.unit): site for site in sites}
    tell = _one_at_a_time(on_event)

    def work(each: Doomed) -> DestroyResult:
        site = by_name[each.stack]
        try:
            site.plan(destroy=True)
            site.apply(tell)
            return DestroyResult(doomed=each, action=Action.DELETED)
        except DiagnosticError as error:
            return DestroyResult(doomed=each, action=Action.FAILED, diagnostics=error.diagnostics)

    return _each(list(found), work, on_result, concurrency)


def outputs(
    sites: Sequence[Site], *, show_secrets: bool = False, concurrency: int = CONCURRENCY
) -> dict[str, dict[str, str] | None]:
    """Return what each root gives, by identity; None where it has built nothing.

    Raises:
        DiagnosticError: a state cannot be read.
    """

    def work(site: Site) -> tuple[str, dict[str, str] | None]:
        there = site.enter(create=False)
        found = site.outputs(show_secrets=show_secrets) if there else {}
        return str(site.unit.identity), found or None

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


def _failed(site: Site, diagnostics: Sequence[Diagnostic]) -> StackResult:
    first, *further = diagnostics
    return StackResult(
        unit=site.unit,
        stack=root_name(site.unit),
        action=Action.FAILED,
        diagnostic=first,
        further=tuple(further),
    )


def _one_at_a_time(function: Callable[[Item], None]) -> Callable[[Item], None]:
    lock = Lock()

    def call(item: Item) -> None:
        with lock:
            function(item)

    return call


def _each(
    items: Sequence[Item],
    work: Callable[[Item], Result],
    on_result: Callable[[Any], None],
    concurrency: int,
) -> list[Result]:
    """Work on all items, some at once, and return the results in the items' order.

    Raises:
        InterruptedRunError: Ctrl-C; nothing further was begun, and the results are of the others.
    """
    report = _one_at_a_time(on_result)

    def done(item: Item) -> Result:
        result = work(item)
        report(result)
        return result

    with ThreadPoolExecutor(concurrency) as pool:
        futures = [pool.submit(done, item) for item in items]
        try:
            return [future.result() for future in futures]
        except KeyboardInterrupt:
            for future in futures:
                future.cancel()
            # The programs got Ctrl-C, too, and come to an end by themselves.
            ended = [future for future in futures if not future.cancelled()]
            raise InterruptedRunError([future.result() for future in ended]) from None
