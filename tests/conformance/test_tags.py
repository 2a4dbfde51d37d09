"""Every resource that can be tagged carries every tag, in what each tool is told.

What can be tagged is not our opinion: it is what AWS's schemas and the provider's classes say.
"""

from __future__ import annotations

import inspect
from functools import cache
from typing import TYPE_CHECKING, Any, get_args

import cases
import pytest
import read_back_pulumi_databricks as databricks
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER
from pulumi import _types
from read_back_cloudformation import Reader as TemplateReader

from dativo_infra.adapters.pulumi.typed import args_class
from dativo_infra.planning.support import LOSSES
from dativo_infra.resources.ecs import EcsService
from dativo_infra.resources.kinds import is_taggable
from dativo_infra.resources.scheduler import Schedule
from dativo_infra.testing import Registration, _resources
from dativo_infra.values import TOKENS, Ref

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dativo_infra.planning import Unit

UNTAGGED: Mapping[str, str] = {}
"""Types that can be tagged and are not, each with the reason; none is known."""

EMR_TAG = ("for-use-with-amazon-emr-managed-policies", "true")
"""Source: https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-managed-iam-policies.html"""

CLOUD_UNITS = [cases.label(unit) for unit in cases.units("cloudformation")]
KUBERNETES_UNITS = [
    cases.label(unit)
    for unit in cases.units("pulumi")
    if cases.is_in_cluster(unit) and unit.identity.tenant != "by-hand"
]


@cache
def tag_property(type_: str) -> str | None:
    """Return the property for tags of a CloudFormation type, by AWS's own schema."""
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", type_).schema
    tagging = schema.get("tagging", {})
    properties = schema["properties"]
    named = [name for name in ("Tags", "TagSpecifications") if name in properties]
    if tagging.get("taggable", bool(named)) or named:
        return tagging.get("tagProperty", f"/properties/{(named or ['Tags'])[0]}").split("/")[-1]
    return None


def class_of(type_: str) -> Any:
    """Return the provider's class of a type."""
    (cls,) = {each for each in _resources() if getattr(each, "pulumi_type", "") == type_}
    return cls


@cache
def has_tags(type_: str) -> bool:
    """Return whether the provider's class of a type takes tags."""
    made: Any = vars(class_of(type_))["_internal_init"]
    return "tags" in inspect.signature(made).parameters


def test_the_schemas_tell_taggable_types_from_others() -> None:
    """The two judges know both answers, so that a suite without tags cannot be green."""
    assert tag_property("AWS::S3::Bucket") == "Tags"
    assert tag_property("AWS::EMR::Cluster") == "Tags"
    assert tag_property("AWS::EMR::SecurityConfiguration") is None
    assert tag_property("AWS::EC2::LaunchTemplate") == "TagSpecifications"
    assert tag_property("AWS::Scheduler::Schedule") is None
    cases.recording()
    assert has_tags("aws:iam/role:Role")
    assert not has_tags("aws:iam/rolePolicy:RolePolicy")


def test_an_instance_profile_has_no_tags_in_cloudformation() -> None:
    """The one declared loss of tags is AWS's: its schema has no property for them."""
    assert [kind for kind, field in LOSSES["cloudformation"] if field == "tags"] == [
        "IamInstanceProfile"
    ]
    assert tag_property("AWS::IAM::InstanceProfile") is None


LAUNCHED = {"instance", "volume", "network-interface"}
"""What a launch template starts, and tags."""


def taggable(unit: Unit, tool: str) -> int:
    """Return how many resources of a unit have tags in a tool."""
    kinds = [type(each) for each in unit.resources if is_taggable(type(each))]
    return sum((kind.__name__, "tags") not in LOSSES[tool] for kind in kinds)


def specified(specifications: Any, type_: str, tags: str) -> dict[str, Any]:
    """Return the tags of specifications by the type of resource that they are for."""
    found = {each[type_]: each[tags] for each in specifications}
    assert len(found) == len(specifications)
    return found


def template_tags(reader: TemplateReader, body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the tags of a resource of a template, and those of all that it starts."""
    properties = body["Properties"]
    if body["Type"] == "AWS::EC2::LaunchTemplate":
        own = specified(properties["TagSpecifications"], "ResourceType", "Tags")
        data = properties["LaunchTemplateData"]
        started = specified(data["TagSpecifications"], "ResourceType", "Tags")
        assert set(own) == {"launch-template"}
        assert set(started) == LAUNCHED
        return [reader.tags(each) for each in (*own.values(), *started.values())]
    items = properties.get(tag_property(body["Type"]), [])
    if body["Type"] == "AWS::AutoScaling::AutoScalingGroup":
        assert all(each["PropagateAtLaunch"] is True for each in items)
        items = [{name: each[name] for name in ("Key", "Value")} for each in items]
    return [reader.tags(items)]


@pytest.mark.parametrize("name", CLOUD_UNITS)
def test_cloudformation_tags_all_that_it_can(name: str) -> None:
    """Each resource of a template whose type can be tagged has every tag of its unit."""
    unit = cases.unit_named("cloudformation", name)
    template = cases.template(name)
    reader = TemplateReader(template)
    tagged = 0
    for body in template["Resources"].values():
        if tag_property(body["Type"]) and body["Type"] not in UNTAGGED:
            tagged += 1
            for found in template_tags(reader, body):
                assert found.items() >= dict(unit.tags).items()
                assert (EMR_TAG in found.items()) == (body["Type"] == "AWS::EMR::Cluster")
    assert tagged == taggable(unit, "cloudformation") >= 1


def registered_tags(reader: cases.Reader, registration: Registration) -> list[dict[str, Any]]:
    """Return the tags of a registration, and those of all that it starts."""
    tags = registration.inputs.get("tags", {})
    if registration.type == "aws:ec2/launchTemplate:LaunchTemplate":
        specifications = registration.inputs["tagSpecifications"]
        started = specified(specifications, "resourceType", "tags")
        assert set(started) == LAUNCHED
        return [reader.value(each) for each in (tags, *started.values())]
    if registration.type == "aws:autoscaling/group:Group":
        assert all(each["propagateAtLaunch"] is True for each in tags)
        tags = {each["key"]: each["value"] for each in tags}
    return [reader.value(tags)]


@pytest.mark.parametrize("name", CLOUD_UNITS)
def test_pulumi_tags_all_that_it_can(name: str) -> None:
    """Each registration whose class takes tags has every tag of its unit, parts included."""
    unit = cases.unit_named("pulumi", name)
    reader = cases.reader(name)
    tagged = 0
    for folded in reader.folded.values():
        for registration in folded.registrations:
            if has_tags(registration.type) and registration.type not in UNTAGGED:
                tagged += 1
                for found in registered_tags(reader, registration):
                    assert found.items() >= dict(unit.tags).items()
                    is_cluster = registration.type == "aws:emr/cluster:Cluster"
                    assert (EMR_TAG in found.items()) == is_cluster
    assert tagged == taggable(unit, "pulumi") >= 1


TASK_UNITS = [
    cases.label(unit)
    for unit in cases.units("cloudformation")
    if unit.component == "EcsService" and unit.identity.tenant != "by-hand"
]


@pytest.mark.parametrize("name", TASK_UNITS)
def test_tasks_get_the_tags_from_cloudformation(name: str) -> None:
    """A service hands its tags on to tasks, and a schedule those of a definition that has all."""
    unit = cases.unit_named("cloudformation", name)
    template = cases.template(name)
    reader = TemplateReader(template)
    for body in template["Resources"].values():
        properties = body["Properties"]
        if body["Type"] == "AWS::ECS::Service":
            assert properties["PropagateTags"] == "SERVICE"
            assert properties["EnableECSManagedTags"] is True
            assert reader.tags(properties["Tags"]).items() >= dict(unit.tags).items()
        if body["Type"] == "AWS::Scheduler::Schedule":
            task = properties["Target"]["EcsParameters"]
            assert task["PropagateTags"] == "TASK_DEFINITION"
            assert task["EnableECSManagedTags"] is True
            definition = template["Resources"][task["TaskDefinitionArn"]["Ref"]]
            found = reader.tags(definition["Properties"]["Tags"])
            assert found.items() >= dict(unit.tags).items()


@pytest.mark.parametrize("name", TASK_UNITS)
def test_tasks_get_the_tags_from_pulumi(name: str) -> None:
    """A service hands its tags on to tasks, and a schedule those of a definition that has all."""
    unit = cases.unit_named("pulumi", name)
    reader = cases.reader(name)
    for folded in reader.folded.values():
        inputs = folded.main.inputs
        if folded.main.type == "aws:ecs/service:Service":
            assert inputs["propagateTags"] == "SERVICE"
            assert inputs["enableEcsManagedTags"] is True
            assert reader.value(inputs["tags"]).items() >= dict(unit.tags).items()
        if folded.main.type == "aws:scheduler/schedule:Schedule":
            task = inputs["target"]["ecsParameters"]
            assert task["propagateTags"] == "TASK_DEFINITION"
            assert task["enableEcsManagedTags"] is True
            definition = reader.folded[reader.value(task["taskDefinitionArn"]).key]
            found = reader.value(definition.main.inputs["tags"])
            assert found.items() >= dict(unit.tags).items()


def test_tasks_are_started_both_ways() -> None:
    """Services and schedules of both platforms are among what is checked."""
    kinds = {
        (type(each).__name__, name.split("/")[-1].split("-")[0])
        for name in TASK_UNITS
        for each in cases.unit_named("pulumi", name).resources
        if isinstance(each, EcsService | Schedule)
    }
    wanted = {(kind, on) for kind in ("EcsService", "Schedule") for on in ("ecs", "fargate")}
    assert kinds >= wanted


DATABRICKS_UNITS = [
    cases.label(unit)
    for unit in cases.units("pulumi")
    if unit.component == "DatabricksCluster" and unit.identity.tenant != "by-hand"
]


def tagged_places(cls: Any, inputs: Mapping[str, Any]) -> Iterator[tuple[Any, Mapping[str, Any]]]:
    """Yield what of a registration takes tags, by the provider's classes of arguments.

    Each comes as the tags that it has, and what stands beside them.
    """
    hints = _types.input_type_types(cls)
    for name in ("tags", "customTags"):
        if name in hints:
            yield inputs.get(name, {}), inputs
    for name, value in inputs.items():
        for item in value if isinstance(value, list) else [value]:
            for inner in set(filter(_types.is_input_type, args_of(hints[name]))):
                if isinstance(item, dict):
                    yield from tagged_places(inner, item)


def arguments(type_: str) -> Any:
    """Return the provider's class of the arguments of a type."""
    return args_class(class_of(type_))


def args_of(hint: Any) -> Iterator[Any]:
    """Yield the types that stand anywhere in a hint."""
    yield hint
    for each in get_args(hint):
        yield from args_of(each)


@pytest.mark.parametrize("name", DATABRICKS_UNITS)
def test_databricks_tags_down_to_the_machines(name: str) -> None:
    """Clusters, also those of jobs, and pools have every tag; of a pool that is built it has them.

    Machines from a pool carry its tags alone, and Databricks refuses a cluster that repeats one.
    Source: https://docs.databricks.com/aws/en/admin/account-settings/usage-detail-tags
    """
    unit = cases.unit_named("pulumi", name)
    reader = cases.reader(name)
    pooled = {key for key, each in reader.folded.items() if each.main.type == databricks.POOL}
    tagged = 0
    for folded in reader.folded.values():
        places = list(tagged_places(arguments(folded.main.type), folded.main.inputs))
        assert places
        for found, beside in places:
            in_pool = pooled and folded.key not in pooled
            tagged += not in_pool
            assert reader.value(found) == ({} if in_pool else dict(unit.tags))
            if "sparkVersion" in beside and in_pool:
                assert reader.value(beside["instancePoolId"]) == Ref("instance-pool", "id")
    assert tagged >= 1


def test_every_place_of_databricks_is_among_what_is_checked() -> None:
    """A job has two places for tags: itself, and the cluster of its runs."""
    inputs = cases.reader("variants/test/dbx-job").folded["job"].main.inputs
    assert len(list(tagged_places(arguments(databricks.JOB), inputs))) == 2
    pools = [name for name in DATABRICKS_UNITS if "instance-pool" in cases.reader(name).folded]
    assert len(pools) > 2


def metadata(registration: Registration, value: Any = None) -> Iterator[Mapping[str, Any]]:
    """Yield the metadata of an object and of every template of pods and jobs in it."""
    value = registration.inputs if value is None else value
    if isinstance(value, list):
        for item in value:
            yield from metadata(registration, item)
    elif isinstance(value, dict):
        if "metadata" in value:
            yield value["metadata"]
        for name, inner in value.items():
            if name != "metadata":
                yield from metadata(registration, inner)


def carried(unit: Unit, labels: Mapping[str, Any], annotations: Mapping[str, Any]) -> None:
    """Hold that every tag is an annotation as it was written, and a label where it can be one."""
    values = [value for key, value in annotations.items() if key.startswith("tags.dativo.io/")]
    assert len(values) == len(unit.tags)
    for key, value in unit.tags.items():
        assert value in values
        if isinstance(value, TOKENS):
            continue
        if (
            len(key) <= 63
            and key.isidentifier()
            and key.isascii()
            and value.replace("-", "").isalnum()
        ):
            assert labels[key] == value
            assert annotations[f"tags.dativo.io/{key}"] == value


PASSED_ON = {"variants/test/spark-deployed"}
"""Applications that a changed template would start again: the operator itself passes their labels
to their pods.

Source: https://github.com/kubeflow/spark-operator,
internal/controller/sparkapplication/submission.go
"""


@pytest.mark.parametrize("name", KUBERNETES_UNITS)
def test_kubernetes_objects_and_pods_carry_the_tags(name: str) -> None:
    """Every object and every template of pods carries every tag of its unit."""
    unit = cases.unit_named("pulumi", name)
    reader = cases.reader(name)
    for folded in reader.folded.values():
        own, *templates = metadata(folded.main)
        for each in (own, *(() if name in PASSED_ON else templates)):
            labels, annotations = (reader.value(each[part]) for part in ("labels", "annotations"))
            carried(unit, labels, annotations)


@pytest.mark.parametrize(
    ("name", "key", "places"),
    [
        ("k8s-plain", "cron-job", 3),  # itself, its jobs and its pods
        ("spark-plain", "application", 3),  # itself, the driver and the executors
        ("spark-scheduled", "scheduled-application", 3),
        ("ray-plain", "cluster", 3),  # itself, the head and the workers
        ("dask-plain", "cluster", 3),
    ],
)
def test_templates_of_pods_are_among_what_is_checked(name: str, key: str, places: int) -> None:
    """What makes pods has a place for tags in itself, and one for each kind of pod."""
    reader = cases.reader(f"variants/test/{name}")
    assert len(list(metadata(reader.folded[key].main))) == places


def test_tags_that_look_alike_are_all_kept_on_kubernetes() -> None:
    """Two tags whose keys differ only in characters that Kubernetes refuses are both kept."""
    tags = {"cost center": "a", "cost/center": "b", "cost-center": "c", "x" * 100 + "1": "d"}
    tags["x" * 100 + "2"] = "e"
    jobs = cases.load_jobs({"alike": cases.kubernetes(tags=tags)})
    planned = cases.plan(jobs, provider="pulumi")
    unit = planned.unit(jobs[0].identity)
    recording = cases.record_units(planned.units)
    reader = cases.Reader(recording, cases.component_of(unit, recording))
    (own, *_) = metadata(reader.folded["config-map"].main)
    carried(unit, own["labels"], own["annotations"])
