"""A real Kubernetes API server for tests: etcd, kube-apiserver and kube-controller-manager.

There are no nodes, so no pod ever runs. The controllers are those that finish deleting, count
quotas, bind volumes and make the service account of a namespace.

Run as a program it serves until its standard input ends, see `processes`.
"""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import processes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from providers.kubernetes.kube_api import Api, Named
from workspace import find

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager")

# etcd listens on sockets of these names in its folder; it wants them to look like ports.
_ETCD = "unix://localhost:1"
_ETCD_PEERS = "unix://localhost:2"
_TOKEN = "tests"
_CONTROLLERS = (
    "garbage-collector-controller",
    "namespace-controller",
    "persistentvolume-binder-controller",
    "persistentvolume-protection-controller",
    "persistentvolumeclaim-protection-controller",
    "resourcequota-controller",
    "serviceaccount-controller",
)


@dataclass(frozen=True, slots=True)
class ApiServer:
    """An API server that runs."""

    url: str
    token: str
    authority: str
    """File with the certificate that its own is signed with."""
    api: Api

    def kubeconfig(self, path: Path, *contexts: str) -> Path:
        """Write a kubeconfig in which these contexts all lead to the server; return its path.

        The first is the current one; without any, there is none.
        """
        path.write_text(_kubeconfig(self.url, self.token, self.authority, contexts))
        return path

    @contextmanager
    def cleared(self) -> Iterator[None]:
        """Delete whatever is there after the block and was not before."""
        before = set(self.api.everything())
        try:
            yield
        finally:
            added = set(self.api.everything()) - before
            namespaces = {each for each in added if each.kind == "Namespace"}
            # One that still has objects takes its time.
            definitions = {each for each in added if each.kind == "CustomResourceDefinition"}
            for group in (namespaces, added - namespaces - definitions, definitions):
                for named in group:
                    # Objects of a new kind wait half a minute for the garbage collector else.
                    self.api.delete(named, "Background")
                for named in group - namespaces:
                    self.api.wait_until_gone(named)
            for named in namespaces:
                self.api.finalize(named)


@contextmanager
def api_server() -> Iterator[ApiServer]:
    """Run an API server until the end of the block."""
    with processes.hosted(Path(__file__)) as line:
        facts = json.loads(line)
        api = Api(**facts)
        try:
            yield ApiServer(**facts, api=api)
        finally:
            api.close()


def main() -> None:
    """Start the servers, write where they answer as JSON on one line, and serve."""
    processes.end_with_input()
    with TemporaryDirectory(prefix="api-server-") as name, ExitStack() as stack:
        folder = Path(name)
        port = stack.enter_context(processes.free_port())
        facts = {
            "url": f"https://127.0.0.1:{port}",
            "token": _TOKEN,
            "authority": str(folder / "apiserver.crt"),  # it signs itself
        }
        api = Api(**facts)
        stack.callback(api.close)
        stack.enter_context(processes.server(_etcd(), folder, (folder / "localhost:1").is_socket))
        stack.enter_context(
            processes.server(
                _kube_apiserver(folder, port),
                folder,
                lambda: Path(facts["authority"]).exists() and api.is_ready(),
            )
        )
        kubeconfig = folder / "kubeconfig"
        kubeconfig.write_text(_kubeconfig(**facts, contexts=("tests",)))
        account = Named("v1", "ServiceAccount", "default", "default")
        stack.enter_context(
            processes.server(
                _kube_controller_manager(kubeconfig), folder, lambda: api.get(account) is not None
            )
        )
        print(json.dumps(facts), flush=True)
        processes.serve()


def _program(name: str) -> str:
    path = find(name)
    if not path:
        raise LookupError(f"no {name} on this machine")
    return path


def _etcd() -> list[str]:
    return [
        _program("etcd"),
        "--data-dir=etcd-data",
        f"--listen-client-urls={_ETCD}",
        f"--advertise-client-urls={_ETCD}",
        f"--listen-peer-urls={_ETCD_PEERS}",
        f"--initial-advertise-peer-urls={_ETCD_PEERS}",
        f"--initial-cluster=default={_ETCD_PEERS}",
        "--unsafe-no-fsync",  # nothing outlives the server
    ]


def _kube_apiserver(folder: Path, port: int) -> list[str]:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    (folder / "accounts.key").write_bytes(pem)
    (folder / "tokens.csv").write_text(f"{_TOKEN},tests,1,system:masters\n")
    return [
        _program("kube-apiserver"),
        f"--etcd-servers={_ETCD}",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        "--permit-port-sharing",  # with the one who keeps the port free
        f"--cert-dir={folder}",
        "--token-auth-file=tokens.csv",
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--service-account-key-file=accounts.key",
        "--service-account-signing-key-file=accounts.key",
        "--service-cluster-ip-range=10.0.0.0/24",
    ]


def _kube_controller_manager(kubeconfig: Path) -> list[str]:
    return [
        _program("kube-controller-manager"),
        f"--kubeconfig={kubeconfig}",
        f"--controllers={','.join(_CONTROLLERS)}",
        "--leader-elect=false",
        "--secure-port=0",
    ]


def _kubeconfig(url: str, token: str, authority: str, contexts: tuple[str, ...]) -> str:
    name = "tests"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": name, "cluster": {"server": url, "certificate-authority": authority}}
        ],
        "users": [{"name": name, "user": {"token": token}}],
        "contexts": [
            {"name": context, "context": {"cluster": name, "user": name}} for context in contexts
        ],
        "current-context": contexts[0] if contexts else "",
    }
    return json.dumps(config, indent=1)


if __name__ == "__main__":
    main()
