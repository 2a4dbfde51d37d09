"""One root in its folder: written, initialised, in its workspace, planned and applied."""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from dativo_infra.adapters.files import write_files
from dativo_infra.adapters.results import HIDDEN, Change, Event, Held, PropertyChange
from dativo_infra.adapters.terraform.native.values import STATEFUL_TYPES
from dativo_infra.adapters.terraform.roads import to_root
from dativo_infra.adapters.terraform.root import BACKEND, JOBS, MAIN, Root, root_name
from dativo_infra.diagnostics import DiagnosticError
from dativo_infra.diagnostics.rules import (
    DEPLOY_FAILED,
    MISSING_PARAMETER,
    STATE_MOVED,
    TERRAFORM_FAILED,
)
from dativo_infra.platforms.terraform import State
from dativo_infra.values import looks_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from dativo_infra.adapters.terraform.deploy.binary import Binary, Done
    from dativo_infra.diagnostics import Diagnostic, Location
    from dativo_infra.planning.result import Unit

_PLAN = "dativo.tfplan"
"""What was planned; it holds secrets, and is there until it is applied."""
_VARIABLE = re.compile(r"\bvar\.([\w-]+)")
_ACTIONS: Mapping[tuple[str, ...], str] = {
    ("create",): "add",
    ("update",): "change",
    ("delete",): "remove",
    ("delete", "create"): "replace",
    ("create", "delete"): "replace",
    ("forget",): "forget",
}
_QUIET = ("-input=false", "-no-color")


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What applying a root would do."""

    changes: tuple[Change, ...] = ()
    creates: bool = False
    """Whether nothing of it exists yet."""


@dataclass(frozen=True, kw_only=True)
class Site:
    """A unit's root in its folder, which a program works on."""

    unit: Unit
    workdir: Path
    """Where the folders of all roots are; one without a backend has its state there."""
    binary: Binary
    parameters: Mapping[str, str] = field(default_factory=dict, repr=False)
    migrate: bool = False
    """Whether the state is copied where the backend has changed."""

    @property
    def folder(self) -> Path:
        """The folder of the root."""
        return self.workdir / root_name(self.unit)

    @cached_property
    def root(self) -> Root:
        """The root, as it is in its folder."""
        return to_root(self.unit, self.folder)

    def missing(self) -> Iterator[Diagnostic]:
        """Yield the parameters that have no value."""
        for variable, parameter in self.root.parameters.items():
            if parameter.name not in self.parameters:
                message = f"`{parameter.name}` has no value."
                yield MISSING_PARAMETER.at(self.root.origin(variables=[variable]), message)

    def enter(self, *, create: bool) -> bool:
        """Write and initialise the root, and select its workspace; return whether that exists.

        Args:
            create: Whether the workspace is created where it is missing.

        Raises:
            DiagnosticError: the state would be in another place, or the program refuses.
        """
        root = self.root
        moved = self._moved(root)
        if moved and not self.migrate:
            raise DiagnosticError([moved])
        self._adopt_former()
        write_files(self.folder, root.files)
        backend = [f"-backend-config={BACKEND}"] if BACKEND in root.files else []
        # Not -reconfigure: it takes the states in the folder for those of another backend.
        how = ["-migrate-state", "-force-copy"] if self.migrate else []
        self._must("init", *_QUIET, *how, *backend)
        workspace = root.state.workspace
        if not create and workspace not in self._workspaces():
            return False
        self._must("workspace", "select", *(["-or-create=true"] if create else []), workspace)
        return True

    def plan(self, *, destroy: bool = False) -> Planned:
        """Plan the root.

        Raises:
            DiagnosticError: the program refuses; each error at the place in the job that is meant.
        """
        done = self._run(
            "plan", *_QUIET, "-json", f"-out={_PLAN}", *(["-destroy"] if destroy else [])
        )
        if done.code:
            raise DiagnosticError(self._problems(done, TERRAFORM_FAILED))
        return _planned(json.loads(self._must("show", "-json", _PLAN).output), self.root)

    def plan_afresh(self) -> Planned:
        """Plan a root whose workspace does not exist, without creating it."""
        with TemporaryDirectory(prefix="dativo-infra-") as folder:
            unit = replace(self.unit, state=State())
            copy = replace(self, unit=unit, workdir=Path(folder))
            copy.enter(create=False)
            return copy.plan()

    def apply(self, on_event: Callable[[Event], None]) -> None:
        """Apply what was planned, and forget the plan.

        Raises:
            DiagnosticError: something failed; what was done until then is in the state.
        """
        try:
            done = self._run(
                "apply", *_QUIET, "-json", _PLAN, on_line=lambda line: self._tell(line, on_event)
            )
        finally:
            self.forget()
        if done.code:
            raise DiagnosticError(self._problems(done, DEPLOY_FAILED))

    def forget(self) -> None:
        """Remove the plan, which holds what it was given."""
        (self.folder / _PLAN).unlink(missing_ok=True)

    def held(self) -> list[Held]:
        """Return what is in the state."""
        shown = json.loads(self._must("show", "-json").output)
        top = shown.get("values", {}).get("root_module", {})
        return [
            Held(
                logical_id=each["address"],
                type=each["type"],
                id=str(each.get("values", {}).get("id", "")),
            )
            for each in _resources(top)
            if each.get("mode") == "managed"
        ]

    def outputs(self, *, show_secrets: bool = False) -> dict[str, str] | None:
        """Return the outputs, of which secrets are not shown; None where there is no state."""
        secret = set(self.root.secret_outputs)
        given = self._given()
        shown = {
            name: HIDDEN if not show_secrets and (name in secret or looks_secret(name)) else text
            for name, text in given.items()
            if name != JOBS
        }
        return shown if given else None

    def jobs(self) -> list[str]:
        """Return the jobs that shared this when it was last applied."""
        return json.loads(self._given().get(JOBS, "[]"))

    def leave(self, addresses: Iterable[str]) -> None:
        """Take resources out of the state: they stay as they are, and are nobody's.

        Raises:
            DiagnosticError: the program refuses.
        """
        if addresses := list(addresses):
            self._must("state", "rm", *addresses)

    # --- running ----------------------------------------------------------------------------

    def _run(self, *arguments: str, on_line: Callable[[str], None] | None = None) -> Done:
        variables = self.root.environment(self.parameters)
        if "kubernetes" in self.root.document.get("provider", {}):
            variables.update(_kubeconfig())
        return self.binary.run(self.folder, *arguments, variables=variables, on_line=on_line)

    def _must(self, *arguments: str) -> Done:
        done = self._run(*arguments)
        if done.code:
            message = f"{root_name(self.unit)}: {done.why}"
            raise DiagnosticError([TERRAFORM_FAILED.at(self.root.origin(), message)])
        return done

    def _given(self) -> dict[str, str]:
        found = read_outputs(self._must("output", "-json").output)
        return {name: text for name, (text, _) in found.items()}

    def _workspaces(self) -> set[str]:
        return workspaces(self._must("workspace", "list").output)

    def _moved(self, root: Root) -> Diagnostic | None:
        """Return that the root was deployed with another backend, if it was."""
        if not (self.folder / ".terraform").is_dir():
            return None
        before = _kept(self.folder)
        if before is None or before == (root.files.get(BACKEND), _block(root.files[MAIN])):
            return None
        message = f"The state of {self.unit.identity} was left in another backend: {self.folder}."
        return STATE_MOVED.at(self.root.origin(), message)

    def _adopt_former(self) -> None:
        """Take over the folder of a job that was renamed: its state may be in it."""
        for former in self.root.former_names:
            old = self.workdir / former
            if old.is_dir() and not self.folder.exists():
                old.rename(self.folder)

    # --- what is said -----------------------------------------------------------------------

    def _tell(self, line: str, on_event: Callable[[Event], None]) -> None:
        said = _data(line)
        kind = said.get("type", "")
        if kind not in {"apply_start", "apply_complete", "apply_errored"}:
            return
        resource = said["hook"]["resource"]
        on_event(
            Event(
                stack=root_name(self.unit),
                logical_id=self.root.within(resource["addr"]),
                type=resource["resource_type"],
                status=f"{said['hook']['action']} {kind.removeprefix('apply_')}",
                reason=said.get("@message", "") if kind == "apply_errored" else "",
                ended=kind != "apply_start",
                failed=kind == "apply_errored",
            )
        )

    def _problems(self, done: Done, rule: Any) -> list[Diagnostic]:
        """Return the errors that a command said, each where the job says what is wrong."""
        found = [
            rule.at(self._place(each), f"{root_name(self.unit)}: {_text(each)}")
            for line in done.output.splitlines()
            if (each := _data(line).get("diagnostic")) and each["severity"] == "error"
        ]
        return found or [rule.at(self.root.origin(), f"{root_name(self.unit)}: {done.why}")]

    def _place(self, said: Mapping[str, Any]) -> Location | None:
        """Return the place in a job that an error is about: the variable's where one is named."""
        in_root = (said.get("range") or {}).get("filename") == MAIN
        code = (said.get("snippet") or {}).get("code", "") if in_root else ""
        return self.root.origin(said.get("address", ""), _VARIABLE.findall(code))


def _kubeconfig() -> dict[str, str]:
    """Return where the kubeconfig is, as kubectl finds it, where the provider is not told.

    Source: https://registry.terraform.io/providers/hashicorp/kubernetes/latest/docs
    """
    if "KUBE_CONFIG_PATH" in os.environ or "KUBE_CONFIG_PATHS" in os.environ:
        return {}
    usual = Path("~/.kube/config").expanduser()
    found = os.environ.get("KUBECONFIG") or (str(usual) if usual.exists() else "")
    return {"KUBE_CONFIG_PATHS": found} if found else {}


def workspaces(listed: str) -> set[str]:
    """Return the names of a list of workspaces, of which one is marked."""
    return {line.strip("* ") for line in listed.splitlines()} - {""}


def read_outputs(text: str) -> dict[str, tuple[str, bool]]:
    """Return outputs as text, each with whether the state calls it sensitive.

    Texts are as they are, booleans small, collections JSON; numbers lose no digit.
    """
    found = json.loads(text)
    exact = json.loads(text, parse_float=str)
    return {
        name: (
            _as_text(exact[name]["value"] if isinstance(each["value"], float) else each["value"]),
            bool(each.get("sensitive")),
        )
        for name, each in found.items()
    }


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _data(line: str) -> dict[str, Any]:
    with suppress(ValueError):
        found = json.loads(line)
        return found if isinstance(found, dict) else {}
    return {}


def _text(said: Mapping[str, Any]) -> str:
    detail = " ".join(said.get("detail", "").split())
    address = f" ({said['address']})" if said.get("address") else ""
    return f"{said['summary']}{address}{f': {detail}' if detail else ''}"


def _kept(folder: Path) -> tuple[str | None, str] | None:
    """Return the backend that a root was written with: its settings, and its block."""
    try:
        main = (folder / MAIN).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    block = _block(main)
    settings = folder / BACKEND
    return settings.read_text(encoding="utf-8") if block != "{}" else None, block


def _block(main: str) -> str:
    return json.dumps(_data(main).get("terraform", {}).get("backend", {}))


def _resources(module: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from module.get("resources", ())
    for child in module.get("child_modules", ()):
        yield from _resources(child)


def _planned(shown: Mapping[str, Any], root: Root) -> Planned:
    changes: list[Change] = []
    for each in shown.get("resource_changes", ()):
        action = _ACTIONS.get(tuple(each["change"]["actions"]))
        if action and each.get("mode") == "managed":
            changes.append(
                Change(
                    action=action,
                    type=each["type"],
                    key=root.within(each["address"]),
                    origin=root.origin(each["address"]),
                    properties=tuple(_properties(each["change"], action)),
                    guarded=_is_guarded(each, root),
                )
            )
    for name, each in shown.get("output_changes", {}).items():
        action = _ACTIONS.get(tuple(each["actions"]))
        if action:
            changes.append(Change(action=action, type="output", key=name, origin=root.origin()))
    before = shown.get("prior_state", {}).get("values", {}).get("root_module", {})
    exists = any(each.get("mode") == "managed" for each in _resources(before))
    return Planned(changes=tuple(changes), creates=bool(changes) and not exists)


def _is_guarded(said: Mapping[str, Any], root: Root) -> bool:
    """Return whether something is lost with a resource, as far as that is known."""
    # What a team's module holds is not known here.
    if said.get("module_address"):
        return True
    resource = root.addresses.get(said["address"])
    if resource is None:
        return said["type"] in STATEFUL_TYPES
    # Its further blocks, such as the rules of a bucket, hold nothing themselves.
    first = next(name for name, each in root.addresses.items() if each is resource)
    wishes = resource.lifecycle
    return said["address"] == first and (resource.STATEFUL or wishes.retain or wishes.protect)


def _properties(change: Mapping[str, Any], action: str) -> Iterator[PropertyChange]:
    """Yield what would change: of a replacement, what causes it."""
    if action not in {"change", "replace"}:
        return
    before, after = change.get("before") or {}, change.get("after") or {}
    causes = {str(path[0]) for path in change.get("replace_paths", ()) if path}
    for name in sorted({*before, *after, *causes}):
        if action == "replace" and causes and name not in causes:
            continue
        if before.get(name) == after.get(name) and name not in causes:
            continue
        sides = (change.get(side) for side in ("before_sensitive", "after_sensitive"))
        hidden = any(_is_secret(side, name) for side in sides)
        unknown = _is_secret(change.get("after_unknown"), name)
        yield PropertyChange(
            path=name,
            before=HIDDEN if hidden else _as_text(before.get(name)),
            after=HIDDEN if hidden else "(known later)" if unknown else _as_text(after.get(name)),
        )


def _is_secret(marks: Any, name: str) -> bool:
    """Return whether a property, or a part of it, is marked."""

    def marked(value: Any) -> bool:
        if isinstance(value, dict):
            return any(marked(item) for item in value.values())
        if isinstance(value, list):
            return any(marked(item) for item in value)
        return value is True

    return marks is True or (isinstance(marks, dict) and marked(marks.get(name)))
