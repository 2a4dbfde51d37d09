"""What one job adds in its namespace, whatever then runs there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dativo_infra.diagnostics import rules
from dativo_infra.names import KUBERNETES as NAME
from dativo_infra.names import LABEL_VALUE, render_word
from dativo_infra.platforms import runner, shapes
from dativo_infra.platforms.base import Context, Shared, used
from dativo_infra.platforms.kube import (
    environment,
    metadata,
    network,
    pods,
    shared,
    volumes,
)
from dativo_infra.resources import Lifecycle
from dativo_infra.resources.kubernetes import KubernetesObject
from dativo_infra.values import Text, has_secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

VARIABLES = (
    *pods.VARIABLES,
    *network.VARIABLES,
    *volumes.VARIABLES,
    *shared.VARIABLES,
)

FIELDS = {
    **shared.FIELDS,
    **volumes.FIELDS,
    **environment.FIELDS,
    "metadata.tags": (used("labels and annotations of every object and pod, for cost reports"),),
    "metadata.labels": (used("labels of every object and pod"),),
    "metadata.annotations": (used("annotations of every object and pod"),),
}

EXPORTS = {
    "kubernetes_namespace": "Namespace that the job runs in.",
    "kubernetes_service_account": "Account that the job's pods run as.",
    "kubernetes_config_map": "ConfigMap with what the job refers to and what its platform exports.",
}

_RBAC = "rbac.authorization.k8s.io"


def check(context: Context) -> None:
    """Report what Kubernetes would refuse, whoever owns the job."""
    shapes.check(context)
    shared.check(context)
    metadata.check(context)
    volumes.check(context)


class JobObjects:
    """The objects of one job, each made once from the job's context."""

    def __init__(self, context: Context, exports: Mapping[str, str]) -> None:
        """Take the job's context and what its platform exports beside `EXPORTS`."""
        self.context = context
        self.namespace: str = context.get("runtime.namespace") or ""
        self.name = context.name(NAME)
        given: str | None = context.known("runtime.service_account")
        shared.check_identity(context)
        self.account = (
            shared.account_of(given) if given else shared.Account(name=self.name, is_own=True)
        )
        # Every pod needs the account's, whatever makes it; on other objects they do nothing.
        self.labels = {**metadata.labels_of(context), **self.account.pod_labels}
        self.annotations = metadata.annotations_of(context)
        self.volume = volumes.state_volume(context, f"{self.name}-state")
        self.exports = {
            "kubernetes_namespace": self.namespace,
            "kubernetes_service_account": self.account.name,
            **exports,
            "kubernetes_config_map": self._config_map,
        }
        self.environment = dict(self._environment())

    @property
    def _config_map(self) -> str:
        return f"{self.name}-env"

    @property
    def _job_map(self) -> str:
        return f"{self.name}-job"

    @property
    def _job_file(self) -> str:
        return f"{self.name}.yaml"

    def shared(self) -> tuple[Shared, ...]:
        """Return the shared things that the job wants."""
        return tuple(shared.wishes(self.context, self.account, holds_state=self.volume is not None))

    def notes(self) -> Iterator[str]:
        """Yield what a person should know."""
        if self.context.settings["enable_network_policy"]:
            yield from network.notes(self.context, self.account.annotations)

    def object(
        self,
        key: str,
        api_version: str,
        kind: str,
        body: Mapping[str, Any],
        *,
        name: str = "",
        path: str = "runtime.platform",
        namespaced: bool = True,
        after: Iterable[str] = (),
        retain: bool = False,
    ) -> KubernetesObject:
        """Return one object with the job's labels, in its namespace, named after the job."""
        return KubernetesObject(
            key=key,
            origin=self.context.origin(path),
            api_version=api_version,
            kind=kind,
            name=name or self.name,
            namespace=self.namespace if namespaced else None,
            labels=self.labels,
            annotations=self.annotations,
            body=body,
            after=tuple(after),
            lifecycle=Lifecycle(retain=retain),
        )

    def surroundings(self) -> Iterator[KubernetesObject]:
        """Yield everything that must be there before a pod of the job starts."""
        if self.account.is_own:
            yield self.object("service-account", "v1", "ServiceAccount", {})
        yield from self._config()
        yield from self._access()
        if self.context.settings["enable_network_policy"]:
            selected = metadata.identity_labels(self.context.identity)
            spec = network.spec(self.context, selected, self.account.annotations)
            yield self.object(
                "network-policy",
                "networking.k8s.io/v1",
                "NetworkPolicy",
                {"spec": spec},
                path="metadata.variables.enable_network_policy",
            )
        yield from self._state()

    def pod_template(self) -> dict[str, Any]:
        """Return the template of a pod that runs the job once."""
        tenant = render_word(self.context.job.tenant, LABEL_VALUE)
        job_path = f"{runner.JOB_FOLDER}/{tenant}/{self._job_file}"
        sources = [{"configMapRef": {"name": self._config_map}}]
        if has_secret(self.environment):
            sources.append({"secretRef": {"name": self._config_map}})
        # One file, so that the image's other jobs of the tenant stay where they are.
        job = pods.Mount(
            name="job",
            path=job_path,
            volume={"configMap": {"name": self._job_map}},
            sub_path=self._job_file,
        )
        mounts = [job]
        if self.volume:
            claim = {"persistentVolumeClaim": {"claimName": self.volume.claim}}
            mounts.append(pods.Mount(name="state", path=self.volume.mount_path, volume=claim))
        return {
            "metadata": {"labels": self.labels, "annotations": self.annotations},
            "spec": pods.pod(
                account=self.account.name,
                args=runner.run_once(job_path),
                settings=self.context.settings,
                environment=sources,
                mounts=mounts,
            ),
        }

    def _environment(self) -> Iterator[tuple[str, Text]]:
        yield from runner.settings(self.context)
        if self.volume:
            yield "STATE_DIR", self.volume.mount_path
        for name, value in self.exports.items():
            yield name.upper(), value

    def _config(self) -> Iterator[KubernetesObject]:
        plain = {key: value for key, value in self.environment.items() if not has_secret(value)}
        secret = {key: value for key, value in self.environment.items() if has_secret(value)}
        name = self._config_map
        yield self.object("config-map", "v1", "ConfigMap", {"data": plain}, name=name)
        if secret:
            body = {"type": "Opaque", "stringData": secret}
            yield self.object("secret", "v1", "Secret", body, name=name)
        job = {self._job_file: self.context.job.text}
        yield self.object("job-config-map", "v1", "ConfigMap", {"data": job}, name=self._job_map)

    def _access(self) -> Iterator[KubernetesObject]:
        """Yield a role that lets the account read the job's own ConfigMaps, and its binding."""
        rule = {
            "apiGroups": [""],
            "resources": ["configmaps"],
            "resourceNames": [self._config_map, self._job_map],
            "verbs": ["get"],
        }
        yield self.object("role", f"{_RBAC}/v1", "Role", {"rules": [rule]})
        subject = {
            "kind": "ServiceAccount",
            "name": self.account.name,
            "namespace": self.namespace,
        }
        binding = {
            "roleRef": {"apiGroup": _RBAC, "kind": "Role", "name": self.name},
            "subjects": [subject],
        }
        yield self.object("role-binding", f"{_RBAC}/v1", "RoleBinding", binding, after=("role",))

    def _state(self) -> Iterator[KubernetesObject]:
        volume = self.volume
        if volume and volume.disk_spec:
            # Kept with its claim: the cluster never lets go of a volume that is still claimed.
            yield self.object(
                "volume",
                "v1",
                "PersistentVolume",
                {"spec": volume.disk_spec},
                name=volume.claim,
                path="runtime.storage.volume_id",
                namespaced=False,
                retain=True,
            )
        if volume and volume.claim_spec:
            yield self.object(
                "claim",
                "v1",
                "PersistentVolumeClaim",
                {"spec": volume.claim_spec},
                name=volume.claim,
                path="runtime.storage",
                after=("volume",) if volume.disk_spec else (),
                retain=True,
            )


def refuse_sharing(context: Context) -> None:
    """Report several jobs of one name: each has objects of its own."""
    if len(context.jobs) > 1:
        other = context.jobs[1]
        context.report(
            rules.UNIT_DISAGREES.at(
                other.locate("name"),
                "On Kubernetes every job has objects of its own, so two cannot share one name.",
                remedy="Give each its own infrastructure.name; they share the namespace anyway.",
                related=[(context.origin("name"), "the other job")],
            )
        )
