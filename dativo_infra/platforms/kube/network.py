"""The network policy of a job's own pods: what the job declares is open, the rest is closed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from dativo_infra.platforms import reach
from dativo_infra.platforms.base import Context, Variable, switched_on, unused
from dativo_infra.platforms.kube import grammar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from dativo_infra.values import Text

METADATA_ADDRESSES = (
    "169.254.169.254/32",
    "168.63.129.16/32",
    "fd00:ec2::254/128",
    "fd20:ce::254/128",
)
"""Where the clouds hand out the machine's own credentials and settings; pods never need them.

Azure's second address is its DNS as well, which the cluster's own DNS asks, and not pods.
Sources: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html,
https://cloud.google.com/compute/docs/metadata/overview,
https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
"""
_DNS_CACHES = ("169.254.20.10/32", "169.254.10.10/31")
"""Where a node answers for the cluster's DNS; the second on Azure.

Sources: https://kubernetes.io/docs/tasks/administer-cluster/nodelocaldns/,
https://learn.microsoft.com/azure/aks/localdns-custom
"""
_GKE_METADATA = (("169.254.169.252/32", (987, 988)), ("169.254.169.254/32", (80, 8080)))
"""Where workload identity answers; the second with Dataplane V2, in place of the machine's own.

Source: https://cloud.google.com/kubernetes-engine/docs/how-to/network-policy
"""
_NAME_LABEL = "kubernetes.io/metadata.name"
"""The label that every namespace has by itself.

Source: https://kubernetes.io/docs/reference/labels-annotations-taints/#kubernetes-io-metadata-name
"""


def _cidr(text: str) -> str | None:
    found = grammar.network(text)
    if found is None:
        return "must be a network such as 10.0.0.0/16"
    if any(_within(found, address) for address in METADATA_ADDRESSES):
        return "must be no address that hands out the machine's own credentials"
    return None


def _within(inner: Any, outer: str) -> bool:
    whole: Any = ip_network(outer)
    return inner.version == whole.version and inner.subnet_of(whole)


_NO_POLICY = unused(
    "enable_network_policy is not set, so nothing is closed",
    lambda job: not switched_on(job, "enable_network_policy"),
)

VARIABLES = (
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
        examples=((9092,), (8443, 9093)),
        meaning="Further TCP ports that the job's pods may reach.",
        uses=(_NO_POLICY,),
    ),
    Variable(
        name="egress_cidrs",
        type="texts",
        default=(),
        check=_cidr,
        examples=(("10.0.0.0/8",), ("10.1.0.0/16", "10.2.0.0/16")),
        meaning="Networks for egress_ports, or for all ports without them; any where not given.",
        uses=(_NO_POLICY,),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What the pods of a platform need beside what every job's pods do."""

    within: bool = False
    """Whether the job's pods reach each other, on every port."""
    api_server: bool = False
    """Whether they ask the cluster's API server."""
    endpoints: tuple[reach.Endpoint, ...] = ()
    """What else they connect to."""
    ingress: tuple[Mapping[str, Any], ...] = ()
    """Rules for who else connects to them."""
    egress: tuple[Mapping[str, Any], ...] = ()
    """Rules for what else they connect to, where a single port does not say it."""
    notes: tuple[str, ...] = ()
    """What people are told of these rules."""


NO_TRAFFIC = Traffic()
_API_SERVER = 6443
"""The port behind the API server's Service where it is not 443.

Source: https://kubernetes.io/docs/reference/networking/ports-and-protocols/
"""


def spec(
    context: Context,
    selected: Mapping[str, Text],
    account: Mapping[str, Text],
    traffic: Traffic = NO_TRAFFIC,
) -> dict[str, Any]:
    """Return the spec of the policy of the pods with the labels `selected`.

    `account` is the annotations of their service account, which tell how they get credentials.
    Source: https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/network-policy-v1/
    """
    own = [{"podSelector": {"matchLabels": dict(selected)}}]
    api_server = [{"to": anywhere(), "ports": tcp(_API_SERVER)}] if traffic.api_server else []
    return {
        # The job's own pods alone: its neighbours in the namespace keep their network.
        "podSelector": {"matchLabels": dict(selected)},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [
            *([{"from": own}] if traffic.within else []),
            *_ingress(context),
            *traffic.ingress,
        ],
        "egress": [
            *_always(account),
            *([{"to": own}] if traffic.within else []),
            *api_server,
            *_declared((*reach.endpoints(context.job), *traffic.endpoints)),
            *_asked(context.settings),
            *traffic.egress,
        ],
    }


def _on_gke(account: Mapping[str, Text]) -> bool:
    return "iam.gke.io/gcp-service-account" in account


def notes(
    context: Context, account: Mapping[str, Text], traffic: Traffic = NO_TRAFFIC
) -> Iterator[str]:
    """Yield what the pods reach, for people."""
    job = context.job
    reasons = ", ".join(reach.https_reasons(job))
    yield (
        "pods reach: DNS; port 443 anywhere but the metadata address "
        f"(HTTPS APIs and object storage: {reasons})"
    )
    if _on_gke(account):
        yield (
            "pods reach: GKE's own metadata server, for workload identity; a node pool without it "
            "would give them the machine's credentials"
        )
    if traffic.within:
        yield "pods reach: each other, on every port"
    if traffic.api_server:
        yield f"pods reach: port {_API_SERVER} of any host, for the cluster's API server"
    for endpoint in (*reach.endpoints(job), *traffic.endpoints):
        where = endpoint.host or "any host"
        if endpoint.namespace:
            # A policy sees a packet after the Service has chosen a pod, and so the pod's port.
            where += f" (pods of namespace {endpoint.namespace} that listen on that port)"
        yield f"pods reach: port {endpoint.port} of {where}, for {endpoint.why}"
    yield from traffic.notes
    for place in reach.unknown_ports(job):
        yield f"pods may not reach {place}: its port is not known here; use variables.egress_ports"
    where = ", ".join(context.settings["egress_cidrs"]) or "any host"
    if ports := context.settings["egress_ports"]:
        listed = ", ".join(map(str, ports))
        yield f"pods reach: port {listed} of {where}, for variables.egress_ports"
    elif context.settings["egress_cidrs"]:
        yield f"pods reach: every port of {where}, for variables.egress_cidrs"


def _ingress(context: Context) -> Iterator[Mapping[str, Any]]:
    annotations = context.get("metadata.annotations") or {}
    port = reach.port_of(annotations.get("prometheus.io/port"))
    if annotations.get("prometheus.io/scrape") == "true" and port:
        yield {"from": [{"namespaceSelector": {}}], "ports": tcp(port)}


def _always(account: Mapping[str, Text]) -> Iterator[Mapping[str, Any]]:
    """Yield what every job needs: names, HTTPS, and its cloud identity."""
    dns = [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]
    yield {"to": [_namespace("kube-system"), *map(_block, _DNS_CACHES)], "ports": dns}
    # By this port Azure's workload identity, and IAM roles for service accounts, get credentials.
    yield {"to": anywhere(), "ports": tcp(443)}
    if _on_gke(account):
        for address, ports in _GKE_METADATA:
            yield {"to": [{"ipBlock": {"cidr": address}}], "ports": tcp(*ports)}


def _declared(endpoints: Iterable[reach.Endpoint]) -> Iterator[Mapping[str, Any]]:
    """Yield what the job's own resources and connections need."""
    ports: dict[str, set[int]] = {}
    for endpoint in endpoints:
        ports.setdefault(endpoint.namespace or "", set()).add(endpoint.port)
    for namespace, inside in sorted(ports.items()):
        to = [_namespace(namespace)] if namespace else anywhere()
        yield {"to": to, "ports": tcp(*sorted(inside))}


def _asked(settings: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield what the job's variables ask for beside."""
    ports, networks = settings["egress_ports"], settings["egress_cidrs"]
    if ports or networks:
        to = [_block(cidr) for cidr in networks] or anywhere()
        yield {"to": to, **({"ports": tcp(*ports)} if ports else {})}


def tcp(*ports: int) -> list[Mapping[str, Any]]:
    """Return TCP ports as a rule has them."""
    return [{"protocol": "TCP", "port": port} for port in ports]


def _namespace(name: str) -> Mapping[str, Any]:
    return {"namespaceSelector": {"matchLabels": {_NAME_LABEL: name}}}


@cache
def _block(cidr: str) -> Mapping[str, Any]:
    """Return a network as a peer, without the metadata addresses in it."""
    whole = ip_network(cidr)
    inside = [each for each in METADATA_ADDRESSES if _within(ip_network(each), str(whole))]
    return {"ipBlock": {"cidr": cidr, **({"except": inside} if inside else {})}}


def anywhere() -> list[Mapping[str, Any]]:
    """Return every host as peers, but for the metadata addresses."""
    # Some network plugins never match pods by their addresses, so those are named beside.
    return [_block("0.0.0.0/0"), _block("::/0"), {"namespaceSelector": {}}]
