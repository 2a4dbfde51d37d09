"""Which cloud a job runs in, and what follows from it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dativo_infra import load, plan
from dativo_infra.diagnostics import rules
from dativo_infra.platforms import PLATFORMS, clouds

SUBSCRIPTION = "3b1f6a2c-9d48-4e07-8a15-6c0d2e9f7b34"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/data/providers"
UUID = "8f2c1d04-5b7e-4a39-9c61-2d0e7f3a1b58"
NETWORK, SUBNETS = "runtime.network.vpc_id", "runtime.network.subnet_ids"
GROUPS, ACCOUNT = "runtime.network.security_group_ids", "runtime.service_account"
BUCKET, VOLUME = "runtime.storage.bucket", "runtime.storage.volume_id"
MACHINE, QUEUE = "runtime.compute.instance_type", "resources.queue.url"
SECRET, KEY = "resources.secrets.secret_manager_arn", "resources.secrets.kms_key_id"
TOPIC = "resources.queue.arn"

SIGNS = [
    ("aws", NETWORK, "vpc-0a1b2c3d"),
    ("aws", SUBNETS, ["subnet-0a1b2c3d4e5f60718"]),
    ("aws", GROUPS, ["sg-0a1b2c3d"]),
    ("aws", ACCOUNT, "arn:aws:iam::123456789012:role/Runner"),
    ("aws", VOLUME, "vol-0a1b2c3d"),
    ("aws", VOLUME, "fs-0a1b2c3d::fsap-0a1b"),
    ("aws", MACHINE, "r5.2xlarge"),
    ("aws", MACHINE, "u7i-12tb.metal-48xl"),
    ("aws", QUEUE, "https://sqs.eu-west-1.amazonaws.com/123456789012/orders"),
    ("aws", SECRET, "arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:x"),
    ("gcp", NETWORK, "projects/acme/global/networks/prod-vpc"),
    ("gcp", NETWORK, "https://www.googleapis.com/compute/v1/projects/p/global/networks/n"),
    ("gcp", SUBNETS, ["projects/acme/regions/us-central1/subnetworks/data-subnet"]),
    ("gcp", ACCOUNT, "runner@acme-data.iam.gserviceaccount.com"),
    ("gcp", VOLUME, "projects/p/zones/z/disks/d"),
    ("gcp", MACHINE, "n2-standard-4"),
    ("gcp", MACHINE, "c3d-highmem-8-lssd"),
    ("gcp", BUCKET, "gs://lake"),
    ("gcp", QUEUE, "projects/p/subscriptions/orders"),
    ("gcp", TOPIC, "projects/p/topics/orders"),
    ("gcp", SECRET, "projects/p/secrets/s"),
    ("gcp", KEY, "projects/p/locations/l/keyRings/r/cryptoKeys/k"),
    ("azure", NETWORK, f"{GROUP}/Microsoft.Network/virtualNetworks/prod"),
    ("azure", SUBNETS, [f"{GROUP}/microsoft.network/virtualnetworks/prod/subnets/data"]),
    ("azure", GROUPS, [f"{GROUP}/Microsoft.Network/networkSecurityGroups/data"]),
    ("azure", ACCOUNT, UUID),
    ("azure", ACCOUNT, f"{GROUP}/Microsoft.ManagedIdentity/userAssignedIdentities/runner"),
    ("azure", VOLUME, f"{GROUP}/Microsoft.Compute/disks/state"),
    ("azure", MACHINE, "Standard_D4s_v5"),
    ("azure", BUCKET, "abfss://lake@acmedata.dfs.core.windows.net/warehouse"),
    ("azure", QUEUE, "sb://acme.servicebus.windows.net/orders"),
    ("azure", QUEUE, "https://acmedata.queue.core.windows.net/orders"),
    ("azure", SECRET, "https://acme-data.vault.azure.net/secrets/runner"),
    ("azure", KEY, "https://acme-data.vault.azure.net/keys/runner"),
    ("azure", KEY, "https://acme-data.vault.usgovcloudapi.net/keys/runner"),
]
"""Values that one cloud alone has, each in a field."""


@pytest.mark.parametrize(("cloud", "path", "value"), SIGNS)
def test_one_sign_tells_the_cloud(make: Any, cloud: str, path: str, value: Any) -> None:
    """A value of one cloud's form tells the cloud, fits what is expected there, and no other."""
    job = make.kubernetes({path: value, "metadata.variables.image": "x"})
    planned = plan([job])
    understood = planned.jobs[0].understood
    assert (understood.cloud, understood.against) == (cloud, ())
    assert str(understood.sign) == f"`{path}`"
    wrong = {rules.OTHER_CLOUD.code, rules.SUSPICIOUS_SHAPE.code, rules.BAD_NAME.code}
    assert wrong.isdisjoint(each.code for each in planned.diagnostics)
    for other in {"aws", "gcp", "azure"} - {cloud}:
        project = make.project(targets={"main": {"cloud": other}})
        assert rules.OTHER_CLOUD.code in make.codes(job, project=project)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (NETWORK, "prod-vpc"),
        (SUBNETS, ["subnet-abc123", "data"]),
        (GROUPS, ["sg-ingress-xyz"]),
        (ACCOUNT, "dativo-runner"),
        (BUCKET, "acme-data-lake"),
        (VOLUME, "state"),
        (MACHINE, "large"),
        (QUEUE, "kafka.acme.example:9092,kafka2.acme.example:9092"),
        (KEY, UUID),
        (SECRET, "${SECRET}"),
    ],
    ids=str,
)
def test_what_tells_no_cloud(make: Any, path: str, value: Any) -> None:
    """Names that each cloud may have tell none, and nothing is said about their form."""
    planned = make.plan(make.kubernetes({path: value}))
    assert planned.jobs[0].understood.is_guess
    assert rules.SUSPICIOUS_SHAPE.code not in {each.code for each in planned.diagnostics}


def test_a_principal_of_databricks_tells_nothing(make: Any) -> None:
    """Databricks knows its principals by a UUID on each cloud."""
    fields = {"provider": "manual", "runtime.platform": "databricks", ACCOUNT: UUID}
    assert plan([make.job(fields)]).jobs[0].understood.is_guess
    google = {**fields, ACCOUNT: "runner@acme-data.iam.gserviceaccount.com"}
    assert plan([make.job(google)]).jobs[0].understood.cloud == "gcp"


@pytest.mark.parametrize(
    ("warehouse", "cloud"),
    [
        ("s3://lake/warehouse/", "aws"),
        ("gs://lake/warehouse/", "gcp"),
        ("abfss://lake@acme.dfs.core.windows.net/", "azure"),
    ],
)
def test_the_warehouse_tells_last(make: Any, warehouse: str, cloud: str) -> None:
    """Where nothing else tells it, the warehouse does; it never contradicts anything."""
    outer = {"target": {"warehouse": warehouse}}
    assert plan([make.kubernetes(**outer)]).jobs[0].understood.cloud == cloud
    for network, other in (("vpc-0a1b2c3d", "aws"), ("projects/p/global/networks/n", "gcp")):
        planned = plan([make.kubernetes({NETWORK: network}, **outer)])
        understood = planned.jobs[0].understood
        assert (understood.cloud, understood.against) == (other, ())


def test_the_target_is_believed(make: Any) -> None:
    """The target's cloud holds whatever a job names; the warning shows both places."""
    job = make.kubernetes({NETWORK: "projects/p/global/networks/n", BUCKET: "gs://lake"})
    project = make.project(targets={"main": {"cloud": "azure"}})
    planned = plan([job], project)
    understood = planned.jobs[0].understood
    assert (understood.cloud, understood.is_plain) == ("azure", True)
    (found,) = [each for each in planned.diagnostics if each.code == rules.OTHER_CLOUD.code]
    assert found.severity == "warning"
    assert "its target `main` is there" in found.message
    assert f"So is `{BUCKET}`" in found.message
    assert [str(place).partition(":")[0] for place, _ in found.related] == ["dativo-infra.yaml"]


def test_signs_that_contradict(load_block: Any) -> None:
    """Of two clouds the network's holds; the warning stands at the other, and shows the first."""
    loaded = load_block(
        "provider: pulumi\n"
        "runtime:\n"
        "  platform: kubernetes\n"
        "  namespace: a\n"
        "  network: {vpc_id: projects/p/global/networks/n}\n"
        "  service_account: arn:aws:iam::123456789012:role/x\n"
    )
    (found,) = [
        each for each in plan(loaded.jobs).diagnostics if each.code == rules.OTHER_CLOUD.code
    ]
    assert f"`{ACCOUNT}` has a form of AWS, but the job runs on Google Cloud" in found.message
    assert str(found.location) == "orders.yaml:12:22"
    assert [str(place) for place, _ in found.related] == ["orders.yaml:11:23"]


@pytest.mark.parametrize("kind", ["emr", "ecs", "fargate"])
def test_what_aws_alone_has(make: Any, kind: str) -> None:
    """A platform of AWS on another cloud is an error that names those which are there.

    Where only the job's own names say so it is a warning.
    """
    project = make.project(targets={"main": {"account": "acme-data"}})
    planned = plan([getattr(make, kind)()], project)
    (found,) = [each for each in planned.diagnostics if each.code == rules.WRONG_CLOUD.code]
    assert f"{kind} exists on AWS alone" in found.message
    there = "On Google Cloud there are: dask, databricks, kubernetes, ray, spark."
    assert found.remedy.startswith(there)
    job = getattr(make, kind)({SUBNETS: ["projects/p/regions/r/subnetworks/s"]})
    planned = plan([job])
    assert planned.jobs[0].understood.cloud == "aws"
    (found,) = [each for each in planned.diagnostics if each.code == rules.OTHER_CLOUD.code]
    assert f"{kind} exists there alone" in found.message
    assert found.remedy == there
    assert rules.SUSPICIOUS_SHAPE.code not in {each.code for each in planned.diagnostics}


def test_platforms_without_a_cloud_are_on_each(make: Any) -> None:
    """A platform that is not bound to a cloud is refused on none."""
    for name, platform in PLATFORMS.items():
        job = make.job({"provider": "manual", "runtime.platform": name})
        for cloud in ("aws", "gcp", "azure"):
            project = make.project(targets={"main": {"cloud": cloud}})
            refused = rules.WRONG_CLOUD.code in make.codes(job, project=project)
            assert refused is bool(platform.clouds and cloud not in platform.clouds)


@pytest.mark.parametrize(
    ("cloud", "path", "value"),
    [
        ("gcp", NETWORK, "projects/p/networks/n"),
        ("gcp", SUBNETS, ["Data_Subnet"]),
        ("gcp", ACCOUNT, "runner@acme.example"),
        ("gcp", SECRET, "projects/p/secret/s"),
        ("gcp", KEY, "projects/p/cryptoKeys/k"),
        ("gcp", TOPIC, "projects/p/queues/q"),
        ("gcp", BUCKET, "gs://Lake"),
        ("azure", NETWORK, "/subscriptions/s/virtualNetworks/n"),
        ("azure", SUBNETS, [f"{GROUP}/Microsoft.Network/virtualNetworks/v"]),
        ("azure", SECRET, "https://acme-data.vault.azure.net/keys/k"),
        ("azure", KEY, "https://acme-data.vault.azure.net/secrets/s"),
        ("azure", TOPIC, f"{GROUP}/Microsoft.Compute/disks/d"),
        ("azure", BUCKET, "Lake"),
        ("aws", NETWORK, "vpc-xyz"),
        ("aws", KEY, "key"),
    ],
    ids=str,
)
def test_wrong_shapes(make: Any, cloud: str, path: str, value: Any) -> None:
    """In a cloud that is known, an identifier of another form is a warning, on Kubernetes too."""
    project = make.project(targets={"main": {"cloud": cloud}})
    planned = plan([make.kubernetes({path: value})], project)
    (found,) = [each for each in planned.diagnostics if each.code == rules.SUSPICIOUS_SHAPE.code]
    assert found.severity == "warning"


@pytest.mark.parametrize(
    ("target", "path", "value", "other"),
    [
        ({"account": "acme-data"}, SECRET, "projects/acme-other/secrets/s", "project acme-other"),
        ({"account": "acme-data"}, SECRET, "projects/123456789/secrets/s", ""),
        ({"account": "acme-data"}, ACCOUNT, "x@acme-other.iam.gserviceaccount.com", "project"),
        ({"account": "acme-data"}, ACCOUNT, "x@acme-data.iam.gserviceaccount.com", ""),
        ({"account": "acme-data"}, NETWORK, "projects/acme-other/global/networks/n", ""),
        (
            {"region": "europe-west3"},
            KEY,
            "projects/p/locations/us-central1/keyRings/r/cryptoKeys/k",
            "region us-central1",
        ),
        ({"region": "europe-west3"}, KEY, "projects/p/locations/eur/keyRings/r/cryptoKeys/k", ""),
        (
            {"account": SUBSCRIPTION},
            KEY,
            f"/subscriptions/{UUID}/resourceGroups/g/providers/Microsoft.KeyVault/vaults/v/keys/k",
            f"subscription {UUID}",
        ),
        ({"account": SUBSCRIPTION.upper()}, TOPIC, f"{GROUP}/Microsoft.ServiceBus/x", ""),
    ],
)
def test_other_accounts(make: Any, target: dict[str, str], path: str, value: str, other: str):
    """A secret, key or identity of another project, subscription or region is a warning.

    A network is not: it is often shared from a project of its own.
    """
    project = make.project(targets={"main": target})
    message = make.codes(make.kubernetes({path: value}), project=project).get("DI401", "")
    assert bool(message) is bool(other)
    assert other in message


# --- what the runner is told --------------------------------------------------------------------


def environment(make: Any, fields: dict[str, Any], target: dict[str, str]) -> dict[str, Any]:
    """Return the environment of a job's pods."""
    project = make.project(targets={"main": target})
    made = make.resources(make.kubernetes(fields), project=project)
    return made["config-map"].body["data"]


@pytest.mark.parametrize(
    ("secret", "config"),
    [
        ("projects/p/secrets/s", {"bundle_secret_id_template": "projects/p/secrets/s"}),
        (
            "projects/p/secrets/s/versions/7",
            {"bundle_secret_id_template": "projects/p/secrets/s", "version": "7"},
        ),
    ],
)
def test_secret_of_google(make: Any, secret: str, config: dict[str, str]) -> None:
    """The runner is told a secret of Google's, its project and its version."""
    data = environment(make, {SECRET: secret}, {"account": "acme-data"})
    assert data["DATIVO_SECRET_MANAGER"] == "gcp"
    known = {"project_id": "p", "bundle_format": "json"}
    assert json.loads(data["DATIVO_SECRET_MANAGER_CONFIG"]) == {**known, **config}
    assert data["GOOGLE_CLOUD_PROJECT"] == "acme-data"


@pytest.mark.parametrize(
    ("target", "secret"),
    [
        ({"cloud": "azure"}, "https://acme-data.vault.azure.net/secrets/runner"),
        ({"cloud": "gcp"}, "projects/p/locations/l/secrets/s"),
        ({"cloud": "gcp"}, "${SECRET_NAME_LATER}"),
    ],
)
def test_secrets_that_cannot_be_told(make: Any, target: dict[str, str], secret: str) -> None:
    """A secret that the runner has no setting for is reported unused, with the reason."""
    project = make.project(targets={"main": target})
    job = make.kubernetes({SECRET: secret})
    assert "DATIVO_SECRET_MANAGER" not in environment(make, {SECRET: secret}, target)
    (use,) = [each for each in plan([job], project).jobs[0].fields if each.path == SECRET]
    assert use.outcome == "unused"
    assert "runner" in use.text


@pytest.mark.parametrize("cloud", ["gcp", "azure"])
def test_bucket_that_is_not_of_s3(make: Any, cloud: str) -> None:
    """The runner's setting for a bucket is one of S3; another's is only referred to."""
    assert "S3_BUCKET" not in environment(make, {BUCKET: "lake"}, {"cloud": cloud})
    assert environment(make, {BUCKET: "lake"}, {"cloud": "aws"})["S3_BUCKET"] == "lake"
    project = make.project(targets={"main": {"cloud": cloud}})
    planned = plan([make.kubernetes({BUCKET: "lake"})], project)
    (use,) = [each for each in planned.jobs[0].fields if each.path == BUCKET]
    assert use.outcome == "referenced"


# --- as a whole ---------------------------------------------------------------------------------


def test_seed_of_google_has_no_warning(seed: Any) -> None:
    """The runner's own example on Google Cloud is understood as such, and planned in peace."""
    loaded = load([seed / "kubernetes_stripe_to_iceberg.yaml"], {})
    planned = plan(loaded.jobs, provider="pulumi")
    assert planned.jobs[0].understood.cloud == "gcp"
    assert {each.code for each in planned.diagnostics} == {rules.DEFAULT_IMAGE.code}


@given(st.data())
def test_forms_of_the_clouds_are_disjoint(data: st.DataObject) -> None:
    """Whatever has a form of one cloud has none of another."""
    cloud = data.draw(st.sampled_from(sorted(clouds.FORMS)))
    text = data.draw(st.from_regex(clouds.FORMS[cloud], fullmatch=True))
    assert clouds.cloud_of(text) == cloud
