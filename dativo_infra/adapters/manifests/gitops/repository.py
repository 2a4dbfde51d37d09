"""The Git repository that a folder of manifests, or a Pulumi program, is read from."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dativo_infra.names import KUBERNETES

_HOST = r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?"
_URL = re.compile(
    rf"(https://|ssh://([A-Za-z0-9_.-]+@)?){_HOST}(/[A-Za-z0-9~_][A-Za-z0-9~_.%+-]*)+/?"
)
"""An address without a password: what is in Git is read by many."""
_REVISION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+/-]{0,254}")
_PART = re.compile(r"[A-Za-z0-9_@+=.-]*[A-Za-z0-9_@+=-]")
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """A repository, a revision of it, and a folder in that.

    Raises:
        ValueError: one of them is none; the text says which and what to write.
    """

    url: str
    revision: str = "main"
    """A branch, a full name such as `refs/tags/v1`, or a commit's 40 digits."""
    path: str = ""
    """The folder, such as `deploy/jobs`; the root where empty."""

    def __post_init__(self) -> None:
        if not _URL.fullmatch(self.url) or ".." in self.url:
            raise ValueError(
                f"`{self.url}` is no address of a repository: write https://HOST/PATH or "
                "ssh://git@HOST/PATH, without a password"
            )
        if not _REVISION.fullmatch(self.revision) or re.search(
            r"\.\.|//|/\.|\.lock(/|$)|[./]$", self.revision
        ):
            raise ValueError(
                f"`{self.revision}` is no revision: write a branch, refs/tags/NAME, or a commit's "
                "40 digits"
            )
        parts = self.path.split("/") if self.path else ()
        if not all(_PART.fullmatch(part) for part in parts):
            raise ValueError(
                f"`{self.path}` is no folder of a repository: write it from its root, as in "
                "deploy/jobs, without `..`"
            )

    @property
    def is_commit(self) -> bool:
        """Whether the revision is one commit for good."""
        return _COMMIT.fullmatch(self.revision) is not None

    def folder(self, *parts: str) -> str:
        """Return a folder below the repository's, from the root."""
        return "/".join(part for part in (self.path, *parts) if part)


def checked_namespace(name: str) -> str:
    """Return a namespace.

    Raises:
        ValueError: Kubernetes would refuse it.
    """
    if not KUBERNETES.accepts(name):
        raise ValueError(f"`{name}` is no namespace: write lower-case letters, digits and `-`")
    return name
