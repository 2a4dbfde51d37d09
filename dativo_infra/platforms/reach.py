"""What a job reaches over the network, read from what it says itself.

The job outside the block belongs to the runner, so this reads only what is plainly there: hosts,
ports, URLs and buckets. Variables in it stay unread.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from dativo_infra.model import Job

_PORTS: Mapping[str, int] = {
    "amqp": 5672,
    "http": 80,
    "https": 443,
    "kafka": 9092,
    "mongodb": 27017,
    "mysql": 3306,
    "nessie": 19120,
    "postgres": 5432,
    "postgresql": 5432,
    "redis": 6379,
    "rediss": 6379,
    "sqlserver": 1433,
}
"""Ports registered for, or usual with, a scheme or a connector."""
_BUCKET = re.compile(r"(?P<scheme>s3a?|gs|abfss?)://(?P<bucket>[^/${}@]+)")


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
        match = re.fullmatch(r"[^.]+\.(?P<namespace>[^.]+)\.svc(\..*)?", self.host)
        return match["namespace"] if match else None


def endpoints(job: Job) -> tuple[Endpoint, ...]:
    """Return what the job connects to besides HTTPS on port 443, ordered and each once."""
    found = {
        *_declared(job),
        *_connections(job.document.source, "source", _connector(job, "source")),
        *_connections(job.document.target, "target", _connector(job, "target")),
    }
    return tuple(sorted(each for each in found if each.port != 443))


def buckets(job: Job, *schemes: str) -> tuple[str, ...]:
    """Return the buckets that the job names, by URL or in its connections, of these schemes."""
    found = set(_buckets([job.document.source, job.document.target], schemes))
    return tuple(sorted(found))


def https_reasons(job: Job) -> tuple[str, ...]:
    """Return what the job needs HTTPS on port 443 for."""
    reasons = [f"{name} connector" for name in dict.fromkeys(_connectors(job))]
    for scheme, *others in (("s3", "s3a"), ("gs", "gcs"), ("abfs", "abfss")):
        reasons.extend(f"{scheme}://{bucket}" for bucket in buckets(job, scheme, *others))
    return tuple(dict.fromkeys(reasons))


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
    database, cache = job.get("resources.database.endpoint"), job.get("resources.cache.endpoint")
    if database is not None:
        port = job.get("resources.database.port") or _PORTS["postgres"]
        yield Endpoint(port, _host(database), "resources.database")
    if cache is not None:
        host, port = _host_and_port(cache, _PORTS["redis"])
        yield Endpoint(port, host, "resources.cache")
    queue = job.get("resources.queue.url")
    if isinstance(queue, str):
        for server in queue.split(","):
            host, port = _host_and_port(server.strip(), _PORTS["kafka"])
            yield Endpoint(port, host, "resources.queue")


def _connections(data: Any, where: str, connector: str) -> Iterator[Endpoint]:
    if isinstance(data, Mapping):
        host = data.get("host")
        if isinstance(host, str):
            port = data.get("port", _PORTS.get(connector))
            if isinstance(port, str) and port.isdigit():
                port = int(port)
            if isinstance(port, int) and 0 < port < 65536:
                yield Endpoint(port, _host(host), where)
        for key, value in data.items():
            yield from _connections(value, f"{where}.{key}", connector)
    elif isinstance(data, list):
        for value in data:
            yield from _connections(value, where, connector)
    elif isinstance(data, str) and "://" in data and not _BUCKET.match(data):
        host, port = _host_and_port(data, 0)
        if port:
            yield Endpoint(port, host, where)


def _host_and_port(text: Any, default: int) -> tuple[str, int]:
    if not isinstance(text, str):
        return "", default
    try:
        parts = urlsplit(text if "://" in text else f"//{text}")
        port = parts.port or _PORTS.get(parts.scheme, default)
    except ValueError:
        return "", default
    return _host(parts.hostname or ""), port


def _host(text: Any) -> str:
    return text if isinstance(text, str) and re.fullmatch(r"[A-Za-z0-9.-]+", text) else ""


def _buckets(data: Any, schemes: tuple[str, ...]) -> Iterator[str]:
    if isinstance(data, Mapping):
        for key, value in data.items():
            bucket = value.get("bucket") if isinstance(value, Mapping) else None
            if key in schemes and isinstance(bucket, str) and "$" not in bucket:
                yield bucket
            yield from _buckets(value, schemes)
    elif isinstance(data, list):
        for value in data:
            yield from _buckets(value, schemes)
    elif isinstance(data, str):
        match = _BUCKET.match(data)
        if match and match["scheme"] in schemes:
            yield match["bucket"]
