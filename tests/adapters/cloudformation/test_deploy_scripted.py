"""Deploying and previewing with a scripted client: what the embedded CloudFormation never does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from dativo_infra.adapters.cloudformation.deploy import deploy, preview, watch
from dativo_infra.adapters.cloudformation.deploy.changes import STATEFUL_TYPES
from dativo_infra.adapters.cloudformation.lowerings import LOWERINGS
from dativo_infra.adapters.results import Action, Event, StackPreview, StackResult
from dativo_infra.names import Identity
from dativo_infra.project import PlacedTarget
from dativo_infra.values import Parameter

if TYPE_CHECKING:
    from dativo_infra.planning.result import Unit

VALUES = {"SUBNET_ID": "subnet-1", "SECURITY_GROUP_IDS": "sg-1,sg-2", "OWNER": "me"}
STACK = "acme-prod-orders"
SINCE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Scripted:
    """A client that answers from a script and notes what it was asked."""

    description = "An EMR cluster (dativo-infra)"

    def __init__(
        self,
        *statuses: str | None,
        events: tuple[tuple[str, str, str], ...] = (),
        change_set: tuple[str, ...] = ("CREATE_COMPLETE",),
        changes: tuple[dict[str, Any], ...] = (),
        template: dict[str, Any] | None = None,
        reason: str = "",
    ) -> None:
        self.statuses = list(statuses)
        self.change_sets = list(change_set)
        self.changes = changes
        self.template = template or {}
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
        known = {
            "StackId": "id",
            "StackName": STACK,
            "LastUpdatedTime": SINCE,
            "Description": self.description,
        }
        return {"Stacks": [{**known, "StackStatus": status}]}

    def create_change_set(self, **arguments: Any) -> dict[str, Any]:
        """Note the change set."""
        self.calls.append(("create_change_set", arguments))
        return {"Id": "change", "StackId": "id"}

    def describe_change_set(self, **arguments: Any) -> dict[str, Any]:
        """Answer with the change set's next status; the last one stays. A page has one change."""
        assert arguments["IncludePropertyValues"] is True
        page = int(arguments.get("NextToken", 0))
        status = self.change_sets.pop(0) if len(self.change_sets) > 1 else self.change_sets[0]
        answer: dict[str, Any] = {"Status": status, "StatusReason": self.reason}
        answer["Changes"] = [{"ResourceChange": each} for each in self.changes[page : page + 1]]
        if page + 1 < len(self.changes):
            answer["NextToken"] = str(page + 1)
        return answer

    def get_template(self, **_: Any) -> dict[str, Any]:
        """Answer with the template as it was deployed."""
        return {"TemplateBody": self.template}

    def get_paginator(self, _: str) -> Any:
        """Only events are paged."""
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        """Answer with an old event, and after the execution with new ones, newest first."""
        done = any(name == "execute_change_set" for name, _ in self.calls)
        old = {"EventId": "old", "LogicalResourceId": "Logs", "ResourceType": "T"}
        entries = [{**old, "ResourceStatus": "CREATE_FAILED", "ResourceStatusReason": "long ago"}]
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


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for nothing."""
    monkeypatch.setattr(watch, "POLL_SECONDS", 0)


def run(client: Scripted, unit: Unit, **options: Any) -> StackResult:
    """Deploy one unit with a scripted client."""
    [result] = deploy([unit], clients=lambda _: client, parameters=VALUES, **options)
    return result


def look(client: Scripted, unit: Unit) -> StackPreview:
    """Preview one unit with a scripted client."""
    [result] = preview([unit], clients=lambda _: client, parameters=VALUES)
    return result


def change(logical_id: str, kind: str, action: str = "Modify", **more: Any) -> dict[str, Any]:
    """Return a change as CloudFormation tells it."""
    return {
        "Action": action,
        "LogicalResourceId": logical_id,
        "ResourceType": kind,
        "Details": [],
        **more,
    }


def test_failure_leads_to_the_job_file(emr_unit: Unit, samples: Any) -> None:
    """What failed by itself is told with reason and place, in order; what was cancelled is not."""
    client = Scripted(
        None,
        "CREATE_IN_PROGRESS",
        "ROLLBACK_COMPLETE",
        events=(
            ("Logs", "CREATE_COMPLETE", ""),
            ("Cluster", "CREATE_FAILED", "m5.2xlarge is not there"),
            ("Security", "CREATE_FAILED", "Resource creation cancelled"),
            ("ServiceRole", "DELETE_FAILED", "in use"),
        ),
    )
    seen: list[Event] = []
    result = run(client, emr_unit, on_event=seen.append)
    assert [event.logical_id for event in seen] == ["Logs", "Cluster", "Security", "ServiceRole"]
    assert result.action is Action.FAILED
    assert [each.code for each in result.diagnostics] == ["DI702", "DI702"]
    first, second = result.diagnostics
    assert first.location == samples["cluster"].origin
    assert "`cluster` (AWS::EMR::Cluster)" in first.message
    assert "m5.2xlarge is not there" in first.message
    assert second.location == samples["service-role"].origin
    assert client.asked("update_termination_protection") == []


def test_retained_resources_go_with_a_failed_creation(emr_unit: Unit) -> None:
    """What a failed creation made is not left behind, even where it is retained otherwise."""
    client = Scripted(None, "CREATE_COMPLETE")
    run(client, emr_unit)
    assert client.asked("execute_change_set") == [
        {"ChangeSetName": "change", "RetainExceptOnCreate": True}
    ]


def test_failure_without_a_failed_resource(emr_unit: Unit) -> None:
    """Where no resource failed, the stack's own status is told."""
    client = Scripted("CREATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")
    result = run(client, emr_unit)
    assert result.diagnostic
    assert "UPDATE_ROLLBACK_COMPLETE" in result.diagnostic.message


@pytest.mark.parametrize(
    ("reason", "action"),
    [
        ("The submitted information didn't contain changes.", Action.UNCHANGED),
        ("No updates are to be performed.", Action.UNCHANGED),
        ("Template error: bad", Action.FAILED),
    ],
)
def test_change_set_that_fails(emr_unit: Unit, reason: str, action: Action) -> None:
    """A change set without changes is told from one that is wrong; both are deleted again."""
    client = Scripted("UPDATE_COMPLETE", change_set=("CREATE_IN_PROGRESS", "FAILED"), reason=reason)
    result = run(client, emr_unit)
    assert result.action is action
    assert bool(result.diagnostic) == (action is Action.FAILED)
    assert client.asked("delete_change_set") == [{"ChangeSetName": "change"}]
    assert client.asked("delete_stack") == []
    assert client.asked("execute_change_set") == []


def test_wrong_change_set_leaves_no_empty_stack(emr_unit: Unit) -> None:
    """A stack that exists only because of a change set that was wrong goes with it, by its id."""
    client = Scripted(None, "REVIEW_IN_PROGRESS", "DELETE_COMPLETE", change_set=("FAILED",))
    assert run(client, emr_unit).action is Action.FAILED
    assert client.asked("delete_stack") == [{"StackName": "id"}]


@pytest.mark.parametrize(
    ("before", "kind"),
    [(None, "CREATE"), ("REVIEW_IN_PROGRESS", "CREATE"), ("UPDATE_ROLLBACK_COMPLETE", "UPDATE")],
)
def test_kind_of_change_set(emr_unit: Unit, before: str | None, kind: str) -> None:
    """A stack that was never executed is created; any other is updated."""
    client = Scripted(before, "UPDATE_COMPLETE")
    result = run(client, emr_unit)
    assert client.asked("create_change_set")[0]["ChangeSetType"] == kind
    assert result.action is (Action.CREATED if kind == "CREATE" else Action.UPDATED)


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        ("UPDATE_IN_PROGRESS", "DI707", "since 2026-01-02 03:04:05 UTC"),
        ("DELETE_IN_PROGRESS", "DI707", "DELETE_IN_PROGRESS"),
        ("UPDATE_ROLLBACK_FAILED", "DI709", "continue-update-rollback"),
        ("ROLLBACK_FAILED", "DI709", "dativo-infra destroy"),
        ("DELETE_FAILED", "DI709", "--retain-resources"),
        ("ROLLBACK_COMPLETE", "DI708", "--recreate-failed"),
    ],
)
def test_states_are_explained(emr_unit: Unit, status: str, code: str, words: str) -> None:
    """A stack that takes no change is explained with what to do, and nothing is tried."""
    client = Scripted(status)
    for result in (run(client, emr_unit), look(client, emr_unit)):
        first, *others = result.diagnostics
        assert first.code == code
        assert words in f"{first.message} {first.remedy}"
        assert ["long ago" in each.message for each in others] == [True] * (code == "DI708")
    assert client.calls == []


def test_leftover_of_a_failed_creation_is_removed_where_wanted(emr_unit: Unit) -> None:
    """With `recreate_failed` the empty stack is deleted first, and no other ever is."""
    client = Scripted("ROLLBACK_COMPLETE", "DELETE_COMPLETE", "CREATE_COMPLETE")
    result = run(client, emr_unit, recreate_failed=True)
    assert client.asked("delete_stack") == [{"StackName": "id"}]
    assert client.asked("create_change_set")[0]["ChangeSetType"] == "CREATE"
    assert result.action is Action.CREATED
    busy = Scripted("UPDATE_ROLLBACK_FAILED")
    run(busy, emr_unit, recreate_failed=True)
    assert busy.calls == []


GUARDED = [
    (change("Cluster", "AWS::EMR::Cluster", Replacement="True"), "would replace `cluster`"),
    (change("Logs", "AWS::S3::Bucket", Replacement="Conditional"), "perhaps replace `logs`"),
    (change("Gone", "AWS::S3::Bucket", "Remove", PolicyAction="Delete"), "remove `Gone`"),
]


@pytest.mark.parametrize(("entry", "words"), GUARDED)
def test_what_holds_data_is_not_replaced(emr_unit: Unit, entry: Any, words: str) -> None:
    """A change that loses data is refused with its place and the option; the stack stays."""
    details = [{"Target": {"Attribute": "Properties", "Name": "ReleaseLabel"}}]
    client = Scripted("UPDATE_COMPLETE", changes=(change("X", "Y"), {**entry, "Details": details}))
    result = run(client, emr_unit)
    assert result.action is Action.FAILED
    [diagnostic] = result.diagnostics
    assert diagnostic.code == "DI706"
    assert words in diagnostic.message
    assert "ReleaseLabel" in diagnostic.message
    assert "--allow-replacement" in diagnostic.remedy
    assert diagnostic.location
    assert client.asked("execute_change_set") == []
    assert client.asked("delete_change_set") == [{"ChangeSetName": "change"}]
    [change_seen] = [each for each in look(client, emr_unit).changes if each.needs_allowing]
    assert change_seen.type == entry["ResourceType"]
    allowed = Scripted("UPDATE_COMPLETE", changes=(entry,))
    assert run(allowed, emr_unit, allow_replacement=True).action is Action.UPDATED


@pytest.mark.parametrize(
    "entry",
    [
        change("Cluster", "AWS::EMR::Cluster", Replacement="False"),
        change("ServiceRole", "AWS::IAM::Role", Replacement="True"),
        change("Gone", "AWS::S3::Bucket", "Remove", PolicyAction="Retain"),
        change("Gone", "AWS::IAM::Role", "Remove", PolicyAction="Delete"),
    ],
)
def test_other_changes_need_no_leave(emr_unit: Unit, entry: Any) -> None:
    """A change in place, a replaced role and what is retained are done without asking."""
    client = Scripted("UPDATE_COMPLETE", changes=(entry,))
    assert run(client, emr_unit).action is Action.UPDATED


def test_types_of_what_holds_data() -> None:
    """The types that hold data are those of the kinds that say so, no more and no fewer."""
    names = {kind.__name__.upper() for kind in LOWERINGS if kind.STATEFUL}
    types = {each.upper().removeprefix("AWS").replace("::", "") for each in STATEFUL_TYPES}
    assert len(names) == len(types)
    assert all(any(each.endswith(name) for each in types) for name in names)


def test_preview_shows_values_but_no_secrets(samples: Any, unit: Any) -> None:
    """Before and after are shown; not where a secret is, or was, part of the property."""
    role = replace(
        samples["service-role"],
        managed_policy_arns=(),
        policies={"p": {"a": Parameter("TOKEN", "secret")}},
    )
    was_secret = {
        "Parameters": {"Old": {"Type": "String", "NoEcho": True}},
        "Resources": {"ServiceRole": {"Properties": {"Path": {"Fn::Join": [{"Ref": "Old"}]}}}},
    }

    def detail(name: str, **more: str) -> dict[str, Any]:
        path = f"/Properties/{name}/0"
        target = {"Attribute": "Properties", "Name": name, "Path": path, **more}
        return {"Target": {**target, "BeforeValue": "hunter1", "AfterValue": "hunter2"}}

    details = [
        detail("Policies"),
        detail("Path"),
        detail("Description", BeforeValue="x"),
        {"Target": {"Attribute": "Metadata"}},
        {"Target": {"Attribute": "Tags"}},
    ]
    entry = change("ServiceRole", "AWS::IAM::Role", Details=details)
    client = Scripted("UPDATE_COMPLETE", changes=(entry,), template=was_secret)
    [seen] = preview([unit(role)], clients=lambda _: client, parameters={"TOKEN": "hunter2"})
    [one] = seen.changes
    assert (one.action, one.key, one.origin) == ("change", "service-role", role.origin)
    hidden = "(not shown)"
    assert [(each.path, each.before, each.after) for each in one.properties] == [
        ("Policies.0", hidden, hidden),
        ("Path.0", hidden, hidden),
        ("Description.0", "hunter1", "hunter2"),
        ("Tags", None, None),
    ]


def test_preview_deletes_only_what_it_made(emr_unit: Unit) -> None:
    """The stack in review goes where the preview made it, never one that was there before."""
    new = Scripted(None, "REVIEW_IN_PROGRESS", "DELETE_COMPLETE")
    assert look(new, emr_unit).creates
    assert new.asked("delete_stack") == [{"StackName": "id"}]
    for status in ("REVIEW_IN_PROGRESS", "UPDATE_COMPLETE"):
        there = Scripted(status)
        look(there, emr_unit)
        assert there.asked("delete_change_set") == [{"ChangeSetName": "change"}]
        assert there.asked("delete_stack") == []
        assert there.asked("execute_change_set") == []


def test_capability_only_with_roles(emr_unit: Unit, unit: Any, samples: Any) -> None:
    """Roles are acknowledged where there are some, and only there."""
    for made, wanted in ((emr_unit, ["CAPABILITY_IAM"]), (unit(samples["logs"]), [])):
        client = Scripted(None, "CREATE_COMPLETE")
        run(client, made)
        assert client.asked("create_change_set")[0]["Capabilities"] == wanted


def test_others_go_on_after_a_failure(emr_unit: Unit, unit: Any, samples: Any) -> None:
    """Where a unit fails the next is deployed, but not one that needs the failed."""
    failed = replace(emr_unit, target=PlacedTarget(name="closed"))
    needy = unit(samples["logs"], identity=Identity("a", "b", "c"), needs=(failed.identity,))
    needier = unit(samples["logs"], identity=Identity("a", "b", "d"), needs=(needy.identity,))
    free = unit(samples["logs"], identity=Identity("a", "b", "e"))
    client = Scripted(None, "CREATE_COMPLETE")

    def clients(target: PlacedTarget) -> Any:
        if target.name == "closed":
            error = {"Code": "AccessDenied", "Message": "not allowed"}
            raise ClientError({"Error": error}, "DescribeStacks")
        return client

    told: list[StackResult] = []
    results = deploy(
        [failed, needy, needier, free], clients=clients, parameters=VALUES, on_result=told.append
    )
    assert [result.action for result in results] == ["failed", "skipped", "skipped", "created"]
    assert sorted(told, key=lambda each: each.stack) == sorted(results, key=lambda each: each.stack)
    assert results[0].diagnostic
    assert "not allowed" in results[0].diagnostic.message
    assert results[1].diagnostic
    assert results[1].diagnostic.code == "DI710"
    assert "it needs acme/prod/orders" in results[1].diagnostic.message


@pytest.mark.parametrize("words", ["No updates are to be performed.", "Something else"])
def test_endpoint_that_refuses_a_change_set_without_changes(emr_unit: Unit, words: str) -> None:
    """Such an answer means that nothing changes; another one is a failure."""

    class Refusing(Scripted):
        def create_change_set(self, **_: Any) -> dict[str, Any]:
            error = {"Code": "ValidationError", "Message": words}
            raise ClientError({"Error": error}, "CreateChangeSet")

    unit = replace(emr_unit, target=PlacedTarget())
    client = Refusing("UPDATE_COMPLETE")
    [result] = deploy([unit], clients=lambda _: client, parameters=VALUES)
    [seen] = preview([unit], clients=lambda _: client, parameters=VALUES)
    nothing = words.startswith("No updates")
    assert result.action is (Action.UNCHANGED if nothing else Action.FAILED)
    assert bool(seen.diagnostics) is not nothing
    assert not {name for name, _ in client.calls} & {"delete_change_set", "execute_change_set"}
