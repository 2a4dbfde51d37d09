"""Run a Pulumi program without an engine, and read back what it registered.

    from dativo_infra.testing import record

    def test_every_cluster_names_its_cost_center():
        recording = record(lambda: build(["jobs"]))
        for cluster in recording.of_type("aws:emr/cluster:Cluster"):
            assert "CostCenter" in cluster.inputs["tags"]

Pulumi's own mocks hide a resource's options and overwrite a resource with another of the same URN;
this records the requests as an engine would receive them, and refuses such a pair.
"""
# ruff: noqa: N802 - methods are named by the engine's protocol

from __future__ import annotations

import asyncio
import contextvars
import json
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias, cast

import pulumi
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.struct_pb2 import Struct
from pulumi import _types
from pulumi.runtime.mocks import MockCallArgs, MockEngine, MockMonitor, MockResourceArgs, Mocks
from pulumi.runtime.proto import engine_pb2, resource_pb2

Program: TypeAlias = Callable[[], Any]

ANSWERS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "aws:index/getCallerIdentity:getCallerIdentity": {
            "accountId": "123456789012",
            "arn": "arn:aws:iam::123456789012:user/test",
            "id": "123456789012",
            "userId": "AIDATEST",
        },
        "aws:index/getPartition:getPartition": {
            "dnsSuffix": "amazonaws.com",
            "id": "aws",
            "partition": "aws",
            "reverseDnsPrefix": "com.amazonaws",
        },
        "aws:index/getRegion:getRegion": {
            "description": "US East (N. Virginia)",
            "endpoint": "ec2.us-east-1.amazonaws.com",
            "id": "us-east-1",
            "name": "us-east-1",
            "region": "us-east-1",
        },
    }
)
"""What the provider's functions answer unless told otherwise: token to result."""

_STACK = "pulumi:pulumi:Stack"
# How the wire marks values that JSON does not have.
# Source: https://pkg.go.dev/github.com/pulumi/pulumi/sdk/v3/go/common/resource/sig
_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the mark of a secret, not one
_REFERENCE = "5cf8f73096256a8f31e491e813e4eb8e"
_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


class DuplicateUrnError(Exception):
    """Raised when a program registers two resources of one URN; an engine refuses them too."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that the program marked as secret."""

    value: Any


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that is not known in a preview."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """One resource as the engine would be asked to register it."""

    urn: str
    type: str
    name: str
    inputs: Mapping[str, Any]
    """Properties by their names on the wire (camelCase), with `Secret` and `Unknown` inside."""
    parent: str = ""
    """URN of the parent component, or empty."""
    provider: str = ""
    """URN of the explicit provider, or empty for the default one."""
    dependencies: tuple[str, ...] = ()
    """URNs of what must exist before, by inputs and by `depends_on`, in order."""
    aliases: tuple[Mapping[str, Any], ...] = ()
    protect: bool = False
    retain_on_delete: bool = False
    delete_before_replace: bool = False
    ignore_changes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One function of a provider that was called."""

    token: str
    arguments: Mapping[str, Any]
    provider: str = ""
    """URN of the explicit provider, or empty for the default one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """What a program did, in an order that does not change: parents first, then by URN."""

    registrations: tuple[Registration, ...]
    calls: tuple[Call, ...]
    outputs: Mapping[str, Mapping[str, Any]]
    """What components registered as their outputs, by URN."""
    exports: Mapping[str, Any]
    """The outputs of the stack."""
    messages: tuple[str, ...]
    """What was logged at level info and above."""

    def __iter__(self) -> Iterator[Registration]:
        return iter(self.registrations)

    def __len__(self) -> int:
        return len(self.registrations)

    def of_type(self, type_: str) -> list[Registration]:
        """Return the resources of a type, such as `aws:s3/bucket:Bucket`."""
        return [each for each in self.registrations if each.type == type_]

    def one(self, type_: str, name: str | None = None) -> Registration:
        """Return the one resource of a type, or of a type and name.

        Raises:
            LookupError: there is none, or more than one.
        """
        found = [each for each in self.of_type(type_) if name in {None, each.name}]
        if len(found) != 1:
            names = ", ".join(f"{each.type} {each.name}" for each in found or self.registrations)
            raise LookupError(f"{len(found)} resources are a {type_} {name or ''}: {names}")
        return found[0]

    def children(self, parent: Registration) -> list[Registration]:
        """Return the resources right below a component."""
        return [each for each in self.registrations if each.parent == parent.urn]


class Recorder(MockMonitor):
    """A monitor for `pulumi.runtime.set_mocks(mocks, monitor=...)` that keeps each request.

    A text output that the program did not give as an input is a sentinel that says where it comes
    from: `<NAME.ATTRIBUTE>`, with the attribute's name in Python. In a preview it is unknown.
    """

    def __init__(
        self,
        *,
        calls: Mapping[str, Mapping[str, Any]] | None = None,
        outputs: Mapping[str, Mapping[str, Any]] | None = None,
        preview: bool = False,
    ) -> None:
        super().__init__(_NoMocks())
        self.registrations: dict[str, Registration] = {}
        self.calls: list[Call] = []
        self.outputs: dict[str, Mapping[str, Any]] = {}
        self.exports: Mapping[str, Any] = {}
        self._answers = {**ANSWERS, **(calls or {})}
        self._outputs = outputs or {}
        self._preview = preview
        # The runtime calls from the threads of an executor.
        self._lock = threading.Lock()

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """Return the URN as an engine makes it: the stack is no part of its children's."""
        return super().make_urn("" if _is_stack(parent) else parent, type_, name)

    def RegisterResource(self, request: Any) -> Any:
        """Keep the request, and answer with its inputs and a sentinel for each other output."""
        urn = self.make_urn(request.parent, request.type, request.name)
        if request.type == _STACK:
            return resource_pb2.RegisterResourceResponse(urn=urn)
        inputs = MessageToDict(request.object)
        registration = Registration(
            urn=urn,
            type=request.type,
            name=request.name,
            inputs=_plain(inputs),
            parent="" if _is_stack(request.parent) else request.parent,
            provider=_provider(request.provider),
            dependencies=tuple(sorted(request.dependencies)),
            aliases=tuple(MessageToDict(each) for each in request.aliases),
            protect=request.protect,
            retain_on_delete=request.retainOnDelete,
            delete_before_replace=request.deleteBeforeReplace,
            ignore_changes=tuple(request.ignoreChanges),
        )
        with self._lock:
            if urn in self.registrations:
                raise DuplicateUrnError(f"two resources have one URN: {urn}")
            self.registrations[urn] = registration
        known = request.custom and not self._preview
        state = self._state(request, inputs) if known else inputs
        return resource_pb2.RegisterResourceResponse(
            urn=urn,
            id=f"<{request.name}.id>" if known else "",
            object=ParseDict(state, Struct()),
        )

    def RegisterResourceOutputs(self, request: Any) -> Any:
        """Keep what a component or the stack gives out."""
        outputs = _plain(MessageToDict(request.outputs))
        with self._lock:
            if _is_stack(request.urn):
                self.exports = outputs
            else:
                self.outputs[request.urn] = outputs
        return super().RegisterResourceOutputs(request)

    def ReadResource(self, request: Any) -> Any:
        """Answer for a resource that exists, with a sentinel for each output not given."""
        state = self._state(request, MessageToDict(request.properties))
        return resource_pb2.ReadResourceResponse(
            urn=self.make_urn(request.parent, request.type, request.name),
            properties=ParseDict(state, Struct()),
        )

    def Invoke(self, request: Any) -> Any:
        """Keep the call, and answer it.

        Raises:
            LookupError: there is no answer for the function.
        """
        call = Call(
            token=request.tok,
            arguments=_plain(MessageToDict(request.args)),
            provider=_provider(request.provider),
        )
        with self._lock:
            self.calls.append(call)
        if call.token not in self._answers:
            raise LookupError(f"give an answer for {call.token}: record(..., calls={{...}})")
        answer: Any = ParseDict(dict(self._answers[call.token]), Struct())
        return resource_pb2.ResourceInvokeResponse(**{"return": answer})

    def _state(self, request: Any, inputs: dict[str, Any]) -> dict[str, Any]:
        chosen = self._outputs.get(request.name, {})
        return {**_sentinels(request.type, request.name), **inputs, **chosen}

    def recording(self, messages: tuple[str, ...] = ()) -> Recording:
        """Return what was kept, in an order that does not depend on the threads."""

        def line(registration: Registration) -> tuple[str, ...]:
            above = self.registrations.get(registration.parent)
            return (*(line(above) if above else ()), registration.urn)

        return Recording(
            registrations=tuple(sorted(self.registrations.values(), key=line)),
            calls=tuple(sorted(self.calls, key=lambda call: (call.token, call.provider))),
            outputs=dict(sorted(self.outputs.items())),
            exports=self.exports,
            messages=messages,
        )


def record(
    program: Program,
    *,
    project: str = "project",
    stack: str = "stack",
    config: Mapping[str, Any] | None = None,
    secrets: Mapping[str, str] | None = None,
    calls: Mapping[str, Mapping[str, Any]] | None = None,
    outputs: Mapping[str, Mapping[str, Any]] | None = None,
    preview: bool = False,
    root_directory: Path | None = None,
) -> Recording:
    """Run a program as the engine would, and return what it did.

    Args:
        program: what a `__main__.py` does; it may be asynchronous.
        project: name of the Pulumi project.
        stack: name of the stack.
        config: the stack's configuration; a key without a colon belongs to the project.
        secrets: configuration that is secret.
        calls: answers of provider functions beside `ANSWERS`, token to result.
        outputs: outputs instead of sentinels: a resource's name to values by names on the wire.
        preview: whether outputs of resources are unknown, as before the first deployment.
        root_directory: the folder of Pulumi.yaml; the current directory where not given.

    Raises:
        DuplicateUrnError: two resources have one URN.
        Exception: whatever the program raises.
    """
    recorder = Recorder(calls=calls, outputs=outputs, preview=preview)
    engine = _Engine()
    # The runtime keeps its state in context variables: in a context of its own nothing leaks.
    context = contextvars.copy_context()

    async def run() -> None:
        pulumi.runtime.reset_options(
            project=project,
            stack=stack,
            organization="organization",
            root_directory=str(root_directory or Path.cwd()),
            monitor_address=cast("Any", recorder),
            engine_address=cast("Any", engine),
            preview=preview,
        )
        settings = {**(config or {}), **(secrets or {})}
        pulumi.runtime.set_all_config(
            {_full(key, project): _text(value) for key, value in settings.items()},
            [_full(key, project) for key in secrets or {}],
        )
        await pulumi.runtime.run_in_stack(cast("Callable[[], Awaitable[None] | None]", program))

    with asyncio.Runner(loop_factory=_quiet_loop) as runner:
        runner.run(run(), context=context)
    return recorder.recording(tuple(engine.messages))


def _quiet_loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    # A failed program leaves hundreds of outputs that nobody waits for; its error is raised once.
    loop.set_exception_handler(lambda _loop, _context: None)
    return loop


class _NoMocks(Mocks):
    """Stands where the monitor wants mocks; the recorder answers everything itself."""

    def call(self, args: MockCallArgs) -> Any:
        raise NotImplementedError(args.token)

    def new_resource(self, args: MockResourceArgs) -> Any:
        raise NotImplementedError(args.typ)


@dataclass
class _Engine(MockEngine):
    messages: list[str] = field(default_factory=list)

    def Log(self, request: Any) -> None:
        if request.severity != engine_pb2.DEBUG:
            self.messages.append(request.message)


def _plain(value: Any) -> Any:
    """Return what came over the wire as plain data."""
    if isinstance(value, dict):
        mark = value.get(_SIGNATURE)
        if mark == _SECRET:
            return Secret(_plain(value["value"]))
        if mark == _REFERENCE:
            return value["urn"]
        # On the wire a mapping has no order.
        return {key: _plain(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return Unknown() if value == _UNKNOWN else value


def _sentinels(type_: str, name: str) -> dict[str, str]:
    return {wire: f"<{name}.{python}>" for python, wire in _text_outputs(type_)}


@cache
def _text_outputs(type_: str) -> tuple[tuple[str, str], ...]:
    """Return the outputs of a type that are text, by their names in Python and on the wire."""
    # A resource is registered by an instance of its class, so the class is imported by now.
    cls = next((each for each in _resources() if getattr(each, "pulumi_type", "") == type_), None)
    if cls is None:
        return ()
    types = _types.resource_types(cls)
    names = _types.resource_py_to_pulumi_names(cls)
    return tuple((python, wire) for python, wire in names.items() if types.get(wire) is str)


def _resources(
    cls: type[pulumi.CustomResource] = pulumi.CustomResource,
) -> Iterator[type[pulumi.CustomResource]]:
    for each in cls.__subclasses__():
        yield each
        yield from _resources(each)


def _is_stack(urn: str) -> bool:
    return f"::{_STACK}::" in urn


def _provider(reference: str) -> str:
    return reference.rpartition("::")[0]


def _full(key: str, project: str) -> str:
    return key if ":" in key else f"{project}:{key}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
