"""The Kubernetes test provider has a real API server judge objects, and behaves as the real one."""

from __future__ import annotations

import asyncio
import sys
import time
from copy import deepcopy
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.struct_pb2 import Struct
from providers.kubernetes.kube_api import Api, Named, Refused
from pulumi.provider.experimental.server import ProviderServicer
from pulumi.runtime import proto
from pulumi.runtime.rpc import UNKNOWN
from workspace import PROVIDERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from api_server import ApiServer
    from workspace import Workspace

sys.path.insert(0, str(PROVIDERS / "kubernetes"))  # as where the engine starts it
PROVIDER = import_module("kube_provider").KubernetesTestProvider

NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ingestion"}}


def manifest(kind: str, version: str = "v1", **body: Any) -> dict[str, Any]:
    """Return the manifest of an object called `one` in the namespace `default`."""
    metadata = {"name": "one", "namespace": "default", "labels": {"team": "data"}}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **body}


def cron_job() -> dict[str, Any]:
    """Return the manifest of a CronJob that is right."""
    container = {"name": "one", "image": "one", "resources": {"limits": {"cpu": "2000m"}}}
    pod = {"restartPolicy": "Never", "containers": [container]}
    template = {"spec": {"template": {"spec": pod}}}
    return manifest("CronJob", "batch/v1", spec={"schedule": "0 0 * * *", "jobTemplate": template})


def role_binding(role: str) -> dict[str, Any]:
    """Return the manifest of a binding of a role."""
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role}
    return manifest("RoleBinding", "rbac.authorization.k8s.io/v1", roleRef=reference)


def changed(manifest: Mapping[str, Any], **body: Any) -> dict[str, Any]:
    """Return a manifest in which some of what is beside the metadata is another."""
    return {**deepcopy(dict(manifest)), **body}


def labelled(manifest: Mapping[str, Any], **labels: str) -> dict[str, Any]:
    """Return a manifest with other labels."""
    return {**manifest, "metadata": {**manifest["metadata"], "labels": labels}}


def named(manifest: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return a manifest with another name."""
    return {**manifest, "metadata": {**manifest["metadata"], "name": name}}


def wait_until_served(api: Api, api_version: str, kind: str) -> None:
    """Wait until objects of a kind can be listed, so stored, after its definition was."""
    latest = time.monotonic() + 20
    while True:
        try:
            api.objects(api_version, kind)
        except Refused:
            if time.monotonic() > latest:
                raise
            time.sleep(0.1)
        else:
            return


@dataclass(frozen=True)
class Created:
    """An object that the provider has created."""

    identifier: str
    state: dict[str, Any]


class Plugin:
    """The provider as the engine calls it."""

    def __init__(self, **settings: str) -> None:
        self._servicer = ProviderServicer([], "0.0.0", PROVIDER(), "")
        self._call("Configure", proto.ConfigureRequest(args=struct(settings)))

    def failures(self, method: str, inputs: Mapping[str, Any]) -> list[str]:
        """Return which inputs of an object, or which settings, are refused."""
        answer = self._call(method, proto.CheckRequest(news=struct(inputs)))
        return [each.property for each in answer.failures]

    def create(self, inputs: Mapping[str, Any], *, preview: bool = False) -> Created:
        """Create an object, or preview that."""
        answer = self._call(
            "Create", proto.CreateRequest(properties=struct(inputs), preview=preview)
        )
        return Created(answer.id, MessageToDict(answer.properties))

    def diff(
        self, old: Created, inputs: Mapping[str, Any], ignore: Sequence[str] = ()
    ) -> proto.DiffResponse:
        """Return what an update would change."""
        request = proto.DiffRequest(
            id=old.identifier, olds=struct(old.state), news=struct(inputs), ignoreChanges=ignore
        )
        return self._call("Diff", request)

    def update(self, old: Created, inputs: Mapping[str, Any], ignore: Sequence[str] = ()) -> None:
        """Update an object."""
        request = proto.UpdateRequest(
            id=old.identifier, olds=struct(old.state), news=struct(inputs), ignoreChanges=ignore
        )
        self._call("Update", request)

    def read(self, old: Created) -> proto.ReadResponse:
        """Read an object."""
        request = proto.ReadRequest(id=old.identifier, properties=struct(old.state))
        return self._call("Read", request)

    def delete(self, old: Created) -> None:
        """Delete an object."""
        request = proto.DeleteRequest(id=old.identifier, properties=struct(old.state))
        self._call("Delete", request)

    def _call(self, method: str, request: Any) -> Any:
        return asyncio.run(getattr(self._servicer, method)(request, None))


def struct(data: Mapping[str, Any]) -> Struct:
    """Return data as it is on the wire."""
    return ParseDict(dict(data), Struct())


@pytest.fixture
def cluster(server: ApiServer) -> Iterator[ApiServer]:
    """An API server with nothing of other tests."""
    with server.cleared():
        yield server


@pytest.fixture
def plugin(cluster: ApiServer, tmp_path: Path) -> Plugin:
    """The provider, connected to the API server."""
    return Plugin(kubeconfig=str(cluster.kubeconfig(tmp_path / "kubeconfig", "tests")))


def test_create(plugin: Plugin, cluster: ApiServer) -> None:
    """What is created is stored, and the outputs are the stored object's."""
    created = plugin.create(cron_job())
    stored = cluster.api.get(Named("batch/v1", "CronJob", "one", "default"))
    assert stored
    assert stored["metadata"]["labels"] == {"team": "data"}
    assert created.identifier == "default/one"
    assert created.state["metadata"]["uid"] == stored["metadata"]["uid"]
    assert created.state["spec"]["concurrencyPolicy"] == "Allow"  # the server's default


@pytest.mark.parametrize("preview", [True, False])
@pytest.mark.parametrize(
    ("inputs", "why"),
    [
        (
            changed(cron_job(), spec={**cron_job()["spec"], "suspended": True}),
            r"unknown field|field not declared in schema",
        ),
        (labelled(cron_job(), team="data engineering"), "Invalid value: .*data engineering"),
        (changed(cron_job(), spec={**cron_job()["spec"], "schedule": "daily"}), "Invalid value"),
    ],
    ids=["a wrong field", "a bad label", "a bad value"],
)
def test_refused(
    plugin: Plugin, cluster: ApiServer, inputs: dict[str, Any], why: str, preview: bool
) -> None:
    """What the server refuses fails with its words, in a preview too, and nothing is stored."""
    with pytest.raises(Exception, match=why):
        plugin.create(inputs, preview=preview)
    assert cluster.api.objects("batch/v1", "CronJob") == []


def test_wrong_version(plugin: Plugin) -> None:
    """An API version that the server does not have fails."""
    with pytest.raises(Exception, match="could not find the requested resource"):
        plugin.create(changed(cron_job(), apiVersion="batch/v9"))
    with pytest.raises(Exception, match="no kind CronJobs in version batch/v1"):
        plugin.create(changed(cron_job(), kind="CronJobs"))


def test_warning(plugin: Plugin, cluster: ApiServer) -> None:
    """What the server stores with a warning fails, and is not stored."""
    labels = {"pod-security.kubernetes.io/warn": "restricted"}
    cluster.api.apply(labelled(NAMESPACE, **labels), "somebody")
    inputs = cron_job()
    inputs["metadata"]["namespace"] = "ingestion"
    with pytest.raises(Exception, match="would violate PodSecurity"):
        plugin.create(inputs)
    assert cluster.api.objects("batch/v1", "CronJob") == []


def test_taken(plugin: Plugin, cluster: ApiServer) -> None:
    """An object that somebody else has applied is not taken over, though it is the same."""
    cluster.api.apply(NAMESPACE, "somebody")
    with pytest.raises(Exception, match="Namespace ingestion exists already"):
        plugin.create(NAMESPACE)
    assert plugin.create(NAMESPACE, preview=True).identifier == ""


@pytest.mark.parametrize(
    "inputs",
    [
        {**cron_job(), "metadata": {"name": "one", "namespace": "later"}},
        labelled(cron_job(), team=UNKNOWN),
        changed(cron_job(), apiVersion="example.com/v1", kind="Later"),
    ],
    ids=["namespace", "value", "kind"],
)
def test_preview_of_later(plugin: Plugin, inputs: dict[str, Any]) -> None:
    """A preview is no error where the namespace, a value or the kind is known later."""
    assert plugin.create(inputs, preview=True) == Created("", inputs)


def test_preview_stores_nothing(plugin: Plugin, cluster: ApiServer) -> None:
    """A preview of what the server accepts stores nothing."""
    plugin.create(cron_job(), preview=True)
    assert cluster.api.objects("batch/v1", "CronJob") == []


def test_unchanged(plugin: Plugin) -> None:
    """What the server writes in another way, or adds, is no change."""
    created = plugin.create(cron_job())
    limits = created.state["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]
    assert limits["resources"] == {"limits": {"cpu": "2"}}
    assert plugin.diff(created, cron_job()).changes == proto.DiffResponse.DIFF_NONE


def test_changed_label(plugin: Plugin, cluster: ApiServer) -> None:
    """Labels change in place, and one that is said no more is gone from the server."""
    created = plugin.create(labelled(cron_job(), team="data", tier="one"))
    wanted = labelled(cron_job(), team="finance")
    diff = plugin.diff(created, wanted)
    assert dict(diff.detailedDiff.items()) == {
        "metadata.labels.team": proto.PropertyDiff(kind=proto.PropertyDiff.UPDATE),
        "metadata.labels.tier": proto.PropertyDiff(kind=proto.PropertyDiff.DELETE),
    }
    assert not diff.replaces
    plugin.update(created, wanted)
    stored = cluster.api.get(Named("batch/v1", "CronJob", "one", "default"))
    assert stored
    assert stored["metadata"]["labels"] == {"team": "finance"}


@pytest.mark.parametrize(
    ("old", "new", "replaces", "deleted_first"),
    [
        (
            manifest("ConfigMap", data={"a.b": "1"}),
            manifest("ConfigMap", data={"a.b": "2"}),
            ['data["a.b"]'],
            True,
        ),
        (role_binding("reader"), role_binding("writer"), ["roleRef.name"], True),
        (cron_job(), named(cron_job(), "other"), ["metadata.name"], False),
    ],
    ids=["by the table", "refused in place", "another name"],
)
def test_replaced(
    plugin: Plugin,
    old: dict[str, Any],
    new: dict[str, Any],
    replaces: list[str],
    deleted_first: bool,
) -> None:
    """What cannot change in place is replaced, and deleted first where the name is the same."""
    diff = plugin.diff(plugin.create(old), new)
    assert list(diff.replaces) == replaces
    assert diff.deleteBeforeReplace == deleted_first


def test_refused_change(plugin: Plugin) -> None:
    """A change that the server refuses, and that replaces nothing, fails with its words."""
    created = plugin.create(cron_job())
    wrong = changed(cron_job(), spec={**cron_job()["spec"], "schedule": "daily"})
    with pytest.raises(Exception, match="Invalid value"):
        plugin.diff(created, wrong)


def test_contested(plugin: Plugin, cluster: ApiServer) -> None:
    """A field that somebody else has taken is a conflict, unless its changes are ignored."""
    created = plugin.create(cron_job())
    field = {"spec": {"suspend": True}}
    inputs = changed(cron_job(), spec={**cron_job()["spec"], "suspend": False})
    plugin.update(created, inputs)
    taken = {**changed(cron_job(), **field), "metadata": {"name": "one", "namespace": "default"}}
    with pytest.raises(Exception, match="conflict"):
        cluster.api.apply(taken, "somebody")
    plugin.update(created, cron_job())  # lets go of the field
    cluster.api.apply(taken, "somebody")
    with pytest.raises(Exception, match=r"conflict with \"somebody\": \.spec\.suspend"):
        plugin.diff(created, inputs)
    ignored = ["spec.suspend"]
    assert plugin.diff(created, inputs, ignored).changes == proto.DiffResponse.DIFF_NONE
    plugin.update(created, inputs, ignored)
    stored = cluster.api.get(Named("batch/v1", "CronJob", "one", "default"))
    assert stored
    assert stored["spec"]["suspend"] is True


def test_gone(plugin: Plugin, cluster: ApiServer) -> None:
    """An object that somebody else has deleted is read as gone, and deleting it is no error."""
    created = plugin.create(cron_job())
    assert plugin.read(created).id == "default/one"
    name = Named("batch/v1", "CronJob", "one", "default")
    cluster.api.delete(name)
    cluster.api.wait_until_gone(name)
    assert plugin.read(created).id == ""
    plugin.delete(created)


def test_delete(plugin: Plugin, cluster: ApiServer) -> None:
    """A namespace is deleted when it is gone with all that was in it."""
    created = plugin.create(NAMESPACE)
    inside = {**cron_job(), "metadata": {"name": "one", "namespace": "ingestion"}}
    plugin.create(inside)
    plugin.delete(created)
    assert cluster.api.get(Named.of(NAMESPACE)) is None
    assert cluster.api.objects("batch/v1", "CronJob") == []


def test_custom_resource(plugin: Plugin, cluster: ApiServer) -> None:
    """A kind that a custom resource definition has added just now is judged by its schema."""
    schema = {
        "type": "object",
        "properties": {"spec": {"type": "object", "properties": {"size": {"type": "integer"}}}},
    }
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "lakes.example.com"},
        "spec": {
            "group": "example.com",
            "names": {"kind": "Lake", "plural": "lakes"},
            "scope": "Namespaced",
            "versions": [version],
        },
    }
    plugin.create(definition)
    wait_until_served(cluster.api, "example.com/v1", "Lake")
    with pytest.raises(Exception, match=r"spec\.depth: field not declared in schema"):
        plugin.create(manifest("Lake", "example.com/v1", spec={"depth": 3}))
    created = plugin.create(manifest("Lake", "example.com/v1", spec={"size": 3}))
    assert created.state["spec"] == {"size": 3}


def test_config(cluster: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster is never guessed: a context is asked for, or the kubeconfig has a current one."""
    monkeypatch.delenv("KUBECONFIG", raising=False)
    path = cluster.kubeconfig(tmp_path / "kubeconfig", "acme-prod", "globex")
    for settings in ({"context": "globex"}, {}):
        Plugin(kubeconfig=str(path), **settings).create(cron_job(), preview=True)
        Plugin(kubeconfig=path.read_text(), **settings).create(cron_job(), preview=True)
    with pytest.raises(Exception, match="no kubeconfig is given"):
        Plugin(context="globex")
    with pytest.raises(Exception, match="has no context `other`"):
        Plugin(kubeconfig=str(path), context="other")
    with pytest.raises(Exception, match="no context is given"):
        Plugin(kubeconfig=str(cluster.kubeconfig(path)))


def test_check(plugin: Plugin) -> None:
    """A setting that is not known, and an object without a name, are refused."""
    settings = {"context": "globex", "enableServerSideApply": "false"}
    assert plugin.failures("CheckConfig", settings) == ["enableServerSideApply"]
    assert plugin.failures("Check", cron_job()) == []
    assert plugin.failures("Check", {**cron_job(), "metadata": {}}) == ["metadata.name"]


PROGRAM = """
import pulumi
import pulumi_kubernetes as kubernetes

config = pulumi.Config()
labels = {"team": config.require("team")}
namespace = kubernetes.core.v1.Namespace("namespace", metadata={"name": "ingestion"})
within = {"namespace": namespace.metadata["name"], "labels": labels}
data = {**labels, "later": namespace.id}
kubernetes.core.v1.ConfigMap("map", metadata={"name": "map", **within}, data=data)
secret = {"password": config.require_secret("password")}
account = {"name": "account", "annotations": secret, **within}
kubernetes.core.v1.ServiceAccount("account", metadata=account)
kubernetes.core.v1.Secret("secret", metadata={"name": "secret", **within}, string_data=secret)
kubernetes.core.v1.ConfigMap(
    "ignored",
    metadata={"name": "ignored", **within},
    opts=pulumi.ResourceOptions(ignore_changes=["metadata.labels"]),
)
"""


@pytest.fixture
def program(cluster: ApiServer, workspace: Workspace, tmp_path: Path) -> Workspace:
    """A workspace with a program that takes outputs of one object for others."""
    workspace.environment["KUBECONFIG"] = str(cluster.kubeconfig(tmp_path / "kubeconfig", "tests"))
    (workspace.folder / "stacks" / "__main__.py").write_text(PROGRAM)
    workspace.create("test", team="data")
    workspace.pulumi("config", "set", "--stack", "test", "--secret", "password", "hunter2")
    return workspace


def test_engine(program: Workspace, cluster: ApiServer) -> None:
    """The engine updates and replaces as the provider says, keeps secrets, and deletes all."""
    before = set(cluster.api.everything())
    assert program.preview("test").code == 0
    done = program.up("test")
    assert done.code == 0, done.log
    config_map = Named("v1", "ConfigMap", "map", "ingestion")
    stored = cluster.api.get(config_map)
    assert stored
    assert stored["data"] == {"team": "data", "later": "ingestion"}
    state = str(program.state("test"))
    assert "hunter2" not in state
    assert "aHVudGVyMg==" not in state  # the same, as the server writes it
    assert program.preview("test").changes == {}

    program.pulumi("config", "set", "--stack", "test", "team", "finance")
    done = program.up("test")
    assert done.code == 0, done.log
    assert done.names("update") == {"account", "secret"}
    assert done.names("create-replacement", "delete-replaced") == {"map"}
    stored = cluster.api.get(config_map)
    assert stored
    assert stored["data"]["team"] == "finance"
    assert program.destroy("test").code == 0
    assert set(cluster.api.everything()) == before
