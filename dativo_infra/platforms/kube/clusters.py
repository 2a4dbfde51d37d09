"""Clusters of Ray and Dask: built and kept up by an operator, or existing, with a job beside them.

What runs the job is a CronJob, whose pod is told the cluster's address.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit

from dativo_infra.diagnostics import rules
from dativo_infra.names import CLUSTER
from dativo_infra.platforms import reach
from dativo_infra.platforms.base import Built, Context
from dativo_infra.platforms.kube import cron_job, grammar, network, objects
from dativo_infra.platforms.kube.metadata import identity_labels
from dativo_infra.platforms.kube.objects import JobObjects
from dativo_infra.platforms.kube.workers import CLUSTER_ID
from dativo_infra.values import Text, show

if TYPE_CHECKING:
    from dativo_infra.resources.kubernetes import KubernetesObject

Make: TypeAlias = Callable[[JobObjects, str, tuple[str, ...]], Iterable["KubernetesObject"]]
"""Makes a cluster of a name, after the objects with some keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """What tells the clusters of one platform from those of another."""

    platform: str
    title: str
    kind: str
    service: str
    """The name of the Service that leads to a cluster, with `{}` for the cluster's own."""
    address: str
    """What the address is exported as."""
    schemes: tuple[str, ...]
    """The schemes that an address may have; the first is that of a cluster that is built."""
    port: int
    dashboard_port: int

    def place(self, name: str, namespace: str) -> Place:
        """Return where a cluster of a name is."""
        host = f"{self.service.format(name)}.{namespace}.svc.cluster.local"
        return Place(
            address=f"{self.schemes[0]}://{host}:{self.port}",
            name=name,
            dashboard=f"http://{host}:{self.dashboard_port}",
        )

    @property
    def exports(self) -> Mapping[str, str]:
        """What a job exports, each with its meaning."""
        like = f"{self.schemes[0]}://host:{self.port}"
        return {
            **objects.EXPORTS,
            **cron_job.EXPORTS,
            f"{self.platform}_cluster_name": f"Name of the {self.kind}.",
            self.address: f"Address that programs connect to, such as {like}.",
            f"{self.platform}_dashboard_url": "Web page of the cluster, inside Kubernetes.",
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a cluster is."""

    address: Text
    name: str | None = None
    dashboard: str | None = None


def check_existing(context: Context, system: System) -> None:
    """Report a `cluster_id` that names no cluster of the platform."""
    given = context.get(CLUSTER_ID)
    if not isinstance(given, str):
        return
    if "://" in given:
        sound = is_address(given, system.schemes)
    else:
        sound = given.count("/") < 2 and all(map(grammar.is_namespace, given.split("/")))
    if not sound:
        like = f"{system.schemes[0]}://host:{system.port}"
        context.report(
            rules.NO_CLUSTER.at(
                context.origin(CLUSTER_ID),
                f"`{given}` is neither the name of a {system.kind}, nor `namespace/name`, nor an "
                f"address such as {like}.",
            )
        )


def is_address(text: str, schemes: tuple[str, ...]) -> bool:
    """Return whether a text is an address with a host, a port and one of these schemes."""
    scheme, _, rest = text.partition("://")
    return scheme in schemes and re.fullmatch(r"[A-Za-z0-9.-]+:[0-9]{1,5}/?", rest) is not None


def endpoint(address: Text, port: int) -> reach.Endpoint:
    """Return what a job connects to at an address; `port` is that of one known later."""
    host = ""
    if isinstance(address, str):
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port or port
    return reach.Endpoint(port, host, CLUSTER_ID)


def use(context: Context, system: System) -> Built:
    """Return what a job has of its own beside the cluster of `cluster_id`.

    That is a name in the job's namespace, a namespace and a name (`data/analytics`), or an address;
    what is known only at deployment is an address.
    """
    given = context.get(CLUSTER_ID)
    if isinstance(given, str) and "://" not in given:
        namespace, _, name = given.rpartition("/")
        place = system.place(name, namespace or context.get("runtime.namespace") or "")
    else:
        place = Place(address=given)
    traffic = network.Traffic(endpoints=(endpoint(place.address, system.port),))
    uses = f"uses the {system.title} cluster at {show(place.address)}; none is built"
    return _built(context, system, place, traffic=traffic, make=lambda *_: (), notes=(uses,))


def build(
    context: Context,
    system: System,
    *,
    traffic: network.Traffic,
    make: Make,
    notes: tuple[str, ...],
) -> Built:
    """Return a cluster and what a job has of its own beside it.

    Jobs of the same namespace, tenant and environment may use it too, by its name; `traffic` is
    what its pods need beside that and each other.
    """
    name = context.name(CLUSTER)
    place = system.place(name, context.get("runtime.namespace") or "")
    owners = f"{context.identity.tenant}/{context.identity.environment}"
    note = f"port {system.port} of the cluster is open to the namespace's jobs of {owners}"
    traffic = replace(
        traffic,
        within=True,
        ingress=(_neighbours(context, system.port), *traffic.ingress),
        notes=(note, *traffic.notes),
    )
    stays = "the cluster stays up, and is billed as its pods are, until it is destroyed"
    return _built(context, system, place, traffic=traffic, make=make, notes=(stays, *notes))


def _neighbours(context: Context, port: int) -> Mapping[str, Any]:
    """Return the rule that lets the jobs of one namespace, tenant and environment in.

    Source: https://kubernetes.io/docs/concepts/services-networking/network-policies/
    """
    labels = identity_labels(context.identity)
    wanted = {key: value for key, value in labels.items() if not key.endswith("/job")}
    return {"from": [{"podSelector": {"matchLabels": wanted}}], "ports": network.tcp(port)}


def _built(
    context: Context,
    system: System,
    place: Place,
    *,
    traffic: network.Traffic,
    make: Make,
    notes: tuple[str, ...],
) -> Built:
    exports = {
        f"{system.platform}_cluster_name": place.name,
        system.address: place.address,
        f"{system.platform}_dashboard_url": place.dashboard,
        "kubernetes_cron_job": cron_job.name_of(context),
    }
    known = {name: value for name, value in exports.items() if value is not None}
    job = JobObjects(context, known, traffic=traffic)
    before = tuple(job.surroundings())
    cluster = tuple(make(job, place.name or "", tuple(each.key for each in before)))
    after = [each.key for each in (*before, *cluster)]
    return Built(
        resources=(*before, *cluster, cron_job.cron_job(job, after)),
        exports=job.exports,
        shared=job.shared(),
        notes=(*notes, *job.notes(), *cron_job.notes(job)),
        starts=cron_job.starts(context),
    )
