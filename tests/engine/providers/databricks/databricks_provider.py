"""A Pulumi provider for TESTS that stands in the place of pulumi-databricks.

What a program registers is judged by the SDK of Databricks, and by what its REST API refuses; it is
kept in a file for each workspace, and no machine starts. As the real provider it edits in place but
for what `REPLACED_WITH` lists.

It is stricter: it takes no setting but the workspace's address, so that no program can hold a
credential. It knows less: clusters, pools and jobs alone, and no default that Databricks makes up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from databricks_requests import CLUSTER, JOB, POOL, REQUESTS, Reader
from databricks_workspace import Workspace
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

Properties = Mapping[str, PropertyValue]

REPLACED_WITH: Mapping[str, tuple[str, ...]] = {
    CLUSTER: (),
    JOB: (),
    POOL: (
        "awsAttributes",
        "azureAttributes",
        "diskSpec",
        "gcpAttributes",
        "nodeTypeId",
        "preloadedSparkVersions",
    ),
}
"""Properties whose change replaces a resource.

Source: `force_new` in https://github.com/databricks/terraform-provider-databricks,
`pools/resource_instance_pool.go`
"""
OUTPUTS: Mapping[str, Mapping[str, str]] = {
    CLUSTER: {"clusterId": "{id}", "url": "{host}/compute/clusters/{id}"},
    JOB: {"url": "{host}/jobs/{id}"},
    POOL: {"instancePoolId": "{id}"},
}
"""What is known of each type when it exists."""


class DatabricksTestProvider(Provider):
    """Keeps what is created in the workspace that its configuration names."""

    def __init__(self) -> None:
        self._host = ""

    @property
    def _workspace(self) -> Workspace:
        return Workspace(self._host)

    async def check_config(self, request: CheckRequest) -> CheckResponse:
        """Refuse settings but the address: credentials come from the environment."""
        unknown = sorted(set(request.new_inputs) - {"host", "version"})
        failures = [CheckFailure(each, "the test provider does not know it") for each in unknown]
        return CheckResponse(request.new_inputs, failures)

    async def configure(self, request: ConfigureRequest) -> ConfigureResponse:
        """Choose the workspace.

        Raises:
            LookupError: none is named.
        """
        settings = {name.rpartition(":")[2]: item for name, item in request.variables.items()}
        if not settings.get("host"):
            raise LookupError("no host is given")
        self._host = settings["host"]
        return ConfigureResponse(accept_secrets=False, supports_preview=True)

    async def check(self, request: CheckRequest) -> CheckResponse:
        """Judge names and types by the SDK."""
        reader = Reader()
        if (type_ := _type(request)) in REQUESTS:
            reader.request(type_, _plain(request.new_inputs))
        else:
            reader.faults.append(f"the test provider does not know {type_}")
        failures = [CheckFailure("", each) for each in reader.faults]
        return CheckResponse(request.new_inputs, failures)

    async def create(self, request: CreateRequest) -> CreateResponse:
        """Create a resource; in a preview tell what is not known yet."""
        type_ = _type(request)
        asked = self._judged(type_, request.properties)
        if request.preview:
            return CreateResponse(properties=self._state(type_, request.properties, UNKNOWN))
        id_ = self._workspace.create(type_, asked)
        return CreateResponse(id_, self._state(type_, request.properties, id_))

    async def diff(self, request: DiffRequest) -> DiffResponse:
        """Tell what an update would change."""
        type_ = _type(request)
        told = OUTPUTS[type_]
        old = {key: each for key, each in _plain(request.old_state).items() if key not in told}
        new = _plain(request.new_inputs)
        detailed: dict[str, PropertyDiff] = {}
        replaces: list[str] = []
        for name, change in _differences(old, new):
            replaced = name in REPLACED_WITH[type_]
            replaces += [name] if replaced else []
            kind = PropertyDiffKind[f"{change}_REPLACE" if replaced else change]
            detailed[name] = PropertyDiff(kind, input_diff=True)
        return DiffResponse(
            changes=bool(detailed),
            replaces=replaces,
            diffs=list(detailed),
            detailed_diff=detailed,
        )

    async def update(self, request: UpdateRequest) -> UpdateResponse:
        """Edit a resource in place."""
        type_ = _type(request)
        asked = self._judged(type_, request.news, request.resource_id)
        if not request.preview:
            self._workspace.edit(type_, request.resource_id, asked)
        return UpdateResponse(self._state(type_, request.news, request.resource_id))

    async def read(self, request: ReadRequest) -> ReadResponse:
        """Tell whether a resource is there still."""
        if request.resource_id not in self._workspace.get(_type(request)):
            return ReadResponse()
        return ReadResponse(request.resource_id, request.properties, request.inputs)

    async def delete(self, request: DeleteRequest) -> None:
        """Delete a resource."""
        self._workspace.delete(_type(request), request.resource_id)

    def _judged(self, type_: str, properties: Properties, own: str = "") -> dict[str, Any]:
        """Return a request that Databricks takes.

        Raises:
            ValueError: it refuses it.
        """
        asked = Reader().request(type_, _plain(properties))
        refused = list(self._workspace.refusals(type_, asked, own))
        if refused:
            raise ValueError("; ".join(refused))
        return asked

    def _state(self, type_: str, inputs: Properties, id_: str) -> dict[str, PropertyValue]:
        """Return the inputs with what is known when the resource exists."""
        known = id_ != UNKNOWN
        told = {
            name: text.format(host=self._host, id=id_) if known else UNKNOWN
            for name, text in OUTPUTS[type_].items()
        }
        return {**inputs, **{name: PropertyValue(value) for name, value in told.items()}}


def _type(request: Any) -> str:
    """Return the type of a request's resource, without those of its parents."""
    return request.type.rpartition("$")[2]


def _plain(properties: Properties) -> dict[str, Any]:
    """Return properties as plain data; what is not known yet is Pulumi's `UNKNOWN`."""
    return {
        key: _value(each)
        for key, each in properties.items()
        if each.value is not None and not key.startswith("__")
    }


def _value(each: PropertyValue) -> Any:
    match each.value:
        case str() | bool() | None:
            return each.value
        case float() as number:
            return int(number) if number.is_integer() else number
        case Mapping() as properties:
            return _plain(properties)
        case Sequence() as items:
            return [_value(item) for item in items]
        case other:
            raise TypeError(f"no property is {type(other).__name__}")


def _differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            yield name, "ADD" if name not in old else "DELETE" if name not in new else "UPDATE"
