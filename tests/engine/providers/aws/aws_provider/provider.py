"""The provider, as the engine sees it."""

from __future__ import annotations

import json
import os
import re
import sys
from functools import cache, cached_property
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from pulumi.provider.experimental import provider as protocol
from pulumi.provider.experimental import server
from pulumi.runtime.rpc import UNKNOWN

from aws_provider.resource import Resource
from aws_provider.schema import args_class, faults, property_names
from aws_provider.translation import WrongValueError
from aws_provider.types import TYPES
from aws_provider.values import changes, plain, wrapped

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from aws_provider.model import Type
    from aws_provider.values import Properties

_DEFAULTS = "__defaults"
"""Where the real provider, too, keeps which properties it has made up itself."""
_RANDOM = 7
"""Characters that Pulumi adds to a resource's name to make one for AWS."""
_SETTINGS = frozenset({"allowedAccountIds", "region", "version"})
_ENDPOINT = "AWS_ENDPOINT_URL"


class AwsTestProvider(protocol.Provider):
    """Creates what programs register by the calls of `types`."""

    async def check_config(self, request: protocol.CheckRequest) -> protocol.CheckResponse:
        """Refuse settings that this provider does not know."""
        failures = [
            protocol.CheckFailure(key, f"this test provider has no setting `{key}`")
            for key in sorted(request.new_inputs.keys() - _SETTINGS)
            # What `pulumi_aws` says by itself: checks to be left out.
            if not key.startswith(("skip", "__"))
        ]
        return protocol.CheckResponse(inputs=request.new_inputs, failures=failures)

    async def diff_config(self, request: protocol.DiffRequest) -> protocol.DiffResponse:
        """Replace everything in another region."""
        old, new = plain(request.old_state), plain(request.new_inputs)
        return protocol.DiffResponse(
            replaces=["region"] if old.get("region") != new.get("region") else []
        )

    async def configure(self, request: protocol.ConfigureRequest) -> protocol.ConfigureResponse:
        """Refuse to work in another account than those allowed."""
        settings = {key.rpartition(":")[2]: value for key, value in request.variables.items()}
        self._region = settings.get("region") or os.environ.get("AWS_REGION", "")
        if not self._region:
            raise ValueError("Missing region configuration")
        if _ENDPOINT not in os.environ:
            raise ValueError(f"this is a test provider: {_ENDPOINT} must name a moto server")
        self._session = boto3.Session(region_name=self._region)
        allowed = json.loads(settings.get("allowedAccountIds", "[]"))
        if allowed and self._account not in allowed:
            raise ValueError(f"AWS account ID not allowed: {self._account}")
        return await super().configure(request)

    async def invoke(self, request: protocol.InvokeRequest) -> protocol.InvokeResponse:
        """Tell where this provider works."""
        told: Mapping[str, Mapping[str, str]] = {
            "aws:index/getCallerIdentity:getCallerIdentity": {
                "id": self._account,
                "accountId": self._account,
                "arn": self._identity["Arn"],
                "userId": self._identity["UserId"],
            },
            "aws:index/getPartition:getPartition": {"id": "aws", "partition": "aws"},
            "aws:index/getRegion:getRegion": {"id": self._region, "region": self._region},
        }
        if request.args:
            raise ValueError(f"this test provider asks {request.tok} without arguments only")
        return protocol.InvokeResponse(return_value=wrapped(told[request.tok]))

    async def check(self, request: protocol.CheckRequest) -> protocol.CheckResponse:
        """Judge properties, and name a resource that has no name."""
        token = _token(request)
        if token not in TYPES:
            raise ValueError(f"this test provider does not know {token}")
        kind = TYPES[token]
        properties = plain(request.new_inputs)
        failed = list(faults(args_class(token), properties))
        try:
            failed = failed or list(self._resource(kind, properties).faults())
        except WrongValueError as error:
            failed = [str(error)]
        inputs = dict(request.new_inputs)
        named = kind.name
        if named and not {named.property, named.prefix} & properties.keys():
            old = plain(request.old_inputs)
            kept = named.property in old.get(_DEFAULTS, ())
            name = old[named.property] if kept else _named(request)
            if len(name) > named.longest:
                failed.append(f"`{named.property}` is longer than {named.longest}: {name}")
            inputs |= wrapped({named.property: name, _DEFAULTS: [named.property]})
        return protocol.CheckResponse(
            inputs=inputs, failures=[protocol.CheckFailure("", each) for each in failed]
        )

    async def diff(self, request: protocol.DiffRequest) -> protocol.DiffResponse:
        """Tell what changes, and what of it needs another resource."""
        kind = TYPES[_token(request)]
        old, new = _properties(_token(request), request.old_state), plain(request.new_inputs)
        detailed: dict[str, protocol.PropertyDiff] = {}
        replaced: list[str] = []
        for path, change in _changes(kind, old, new, request.ignore_changes):
            toggled = change != "UPDATE" and path in kind.replaces_none
            if replaces := toggled or _within(path, kind.replaces):
                replaced.append(_top(path))
            name = f"{change}_REPLACE" if replaces else change
            detailed[path] = protocol.PropertyDiff(protocol.PropertyDiffKind[name], input_diff=True)
        return protocol.DiffResponse(
            changes=bool(detailed),
            replaces=replaced,
            diffs=[_top(path) for path in detailed],
            detailed_diff=detailed,
            delete_before_replace=bool(replaced) and _keeps_name(kind, old, new),
        )

    async def create(self, request: protocol.CreateRequest) -> protocol.CreateResponse:
        """Create a resource; in a preview, tell what is not known yet."""
        kind = TYPES[_token(request)]
        if request.preview:
            outputs = dict.fromkeys(_chosen(kind), UNKNOWN)
            return protocol.CreateResponse(properties=_state(kind, request.properties, outputs))
        resource = self._resource(kind, _properties(_token(request), request.properties))
        resource.create()
        return protocol.CreateResponse(
            resource_id=resource.outputs["id"],
            properties=_state(kind, request.properties, resource.outputs | resource.told()),
        )

    async def read(self, request: protocol.ReadRequest) -> protocol.ReadResponse:
        """Tell whether a resource exists, with its outputs and tags as they are now."""
        kind = TYPES[_token(request)]
        resource = self._existing(request, request.properties)
        if not resource.exists():
            return protocol.ReadResponse(resource_id="")
        told = wrapped(resource.changed_tags())
        return protocol.ReadResponse(
            resource_id=request.resource_id,
            properties={
                **_state(kind, request.properties, {}),
                **_state(kind, told, resource.outputs | resource.told()),
            },
            inputs={**request.inputs, **told},
        )

    async def update(self, request: protocol.UpdateRequest) -> protocol.UpdateResponse:
        """Change a resource in place."""
        kind = TYPES[_token(request)]
        resource = self._existing(request, request.olds)
        if request.preview:
            resource.outputs |= dict.fromkeys(kind.volatile, UNKNOWN)
        else:
            new = _properties(_token(request), request.news)
            changed = _changes(kind, resource.properties, new, request.ignore_changes)
            resource.update(new, {_top(path) for path, _ in changed})
            resource.outputs |= resource.told()
        return protocol.UpdateResponse(properties=_state(kind, request.news, resource.outputs))

    async def delete(self, request: protocol.DeleteRequest) -> None:
        """Delete a resource."""
        self._existing(request, request.properties).delete()

    def _existing(self, request: Any, state: Properties) -> Resource:
        kind, values = TYPES[_token(request)], plain(state)
        outputs = {key: value for key, value in values.items() if key in _chosen(kind)}
        outputs["id"] = request.resource_id
        return self._resource(kind, _properties(_token(request), state), outputs)

    def _resource(self, kind: Type, properties: dict[str, Any], outputs: Any = None) -> Resource:
        place = {"account": self._account, "region": self._region, "partition": "aws"}
        return Resource(kind, self._client(kind.service), place, properties, outputs or {})

    @cache  # noqa: B019 - there is one provider in the process
    def _client(self, service: str) -> Any:
        return self._session.client(service, config=Config(retries={"max_attempts": 0}))

    @cached_property
    def _identity(self) -> dict[str, Any]:
        return self._client("sts").get_caller_identity()

    @property
    def _account(self) -> str:
        return self._identity["Account"]


def main() -> None:
    """Serve the engine."""
    server.main(sys.argv[1:], version("pulumi_aws"), AwsTestProvider())


def _token(request: Any) -> str:
    """Return the type of a request's resource, without those of its parents."""
    return request.type.rpartition("$")[2]


def _properties(token: str, values: Properties) -> dict[str, Any]:
    """Return what a program says of a resource, of its inputs or its state."""
    known = property_names(token)
    return {key: value for key, value in plain(values).items() if key in known}


def _chosen(kind: Type) -> list[str]:
    """Return what is known only when a resource exists."""
    return [*([kind.name.property] if kind.name else []), *kind.outputs]


def _state(kind: Type, inputs: Properties, outputs: Mapping[str, Any]) -> Properties:
    """Return the state of a resource, in which the inputs are as secret as they were given."""
    given = {key: value for key, value in inputs.items() if not key.startswith("__")}
    if kind.tagging and "tags" in given:
        given["tagsAll"] = given["tags"]
    told = {key: value for key, value in outputs.items() if key != "id"}
    return {**wrapped(told), **given}


def _changes(
    kind: Type, old: Mapping[str, Any], new: Mapping[str, Any], ignored: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Yield what differs; what AWS chose stays, where the program does not say it."""
    for path, change in changes(old, new):
        chosen = change == "DELETE" and path in _chosen(kind)
        if not chosen and not _within(path, ignored):
            yield path, change


def _top(path: str) -> str:
    return re.split(r"[.\[]", path, maxsplit=1)[0]


def _within(path: str, places: Collection[str]) -> bool:
    bare = re.sub(r"\[\d+\]", "", path)
    return any(bare == place or bare.startswith(f"{place}.") for place in places)


def _keeps_name(kind: Type, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Return whether the program itself gives the name that the replaced resource has."""
    name = kind.name.property if kind.name else ""
    given = name in new and name not in new.get(_DEFAULTS, ())
    return given and old.get(name) == new[name]


def _named(request: protocol.CheckRequest) -> str:
    return f"{request.name}-{request.random_seed.hex()[:_RANDOM]}"
