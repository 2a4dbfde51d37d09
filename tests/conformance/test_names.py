"""No name in any output is one that its system refuses, however odd a job is called."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any

import cases
import pytest

from dativo_infra.adapters.cloudformation.template import to_stacks
from dativo_infra.names import PULUMI, STACK, Identity
from dativo_infra.planning import Plan, Unit, plan

if TYPE_CHECKING:
    from dativo_infra.testing import Recording, Registration

ODD = (
    "orders_v2.final",
    "ORDERS to Lake",
    "2024-orders",
    "-_-",
    "a",
    "orders--to--lake",
    "x" * 120,
    "very_long_name_of_a_job_that_ingests_" * 3,
    "Bestellungen_Größe",
)

# Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/
LOGICAL_ID = re.compile(r"[A-Za-z0-9]{1,255}")
STACK_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")

# Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
# Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
# Pulumi makes a physical name of the resource's own by adding a hyphen and seven digits.
# Source: https://www.pulumi.com/docs/iac/concepts/resources/names/#autonaming
_AUTO = 8
# The AWS provider adds 26 characters to a prefix.
_PREFIXED = 26
_REFERENCE = re.compile(r"<([^<>]+)\.name>")
"""The name of another resource, which the tool makes up."""
AWS_NAMES: dict[str, tuple[str, str, str, int]] = {
    "aws:iam/role:Role": ("name", "namePrefix", r"[\w+=,.@-]+", 64),
    "aws:iam/instanceProfile:InstanceProfile": ("name", "namePrefix", r"[\w+=,.@-]+", 128),
    "aws:iam/rolePolicy:RolePolicy": ("name", "namePrefix", r"[\w+=,.@-]+", 128),
    "aws:s3/bucket:Bucket": ("bucket", "bucketPrefix", r"[a-z0-9][a-z0-9-]+", 63),
    "aws:emr/cluster:Cluster": ("name", "", r"[^<>$|`]+", 256),
    "aws:emr/securityConfiguration:SecurityConfiguration": ("name", "namePrefix", r"[ -~]+", 10280),
    # Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/ and those of the others
    "aws:appautoscaling/policy:Policy": ("name", "", r"[ -~]+", 256),
    "aws:autoscaling/group:Group": ("name", "namePrefix", r"[!-9;-~]+", 255),
    "aws:cloudwatch/logGroup:LogGroup": ("name", "namePrefix", r"[\w./#-]+", 512),
    "aws:ec2/launchTemplate:LaunchTemplate": ("name", "namePrefix", r"[\w().\-/]{3,}", 128),
    "aws:ecs/capacityProvider:CapacityProvider": ("name", "", r"(?!aws|ecs|fargate)[\w-]+", 255),
    "aws:ecs/cluster:Cluster": ("name", "", r"[\w-]+", 255),
    "aws:ecs/service:Service": ("name", "", r"[\w-]+", 255),
    "aws:ecs/taskDefinition:TaskDefinition": ("family", "", r"[\w-]+", 255),
    "aws:scheduler/schedule:Schedule": ("name", "namePrefix", r"[\w.-]+", 64),
    "aws:secretsmanager/secret:Secret": ("name", "namePrefix", r"[\w/+=.@-]+", 512),
}
"""By type: the property that names it, the one for a prefix, what is legal, and the longest."""

# Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
LABEL = r"[a-z]([a-z0-9-]*[a-z0-9])?"
SUBDOMAIN = r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?"
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")
LABEL_KEY = re.compile(rf"({SUBDOMAIN}/)?[A-Za-z0-9]([A-Za-z0-9_.-]{{0,61}}[A-Za-z0-9])?")
LONGEST = {"Namespace": 63, "CronJob": 52}
NARROW = {"Namespace"}


@cache
def odd_plan(tool: str) -> Plan:
    """Return the plan of jobs with odd names, on all platforms."""
    documents = {f"{name}": cases.emr(variables={"enable_encryption": True}) for name in ODD}
    scheduled = {"run": "schedule", "schedule": "0 3 * * *"}
    tasks = {
        "ecs": cases.ecs(variables=scheduled),
        "kept": cases.ecs(count=None, scaling=(1, 2), resources={"cache": cases.CACHE}),
        "fargate": cases.fargate(variables={**scheduled, "enable_spot_instances": True}),
    }
    documents |= {f"{on} {name}": document for on, document in tasks.items() for name in ODD}
    # What AWS keeps for itself at the beginning of some names.
    for word in ("aws", "ecs", "fargate"):
        documents[f"of {word}"] = cases.ecs(tenant=word)
        documents[f"in {word}"] = cases.ecs(tenant=word, variables={"cluster_name": f"{word}-all"})
    if tool != "cloudformation":
        documents |= {f"k8s {name}": cases.kubernetes(namespace="odd") for name in ODD}
        pooled = {"run": "task", "enable_instance_pool": True}
        documents |= {f"dbx {name}": cases.databricks(variables=pooled) for name in ODD}
        documents |= {f"dbx for all {name}": cases.databricks() for name in ODD}
        documents |= {"k8s": cases.kubernetes(runtime={"service_account": cases.ROLE_ARN + "_X"})}
    return plan(cases.load_jobs(documents), provider=tool)


@cache
def odd_recording() -> Recording:
    """Return what Pulumi registers for the jobs with odd names that are legal."""
    return cases.record_units(odd_plan("pulumi").units)


def all_units(tool: str) -> list[tuple[Unit, ...]]:
    """Return the units of the suite and those of this module, which are never deployed together."""
    return [cases.units(tool), odd_plan(tool).units]


def registrations() -> list[Registration]:
    """Return all registrations of the suite and of this module."""
    return [*cases.recording(), *odd_recording()]


def test_odd_names_are_planned() -> None:
    """An odd name is no error: it is changed and gets digits of its hash."""
    planned = {identity.name for unit in odd_plan("pulumi").units for identity in unit.jobs}
    refused = [each for each in odd_plan("pulumi").diagnostics if each.severity == "error"]
    assert not refused
    assert set(ODD) <= planned


def test_stacks_have_legal_names() -> None:
    """A stack's name is as CreateStack wants it, and no two are equal."""
    for units in all_units("cloudformation"):
        names = [unit.name(STACK) for unit in units]
        assert [name for name in names if not STACK_NAME.fullmatch(name)] == []
        assert len({name.casefold() for name in names}) == len(names)


@pytest.mark.parametrize("section", ["Resources", "Parameters", "Outputs"])
def test_logical_ids_are_legal(section: str) -> None:
    """Logical ids are letters and digits, and no two of a template differ in case only."""
    for unit in cases.units("cloudformation"):
        ids = list(cases.template(cases.label(unit)).get(section, {}))
        assert [each for each in ids if not LOGICAL_ID.fullmatch(each)] == []
        assert len({each.casefold() for each in ids}) == len(ids)


def test_sections_of_a_template_do_not_share_ids() -> None:
    """A parameter is never called as a resource is: `Ref` could mean either."""
    for unit in cases.units("cloudformation"):
        template = cases.template(cases.label(unit))
        assert not set(template["Resources"]) & set(template.get("Parameters", {}))


@pytest.mark.parametrize("type_", AWS_NAMES)
def test_cloud_names_are_legal_under_pulumi(type_: str) -> None:
    """A name that is given, and one that the tool makes up, is one that AWS takes."""
    property_, prefix, legal, longest = AWS_NAMES[type_]
    found = [each for each in registrations() if each.type == type_]
    assert found
    for each in found:
        if property_ in each.inputs:
            name, room = _REFERENCE.sub(rf"\1{'x' * _AUTO}", each.inputs[property_]), 0
        elif prefix in each.inputs:
            name, room = each.inputs[prefix], _PREFIXED
        else:
            name, room = each.name, _AUTO
        assert re.fullmatch(legal, name, re.ASCII if type_ != "aws:emr/cluster:Cluster" else 0), (
            name
        )
        assert len(name) + room <= longest, name


def test_names_of_every_cloud_type_are_checked() -> None:
    """A type that has a physical name and is new in the output is not passed over."""
    nameless = {
        "aws:appautoscaling/target:Target",
        "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders",
        "aws:emr/managedScalingPolicy:ManagedScalingPolicy",
        "aws:secretsmanager/secretVersion:SecretVersion",
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    }
    found = {each.type for each in registrations() if each.type.startswith("aws:")}
    assert found == nameless | set(AWS_NAMES)


@pytest.mark.parametrize(
    ("type_", "property_"),
    [
        ("databricks:index/cluster:Cluster", "clusterName"),
        ("databricks:index/instancePool:InstancePool", "instancePoolName"),
        ("databricks:index/job:Job", "name"),
    ],
)
def test_databricks_names_are_legal_and_unique(type_: str, property_: str) -> None:
    """A name is given, short enough, and no two of a workspace are equal, as pools must not be.

    Source: https://docs.databricks.com/api/workspace/instancepools/create
    """
    for recording in (cases.recording(), odd_recording()):
        found = [
            (each.provider, each.inputs[property_])
            for each in recording.of_type(type_)
            if "by-hand" not in each.name
        ]
        assert found
        assert all(re.fullmatch(r"[A-Za-z0-9._-]{1,99}", name) for _, name in found)
        assert len(set(found)) == len(found)


@pytest.mark.parametrize("property_", ["family", "clusterName", "name"])
def test_names_that_are_given_are_unique(property_: str) -> None:
    """No two units register revisions of one family, or give one name to two clusters."""
    types = {
        "family": "aws:ecs/taskDefinition:TaskDefinition",
        "clusterName": "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders",
        "name": "aws:ecs/cluster:Cluster",
    }
    for recording in (cases.recording(), odd_recording()):
        found = [each.inputs.get(property_) for each in recording.of_type(types[property_])]
        given = [each.casefold() for each in found if each is not None]
        assert len(set(given)) == len(given)


def test_capacity_providers_have_names_of_their_own_in_templates() -> None:
    """What CloudFormation makes up begins with the stack's name, which AWS may keep for itself."""
    units = [unit for unit in odd_plan("cloudformation").units if unit.component.startswith("Ecs")]
    assert any(unit.name(STACK).startswith(("aws", "ecs", "fargate")) for unit in units)
    for unit in units:
        (stack,) = to_stacks([unit])
        for body in json.loads(stack.json)["Resources"].values():
            if body["Type"] == "AWS::ECS::CapacityProvider":
                name = body["Properties"]["Name"]
                first = name if isinstance(name, str) else name["Fn::Join"][1][0]
                assert not first.startswith(("aws", "ecs", "fargate"))


def test_pulumi_names_are_unique() -> None:
    """No two components have one name, not even where case is not seen."""
    for units in all_units("pulumi"):
        names = [unit.name(PULUMI) for unit in units]
        assert len({name.casefold() for name in names}) == len(names)


def objects() -> list[Registration]:
    """Return all registrations of Kubernetes objects."""
    return [each for each in registrations() if each.type.startswith("kubernetes:")]


def test_kubernetes_names_are_legal() -> None:
    """Each object has a name given, legal for its kind, and a legal namespace."""
    for each in objects():
        metadata = each.inputs["metadata"]
        kind = each.inputs["kind"]
        pattern = LABEL if kind in NARROW else SUBDOMAIN
        assert re.fullmatch(pattern, metadata["name"]), each.urn
        assert len(metadata["name"]) <= LONGEST.get(kind, 253), each.urn
        if "namespace" in metadata:
            assert re.fullmatch(LABEL, metadata["namespace"]), each.urn
            assert len(metadata["namespace"]) <= 63


def test_kubernetes_names_are_unique() -> None:
    """No two units would own one object."""
    for recording in (cases.recording(), odd_recording()):
        seen = [
            (
                each.provider,
                each.inputs["kind"],
                each.inputs["metadata"].get("namespace"),
                each.inputs["metadata"]["name"],
            )
            for each in recording
            if each.type.startswith("kubernetes:")
        ]
        assert len(set(seen)) == len(seen)


def test_labels_and_annotations_are_legal() -> None:
    """Keys and values of labels, and keys of annotations, are what the API server takes."""
    for each in objects():
        metadata: dict[str, Any] = each.inputs["metadata"]
        for key, value in metadata.get("labels", {}).items():
            assert LABEL_KEY.fullmatch(key), key
            assert "|0}}" in value or LABEL_VALUE.fullmatch(value), value
        for key in metadata.get("annotations", {}):
            assert LABEL_KEY.fullmatch(key), key


def test_identities_that_look_alike_keep_apart() -> None:
    """Two jobs whose names differ only in characters that are changed have names of their own."""
    alike = [Identity("a", "b", name) for name in ("x_y", "x-y", "x.y", "x y", "X_Y")]
    for grammar in (STACK, PULUMI):
        units = [cases.unit_of("x", identity=identity) for identity in alike]
        assert len({unit.name(grammar) for unit in units}) == len(alike)
