"""What a module is given for a job, and what is said of the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dativo_infra.planning import plan
from dativo_infra.platforms.terraform.inputs import TABLE, google_labels
from dativo_infra.resources.terraform import TerraformModule

if TYPE_CHECKING:
    from dativo_infra.planning import Plan

V = "metadata.variables"
DOCUMENTED = {
    "aws": "tenant_id environment aws_region tags instance_type instance_count enable_autoscaling "
    "min_instances max_instances vpc_id subnet_ids s3_bucket",
    "gcp": "tenant_id environment gcp_project_id gcp_region labels kubernetes_labels "
    "kubernetes_annotations machine_type node_count enable_autoscaling min_nodes max_nodes network "
    "subnetwork_ids gcs_bucket kubernetes_namespace",
}
FULL = {
    "runtime.compute.instance_type": "m5.xlarge",
    "runtime.compute.instance_count": 3,
    "runtime.compute.auto_scaling": {"enabled": True, "min_instances": 2, "max_instances": 9},
    "runtime.storage.bucket": "lake",
    "runtime.network.vpc_id": "vpc-0a1b2c3d",
    "runtime.network.subnet_ids": ["subnet-0a1b2c3d"],
    "metadata.tags": {"CostCenter": "finance"},
}


def module(planned: Plan) -> TerraformModule:
    """Return the call of the module of the only unit, of a plan without errors."""
    assert not planned.failed, [str(each) for each in planned.diagnostics]
    ((found,),) = (unit.resources for unit in planned.units)
    assert isinstance(found, TerraformModule)
    return found


def given(planned: Plan) -> dict[str, Any]:
    """Return the values of the module's variables."""
    return {name: each.value for name, each in module(planned).inputs.items()}


def codes(planned: Plan) -> dict[str, str]:
    """Return what is said, by code."""
    return {each.code: each.message for each in planned.diagnostics}


def report(planned: Plan) -> dict[str, tuple[str, str]]:
    """Return what became of each field of the only job."""
    return {use.path: (use.outcome, use.text) for use in planned.jobs[0].fields}


@pytest.mark.parametrize("cloud", ["aws", "gcp"])
def test_the_table_has_the_names_that_modules_are_written_with(cloud: Any) -> None:
    """Each documented name that is a fact of a job stands in the table's column of its cloud."""
    assert {name for each in TABLE if (name := each.documented(cloud, None))} == set(
        DOCUMENTED[cloud].split()
    )


def test_a_module_that_was_not_read_gets_the_documented_names(calling: Any) -> None:
    """Without knowing the module, only what is documented and the job's variables are given."""
    job = calling({**FULL, "runtime.namespace": "x", f"{V}.kms_key_alias": "alias/x"})
    planned = plan([job])
    assert set(given(planned)) == {
        "tenant_id",
        "environment",
        "tags",
        "instance_type",
        "instance_count",
        "enable_autoscaling",
        "min_instances",
        "max_instances",
        "vpc_id",
        "subnet_ids",
        "s3_bucket",
        "kms_key_alias",
    }
    assert report(planned)["runtime.namespace"][0] == "unused"
    assert "DI617" in codes(planned)


def test_a_module_for_google_gets_googles_names(calling: Any) -> None:
    """The cloud of a job says which names are documented; tags become labels there."""
    network = {"runtime.network.vpc_id": "projects/p/global/networks/n"}
    job = calling({**FULL, **network, "runtime.platform": "kubernetes"})
    values = given(plan([job]))
    assert values["machine_type"] == "m5.xlarge"
    assert values["network"] == "projects/p/global/networks/n"
    assert values["labels"]["dativo_tenant"] == "acme"
    assert "instance_type" not in values


def test_google_labels_never_meet() -> None:
    """Two keys that would be one label stay two."""
    labels = google_labels({"a:b": "X y", "a_b": "z"})
    assert set(labels.values()) == {"x_y", "z"}
    assert len(labels) == 2


def test_a_module_that_was_read_gets_what_it_has(calling: Any, planned: Any) -> None:
    """Fields fill the variables of their names; a field without one is reported, with the names."""
    made = planned(calling({**FULL, "runtime.namespace": "x"}), instance_type="string!", tags="any")
    assert given(made) == {
        "instance_type": "m5.xlarge",
        "tags": {
            "CostCenter": "finance",
            "dativo:environment": "prod",
            "dativo:job": "orders",
            "dativo:tenant": "acme",
        },
    }
    uses = report(made)
    assert uses["runtime.compute.instance_type"] == ("used", "the module's `instance_type`")
    outcome, why = uses["runtime.namespace"]
    assert outcome == "unused"
    assert "`kubernetes_namespace` or `namespace`" in why


def test_a_required_variable_that_nothing_fills_is_an_error(calling: Any, planned: Any) -> None:
    """Each is named, with the field or variable that would fill it."""
    made = planned(calling(), instance_type="string!", owner="string!", tags="any")
    said = [each for each in made.diagnostics if each.code == "DI618"]
    assert {each.message.split("`")[1]: each.remedy for each in said} == {
        "instance_type": f"Set {V}.instance_type, or `runtime.compute.instance_type`.",
        "owner": f"Set {V}.owner.",
    }


def test_variables_fill_those_of_their_name_before_fields_do(calling: Any, planned: Any) -> None:
    """A variable of the job is stronger than a field, which is then reported as unused."""
    job = calling({**FULL, f"{V}.instance_type": "r5.large"})
    made = planned(job, instance_type="string", tags="any")
    assert given(made)["instance_type"] == "r5.large"
    assert report(made)["runtime.compute.instance_type"][0] == "unused"


def test_other_variables_go_into_the_map(calling: Any, planned: Any) -> None:
    """What the module has no variable for is an element of its `variables`, as it takes them."""
    variables = {"n": 3, "b": True, "s": "x", "nested": [1, {"a": None}], "known": 1}
    job = calling({f"{V}.{name}": value for name, value in variables.items()})
    made = planned(job, known="number", variables="map(any)", tags="any")
    assert given(made)["known"] == 1
    assert given(made)["variables"] == {
        "n": "3",
        "b": "true",
        "s": "x",
        "nested": '[1, {"a": null}]',
    }
    typed = given(planned(job, known="number", variables="any", tags="any"))["variables"]
    assert typed == {"n": 3, "b": True, "s": "x", "nested": [1, {"a": None}]}


def test_a_variable_that_goes_nowhere_is_a_warning(calling: Any, planned: Any) -> None:
    """A misspelt variable is reported with the one that was meant."""
    made = planned(calling({f"{V}.log_retention": 3}), log_retention_days="number", tags="any")
    (said,) = [each for each in made.diagnostics if each.code == "DI619"]
    assert "Did you mean `log_retention_days`?" in said.remedy
    assert report(made)[f"{V}.log_retention"][0] == "unused"


def test_tags_of_identity_cannot_be_replaced_by_a_variable(calling: Any, planned: Any) -> None:
    """A variable that the module's tags are given by is refused, and one without tags told."""
    made = planned(calling({f"{V}.tags": {"a": "b"}}), tags="map(string)")
    assert "DI620" in codes(made)
    assert "DI624" in codes(planned(calling(), instance_type="string"))


@pytest.mark.parametrize("name", ["source", "for_each", "a b", "1x", "${x}"])
def test_a_name_that_no_variable_can_have_is_refused(calling: Any, name: str) -> None:
    """A variable of the job never becomes an argument of the call itself."""
    job = calling({"metadata.variables": {name: "x"}})
    assert "DI620" in codes(plan([job]))


def test_infinite_numbers_are_refused(calling: Any) -> None:
    """JSON has no form for them."""
    assert "DI620" in codes(plan([calling({f"{V}.a": [float("inf")]})]))


def test_the_cluster_is_no_input(calling: Any, planned: Any) -> None:
    """A job whose cluster is known gives the same call as one whose cluster is not."""
    path = "runtime.compute.cluster_id"
    before = calling({path: "${EMR_CLUSTER_ID}"})
    after = calling({path: "${EMR_CLUSTER_ID}"}, environment={"EMR_CLUSTER_ID": "j-2AXXXXXXGAPLF"})
    assert after.get(path) == "j-2AXXXXXXGAPLF"
    one, two = (planned(job, cluster_id="string", tags="any") for job in (before, after))
    assert module(one) == module(two)
    assert "cluster_id" not in given(one)
    assert report(one)[path][0] == "referenced"


def test_outputs_are_those_of_the_module(calling: Any, planned: Any) -> None:
    """A module that was read gives all its outputs; one that it lacks is an error."""
    outputs = {"emr_cluster_id": False, "password": True}
    made = planned(calling({"outputs.id": "emr_cluster_id"}), tags="any", outputs=outputs)
    assert module(made).outputs == ("emr_cluster_id", "password")
    assert module(made).secret_outputs == ("password",)
    assert made.jobs[0].expected == {"id": "emr_cluster_id"}
    wrong = planned(calling({"outputs.id": "output.emr_cluster_idd"}), tags="any", outputs=outputs)
    assert "DI313" in codes(wrong)


def test_an_address_names_the_call(calling: Any) -> None:
    """`module.l.x` is the output x of a call named l; other texts are what its root gives."""
    outputs = {"a": "module.emr.emr_cluster_id", "b": "output.x", "c": "y"}
    made = plan([calling({"outputs": outputs})])
    assert module(made).label == "emr"
    assert module(made).outputs == ("emr_cluster_id", "x", "y")
    assert made.jobs[0].expected == {"a": "emr_cluster_id", "b": "x", "c": "y"}


@pytest.mark.parametrize(
    "outputs",
    [
        {"a": "module.one.x", "b": "module.two.y"},
        {"a": "module.one.module.two.x"},
        {"a": 'x}$${file("/etc/passwd")'},
    ],
)
def test_an_output_that_no_root_can_give_is_refused(calling: Any, outputs: Any) -> None:
    """One call has one name, modules below are out of reach, and an output is a name."""
    assert "DI621" in codes(plan([calling({"outputs": outputs})]))


def test_two_jobs_with_one_state_are_refused(calling: Any) -> None:
    """Two roots on one state would destroy each other's; sharing an infrastructure is meant."""
    one, two = (calling(name=f"jobs/{name}.yaml") for name in ("one", "two"))
    assert "DI615" in codes(plan([one, two]))
    apart = calling({"terraform.workspace": "two"}, name="jobs/two.yaml")
    assert "DI615" not in codes(plan([one, apart]))
    shared = [calling({"name": "both"}, name=f"jobs/{name}.yaml") for name in ("one", "two")]
    made = plan(shared)
    assert not made.failed
    assert len(made.units) == 1


def test_jobs_that_share_may_know_the_cluster_or_not(calling: Any) -> None:
    """The cluster's id is never part of what is built, so that it need not agree."""
    known = calling(
        {"name": "both", "runtime.compute.cluster_id": "j-2AXXXXXXGAPLF"}, name="jobs/one.yaml"
    )
    assert not plan([known, calling({"name": "both"}, name="jobs/two.yaml")]).failed


def test_wrong_settings_are_told_where_they_stand(calling: Any) -> None:
    """Source, backend and workspace are checked for every job, whatever else is wrong."""
    job = calling({"terraform.module_version": "a b", "terraform.workspace": ".."})
    said = codes(plan([job]))
    assert {"DI613", "DI614"} <= said.keys()
    assert plan([job]).units == ()
    assert "DI622" in codes(plan([calling({"terraform.module_version": None})]))
    assert "DI623" in codes(plan([calling({"terraform.backend_config": None})]))


def test_a_job_needs_no_platform_for_its_module(calling: Any) -> None:
    """What is built is the module's business."""
    assert not plan([calling({"runtime.platform": None})]).failed
