"""A Kubernetes API server by its REST interface: what tests and their provider need of it.

Source: https://kubernetes.io/docs/reference/using-api/
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests
import yaml
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

GONE_WITHIN = 60.0
"""Seconds in which an object that is deleted is gone, a namespace with all that is in it."""

_OF_THE_SERVER = frozenset({"APIService", "Event", "Lease"})
"""Kinds that the server and its controllers write by themselves."""


class Refused(Exception):  # noqa: N818 - what servers do
    """What the server does not do, in its own words."""


class NotFound(Refused):
    """There is no such object, namespace, kind or version."""


class Invalid(Refused):
    """An object is not as its kind wants it, or a change is none that its kind allows."""


class Warned(Refused):
    """The server has done it, with a warning."""


@dataclass(frozen=True, slots=True)
class Named:
    """What tells an object from all others."""

    api_version: str
    kind: str
    name: str
    namespace: str | None = None

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> Named:
        """Return what names the object of a manifest."""
        metadata = manifest["metadata"]
        return cls(
            manifest["apiVersion"], manifest["kind"], metadata["name"], metadata.get("namespace")
        )

    def __str__(self) -> str:
        return f"{self.kind} {f'{self.namespace}/' if self.namespace else ''}{self.name}"


class Api:
    """An API server.

    Args:
        url: its address.
        token: what it knows its user by.
        authority: file with the certificate that its own is signed with.
    """

    def __init__(self, url: str, token: str, authority: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy, and no other authority
        # Just after a kind was defined the server asks to come again.
        busy = Retry(status_forcelist=[429], allowed_methods=None, raise_on_status=False)
        self._session.mount("https://", HTTPAdapter(max_retries=busy))
        self._session.headers["Authorization"] = f"Bearer {token}"
        self._session.verify = authority
        self._resources = cache(self._discover)

    @classmethod
    def of_kubeconfig(cls, kubeconfig: str, context: str | None) -> Api:
        """Connect as a kubeconfig, its path or its text, says: by a token and a file of authority.

        Raises:
            LookupError: it has no such context, or none is asked for and it has no current one.
        """
        is_text = "\n" in kubeconfig or kubeconfig.startswith("{")
        config = yaml.safe_load(kubeconfig if is_text else Path(kubeconfig).read_text()) or {}
        wanted = context or config.get("current-context")
        if not wanted:
            raise LookupError("no context is given, and the kubeconfig has no current one")
        contexts = {each["name"]: each["context"] for each in config.get("contexts", ())}
        if wanted not in contexts:
            raise LookupError(f"the kubeconfig has no context `{wanted}`")
        clusters = {each["name"]: each["cluster"] for each in config["clusters"]}
        users = {each["name"]: each["user"] for each in config["users"]}
        cluster = clusters[contexts[wanted]["cluster"]]
        token = users[contexts[wanted]["user"]]["token"]
        return cls(cluster["server"], token, cluster["certificate-authority"])

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def is_ready(self) -> bool:
        """Return whether the server answers that it is ready."""
        try:
            return self._call("GET", "/readyz").ok
        except (Refused, OSError):  # requests' own errors are of the second kind
            return False

    def get(self, named: Named) -> dict[str, Any] | None:
        """Return an object as it is stored, or None."""
        try:
            return self._call("GET", self._path(named)).json()
        except NotFound:
            return None

    def objects(
        self, api_version: str, kind: str, namespace: str | None = None
    ) -> list[dict[str, Any]]:
        """Return all objects of a kind, in one namespace or in all."""
        answer = self._call("GET", self._collection(api_version, kind, namespace)).json()
        # What is common to all stands beside the list alone.
        return [{"apiVersion": api_version, "kind": kind, **each} for each in answer["items"]]

    def apply(
        self,
        manifest: Mapping[str, Any],
        manager: str,
        *,
        dry_run: bool = False,
        force: bool = False,
    ) -> dict[str, Any]:
        """Apply a manifest on the server's side, with strict field validation; return the object.

        With `force` it takes over fields that others have changed.

        Raises:
            Refused: the server refuses it.
            Warned: the server stores it with a warning.
        """
        named = Named.of(manifest)
        parameters = {"fieldManager": manager, "fieldValidation": "Strict"}
        answer = self._call(
            "PATCH",
            self._path(named),
            params=parameters
            | ({"dryRun": "All"} if dry_run else {})
            | ({"force": "true"} if force else {}),
            headers={"Content-Type": "application/apply-patch+yaml"},
            json=manifest,
        )
        if warning := answer.headers.get("Warning"):
            raise Warned(f"{named}: {warning}")
        return answer.json()

    def patch(self, named: Named, operations: Sequence[Mapping[str, Any]], manager: str) -> None:
        """Change an object as somebody else does, by operations of JSON Patch."""
        self._call(
            "PATCH",
            self._path(named),
            params={"fieldManager": manager},
            headers={"Content-Type": "application/json-patch+json"},
            json=operations,
        )

    def define(self, definition: Mapping[str, Any]) -> None:
        """Apply the definition of a kind, and wait until objects of it can be listed, so stored.

        Raises:
            Refused: the server refuses it, or does not take it up.
        """
        with suppress(Warned):  # somebody else wrote it
            self.apply(definition, "tests")
        spec = definition["spec"]
        for version in (each["name"] for each in spec["versions"] if each["served"]):
            self._wait_until_served(f"{spec['group']}/{version}", spec["names"]["kind"])

    def _wait_until_served(self, api_version: str, kind: str) -> None:
        latest = time.monotonic() + GONE_WITHIN
        while True:
            self._resources.cache_clear()
            try:
                self.objects(api_version, kind)
            except Refused:
                if time.monotonic() > latest:
                    raise
                time.sleep(0.1)
            else:
                return

    def delete(self, named: Named, propagation: str = "Foreground") -> None:
        """Have an object deleted if it is there, by default after what it owns."""
        with suppress(NotFound):
            self._call("DELETE", self._path(named), json={"propagationPolicy": propagation})

    def finalize(self, namespace: Named) -> None:
        """End at once a namespace that is deleted and empty; its controller takes five seconds."""
        finalized = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace.name}}
        with suppress(NotFound):  # the controller was quicker
            self._call("PUT", f"{self._path(namespace)}/finalize", json={**finalized, "spec": {}})

    def wait_until_gone(self, named: Named) -> None:
        """Wait until an object that is deleted is gone.

        Raises:
            TimeoutError: something keeps it.
        """
        latest = time.monotonic() + GONE_WITHIN
        while left := self.get(named):
            if time.monotonic() > latest:
                raise TimeoutError(f"{named} is not gone: {left.get('status')} {left['metadata']}")
            time.sleep(0.1)

    def everything(self) -> Iterator[Named]:
        """Yield what names every object that is stored."""
        self._resources.cache_clear()
        groups = self._call("GET", "/apis").json()["groups"]
        for version in ("v1", *(group["preferredVersion"]["groupVersion"] for group in groups)):
            with suppress(NotFound):  # the definition of a kind is going just now
                for kind, (_, verbs, _) in self._resources(version).items():
                    if "list" in verbs and kind not in _OF_THE_SERVER:
                        yield from map(Named.of, self.objects(version, kind))

    def serves(self, api_version: str, kind: str) -> bool:
        """Return whether there is such a kind."""
        try:
            self._resource(api_version, kind)
        except NotFound:
            return False
        return True

    def _path(self, named: Named) -> str:
        collection = self._collection(named.api_version, named.kind, named.namespace or "default")
        return f"{collection}/{named.name}"

    def _collection(self, api_version: str, kind: str, namespace: str | None) -> str:
        plural, _, is_namespaced = self._resource(api_version, kind)
        within = f"namespaces/{namespace}/" if namespace and is_namespaced else ""
        return f"{_version_path(api_version)}/{within}{plural}"

    def _resource(self, api_version: str, kind: str) -> tuple[str, frozenset[str], bool]:
        try:
            return self._resources(api_version)[kind]
        except KeyError:
            raise NotFound(f"no kind {kind} in version {api_version}") from None

    def _discover(self, api_version: str) -> dict[str, tuple[str, frozenset[str], bool]]:
        """Return the plural, the verbs and whether it is namespaced, of each kind of a version."""
        answer = self._call("GET", _version_path(api_version)).json()
        return {
            each["kind"]: (each["name"], frozenset(each["verbs"]), each["namespaced"])
            for each in answer["resources"]
            if "/" not in each["name"]  # else a part of an object, such as its status
        }

    def _call(self, method: str, path: str, **options: Any) -> requests.Response:
        answer = self._session.request(method, self._url + path, timeout=30, **options)
        if not answer.ok:
            try:
                message = answer.json()["message"]
            except (ValueError, KeyError):
                message = answer.text
            raise _REFUSALS.get(answer.status_code, Refused)(message)
        return answer


_REFUSALS = {404: NotFound, 422: Invalid}


def _version_path(api_version: str) -> str:
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
