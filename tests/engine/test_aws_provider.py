"""The AWS test provider: it refuses what the real one refuses, and what it creates is there."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest
from aws_server import ACCOUNT, Aws, aws_server
from botocore.exceptions import ClientError
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.struct_pb2 import Struct
from pulumi.provider.experimental.server import ProviderServicer
from pulumi.runtime import proto, rpc
from pulumi.runtime.rpc import UNKNOWN
from workspace import PROVIDERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

sys.path.insert(0, str(PROVIDERS / "aws"))  # as where the engine starts it
PROVIDER = import_module("aws_provider.provider").AwsTestProvider

BUCKET = "aws:s3/bucket:Bucket"
CLUSTER = "aws:ecs/cluster:Cluster"
EMR = "aws:emr/cluster:Cluster"
LOGS = "aws:cloudwatch/logGroup:LogGroup"
PROFILE = "aws:iam/instanceProfile:InstanceProfile"
ROLE = "aws:iam/role:Role"
SERVICE = "aws:ecs/service:Service"
TASK = "aws:ecs/taskDefinition:TaskDefinition"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"

TAGS = {"Owner": "team", "Job": "orders"}
CONTAINER = {"name": "job", "image": "one", "memory": 512}


def role(**properties: Any) -> dict[str, Any]:
    """Return the properties of a role."""
    policy = {"Version": "2012-10-17", "Statement": []}
    return {"assumeRolePolicy": json.dumps(policy), "tags": TAGS, **properties}


def emr(**properties: Any) -> dict[str, Any]:
    """Return the properties of a cluster of EMR."""
    return {
        "releaseLabel": "emr-7.10.0",
        "serviceRole": "service",
        "ec2Attributes": {"instanceProfile": "machines"},
        "masterInstanceGroup": {"instanceType": "m5.xlarge", "instanceCount": 1},
        "coreInstanceGroup": {"instanceType": "m5.xlarge", "instanceCount": 2},
        "keepJobFlowAliveWhenNoSteps": True,
        "tags": TAGS,
        **properties,
    }


@dataclass(frozen=True)
class Made:
    """A resource that the provider has checked, and created or previewed."""

    type: str
    id: str
    inputs: dict[str, Any]
    state: dict[str, Any]


class Plugin:
    """The provider, as the engine calls it."""

    def __init__(self, **settings: str) -> None:
        self._servicer = ProviderServicer([], "0.0.0", PROVIDER(), "")
        variables = {f"aws:config:{key}": value for key, value in settings.items()}
        self._call("Configure", proto.ConfigureRequest(variables=variables))

    def config(
        self, method: str, settings: Mapping[str, str], old: Mapping[str, str] | None = None
    ) -> Any:
        """Check the settings, or tell how they differ."""
        request = {"CheckConfig": proto.CheckRequest, "DiffConfig": proto.DiffRequest}[method]
        return self._call(method, request(olds=struct(old or {}), news=struct(settings)))

    def check(
        self, kind: str, properties: Mapping[str, Any], old: Made | None = None, name: str = "one"
    ) -> tuple[dict[str, Any], list[str]]:
        """Return the inputs that are used, and what is wrong with them."""
        answer = self._call(
            "Check",
            proto.CheckRequest(
                urn=urn(kind, name),
                olds=struct(old.inputs if old else {}),
                news=struct(properties),
                randomSeed=os.urandom(32),
            ),
        )
        return MessageToDict(answer.inputs), [each.reason for each in answer.failures]

    def create(self, kind: str, properties: Mapping[str, Any], *, preview: bool = False) -> Made:
        """Check a resource and create it, or preview that."""
        inputs, failures = self.check(kind, properties)
        assert not failures
        request = proto.CreateRequest(urn=urn(kind), properties=struct(inputs), preview=preview)
        answer = self._call("Create", request)
        return Made(kind, answer.id, inputs, MessageToDict(answer.properties))

    def diff(
        self, made: Made, properties: Mapping[str, Any], ignore: Sequence[str] = ()
    ) -> proto.DiffResponse:
        """Return what an update would change."""
        inputs, failures = self.check(made.type, properties, made)
        assert not failures
        request = proto.DiffRequest(
            urn=urn(made.type),
            id=made.id,
            olds=struct(made.state),
            news=struct(inputs),
            ignoreChanges=ignore,
        )
        return self._call("Diff", request)

    def update(self, made: Made, properties: Mapping[str, Any], *, preview: bool = False) -> Made:
        """Change a resource in place."""
        inputs, _ = self.check(made.type, properties, made)
        request = proto.UpdateRequest(
            urn=urn(made.type),
            id=made.id,
            olds=struct(made.state),
            news=struct(inputs),
            preview=preview,
        )
        answer = self._call("Update", request)
        return Made(made.type, made.id, inputs, MessageToDict(answer.properties))

    def read(self, made: Made) -> Made | None:
        """Return a resource as it is now, if it is."""
        request = proto.ReadRequest(
            urn=urn(made.type),
            id=made.id,
            properties=struct(made.state),
            inputs=struct(made.inputs),
        )
        answer = self._call("Read", request)
        inputs, state = MessageToDict(answer.inputs), MessageToDict(answer.properties)
        return Made(made.type, answer.id, inputs, state) if answer.id else None

    def delete(self, made: Made) -> None:
        """Delete a resource."""
        request = proto.DeleteRequest(urn=urn(made.type), id=made.id, properties=struct(made.state))
        self._call("Delete", request)

    def _call(self, method: str, request: Any) -> Any:
        return asyncio.run(getattr(self._servicer, method)(request, None))


def urn(kind: str, name: str = "one") -> str:
    """Return the URN of a resource inside of a component."""
    return f"urn:pulumi:stack::project::dativo:index:Any${kind}::{name}"


def struct(data: Mapping[str, Any]) -> Struct:
    """Return data as it is on the wire."""
    return ParseDict(dict(data), Struct())


def kinds(diff: proto.DiffResponse) -> dict[str, str]:
    """Return what happens to each property that changes."""
    names = proto.PropertyDiff.Kind.Name
    return {path: names(each.kind) for path, each in diff.detailedDiff.items()}


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    """An AWS in memory; each test has names of its own in it."""
    with aws_server() as running:
        yield running


@pytest.fixture(scope="module")
def plugin(aws: Aws) -> Plugin:
    """The provider in the region of the clients."""
    assert aws
    return Plugin(region="us-east-1")


@pytest.mark.parametrize(
    ("kind", "properties", "told"),
    [
        (ROLE, role(colour="red"), "`colour` is no property of RoleArgs"),
        (
            EMR,
            emr(coreInstanceGroup={"instanceTyp": "m5.xlarge"}),
            "`coreInstanceGroup.instanceTyp`",
        ),
        (EMR, emr(coreInstanceGroup={}), "`coreInstanceGroup.instanceType` is missing"),
        (ROLE, {}, "`assumeRolePolicy` is missing"),
        (ROLE, role(tags=["Owner"]), "`tags` cannot be list"),
        (ROLE, role(maxSessionDuration=1.5), "`maxSessionDuration` cannot be float"),
        (EMR, emr(stepConcurrencyLevel="2"), "`stepConcurrencyLevel` cannot be str"),
        (SERVICE, {"launchType": "FARGTE"}, "`launchType` cannot be `FARGTE`; it is one of EC2,"),
        (SERVICE, {"forceDelete": True}, "`forceDelete` is translated to no call"),
    ],
)
def test_what_is_wrong_is_refused(
    kind: str, properties: dict[str, Any], told: str, plugin: Plugin
) -> None:
    """A property that the provider does not know, a type or a value that AWS does not have."""
    _, failures = plugin.check(kind, properties)
    assert [each for each in failures if told in each]


def test_text_of_json_is_judged(plugin: Plugin) -> None:
    """An unknown key of a container, which no schema of properties tells, is refused."""
    definitions = json.dumps([{**CONTAINER, "imagine": "one"}])
    with pytest.raises(Exception, match=r'Unknown parameter in containerDefinitions.*"imagine"'):
        plugin.create(TASK, {"family": "judged", "containerDefinitions": definitions})


def test_names_are_made_up_once(plugin: Plugin) -> None:
    """A name that is left out begins with the resource's, and stays; a given one is used."""
    made = plugin.create(LOGS, {})
    assert made.id.startswith("one-")
    assert not plugin.diff(made, {}).detailedDiff
    assert kinds(plugin.diff(made, {"name": "other"})) == {"name": "UPDATE_REPLACE"}
    with_prefix = plugin.create(ROLE, role(namePrefix="acme-"))
    assert with_prefix.id == with_prefix.state["name"]
    assert len(with_prefix.id) == len("acme-") + 26
    assert not plugin.diff(with_prefix, role(namePrefix="acme-")).detailedDiff


def test_a_name_that_is_too_long_is_refused(plugin: Plugin) -> None:
    """The name of a role has 64 characters at most, seven of them made up."""
    assert plugin.check(ROLE, role(), name="x" * 56)[1] == []
    assert "longer than 64" in plugin.check(ROLE, role(), name="x" * 57)[1][0]


def test_tags_change_in_place(plugin: Plugin, aws: Aws) -> None:
    """They are added, changed and taken away on the resource that is there."""
    made = plugin.create(ROLE, role())
    new = role(tags={"Owner": "other", "Cost": "data"})
    assert kinds(plugin.diff(made, new)) == {
        "tags.Cost": "ADD",
        "tags.Job": "DELETE",
        "tags.Owner": "UPDATE",
    }
    updated = plugin.update(made, new)
    assert updated.state["arn"] == made.state["arn"]
    tags = aws.client("iam").list_role_tags(RoleName=made.id)["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"Owner": "other", "Cost": "data"}


def test_a_change_that_needs_another_resource(plugin: Plugin) -> None:
    """What Terraform calls ForceNew replaces, also inside of a block; the rest changes in place."""
    made = plugin.create(EMR, emr())
    larger = emr(coreInstanceGroup={"instanceType": "m5.2xlarge", "instanceCount": 3})
    found = plugin.diff(made, larger)
    assert kinds(found) == {
        "coreInstanceGroup.instanceCount": "UPDATE",
        "coreInstanceGroup.instanceType": "UPDATE_REPLACE",
    }
    assert list(found.replaces) == ["coreInstanceGroup"]
    ignored = plugin.diff(made, larger, ["coreInstanceGroup.instanceType"])
    assert kinds(ignored) == {"coreInstanceGroup.instanceCount": "UPDATE"}


def test_what_keeps_a_given_name_is_deleted_first(plugin: Plugin) -> None:
    """Two cannot have one name."""
    made = plugin.create(ROLE, role(name="named"))
    assert plugin.diff(made, role(name="named", path="/data/")).deleteBeforeReplace
    assert not plugin.diff(made, role(name="other")).deleteBeforeReplace


def test_the_number_of_machines_changes_in_place(plugin: Plugin, aws: Aws) -> None:
    """That of EMR's core group, whose id is asked for."""
    made = plugin.create(EMR, emr())
    plugin.update(made, emr(coreInstanceGroup={"instanceType": "m5.xlarge", "instanceCount": 5}))
    groups = aws.client("emr").list_instance_groups(ClusterId=made.id)["InstanceGroups"]
    counts = {each["InstanceGroupType"]: each["RequestedInstanceCount"] for each in groups}
    assert counts == {"MASTER": 1, "CORE": 5}


def test_what_no_call_changes_fails(plugin: Plugin) -> None:
    """It is not left as it was without a word."""
    made = plugin.create(ROLE, role(description="one"))
    with pytest.raises(Exception, match="no call of this test provider changes description"):
        plugin.update(made, role())


def test_a_refresh_sees_what_others_did(plugin: Plugin, aws: Aws) -> None:
    """Other tags, and that a resource is gone."""
    made = plugin.create(CLUSTER, {"tags": TAGS})
    assert plugin.read(made) == made
    arn = made.state["arn"]
    aws.client("ecs").untag_resource(resourceArn=arn, tagKeys=["Job"])
    seen = plugin.read(made)
    assert seen
    assert seen.state["tags"] == {"Owner": "team"}
    assert kinds(plugin.diff(seen, {"tags": TAGS})) == {"tags.Job": "ADD"}
    aws.client("ecs").delete_cluster(cluster=arn)
    assert plugin.read(made) is None
    plugin.delete(made)


def test_what_aws_sets_is_taken_for_a_change(plugin: Plugin, aws: Aws) -> None:
    """A service gets its cluster's capacity providers, and would be replaced to lose them."""
    cluster = plugin.create(CLUSTER, {})
    aws.client("ecs").put_cluster_capacity_providers(
        cluster=cluster.id,
        capacityProviders=["FARGATE"],
        defaultCapacityProviderStrategy=[{"capacityProvider": "FARGATE", "weight": 1}],
    )
    task = plugin.create(TASK, {"family": "taken", "containerDefinitions": json.dumps([CONTAINER])})
    service = {"cluster": cluster.id, "taskDefinition": task.state["arn"], "desiredCount": 1}
    made = plugin.create(SERVICE, service)
    found = plugin.diff(made, service)
    assert kinds(found) == {"capacityProviderStrategies": "DELETE_REPLACE"}
    assert not plugin.diff(made, service, ["capacityProviderStrategies"]).detailedDiff


def test_a_resource_that_cannot_be_completed_is_not_left(plugin: Plugin, aws: Aws) -> None:
    """A profile whose role does not exist is deleted again."""
    with pytest.raises(Exception, match=r"NoSuchEntity.*AddRoleToInstanceProfile"):
        plugin.create(PROFILE, {"name": "incomplete", "role": "nobody"})
    with pytest.raises(ClientError, match="NoSuchEntity"):
        aws.client("iam").get_instance_profile(InstanceProfileName="incomplete")


def test_a_preview_knows_what_is_known(plugin: Plugin, aws: Aws) -> None:
    """Nothing is created, what AWS will say is unknown, and what depends on that too."""
    previewed = plugin.create(ROLE, role(name="previewed", description=UNKNOWN), preview=True)
    assert previewed.state["arn"] == UNKNOWN
    assert previewed.state["name"] == "previewed"
    assert previewed.state["description"] == UNKNOWN
    with pytest.raises(ClientError, match="NoSuchEntity"):
        aws.client("iam").get_role(RoleName="previewed")
    template = plugin.create(TEMPLATE, {"imageId": "ami-1"})
    assert template.state["latestVersion"] == 1
    changed = plugin.update(template, {"imageId": "ami-2"}, preview=True)
    assert changed.state["latestVersion"] == UNKNOWN
    assert changed.state["arn"] == template.state["arn"]


def test_secrets_stay_secret(plugin: Plugin) -> None:
    """What is given as a secret is one in the state."""
    secret = {rpc._special_sig_key: rpc._special_secret_sig, "value": "hush"}
    made = plugin.create(ROLE, role(description=secret))
    assert made.state["description"] == secret


def test_a_wrong_account_is_refused(plugin: Plugin) -> None:
    """As by the real provider, before anything is done."""
    assert plugin
    Plugin(region="us-east-1", allowedAccountIds=json.dumps([ACCOUNT]))
    with pytest.raises(Exception, match=f"AWS account ID not allowed: {ACCOUNT}"):
        Plugin(region="us-east-1", allowedAccountIds='["210987654321"]')


def test_settings(plugin: Plugin) -> None:
    """One that the provider does not know is refused, and another region is another provider."""
    failures = plugin.config("CheckConfig", {"profile": "mine"}).failures
    assert [each.property for each in failures] == ["profile"]
    known = {"region": "us-east-1", "allowedAccountIds": "[]", "skipRegionValidation": "true"}
    assert not plugin.config("CheckConfig", known).failures
    assert not plugin.config("DiffConfig", known, known).replaces
    assert plugin.config("DiffConfig", {"region": "us-west-1"}, known).replaces == ["region"]


def test_no_account_is_reached_by_accident(plugin: Plugin, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the address of a server for tests it does not work at all."""
    assert plugin
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    with pytest.raises(Exception, match="this is a test provider"):
        Plugin(region="us-east-1")
