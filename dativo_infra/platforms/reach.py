"""What a job reaches over the network, read from what it says itself.

The job outside the block belongs to the runner, so this reads only what is plainly there: hosts,
ports, URLs and buckets. Variables in it stay unread.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from dativo_infra.platforms import aws, gcp

if TYPE_CHECKING:
    from dativo_infra.model import Job

_PORTS: Mapping[str, int] = {
    "amqp": 5672,
    "amqps": 5671,
    "cassandra": 9042,
    "elasticsearch": 9200,
    "http": 80,
    "https": 443,
    "kafka": 9092,
    "mariadb": 3306,
    "mongodb": 27017,
    "mssql": 1433,
    "mysql": 3306,
    "nessie": 19120,
    "oracle": 1521,
    "postgres": 5432,
    "postgresql": 5432,
    "redis": 6379,
    "rediss": 6379,
    "sb": 5671,
    "sftp": 22,
    "sqlserver": 1433,
}
"""Ports registered for, or usual with, a scheme or a connector.

Azure Service Bus speaks AMQP with TLS:
https://learn.microsoft.com/azure/service-bus-messaging/service-bus-amqp-protocol-guide
"""
_DATABASES = (
    "postgres",
    "postgresql",
    "mysql",
    "mariadb",
    "mssql",
    "sqlserver",
    "oracle",
    "mongodb",
    "cassandra",
)
"""Which of them are databases; of two with one port, the first is meant."""
_NAMES_OF_THINGS = ("/", "arn:", "projects/")
"""What a path, and a name of a thing in a cloud, begins with; such a name is used by HTTPS."""
_UNKNOWN = 0
"""Stands for a port that cannot be told."""
_ADDRESSES = ("bootstrap_servers", "brokers", "endpoint", "uri", "url")
"""Keys whose text is an address, even where it is no URL."""
_BUCKET_URL = re.compile(
    r"(?P<scheme>s3a?|gs|abfss?|wasbs?)://(?P<bucket>[^/]*?)(@[^/@]+\.(dfs|blob)\.[^/@]+)?(/|$)"
)
_BUCKET_NAMES = f"{aws.BUCKET_NAME}|{gcp.BUCKET_NAME}"
_WRITTEN = frozenset({"target", "state_path"})
"""Keys of the job below which the runner writes; below the others it only reads."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket that the job names."""

    name: str
    """Empty where it cannot be told: a variable of the runner stands for it, or it is none."""
    where: str
    written: bool
    """Whether the job writes to it there."""


@dataclass(frozen=True, slots=True, order=True)
class Endpoint:
    """A port that the job connects to."""

    port: int
    host: str
    """Host name; empty where it is not known, and then any is meant."""
    why: str

    @property
    def namespace(self) -> str | None:
        """The Kubernetes namespace, of a host name inside the cluster."""
        match = re.fullmatch(r"([^.]+\.)+?(?P<namespace>[a-z0-9-]+)\.svc(\..*)?", self.host.lower())
        return match["namespace"].strip("-") or None if match else None


def endpoints(job: Job) -> tuple[Endpoint, ...]:
    """Return what the job connects to besides HTTPS on port 443, ordered and each once."""
    return tuple(sorted(each for each in _all(job) if each.port not in {443, _UNKNOWN}))


def unknown_ports(job: Job) -> tuple[str, ...]:
    """Return the places of connections whose port cannot be told from the job."""
    return tuple(sorted(each.why for each in _all(job) if each.port == _UNKNOWN))


def port_of(value: Any) -> int | None:
    """Return the TCP port that a number, or a text of digits, means; None where it is none."""
    if isinstance(value, str):
        return port_of(int(value)) if re.fullmatch("[0-9]{1,5}", value) else None
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 < value < 65536 else None


def database_kind(job: Job) -> str:
    """Return which database `resources.database` is; empty where that cannot be told.

    Its endpoint's scheme says so, else its port, else what the job connects to; without any of
    these it is PostgreSQL.
    """
    endpoint, port = (job.get(f"resources.database.{name}") for name in ("endpoint", "port"))
    scheme = str(endpoint).removeprefix("jdbc:").partition("://")[0].partition("+")[0]
    usual = [name for name in _DATABASES if _PORTS[name] == port_of(port)]
    named = (name for name in (scheme, *usual, *_connectors(job)) if name in _DATABASES)
    return next(named, "postgres" if port is None else "")


def buckets(job: Job, *schemes: str) -> Iterator[Bucket]:
    """Yield the buckets that the job names, by URL or in its connections, of these schemes."""
    for side in ("source", "target"):
        yield from _buckets(getattr(job.document, side), (side,), schemes)


def https_reasons(job: Job) -> tuple[str, ...]:
    """Return what the job needs HTTPS on port 443 for."""
    reasons = [f"{name} connector" for name in dict.fromkeys(_connectors(job))]
    for scheme, *others in (("s3", "s3a"), ("gs", "gcs"), ("abfs", "abfss", "wasb", "wasbs")):
        names = {each.name for each in buckets(job, scheme, *others)} - {""}
        reasons.extend(f"{scheme}://{name}" for name in sorted(names))
    return tuple(dict.fromkeys(reasons))


def _all(job: Job) -> set[Endpoint]:
    return {
        *_declared(job),
        *_connections(job.document.source, "source", _connector(job, "source")),
        *_connections(job.document.target, "target", _connector(job, "target")),
    }


def _connectors(job: Job) -> Iterator[str]:
    for side in ("source", "target"):
        if name := _connector(job, side):
            yield name


def _connector(job: Job, side: str) -> str:
    named = (job.document.model_extra or {}).get(f"{side}_connector")
    if isinstance(named, str):
        return named
    path = getattr(job.document, f"{side}_connector_path")
    return path.rpartition("/")[2].partition(".")[0]


def _declared(job: Job) -> Iterator[Endpoint]:
    database = job.get("resources.database.endpoint")
    if database is not None:
        host, port = _host_and_port(database, _PORTS.get(database_kind(job), _UNKNOWN))
        given = port_of(job.get("resources.database.port"))
        yield Endpoint(given or port, host, "resources.database")
    cache = job.get("resources.cache.endpoint")
    if cache is not None:
        host, port = _host_and_port(cache, _PORTS["redis"])
        yield Endpoint(port, host, "resources.cache")
    queue = job.get("resources.queue.url")
    if queue is not None:
        for server in queue.split(",") if isinstance(queue, str) else (queue,):
            if isinstance(server, str) and not _is_bare_address(server) and "://" not in server:
                yield Endpoint(_PORTS["https"], "", "resources.queue")
                continue
            host, port = _host_and_port(server, _PORTS["kafka"])
            yield Endpoint(port, host, "resources.queue")


def _connections(data: Any, where: str, connector: str) -> Iterator[Endpoint]:
    """Yield the hosts and URLs inside a part of the job.

    `connector` is what is connected to, as far as the keys above say: its usual port holds where
    none is given, or where a variable of the runner stands for it.
    """
    usual = _PORTS.get(connector, _UNKNOWN)
    if isinstance(data, Mapping):
        host = data.get("host")
        if isinstance(host, str):
            yield Endpoint(port_of(data.get("port")) or usual, _host(host), where)
        for key, value in data.items():
            below = f"{where}.{key}"
            if key in _ADDRESSES and isinstance(value, str) and _is_bare_address(value):
                for server in value.split(","):
                    address, port = _host_and_port(server, usual)
                    yield Endpoint(port, address, below)
            else:
                yield from _connections(value, below, key if key in _PORTS else connector)
    elif isinstance(data, list):
        for value in data:
            yield from _connections(value, where, connector)
    elif isinstance(data, str) and "://" in data and not _BUCKET_URL.match(data):
        host, port = _host_and_port(data, _UNKNOWN)
        if port != _UNKNOWN or "${" in data:
            yield Endpoint(port if port != _UNKNOWN else usual, host, where)


def _host_and_port(text: Any, default: int) -> tuple[str, int]:
    """Return the host and port of a URL or of `host:port`; an empty host where it is not known."""
    if not isinstance(text, str):
        return "", default
    text = text.strip().removeprefix("jdbc:")
    try:
        parts = urlsplit(text if "://" in text else f"//{text}")
        scheme = parts.scheme.partition("+")[0]
        port = parts.port or _PORTS.get(scheme, default)
    except ValueError:
        return "", default
    return _host(parts.hostname or ""), port


def _is_bare_address(text: str) -> bool:
    return "://" not in text and not text.startswith(_NAMES_OF_THINGS)


def _host(text: Any) -> str:
    return text if isinstance(text, str) and re.fullmatch(r"[A-Za-z0-9.-]+", text) else ""


def _buckets(data: Any, path: tuple[str, ...], schemes: tuple[str, ...]) -> Iterator[Bucket]:
    text = None
    if isinstance(data, Mapping):
        for key, value in data.items():
            yield from _buckets(value, (*path, str(key)), schemes)
        text = data.get("bucket") if path[-1] in schemes else None
    elif isinstance(data, list):
        for value in data:
            yield from _buckets(value, path, schemes)
    elif isinstance(data, str) and (match := _BUCKET_URL.match(data)):
        text = match["bucket"] if match["scheme"] in schemes else None
    if isinstance(text, str):
        # The text itself may hold a password, so what is no name is not passed on.
        name = text if re.fullmatch(_BUCKET_NAMES, text) else ""
        yield Bucket(name, ".".join(path), written=not _WRITTEN.isdisjoint(path))
