"""Kubernetes: a namespace and an account that jobs share, and what each job adds in them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

from dativo_infra.diagnostics import rules
from dativo_infra.model import Job
from dativo_infra.names import CRON_JOB, KUBERNETES as NAME, LABEL_VALUE, Identity, render, render_word
from dativo_infra.platforms import aws, reach
from dativo_infra.platforms.base import (
    Built,
    Claim,
    Context,
    Platform,
    Shared,
    SharedContext,
    SharedKind,
    Variable,
    referenced,
    unused,
    used,
)
from dativo_infra.resources import Lifecycle, Resource
from dativo_infra.resources.kubernetes import KubernetesObject
from dativo_infra.values import Text, concat, has_secret, is_known, looks_secret

NAMESPACE = "KubernetesNamespace"
ACCOUNT = "KubernetesServiceAccount"

_METADATA_ADDRESSES = ("169.254.169.254/32", "fd00:ec2::254/128")
"""Where the clouds hand out the machine's own credentials; pods never need them."""
_DNS_CACHE = "169.254.20.10/32"
_GKE_METADATA = ("169.254.169.252/32", (987, 988))
"""The address that workload identity answers on.

Source: https://cloud.google.com/kubernetes-engine/docs/how-to/network-policy
"""
_STATE_PATH = "/state"
_JOB_FOLDER = "/app/jobs"
_EXISTING_NAMESPACES = ("default",)
_DRIVERS = (
    (r"vol-[0-9a-f]+", "ebs.csi.aws.com", "ReadWriteOnce"),
    (r"fs-[0-9a-f]+(::fsap-[0-9a-f]+)?", "efs.csi.aws.com", "ReadWriteMany"),
    (r"projects/[^/]+/(zones|regions)/[^/]+/disks/[^/]+", "pd.csi.storage.gke.io", "ReadWriteOnce"),
    (r"/subscriptions/.+/disks/[^/]+", "disk.csi.azure.com", "ReadWriteOnce"),
)
"""By the shape of a volume's id: the driver that mounts it, and how it may be accessed."""

_UNITS = {
    "": 1.0, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18,
    "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50, "Ei": 2.0**60,
}  # fmt: skip
_QUANTITY = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>[mkMGTPE]|[KMGTPE]i)?")
_CRON_FIELD = r"[0-9A-Za-z*/,?#-]+"


def _quantity(text: str) -> str | None:
    """Return what is wrong with a quantity.

    Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
    """
    return None if _QUANTITY.fullmatch(text) else "must be a quantity such as 500m, 2 or 8Gi"


def _amount(text: str) -> float:
    match = _QUANTITY.fullmatch(text)
    return float(match["number"]) * _UNITS[match["unit"] or ""] if match else 0.0


def _cron(text: str) -> str | None:
    if re.fullmatch(rf"{_CRON_FIELD}( +{_CRON_FIELD}){{4}}", text.strip()):
        return None
    if text in {"@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually"}:
        return None
    return "must be a cron expression of five fields, such as `0 3 * * *`"


def _image(text: str) -> str | None:
    return None if re.fullmatch(r"[^\s]+", text) else "must be an image such as registry/name:tag"


def _cidr(text: str) -> str | None:
    from ipaddress import ip_network

    try:
        ip_network(text)
    except ValueError:
        return "must be a network such as 10.0.0.0/16"
    return None


def _quantities() -> Iterator[Variable]:
    for kind, meaning in (
        ("requests", "What the container asks for"),
        ("limits", "Most that the container gets"),
    ):
        for resource in ("cpu", "memory"):
            yield Variable(
                name=f"resource_{kind}_{resource}",
                type="text",
                check=_quantity,
                meaning=f"{meaning}: {resource}. Per container, and the namespace's default.",
            )
    for name in ("requests_cpu", "requests_memory", "limits_cpu", "limits_memory", "pods"):
        yield Variable(
            name=f"quota_{name}",
            type="text",
            check=_quantity,
            meaning=f"Most that the whole namespace may use: {name.replace('_', '.')}.",
        )


VARIABLES = (
    Variable(
        name="image",
        type="text",
        default={"2026-11": "dativo/dativo-ingest:latest"},
        check=_image,
        meaning="Container image of the runner.",
    ),
    Variable(
        name="run",
        type="text",
        default="suspended",
        choices=("suspended", "schedule"),
        meaning="Whether the CronJob runs on its schedule, or only when somebody starts it.",
    ),
    Variable(
        name="schedule", type="text", check=_cron, meaning="When the job runs, as a cron expression."
    ),
    *_quantities(),
    Variable(
        name="enable_network_policy",
        type="boolean",
        default=False,
        meaning="Limit what the job's own pods reach to what the job declares.",
    ),
    Variable(
        name="egress_ports",
        type="numbers",
        default=(),
        minimum=1,
        maximum=65535,
        meaning="Further TCP ports that the job's pods may reach.",
    ),
    Variable(
        name="egress_cidrs",
        type="texts",
        default=(),
        check=_cidr,
        meaning="Networks for egress_ports, or for all ports without them; any where not given.",
    ),
    Variable(
        name="enable_pod_security_policy",
        type="boolean",
        default=False,
        meaning="Pod Security Standards on the namespace, and pods that keep to them.",
    ),
    Variable(
        name="pod_security_level",
        type="text",
        default="restricted",
        choices=("baseline", "restricted"),
        meaning="Level for enable_pod_security_policy.",
    ),
    Variable(
        name="run_as_user",
        type="number",
        default=1000,
        minimum=1,
        meaning="User id of the container with enable_pod_security_policy.",
    ),
    Variable(
        name="state_volume_size",
        type="text",
        check=_quantity,
        meaning="Size of a new volume for the job's state, or of the one given.",
    ),
    Variable(
        name="storage_class",
        type="text",
        meaning="Storage class of a new volume; the cluster's default where not given.",
    ),
    Variable(
        name="volume_zone",
        type="text",
        meaning="Zone of the disk given as volume_id, so that pods are placed beside it.",
    ),
)

EXPORTS = {
    "kubernetes_namespace": "Namespace that the job runs in.",
    "kubernetes_service_account": "Account that the job's pods run as.",
    "kubernetes_cron_job": "CronJob that runs the job.",
    "kubernetes_config_map": "ConfigMap with what the job refers to and what its platform exports.",
}

_CLUSTER_FIXED = unused("the cluster's machines are not this job's: a node pool is built elsewhere")
_CLUSTER_NETWORK = unused("pods get the network of the cluster, which is built elsewhere")
_IN_CONFIG = used("in the job's ConfigMap, as an environment variable of the container")

FIELDS = {
    "runtime.platform": (used("chooses Kubernetes"),),
    "runtime.compute.cluster_id": (
        referenced("the cluster that the target's context must lead to; objects are built in it"),
    ),
    "runtime.compute.instance_type": (_CLUSTER_FIXED,),
    "runtime.compute.instance_count": (_CLUSTER_FIXED,),
    "runtime.compute.auto_scaling.enabled": (_CLUSTER_FIXED,),
    "runtime.compute.auto_scaling.min_instances": (_CLUSTER_FIXED,),
    "runtime.compute.auto_scaling.max_instances": (_CLUSTER_FIXED,),
    "runtime.storage.bucket": (_IN_CONFIG,),
    "runtime.storage.volume_id": (used("volume of the job's state, mounted in its pods"),),
    "runtime.storage.mount_path": (
        used(
            "where the volume is mounted, and STATE_DIR",
            lambda job: _volume_wanted(job),
        ),
        unused("there is no volume: neither volume_id nor variables.state_volume_size is given"),
    ),
    "runtime.network.vpc_id": (_CLUSTER_NETWORK,),
    "runtime.network.subnet_ids": (_CLUSTER_NETWORK,),
    "runtime.network.security_group_ids": (_CLUSTER_NETWORK,),
    "runtime.namespace": (used("namespace, shared with the other jobs that name it"),),
    "runtime.service_account": (used("account that the pods run as"),),
    "metadata.tags": (used("labels and annotations of every object and pod, for cost reports"),),
    "metadata.labels": (used("labels of every object and pod"),),
    "metadata.annotations": (used("annotations of every object and pod"),),
    "resources.database.endpoint": (_IN_CONFIG,),
    "resources.database.port": (_IN_CONFIG,),
    "resources.database.database_name": (_IN_CONFIG,),
    "resources.database.instance_id": (referenced("the instance behind the endpoint"),),
    "resources.cache.endpoint": (_IN_CONFIG,),
    "resources.cache.cluster_id": (referenced("the cluster behind the endpoint"),),
    "resources.queue.url": (_IN_CONFIG,),
    "resources.queue.arn": (referenced("the role behind the account must allow it"),),
    "resources.secrets.secret_manager_arn": (
        used("the runner's secret manager setting; the role behind the account must allow it"),
    ),
    "resources.secrets.kms_key_id": (referenced("the role behind the account must allow it"),),
}


def _needs(_: Job) -> tuple[str, ...]:
    return ("runtime.namespace",)


def _volume_wanted(job: Job) -> bool:
    return bool(job.get("runtime.storage.volume_id") or job.variables.get("state_volume_size"))


def _check(context: Context) -> None:
    namespace = context.get("runtime.namespace")
    if namespace is not None and not NAME.accepts(namespace):
        context.report(
            rules.BAD_NAME.at(
                context.origin("runtime.namespace"),
                f"`{namespace}` is no {NAME.what}: lower-case letters, digits and `-`, beginning "
                f"with a letter, at most {NAME.longest}.",
            )
        )
    elif namespace is not None and namespace.startswith("kube-"):
        context.report(
            rules.BAD_NAME.at(
                context.origin("runtime.namespace"),
                f"`{namespace}` belongs to Kubernetes itself.",
                remedy="Use a namespace of your own.",
            )
        )
    aws.check_role(context)
    account = context.get("runtime.service_account")
    plain = isinstance(account, str) and not account.startswith("arn:") and "@" not in account
    if plain and not NAME.accepts(account):
        context.report(
            rules.BAD_NAME.at(
                context.origin("runtime.service_account"),
                f"`{account}` is neither a role's ARN, an e-mail, nor a {NAME.what}.",
            )
        )
    _check_amounts(context)
    settings = context.settings
    if settings["run"] == "schedule" and not settings["schedule"]:
        context.report(
            rules.SCHEDULE_MISSING.at(context.job.locate("metadata.variables", "run"))
        )
    mount = context.get("runtime.storage.mount_path")
    if mount is not None and (not mount.startswith("/") or ".." in PurePath(mount).parts):
        context.report(
            rules.BAD_NAME.at(
                context.origin("runtime.storage.mount_path"), f"`{mount}` is no absolute path."
            )
        )


def _check_amounts(context: Context) -> None:
    for resource in ("cpu", "memory"):
        request = context.settings[f"resource_requests_{resource}"]
        limit = context.settings[f"resource_limits_{resource}"]
        if request and limit and _amount(request) > _amount(limit):
            name = f"resource_requests_{resource}"
            context.report(
                rules.BAD_VARIABLE.at(
                    context.job.locate("metadata.variables", name),
                    f"`{name}` is more than `resource_limits_{resource}`.",
                    remedy="Ask for no more than the limit.",
                )
            )


# --- the job ------------------------------------------------------------------------------------


def _build(context: Context) -> Built:
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
    _advise(context)
    return _Job(context).built()


def _advise(context: Context) -> None:
    """Report what will work, but probably not as meant."""
    job = context.job
    if "image" not in job.variables:
        image = context.settings["image"]
        context.report(
            rules.DEFAULT_IMAGE.at(
                context.origin("runtime.platform"), f"The default container image {image} is used."
            )
        )
    source = job.document.source
    incremental = source.get("incremental") if isinstance(source, Mapping) else None
    if isinstance(incremental, Mapping) and incremental.get("strategy") != "full_refresh":
        elsewhere = "://" in str(incremental.get("state_path", ""))
        if not elsewhere and not _volume_wanted(job):
            context.report(rules.STATE_LOST.at(context.origin("runtime.platform")))
    outside = [job.document.source, job.document.target]
    for name in dict.fromkeys(_literal_secrets(outside)):
        context.report(
            rules.LITERAL_SECRET.at(
                job.source.locate(("source",), key=True),
                f"`{name}` seems to hold a secret, written out in the job file.",
            )
        )


def _literal_secrets(data: Any) -> Iterator[str]:
    if isinstance(data, Mapping):
        for key, value in data.items():
            if isinstance(value, str) and looks_secret(str(key)):
                if value and "${" not in value and not value.startswith(("/", "arn:")):
                    yield str(key)
            else:
                yield from _literal_secrets(value)
    elif isinstance(data, list):
        for value in data:
            yield from _literal_secrets(value)


def account_of(namespace: str, given: str) -> tuple[str, dict[str, Text]]:
    """Return the name of the account that a service account means, and its annotations.

    A role's ARN and an e-mail of Google are the cloud identities behind an account of their own
    short name (IAM roles for service accounts, workload identity); a plain word is the account.
    """
    if given.startswith("arn:"):
        name = render_word(aws.role_name(given).lower(), NAME)
        return name, {"eks.amazonaws.com/role-arn": given}
    if "@" in given:
        name = render_word(given.partition("@")[0].lower(), NAME)
        return name, {"iam.gke.io/gcp-service-account": given}
    return given, {}


class _Job:
    """The objects of one job, each made once from the job's context."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.job = context.job
        self.settings = context.settings
        self.namespace: str = context.get("runtime.namespace") or ""
        self.name = context.name(NAME)
        self.given_account: str | None = context.known("runtime.service_account")
        self.account, self.account_annotations = (
            account_of(self.namespace, self.given_account)
            if self.given_account
            else (self.name, {})
        )
        self.own_labels = identity_labels(context.identity)
        user_labels = context.get("metadata.labels") or {}
        self.labels: dict[str, Text] = {
            **tag_labels(context.tags),
            **user_labels,
            **self.own_labels,
            "app.kubernetes.io/managed-by": "dativo-infra",
        }
        self.annotations: dict[str, Text] = {
            **(context.get("metadata.annotations") or {}),
            **tag_annotations(context.tags),
        }
        volume = context.known("runtime.storage.volume_id")
        self.volume_id: str | None = volume
        self.mount_path: str = context.get("runtime.storage.mount_path") or _STATE_PATH
        self.claim = self._claim_name()
        self.values = dict(self._values())

    def built(self) -> Built:
        resources = [*self._resources()]
        return Built(
            resources=tuple(resources),
            exports={
                "kubernetes_namespace": self.namespace,
                "kubernetes_service_account": self.account,
                "kubernetes_cron_job": self.context.name(CRON_JOB),
                "kubernetes_config_map": f"{self.name}-env",
            },
            shared=tuple(self._shared()),
            notes=tuple(self._notes()),
        )

    def _notes(self) -> Iterator[str]:
        if self.settings["enable_network_policy"]:
            reasons = reach.https_reasons(self.job)
            yield (
                f"pods reach: DNS; port 443 anywhere but the metadata address "
                f"(HTTPS APIs and object storage: {', '.join(reasons)})"
            )
            for endpoint in reach.endpoints(self.job):
                where = endpoint.host or "any host"
                if endpoint.namespace:
                    where += f" (pods of namespace {endpoint.namespace})"
                yield f"pods reach: port {endpoint.port} of {where}, for {endpoint.why}"
            for port in self.settings["egress_ports"]:
                yield f"pods reach: port {port}, for variables.egress_ports"
        if self.settings["run"] == "suspended":
            name = self.context.name(CRON_JOB)
            yield (
                "the CronJob is suspended; to run it once: kubectl create job "
                f"--from=cronjob/{name} {name}-1 -n {self.namespace}"
            )

    def _shared(self) -> Iterator[Shared]:
        tags = self.context.shared_tags
        common = {
            "labels": {**tag_labels(tags), **(self.context.get("metadata.labels") or {})},
            "annotations": tag_annotations(tags),
        }
        if self.namespace not in _EXISTING_NAMESPACES:
            yield Shared(
                kind=NAMESPACE,
                name=self.namespace,
                path="runtime.namespace",
                claims=dict(self._namespace_claims()),
                common=common,
            )
        if self.given_account and self.account != "default":
            yield Shared(
                kind=ACCOUNT,
                name=f"{self.namespace}/{self.account}",
                path="runtime.service_account",
                needs=((NAMESPACE, self.namespace),),
                claims={
                    key: Claim(value=value, path="runtime.service_account")
                    for key, value in self.account_annotations.items()
                },
                common=common,
            )

    def _namespace_claims(self) -> Iterator[tuple[str, Claim]]:
        for name in self.job.variables:
            value = self.settings.get(name)
            path = f"metadata.variables.{name}"
            if name.startswith(("quota_", "enable_pod_security", "pod_security")):
                yield name, Claim(value=value, path=path)
            elif name.startswith("resource_"):
                # Pods carry their own; the namespace's default is only for others.
                yield name, Claim(value=value, path=path, strict=False)
        if self.claim:
            yield "holds_state", Claim(value=True, path="runtime.storage", strict=False)

    def _object(
        self,
        key: str,
        api_version: str,
        kind: str,
        name: str,
        body: Mapping[str, Any],
        *,
        path: str = "runtime.platform",
        namespaced: bool = True,
        after: tuple[str, ...] = (),
        retain: bool = False,
    ) -> KubernetesObject:
        return KubernetesObject(
            key=key,
            origin=self.context.origin(path),
            api_version=api_version,
            kind=kind,
            name=name,
            namespace=self.namespace if namespaced else None,
            labels=self.labels,
            annotations=self.annotations,
            body=body,
            after=after,
            lifecycle=Lifecycle(retain=retain),
        )

    def _resources(self) -> Iterator[Resource]:
        made: list[KubernetesObject] = []
        if not self.given_account:
            made.append(self._object("service-account", "v1", "ServiceAccount", self.account, {}))
        plain = {name: value for name, value in self.values.items() if not has_secret(value)}
        secret = {name: value for name, value in self.values.items() if has_secret(value)}
        made.append(
            self._object("config-map", "v1", "ConfigMap", f"{self.name}-env", {"data": plain})
        )
        if secret:
            body = {"type": "Opaque", "stringData": secret}
            made.append(self._object("secret", "v1", "Secret", f"{self.name}-env", body))
        made.append(
            self._object(
                "job-config-map",
                "v1",
                "ConfigMap",
                f"{self.name}-job",
                {"data": {self._job_file(): self.job.text}},
            )
        )
        made.extend(self._access())
        if self.settings["enable_network_policy"]:
            made.append(self._network_policy())
        made.extend(self._volume())
        yield from made
        yield self._cron_job(after=tuple(each.key for each in made))

    def _access(self) -> Iterator[KubernetesObject]:
        """Yield a role that lets the account read the job's own ConfigMaps, and its binding."""
        yield self._object(
            "role",
            "rbac.authorization.k8s.io/v1",
            "Role",
            self.name,
            {
                "rules": [
                    {
                        "apiGroups": [""],
                        "resources": ["configmaps"],
                        "resourceNames": [f"{self.name}-env", f"{self.name}-job"],
                        "verbs": ["get"],
                    }
                ]
            },
        )
        group = "rbac.authorization.k8s.io"
        yield self._object(
            "role-binding",
            f"{group}/v1",
            "RoleBinding",
            self.name,
            {
                "roleRef": {"apiGroup": group, "kind": "Role", "name": self.name},
                "subjects": [
                    {
                        "kind": "ServiceAccount",
                        "name": self.account,
                        "namespace": self.namespace,
                    }
                ],
            },
            after=("role",),
        )

    def _network_policy(self) -> KubernetesObject:
        return self._object(
            "network-policy",
            "networking.k8s.io/v1",
            "NetworkPolicy",
            self.name,
            {
                "spec": {
                    # The job's own pods alone: its neighbours in the namespace keep their network.
                    "podSelector": {"matchLabels": self.own_labels},
                    "policyTypes": ["Ingress", "Egress"],
                    "ingress": list(self._ingress()),
                    "egress": list(self._egress()),
                }
            },
            path="metadata.variables",
        )

    def _ingress(self) -> Iterator[Mapping[str, Any]]:
        annotations = self.context.get("metadata.annotations") or {}
        port = annotations.get("prometheus.io/port")
        scraped = annotations.get("prometheus.io/scrape") == "true"
        if scraped and isinstance(port, str) and port.isdigit():
            yield {"from": [{"namespaceSelector": {}}], "ports": _tcp(int(port))}

    def _egress(self) -> Iterator[Mapping[str, Any]]:
        dns = [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]
        system = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}
        yield {"to": [system, {"ipBlock": {"cidr": _DNS_CACHE}}], "ports": dns}
        yield {"to": list(_anywhere()), "ports": _tcp(443)}
        if "iam.gke.io/gcp-service-account" in self.account_annotations:
            address, ports = _GKE_METADATA
            yield {"to": [{"ipBlock": {"cidr": address}}], "ports": _tcp(*ports)}
        inside: dict[str, set[int]] = {}
        outside: set[int] = set()
        for endpoint in reach.endpoints(self.job):
            if endpoint.namespace:
                inside.setdefault(endpoint.namespace, set()).add(endpoint.port)
            else:
                outside.add(endpoint.port)
        for namespace, ports_inside in sorted(inside.items()):
            labels = {"kubernetes.io/metadata.name": namespace}
            yield {
                "to": [{"namespaceSelector": {"matchLabels": labels}}],
                "ports": _tcp(*sorted(ports_inside)),
            }
        if outside:
            yield {"to": list(_anywhere()), "ports": _tcp(*sorted(outside))}
        ports, networks = self.settings["egress_ports"], self.settings["egress_cidrs"]
        if ports or networks:
            to = [{"ipBlock": {"cidr": cidr}} for cidr in networks] or list(_anywhere())
            yield {"to": to, **({"ports": _tcp(*ports)} if ports else {})}

    # --- state ---

    def _claim_name(self) -> str | None:
        if self.volume_id and not self._driver():
            return self.volume_id
        if self.volume_id or self.settings["state_volume_size"]:
            return f"{self.name}-state"
        return None

    def _driver(self) -> tuple[str, str] | None:
        for pattern, driver, access in _DRIVERS:
            if self.volume_id and re.fullmatch(pattern, self.volume_id):
                return driver, access
        return None

    def _volume(self) -> Iterator[KubernetesObject]:
        if not self.claim:
            return
        size = self.settings["state_volume_size"] or "1Gi"
        driver = self._driver()
        spec: dict[str, Any] = {
            "accessModes": [driver[1] if driver else "ReadWriteOnce"],
            "resources": {"requests": {"storage": size}},
        }
        if driver:
            volume: dict[str, Any] = {
                "capacity": {"storage": size},
                "accessModes": [driver[1]],
                "persistentVolumeReclaimPolicy": "Retain",
                "storageClassName": "",
                "claimRef": {"namespace": self.namespace, "name": self.claim},
                "csi": {"driver": driver[0], "volumeHandle": self.volume_id},
            }
            if zone := self.settings["volume_zone"]:
                term = {"key": "topology.kubernetes.io/zone", "operator": "In", "values": [zone]}
                volume["nodeAffinity"] = {
                    "required": {"nodeSelectorTerms": [{"matchExpressions": [term]}]}
                }
            yield self._object(
                "volume",
                "v1",
                "PersistentVolume",
                f"{self.name}-state",
                {"spec": volume},
                path="runtime.storage.volume_id",
                namespaced=False,
            )
            spec |= {"storageClassName": "", "volumeName": f"{self.name}-state"}
        elif self.volume_id:
            return
        elif storage_class := self.settings["storage_class"]:
            spec["storageClassName"] = storage_class
        yield self._object(
            "claim",
            "v1",
            "PersistentVolumeClaim",
            self.claim,
            {"spec": spec},
            path="runtime.storage",
            after=("volume",) if driver else (),
            retain=True,
        )

    # --- the pod ---

    def _values(self) -> Iterator[tuple[str, Text]]:
        """Yield the container's settings: what the job refers to, and what its platform exports."""
        get = self.context.get
        for name, path in (
            ("DATABASE_HOST", "resources.database.endpoint"),
            ("DATABASE_PORT", "resources.database.port"),
            ("DATABASE_NAME", "resources.database.database_name"),
            ("CACHE_ENDPOINT", "resources.cache.endpoint"),
            ("QUEUE_URL", "resources.queue.url"),
            ("S3_BUCKET", "runtime.storage.bucket"),
        ):
            if (value := get(path)) is not None:
                yield name, str(value) if isinstance(value, int) else value
        # The names that the runner itself reads are for PostgreSQL.
        if get("resources.database.port") in {None, 5432}:
            for name, path in (
                ("PGHOST", "resources.database.endpoint"),
                ("PGPORT", "resources.database.port"),
                ("PGDATABASE", "resources.database.database_name"),
            ):
                if (value := get(path)) is not None:
                    yield name, str(value) if isinstance(value, int) else value
        yield from _secret_manager(get("resources.secrets.secret_manager_arn"))
        if self.claim:
            yield "STATE_DIR", self.mount_path
        yield "KUBERNETES_NAMESPACE", self.namespace
        yield "KUBERNETES_SERVICE_ACCOUNT", self.account
        yield "KUBERNETES_CRON_JOB", self.context.name(CRON_JOB)

    def _job_file(self) -> str:
        return f"{self.context.name(NAME)}.yaml"

    def _cron_job(self, after: tuple[str, ...]) -> KubernetesObject:
        labels, annotations = self.labels, self.annotations
        return self._object(
            "cron-job",
            "batch/v1",
            "CronJob",
            self.context.name(CRON_JOB),
            {
                "spec": {
                    # A suspended CronJob still needs a schedule; this one never starts it.
                    "schedule": self.settings["schedule"] or "0 0 * * *",
                    "suspend": self.settings["run"] != "schedule",
                    # Two runs at once would write one catalog branch.
                    "concurrencyPolicy": "Forbid",
                    "jobTemplate": {
                        "metadata": {"labels": labels, "annotations": annotations},
                        "spec": {
                            "backoffLimit": 0,
                            "template": {
                                "metadata": {"labels": labels, "annotations": annotations},
                                "spec": self._pod(),
                            },
                        },
                    },
                }
            },
            after=after,
        )

    def _pod(self) -> Mapping[str, Any]:
        secure = self.settings["enable_pod_security_policy"]
        tenant = render_word(self.job.tenant, LABEL_VALUE)
        job_path = f"{_JOB_FOLDER}/{tenant}/{self._job_file()}"
        container_security: dict[str, Any] = {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        }
        sources: list[Mapping[str, Any]] = [{"configMapRef": {"name": f"{self.name}-env"}}]
        if has_secret(self.values):
            sources.append({"secretRef": {"name": f"{self.name}-env"}})
        mounts: list[Mapping[str, Any]] = [
            # One file, so that the image's other jobs of the tenant stay where they are.
            {"name": "job", "mountPath": job_path, "subPath": self._job_file(), "readOnly": True}
        ]
        volumes: list[Mapping[str, Any]] = [
            {"name": "job", "configMap": {"name": f"{self.name}-job"}}
        ]
        if self.claim:
            mounts.append({"name": "state", "mountPath": self.mount_path})
            volumes.append({"name": "state", "persistentVolumeClaim": {"claimName": self.claim}})
        container = {
            "name": "dativo-runner",
            "image": self.settings["image"],
            "args": ["run", "--config", job_path, "--mode", "self_hosted"],
            "envFrom": sources,
            "resources": container_resources(self.settings),
            "securityContext": container_security,
            "volumeMounts": mounts,
        }
        context: dict[str, Any] = {"seccompProfile": {"type": "RuntimeDefault"}}
        if secure:
            user = self.settings["run_as_user"]
            context |= {"runAsNonRoot": True, "runAsUser": user, "fsGroup": user}
        return {
            "serviceAccountName": self.account,
            "restartPolicy": "Never",
            "securityContext": context,
            "containers": [container],
            "volumes": volumes,
        }


def _secret_manager(arn: Any) -> Iterator[tuple[str, Text]]:
    """Yield the runner's settings to read its secrets from AWS Secrets Manager."""
    if arn is None or (isinstance(arn, str) and not arn.startswith("arn:")):
        return
    settings = {"bundle_secret_id_template": arn, "bundle_format": "json"}
    if isinstance(arn, str) and arn.split(":")[3:4]:
        settings = {"region_name": arn.split(":")[3], **settings}
    yield "DATIVO_SECRET_MANAGER", "aws"
    if is_known(arn):
        yield "DATIVO_SECRET_MANAGER_CONFIG", json.dumps(settings)
    else:
        head, tail = json.dumps({**settings, "bundle_secret_id_template": "\0"}).split("\\u0000")
        yield "DATIVO_SECRET_MANAGER_CONFIG", concat(head, arn, tail)


def container_resources(settings: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return the container's requests and limits, from the variables given."""
    found: dict[str, dict[str, str]] = {}
    for kind in ("requests", "limits"):
        for resource in ("cpu", "memory"):
            if value := settings.get(f"resource_{kind}_{resource}"):
                found.setdefault(kind, {})[resource] = value
    return found


def identity_labels(identity: Identity) -> dict[str, Text]:
    """Return the labels by which the objects and pods of one job are found."""
    return {
        "dativo.io/tenant": render_word(identity.tenant, LABEL_VALUE),
        "dativo.io/environment": render_word(identity.environment, LABEL_VALUE),
        "dativo.io/job": render_word(identity.name, LABEL_VALUE),
    }


def tag_labels(tags: Mapping[str, Text]) -> dict[str, Text]:
    """Return the tags as labels, for cost reports: with the characters that a label may have.

    Tags known late, and those of which nothing is left, are annotations alone.
    """
    found: dict[str, Text] = {}
    for key, value in tags.items():
        if isinstance(value, str) and ":" not in key:
            name, text = _fitting(key), _fitting(value)
            if name and (text or not value):
                found[name] = text
    return found


def tag_annotations(tags: Mapping[str, Text]) -> dict[str, Text]:
    """Return the tags as annotations, with their values as written."""
    return {f"tags.dativo.io/{_fitting(key)}": value for key, value in tags.items()}


def _fitting(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", text)[:63].strip("-_.")


def _tcp(*ports: int) -> list[Mapping[str, Any]]:
    return [{"protocol": "TCP", "port": port} for port in ports]


def _anywhere() -> Iterator[Mapping[str, Any]]:
    four, six = _METADATA_ADDRESSES
    yield {"ipBlock": {"cidr": "0.0.0.0/0", "except": [four]}}
    yield {"ipBlock": {"cidr": "::/0", "except": [six]}}


# --- what jobs share ----------------------------------------------------------------------------


def _build_namespace(shared: SharedContext) -> tuple[Resource, ...]:
    labels: dict[str, Text] = {
        **shared.common.get("labels", {}),
        "app.kubernetes.io/managed-by": "dativo-infra",
    }
    annotations = shared.common.get("annotations", {})
    security: dict[str, Text] = {}
    if shared.claims.get("enable_pod_security_policy"):
        level = shared.claims.get("pod_security_level", "restricted")
        modes = ("enforce", "audit", "warn")
        security = {f"pod-security.kubernetes.io/{mode}": level for mode in modes}

    def make(key: str, kind: str, body: Mapping[str, Any], **extra: Any) -> KubernetesObject:
        return KubernetesObject(
            key=key,
            origin=shared.origin,
            api_version="v1",
            kind=kind,
            name=shared.name if kind == "Namespace" else "dativo",
            namespace=None if kind == "Namespace" else shared.name,
            labels={**labels, **(security if kind == "Namespace" else {})},
            annotations=annotations,
            body=body,
            **extra,
        )

    # Deleting a namespace deletes the volumes claimed in it.
    lifecycle = Lifecycle(retain=bool(shared.claims.get("holds_state")))
    made = [make("namespace", "Namespace", {}, lifecycle=lifecycle)]
    limits = container_resources(shared.claims)
    if limits:
        item = {"type": "Container"}
        names = {"requests": "defaultRequest", "limits": "default"}
        item |= {names[kind]: amounts for kind, amounts in limits.items()}
        made.append(
            make("limit-range", "LimitRange", {"spec": {"limits": [item]}}, after=("namespace",))
        )
    quota = {
        name.removeprefix("quota_").replace("_", "."): value
        for name, value in sorted(shared.claims.items())
        if name.startswith("quota_")
    }
    if quota:
        made.append(
            make("quota", "ResourceQuota", {"spec": {"hard": quota}}, after=("namespace",))
        )
    return tuple(made)


def _build_account(shared: SharedContext) -> tuple[Resource, ...]:
    namespace, _, name = shared.name.partition("/")
    return (
        KubernetesObject(
            key="service-account",
            origin=shared.origin,
            api_version="v1",
            kind="ServiceAccount",
            name=name,
            namespace=namespace,
            labels={
                **shared.common.get("labels", {}),
                "app.kubernetes.io/managed-by": "dativo-infra",
            },
            annotations={**shared.common.get("annotations", {}), **shared.claims},
        ),
    )


KUBERNETES = Platform(
    name="kubernetes",
    component="KubernetesJob",
    description="Kubernetes objects",
    variables=VARIABLES,
    exports=EXPORTS,
    fields=FIELDS,
    check=_check,
    needs=_needs,
    build=_build,
    shared={
        NAMESPACE: SharedKind(
            description="Kubernetes namespace",
            build=_build_namespace,
            exports=lambda shared: {"kubernetes_namespace": shared.name},
        ),
        ACCOUNT: SharedKind(
            description="Kubernetes service account",
            build=_build_account,
            exports=lambda shared: {
                "kubernetes_service_account": shared.name.partition("/")[2],
            },
        ),
    },
)
