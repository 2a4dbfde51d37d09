"""CloudFormation embedded in the process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from dativo_infra.adapters.cloudformation.deploy import clients_of, deploy, open_session
from dativo_infra.adapters.cloudformation.local import (
    GAPS,
    create_references,
    create_roles,
    embedded,
    tags_of,
)
from dativo_infra.adapters.results import Action
from dativo_infra.project import PlacedTarget
from dativo_infra.resources.ecs import EcsService
from dativo_infra.resources.kinds import is_taggable
from dativo_infra.values import Parameter, Ref, Select, Split, show

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dativo_infra.planning.result import Unit

VALUES = {"SUBNET_ID": "subnet-1", "SECURITY_GROUP_IDS": "sg-1", "OWNER": "me"}


def test_tags_are_read_back(emr_unit: Unit) -> None:
    """What exists has the tags of the plan, as each service reports them, also after an update."""
    with embedded() as unsupported:
        session = open_session()
        for owner, team in (("me", "data"), ("you", "other")):
            resources = tuple(
                replace(each, tags={**each.tags, "team": team}) if is_taggable(type(each)) else each  # pyright: ignore[reportAttributeAccessIssue]
                for each in emr_unit.resources
            )
            unit = replace(emr_unit, resources=resources)
            values = {**VALUES, "OWNER": owner}
            results = deploy([unit], clients=clients_of(session), parameters=values)
            found = {each.key: each for each in tags_of(session, results)}
            assert list(found) == [resource.key for resource in unit.resources]
            for resource in unit.resources:
                tags = found[resource.key].tags
                if resource.key in {"instance-profile", "security"}:
                    assert tags is None
                else:
                    wanted = show(resource.tags)  # pyright: ignore[reportAttributeAccessIssue]
                    if "owner" in wanted:
                        wanted["owner"] = owner
                    assert tags == wanted
            assert found["cluster"].note == GAPS["AWS::EMR::Cluster"]
            assert found["logs"].id == results[0].outputs["emr_log_bucket"]
        assert unsupported == []


@pytest.mark.parametrize("fixture", ["fargate_unit", "ec2_unit"])
def test_units_of_tasks(request: pytest.FixtureRequest, fixture: str) -> None:
    """A unit is created, found unchanged, changed in a tag of each resource, and deleted."""
    made: Unit = request.getfixturevalue(fixture)
    retagged = tuple(
        replace(each, tags={**each.tags, "team": "other"}) if is_taggable(type(each)) else each  # pyright: ignore[reportAttributeAccessIssue]
        for each in made.resources
    )
    values = {**VALUES, "SUBNET_IDS": "subnet-1,subnet-2", "DB_PASSWORD": "p"}
    values |= {"BUCKET": "b", "INSTANCE_TYPE": "m5.large"}
    with embedded() as unsupported:
        session = open_session()
        create_references(session, [made], values)
        for unit, action in (
            (made, Action.CREATED),
            (made, Action.UNCHANGED),
            (replace(made, resources=retagged), Action.UPDATED),
        ):
            [result] = deploy([unit], clients=clients_of(session), parameters=values)
            assert (result.action, result.diagnostic) == (action, None)
            found = {each.key: each for each in tags_of(session, [result])}
            assert found.keys() == {each.key for each in unit.resources}
            for resource in unit.resources:
                if (tags := found[resource.key].tags) is not None:
                    wanted = show(resource.tags)  # pyright: ignore[reportAttributeAccessIssue]
                    assert tags == {**wanted, **({"owner": "me"} if "owner" in wanted else {})}
        kinds = {each.type for each in found.values() if each.tags is not None}
        assert {"AWS::ECS::Service", "AWS::ECS::TaskDefinition", "AWS::Logs::LogGroup"} <= kinds
        assert unsupported == []


def test_role_tags_are_those_of_iam(emr_unit: Unit) -> None:
    """The tags of a role, which a stack's own tags would not reach, are in IAM."""
    with embedded():
        session = open_session()
        results = deploy([emr_unit], clients=clients_of(session), parameters=VALUES)
        role = next(each for each in tags_of(session, results) if each.key == "instance-role")
        tags = session.client("iam").list_role_tags(RoleName=role.id)["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == role.tags == show(emr_unit.tags)


def test_failed_stacks_have_no_resources(emr_unit: Unit) -> None:
    """Nothing is asked for a stack that failed."""
    with embedded():
        session = open_session()
        [result] = deploy([emr_unit], clients=clients_of(session), parameters=VALUES)
        failed = replace(result, action=Action.FAILED, diagnostic=_any_diagnostic())
        assert tags_of(session, [failed]) == []


def _any_diagnostic() -> Any:
    from dativo_infra.diagnostics.rules import DEPLOY_FAILED

    return DEPLOY_FAILED.at(None)


def test_unknown_types_are_collected() -> None:
    """A type that the embedded CloudFormation does not know is told once, not warned of."""
    template = {"Resources": {name: {"Type": "AWS::EKS::Thing"} for name in ("A", "B")}}
    with embedded() as unsupported:
        client = open_session().client("cloudformation")
        client.create_stack(StackName="x", TemplateBody=json.dumps(template))
        assert unsupported == ["AWS::EKS::Thing"]


def test_other_warnings_are_shown() -> None:
    """Warnings of others are not swallowed."""
    with pytest.warns(UserWarning, match="something else"), embedded() as unsupported:
        warnings.warn("something else", UserWarning, stacklevel=1)
    assert unsupported == []


def test_environment_is_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody's credentials, profile and endpoint are out of reach inside, and back after."""
    theirs = {
        "AWS_ACCESS_KEY_ID": "theirs",
        "AWS_PROFILE": "theirs",
        "AWS_ENDPOINT_URL": "http://localhost:1",
    }
    for name, value in theirs.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    before = dict(os.environ)
    with embedded(region="eu-central-1"):
        session = open_session()
        assert session.region_name == "eu-central-1"
        assert session.get_credentials().access_key != "theirs"
        assert session.client("sts").get_caller_identity()["Account"] == "123456789012"
        assert not {"AWS_PROFILE", "AWS_ENDPOINT_URL"} & os.environ.keys()
    assert dict(os.environ) == before


def test_nothing_is_kept(emr_unit: Unit) -> None:
    """What was made in one embedded AWS is not in the next, and moto is as it was."""
    from moto.cloudformation import parsing
    from moto.cloudformation.models import CloudFormationBackend as Backend

    before = (Backend.execute_change_set, parsing.resource_class_from_type)
    for _ in range(2):
        with embedded():
            session = open_session()
            [result] = deploy([emr_unit], clients=clients_of(session), parameters=VALUES)
            assert result.action is Action.CREATED
    assert (Backend.execute_change_set, parsing.resource_class_from_type) == before


def test_references_exist(unit: Any) -> None:
    """Subnets, groups and clusters that units name are there, in their region, once each."""
    service = EcsService(
        key="service",
        cluster=Select(Split("/", Parameter("CLUSTER")), -1),
        task_definition=Ref("task", "arn"),
        desired_count=1,
        subnet_ids=Parameter("SUBNETS", "list"),
        security_group_ids=("sg-1", Parameter("GROUP")),
        tags={},
    )
    own = replace(service, key="own", cluster=Ref("cluster", "name"), subnet_ids=("subnet-1",))
    arn = "arn:aws:ecs:eu-west-1:123456789012:cluster/named"
    named = replace(service, key="named", cluster=arn, subnet_ids=Parameter("UNKNOWN", "list"))
    values = {
        "CLUSTER": "arn:aws:ecs:eu-west-1:123456789012:cluster/shared",
        "SUBNETS": "subnet-1,subnet-2",
        "GROUP": "sg-2",
    }
    elsewhere = unit(replace(service, subnet_ids=("subnet-3",)), target=PlacedTarget(name="x"))
    with embedded():
        session = open_session()
        for _ in range(2):
            create_references(session, [unit(service, own, named), elsewhere], values)
        ec2, ecs = (session.client(each, region_name="eu-west-1") for each in ("ec2", "ecs"))
        subnets = ec2.describe_subnets(SubnetIds=["subnet-1", "subnet-2"])["Subnets"]
        assert len({each["AvailabilityZone"] for each in subnets}) == 2
        assert len({each["CidrBlock"] for each in subnets}) == 2
        ec2.describe_security_groups(GroupIds=["sg-1", "sg-2"])
        assert ecs.describe_clusters(clusters=["named", "shared"])["failures"] == []
        assert len(ecs.list_clusters()["clusterArns"]) == 2
        # That which is there from the start, and one for what is named.
        assert len(ec2.describe_vpcs()["Vpcs"]) == 2
        assert session.client("ec2").describe_subnets(SubnetIds=["subnet-3"])["Subnets"]


def test_references_of_nothing(emr_unit: Unit) -> None:
    """Units that name nothing known need nothing."""
    with embedded():
        session = open_session()
        before = len(session.client("ec2", region_name="eu-west-1").describe_vpcs()["Vpcs"])
        create_references(session, [replace(emr_unit, resources=())], {})
        create_references(session, [emr_unit], {})
        assert len(session.client("ec2", "eu-west-1").describe_vpcs()["Vpcs"]) == before


def test_roles_exist() -> None:
    """Roles that jobs name are there with their paths."""
    arns = [f"arn:aws:iam::123456789012:role/{name}" for name in ("a", "path/to/b", "a")]
    with embedded():
        session = open_session()
        create_roles(session, arns)
        roles = session.client("iam").list_roles()["Roles"]
        assert sorted(each["Arn"] for each in roles) == sorted(set(arns))


def test_serve() -> None:
    """Over HTTP the same AWS answers many at once, builds all types, and ends when told to."""
    code = "from dativo_infra.adapters.cloudformation.local import serve; serve()"
    template = {
        "Resources": {
            "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 7}},
            "Cluster": {"Type": "AWS::ECS::Cluster"},
            "Task": {
                "Type": "AWS::ECS::TaskDefinition",
                "Properties": {
                    "Cpu": "256",
                    "ContainerDefinitions": [{"Name": "a", "Image": "b", "Memory": 128}],
                },
            },
            "Service": {
                "Type": "AWS::ECS::Service",
                "Properties": {"Cluster": {"Ref": "Cluster"}, "TaskDefinition": {"Ref": "Task"}},
            },
            "Bucket": {"Type": "AWS::S3::Bucket"},
            "Unknown": {"Type": "AWS::EKS::Thing"},
        }
    }
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout
            url = process.stdout.readline().strip()
            session = boto3.Session("a", "b", region_name="eu-west-1")
            options: Any = {"endpoint_url": url}
            cfn = session.client("cloudformation", **options)

            def deploy_one(number: int) -> str:
                name = f"stack-{number}"
                made = cfn.create_change_set(
                    StackName=name,
                    ChangeSetName="x",
                    ChangeSetType="CREATE",
                    TemplateBody=json.dumps(template),
                )
                cfn.execute_change_set(ChangeSetName=made["Id"])
                stack = cfn.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
                if number % 2:
                    cfn.delete_stack(StackName=name)
                return stack

            with ThreadPoolExecutor(8) as pool:
                assert set(pool.map(deploy_one, range(16))) == {"CREATE_COMPLETE"}
            groups = session.client("logs", **options).describe_log_groups()["logGroups"]
            assert [each["retentionInDays"] for each in groups] == [7] * 8
            clusters = session.client("ecs", **options).list_clusters()["clusterArns"]
            assert len(clusters) == 8
            assert len(session.client("s3", **options).list_buckets()["Buckets"]) == 8
        finally:
            process.terminate()
        _, errors = process.communicate(timeout=10)
    assert process.returncode == 0
    assert errors == "AWS::EKS::Thing is not known, and was not created\n"


def test_serve_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request waits until the answer to another is whole."""
    from dativo_infra.adapters.cloudformation.local import server

    entered: list[int] = []
    overlaps: list[int] = []

    def application(*_: Any) -> Iterator[bytes]:
        overlaps.extend(entered)
        entered.append(1)
        time.sleep(0.01)
        yield b"answer"
        entered.pop()

    monkeypatch.setattr(server, "DomainDispatcherApplication", lambda _: application)
    answers = server._OneAtATime([])
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: answers({}, None)[0], range(8))) == {b"answer"}
    assert overlaps == []
