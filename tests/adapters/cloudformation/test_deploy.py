"""Deploying stacks: against moto, and against a scripted client where moto cannot fail."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from dativo_infra.adapters.cloudformation import deploy as module
from dativo_infra.adapters.cloudformation.deploy import (
    Action,
    Event,
    clients_of,
    deploy,
    open_session,
)
from dativo_infra.adapters.cloudformation.local import embedded
from dativo_infra.diagnostics import DiagnosticError, Location
from dativo_infra.names import Identity
from dativo_infra.planning.result import Unit, UnitKind
from dativo_infra.project import AMBIENT, PlacedTarget
from dativo_infra.resources import Lifecycle
from dativo_infra.values import Concat, Parameter, Pseudo

if TYPE_CHECKING:
    from collections.abc import Iterator

VALUES = {"SUBNET_ID": "subnet-1", "SECURITY_GROUP_IDS": "sg-1,sg-2", "OWNER": "me"}
STACK = "acme-prod-orders"


@pytest.fixture
def session() -> Iterator[Any]:
    """A session that talks to an embedded AWS, which knows all types that are asked for."""
    with embedded() as unsupported:
        yield open_session()
        assert unsupported == []


def described(session: Any, name: str = STACK, region: str = "eu-west-1") -> dict[str, Any]:
    """Return what CloudFormation says of a stack."""
    client = session.client("cloudformation", region_name=region)
    return client.describe_stacks(StackName=name)["Stacks"][0]


def test_create_again_and_update(session: Any, emr_unit: Unit) -> None:
    """A first run creates the stack, a second finds no changes, a changed tag updates it."""
    clients = clients_of(session)
    [created] = deploy([emr_unit], clients=clients, parameters=VALUES)
    assert (created.action, created.stack, created.diagnostic) == (Action.CREATED, STACK, None)
    assert created.outputs.keys() == emr_unit.exports.keys()
    assert created.outputs["emr_first_group"] == "sg-1"
    assert created.outputs["emr_cluster_arn"].endswith(
        f":cluster/{created.outputs['emr_cluster_id']}"
    )
    [again] = deploy([emr_unit], clients=clients, parameters=VALUES)
    assert (again.action, again.outputs) == (Action.UNCHANGED, created.outputs)

    bucket, *others = emr_unit.resources
    tagged = replace(emr_unit, resources=(replace(bucket, tags={"team": "other"}), *others))
    [updated] = deploy([tagged], clients=clients, parameters=VALUES)
    assert (updated.action, updated.outputs) == (Action.UPDATED, created.outputs)
    s3 = session.client("s3", region_name="eu-west-1")
    tags = s3.get_bucket_tagging(Bucket=updated.outputs["emr_log_bucket"])["TagSet"]
    assert {"Key": "team", "Value": "other"} in tags
    assert len(tags) == 1


def test_changed_parameter_updates(session: Any, emr_unit: Unit) -> None:
    """Another value of a parameter is a change, and then is the value."""
    clients = clients_of(session)
    deploy([emr_unit], clients=clients, parameters=VALUES)
    for action in (Action.UPDATED, Action.UNCHANGED):
        [result] = deploy([emr_unit], clients=clients, parameters={**VALUES, "OWNER": "you"})
        assert result.action is action


def test_stack_is_tagged_and_protected(session: Any, emr_unit: Unit) -> None:
    """The stack has the unit's tags; protection comes with a protected resource and goes again."""
    tagged = replace(
        emr_unit,
        tags={
            "owner": Concat(("team ", Parameter("OWNER"))),
            "a": "b",
            "account": Pseudo("account_id"),
            "secret": Parameter("OWNER", "secret"),
            "unknown": Parameter("UNKNOWN"),
        },
    )
    deploy([tagged], clients=clients_of(session), parameters=VALUES)
    stack = described(session)
    assert stack["Tags"] == [{"Key": "a", "Value": "b"}, {"Key": "owner", "Value": "team me"}]
    assert stack["EnableTerminationProtection"] is True
    *others, cluster = emr_unit.resources
    free = replace(emr_unit, resources=(*others, replace(cluster, lifecycle=Lifecycle())))
    [result] = deploy([free], clients=clients_of(session), parameters=VALUES)
    assert result.action is Action.UNCHANGED
    assert described(session)["EnableTerminationProtection"] is False


def test_events_are_reported(session: Any, emr_unit: Unit) -> None:
    """Events are handed on once each, oldest first, and only those of this deployment."""
    seen: list[Event] = []
    deploy([emr_unit], clients=clients_of(session), parameters=VALUES, on_event=seen.append)
    assert [event.status for event in seen] == ["CREATE_IN_PROGRESS", "CREATE_COMPLETE"]
    assert {event.stack for event in seen} == {STACK}
    seen.clear()
    values = {**VALUES, "OWNER": "you"}
    deploy([emr_unit], clients=clients_of(session), parameters=values, on_event=seen.append)
    assert [event.status for event in seen] == ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"]


def test_missing_parameters_are_all_named(session: Any, emr_unit: Unit, samples: Any) -> None:
    """All missing parameters of all units are named at their places, and nothing is deployed."""
    fine = replace(
        emr_unit,
        identity=Identity("acme", "prod", "fine"),
        resources=(samples["logs"],),
        exports={},
        tags={"x": Parameter("NOT_USED")},
    )
    later = replace(
        emr_unit,
        identity=Identity("acme", "prod", "later"),
        resources=(*emr_unit.resources[:-1], replace(samples["cluster"], origin=Location("b"))),
    )
    with pytest.raises(DiagnosticError) as caught:
        deploy([fine, emr_unit, later], clients=clients_of(session), parameters={"OWNER": "me"})
    assert [each.code for each in caught.value.diagnostics] == ["DI701", "DI701"]
    assert {each.location for each in caught.value.diagnostics} == {samples["cluster"].origin}
    text = str(caught.value)
    assert "`${SUBNET_ID}`" in text
    assert "`${SECURITY_GROUP_IDS}`" in text
    assert "NOT_USED" not in text
    client = session.client("cloudformation", region_name="eu-west-1")
    assert client.describe_stacks()["Stacks"] == []


def test_template_too_large_for_a_request(session: Any, unit: Any, samples: Any) -> None:
    """A template over 51,200 bytes is refused before anything is deployed."""
    large = unit(replace(samples["logs"], tags={"k": "x" * 51_200}))
    with pytest.raises(DiagnosticError, match="DI602"):
        deploy([large], clients=clients_of(session), parameters={})


def test_shared_units_first_and_empty_ones_not(
    session: Any, emr_unit: Unit, unit: Any, samples: Any
) -> None:
    """Shared units are deployed before the others, and a unit without resources not at all."""
    shared = unit(
        samples["logs"], identity=Identity("main", "bucket", "logs"), kind=UnitKind.SHARED
    )
    empty = replace(emr_unit, identity=Identity("a", "b", "c"), resources=(), exports={})
    results = deploy([emr_unit, empty, shared], clients=clients_of(session), parameters=VALUES)
    assert [result.stack for result in results] == ["main-bucket-logs", STACK]


def test_region_of_the_target(session: Any, unit: Any, samples: Any) -> None:
    """A unit goes to its target's region; one without a target to the session's own."""
    other = PlacedTarget(name="o", region="us-west-2")
    units = [
        unit(samples["logs"], identity=Identity("a", "b", "c"), target=other),
        unit(samples["logs"], identity=Identity("a", "b", "d"), target=AMBIENT),
    ]
    deploy(units, clients=clients_of(session), parameters={})
    assert described(session, "a-b-c", "us-west-2")
    assert described(session, "a-b-d", "us-east-1")


def test_renamed_unit_stays_in_its_stack(session: Any, unit: Any, samples: Any) -> None:
    """A unit that was renamed updates the stack of its former name, as stacks keep their names."""
    old = Identity("acme", "prod", "old")
    [created] = deploy(
        [unit(samples["logs"], identity=old)], clients=clients_of(session), parameters={}
    )
    bucket = replace(samples["logs"], expire_after_days=1)
    renamed = unit(bucket, former=(old,))
    [result] = deploy([renamed], clients=clients_of(session), parameters={})
    assert (result.stack, result.action) == (created.stack, Action.UPDATED)
    assert len(session.client("cloudformation", "eu-west-1").describe_stacks()["Stacks"]) == 1


class Scripted:
    """A client that answers from a script and notes what it was asked."""

    def __init__(
        self,
        *statuses: str | None,
        events: tuple[tuple[str, str, str], ...] = (),
        change_set: tuple[str, ...] = ("CREATE_COMPLETE",),
        reason: str = "",
    ) -> None:
        self.statuses = list(statuses)
        self.change_sets = list(change_set)
        self.reason = reason
        self.events = events
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Any:
        def call(**arguments: Any) -> dict[str, Any]:
            self.calls.append((name, arguments))
            return {}

        return call

    def describe_stacks(self, **_: Any) -> dict[str, Any]:
        """Answer with the next status; the last one stays."""
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        if status is None:
            error = {"Code": "ValidationError", "Message": "Stack with id x does not exist"}
            raise ClientError({"Error": error}, "DescribeStacks")
        return {"Stacks": [{"StackId": "id", "StackStatus": status}]}

    def create_change_set(self, **arguments: Any) -> dict[str, Any]:
        """Note the change set."""
        self.calls.append(("create_change_set", arguments))
        return {"Id": "change", "StackId": "id"}

    def describe_change_set(self, **_: Any) -> dict[str, Any]:
        """Answer with the change set's next status; the last one stays."""
        status = self.change_sets.pop(0) if len(self.change_sets) > 1 else self.change_sets[0]
        answer = {"Status": status, "StatusReason": self.reason}
        return {**answer, "ChangeSetId": "change", "StackId": "id"}

    def get_paginator(self, _: str) -> Any:
        """Only events are paged."""
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        """Answer with an old event, and after the execution with new ones, newest first."""
        done = any(name == "execute_change_set" for name, _ in self.calls)
        old = {"EventId": "old", "LogicalResourceId": "Logs", "ResourceType": "T"}
        entries = [{**old, "ResourceStatus": "CREATE_FAILED"}]
        for number, (logical_id, status, reason) in enumerate(self.events if done else ()):
            entries.append(
                {
                    "EventId": str(number),
                    "LogicalResourceId": logical_id,
                    "ResourceType": "AWS::EMR::Cluster",
                    "ResourceStatus": status,
                    "ResourceStatusReason": reason,
                }
            )
        return [{"StackEvents": [entry]} for entry in reversed(entries)]

    def asked(self, name: str) -> list[dict[str, Any]]:
        """Return the arguments of each call of one operation."""
        return [arguments for called, arguments in self.calls if called == name]


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The times that were slept, without sleeping."""
    times: list[float] = []
    monkeypatch.setattr(module.time, "sleep", times.append)
    return times


def run(client: Scripted, *units: Unit) -> list[module.StackResult]:
    """Deploy units with one client."""
    return deploy(units, clients=lambda _: client, parameters=VALUES)


def test_failure_leads_to_the_job_file(emr_unit: Unit, samples: Any, slept: list[float]) -> None:
    """A failed stack is told by its first failed resource, at the place in the job file."""
    client = Scripted(
        None,
        None,
        "CREATE_IN_PROGRESS",
        "ROLLBACK_IN_PROGRESS",
        "ROLLBACK_COMPLETE",
        events=(
            ("Logs", "CREATE_COMPLETE", ""),
            ("Cluster", "CREATE_FAILED", "m5.2xlarge is not there"),
            ("Security", "CREATE_FAILED", "Resource creation cancelled"),
        ),
    )
    seen: list[Event] = []
    [result] = deploy([emr_unit], clients=lambda _: client, parameters=VALUES, on_event=seen.append)
    assert [event.logical_id for event in seen] == ["Logs", "Cluster", "Security"]
    assert result.action is Action.FAILED
    assert result.diagnostic
    assert result.diagnostic.code == "DI702"
    assert result.diagnostic.location == samples["cluster"].origin
    assert "`cluster` (AWS::EMR::Cluster): m5.2xlarge is not there" in result.diagnostic.message
    assert slept == [module.POLL_SECONDS] * 2
    assert client.asked("update_termination_protection") == []


def test_retained_resources_go_with_a_failed_creation(emr_unit: Unit) -> None:
    """What a failed creation made is not left behind, even where it is retained otherwise."""
    client = Scripted(None, None, "CREATE_COMPLETE")
    run(client, emr_unit)
    assert client.asked("execute_change_set") == [
        {"ChangeSetName": "change", "RetainExceptOnCreate": True}
    ]


def test_failure_without_a_failed_resource(emr_unit: Unit) -> None:
    """Where no resource failed, the stack's own status is told."""
    [result] = run(
        Scripted("CREATE_COMPLETE", "CREATE_COMPLETE", "UPDATE_ROLLBACK_FAILED"), emr_unit
    )
    assert result.diagnostic
    assert "UPDATE_ROLLBACK_FAILED" in result.diagnostic.message


@pytest.mark.parametrize(
    ("reason", "action"),
    [
        ("The submitted information didn't contain changes.", Action.UNCHANGED),
        ("No updates are to be performed.", Action.UNCHANGED),
        ("Template error: bad", Action.FAILED),
    ],
)
def test_change_set_that_fails(
    emr_unit: Unit, slept: list[float], reason: str, action: Action
) -> None:
    """A change set without changes is told from one that is wrong; both are deleted again."""
    client = Scripted("UPDATE_COMPLETE", change_set=("CREATE_IN_PROGRESS", "FAILED"), reason=reason)
    [result] = run(client, emr_unit)
    assert result.action is action
    assert bool(result.diagnostic) == (action is Action.FAILED)
    assert client.asked("delete_change_set") == [{"ChangeSetName": "change"}]
    assert client.asked("execute_change_set") == []
    assert len(slept) == 1


@pytest.mark.parametrize(
    ("before", "kind"),
    [(None, "CREATE"), ("REVIEW_IN_PROGRESS", "CREATE"), ("UPDATE_ROLLBACK_COMPLETE", "UPDATE")],
)
def test_kind_of_change_set(emr_unit: Unit, before: str | None, kind: str) -> None:
    """A stack that was never executed is created; any other is updated."""
    client = Scripted(before, before, "CREATE_COMPLETE")
    [result] = run(client, emr_unit)
    assert client.asked("create_change_set")[0]["ChangeSetType"] == kind
    assert result.action is (Action.CREATED if kind == "CREATE" else Action.UPDATED)


def test_leftover_of_a_failed_creation_is_removed(emr_unit: Unit) -> None:
    """A stack that was rolled back at its creation takes no update, so it is deleted first."""
    left = "ROLLBACK_COMPLETE"
    client = Scripted(left, left, "DELETE_COMPLETE", "CREATE_COMPLETE")
    [result] = run(client, emr_unit)
    assert client.asked("delete_stack") == [{"StackName": STACK}]
    assert client.asked("create_change_set")[0]["ChangeSetType"] == "CREATE"
    assert result.action is Action.CREATED


def test_capability_only_with_roles(emr_unit: Unit, unit: Any, samples: Any) -> None:
    """Roles are acknowledged where there are some, and only there."""
    for made, wanted in ((emr_unit, ["CAPABILITY_IAM"]), (unit(samples["logs"]), [])):
        client = Scripted(None, None, "CREATE_COMPLETE")
        run(client, made)
        assert client.asked("create_change_set")[0]["Capabilities"] == wanted


def test_others_go_on_after_a_failure(emr_unit: Unit, unit: Any, samples: Any) -> None:
    """Where a unit fails the next is deployed, but not one that needs the failed."""
    failed = replace(emr_unit, target=PlacedTarget(name="closed"))
    needy = unit(samples["logs"], identity=Identity("a", "b", "c"), needs=(failed.identity,))
    needier = unit(samples["logs"], identity=Identity("a", "b", "d"), needs=(needy.identity,))
    free = unit(samples["logs"], identity=Identity("a", "b", "e"))
    client = Scripted(None, None, "CREATE_COMPLETE")

    def clients(target: PlacedTarget) -> Any:
        if target.name == "closed":
            error = {"Code": "AccessDenied", "Message": "not allowed"}
            raise ClientError({"Error": error}, "DescribeStacks")
        return client

    results = deploy([failed, needy, needier, free], clients=clients, parameters=VALUES)
    assert [result.action for result in results] == ["failed", "skipped", "skipped", "created"]
    assert results[0].diagnostic
    assert "not allowed" in results[0].diagnostic.message
    assert results[1].diagnostic
    assert "it needs acme/prod/orders" in results[1].diagnostic.message
