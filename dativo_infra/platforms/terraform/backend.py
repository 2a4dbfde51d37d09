"""Where a state is: the type of the backend, the workspace, and the object that they write.

Source: https://developer.hashicorp.com/terraform/language/backend
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dativo_infra.platforms.terraform.source import TEMPLATES
from dativo_infra.values import has_password, is_known, looks_secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DEFAULT_WORKSPACE = "default"

_WORKSPACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,89}")
"""Narrower than Terraform's: it takes `..`, which is the default workspace's state again."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_PLACES: Mapping[str, tuple[str, ...]] = {
    "azurerm": ("storage_account_name", "container_name", "key"),
    "consul": ("address", "path"),
    "cos": ("bucket", "prefix", "key"),
    "gcs": ("bucket", "prefix"),
    "http": ("address",),
    "kubernetes": ("namespace", "secret_suffix"),
    "local": ("path", "workspace_dir"),
    "oss": ("bucket", "prefix", "key"),
    "pg": ("schema_name",),
    "remote": ("hostname", "organization", "workspaces"),
    "s3": ("bucket", "workspace_key_prefix", "key"),
}
"""Every type of backend, with the settings that say which object the state is."""
TYPES = tuple(_PLACES)

_ONE_WORKSPACE = frozenset({"http"})
"""Backends that keep one workspace alone."""

_OWN: Mapping[str, tuple[str, ...]] = {
    "azurerm": ("key",),
    "consul": ("path",),
    "cos": ("key", "prefix"),
    "gcs": ("prefix",),
    "kubernetes": ("secret_suffix",),
    "local": ("path", "workspace_dir"),
    "oss": ("key", "prefix"),
    "pg": ("schema_name",),
    "s3": ("key", "workspace_key_prefix"),
}
"""The settings by which the states in one place are told apart, of the types that keep several.

By the first one alone something that jobs share has its state there.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """Which backend keeps a state, and how it finds it."""

    type: str
    config: Mapping[str, Any]

    def state(self, workspace: str) -> str | None:
        """Return what the state of a workspace is in: equal for two that write one object.

        None for a file below the root's own folder.
        """
        config = self.config
        if self.type == "local":
            path = posixpath.normpath(str(config.get("path") or config.get("workspace_dir") or "."))
            return f"{path} {workspace}" if path.startswith(("/", "..")) else None
        if self.type == "s3":
            # https://developer.hashicorp.com/terraform/language/backend/s3
            prefix = config.get("workspace_key_prefix", "env:")
            inside = "" if workspace == DEFAULT_WORKSPACE else f"{prefix}/{workspace}/"
            return f"s3://{config.get('bucket')}/{inside}{config.get('key')}"
        if self.type == "gcs":
            # https://developer.hashicorp.com/terraform/language/backend/gcs
            path = posixpath.join(str(config.get("prefix", "")), f"{workspace}.tfstate")
            return f"gs://{config.get('bucket')}/{path.lstrip('/')}"
        facts = [f"{name}={config[name]}" for name in _PLACES[self.type] if name in config]
        return f"{self.type}({', '.join(facts)}) {workspace}"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Where Terraform keeps what it has built of one unit."""

    workspace: str = DEFAULT_WORKSPACE
    backend: Backend | None = None
    """None for a file in the root's folder."""

    @property
    def object(self) -> str | None:
        """What it is in: equal for two that write one object, None for a file of the root."""
        return self.backend.state(self.workspace) if self.backend else None

    def of_shared(self, name: str) -> State:
        """Return where the state is of something that jobs share, beside that of one of them.

        It is the same for all jobs that differ in the name of their own states only.

        Args:
            name: What the shared thing is called; it becomes the key, or what stands for it.

        Raises:
            BackendError: the backend keeps one state only.
        """
        if self.backend is None:
            return State()
        kind, config = self.backend.type, self.backend.config
        if kind not in _OWN:
            raise BackendError(
                f"The backend {kind} has one state, and `{name}`, which jobs share, needs its own.",
                f"Take a type that keeps several, such as s3: {', '.join(_OWN)}.",
                key="type",
            )
        others = {key: value for key, value in config.items() if key not in _OWN[kind]}
        return State(backend=Backend(type=kind, config={**others, _OWN[kind][0]: name}))


class BackendError(ValueError):
    """Raised for a backend that cannot be used; the text says why.

    `key` is the setting that is wrong; empty where it is none of them.
    """

    def __init__(self, text: str, remedy: str = "", *, key: str = "") -> None:
        self.key = key
        self.remedy = remedy
        super().__init__(text)


def backend(config: Mapping[str, Any]) -> Backend:
    """Return the backend that `backend_config` means: the one of its `type`, or of its settings.

    Raises:
        BackendError: it means none, or holds what must not be in a file or would be evaluated.
    """
    for path, value in _leaves(config):
        _check(path, value)
    settings = {name: value for name, value in config.items() if name != "type"}
    kind = config.get("type") or _inferred(settings)
    if kind not in TYPES:
        raise BackendError(
            f"There is no backend `{kind}`.", f"There are {', '.join(TYPES)}.", key="type"
        )
    return Backend(type=kind, config=settings)


def check_workspace(backend: Backend | None, workspace: str) -> None:
    """Refuse a workspace that the backend does not keep, or whose name means another.

    Raises:
        BackendError: it cannot be used.
    """
    if not _WORKSPACE.fullmatch(workspace):
        raise BackendError(
            f"`{workspace}` is no name of a workspace.",
            "Use at most 90 letters, digits, `-` and `_`, with a letter or digit first.",
        )
    if backend and backend.type in _ONE_WORKSPACE and workspace != DEFAULT_WORKSPACE:
        raise BackendError(
            f"The backend {backend.type} has no workspaces.",
            "Leave `workspace` out, and give each state an address of its own.",
        )


def _inferred(settings: Mapping[str, Any]) -> str:
    if "storage_account_name" in settings:
        return "azurerm"
    if {"bucket", "key", "region"} <= settings.keys():
        return "s3"
    if {"bucket", "prefix"} <= settings.keys() and not {"key", "region"} & settings.keys():
        return "gcs"
    raise BackendError(
        "`backend_config` does not say which backend it is for.",
        "Add `type:`, such as `type: s3`; or give bucket, key and region (s3), bucket and prefix "
        "(gcs), or storage_account_name (azurerm).",
    )


def _check(path: tuple[str, ...], value: Any) -> None:
    key = path[0]
    name = ".".join(path)
    if not _NAME.fullmatch(key):
        raise BackendError(f"`{name}` is no setting of a backend.", key=key)
    if not is_known(value):
        raise BackendError(
            f"`{name}` is `{value}`, which has no value here, and a backend must be known.",
            "Give it a value. Credentials go into the environment of terraform, not here.",
            key=key,
        )
    if looks_secret(path[-1]) or (isinstance(value, str) and has_password(value)):
        raise BackendError(
            f"`{name}` is a credential, and a backend's settings are written to files in clear.",
            "Remove it, and give it to terraform by its environment, such as "
            "AWS_SECRET_ACCESS_KEY, ARM_ACCESS_KEY or GOOGLE_CREDENTIALS.",
            key=key,
        )
    if isinstance(value, str) and any(each in value for each in TEMPLATES):
        raise BackendError(f"`{name}` has what Terraform would evaluate.", key=key)


def _leaves(config: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[Any, Any]]:
    for name, value in config.items():
        path = (*above, str(name))
        if isinstance(value, dict):
            yield from _leaves(value, path)
        elif isinstance(value, list | tuple):
            yield from ((path, item) for item in value)
        else:
            yield path, value
