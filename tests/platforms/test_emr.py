"""What a job on EMR becomes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dativo_infra.diagnostics import rules
from dativo_infra.planning import plan
from dativo_infra.resources.emr import InstanceFleet, InstanceGroup, ManagedScaling
from dativo_infra.values import Parameter, Ref, Select, Split, show

V = "metadata.variables."
ROLE = "arn:aws:iam::123456789012:role/team/Runner"
SCALING = {
    "runtime.compute.instance_count": 4,
    "runtime.compute.auto_scaling.enabled": True,
    "runtime.compute.auto_scaling.min_instances": 2,
    "runtime.compute.auto_scaling.max_instances": 9,
}


def statements(resources: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the statements of the machines' role."""
    return resources["instance-role"].policies["job"]["Statement"]


def test_smallest_cluster(make: Any) -> None:
    """One subnet without spot machines gives groups; the edition names the release."""
    made = make.resources(make.emr())
    cluster = made["cluster"]
    assert list(made) == [
        "log-bucket",
        "service-role",
        "instance-role",
        "instance-profile",
        "cluster",
    ]
    assert cluster.primary == InstanceGroup(instance_type="m5.xlarge", instance_count=1)
    assert cluster.core == InstanceGroup(instance_type="m5.xlarge", instance_count=1)
    assert cluster.release_label == "emr-7.10.0"
    assert cluster.managed_scaling is None
    assert not cluster.termination_protected
    assert cluster.lifecycle.protect
    assert made["log-bucket"].lifecycle.retain
    assert made["log-bucket"].expire_after_days == 90


@pytest.mark.parametrize(
    "fields",
    [
        {f"{V}enable_spot_instances": True},
        {"runtime.network.subnet_ids": ["subnet-0a1b2c3d", "subnet-0a1b2c3e"]},
        {"runtime.network.subnet_ids": "${SUBNETS}"},
    ],
    ids=["spot", "several subnets", "a late list"],
)
def test_fleets(make: Any, fields: dict[str, Any]) -> None:
    """Spot machines, several subnets, and a list known late need fleets, for both roles."""
    cluster = make.resources(make.emr({**fields, "runtime.compute.instance_count": 3}))["cluster"]
    assert isinstance(cluster.primary, InstanceFleet)
    assert cluster.primary.target_on_demand == 1
    spot = f"{V}enable_spot_instances" in fields
    assert (cluster.core.target_spot, cluster.core.target_on_demand) == ((3, 0) if spot else (0, 3))


def test_late_list_is_typed_as_a_list(make: Any) -> None:
    """A whole `${NAME}` in a list field is a parameter of type list; mixed text is an error."""
    cluster = make.resources(make.emr({"runtime.network.subnet_ids": "${SUBNETS}"}))["cluster"]
    assert cluster.subnet_ids == Parameter("SUBNETS", "list")
    codes = make.codes(make.emr({"runtime.network.subnet_ids": "${A}-${B}"}))
    assert rules.UNRESOLVED_FIELD.code in codes


def test_scaling(make: Any) -> None:
    """Managed scaling has the job's limits, and the count it owns is ignored afterwards."""
    cluster = make.resources(make.emr(SCALING))["cluster"]
    assert cluster.managed_scaling == ManagedScaling(minimum=2, maximum=9, unit="Instances")
    assert cluster.lifecycle.ignore == ("core.instance_count",)
    spot = make.resources(make.emr({**SCALING, f"{V}enable_spot_instances": True}))["cluster"]
    assert spot.managed_scaling.unit == "InstanceFleetUnits"
    assert spot.lifecycle.ignore == ("core.target_spot",)


def test_scaling_needs_limits(make: Any) -> None:
    """Scaling without limits is an error for each limit."""
    job = make.emr({"runtime.compute.auto_scaling.enabled": True})
    messages = [each.message for each in plan([job]).diagnostics]
    assert sum("min_instances` to be built" in each for each in messages) == 1
    assert sum("max_instances` to be built" in each for each in messages) == 1


def test_given_log_bucket(make: Any) -> None:
    """A log bucket that is given, even late, is used and none is built."""
    for given, text in (("logs", "logs"), ("${LOGS}", "${LOGS}")):
        made = make.resources(make.emr({f"{V}log_bucket": given}))
        assert "log-bucket" not in made
        assert show(made["cluster"].log_uri) == f"s3://{text}/emr/acme/prod/orders/"


def test_policies_are_exact(make: Any) -> None:
    """Each statement names its resources; a wildcard stands only behind a bucket or a key alias."""
    made = make.resources(
        make.emr(
            {
                "runtime.storage.bucket": "lake",
                "resources.queue.arn": "arn:aws:sqs:eu-west-1:123456789012:jobs",
                "resources.secrets.secret_manager_arn": (
                    "arn:aws:secretsmanager:eu-west-1:123456789012:secret:dativo/prod-orders"
                ),
                "resources.secrets.kms_key_id": "alias/secrets",
            },
            target={"warehouse": "s3://house/w"},
        )
    )
    found = [show(each) for each in statements(made)]
    assert not any("*" in action for each in found for action in each["Action"])
    buckets = {
        place.split(":::")[1] for each in found for place in each["Resource"] if ":::" in place
    }
    assert {"lake", "lake/*", "house", "house/*"} <= buckets
    assert [each["Resource"] for each in found if "sqs:SendMessage" in each["Action"]] == [
        ["arn:aws:sqs:eu-west-1:123456789012:jobs"]
    ]
    assert all(
        place != "*" and not place.endswith(":*") for each in found for place in each["Resource"]
    )
    (key,) = [each for each in found if "kms:Decrypt" in each["Action"]]
    assert key["Condition"] == {
        "ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/secrets"}
    }


def bucket_rights(resources: dict[str, Any]) -> dict[str, set[str]]:
    """Return the actions allowed on the objects of each bucket."""
    rights: dict[str, set[str]] = {}
    for each in show(statements(resources)):
        for place in each["Resource"]:
            if place.endswith("/*") and ":s3:::" in place:
                name = place.split(":::")[1].removesuffix("/*")
                rights.setdefault(name, set()).update(each["Action"])
    return rights


def test_sources_are_only_read(make: Any) -> None:
    """Where the job only reads, its machines may not write; state is written wherever it is."""
    made = make.resources(
        make.emr(
            {"runtime.storage.bucket": "lake"},
            source={
                "files": [{"path": "s3://raw/in/*.csv"}, {"path": "s3://house/in"}],
                "s3": {"bucket": "drop"},
                "incremental": {"state_path": "s3a://state/orders.json"},
            },
            target={"warehouse": "s3://house/w", "s3": {"bucket": "sea"}},
        )
    )
    rights = bucket_rights(made)
    written = {name for name, actions in rights.items() if "s3:PutObject" in actions}
    assert {"lake", "house", "sea", "state"} <= written
    assert rights["raw"] == rights["drop"] == {"s3:GetObject"}
    listed = [each for each in show(statements(made)) if "s3:ListBucket" in each["Action"]]
    assert any(place.endswith(":raw") for each in listed for place in each["Resource"])


@pytest.mark.parametrize(
    "url", ["s3://*/raw", "s3://${LAKE}/x", "s3://raw-${STAGE}/x", "s3://k:hunter2@h/x", "s3://"]
)
@pytest.mark.parametrize("fields", [{}, {"runtime.service_account": ROLE}], ids=["built", "given"])
def test_buckets_that_cannot_be_told(make: Any, url: str, fields: dict[str, Any]) -> None:
    """What is no bucket's name gives no right, and the plan says where that is."""
    plain = make.plan(make.emr(fields))
    planned = make.plan(
        make.emr(fields, source={"files": [{"path": url}]}, target={"s3": {"bucket": url[5:]}})
    )
    assert planned.units == plain.units
    new = [each for each in planned.jobs[0].notes if each not in plain.jobs[0].notes]
    assert [each.split()[0] for each in new] == ["source.files.path", "target.s3"]
    assert "hunter2" not in "".join(new)


def test_secret_name_that_ends_like_a_suffix(make: Any) -> None:
    """`prod-orders` ends in six letters as a suffix does, so both forms of the ARN are allowed."""
    arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:dativo/prod-orders"
    made = make.resources(make.emr({"resources.secrets.secret_manager_arn": arn}))
    (read,) = [each for each in statements(made) if "secretsmanager" in each["Action"][0]]
    assert read["Resource"] == [arn, f"{arn}-??????"]


def test_other_queues_get_no_rights_of_sqs(make: Any) -> None:
    """The ARN of another service's queue gives no statement, and the report says so."""
    job = make.emr({"resources.queue.arn": "arn:aws:kafka:eu-west-1:123456789012:cluster/k/1"})
    assert "kafka" not in json.dumps(show(statements(make.resources(job))))
    (use,) = [each for each in make.plan(job).jobs[0].fields if each.path == "resources.queue.arn"]
    assert use.outcome == "referenced"


def test_service_role(make: Any) -> None:
    """EMR's own role has the v2 policy, may pass exactly the machines' role, for one account."""
    role = make.resources(make.emr())["service-role"]
    (managed,) = role.managed_policy_arns
    assert show(managed).endswith("policy/service-role/AmazonEMRServicePolicy_v2")
    (pass_role,) = role.policies["pass-instance-role"]["Statement"]
    assert pass_role["Resource"] == [Ref("instance-role", "arn")]
    (trust,) = role.assume_role_policy["Statement"]
    assert trust["Principal"] == {"Service": "elasticmapreduce.amazonaws.com"}
    assert show(trust["Condition"]["StringEquals"]) == {"aws:SourceAccount": "<account_id>"}
    assert "aws:SourceArn" in trust["Condition"]["ArnLike"]


@pytest.mark.parametrize(
    ("given", "arn", "name"),
    [
        (ROLE, ROLE, "Runner"),
        ("Runner", "arn:<partition>:iam::<account_id>:role/Runner", "Runner"),
        ("${ROLE}", Parameter("ROLE"), Select(Split("/", Parameter("ROLE")), -1)),
        (
            "arn:aws:iam::${ACCOUNT}:role/data/runner-${TEAM}",
            "arn:aws:iam::${ACCOUNT}:role/data/runner-${TEAM}",
            "runner-${TEAM}",
        ),
        (
            "runner-${TEAM}",
            "arn:<partition>:iam::<account_id>:role/runner-${TEAM}",
            "runner-${TEAM}",
        ),
    ],
    ids=["ARN with a path", "name", "late", "ARN known in parts", "name known in parts"],
)
def test_given_role(make: Any, given: str, arn: Any, name: Any) -> None:
    """A role that is given is passed and profiled by its name, and nothing is added to it."""
    planned = make.plan(make.emr({"runtime.service_account": given}))
    made = {each.key: each for each in planned.units[0].resources}
    assert "instance-role" not in made
    (pass_role,) = made["service-role"].policies["pass-instance-role"]["Statement"]
    assert show(pass_role["Resource"]) == [show(arn)]
    assert show(made["instance-profile"].role) == show(name)
    notes = planned.jobs[0].notes
    assert any("must allow s3:GetBucketLocation" in note for note in notes)
    assert "the role given must trust ec2.amazonaws.com" in notes


def test_what_is_no_role_is_refused(make: Any) -> None:
    """An instance profile, or text that no role is called, cannot be a machines' role."""
    for given in ("arn:aws:iam::123456789012:instance-profile/x", "my role"):
        assert "DI307" in make.codes(make.emr({"runtime.service_account": given}))


def test_encryption(make: Any) -> None:
    """Without a key S3 encrypts by itself; with one, disks and the log bucket use it as well."""
    plain = make.resources(make.emr({f"{V}enable_encryption": True}))
    at_rest = plain["security-configuration"].configuration["EncryptionConfiguration"]
    assert "LocalDiskEncryptionConfiguration" not in at_rest["AtRestEncryptionConfiguration"]
    assert plain["log-bucket"].kms_key is None
    assert plain["cluster"].security_configuration == Ref("security-configuration", "name")
    keyed = make.resources(
        make.emr({f"{V}enable_encryption": True, f"{V}kms_key_alias": "alias/data"})
    )
    text = json.dumps(show(keyed["security-configuration"].configuration))
    assert "arn:<partition>:kms:<region>:<account_id>:alias/data" in text
    assert show(keyed["log-bucket"].kms_key).endswith(":alias/data")
    for policy in ("service-role", "instance-role"):
        assert "kms:ResourceAliases" in json.dumps(show(keyed[policy].policies))


def test_alias_of_another_place(make: Any) -> None:
    """An alias given by its ARN is looked for in the ARN's own account and region."""
    alias = "arn:aws:kms:eu-west-1:210987654321:alias/x"
    made = make.resources(make.emr({"resources.secrets.kms_key_id": alias}))
    (key,) = [each for each in statements(made) if "kms:Decrypt" in each["Action"]]
    assert key["Resource"] == ["arn:aws:kms:eu-west-1:210987654321:key/*"]


def test_tags_everywhere(make: Any) -> None:
    """Every taggable resource carries the job's and the identity's tags; the cluster EMR's too."""
    made = make.resources(make.emr({"metadata.tags": {"Owner": "data"}}))
    own = {
        "Owner": "data",
        "dativo:tenant": "acme",
        "dativo:environment": "prod",
        "dativo:job": "orders",
    }
    for each in made.values():
        if hasattr(each, "tags"):
            assert own.items() <= each.tags.items()
    assert made["cluster"].tags["for-use-with-amazon-emr-managed-policies"] == "true"


def test_the_tag_of_emr_is_reserved(make: Any) -> None:
    """A job cannot say otherwise of the tag that EMR's policy needs."""
    job = make.emr({"metadata.tags": {"for-use-with-amazon-emr-managed-policies": "no"}})
    assert "DI310" in make.codes(job)


def test_exports(make: Any) -> None:
    """A cluster that is built exports what the platform declares, by references."""
    unit = make.unit(make.emr({"outputs": {"id": "output.emr_cluster_id"}}))
    assert unit.exports["emr_cluster_id"] == Ref("cluster", "id")
    assert unit.exports["emr_log_bucket"] == Ref("log-bucket", "name")
    assert set(unit.exports) == {
        "emr_cluster_id",
        "emr_cluster_dns",
        "emr_master_public_dns",
        "emr_log_bucket",
    }


@pytest.mark.parametrize("given", ["j-2AXXXXXXGAPLF", "${EMR_CLUSTER_ID}"])
def test_cluster_that_exists(make: Any, given: str) -> None:
    """A cluster that exists is exported and referred to; nothing is built, no field is used."""
    job = make.emr(
        {"runtime.compute.cluster_id": given, "outputs": {"id": "output.emr_cluster_id"}}
    )
    planned = make.plan(job)
    assert planned.units == ()
    (job_plan,) = planned.jobs
    assert show(job_plan.outputs) == {"id": given}
    assert any(each.kind == "cluster" for each in job_plan.references)


@pytest.mark.parametrize("protect", [True, False])
@pytest.mark.parametrize("termination_protection", [True, False])
def test_protection(make: Any, *, protect: bool, termination_protection: bool) -> None:
    """The tool's protection and EMR's own are two switches."""
    variables = {"protect": protect, "termination_protection": termination_protection}
    fields = {f"{V}{name}": value for name, value in variables.items()}
    cluster = make.resources(make.emr(fields))["cluster"]
    assert cluster.lifecycle.protect is protect
    assert cluster.termination_protected is termination_protection


def test_idle_time(make: Any) -> None:
    """An idle limit is given in minutes, and EMR takes it in seconds."""
    cluster = make.resources(make.emr({f"{V}idle_timeout_minutes": 30}))["cluster"]
    assert cluster.idle_timeout_seconds == 1800


def test_notes(make: Any) -> None:
    """The plan says that a cluster is billed until it is destroyed, and how to take it down."""
    (job_plan,) = make.plan(make.emr()).jobs
    assert any("billed until it is destroyed" in note for note in job_plan.notes)
    assert any("set protect: false" in note for note in job_plan.notes)
    (free,) = make.plan(make.emr({f"{V}protect": False})).jobs
    assert not any("protect: false" in note for note in free.notes)
    (guarded,) = make.plan(make.emr({f"{V}termination_protection": True})).jobs
    words = "set protect: false and termination_protection: false, deploy, then destroy"
    assert any(words in note for note in guarded.notes)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("log_bucket", "s3://logs"),
        ("log_bucket", "s3://${LOGS}"),
        ("log_bucket", "logs/emr"),
        ("kms_key_alias", "data"),
        ("kms_key_alias", "alias/${KEY}"),
        ("kms_key_alias", "arn:aws:kms"),
    ],
)
def test_variables_that_aws_refuses(make: Any, variable: str, value: str) -> None:
    """A log bucket is a name alone, and a key an alias, an id or an ARN, as far as it is known."""
    fields = {f"{V}enable_encryption": True, f"{V}{variable}": value}
    assert rules.BAD_VARIABLE.code in make.codes(make.emr(fields))


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("log_bucket", "logs-${STAGE}"),
        ("kms_key_alias", "alias/team/data_1"),
        ("kms_key_alias", "0123abcd-4567-89ab-cdef-0123456789ab"),
        ("kms_key_alias", "arn:aws-cn:kms:cn-north-1:123456789012:alias/x"),
        ("kms_key_alias", "arn:aws:kms:${REGION}:123456789012:key/x"),
        ("kms_key_alias", "${KEY}"),
    ],
)
def test_variables_that_aws_takes(make: Any, variable: str, value: str) -> None:
    """Every way to name a bucket or a key is taken, also one that is known late."""
    assert make.unit(make.emr({f"{V}enable_encryption": True, f"{V}{variable}": value}))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("runtime.storage.bucket", "*"),
        ("runtime.storage.bucket", "s3://${LAKE}"),
        ("resources.secrets.secret_manager_arn", "dativo/prod"),
        ("resources.secrets.secret_manager_arn", "dativo/${STAGE}"),
        ("resources.secrets.kms_key_id", "my key"),
        ("resources.secrets.kms_key_id", "alias/${KEY}"),
        ("resources.queue.arn", "arn:aws:sqs:jobs"),
        ("resources.queue.arn", "jobs-${STAGE}"),
    ],
)
def test_what_no_policy_can_name(make: Any, path: str, value: str) -> None:
    """What is no ARN cannot stand in the policy of a role built here; elsewhere it may be said."""
    assert rules.BAD_NAME.code in make.codes(make.emr({path: value}))
    for elsewhere in (
        {"runtime.service_account": ROLE},
        {"runtime.compute.cluster_id": "j-2AXXXXXXGAPLF"},
    ):
        assert rules.BAD_NAME.code not in make.codes(make.emr({path: value, **elsewhere}))


def test_suspicious_arns_only_warn(make: Any) -> None:
    """An ARN that AWS might take gives a warning, and is built."""
    arn = "arn:aws:secretsmanager:eu-west-1:12345:secret:x"
    job = make.emr({"resources.secrets.secret_manager_arn": arn})
    assert make.codes(job).keys() & {"DI306", "DI307"} == {"DI306"}
    assert make.unit(job)


def test_cluster_names_are_within_the_limit(make: Any) -> None:
    """EMR takes names of 256 characters; longer ones are cut, and stay different."""
    jobs = [make.emr({"name": "n" * 200 + last}, tenant_id="t" * 100) for last in "ab"]
    names = [make.resources(job)["cluster"].name for job in jobs]
    assert len(set(names)) == 2
    assert all(len(name) <= 256 for name in names)
    assert make.resources(make.emr())["cluster"].name == "acme-prod-orders"


def test_names_that_policies_cannot_hold(make: Any) -> None:
    """A tenant in another script gives Latin descriptions and log prefixes."""
    made = make.resources(make.emr(tenant_id="日本"))
    assert made["service-role"].description.isascii()
    assert show(made["cluster"].log_uri).isascii()
