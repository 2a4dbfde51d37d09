"""Tokens and names in CloudFormation's form."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER
from hypothesis import given
from hypothesis import strategies as st

from dativo_infra.adapters.cloudformation.lowerings import LOWERINGS
from dativo_infra.adapters.cloudformation.template import to_stack
from dativo_infra.adapters.cloudformation.values import (
    ATTRIBUTES,
    Scope,
    logical_id,
    output_name,
    parameter_name,
)
from dativo_infra.values import Concat, Parameter, Pseudo, Ref, Select, Split, Token

if TYPE_CHECKING:
    from dativo_infra.planning.result import Unit

_ENDINGS = {"name": "Name", "id": "Id", "arn": ("Arn", "/Id")}
"""How a schema calls each identifier; a secret's id is its ARN."""


def plain(value: Any) -> Any:
    """Return troposphere's objects as plain data."""
    return json.loads(json.dumps(value, default=lambda each: each.to_dict()))


@pytest.mark.parametrize(
    ("token", "form"),
    [
        (Ref("logs", "name"), {"Ref": "Logs"}),
        (Ref("logs", "arn"), {"Fn::GetAtt": ["Logs", "Arn"]}),
        (Ref("instance-role", "name"), {"Ref": "InstanceRole"}),
        (Ref("instance-role", "arn"), {"Fn::GetAtt": ["InstanceRole", "Arn"]}),
        (Ref("instance-profile", "name"), {"Ref": "InstanceProfile"}),
        (Ref("instance-profile", "arn"), {"Fn::GetAtt": ["InstanceProfile", "Arn"]}),
        (Ref("security", "name"), {"Ref": "Security"}),
        (Ref("cluster", "id"), {"Ref": "Cluster"}),
        (Ref("cluster", "master_public_dns"), {"Fn::GetAtt": ["Cluster", "MasterPublicDNS"]}),
        (Parameter("OWNER"), {"Ref": "Owner"}),
        (Pseudo("account_id"), {"Ref": "AWS::AccountId"}),
        (Pseudo("region"), {"Ref": "AWS::Region"}),
        (Pseudo("partition"), {"Ref": "AWS::Partition"}),
        (
            Concat(("s3://", Ref("logs", "name"), "/${aws:username}")),
            {"Fn::Join": ["", ["s3://", {"Ref": "Logs"}, "/${aws:username}"]]},
        ),
        (
            Select(Split("/", Ref("logs", "arn")), 1),
            {"Fn::Select": [1, {"Fn::Split": ["/", {"Fn::GetAtt": ["Logs", "Arn"]}]}]},
        ),
        (
            Select((Parameter("A"), "b"), 0),
            {"Fn::Select": [0, [{"Ref": "A"}, "b"]]},
        ),
    ],
)
def test_token_forms(samples: dict[str, Any], token: Token, form: Any) -> None:
    """Each token has its form, also deep inside lists and mappings."""
    scope = Scope(list(samples.values())[:-1])
    assert plain(scope.lower({"x": ["y", token]})) == {"x": ["y", form]}


def test_cluster_arn_is_put_together(samples: dict[str, Any]) -> None:
    """A cluster's ARN, which CloudFormation does not return, is made from its id."""
    form = plain(Scope([samples["cluster"]]).lower(Ref("cluster", "arn")))
    text = "".join(part if isinstance(part, str) else part["Ref"] for part in form["Fn::Join"][1])
    assert text == (
        "arn:AWS::Partition:elasticmapreduce:AWS::Region:AWS::AccountId:cluster/Cluster"
    )


def test_every_attribute_is_mapped() -> None:
    """Every attribute of every kind that is built can be referred to, and no other."""
    assert {kind: set(forms) for kind, forms in ATTRIBUTES.items()} == {
        kind: set(kind.ATTRIBUTES) for kind in LOWERINGS
    }


TASK_FORMS: dict[tuple[str, str], Any] = {
    ("cluster", "name"): {"Ref": "Cluster"},
    ("cluster", "arn"): {"Fn::GetAtt": ["Cluster", "Arn"]},
    ("capacity", "name"): {"Ref": "Capacity"},
    ("task", "arn"): {"Ref": "Task"},
    ("service", "name"): {"Fn::GetAtt": ["Service", "Name"]},
    ("service", "arn"): {"Fn::GetAtt": ["Service", "ServiceArn"]},
    ("task-logs", "name"): {"Ref": "TaskLogs"},
    ("secret", "arn"): {"Ref": "Secret"},
    ("launch-template", "id"): {"Ref": "LaunchTemplate"},
    ("launch-template", "latest_version"): {
        "Fn::GetAtt": ["LaunchTemplate", "LatestVersionNumber"]
    },
    ("machines", "name"): {"Ref": "Machines"},
    ("machines", "arn"): {"Fn::GetAtt": ["Machines", "AutoScalingGroupARN"]},
    ("schedule", "name"): {"Ref": "Schedule"},
    ("schedule", "arn"): {"Fn::GetAtt": ["Schedule", "Arn"]},
}


@pytest.mark.parametrize(("reference", "form"), TASK_FORMS.items())
def test_attributes_of_tasks(ec2_unit: Unit, reference: tuple[str, str], form: Any) -> None:
    """Each attribute of what runs tasks has its form."""
    assert plain(Scope(ec2_unit.resources).lower(Ref(*reference))) == form


@pytest.mark.parametrize("shape", ["emr_unit", "fargate_unit", "ec2_unit"])
def test_attributes_are_what_the_types_return(request: Any, shape: str) -> None:
    """`Fn::GetAtt` takes what a type's schema says is read only, and `Ref` one identifier."""
    unit = request.getfixturevalue(shape)
    scope = Scope(unit.resources)
    types = {
        name: each["Type"] for name, each in json.loads(to_stack(unit).json)["Resources"].items()
    }
    for resource in unit.resources:
        name = scope.logical_ids[resource.key]
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("eu-west-1", types[name]).schema
        for attribute in resource.ATTRIBUTES:
            match plain(scope.lower(Ref(resource.key, attribute))):
                case {"Ref": _}:
                    [identifier] = schema["primaryIdentifier"]
                    assert identifier.endswith(_ENDINGS[attribute])
                case {"Fn::GetAtt": [_, returned]}:
                    assert f"/properties/{returned}" in schema["readOnlyProperties"]


@pytest.mark.parametrize(
    ("name", "rendered"),
    [("EMR_CLUSTER_ID", "EmrClusterId"), ("S3_BUCKET", "S3Bucket"), ("OWNER", "Owner")],
)
def test_parameter_names(name: str, rendered: str) -> None:
    """A variable in capitals and underscores gets a name without a hash."""
    assert parameter_name(name) == rendered


def test_output_and_logical_names() -> None:
    """Exports in small letters and keys with hyphens get names without a hash."""
    assert output_name("emr_cluster_id") == "EmrClusterId"
    assert logical_id("instance-role") == "InstanceRole"


@pytest.mark.parametrize(
    "names",
    [
        ("EMR_ID", "Emr_Id", "emr_id", "EMRID", "EMR__ID", "EMR-ID", "_EMR_ID", "EmrId"),
        ("VPC1", "VPC_1", "1VPC", "1_VPC"),
        ("Ä", "Ö", "_", "__", ""),
        ("A" * 300, "A" * 301),
    ],
)
def test_names_do_not_meet(names: tuple[str, ...]) -> None:
    """Names that differ only in what is lost are told apart by a hash, and are legal."""
    rendered = {parameter_name(name) for name in names}
    assert len(rendered) == len(names)
    assert all(re.fullmatch("[A-Za-z0-9]{1,255}", name) for name in rendered)


@given(st.lists(st.text(alphabet="aB1_-é", max_size=12), unique=True, max_size=8))
def test_no_two_names_meet(names: list[str]) -> None:
    """Whatever the names are, no two have one rendering, in any of the three kinds."""
    for render in (parameter_name, output_name, logical_id):
        assert len({render(name) for name in names}) == len(names)


def test_parameter_called_like_a_resource(samples: dict[str, Any]) -> None:
    """A parameter steps aside for a resource, as both share one name space."""
    scope = Scope([samples["cluster"]])
    name = plain(scope.lower(Parameter("CLUSTER")))["Ref"]
    assert re.fullmatch("Cluster[0-9a-f]{6}", name)


def test_variable_as_text_and_list() -> None:
    """One variable used as text and as a list is two parameters; used twice alike it is one."""
    scope = Scope([])
    scope.lower([Parameter("X"), Parameter("X", "list"), Parameter("X")])
    assert len(set(scope.parameters.values())) == len(scope.parameters) == 2


def test_the_last_part_of_a_parameter(samples: dict[str, Any]) -> None:
    """CloudFormation cannot count from the end, so the parameter may be cut only once."""
    scope = Scope([samples["cluster"]])
    role = Parameter("ROLE")
    form = plain(scope.lower(Select(Split("/", role), -1)))
    assert form == {"Fn::Select": [1, {"Fn::Split": ["/", {"Ref": "Role"}]}]}
    (pattern,) = scope.patterns.values()
    assert re.fullmatch(pattern, "arn:aws:iam::123456789012:role/runner")
    assert not re.fullmatch(pattern, "arn:aws:iam::123456789012:role/data/runner")
