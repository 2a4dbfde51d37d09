"""What a stack's state says, and what is done with it; the engine itself is in `tests/engine/`."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from dativo_infra.adapters.pulumi.deploy import destroy, doomed, orphans, outputs
from dativo_infra.adapters.pulumi.deploy.outputs import restored
from dativo_infra.adapters.pulumi.deploy.state import STATEFUL_TYPES, State
from dativo_infra.adapters.results import Action
from dativo_infra.diagnostics import DiagnosticError
from dativo_infra.names import Identity
from dativo_infra.planning.selection import Selection
from dativo_infra.resources.kinds import KINDS

if TYPE_CHECKING:
    from dativo_infra.adapters.pulumi.deploy.told import Told

ROOT = "urn:pulumi:prod::shop::pulumi:pulumi:Stack::shop-prod"
SECRET = {
    "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
    "plaintext": json.dumps("hunter2"),
}


def component(name: str, job: str, kind: str = "EmrCluster") -> dict[str, Any]:
    """Return what the state has of a component that a plan built."""
    return {
        "urn": f"urn:pulumi:prod::shop::dativo:index:{kind}::{name}",
        "type": f"dativo:index:{kind}",
        "parent": ROOT,
        "inputs": {"unit": {"identity": job, "jobs": [job], "needs": []}},
    }


def below(parent: dict[str, Any], kind: str, **more: Any) -> dict[str, Any]:
    """Return what the state has of a resource below another."""
    qualified = f"{parent['type']}${kind}"
    urn = f"urn:pulumi:prod::shop::{qualified}::{parent['urn'].rpartition('::')[2]}-x"
    return {"urn": urn, "type": kind, "parent": parent["urn"], "id": "id", **more}


ORDERS = component("acme-prod-orders", "acme/prod/orders")
CLICKS = component("globex-prod-clicks", "globex/prod/clicks")
FOREIGN = {
    "urn": "urn:pulumi:prod::shop::aws:ec2/vpc:Vpc::vpc",
    "type": "aws:ec2/vpc:Vpc",
    "parent": ROOT,
}


class Stack:
    """A stack whose engine deletes what it is told to, or fails."""

    name = "prod"

    def __init__(self, *resources: dict[str, Any], exported: Any = None, fails: bool = False):
        root = {"urn": ROOT, "type": "pulumi:pulumi:Stack", "outputs": exported or {}}
        self.state = State.of({"resources": [root, *resources]})
        self.fails = fails
        self.targets: list[Any] = []

    def run(self, _command: str, told: Told, *, target: Any, **_: Any) -> None:
        """Delete the units, and tell what the CLI says."""
        self.targets.append(target)
        self.state = State()
        if self.fails:
            told.error = "the network is in use"


def test_state_of_others() -> None:
    """What a plan did not build is nobody's unit, a component of a program's own among it."""
    alone: dict[str, Any] = {**component("mine", "acme/prod/mine"), "inputs": {}}
    child = below(alone, "aws:emr/cluster:Cluster")
    state = Stack(ORDERS, below(ORDERS, "aws:s3/bucket:Bucket"), alone, child, FOREIGN).state
    assert [each.identity for each in state.units] == ["acme/prod/orders"]
    assert set(state.foreign) == {alone["urn"], child["urn"], FOREIGN["urn"]}


@pytest.mark.parametrize("others", [(), (FOREIGN,), (CLICKS,)], ids=["none", "foreign", "unit"])
def test_destroy_names_what_it_deletes(others: Any, make_unit: Any) -> None:
    """Only a stack without anything else is destroyed as a whole."""
    stack: Any = Stack(ORDERS, below(ORDERS, "aws:iam/role:Role"), *others)
    found = doomed([make_unit()], stack=stack)
    assert [each.action for each in destroy(found, stack=stack)] == [Action.DELETED]
    [target] = stack.targets
    if others:
        assert set(target) == {ORDERS["urn"], f"{below(ORDERS, 'aws:iam/role:Role')['urn']}"}
    else:
        assert target is None


def test_destroy_tells_what_failed_besides(make_unit: Any) -> None:
    """An error is told even where the units themselves are gone."""
    stack: Any = Stack(ORDERS, fails=True)
    with pytest.raises(DiagnosticError, match="the network is in use"):
        destroy(doomed([make_unit()], stack=stack), stack=stack)


def test_platform_that_changed_half_way(make_unit: Any) -> None:
    """A job with components of two platforms has both."""
    service = component("acme-prod-orders", "acme/prod/orders", "EcsService")
    stack: Any = Stack(ORDERS, service)
    found = {each.id for each in doomed([make_unit()], stack=stack)}
    assert found == {ORDERS["urn"], service["urn"]}


def test_renamed_job_keeps_what_it_has(make_unit: Any) -> None:
    """What a job built under a former name is its own, and no orphan."""
    stack: Any = Stack(ORDERS)
    renamed = make_unit(
        identity=Identity("acme", "prod", "sales"), former=(Identity("acme", "prod", "orders"),)
    )
    assert [each.id for each in doomed([renamed], stack=stack)] == [ORDERS["urn"]]
    assert orphans([renamed], stack=stack) == []
    assert orphans([make_unit(identity=Identity("acme", "prod", "sales"))], stack=stack)


def test_orphans_of_the_selection() -> None:
    """What no job names any more is found for the tenant that was chosen alone."""
    stack: Any = Stack(ORDERS, CLICKS)
    found = orphans([], stack=stack, selection=Selection(tenant="acme"))
    assert [each.identity for each in found] == ["acme/prod/orders"]
    assert len(orphans([], stack=stack)) == 2


def test_secret_outputs() -> None:
    """A secret among a job's outputs is not shown, and exported again as a secret."""
    exported = {"acme/prod/orders": {"cluster_id": "j-1", "token": SECRET}, "x": {"y": "z"}}
    stack: Any = Stack(ORDERS, exported=exported)
    shown = {"cluster_id": "j-1", "token": "(not shown)"}
    assert outputs(stack) == {"acme/prod/orders": shown}
    again = restored(exported["acme/prod/orders"])
    assert again["cluster_id"] == "j-1"
    assert not isinstance(again["token"], str | dict)


def test_types_of_what_holds_data() -> None:
    """The types that hold data are those of the kinds that say so, no more and no fewer."""
    names = {kind.__name__.upper() for kind in KINDS if kind.STATEFUL}
    types = {each.upper().replace(":", "").replace("/", "") for each in STATEFUL_TYPES}
    assert len(names) == len(types)
    for name in names:
        last = re.sub("^(DATABRICKS|ECS|EMR|S3)", "", name)
        assert any(each.endswith(last) for each in types)
