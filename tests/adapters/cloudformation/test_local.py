"""CloudFormation embedded in the process."""

from __future__ import annotations

import json
import os
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from dativo_infra.adapters.cloudformation.deploy import Action, clients_of, deploy, open_session
from dativo_infra.adapters.cloudformation.local import GAPS, embedded, tags_of
from dativo_infra.resources.kinds import is_taggable
from dativo_infra.values import show

if TYPE_CHECKING:
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
    from moto.cloudformation.models import ChangeSet

    before = ChangeSet.apply
    for _ in range(2):
        with embedded():
            session = open_session()
            [result] = deploy([emr_unit], clients=clients_of(session), parameters=VALUES)
            assert result.action is Action.CREATED
    assert ChangeSet.apply is before
