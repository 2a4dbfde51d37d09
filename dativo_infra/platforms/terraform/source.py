"""Where a module is: from `module_source` and `module_version` to what Terraform is told.

Source: https://developer.hashicorp.com/terraform/language/modules/sources
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from enum import StrEnum

from dativo_infra.values import has_password

TEMPLATES = ("${", "%{")
"""What Terraform, or OpenTofu, would evaluate in a text of its language."""

_LABEL = r"[0-9A-Za-z](?:[0-9A-Za-z_-]*[0-9A-Za-z])?"
_REGISTRY = re.compile(
    rf"(?:[0-9A-Za-z.-]+\.[0-9A-Za-z-]+(?::\d+)?/)?{_LABEL}/{_LABEL}/[0-9a-z]+(?://[^?]+)?"
)
"""`namespace/name/provider`, with the registry's host before and a folder after."""
_CONSTRAINT = re.compile(r"(?:[=!<>]=?|~>)?\s*v?\d[0-9A-Za-z.+-]*")
_REF = re.compile(r"[0-9A-Za-z][0-9A-Za-z._/+-]*")
_GIT_HOSTS = ("github.com/", "bitbucket.org/")
_ARCHIVES = ("s3::", "gcs::", "http://", "https://", "oci://")


class SourceKind(StrEnum):
    """What a source is, which says what a version means for it."""

    REGISTRY = "a registry address"
    GIT = "a git repository"
    HG = "a Mercurial repository"
    ARCHIVE = "an archive"
    LOCAL = "a local path"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a module is, as Terraform is told it."""

    source: str
    version: str | None = None
    kind: SourceKind

    @property
    def pinned(self) -> bool:
        """Whether the address says which version it means, as far as its kind can."""
        if self.kind is SourceKind.REGISTRY:
            return self.version is not None
        if self.kind in {SourceKind.GIT, SourceKind.HG}:
            return _query(self.source).keys() & {"ref", "rev"} != set()
        return True


class SourceError(ValueError):
    """Raised for a source or a version that cannot be used; the text says why.

    `field` is the one that is wrong: `module_source` or `module_version`.
    """

    def __init__(self, field: str, text: str, remedy: str = "") -> None:
        self.field = field
        self.remedy = remedy
        super().__init__(text)


def address(source: str, version: str | None, folder: str = "") -> Address:
    """Return the address of a module.

    Args:
        source: `module_source` of a job.
        version: `module_version` of the job.
        folder: The job file's folder, which local paths begin at.

    Raises:
        SourceError: Terraform would refuse it, take something else than is meant, or evaluate it.
    """
    for field, text in (("module_source", source), ("module_version", version or "")):
        if any(each in text for each in TEMPLATES):
            raise SourceError(field, f"`{field}` has what Terraform would evaluate.")
        if not text.isprintable() or text != text.strip():
            raise SourceError(field, f"`{field}` has white space or control characters in it.")
    if has_password(source):
        raise SourceError(
            "module_source",
            "`module_source` has a password in it, which would be written to a file.",
            "Leave it out, and give git its credentials by a credential helper or an SSH key.",
        )
    kind = kind_of(source)
    if kind is SourceKind.REGISTRY:
        return Address(source=source, version=_constraint(version), kind=kind)
    if kind is SourceKind.GIT:
        return Address(source=_with_ref(source, version, "ref"), kind=kind)
    if kind is SourceKind.HG:
        return Address(source=_with_ref(source, version, "rev"), kind=kind)
    if version:
        raise SourceError(
            "module_version",
            f"`module_source` is {kind}, which has no versions to choose from.",
            "Remove module_version; put the version into the source.",
        )
    if kind is SourceKind.LOCAL:
        source = posixpath.normpath(posixpath.join(folder, source))
    return Address(source=source, kind=kind)


def kind_of(source: str) -> SourceKind:
    """Return what a source is.

    Raises:
        SourceError: it is nothing that Terraform knows.
    """
    if source.startswith(("./", "../", "/")) or source in {".", ".."}:
        return SourceKind.LOCAL
    if source.startswith(("git::", "git@", *_GIT_HOSTS)):
        return SourceKind.GIT
    if source.startswith("hg::"):
        return SourceKind.HG
    if source.startswith(_ARCHIVES):
        return SourceKind.ARCHIVE
    if _REGISTRY.fullmatch(source):
        return SourceKind.REGISTRY
    raise SourceError(
        "module_source",
        f"`{source}` is no source that Terraform knows.",
        f"For a folder beside the job file write `./{source}`; begin a repository with `git::`.",
    )


def _constraint(version: str | None) -> str | None:
    """Return which versions of a registry's module may be taken.

    Source: https://developer.hashicorp.com/terraform/language/expressions/version-constraints
    """
    if version is None:
        return None
    parts = [part.strip() for part in version.split(",")]
    if not all(_CONSTRAINT.fullmatch(part) for part in parts):
        raise SourceError(
            "module_version",
            f"`{version}` is no version of a registry's module.",
            "Write a version such as `3.2.1`, or a constraint such as `~> 3.2`.",
        )
    # A registry knows no `v`, which tags of repositories begin with.
    return ", ".join(re.sub(r"v(?=\d)", "", part) for part in parts)


def _with_ref(source: str, version: str | None, name: str) -> str:
    """Return a repository's address with the ref, behind the folder in it."""
    if version is None:
        return source
    if not _REF.fullmatch(version):
        raise SourceError(
            "module_version",
            f"`{version}` is no tag, branch or commit.",
            "Write one tag, branch or commit.",
        )
    given = _query(source)
    if name in given:
        if given[name] == version:
            return source
        # Terraform would take one of two refs without a word.
        raise SourceError(
            "module_version",
            f"`module_source` says {name}={given[name]}, and `module_version` {version}.",
            "Keep one of the two.",
        )
    return f"{source}{'&' if given else '?'}{name}={version}"


def _query(source: str) -> dict[str, str]:
    """Return the parameters of an address, such as `ref`."""
    _, _, query = source.partition("?")
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    return {name: value for name, _, value in pairs}
