"""A Pulumi provider for TESTS that has a real Kubernetes API server judge each object.

It stands in the place of pulumi-kubernetes and applies each object on the server's side. As that
one it refuses to take over an object that exists, updates with a field manager of each resource's
own, replaces where `REPLACED_WITH` says, deletes first what comes back by the same name, and leaves
previews alone of what has no namespace or no definition yet.

It is stricter: field validation is strict, a warning of the server is an error, nothing is tried
again, a setting that it does not know is refused, and what others changed in the cluster is seen
without a refresh. It knows less: it makes up no names, connects by a token alone, waits for nothing
to become ready, and builds no lists, patches and charts.

Source: https://github.com/pulumi/pulumi-kubernetes, `provider/pkg/provider/provider.go`
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from kube_api import Api, Invalid, Named, Refused
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.provider.experimental.provider import (
    CheckFailure,
    CheckRequest,
    CheckResponse,
    ConfigureRequest,
    ConfigureResponse,
    CreateRequest,
    CreateResponse,
    DeleteRequest,
    DiffRequest,
    DiffResponse,
    PropertyDiff,
    PropertyDiffKind,
    Provider,
    ReadRequest,
    ReadResponse,
    UpdateRequest,
    UpdateResponse,
)
from pulumi.runtime.rpc import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

MUTABLE = {
    "enableConfigMapMutable": ("v1", "ConfigMap"),
    "enableSecretMutable": ("v1", "Secret"),
}
"""Settings by which what a kind holds is changed in place."""
SETTINGS = frozenset({"kubeconfig", "context", *MUTABLE})

IDENTITY = ("metadata.name", "metadata.namespace")

REPLACED_WITH = {
    ("v1", "ConfigMap"): ("data", "binaryData"),
    ("v1", "PersistentVolume"): ("spec.csi",),
    ("v1", "PersistentVolumeClaim"): (
        "spec.accessModes",
        "spec.selector",
        "spec.storageClassName",
        "spec.volumeName",
    ),
    ("v1", "ResourceQuota"): ("spec.scopes",),
    ("v1", "Secret"): ("data", "stringData", "type"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"): ("roleRef",),
}
"""Properties whose change replaces an object, beside its name and namespace.

Source: `forceNew` in https://github.com/pulumi/pulumi-kubernetes, `provider/pkg/provider/diff.go`,
the kinds that this project builds
"""

_BY_THE_SERVER = frozenset({"generation", "managedFields", "resourceVersion"})
"""What is in the metadata of every object, and changes with each write."""
_MANAGER = "__fieldManager"
_PLAIN_KEY = re.compile(r"[A-Za-z_]\w*")
_IN_LIST = re.compile(r"[A-Za-z_]\w*|(?<=\[)\d+(?=\])")
"""The steps of a path that goes through lists, such as `spec.groups[0].size`."""
_FORCE = "pulumi.com/patchForce"
"""The annotation by which an object takes over what others have changed of it.

Source: https://www.pulumi.com/registry/packages/kubernetes/how-to-guides/managing-resources-with-server-side-apply/
"""


class KubernetesTestProvider(Provider):
    """Applies each object to the API server that its configuration names."""

    def __init__(self) -> None:
        self._connection: Api | None = None
        self._replaced_with = REPLACED_WITH

    @property
    def _api(self) -> Api:
        assert self._connection, "the engine configures a provider before it uses it"
        return self._connection

    async def check_config(self, request: CheckRequest) -> CheckResponse:
        """Refuse settings that are not known here."""
        unknown = sorted(set(request.new_inputs) - SETTINGS - {"version"})
        failures = [CheckFailure(each, "the test provider does not know it") for each in unknown]
        return CheckResponse(request.new_inputs, failures)

    async def configure(self, request: ConfigureRequest) -> ConfigureResponse:
        """Connect to the cluster of a context.

        Raises:
            LookupError: there is no kubeconfig, or it has no such context.
        """
        settings = {name: _plain(item) for name, item in request.args.items()}
        kubeconfig = settings.get("kubeconfig") or os.environ.get("KUBECONFIG")
        if not kubeconfig:
            raise LookupError("no kubeconfig is given, and KUBECONFIG is not set")
        self._connection = Api.of_kubeconfig(kubeconfig, settings.get("context"))
        mutable = {kind for name, kind in MUTABLE.items() if settings.get(name) in {True, "true"}}
        self._replaced_with = {
            kind: paths for kind, paths in REPLACED_WITH.items() if kind not in mutable
        }
        # The engine itself makes a secret of each output whose input is one.
        return ConfigureResponse(accept_secrets=False, supports_preview=True)

    async def check(self, request: CheckRequest) -> CheckResponse:
        """Refuse what has no name, as none is made up here."""
        metadata = _plain(request.new_inputs.get("metadata", PropertyValue({})))
        failures = [] if metadata.get("name") else [CheckFailure("metadata.name", "is missing")]
        return CheckResponse(request.new_inputs, failures)

    async def create(self, request: CreateRequest) -> CreateResponse:
        """Create an object."""
        return await asyncio.to_thread(self._create, request)

    async def diff(self, request: DiffRequest) -> DiffResponse:
        """Tell what an update would change."""
        return await asyncio.to_thread(self._diff, request)

    async def update(self, request: UpdateRequest) -> UpdateResponse:
        """Apply changed inputs to an object."""
        return await asyncio.to_thread(self._update, request)

    async def read(self, request: ReadRequest) -> ReadResponse:
        """Return an object as it is stored."""
        return await asyncio.to_thread(self._read, request)

    async def delete(self, request: DeleteRequest) -> None:
        """Delete an object, and wait until it is gone."""
        await asyncio.to_thread(self._delete, request)

    def _create(self, request: CreateRequest) -> CreateResponse:
        manifest = _manifest(request.properties)
        if request.preview and not self._is_judged(manifest):
            return CreateResponse(properties=request.properties)
        named = Named.of(manifest)
        if self._api.get(named):
            raise Refused(f"{named} exists already, and is not taken over")
        manager = f"pulumi-kubernetes-{os.urandom(4).hex()}"
        # Nothing is left behind by what the server stores with a warning.
        live = self._apply(manifest, manager, dry_run=True)
        if request.preview:
            live.pop("status", None)  # its time is not yet come
            return CreateResponse(properties=_outputs(live, manager))
        live = self._apply(manifest, manager)
        within = live["metadata"].get("namespace")
        identifier = f"{within}/{named.name}" if within else named.name
        return CreateResponse(identifier, _outputs(live, manager))

    def _apply(
        self, manifest: Mapping[str, Any], manager: str, *, dry_run: bool = False
    ) -> dict[str, Any]:
        force = manifest["metadata"].get("annotations", {}).get(_FORCE) == "true"
        return self._api.apply(manifest, manager, dry_run=dry_run, force=force)

    def _is_judged(self, manifest: Mapping[str, Any]) -> bool:
        """Return whether the server can say already what it will say of a new object."""
        if _has_unknown(manifest) or not self._api.serves(manifest["apiVersion"], manifest["kind"]):
            return False
        named = Named.of(manifest)
        if named.namespace and not self._api.get(Named("v1", "Namespace", named.namespace)):
            return False
        return not self._api.get(named)  # else it may be about to be replaced

    def _diff(self, request: DiffRequest) -> DiffResponse:
        old, new = _manifest(request.old_state), _manifest(request.new_inputs)
        moved = any(_at(old, path) != _at(new, path) for path in IDENTITY)
        live = self._api.get(Named.of(old)) or old
        if moved or _has_unknown(new):
            desired = _merged(live, new)
        else:
            manager = _manager(request.old_state)
            new = _seen(new, live, request.ignore_changes)
            desired = self._desired(live, _ignoring(new, live, request.ignore_changes), manager)
        kinds = dict(_differences(_comparable(live), _comparable(desired)))
        replaces = [path for path in kinds if self._is_replaced_with(new, path)]
        detailed = {
            path: PropertyDiff(_replacing(kind) if path in replaces else kind, input_diff=False)
            for path, kind in kinds.items()
        }
        return DiffResponse(
            changes=bool(kinds),
            replaces=replaces,
            delete_before_replace=bool(replaces) and not moved,
            detailed_diff=detailed,
        )

    def _desired(
        self, live: Mapping[str, Any], manifest: Mapping[str, Any], manager: str
    ) -> Mapping[str, Any]:
        """Return what the server would store; it says no where a replacement is needed."""
        try:
            return self._apply(manifest, manager, dry_run=True)
        except Invalid:
            desired = _merged(live, manifest)
            differing = (path for path, _ in _differences(live, desired))
            if not any(self._is_replaced_with(desired, path) for path in differing):
                raise
            return desired

    def _is_replaced_with(self, manifest: Mapping[str, Any], path: str) -> bool:
        kind = manifest["apiVersion"], manifest["kind"]
        return any(
            path == each or path.startswith((f"{each}.", f"{each}["))
            for each in (*IDENTITY, *self._replaced_with.get(kind, ()))
        )

    def _update(self, request: UpdateRequest) -> UpdateResponse:
        manifest = _manifest(request.news)
        if request.preview and _has_unknown(manifest):
            return UpdateResponse(request.news)
        manager = _manager(request.olds)
        live = self._api.get(Named.of(manifest)) or {}
        manifest = _ignoring(manifest, live, request.ignore_changes)
        live = self._apply(manifest, manager, dry_run=request.preview)
        return UpdateResponse(_outputs(live, manager))

    def _read(self, request: ReadRequest) -> ReadResponse:
        live = self._api.get(Named.of(_manifest(request.properties)))
        if live is None:
            return ReadResponse()
        outputs = _outputs(live, _manager(request.properties))
        return ReadResponse(request.resource_id, outputs, request.inputs)

    def _delete(self, request: DeleteRequest) -> None:
        named = Named.of(_manifest(request.properties))
        self._api.delete(named)
        self._api.wait_until_gone(named)


def _plain(value: PropertyValue) -> Any:
    """Return a property as JSON has it."""
    item = value.value
    if item is None or isinstance(item, str | bool | float):
        return item
    if isinstance(item, Mapping):
        return {key: _plain(each) for key, each in item.items()}
    if isinstance(item, Sequence):
        return [_plain(each) for each in item]
    raise TypeError(f"no JSON: {type(item).__name__}")


def _property(item: Any) -> PropertyValue:
    if isinstance(item, dict):
        return PropertyValue({key: _property(each) for key, each in item.items()})
    if isinstance(item, list):
        return PropertyValue([_property(each) for each in item])
    is_number = isinstance(item, int) and not isinstance(item, bool)
    return PropertyValue(float(item) if is_number else item)


def _manifest(properties: Mapping[str, PropertyValue]) -> dict[str, Any]:
    return {key: _plain(each) for key, each in properties.items() if key != _MANAGER}


def _outputs(live: Mapping[str, Any], manager: str) -> dict[str, PropertyValue]:
    return {key: _property(each) for key, each in {**live, _MANAGER: manager}.items()}


def _manager(state: Mapping[str, PropertyValue]) -> str:
    return _plain(state[_MANAGER])


def _has_unknown(item: Any) -> bool:
    if isinstance(item, dict):
        return any(_has_unknown(each) for each in item.values())
    if isinstance(item, list):
        return any(_has_unknown(each) for each in item)
    return item == UNKNOWN


def _merged(live: Mapping[str, Any], manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object with what a manifest says, lists as a whole."""
    merged = dict(live)
    for key, item in manifest.items():
        both = isinstance(item, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merged(merged[key], item) if both else item
    return merged


def _comparable(item: Mapping[str, Any]) -> dict[str, Any]:
    metadata = {key: each for key, each in item["metadata"].items() if key not in _BY_THE_SERVER}
    return {**item, "metadata": metadata}


def _differences(
    old: Mapping[str, Any], new: Mapping[str, Any], within: str = ""
) -> Iterator[tuple[str, PropertyDiffKind]]:
    """Yield the paths, as Pulumi writes them, that differ; lists are compared as a whole."""
    for key in {**old, **new}:
        is_plain = _PLAIN_KEY.fullmatch(key)
        path = (f"{within}.{key}" if within else key) if is_plain else f'{within}["{key}"]'
        if key not in new:
            yield path, PropertyDiffKind.DELETE
        elif key not in old:
            yield path, PropertyDiffKind.ADD
        elif isinstance(old[key], dict) and isinstance(new[key], dict):
            yield from _differences(old[key], new[key], path)
        elif old[key] != new[key]:
            yield path, PropertyDiffKind.UPDATE


def _replacing(kind: PropertyDiffKind) -> PropertyDiffKind:
    return PropertyDiffKind[f"{kind.name}_REPLACE"]


def _at(item: Any, path: str) -> Any:
    """Return what is at a path of plain keys, or None."""
    for key in path.split("."):
        item = item.get(key) if isinstance(item, dict) else None
    return item


def _ignoring(
    manifest: Mapping[str, Any], live: Mapping[str, Any], paths: Sequence[str]
) -> dict[str, Any]:
    """Return a manifest that says what is there now, or nothing, where changes are ignored.

    Inside lists it stays as it is: there the real provider cannot ignore changes when it applies.
    """
    changed = deepcopy(dict(manifest))
    for path in paths:
        *parents, key = path.split(".")
        if not all(_PLAIN_KEY.fullmatch(each) for each in (*parents, key)):
            continue
        holder, there = changed, live
        for parent in parents:
            holder, there = holder.get(parent, {}), there.get(parent, {})
        if key in holder:
            del holder[key]
            holder |= {key: there[key]} if key in there else {}
    return changed


def _seen(
    manifest: Mapping[str, Any], live: Mapping[str, Any], paths: Sequence[str]
) -> dict[str, Any]:
    """Return a manifest that says what is there now inside lists, where changes are ignored.

    That is what a diff sees: the real provider's is between inputs, of which the engine has made
    what is ignored alike.
    """
    changed = deepcopy(dict(manifest))
    for path in paths:
        *parents, key = (int(each) if each.isdecimal() else each for each in _IN_LIST.findall(path))
        if "[" in path:
            holder: Any = changed
            there: Any = live
            for parent in parents:
                holder, there = holder[parent], there[parent]
            holder[key] = there[key]
    return changed
