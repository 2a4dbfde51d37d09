"""Rules for one job by itself: tags, labels, counts, variables and outputs."""

from __future__ import annotations

from typing import Any

import pytest

from dativo_infra.diagnostics import rules
from dativo_infra.planning import plan

V = "metadata.variables."


def tagged(make: Any, tags: dict[str, str], **project: Any) -> dict[str, str]:
    """Return the codes of an EMR job with these tags."""
    return make.codes(
        make.emr({"metadata.tags": tags}), project=make.project(tags=project) if project else None
    )


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        ({"k" * 129: "v"}, rules.BAD_TAG),
        ({"k": "v" * 257}, rules.BAD_TAG),
        ({"aws:x": "v"}, rules.BAD_TAG),
        ({"AWS:x": "v"}, rules.BAD_TAG),
        ({"": "v"}, rules.BAD_TAG),
        ({"k": "a\nb"}, rules.BAD_TAG),
        ({"k": "a;b"}, rules.BAD_TAG),
        ({"k\n": "a"}, rules.BAD_TAG),
        ({"Environment": "a", "environment": "b"}, rules.BAD_TAG),
        ({"dativo:job": "x"}, rules.RESERVED_TAG),
        ({"Dativo:Job": "x"}, rules.RESERVED_TAG),
        ({str(number): "x" for number in range(46)}, rules.BAD_TAG),
    ],
    ids=range(12),
)
def test_bad_tags(make: Any, tags: dict[str, str], code: Any) -> None:
    """A tag that AWS refuses, that meets another, or that is ours, is an error."""
    assert code.code in tagged(make, tags)


@pytest.mark.parametrize(
    "tags",
    [
        {"k" * 128: "v" * 256},
        {"Überblick": "Größe 名前"},
        {"k": "a\u00a0b"},
        {"a.b:c/d=e+f-g@h_": ""},
        {str(number): "x" for number in range(45)},
    ],
    ids=range(5),
)
def test_good_tags(make: Any, tags: dict[str, str]) -> None:
    """Letters of any script, every sign that AWS allows, and the greatest lengths are fine."""
    assert not tagged(make, tags)


def test_identity_that_is_no_tag(make: Any) -> None:
    """A tenant that cannot be a tag's value is reported where it stands."""
    assert rules.BAD_TAG.code in make.codes(make.emr(tenant_id="a;b"))


def test_required_tags(make: Any) -> None:
    """Keys and values that the project requires are checked, with a hint at a near one."""
    required = {"CostCenter": ["a", "b"], "Owner": [], "dativo:tenant": []}
    codes = tagged(make, {"CostCenter": "c", "owner": "x"}, required=required)
    assert rules.TAG_VALUE.code in codes
    assert "Owner" in codes[rules.REQUIRED_TAG.code]
    assert not tagged(make, {"CostCenter": "a", "Owner": "x"}, required=required)


def test_renamed_identity_tags(make: Any) -> None:
    """Identity tags may have other keys, which a job cannot set then."""
    project = make.project(tags={"identity": {"tenant": "team"}})
    tags = make.unit(make.emr(), project=project).tags
    assert (tags["team"], tags["dativo:job"]) == ("acme", "orders")
    assert rules.RESERVED_TAG.code in tagged(make, {"Team": "x"}, identity={"tenant": "team"})
    assert not tagged(make, {"dativo:tenant": "x"}, identity={"tenant": "team"})


@pytest.mark.parametrize("identity", [{"tenant": "x", "job": "X"}, {"job": "aws:job"}])
def test_bad_identity_keys(make: Any, identity: dict[str, str]) -> None:
    """Identity tags that would be one, or that AWS refuses, are an error of the project."""
    assert rules.BAD_TAG.code in tagged(make, {}, identity=identity)


@pytest.mark.parametrize(
    ("fields", "good"),
    [
        ({"metadata.labels": {"a.b/c": "x"}}, True),
        ({"metadata.labels": {"a": ""}}, True),
        ({"metadata.labels": {"A.b/c": "x"}}, False),
        ({"metadata.labels": {"a": "x" * 64}}, False),
        ({"metadata.labels": {"a": "-x"}}, False),
        ({"metadata.labels": {"a": "x\n"}}, False),
        ({"metadata.labels": {"a b": "x"}}, False),
        ({"metadata.annotations": {"a b": "x"}}, False),
        ({"metadata.annotations": {"a": "x y\nz"}}, True),
        ({"metadata.annotations": {"a": "ü" * 140_000}}, False),
    ],
    ids=range(10),
)
def test_labels(make: Any, fields: dict[str, Any], *, good: bool) -> None:
    """Labels and annotations that Kubernetes refuses are errors; bytes count, not letters."""
    codes = make.codes(make.kubernetes({f"{V}image": "x", **fields}))
    assert (rules.BAD_LABEL.code not in codes) is good


@pytest.mark.parametrize(
    ("least", "count", "most", "good"),
    [(1, 1, 1, True), (2, 3, 4, True), (5, None, 4, False), (2, 1, 4, False), (2, 5, 4, False)],
)
def test_counts(make: Any, least: int, count: int | None, most: int, *, good: bool) -> None:
    """Min <= count <= max must hold."""
    scaling = "runtime.compute.auto_scaling"
    job = make.emr(
        {
            f"{scaling}.enabled": True,
            f"{scaling}.min_instances": least,
            f"{scaling}.max_instances": most,
            **({"runtime.compute.instance_count": count} if count else {}),
        }
    )
    assert (rules.COUNTS_DISAGREE.code not in make.codes(job)) is good


@pytest.mark.parametrize(
    ("name", "value", "good"),
    [
        ("log_retention_days", 30, True),
        ("log_retention_days", 30.0, True),
        ("log_retention_days", "30", False),
        ("log_retention_days", "${DAYS}", True),
        ("log_retention_days", True, False),
        ("log_retention_days", 0, False),
        ("spot_bid_price_percent", 1001, False),
        ("enable_spot_instances", "${SPOT}", True),
        ("enable_spot_instances", "true", False),
        ("applications", "Spark", False),
        ("applications", ["Spark"], True),
        ("applications", [1], False),
        ("release_label", "7.1.0", False),
        ("log_bucket", "", False),
        ("log_bucket", None, False),
        ("log_bucket", "${DB_PASSWORD}", False),
        ("release_label", "${UNSET}", False),
    ],
)
def test_variables(make: Any, name: str, value: Any, *, good: bool) -> None:
    """A variable has a type and a range; text from the environment is read as what is wanted."""
    job = make.emr({"metadata.variables": {name: value}}, environment={"DAYS": "7", "SPOT": "true"})
    assert (rules.BAD_VARIABLE.code not in make.codes(job)) is good


def test_variables_with_hints(make: Any) -> None:
    """An unknown variable, and a wrong choice, come with the one that was meant."""
    job = make.kubernetes({f"{V}shedule": "x", f"{V}run": "shedule"})
    remedies = {each.code: each.remedy for each in plan([job]).diagnostics}
    assert "Did you mean `schedule`?" in remedies[rules.UNKNOWN_VARIABLE.code]
    assert "Did you mean `schedule`?" in remedies[rules.BAD_VARIABLE.code]


def test_outputs(make: Any) -> None:
    """An unknown output is an error with a hint; an address inside Terraform is ignored."""
    job = make.emr({"outputs": {"id": "output.emr_cluster_ids", "x": "module.a.b"}})
    planned = plan([job])
    (wrong,) = [each for each in planned.diagnostics if each.code == rules.UNKNOWN_OUTPUT.code]
    assert "Did you mean `emr_cluster_id`?" in wrong.remedy
    (use,) = [each for each in planned.jobs[0].fields if each.path == "outputs.x"]
    assert use.outcome == "unused"
    assert "Terraform" in use.text


@pytest.mark.parametrize(
    "fields",
    [
        {"runtime.service_account": "${ROLE}"},
        {"runtime.storage.volume_id": "${VOLUME}"},
        {"runtime.namespace": "${NAMESPACE}"},
        {f"{V}schedule": "${SCHEDULE}"},
    ],
    ids=str,
)
def test_what_must_be_known(make: Any, fields: dict[str, Any]) -> None:
    """What cannot be known yet is an error to plan, and a note where that is allowed."""
    job = make.kubernetes(fields)
    assert plan([job]).failed
    noted = plan([job], allow_unresolved=True)
    assert not noted.failed, [str(each) for each in noted.diagnostics]
    name = next(iter(fields)).rpartition(".")[2]
    assert any(each.severity == "note" and name in each.message for each in noted.diagnostics)


def test_jobs_that_wait_for_a_namespace_share_none(make: Any) -> None:
    """Jobs whose namespaces are not known yet are not taken for neighbours."""
    jobs = [
        make.kubernetes(
            {"runtime.namespace": f"${{{name}}}", f"{V}quota_pods": str(index)}, name=f"{name}.yaml"
        )
        for index, name in enumerate(("A", "B"))
    ]
    assert not plan(jobs, allow_unresolved=True).failed


def test_silence(make: Any) -> None:
    """Codes that the project silences are not reported."""
    job = make.kubernetes()
    assert rules.DEFAULT_IMAGE.code in make.codes(job)
    project = make.project(silence=[rules.DEFAULT_IMAGE.code])
    assert rules.DEFAULT_IMAGE.code not in make.codes(job, project=project)


def test_references(make: Any) -> None:
    """Everything that exists already is listed, each subnet by itself."""
    job = make.emr(
        {
            "runtime.network.subnet_ids": ["subnet-0a1b2c3d", "subnet-0a1b2c3e"],
            "resources.database.instance_id": "db-1",
        }
    )
    kinds = [each.kind for each in make.plan(job).jobs[0].references]
    assert kinds == ["subnet", "subnet", "database"]
