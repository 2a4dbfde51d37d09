"""Deploying stacks to the embedded CloudFormation."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from dativo_infra.adapters.cloudformation.deploy import (
    TemplateBucket,
    clients_of,
    open_session,
    preview,
)
from dativo_infra.adapters.cloudformation.deploy import (
    deploy as _deploy,
)
from dativo_infra.adapters.cloudformation.local import embedded
from dativo_infra.adapters.results import Action, Event
from dativo_infra.diagnostics import DiagnosticError, Location
from dativo_infra.names import Identity
from dativo_infra.planning.result import Unit, UnitKind
from dativo_infra.project import AMBIENT, PlacedTarget
from dativo_infra.resources import Lifecycle
from dativo_infra.values import Concat, Parameter, Pseudo

if TYPE_CHECKING:
    from collections.abc import Iterator

# What is embedded answers one call at a time.
deploy = partial(_deploy, concurrency=1)

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
    """A template over 51,200 bytes is refused before anything is deployed, and a bucket named."""
    large = unit(replace(samples["logs"], tags={"k": "x" * 51_200}))
    with pytest.raises(DiagnosticError, match=r"DI713.*\n.*--template-bucket"):
        deploy([large], clients=clients_of(session), parameters={})
    assert session.client("cloudformation", "eu-west-1").describe_stacks()["Stacks"] == []


def test_large_template_goes_by_a_bucket(session: Any, unit: Any, samples: Any) -> None:
    """With a bucket a large template is put there once for its content, a small one is not."""
    s3 = session.client("s3", region_name="eu-west-1")
    where = {"LocationConstraint": "eu-west-1"}
    s3.create_bucket(Bucket="templates", CreateBucketConfiguration=where)
    bucket = TemplateBucket(name="templates", clients=clients_of(session, service="s3"))
    small = unit(samples["logs"], identity=Identity("a", "b", "small"))
    large = unit(replace(samples["service-role"], description="x" * 51_200, managed_policy_arns=()))
    clients = clients_of(session)
    results = deploy([small, large], clients=clients, parameters={}, bucket=bucket)
    assert [result.action for result in results] == ["created", "created"]
    [entry] = s3.list_objects_v2(Bucket="templates")["Contents"]
    assert entry["Key"].startswith(f"dativo-infra/{STACK}/")
    assert entry["Key"].endswith(".json")
    [again] = deploy([large], clients=clients, parameters={}, bucket=bucket)
    assert again.action is Action.UNCHANGED
    assert len(s3.list_objects_v2(Bucket="templates")["Contents"]) == 1


def test_preview_leaves_nothing(session: Any, emr_unit: Unit) -> None:
    """A preview of a new stack tells what would be added, and leaves neither stack nor set."""
    clients = clients_of(session)
    [seen] = preview([emr_unit], clients=clients, parameters=VALUES)
    assert (seen.creates, seen.changed, seen.protection) == (True, True, True)
    assert {change.action for change in seen.changes} == {"add"}
    assert {change.key for change in seen.changes} == {each.key for each in emr_unit.resources}
    client = session.client("cloudformation", region_name="eu-west-1")
    assert client.describe_stacks()["Stacks"] == []
    deploy([emr_unit], clients=clients, parameters=VALUES)
    before = described(session)
    [same] = preview([emr_unit], clients=clients, parameters=VALUES)
    assert not same.changed
    [other] = preview([emr_unit], clients=clients, parameters={**VALUES, "OWNER": "you"})
    assert not other.creates
    assert described(session) == before


def test_failed_creation_is_explained_and_created_again(session: Any, emr_unit: Unit) -> None:
    """What a failed creation left takes no update: it is explained, and deleted where wanted."""
    clients = clients_of(session)
    *others, cluster = emr_unit.resources
    profile = replace(emr_unit.resources[3], role="missing")
    broken = replace(emr_unit, resources=(*others[:3], profile, *others[4:], cluster))
    [failed] = deploy([broken], clients=clients, parameters=VALUES)
    assert failed.action is Action.FAILED
    assert failed.diagnostic
    assert failed.diagnostic.location == profile.origin
    assert "`instance-profile` (AWS::IAM::InstanceProfile)" in failed.diagnostic.message
    assert described(session)["StackStatus"] == "ROLLBACK_COMPLETE"
    [again] = deploy([emr_unit], clients=clients, parameters=VALUES)
    assert [each.code for each in again.diagnostics] == ["DI708", "DI702"]
    assert again.diagnostics[1].location == profile.origin
    assert "--recreate-failed" in again.diagnostics[0].remedy
    [created] = deploy([emr_unit], clients=clients, parameters=VALUES, recreate_failed=True)
    assert created.action is Action.CREATED


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
