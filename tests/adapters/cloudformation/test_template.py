"""Units as templates."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cfn_flip
import pytest

from dativo_infra.adapters.cloudformation.template import (
    is_protected,
    limits,
    refusals,
    to_stack,
    to_stacks,
    to_template,
)
from dativo_infra.diagnostics import DiagnosticError, Location
from dativo_infra.names import Identity
from dativo_infra.planning.result import Unit
from dativo_infra.resources import Lifecycle
from dativo_infra.resources.kubernetes import KubernetesObject
from dativo_infra.values import Parameter

Template = Callable[[Unit], dict[str, Any]]

NAMESPACE = KubernetesObject(
    key="namespace",
    origin=Location("jobs/k8s.yaml", 7, 1),
    api_version="v1",
    kind="Namespace",
    name="orders",
)


def test_sections(emr_unit: Unit, template: Template) -> None:
    """The sections stand in their usual order, and the resources in the unit's."""
    made = template(emr_unit)
    assert list(made) == [
        "AWSTemplateFormatVersion",
        "Description",
        "Metadata",
        "Parameters",
        "Resources",
        "Outputs",
    ]
    assert list(made["Resources"]) == [
        "Logs",
        "ServiceRole",
        "InstanceRole",
        "InstanceProfile",
        "Security",
        "Cluster",
    ]
    assert all(next(iter(each)) == "Type" for each in made["Resources"].values())


def test_metadata_leads_back(emr_unit: Unit, template: Template) -> None:
    """The metadata says whose template it is and what parameters and outputs were called."""
    made = template(emr_unit)
    assert made["Metadata"]["DativoInfra"] == {
        "identity": "acme/prod/orders",
        "parameters": {
            "SubnetId": "SUBNET_ID",
            "SecurityGroupIds": "SECURITY_GROUP_IDS",
            "Owner": "OWNER",
        },
        "outputs": {
            "EmrClusterId": "emr_cluster_id",
            "EmrClusterArn": "emr_cluster_arn",
            "EmrMasterPublicDns": "emr_master_public_dns",
            "EmrLogBucket": "emr_log_bucket",
            "EmrFirstGroup": "emr_first_group",
            "EmrRelease": "emr_release",
        },
    }
    keys = [each["Metadata"]["DativoInfra"]["key"] for each in made["Resources"].values()]
    assert keys == [resource.key for resource in emr_unit.resources]


def test_outputs(emr_unit: Unit, template: Template) -> None:
    """Every export is an output, also a constant, described by its original name."""
    outputs = template(emr_unit)["Outputs"]
    assert [each["Description"] for each in outputs.values()] == list(emr_unit.exports)
    assert outputs["EmrLogBucket"]["Value"] == {"Ref": "Logs"}
    assert outputs["EmrRelease"]["Value"] == "emr-7.5.0"


def test_parameters_have_types(samples: dict[str, Any], unit: Any, template: Template) -> None:
    """Text is a String, a list a CommaDelimitedList, and a secret a String that is not shown."""
    role = replace(
        samples["service-role"],
        managed_policy_arns=(),
        policies={"p": {"a": Parameter("TOKEN", "secret"), "b": Parameter("MANY", "list")}},
        tags={"owner": Parameter("OWNER")},
    )
    assert template(unit(role))["Parameters"] == {
        "Owner": {"Type": "String", "Description": "${OWNER}"},
        "Many": {"Type": "CommaDelimitedList", "Description": "${MANY}"},
        "Token": {"Type": "String", "NoEcho": True, "Description": "${TOKEN}"},
    }


def test_only_used_parameters(samples: dict[str, Any], unit: Any, template: Template) -> None:
    """A parameter that stands only in what is lost, or in the unit's tags, is not asked for."""
    role, profile = samples["instance-role"], samples["instance-profile"]
    tagged = replace(profile, tags={"owner": Parameter("OWNER")})
    made = template(unit(samples["logs"], role, tagged, tags={"x": Parameter("OTHER")}))
    assert "Parameters" not in made


def test_lifecycle(samples: dict[str, Any], emr_unit: Unit, template: Template) -> None:
    """What is retained stays at deletion and replacement; what is not says nothing."""
    resources = template(emr_unit)["Resources"]
    assert resources["Logs"]["DeletionPolicy"] == "Retain"
    assert resources["Logs"]["UpdateReplacePolicy"] == "Retain"
    assert not resources["Cluster"].keys() & {"DeletionPolicy", "UpdateReplacePolicy"}
    assert samples["logs"].lifecycle.retain


def test_order_that_no_reference_shows(emr_unit: Unit, template: Template) -> None:
    """`after` becomes DependsOn, sorted, and is absent where there is none."""
    bucket, *others = emr_unit.resources
    later = replace(bucket, after=("service-role", "instance-role"))
    resources = template(replace(emr_unit, resources=(later, *others)))["Resources"]
    assert resources["Logs"]["DependsOn"] == ["InstanceRole", "ServiceRole"]
    assert "DependsOn" not in resources["Security"]


def test_protection_is_of_the_whole_stack(samples: dict[str, Any], unit: Any) -> None:
    """One protected resource protects the stack."""
    free = replace(samples["cluster"], lifecycle=Lifecycle())
    assert is_protected(unit(samples["logs"], samples["cluster"]))
    assert not is_protected(unit(samples["logs"], free))


def test_description_is_cut(samples: dict[str, Any], unit: Any, template: Template) -> None:
    """A long description is cut to 1024 bytes with its end, and no character in the middle."""
    signed = " (dativo-infra)"
    made = template(unit(samples["logs"], description="é" * 1000 + "x" * 100))
    assert made["Description"] == "é" * 504 + signed
    made = template(unit(samples["logs"], description="x" + "é" * 1000))
    assert len(made["Description"].encode()) == 1024
    assert template(unit(samples["logs"], description="Bucket"))["Description"] == f"Bucket{signed}"


def test_metadata_names_project_jobs_and_needs(samples: dict[str, Any], unit: Any) -> None:
    """One resource says whose it is: the template's own metadata cannot be updated by itself."""

    def facts(stack: Any) -> Any:
        [resource] = stack.document["Resources"].values()
        return resource["Metadata"]["DativoInfra"]["unit"]

    need = Identity("main", "cluster", "x")
    assert facts(to_stack(unit(samples["logs"], needs=(need,)), "fleet")) == {
        "project": "fleet",
        "identity": "acme/prod/orders",
        "jobs": ["acme/prod/orders"],
        "needs": ["main/cluster/x"],
    }
    [stack] = to_stacks([unit(samples["logs"])], "fleet")
    assert facts(stack)["project"] == "fleet"
    assert not facts(to_stack(unit(samples["logs"]))).keys() & {"project", "needs"}


def test_deterministic(emr_unit: Unit, samples: dict[str, Any]) -> None:
    """Equal units give equal text, whatever order the tags were written in."""
    backwards = dict(reversed(samples["logs"].tags.items()))
    other = replace(
        emr_unit,
        resources=(replace(samples["logs"], tags=backwards), *emr_unit.resources[1:]),
    )
    text = to_stack(emr_unit).json
    assert text == to_stack(other).json
    assert text.endswith("}\n")
    assert to_template(emr_unit) == to_template(other)


def test_yaml_says_the_same(emr_unit: Unit) -> None:
    """The YAML reads back as the JSON."""
    stack = to_stack(emr_unit)
    assert json.loads(cfn_flip.to_json(stack.to_yaml())) == json.loads(stack.json)


def test_refusal_says_where_and_who_can(unit: Any) -> None:
    """A refused resource is named with its place, the reason, and the tools that can."""
    [found] = refusals(unit(NAMESPACE), "cloudformation")
    assert found.code == "DI601"
    assert found.location == NAMESPACE.origin
    assert "cloudformation cannot build" in found.message
    assert "no resource type for objects inside a Kubernetes cluster" in found.message
    assert "pulumi" in found.remedy
    with pytest.raises(DiagnosticError, match=r"jobs/k8s\.yaml:7:1"):
        to_template(unit(NAMESPACE))


@pytest.mark.parametrize(
    ("what", "most"), [("resources", 500), ("parameters", 200), ("outputs", 200)]
)
def test_limits(samples: dict[str, Any], unit: Any, what: str, most: int) -> None:
    """A template at a limit is fine; one more is an error that names both counts."""

    def made(count: int) -> Unit:
        bucket = replace(samples["logs"], tags={})
        if what == "resources":
            return unit(*(replace(bucket, key=f"b{n}") for n in range(count)))
        if what == "parameters":
            tags = {f"k{n}": Parameter(f"P{n}") for n in range(count)}
            return unit(replace(bucket, tags=tags))
        return unit(bucket, exports={f"e{n}": "x" for n in range(count)})

    assert limits(to_stack(made(most))) == []
    [found] = limits(to_stack(made(most + 1)))
    assert (found.code, found.location) == ("DI602", samples["logs"].origin)
    assert f"has {most + 1} {what}" in found.message


def test_limit_of_bytes(samples: dict[str, Any], unit: Any) -> None:
    """A template of more than 1 MB is an error, counted in bytes."""
    large = unit(replace(samples["logs"], tags={"k": "é" * 500_000}))
    [found] = limits(to_stack(large))
    assert "bytes" in found.message


def test_all_problems_at_once(samples: dict[str, Any], unit: Any) -> None:
    """Refusals and limits of all units are in one error."""
    large = unit(replace(samples["logs"], tags={"k": "x" * 1_000_000}))
    with pytest.raises(DiagnosticError) as caught:
        to_stacks([unit(NAMESPACE), large])
    assert [each.code for each in caught.value.diagnostics] == ["DI602", "DI601"]
