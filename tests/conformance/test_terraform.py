"""Roots of Terraform agree with the providers' own schemas, and nothing in them is passed over."""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any

import cases
import pytest
from read_back_terraform import Reader, read_back
from read_back_terraform_ecs import KINDS as OF_TASKS
from reading import comparable, referred
from terraform_schema import has_tags, problems, schemas
from test_names import odd_plan
from test_parity import waited_for
from test_read_back import Watched, additions, changes, removals
from test_tags import DATABRICKS_UNITS, EMR_TAG, LAUNCHED, TASK_UNITS, carried, specified, taggable

from dativo_infra.adapters.terraform.native import to_root
from dativo_infra.names import TERRAFORM
from dativo_infra.resources.ecs import EcsCapacityProvider
from dativo_infra.values import Parameter, Ref, has_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

NAMES = [cases.label(unit) for unit in cases.units("terraform")]
CLOUD = [cases.label(unit) for unit in cases.units("terraform") if cases._is_cloud(unit)]
KUBERNETES = [
    cases.label(unit)
    for unit in cases.units("terraform")
    if unit.component.startswith("Kubernetes") and unit.identity.tenant != "by-hand"
]


def reader(name: str) -> Reader:
    """Return the reader of a unit's root, by the unit's identity as text."""
    return Reader(cases.root(name), cases.unit_named("terraform", name).name(TERRAFORM))


# --- the providers' schemas ---------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_roots_agree_with_the_schemas(name: str) -> None:
    """Arguments exist, are attributes or blocks as they should, have their types, and none lacks.

    What is referred to exists as well, and no output is shown.
    """
    assert list(problems(cases.root(name))) == []


def test_every_type_of_the_schemas_is_used() -> None:
    """The schemas hold no type that is judged nowhere, but those of platforms to come."""
    used = {type_ for name in NAMES for type_ in cases.root(name)["resource"]}
    later = {
        "kubernetes_deployment_v1",
        "kubernetes_job_v1",
        "kubernetes_manifest",
        "kubernetes_service_v1",
    }
    assert used | later == set(schemas()["resource"])


def role_of(root: dict[str, Any]) -> dict[str, Any]:
    """Return a role of a root."""
    return root["resource"]["aws_iam_role"]["service_role"]


MISTAKES: Mapping[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "an argument that does not exist": (
        lambda root: role_of(root).update(colour="blue"),
        "has no colour",
    ),
    "an argument that is computed": (lambda root: role_of(root).update(arn="x"), "cannot be set"),
    "one that is deprecated": (
        lambda root: role_of(root).update(managed_policy_arns=["x"]),
        "is deprecated",
    ),
    "one that is missing": (lambda root: role_of(root).pop("assume_role_policy"), "needs assume"),
    "a block that is missing": (
        lambda root: root["resource"]["aws_s3_bucket_ownership_controls"]["log_bucket"].pop("rule"),
        "needs a rule",
    ),
    "a block that is there twice": (
        lambda root: root["resource"]["aws_s3_bucket_ownership_controls"]["log_bucket"].update(
            rule=[{"object_ownership": "x"}] * 2
        ),
        "is there 2 times",
    ),
    "a text for a mapping": (lambda root: role_of(root).update(tags="x"), "and not"),
    "a mapping for a text": (lambda root: role_of(root).update(description={"x": 1}), "and not"),
    "a text for a switch": (
        lambda root: root["resource"]["aws_emr_cluster"]["cluster"].update(
            termination_protection="perhaps"
        ),
        "and not",
    ),
    "a list for a text": (
        lambda root: role_of(root).update(description="${var.groups}"),
        "and not",
    ),
    "a variable that is not declared": (
        lambda root: role_of(root).update(description="${var.colour}"),
        "not declared",
    ),
    "a resource that does not exist": (
        lambda root: role_of(root).update(description="${aws_iam_role.other.arn}"),
        "is not there",
    ),
    "an attribute that does not exist": (
        lambda root: role_of(root).update(description="${aws_iam_role.service_role.colour}"),
        "is no attribute",
    ),
    "a type that does not exist": (
        lambda root: root["resource"].update(aws_colour={"x": {}}),
        "is not known",
    ),
    "an output that is shown": (
        lambda root: root["output"]["emr_cluster_id"].pop("sensitive"),
        "would be shown",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_schemas_see_mistakes(mistake: str) -> None:
    """The judge is awake: each kind of mistake is found."""
    make, message = MISTAKES[mistake]
    root = copy.deepcopy(cases.root("variants/test/emr-late-lists"))
    assert list(problems(root)) == []
    make(root)
    assert any(message in each for each in problems(root))


# --- the read back is not blind -----------------------------------------------------------------

WATCHED = (
    "by-hand/test/all",
    "by-hand/test/bare",
    "by-hand/test/other",
    "variants/test/emr-groups-scaled",
    "variants/test/emr-late",
    "runners/test/fargate-secret",
    "variants/test/k8s-volume-ebs",
    "variants/test/k8s-secret",
    "by-hand/test/databricks",
)
UNREAD = ("name_prefix", "bucket_prefix", "create_before_destroy")
"""What only the providers' names are made of, and the loss that is declared."""
DEFAULTS = {
    "delete_on_termination",
    "deployment_maximum_percent",
    "deployment_minimum_healthy_percent",
    "essential",
    "state",
    "target_capacity",
    "task_count",
    "weighted_capacity",
}
"""Arguments that say what holds without them, by the provider's documentation."""


def watched(
    name: str, edits: Callable[[Any], Iterator[Any]], types: set[str] | None = None
) -> tuple[list[str], int]:
    """Return which edits of a root are not seen, and how many there were."""
    root = copy.deepcopy(cases.root(name))
    called = cases.unit_named("terraform", name).name(TERRAFORM)
    unseen: list[str] = []
    count = 0
    for folded in Reader(root, called).folded.values():
        watching = Watched(lambda key=folded.key: Reader(root, called).folded[key].resource)
        for block in folded.blocks:
            if types is not None and block.type not in types:
                continue
            for where, do, undo in edits(root["resource"][block.type][block.label]):
                count += 1
                if not watching.notices(do, undo):
                    unseen.append(f"{block.address}: {where}")
    assert [comparable(each) for each in read_back(root, called)] == [
        comparable(each) for each in read_back(cases.root(name), called)
    ]
    return unseen, count


def means_nothing(where: str) -> bool:
    """Return whether a place says only what no resource means."""
    return any(name in where for name in UNREAD)


@pytest.mark.parametrize("name", WATCHED)
def test_every_value_of_a_root_is_read(name: str) -> None:
    """Changing any one value of any block changes what is read back, or is refused."""
    unseen, count = watched(name, changes)
    assert [each for each in unseen if not means_nothing(each)] == []
    assert count > 40


@pytest.mark.parametrize("name", WATCHED)
def test_nothing_can_be_added_to_a_root(name: str) -> None:
    """One more argument at any place is refused, or changes what is read back."""
    unseen, _ = watched(name, additions)
    assert [each for each in unseen if not each.endswith(": lifecycle.")] == []


def test_nothing_can_be_left_out_of_a_root() -> None:
    """Taking away any one thing of what runs tasks is refused, or changes what is read back."""
    unseen, _ = watched(WATCHED[0], removals, set(OF_TASKS))
    wrong = [
        each
        for each in unseen
        if not means_nothing(each) and each.rpartition(".")[2].split(" ")[-1] not in DEFAULTS
    ]
    # What is waited for is held by a test of its own.
    assert [each for each in wrong if not re.search("depends_on|ignore_ch|lifecycle$", each)] == []


@pytest.mark.parametrize("name", NAMES)
def test_what_refers_waits_for_the_whole(name: str) -> None:
    """What refers to a resource waits for all its blocks, as for the policies of a role."""
    folded = reader(name).folded
    for each in folded.values():
        for key in waited_for(each.resource) - {each.key}:
            parts = {block.address for block in folded[key].parts}
            assert parts <= set(each.main.depends_on)
        for key in each.resource.after:
            named = each.key in folded and key in referred(each.resource)
            assert named or folded[key].main.address in each.main.depends_on


def test_a_block_that_is_missing_is_seen() -> None:
    """No block can be left out, whatever resource it is a part of."""
    name = WATCHED[0]
    called = cases.unit_named("terraform", name).name(TERRAFORM)
    before = [comparable(each) for each in read_back(cases.root(name), called)]
    for type_, labels in cases.root(name)["resource"].items():
        for label in labels:
            root = copy.deepcopy(cases.root(name))
            del root["resource"][type_][label]
            try:
                after = [comparable(each) for each in read_back(root, called)]
            except (KeyError, ValueError):
                continue
            assert after != before, f"{type_}.{label}"


# --- tags ---------------------------------------------------------------------------------------


def tags_of(type_: str, arguments: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the tags of a block, and those of all that it starts."""
    if type_ == "aws_autoscaling_group":
        assert all(each["propagate_at_launch"] is True for each in arguments["tag"])
        return [{each["key"]: each["value"] for each in arguments["tag"]}]
    found = [arguments.get("tags", {})]
    if type_ == "aws_launch_template":
        started = specified(arguments["tag_specifications"], "resource_type", "tags")
        assert set(started) == LAUNCHED
        found += started.values()
    return found


@pytest.mark.parametrize("name", CLOUD)
def test_terraform_tags_all_that_it_can(name: str) -> None:
    """Each block whose type takes tags, by the schema, has every tag of its unit."""
    unit = cases.unit_named("terraform", name)
    tagged = 0
    for block in reader(name).blocks:
        if has_tags(block.type):
            tagged += 1
            for found in tags_of(block.type, block.arguments):
                assert found.items() >= dict(unit.tags).items()
                assert (EMR_TAG in found.items()) == (block.type == "aws_emr_cluster")
    assert tagged == taggable(unit, "terraform") >= 1


def test_the_schemas_tell_taggable_types_from_others() -> None:
    """The judge knows both answers, and both forms, so that a suite without tags is not green."""
    assert has_tags("aws_iam_role")
    assert has_tags("aws_autoscaling_group")
    assert not has_tags("aws_iam_role_policy")
    assert not has_tags("aws_scheduler_schedule")


@pytest.mark.parametrize("name", [each for each in TASK_UNITS if each in NAMES])
def test_tasks_get_the_tags_from_terraform(name: str) -> None:
    """A service hands its tags on to tasks, and a schedule those of a definition that has all."""
    unit = cases.unit_named("terraform", name)
    read = reader(name)
    for block in read.blocks:
        if block.type == "aws_ecs_service":
            assert block.arguments["propagate_tags"] == "SERVICE"
            assert block.arguments["enable_ecs_managed_tags"] is True
        if block.type == "aws_scheduler_schedule":
            task = block.arguments["target"]["ecs_parameters"]
            assert task["propagate_tags"] == "TASK_DEFINITION"
            assert task["enable_ecs_managed_tags"] is True
            definition = read.folded[task["task_definition_arn"].key].main
            assert definition.arguments["tags"].items() >= dict(unit.tags).items()


DATABRICKS = [name for name in DATABRICKS_UNITS if name in NAMES]


def tagged_places(
    arguments: Mapping[str, Any], block: Mapping[str, Any]
) -> Iterator[tuple[Any, Mapping[str, Any]]]:
    """Yield what of a block takes tags by the schema: the tags, and what stands beside them."""
    for name in ("tags", "custom_tags"):
        if name in block["attributes"]:
            yield arguments.get(name, {}), arguments
    for name, inner in block["block_types"].items():
        if name in arguments:
            yield from tagged_places(arguments[name], inner["block"])


@pytest.mark.parametrize("name", DATABRICKS)
def test_databricks_tags_down_to_the_machines(name: str) -> None:
    """Clusters, also those of jobs, and pools have every tag; of a pool that is built it has them.

    Machines from a pool carry its tags alone, and Databricks refuses a cluster that repeats one.
    Source: https://docs.databricks.com/aws/en/admin/account-settings/usage-detail-tags
    """
    unit = cases.unit_named("terraform", name)
    blocks = reader(name).blocks
    pooled = any(each.type == "databricks_instance_pool" for each in blocks)
    tagged = 0
    for each in blocks:
        places = list(tagged_places(each.arguments, schemas()["resource"][each.type]))
        assert places
        for found, beside in places:
            in_pool = pooled and each.type != "databricks_instance_pool"
            tagged += not in_pool
            assert found == ({} if in_pool else dict(unit.tags))
            if "spark_version" in beside and in_pool:
                assert beside["instance_pool_id"] == Ref("instance-pool", "id")
    assert tagged >= 1


def test_every_place_of_databricks_is_among_what_is_checked() -> None:
    """A job has two places for tags: itself, and the cluster of its runs."""
    job = reader("variants/test/dbx-job").folded["job"].main
    assert len(list(tagged_places(job.arguments, schemas()["resource"]["databricks_job"]))) == 2
    assert len(DATABRICKS) > 5


def metadata(value: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the metadata of an object and of every template of pods and jobs in it."""
    if "metadata" in value:
        yield value["metadata"]
    for name, inner in value.items():
        if name in {"spec", "job_template", "template", "manifest"} and isinstance(inner, dict):
            yield from metadata(inner)


@pytest.mark.parametrize("name", KUBERNETES)
def test_kubernetes_objects_and_pods_carry_the_tags(name: str) -> None:
    """Every object and every template of pods carries every tag of its unit."""
    unit = cases.unit_named("terraform", name)
    for block in reader(name).blocks:
        for each in metadata(block.arguments):
            carried(unit, each["labels"], each["annotations"])


# --- names --------------------------------------------------------------------------------------

LABEL = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
PREFIXED = 26
"""What the provider adds to a prefix.

Source: https://developer.hashicorp.com/terraform/plugin/sdkv2/resources#idprefix
"""
PHYSICAL: Mapping[str, tuple[str, str, int]] = {
    # Source: the pages of each service's API that tests/conformance/test_names.py lists.
    "aws_autoscaling_group": ("name_prefix", r"[!-9;-~]+", 255),
    "aws_cloudwatch_log_group": ("name_prefix", r"[\w./#-]+", 512),
    "aws_ecs_capacity_provider": ("name", r"(?!aws|ecs|fargate)[\w-]+", 255),
    "aws_ecs_cluster": ("name", r"[\w-]+", 255),
    "aws_ecs_service": ("name", r"[\w-]+", 255),
    "aws_ecs_task_definition": ("family", r"[\w-]+", 255),
    "aws_emr_cluster": ("name", r"[^<>$|`]+", 256),
    "aws_emr_security_configuration": ("name_prefix", r"[ -~]+", 10280),
    "aws_iam_instance_profile": ("name_prefix", r"[\w+=,.@-]+", 128),
    "aws_iam_role": ("name_prefix", r"[\w+=,.@-]+", 64),
    "aws_iam_role_policy": ("name", r"[\w+=,.@-]+", 128),
    "aws_launch_template": ("name_prefix", r"[\w().\-/]{3,}", 128),
    "aws_s3_bucket": ("bucket_prefix", r"[a-z0-9][a-z0-9-]+", 63),
    "aws_scheduler_schedule": ("name_prefix", r"[\w.-]+", 64),
    "aws_secretsmanager_secret": ("name_prefix", r"[\w/+=.@-]+", 512),
}
"""By type: the argument that names it, what is legal, and the longest."""
ROLE_PREFIX = 38
"""Source: https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/iam_role"""


def roots() -> Iterator[Mapping[str, Any]]:
    """Yield the roots of the suite, and those of jobs with odd names."""
    yield from (cases.root(name) for name in NAMES)
    yield from (to_root(unit).document for unit in odd_plan("terraform").units)


def test_labels_and_variables_are_legal_and_unique() -> None:
    """Labels, variables and outputs are identifiers, and a type's labels differ in more than case.

    A label that two blocks had would be one block: there are as many as there are addresses.
    """
    for unit in (*cases.units("terraform"), *odd_plan("terraform").units):
        root = to_root(unit)
        document = root.document
        labels = [*document["resource"].values(), document.get("variable", {})]
        labels.append(document.get("output", {}))
        for each in labels:
            assert [name for name in each if not LABEL.fullmatch(name)] == []
            assert len({name.casefold() for name in each}) == len(each)
        counted = sum(len(each) for each in document["resource"].values())
        assert counted == len(root.addresses)


@pytest.mark.parametrize("type_", PHYSICAL)
def test_cloud_names_are_legal_under_terraform(type_: str) -> None:
    """A name that is given, and one that the provider makes up, is one that AWS takes."""
    argument, legal, longest = PHYSICAL[type_]
    bodies = [body for root in roots() for body in root["resource"].get(type_, {}).values()]
    assert bodies
    for body in bodies:
        # Of what is referred to the name is checked where it is given.
        name = re.sub(r"\$\{[^}]*\}", "x", body[argument])
        assert re.fullmatch(legal, name, 0 if type_ == "aws_emr_cluster" else re.ASCII), name
        prefixed = argument.endswith("_prefix")
        assert len(name) + (PREFIXED if prefixed else 0) <= longest
        assert type_ != "aws_iam_role" or len(name) <= ROLE_PREFIX


def test_names_of_every_cloud_type_are_checked() -> None:
    """A type that has a name of its own, and is new in the roots, is not passed over."""
    found = {
        type_
        for root in roots()
        for type_, bodies in root["resource"].items()
        for body in bodies.values()
        if type_.startswith("aws_") and {"name", "name_prefix", "bucket_prefix"} & body.keys()
    }
    # A policy that scales is called as its key, within its service.
    assert found == set(PHYSICAL) - {"aws_ecs_task_definition"} | {"aws_appautoscaling_policy"}


def test_clusters_and_services_have_names_of_their_own() -> None:
    """No two units make up one name, since the provider adds nothing to it."""
    for units in (cases.units("terraform"), odd_plan("terraform").units):
        documents = [to_root(unit).document["resource"] for unit in units]
        for type_ in ("aws_ecs_cluster", "aws_ecs_service", "aws_ecs_task_definition"):
            argument = PHYSICAL[type_][0]
            names = [
                body[argument].casefold()
                for document in documents
                for body in document.get(type_, {}).values()
            ]
            assert len(set(names)) == len(names)


def test_capacity_providers_are_among_those_checked() -> None:
    """A capacity provider's name is never one that AWS keeps for itself."""
    kinds = [type(each) for unit in odd_plan("terraform").units for each in unit.resources]
    assert EcsCapacityProvider in kinds


# --- secrets ------------------------------------------------------------------------------------


def test_a_secret_is_a_sensitive_variable() -> None:
    """Each secret parameter is a variable that Terraform does not show; the suite has some."""
    found = 0
    for name in NAMES:
        unit = cases.unit_named("terraform", name)
        root = to_root(unit)
        for variable, parameter in root.parameters.items():
            found += parameter.secret
            declared = root.document["variable"][variable]
            assert declared.get("sensitive", False) == parameter.secret
            assert "default" not in declared
    assert found > 3


def test_tasks_fetch_secrets_when_they_start() -> None:
    """In no unit of ECS does what describes tasks or machines know a sensitive variable."""
    readable = {
        "aws_ecs_service",
        "aws_ecs_task_definition",
        "aws_launch_template",
        "aws_scheduler_schedule",
    }
    holders = set()
    for name in NAMES:
        if cases.unit_named("terraform", name).component == "EcsService" and "by-hand" not in name:
            holders |= {each.type for each in reader(name).blocks if secretive(each.arguments)}
    assert "aws_secretsmanager_secret_version" in holders
    assert not holders & readable


def secretive(value: Any) -> bool:
    """Return whether a secret parameter stands anywhere inside what was read."""
    if isinstance(value, dict):
        return any(secretive(item) for item in value.values())
    if isinstance(value, list | tuple):
        return any(secretive(item) for item in value)
    return has_secret(getattr(value, "arguments", value))


def test_values_are_handed_over_apart() -> None:
    """What is known at deployment alone comes by the environment, and stands in no file."""
    root = to_root(cases.unit_named("terraform", "by-hand/test/all"))
    values = {each.name: f"value of {each.name}" for each in root.parameters.values()}
    values |= {"GROUPS": "sg-1,sg-2", "UNKNOWN": "x"}
    given = root.environment(values)
    assert given["TF_VAR_api_token"] == "value of API_TOKEN"
    assert given["TF_VAR_groups"] == '["sg-1", "sg-2"]'
    assert given["TF_VAR_stage"] == "value of STAGE"
    assert {name.removeprefix("TF_VAR_") for name in given} == set(root.parameters)
    assert "value of" not in "".join(root.files.values())
    assert root.parameters["api_token"] == Parameter("API_TOKEN", "secret")
