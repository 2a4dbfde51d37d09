"""An outside judge: cfn-lint, with AWS's own schemas."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from cfnlint.api import lint

from dativo_infra.adapters.cloudformation.template import to_stack
from dativo_infra.values import Parameter

if TYPE_CHECKING:
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


def test_cfn_lint_judges(emr_unit: Unit) -> None:
    """The judge is awake: a template with an unknown property does not pass."""
    text = to_stack(emr_unit).json.replace('"LogUri"', '"LogUrl"')
    assert lint(text, regions=["eu-west-1"])
