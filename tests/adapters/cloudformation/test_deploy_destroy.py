"""Destroying stacks, finding those without jobs, outputs, and the connection."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from dativo_infra import __version__
from dativo_infra.adapters.cloudformation.deploy import (
    DoomedStack,
    account_of,
    clients_of,
    open_session,
    orphans,
    watch,
)
from dativo_infra.adapters.cloudformation.deploy import (
    deploy as _deploy,
)
from dativo_infra.adapters.cloudformation.deploy import (
    destroy as _destroy,
)
from dativo_infra.adapters.cloudformation.deploy import (
    doomed as _doomed,
)
from dativo_infra.adapters.cloudformation.deploy import (
    outputs as _outputs,
)
from dativo_infra.adapters.cloudformation.deploy import (
    preview as _preview,
)
from dativo_infra.adapters.cloudformation.local import embedded
from dativo_infra.adapters.results import UNPROTECT, Action, kept
from dativo_infra.diagnostics import DiagnosticError
from dativo_infra.names import Identity
from dativo_infra.planning.result import UnitKind
from dativo_infra.planning.selection import Selection
from dativo_infra.project import AMBIENT, PlacedTarget
from dativo_infra.resources import Lifecycle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dativo_infra.planning.result import Unit

# What is embedded answers one call at a time.
deploy = partial(_deploy, concurrency=1)
destroy = partial(_destroy, concurrency=1)
doomed = partial(_doomed, concurrency=1)
outputs = partial(_outputs, concurrency=1)
preview = partial(_preview, concurrency=1)

VALUES = {"SUBNET_ID": "subnet-1", "SECURITY_GROUP_IDS": "sg-1,sg-2", "OWNER": "me"}
HERE = PlacedTarget(name="main", region="eu-west-1")


@pytest.fixture
def session() -> Iterator[Any]:
    """A session that talks to an embedded AWS."""
    with embedded():
        yield open_session()


def stacks(session: Any) -> set[str]:
    """Return the names of the stacks that exist."""
    client = session.client("cloudformation", region_name="eu-west-1")
    return {each["StackName"] for each in client.describe_stacks()["Stacks"]}


@pytest.fixture
def free(emr_unit: Unit) -> Unit:
    """The EMR unit without protection."""
    *others, cluster = emr_unit.resources
    return replace(emr_unit, resources=(*others, replace(cluster, lifecycle=Lifecycle())))


def test_destroy_leaves_what_is_retained(session: Any, free: Unit) -> None:
    """It is told what goes and what stays; the stack goes, and the retained bucket stays."""
    clients = clients_of(session)
    [made] = deploy([free], clients=clients, parameters=VALUES)
    [found] = doomed([free], clients=clients)
    assert (found.stack, found.identity, found.keep) == (made.stack, "acme/prod/orders", "")
    assert [(each.type, each.id) for each in found.stays] == [
        ("AWS::S3::Bucket", made.outputs["emr_log_bucket"])
    ]
    assert sorted(each.type for each in found.goes).count("AWS::IAM::Role") == 2
    [result] = destroy([found], clients=clients)
    assert result.action is Action.DELETED
    assert stacks(session) == set()
    buckets = session.client("s3").list_buckets()["Buckets"]
    assert [each["Name"] for each in buckets] == [made.outputs["emr_log_bucket"]]
    assert session.client("iam").list_roles()["Roles"] == []
    assert doomed([free], clients=clients) == []


def test_protected_stack_stays(session: Any, emr_unit: Unit) -> None:
    """A protected stack is found, says how to take it down, and is not deleted."""
    clients = clients_of(session)
    deploy([emr_unit], clients=clients, parameters=VALUES)
    [found] = doomed([emr_unit], clients=clients)
    assert found.keep == UNPROTECT
    [result] = destroy([found], clients=clients)
    assert (result.action, result.reason) == (Action.KEPT, UNPROTECT)
    assert stacks(session) == {"acme-prod-orders"}


def test_shared_stack_goes_with_its_last_user(session: Any, unit: Any, samples: Any) -> None:
    """What is shared stays while a job that named it stays, and goes after its last users."""
    one, two = Identity("acme", "prod", "one"), Identity("acme", "prod", "two")
    shared = unit(
        samples["service-role"],
        identity=Identity("main", "cluster", "x"),
        kind=UnitKind.SHARED,
        jobs=(one, two),
    )
    needs = (shared.identity,)
    users = [unit(samples["service-role"], identity=each, needs=needs) for each in (one, two)]
    clients = clients_of(session)
    deploy([shared, *users], clients=clients, parameters={})
    alone = replace(shared, jobs=(one,))
    found = doomed([alone, users[0]], clients=clients)
    assert [each.keep for each in found] == ["still used by acme/prod/two", ""]
    found = doomed([shared, *users], clients=clients)
    assert [each.keep for each in found] == ["", "", ""]
    gone: list[str] = []
    results = destroy(found, clients=clients, on_result=lambda each: gone.append(each.stack))
    assert [each.action for each in results] == ["deleted"] * 3
    assert gone[-1] == "main-cluster-x"
    assert stacks(session) == set()


def test_shared_stack_is_not_changed_for_some_of_its_users(
    session: Any, unit: Any, samples: Any
) -> None:
    """A run without all users of what is shared keeps it; one that has them all changes it."""
    one, two = Identity("acme", "prod", "one"), Identity("acme", "prod", "two")
    shared = unit(
        samples["service-role"],
        samples["logs"],
        identity=Identity("main", "cluster", "x"),
        kind=UnitKind.SHARED,
        jobs=(one, two),
    )
    user = unit(samples["service-role"], identity=one, needs=(shared.identity,))
    clients = clients_of(session)
    deploy([shared, user], clients=clients, parameters={})
    partial_ = replace(shared, jobs=(one,), resources=shared.resources[1:])
    [kept_, own] = deploy([partial_, user], clients=clients, parameters={})
    assert (kept_.action, own.action) == (Action.KEPT, Action.UNCHANGED)
    assert kept_.reason.startswith("also used by acme/prod/two")
    [seen] = preview([partial_], clients=clients, parameters={})
    assert (seen.action, seen.changed) == ("kept", False)
    # The deployed stack would not know a new user, and be deleted under it.
    three = Identity("acme", "prod", "three")
    joining = replace(shared, jobs=(one, three))
    [refused] = deploy([joining], clients=clients, parameters={})
    assert refused.diagnostic
    assert refused.diagnostic.code == "DI715"
    assert [
        each.code for each in preview([joining], clients=clients, parameters={})[0].diagnostics
    ] == ["DI715"]
    # Where it is known that the other job is gone, what it asked for goes too.
    gone = {"elsewhere": lambda _: False, "parameters": {}, "clients": clients}
    assert [each.action for each in deploy([partial_], **gone)] == [Action.UPDATED]


def made(name: str, *, needs: tuple[str, ...] = (), **more: Any) -> DoomedStack:
    """Return a stack that may be deleted."""
    fields = {"identity": name, "status": "CREATE_COMPLETE", "target": HERE}
    return DoomedStack(**{**fields, "stack": name, "id": name, "needs": needs, **more})


def test_what_a_kept_stack_needs_is_kept() -> None:
    """A stack that stays keeps what it needs, and what that needs."""
    base, middle, top = made("base"), made("middle", needs=("base",)), made("top")
    top = replace(top, needs=("middle",), protected=True)
    assert [each.keep for each in kept([base, middle, top, made("other")], going=())] == [
        "needed by middle, which stays",
        "needed by top, which stays",
        UNPROTECT,
        "",
    ]


def test_what_the_stack_of_a_job_that_exists_needs_is_kept() -> None:
    """A job that exists but no longer builds its stack keeps it, and what that stack needs."""
    base, user = made("base"), made("user", needs=("base",), jobs=("a/b/c",))
    found = kept([base, user], going=("a/b/c",), existing=("a/b/c",))
    assert [each.keep for each in found] == [
        "needed by user, which stays",
        "the job a/b/c exists, though it does not build it now",
    ]


class Stuck:
    """A client whose stacks cannot be deleted."""

    def __init__(self, status: str = "DELETE_FAILED") -> None:
        self.status = status
        self.asked = False

    def describe_stacks(self, **_: Any) -> dict[str, Any]:
        """Answer with the status once deletion was asked for."""
        status = self.status if self.asked or self.status.endswith("_IN_PROGRESS") else "X_COMPLETE"
        return {"Stacks": [{"StackId": "id", "StackStatus": status}]}

    def delete_stack(self, **_: Any) -> None:
        """Note it."""
        self.asked = True

    def get_paginator(self, _: str) -> Any:
        """Only events are paged."""
        return self

    def paginate(self, **_: Any) -> list[Any]:
        """Answer with why the bucket stays."""
        event = {"EventId": "1", "LogicalResourceId": "Logs", "ResourceType": "AWS::S3::Bucket"}
        reason = {"ResourceStatus": "DELETE_FAILED", "ResourceStatusReason": "not empty"}
        return [{"StackEvents": [{**event, **reason}] if self.asked else []}]


def test_failed_deletion_is_explained(unit: Any, samples: Any) -> None:
    """What could not be deleted is told with its reason and place; what it needs stays too."""
    client = Stuck()
    stack = made("top", needs=("base",), unit=unit(samples["logs"]))
    results = destroy([made("base"), stack], clients=lambda _: client)
    assert [each.action for each in results] == ["skipped", "failed"]
    [diagnostic] = results[1].diagnostics
    assert (diagnostic.code, diagnostic.location) == ("DI711", samples["logs"].origin)
    assert "`logs` (AWS::S3::Bucket) of the stack top, DELETE_FAILED: not empty" in str(diagnostic)


def test_stack_in_progress_is_not_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stack in the middle of something else is explained."""
    monkeypatch.setattr(watch, "POLL_SECONDS", 0)
    client = Stuck("UPDATE_IN_PROGRESS")
    [result] = destroy([made("a")], clients=lambda _: client)
    assert [each.code for each in result.diagnostics] == ["DI707"]
    assert not client.asked


def test_orphans(session: Any, unit: Any, samples: Any) -> None:
    """Only stacks of this project, in the selection, that no unit has or had, are orphans."""
    clients = clients_of(session)

    def job(name: str, tenant: str = "acme") -> Unit:
        return unit(samples["service-role"], identity=Identity(tenant, "prod", name))

    units = [job("kept"), job("gone"), job("old"), job("other", tenant="globex")]
    deploy(units, clients=clients, parameters={}, project="ours")
    deploy([job("theirs")], clients=clients, parameters={}, project="theirs")
    deploy([job("nameless")], clients=clients, parameters={})
    renamed = replace(job("new"), former=(Identity("acme", "prod", "old"),))
    asked = {"clients": clients, "targets": [HERE, HERE], "project": "ours"}
    found = orphans([job("kept"), renamed], **asked)
    assert [each.identity for each in found] == ["acme/prod/gone", "globex/prod/other"]
    selected = orphans([job("kept"), renamed], **asked, selection=Selection(tenant="acme"))
    assert [each.stack for each in selected] == ["acme-prod-gone"]
    assert [each.action for each in destroy(selected, clients=clients)] == ["deleted"]
    assert "acme-prod-gone" not in stacks(session)


def test_orphans_need_each_other(session: Any, unit: Any, samples: Any) -> None:
    """An orphan says what it needed, so that it goes before that."""
    clients = clients_of(session)
    shared = unit(samples["service-role"], identity=Identity("main", "x", "y"))
    user = unit(samples["service-role"], needs=(shared.identity,))
    deploy([shared, user], clients=clients, parameters={}, project="p")
    found = orphans([], clients=clients, targets=[HERE], project="p")
    gone: list[str] = []
    destroy(found, clients=clients, on_result=lambda each: gone.append(each.stack))
    assert gone == ["acme-prod-orders", "main-x-y"]


def test_outputs_by_the_names_of_jobs(session: Any, emr_unit: Unit, unit: Any) -> None:
    """Outputs have the names that jobs use; what is not deployed has none."""
    clients = clients_of(session)
    [result] = deploy([emr_unit], clients=clients, parameters=VALUES)
    missing = unit(emr_unit.resources[0], identity=Identity("a", "b", "c"))
    empty = unit(identity=Identity("a", "b", "d"))
    assert outputs([emr_unit, missing, empty], clients=clients) == {
        emr_unit.identity: result.outputs,
        missing.identity: None,
    }


def test_refusal_to_answer_is_a_diagnostic(unit: Any, samples: Any) -> None:
    """Whoever may not look at stacks is told so."""

    def closed(_: PlacedTarget) -> Any:
        error = {"Code": "AccessDenied", "Message": "not allowed"}
        raise ClientError({"Error": error}, "DescribeStacks")

    units = [unit(samples["logs"])]
    for ask in (
        lambda: doomed(units, clients=closed),
        lambda: outputs(units, clients=closed),
        lambda: orphans(units, clients=closed, targets=[HERE], project="p"),
    ):
        with pytest.raises(DiagnosticError, match=r"DI704.*not allowed"):
            ask()


# --- the connection -----------------------------------------------------------------------------


def test_clients_retry_and_are_made_once(session: Any) -> None:
    """Throttled calls are repeated; each region has one client, which names this tool."""
    clients = clients_of(session)
    client = clients(HERE)
    assert client is clients(replace(HERE, name="same region"))
    assert client is not clients(AMBIENT)
    assert client.meta.config.retries == {"mode": "standard", "total_max_attempts": 11}
    assert client.meta.config.user_agent_extra.endswith(f"dativo-infra/{__version__}")


def test_account_of_the_targets(session: Any) -> None:
    """The credentials must be of each target's account; all others are named at once."""
    same = replace(HERE, account="123456789012")
    assert account_of(session, [same, AMBIENT]) == "123456789012"
    others = [replace(HERE, name=name, account=f"{name}{name}" * 6) for name in "12"]
    with pytest.raises(DiagnosticError) as caught:
        account_of(session, [same, *others])
    assert [each.code for each in caught.value.diagnostics] == ["DI705", "DI705"]
    text = str(caught.value)
    assert "account 111111111111; the credentials are of account 123456789012" in text
    assert "AWS_PROFILE" in text


def test_a_refused_signature_does_not_tell_the_token(
    session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AWS quotes the request whose signature is wrong; only its first line is shown."""
    said = "The signature does not match.\n\nThe Canonical String\nx-amz-security-token:hunter2"

    def refuse(*_: Any, **__: Any) -> None:
        answer: Any = {"Error": {"Code": "SignatureDoesNotMatch", "Message": said}}
        raise ClientError(answer, "GetCallerIdentity")

    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", refuse)
    with pytest.raises(DiagnosticError, match="The signature does not match") as caught:
        account_of(session, [HERE])
    assert "hunter2" not in str(caught.value)


def test_no_connection_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    """No region, no credentials, no profile, no endpoint: each says what to do."""
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(DiagnosticError, match=r"no region for the tool's own.*\n.*--region"):
        account_of(open_session(), [AMBIENT])
    with pytest.raises(DiagnosticError, match=r"DI704: There are no credentials.*\n.*AWS_PROFILE"):
        account_of(open_session(), [HERE])
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    with pytest.raises(DiagnosticError, match=r"DI704: Could not connect.*\n.*--endpoint-url"):
        account_of(open_session(), [HERE], endpoint_url="http://127.0.0.1:9")
    with pytest.raises(DiagnosticError, match="DI704"):
        account_of(open_session(), [HERE], endpoint_url="http://")
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(DiagnosticError, match=r"DI704: .*nobody.*\n.*AWS_PROFILE"):
        open_session()
