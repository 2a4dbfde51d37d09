"""From a unit to its root module."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from dativo_infra.adapters.terraform.native import document, to_root
from dativo_infra.diagnostics import Location
from dativo_infra.names import Identity
from dativo_infra.planning import Unit, UnitKind
from dativo_infra.project import AMBIENT, PlacedTarget
from dativo_infra.resources import Lifecycle, Resource
from dativo_infra.resources.databricks import AwsAttributes, DatabricksInstancePool
from dativo_infra.resources.ecs import EcsCluster
from dativo_infra.resources.iam import IamRole
from dativo_infra.resources.s3 import S3Bucket
from dativo_infra.values import Parameter, Pseudo, Ref

TRUST = {"Statement": []}
BUCKET = S3Bucket(key="data", tags={"a": "b"})


def unit(
    *resources: Resource, exports: Any = None, target: PlacedTarget = AMBIENT, name: str = "orders"
) -> Unit:
    """Return a unit of some resources."""
    identity = Identity("acme", "prod", name)
    return Unit(
        identity=identity,
        kind=UnitKind.JOB,
        component="EmrCluster",
        owner="terraform",
        target=target,
        jobs=(identity,),
        resources=resources,
        exports=exports or {},
        tags={},
        description="EMR cluster of ${x}",
    )


def test_the_target_is_in_the_provider() -> None:
    """Region and account are the target's; another account is refused by the provider."""
    target = PlacedTarget(name="prod", cloud="aws", account="123456789012", region="eu-west-1")
    assert document(unit(BUCKET, target=target))["provider"] == {
        "aws": {"region": "eu-west-1", "allowed_account_ids": ["123456789012"]}
    }
    assert "provider" not in document(unit(BUCKET))


def test_the_workspace_is_never_one_by_accident() -> None:
    """The target's workspace is in the root; without one the root asks for it."""
    pool = DatabricksInstancePool(
        key="pool",
        name="pool",
        node_type="i3.xlarge",
        min_idle=0,
        idle_minutes=10,
        spark_version="16.4.x-scala2.12",
        attributes=AwsAttributes(availability="SPOT"),
        tags={},
    )
    host = "https://acme.cloud.databricks.com"
    known = unit(pool, target=PlacedTarget(name="prod", databricks_host=host))
    assert document(known)["provider"] == {"databricks": {"host": host}}
    asked = document(unit(pool))
    assert asked["provider"] == {"databricks": {"host": "${var.databricks_host}"}}
    assert "default" not in asked["variable"]["databricks_host"]


def test_providers_are_those_that_are_used() -> None:
    """A root requires the providers of its resources, with the versions of their schemas."""
    required = document(unit(BUCKET))["terraform"]["required_providers"]
    assert required == {"aws": {"source": "hashicorp/aws", "version": "~> 6.0"}}


def test_facts_are_read_where_they_are_used() -> None:
    """A fact of the place is a data source, and only where something refers to it."""
    assert "data" not in document(unit(BUCKET))
    read = document(unit(BUCKET, exports={"where": Pseudo("region")}))
    assert read["data"] == {"aws_region": {"current": {}}}
    assert read["output"]["where"]["value"] == "${data.aws_region.current.region}"


def test_outputs_are_the_exports() -> None:
    """Each export is an output, which is not shown, and so is whose the root is."""
    exports = {"bucket": Ref("data", "name"), "stage": Parameter("STAGE")}
    assert document(unit(BUCKET, exports=exports))["output"] == {
        "bucket": {"value": "${aws_s3_bucket.data.bucket}", "sensitive": True},
        "stage": {"value": "${var.stage}", "sensitive": True},
        "dativo_jobs": {"value": ["acme/prod/orders"], "sensitive": True},
    }


def test_variables_have_no_values() -> None:
    """A parameter is a variable with its type and no default; a secret is not shown."""
    exports = {
        "a": Parameter("STAGE"),
        "b": Parameter("SUBNETS", "list"),
        "c": Parameter("API_TOKEN", "secret"),
    }
    variables = document(unit(BUCKET, exports=exports))["variable"]
    assert {name: each["type"] for name, each in variables.items()} == {
        "stage": "string",
        "subnets": "list(string)",
        "api_token": "string",
    }
    assert [name for name, each in variables.items() if each.get("sensitive")] == ["api_token"]
    assert not any("default" in each for each in variables.values())


def test_wishes_of_a_lifecycle() -> None:
    """What is protected or retained is not destroyed; a replacement comes first, if it can."""

    def wishes(**lifecycle: Any) -> Any:
        role = IamRole(
            key="role",
            description="",
            assume_role_policy=TRUST,
            tags={},
            lifecycle=Lifecycle(**lifecycle),
        )
        read = document(unit(role))["resource"]["aws_iam_role"]["role"]
        return read["//"], {
            key: item for key, item in read["lifecycle"].items() if key != "ignore_changes"
        }

    first = {"create_before_destroy": True}
    assert wishes() == ("role", first)
    assert wishes(delete_first=True) == ("role", {})
    assert wishes(protect=True) == ("role (protected)", {**first, "prevent_destroy": True})
    assert wishes(retain=True) == ("role (retained)", {**first, "prevent_destroy": True})
    assert wishes(retain=True, protect=True)[0] == "role (protected, retained)"


def test_what_has_a_name_given_is_deleted_first() -> None:
    """Two clusters of one name cannot be there at once, so none is created before the other."""
    read = document(unit(EcsCluster(key="tasks", name="shared", tags={})))["resource"]
    assert "create_before_destroy" not in read["aws_ecs_cluster"]["tasks"].get("lifecycle", {})


def test_retained_are_all_blocks_of_what_is_retained() -> None:
    """A bucket that stays keeps what makes it private and encrypted."""
    bucket = S3Bucket(key="kept", tags={}, lifecycle=Lifecycle(retain=True))
    root = to_root(unit(bucket, BUCKET))
    assert set(root.retained) == {name for name in root.addresses if name.endswith(".kept")}
    assert len(root.retained) == 4


def test_what_refers_waits_for_all_parts() -> None:
    """What refers to a role waits for its policies too, and `after` means all of a resource."""
    role = IamRole(
        key="role",
        description="",
        assume_role_policy=TRUST,
        policies={"one": TRUST},
        managed_policy_arns=("arn:aws:iam::aws:policy/Two",),
        tags={},
    )
    other = S3Bucket(key="other", kms_key=Ref("role", "arn"), tags={}, after=("data",))
    read = document(unit(role, BUCKET, other))["resource"]["aws_s3_bucket"]["other"]
    assert read["depends_on"] == [
        "aws_iam_role_policy.role_one",
        "aws_iam_role_policy_attachment.role_Two",
        "aws_s3_bucket.data",
        "aws_s3_bucket_ownership_controls.data",
        "aws_s3_bucket_public_access_block.data",
        "aws_s3_bucket_server_side_encryption_configuration.data",
    ]


def test_equal_units_give_equal_text() -> None:
    """The text of a root is the same each time, and is JSON."""
    one, two = to_root(unit(BUCKET)), to_root(unit(BUCKET))
    assert one.files == two.files
    assert json.loads(one.files["main.tf.json"]) == one.document


def test_a_root_knows_its_former_names() -> None:
    """The folder in which a state may be was called as the unit was."""
    renamed = replace(unit(BUCKET), former=(Identity("acme", "prod", "old"),))
    assert to_root(renamed).former_names == ("acme-prod-old",)


def test_a_rename_changes_no_address() -> None:
    """Labels are made of keys alone, so that a renamed job needs no `moved` block."""
    assert set(to_root(unit(BUCKET, name="before")).addresses) == set(
        to_root(unit(BUCKET, name="after")).addresses
    )


def test_an_address_leads_to_the_line_that_asked_for_it() -> None:
    """So does a variable, where no address is known; what is neither is the unit's first line."""
    first, second = Location("a.yaml", 1, 1, ""), Location("a.yaml", 2, 1, "")
    cluster = EcsCluster(key="tasks", origin=second, tags={"Name": Parameter("NAME")})
    root = to_root(unit(replace(BUCKET, origin=first), cluster))
    assert root.origin("aws_s3_bucket_public_access_block.data") == first
    assert root.origin("aws_ecs_cluster.tasks", ["name"]) == second
    assert root.origin("module.x", ["unknown", "name"]) == second
    assert root.origin("aws_ecs_cluster.gone") == first


def test_the_environment_gives_what_no_file_holds() -> None:
    """A list is an expression of which nothing is evaluated; without a value it is empty."""
    exports = {"a": Parameter("STAGE"), "b": Parameter("SUBNETS", "list")}
    root = to_root(unit(BUCKET, exports=exports))
    given = {"SUBNETS": 'one,${file("x")}'}
    assert root.environment(given) == {
        "TF_VAR_stage": "",
        "TF_VAR_subnets": '["one", "$${file(\\"x\\")}"]',
    }
