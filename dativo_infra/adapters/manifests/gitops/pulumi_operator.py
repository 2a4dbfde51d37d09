"""The Pulumi Kubernetes Operator: a Stack for each environment, or for each shard of one.

The operator runs the Pulumi program of a repository, which builds the jobs that Pulumi owns on any
platform. Its Stacks say which jobs, as `Pulumi.yaml` of this repository describes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dativo_infra.adapters.manifests import layout
from dativo_infra.adapters.manifests.gitops.repository import checked_namespace
from dativo_infra.adapters.manifests.values import names_of
from dativo_infra.names import KUBERNETES, PULUMI, Identity, render, render_word

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dativo_infra.adapters.manifests.gitops.repository import Repository
    from dativo_infra.model import Job

FOLDER = "pulumi-operator"
_BACKEND = re.compile(r"(https|s3|gs|azblob)://[A-Za-z0-9_./?=&-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """How the operator builds jobs.

    Raises:
        ValueError: something here is not what it should be; the text says what.
    """

    repository: Repository
    """Where the folder with `Pulumi.yaml` is."""
    jobs: tuple[str, ...]
    """Job files, folders or patterns, from that folder."""
    namespace: str = "pulumi-kubernetes-operator"
    """The namespace of the Stacks, their service account and their Secrets."""
    shards: int | None = None
    """Into how many parts each environment is cut, for good."""
    tenant: str | None = None
    settings: Mapping[str, str | None]
    """Further settings of the program: `provider`, `project` and `env-file`."""
    account: str = "pulumi"
    """The service account by which the program runs, which needs the role `system:auth-delegator`.
    """
    variables: str = "dativo-infra"
    """The Secret with the backend's token or passphrase, and the values of the jobs' variables."""
    backend: str | None = None
    """Where the state is; Pulumi Cloud where None."""
    secret: str | None = None
    """The Secret with which a private repository is read, under the key `accessToken`."""

    def __post_init__(self) -> None:
        checked_namespace(self.namespace)
        if self.repository.revision.startswith("refs/") and not self.repository.revision.startswith(
            "refs/heads/"
        ):
            raise ValueError(
                f"`{self.repository.revision}` is no branch or commit, and the operator takes "
                "nothing else"
            )
        if self.shards is not None and self.shards < 1:
            raise ValueError(f"{self.shards} shards are none: write 1 or more")
        if self.backend is not None and not _BACKEND.fullmatch(self.backend):
            raise ValueError(
                f"`{self.backend}` is no backend: write https://, s3://, gs:// or azblob://"
            )
        for path in (*self.jobs, *(each for each in self.settings.values() if each)):
            if path.startswith("/") or ".." in path.split("/"):
                raise ValueError(
                    f"`{path}` must be a path from the folder of Pulumi.yaml, where the operator "
                    "reads it too"
                )

    def files(self, jobs: Iterable[Job]) -> dict[str, str]:
        """Return the Stacks by file, for the environments of some jobs.

        A Stack says nothing of single jobs but the variables that they want, so a job that comes
        or goes changes what one shard builds, and no Stack.
        """
        wanted: dict[str, set[str]] = {}
        for job in jobs:
            wanted.setdefault(job.environment, set()).update(names_of(job))
        found: dict[str, str] = {}
        for environment, names in sorted(wanted.items()):
            for shard in self._shards():
                stack = self._stack(environment, shard, names)
                found[f"{FOLDER}/{stack['metadata']['name']}.yaml"] = layout.text_of(stack)
        return found

    def secrets(self, jobs: Iterable[Job]) -> list[str]:
        """Return the keys that the Secret `variables` must have, in order."""
        return sorted({self._credential, *(name for job in jobs for name in names_of(job))})

    @property
    def _credential(self) -> str:
        return "PULUMI_CONFIG_PASSPHRASE" if self.backend else "PULUMI_ACCESS_TOKEN"

    def _shards(self) -> list[str | None]:
        if self.shards is None:
            return [None]
        return [f"{index}/{self.shards}" for index in range(self.shards)]

    def _stack(self, environment: str, shard: str | None, names: Iterable[str]) -> dict[str, Any]:
        name = self._name(environment, shard)
        config = {
            "jobs": list(self.jobs),
            "environment": environment,
            "tenant": self.tenant,
            "shard": shard,
            **self.settings,
        }
        revision = "commit" if self.repository.is_commit else "branch"
        spec: dict[str, Any] = {
            "stack": name,
            "serviceAccountName": self.account,
            "projectRepo": self.repository.url,
            revision: self.repository.revision,
            **({"repoDir": self.repository.path} if self.repository.path else {}),
            "config": {f"dativo-infra:{key}": each for key, each in config.items() if each},
            "envRefs": {each: self._from_secret(each) for each in self._names(names)},
            # Another run of the stack may be on its way: it is tried again.
            "retryOnUpdateConflict": True,
            # What was built stays when its Stack is deleted.
            "destroyOnFinalize": False,
            # An idle workspace is a pod with its memory; a fleet has a thousand.
            "workspaceReclaimPolicy": "Delete",
        }
        if self.backend:
            spec["backend"] = self.backend
        if self.secret:
            token = {"name": self.secret, "key": "accessToken"}
            spec["gitAuth"] = {"accessToken": {"type": "Secret", "secret": token}}
        # Two projects may have an environment of one name in one namespace.
        called = render_word(f"dativo-infra-{name}", KUBERNETES)
        return {
            "apiVersion": "pulumi.com/v1",
            "kind": "Stack",
            "metadata": {"name": called, "namespace": self.namespace},
            "spec": spec,
        }

    def _name(self, environment: str, shard: str | None) -> str:
        """Return what Pulumi calls the stack: as `dativo-infra deploy` does, where it is whole."""
        if self.tenant is None and shard is None:
            return render_word(environment, PULUMI)
        part = shard.replace("/", "of") if shard else "all"
        return render(Identity(environment, self.tenant or "all", part), PULUMI)

    def _names(self, names: Iterable[str]) -> list[str]:
        return sorted({self._credential, *names})

    def _from_secret(self, name: str) -> dict[str, Any]:
        return {"type": "Secret", "secret": {"name": self.variables, "key": name}}
