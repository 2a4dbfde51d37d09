"""What a tool is that keeps clusters as a Git repository says."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dativo_infra.adapters.manifests.gitops.repository import checked_namespace
from dativo_infra.names import KUBERNETES, render_word

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dativo_infra.adapters.manifests.gitops.repository import Repository
    from dativo_infra.adapters.manifests.layout import Folder
    from dativo_infra.diagnostics import Diagnostic
    from dativo_infra.resources.kubernetes import KubernetesObject


@dataclass(frozen=True, slots=True, kw_only=True)
class GitOps(ABC):
    """A tool that applies the output folder.

    Raises:
        ValueError: the namespace is none.
    """

    repository: Repository
    """Where the output folder is."""
    namespace: str
    """The namespace of the tool's own objects."""
    project: str | None = None
    """The name of `dativo-infra.yaml`, which tells two projects of one cluster apart."""

    def __post_init__(self) -> None:
        checked_namespace(self.namespace)

    @property
    def name(self) -> str:
        """What objects are called that a project has once."""
        return render_word(self.project or "dativo-infra", KUBERNETES)

    @abstractmethod
    def annotations(self, resource: KubernetesObject) -> Mapping[str, str]:
        """Return the annotations with which an object that is retained outlives its file."""

    @abstractmethod
    def files(self, folders: Sequence[Folder]) -> dict[str, str]:
        """Return the files with the tool's own objects, by their names in the output folder."""

    def problems(self, folders: Sequence[Folder]) -> Iterable[Diagnostic]:  # noqa: ARG002 - most have none
        """Return what keeps the tool from applying units."""
        return ()


def ignored(resource: KubernetesObject) -> list[str]:
    """Return the fields of an object that something else owns once it exists, as JSON Pointers.

    `body.spec.groups[0].replicas` is `/spec/groups/0/replicas`.
    """
    paths = (path.removeprefix("body.") for path in resource.lifecycle.ignore)
    return [f"/{re.sub(r'[.[]', '/', path).replace(']', '')}" for path in paths]
