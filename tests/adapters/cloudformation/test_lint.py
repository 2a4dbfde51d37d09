"""Outside judges: cfn-lint, with AWS's own schemas, and botocore, with those of the services."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from botocore.validate import ParamValidator
from cfnlint.api import lint

from dativo_infra.adapters.cloudformation.template import to_stack
from dativo_infra.values import Parameter

if TYPE_CHECKING:
    from collections.abc import Callable

    from dativo_infra.planning.result import Unit


@pytest.mark.parametrize("shape", ["groups", "fleets", "bare"])
def test_cfn_lint_is_content(
    emr_unit: Unit, fleet_unit: Unit, samples: dict[str, Any], shape: str
) -> None:
    """A template of each shape passes cfn-lint without errors and warnings."""
    bare = replace(
        samples["cluster"],
        after=(),
        managed_scaling=None,
        security_configuration=None,
        idle_timeout_seconds=None,
        additional_security_group_ids=(),
        subnet_ids=Parameter("SUBNET_IDS", "list"),
    )
    key = replace(samples["logs"], kms_key=Parameter("KMS_KEY_ARN"), expire_after_days=None)
    made = {
        "groups": emr_unit,
        "fleets": fleet_unit,
        "bare": replace(emr_unit, resources=(key, *emr_unit.resources[1:-1], bare)),
    }[shape]
    assert [str(match) for match in lint(to_stack(made).json, regions=["eu-west-1"])] == []


def test_cfn_lint_is_content_with_tasks(fargate_unit: Unit, ec2_unit: Unit) -> None:
    """Tasks on Fargate and on machines pass without errors and warnings."""
    for made in (fargate_unit, ec2_unit):
        assert [str(match) for match in lint(to_stack(made).json, regions=["eu-west-1"])] == []


def test_cfn_lint_judges(emr_unit: Unit) -> None:
    """The judge is awake: a template with an unknown property does not pass."""
    text = to_stack(emr_unit).json.replace('"LogUri"', '"LogUrl"')
    assert lint(text, regions=["eu-west-1"])


OPERATIONS: dict[str, tuple[str, str, dict[str, str]]] = {
    "cluster-capacity": ("ecs", "PutClusterCapacityProviders", {}),
    "capacity": ("ecs", "CreateCapacityProvider", {"Name": "x"}),
    "task": ("ecs", "RegisterTaskDefinition", {}),
    "service": ("ecs", "CreateService", {"ServiceName": "x"}),
    "launch-template": ("ec2", "CreateLaunchTemplate", {"LaunchTemplateName": "x"}),
    "scaling-cpu": ("application-autoscaling", "PutScalingPolicy", {}),
    "schedule": ("scheduler", "CreateSchedule", {"Name": "x"}),
    "secret": ("secretsmanager", "CreateSecret", {"Name": "x"}),
}
"""Resources whose properties are called as the parameters of the operation that creates them, with
the name that CloudFormation gives by itself."""


def _as_request(properties: Any, shape: Any) -> Any:
    """Return properties as parameters of an operation, with something in place of each function.

    Raises:
        KeyError: the operation has no parameter of a name.
        AssertionError: it does not have a value among its choices.
    """
    if isinstance(properties, dict):
        if {"Ref", "Fn::GetAtt", "Fn::Join", "Fn::Base64"} & properties.keys():
            return ["x"] if shape.type_name == "list" else "x"
        if shape.type_name == "map":
            return {key: _as_request(each, shape.value) for key, each in properties.items()}
        names = {name.lower(): name for name in shape.members}
        return {
            names[key.lower()]: _as_request(each, shape.members[names[key.lower()]])
            for key, each in properties.items()
        }
    if isinstance(properties, list):
        return [_as_request(each, shape.member) for each in properties]
    if choices := getattr(shape, "enum", None):
        assert properties in choices
    return properties


@pytest.mark.parametrize("shape", ["fargate_unit", "ec2_unit"])
def test_services_take_the_same(
    request: pytest.FixtureRequest, template: Callable[[Unit], dict[str, Any]], shape: str
) -> None:
    """Where names correspond, the services' own operations would take what the template says."""
    session = botocore.session.get_session()
    for resource in template(request.getfixturevalue(shape))["Resources"].values():
        key = resource["Metadata"]["DativoInfra"]["key"]
        if key not in OPERATIONS:
            continue
        service, operation, generated = OPERATIONS[key]
        expected = session.get_service_model(service).operation_model(operation).input_shape
        parameters = _as_request({**generated, **resource["Properties"]}, expected)
        assert ParamValidator().validate(parameters, expected).generate_report() == ""
