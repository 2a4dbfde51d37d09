"""What one job adds in its namespace, whatever then runs there."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from dativo_infra.diagnostics import rules
from dativo_infra.names import KUBERNETES as NAME
from dativo_infra.names import LABEL_VALUE, render_word
from dativo_infra.platforms import runner, shapes
from dativo_infra.platforms.base import Context, Shared, unused, used
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

_CLUSTER_NETWORK = unused("pods get the network of the cluster, which is built elsewhere")

FIELDS = {
    "runtime.network.vpc_id": (_CLUSTER_NETWORK,),
    "runtime.network.subnet_ids": (_CLUSTER_NETWORK,),
    "runtime.network.security_group_ids": (_CLUSTER_NETWORK,),
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
_PLAIN = Lifecycle()
_KEPT = Lifecycle(retain=True)


def check(context: Context) -> None:
    """Report what Kubernetes would refuse, whoever owns the job."""
    shapes.check(context)
    shared.check(context)
    metadata.check(context)
    volumes.check(context)


class JobObjects:
    """The objects of one job, each made once from the job's context.

    Args:
        context: the job's context.
        exports: what its platform exports beside `EXPORTS`.
        environment: what its platform tells the containers beside those.
        rules: what its account may do beside reading the job's own ConfigMaps.
        traffic: what its pods reach, and are reached by, beside what every job needs.
    """

    def __init__(
        self,
        context: Context,
        exports: Mapping[str, Text],
        *,
        environment: Mapping[str, Text] = MappingProxyType({}),
        rules: Iterable[Mapping[str, Any]] = (),
        traffic: network.Traffic = network.NO_TRAFFIC,
    ) -> None:
        self.context = context
        self._rules = tuple(rules)
        self._traffic = traffic
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
        self.exports: dict[str, Text] = {
            "kubernetes_namespace": self.namespace,
            "kubernetes_service_account": self.account.name,
            **exports,
            "kubernetes_config_map": self._config_map,
        }
        self.environment = {**dict(self._environment()), **environment}

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
            yield from network.notes(self.context, self.account.annotations, self._traffic)

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
        lifecycle: Lifecycle = _PLAIN,
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
            lifecycle=lifecycle,
        )

    def surroundings(self) -> Iterator[KubernetesObject]:
        """Yield everything that must be there before a pod of the job starts."""
        if self.account.is_own:
            yield self.object("service-account", "v1", "ServiceAccount", {})
        yield from self._config()
        yield from self._access()
        if self.context.settings["enable_network_policy"]:
            selected = metadata.identity_labels(self.context.identity)
            spec = network.spec(self.context, selected, self.account.annotations, self._traffic)
            yield self.object(
                "network-policy",
                "networking.k8s.io/v1",
                "NetworkPolicy",
                {"spec": spec},
                path="metadata.variables.enable_network_policy",
            )
        yield from self._state()

    @property
    def arguments(self) -> tuple[str, ...]:
        """The arguments of the runner's command line that run the job once."""
        return runner.run_once(self._job_path)

    def pod_template(self) -> dict[str, Any]:
        """Return the template of a pod that runs the job once."""
        amounts = pods.resources(self._settings, "job")
        container = pods.Container(args=self.arguments, amounts=amounts)
        return self.template(container, {"restartPolicy": "Never"}, runs_job=True)

    def template(
        self,
        container: pods.Container,
        spec: Mapping[str, Any] = MappingProxyType({}),
        *,
        runs_job: bool = False,
    ) -> dict[str, Any]:
        """Return the template of a pod with the job's labels, account, files and environment.

        `spec` is what else the pod's spec says. A disk that one machine alone can mount is in the
        pod that runs the job (`runs_job`), and in no other.
        """
        sources = [{"configMapRef": {"name": self._config_map}}]
        if has_secret(self.environment):
            sources.append({"secretRef": {"name": self._config_map}})
        # One file, so that the image's other jobs of the tenant stay where they are.
        job = pods.Mount(
            name="job",
            path=self._job_path,
            volume={"configMap": {"name": self._job_map}},
            sub_path=self._job_file,
        )
        mounts = [job]
        if self.volume and (runs_job or not self.volume.single):
            claim = {"persistentVolumeClaim": {"claimName": self.volume.claim}}
            mounts.append(pods.Mount(name="state", path=self.volume.mount_path, volume=claim))
        made = pods.pod(
            container,
            account=self.account.name,
            settings=self._settings,
            environment=sources,
            mounts=mounts,
        )
        return {
            "metadata": {"labels": self.labels, "annotations": self.annotations},
            "spec": {**made, **spec},
        }

    @property
    def _settings(self) -> Mapping[str, Any]:
        return self.context.settings

    @property
    def _job_path(self) -> str:
        tenant = render_word(self.context.job.tenant, LABEL_VALUE)
        return f"{runner.JOB_FOLDER}/{tenant}/{self._job_file}"

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
        """Yield the account's role, which reads the job's own ConfigMaps, and its binding."""
        rule = {
            "apiGroups": [""],
            "resources": ["configmaps"],
            "resourceNames": [self._config_map, self._job_map],
            "verbs": ["get"],
        }
        yield self.object("role", f"{_RBAC}/v1", "Role", {"rules": [rule, *self._rules]})
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
                lifecycle=_KEPT,
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
                lifecycle=_KEPT,
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
