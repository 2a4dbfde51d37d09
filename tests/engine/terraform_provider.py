"""Providers for the real Terraform: they have the real ones' schemas, and invent what is computed.

Terraform itself decodes a configuration by the schema, so names, nesting and types are judged by
it, and every expression is evaluated. What the providers check beyond their schemas is left out.
They run in this process, and are found by TF_REATTACH_PROVIDERS; one server serves any number of
commands.
Source: https://developer.hashicorp.com/terraform/plugin/terraform-plugin-protocol,
https://developer.hashicorp.com/terraform/plugin/debugging
"""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import grpc
import msgpack
from tf.gen import tfplugin_pb2 as messages

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SCHEMAS = Path(__file__).parents[1] / "conformance" / "terraform_schemas.json"
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "aws": {"allowed_account_ids": ["set", "string"], "region": "string"},
    "databricks": {"host": "string"},
    "kubernetes": {"config_context": "string"},
}
"""The settings of the providers themselves that are used, all optional.

Source: https://registry.terraform.io/providers/hashicorp/aws/latest/docs, .../kubernetes/ and
https://registry.terraform.io/providers/databricks/databricks/latest/docs
"""
FACTS = {"account_id": "123456789012", "partition": "aws", "region": "us-east-1"}
NAMESPACES = {"databricks": "databricks"}
"""The provider's namespace, where it is not that of most."""
REGISTRIES = ("registry.terraform.io", "registry.opentofu.org")

_FLAGS = ("computed", "deprecated", "optional", "required", "sensitive")
"""Not `write_only`, which the messages at hand are too old for."""

UNKNOWN = msgpack.ExtType(0, b"\0")
"""Source: https://github.com/hashicorp/terraform/blob/main/docs/plugin-protocol/object-wire-format.md"""


@dataclass(frozen=True)
class Running:
    """Providers that run."""

    environment: Mapping[str, str]
    """By which commands find them."""
    settings: Mapping[str, dict[str, Any]]
    """What each was told last."""


@contextmanager
def providers() -> Iterator[Running]:
    """Run all of them."""
    schemas = json.loads(SCHEMAS.read_text())
    found: dict[str, Any] = {}
    settings: dict[str, dict[str, Any]] = {name: {} for name in SETTINGS}
    with ExitStack() as stack:
        # Of its own, since the path of a socket has 107 characters at most.
        folder = stack.enter_context(TemporaryDirectory())
        for name in SETTINGS:
            socket = Path(folder, f"{name}.sock")
            server = grpc.server(ThreadPoolExecutor(max_workers=4))
            provider = Provider(name, schemas, settings[name])
            server.add_generic_rpc_handlers((provider.handlers(),))
            server.add_insecure_port(f"unix:{socket}")
            server.start()
            stack.callback(lambda server=server: server.stop(None).wait())
            for registry in REGISTRIES:
                found[f"{registry}/{NAMESPACES.get(name, 'hashicorp')}/{name}"] = {
                    "Protocol": "grpc",
                    "ProtocolVersion": 6,
                    "Pid": os.getpid(),
                    "Test": True,
                    "Addr": {"Network": "unix", "String": str(socket)},
                }
        yield Running({"TF_REATTACH_PROVIDERS": json.dumps(found)}, settings)


class Provider:
    """One provider, with the types whose names begin with its own.

    Args:
        name: what it is called.
        schemas: those of all types.
        told: where it notes the settings that it is given.
    """

    def __init__(self, name: str, schemas: Mapping[str, Any], told: dict[str, Any]) -> None:
        self._told = told
        self._settings = {
            "attributes": {
                setting: {"type": type_, "optional": True}
                for setting, type_ in SETTINGS[name].items()
            },
            "block_types": {},
        }
        self._resources, self._data = (
            {type_: each for type_, each in schemas[kind].items() if type_.startswith(f"{name}_")}
            for kind in ("resource", "data")
        )
        self._made = 0

    def handlers(self) -> grpc.GenericRpcHandler:
        """Return what answers the calls of the protocol; each has a message of its name."""
        calls = {
            "GetProviderSchema": self._schemas,
            "ValidateProviderConfig": lambda _: {},
            "ConfigureProvider": self._configure,
            "ValidateResourceConfig": lambda _: {},
            "ValidateDataResourceConfig": lambda _: {},
            "UpgradeResourceState": lambda asked: {
                "upgraded_state": {"json": asked.raw_state.json}
            },
            "ReadResource": lambda asked: {"new_state": asked.current_state},
            "PlanResourceChange": self._plan,
            "ApplyResourceChange": self._apply,
            "ReadDataSource": self._read_data,
            "StopProvider": lambda _: {},
        }
        return grpc.method_handlers_generic_handler(
            "tfplugin6.Provider",
            {
                name: grpc.unary_unary_rpc_method_handler(
                    lambda asked, _, name=name, call=call: getattr(messages, name).Response(
                        **call(asked)
                    ),
                    request_deserializer=getattr(messages, name).Request.FromString,
                    response_serializer=getattr(messages, name).Response.SerializeToString,
                )
                for name, call in calls.items()
            },
        )

    def _configure(self, asked: Any) -> dict[str, Any]:
        self._told.update(_read(asked.config))
        return {}

    def _schemas(self, _: Any) -> dict[str, Any]:
        return {
            "provider": _schema(self._settings),
            "resource_schemas": {name: _schema(each) for name, each in self._resources.items()},
            "data_source_schemas": {name: _schema(each) for name, each in self._data.items()},
        }

    def _plan(self, asked: Any) -> dict[str, Any]:
        wanted = _read(asked.proposed_new_state)
        if wanted is not None:
            _fill(wanted, self._resources[asked.type_name], lambda _: UNKNOWN)
        return {"planned_state": _written(wanted), "legacy_type_system": True}

    def _apply(self, asked: Any) -> dict[str, Any]:
        made = _read(asked.planned_state)
        if made is not None:
            self._made += 1
            _fill(made, self._resources[asked.type_name], self._invented)
        return {"new_state": _written(made), "legacy_type_system": True}

    def _read_data(self, asked: Any) -> dict[str, Any]:
        found = _read(asked.config)
        for name in self._data[asked.type_name]["attributes"]:
            found[name] = FACTS.get(name)
        return {"state": _written(found)}

    def _invented(self, type_: Any) -> Any:
        if isinstance(type_, list):
            return {} if type_[0] == "map" else []
        text = f"made-{self._made}"
        # What is dynamic brings its type along.
        return {
            "string": text,
            "number": self._made,
            "bool": False,
            "dynamic": [b'"string"', text],
        }[type_]


def _schema(block: Mapping[str, Any]) -> Any:
    return messages.Schema(block=_block(block))


def _block(block: Mapping[str, Any]) -> Any:
    return messages.Schema.Block(
        attributes=[
            messages.Schema.Attribute(
                name=name,
                type=json.dumps(each["type"]).encode(),
                **{flag: each[flag] for flag in _FLAGS if flag in each},
            )
            for name, each in block["attributes"].items()
        ],
        block_types=[
            messages.Schema.NestedBlock(
                type_name=name,
                block=_block(each["block"]),
                nesting=each["nesting_mode"].upper(),
                min_items=each.get("min_items", 0),
                max_items=each.get("max_items", 0),
            )
            for name, each in block["block_types"].items()
        ],
    )


def _fill(value: dict[str, Any], block: Mapping[str, Any], made: Any) -> None:
    """Give what the provider computes a value, where it is neither set nor known yet."""
    for name, attribute in block["attributes"].items():
        if attribute.get("computed") and value[name] in (None, UNKNOWN):
            value[name] = made(attribute["type"])
    for name, nested in block["block_types"].items():
        inner = value[name]
        for each in inner if isinstance(inner, list) else [inner]:
            if isinstance(each, dict):
                _fill(each, nested["block"], made)


def _read(value: Any) -> Any:
    return msgpack.unpackb(value.msgpack, strict_map_key=False)


def _written(value: Any) -> Any:
    return messages.DynamicValue(msgpack=msgpack.packb(value))
