"""What a job on Kubernetes becomes."""

from __future__ import annotations

import json
from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from dativo_infra.diagnostics import rules
from dativo_infra.model import Source
from dativo_infra.planning import plan
from dativo_infra.platforms import reach
from dativo_infra.platforms.kube import grammar
from dativo_infra.platforms.kube.metadata import tag_annotations, tag_labels
from dativo_infra.values import Parameter, has_secret, show

V = "metadata.variables."
NAMESPACE, ACCOUNT = "KubernetesNamespace", "KubernetesServiceAccount"
ROLE = "arn:aws:iam::123456789012:role/team/Runner"
GOOGLE = "runner@acme.iam.gserviceaccount.com"
AZURE = "8f2c1d04-5b7e-4a39-9c61-2d0e7f3a1b58"
IDENTITY = (
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity"
    "/userAssignedIdentities/runner"
)


def pod(made: dict[str, Any]) -> dict[str, Any]:
    """Return the spec of the CronJob's pods."""
    return made["cron-job"].body["spec"]["jobTemplate"]["spec"]["template"]["spec"]


def policy(made: dict[str, Any]) -> dict[str, Any]:
    """Return the spec of the network policy."""
    return made["network-policy"].body["spec"]


def reaches(spec: dict[str, Any], address: str, port: int, namespace: str = "") -> bool:
    """Return whether a policy lets a packet out, as Kubernetes reads it."""

    def matches(peer: dict[str, Any]) -> bool:
        if "ipBlock" in peer:
            block = peer["ipBlock"]
            inside = ip_address(address) in ip_network(block["cidr"])
            return inside and not any(
                ip_address(address) in ip_network(each) for each in block.get("except", ())
            )
        wanted = peer["namespaceSelector"].get("matchLabels", {})
        return bool(namespace) and wanted in (
            {},
            {"kubernetes.io/metadata.name": namespace},
        )

    return any(
        any(matches(peer) for peer in rule["to"])
        and ("ports" not in rule or port in {each["port"] for each in rule["ports"]})
        for rule in spec["egress"]
    )


# --- shared things ------------------------------------------------------------------------------


def test_one_namespace_for_all_jobs(make: Any) -> None:
    """Two jobs in one namespace share one unit for it, built first.

    Taking one away leaves the other's unit as it was, and the namespace but for what was the
    removed job's own.
    """
    a = make.kubernetes(name="a.yaml")
    b = make.kubernetes({"metadata.tags": {"Owner": "b"}}, name="b.yaml")
    both, only_a, only_b = make.plan(a, b), make.plan(a), make.plan(b)
    assert [unit.component for unit in both.units] == [NAMESPACE, "KubernetesJob", "KubernetesJob"]
    assert both.unit(a.identity) == only_a.unit(a.identity)
    assert both.unit(b.identity) == only_b.unit(b.identity)
    assert both.units[0].resources == only_a.units[0].resources
    assert both.units[0].jobs == (a.identity, b.identity)
    assert both.unit(a.identity).needs == (both.units[0].identity,)
    assert "Owner" not in both.units[0].tags
    assert only_b.units[0].tags["Owner"] == "b"
    assert "dativo:job" not in only_b.units[0].tags


@pytest.mark.parametrize(
    ("given", "name", "annotations"),
    [
        ("runner", "runner", {}),
        (ROLE, "runner", {"eks.amazonaws.com/role-arn": ROLE}),
        (GOOGLE, "runner", {"iam.gke.io/gcp-service-account": GOOGLE}),
        (AZURE, f"azure-{AZURE}", {"azure.workload.identity/client-id": AZURE}),
    ],
    ids=["plain", "IRSA", "GKE", "AKS"],
)
def test_given_account(make: Any, given: str, name: str, annotations: dict[str, str]) -> None:
    """A service account that is given is shared; a cloud identity gives an account of its name."""
    job = make.kubernetes({"runtime.service_account": given})
    account = make.shared(ACCOUNT, job)["service-account"]
    assert (account.name, account.namespace) == (name, "ingestion")
    cloud = {key: value for key, value in account.annotations.items() if "dativo" not in key}
    assert cloud == annotations
    made = make.resources(job)
    assert "service-account" not in made
    assert pod(made)["serviceAccountName"] == name


@pytest.mark.parametrize("given", [AZURE, AZURE.upper()])
def test_pods_ask_for_their_identity_of_azure(make: Any, given: str) -> None:
    """Pods with an identity of Azure have the label that its webhook looks for; others have not."""
    label = "azure.workload.identity/use"
    for account, value in ((given, "true"), (GOOGLE, None), ("runner", None)):
        made = make.resources(make.kubernetes({"runtime.service_account": account}))
        template = made["cron-job"].body["spec"]["jobTemplate"]["spec"]["template"]
        assert template["metadata"]["labels"].get(label) == value
        assert template["spec"]["serviceAccountName"] != account or value is None


def test_identity_without_a_client_id(make: Any) -> None:
    """A managed identity's resource id does not tell its client id: an error where it is built."""
    job = make.kubernetes({"runtime.service_account": IDENTITY})
    (found,) = [each for each in plan([job]).diagnostics if each.code == rules.NO_CLIENT_ID.code]
    assert f"az identity show --ids {IDENTITY} --query clientId" in found.remedy
    module = {"provider": "terraform", "terraform.module_source": "./modules/kubernetes"}
    left = make.kubernetes({"runtime.service_account": IDENTITY, **module})
    assert not plan([left]).failed


def test_own_account(make: Any) -> None:
    """A job that names no account gets one of its own."""
    made = make.resources(make.kubernetes())
    assert made["service-account"].name == "acme-prod-orders"
    assert pod(made)["serviceAccountName"] == "acme-prod-orders"


def test_default_things_are_not_built(make: Any) -> None:
    """The namespace and the account `default` exist everywhere and are only referred to."""
    job = make.kubernetes({"runtime.namespace": "default", "runtime.service_account": "default"})
    planned = make.plan(job)
    assert [unit.component for unit in planned.units] == ["KubernetesJob"]
    uses = {each.path: each.outcome for each in planned.jobs[0].fields}
    assert uses["runtime.namespace"] == uses["runtime.service_account"] == "referenced"


@pytest.mark.parametrize("other", ["runner", ROLE.replace("team/", "")])
def test_accounts_of_one_name_with_other_identities(make: Any, other: str) -> None:
    """An account never gets the cloud identity that another job of its name wants."""
    jobs = [
        make.kubernetes({"runtime.service_account": each}, name=f"{index}.yaml")
        for index, each in enumerate((ROLE, other))
    ]
    message = make.codes(*jobs)[rules.SHARED_DISAGREES.code]
    assert "0.yaml" in message
    assert "1.yaml" in message


def test_limit_range_needs_all_jobs_to_agree(make: Any) -> None:
    """The default of a namespace is only what all its jobs say: it must break no other pod."""
    a = make.kubernetes(
        {f"{V}resource_requests_cpu": "1", f"{V}resource_limits_cpu": "2"}, name="a.yaml"
    )
    b = make.kubernetes({f"{V}resource_requests_cpu": "1"}, name="b.yaml")
    (limit,) = make.shared(NAMESPACE, a)["limit-range"].body["spec"]["limits"]
    assert limit == {
        "type": "Container",
        "defaultRequest": {"cpu": "1"},
        "default": {"cpu": "2"},
    }
    (limit,) = make.shared(NAMESPACE, a, b)["limit-range"].body["spec"]["limits"]
    assert limit == {"type": "Container", "defaultRequest": {"cpu": "1"}}
    assert "limit-range" not in make.shared(NAMESPACE, a, make.kubernetes(name="c.yaml"))


def test_quota(make: Any) -> None:
    """A quota comes from `quota_*`; two jobs that contradict each other are both named."""
    a = make.kubernetes({f"{V}quota_pods": "9", f"{V}quota_limits_cpu": "8"}, name="a.yaml")
    b = make.kubernetes({f"{V}quota_pods": "5"}, name="b.yaml")
    quota = make.shared(NAMESPACE, a)["quota"].body["spec"]["hard"]
    assert quota == {"limits.cpu": "8", "pods": "9"}
    message = make.codes(a, b)[rules.SHARED_DISAGREES.code]
    assert "a.yaml" in message
    assert "b.yaml" in message
    assert "resource_limits_cpu" in make.codes(a)[rules.SHARED_REFUSES.code]


def test_pod_security(make: Any) -> None:
    """The level is on the namespace in three modes, and pods keep to the restricted standard."""
    job = make.kubernetes({f"{V}enable_pod_security_policy": True})
    labels = make.shared(NAMESPACE, job)["namespace"].labels
    for mode in ("enforce", "audit", "warn"):
        assert labels[f"pod-security.kubernetes.io/{mode}"] == "restricted"
    spec = pod(make.resources(job))
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] > 0
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    (container,) = spec["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    assert all(
        set(each) <= {"name", "configMap", "persistentVolumeClaim"} for each in spec["volumes"]
    )


def test_pod_security_must_be_agreed(make: Any) -> None:
    """A level that one job asks for would refuse the pods of a job that does not keep to it."""
    a = make.kubernetes({f"{V}enable_pod_security_policy": True}, name="a.yaml")
    assert rules.SHARED_DISAGREES.code in make.codes(a, make.kubernetes(name="b.yaml"))


def test_namespace_with_state_is_retained(make: Any) -> None:
    """A namespace is kept when a job in it keeps state, as its deletion deletes the claims."""
    stateful = make.kubernetes({f"{V}state_volume_size": "1Gi"}, name="a.yaml")
    other = make.kubernetes(name="b.yaml")
    assert make.shared(NAMESPACE, stateful, other)["namespace"].lifecycle.retain
    assert not make.shared(NAMESPACE, other)["namespace"].lifecycle.retain


# --- network ------------------------------------------------------------------------------------


def test_stripe_job_reaches_what_it_needs(make: Any) -> None:
    """A Stripe job reaches its API, Nessie, object storage and names; nothing else inside."""
    job = make.kubernetes(
        {f"{V}enable_network_policy": True},
        target={
            "warehouse": "gs://lake/warehouse/",
            "connection": {
                "nessie": {"uri": "http://nessie.data-platform.svc.cluster.local:19120/api/v1"},
                "gcs": {"bucket": "lake"},
            },
        },
    )
    planned = make.plan(job)
    made = make.resources(job)
    spec = policy(made)
    assert reaches(spec, "54.187.174.169", 443)
    assert reaches(spec, "10.1.2.3", 19120, "data-platform")
    assert reaches(spec, "10.1.2.3", 53, "kube-system")
    assert not reaches(spec, "10.1.2.3", 22, "data-platform")
    notes = " ".join(planned.jobs[0].notes)
    for word in ("stripe", "19120", "gs://lake"):
        assert word in notes


@pytest.mark.parametrize("cidrs", [None, ["0.0.0.0/0", "::/0"], ["169.254.0.0/16"]])
@pytest.mark.parametrize("address", ["169.254.169.254", "168.63.129.16", "fd00:ec2::254"])
def test_metadata_is_never_reached(make: Any, cidrs: list[str] | None, address: str) -> None:
    """Whatever a job asks for, the address that hands out the machine's credentials is closed."""
    job = make.kubernetes(
        {
            f"{V}enable_network_policy": True,
            f"{V}egress_ports": [80, 443],
            **({f"{V}egress_cidrs": cidrs} if cidrs else {}),
        }
    )
    spec = policy(make.resources(job))
    assert not reaches(spec, address, 80)
    assert not reaches(spec, address, 443)


@pytest.mark.parametrize(
    ("account", "opened"), [(GOOGLE, True), (AZURE, False), (ROLE, False), (None, False)]
)
def test_metadata_server_of_gke(make: Any, account: str | None, *, opened: bool) -> None:
    """A Google account's pods alone reach GKE's metadata server, whichever its dataplane is."""
    fields = {f"{V}enable_network_policy": True, "runtime.service_account": account}
    planned = make.plan(job := make.kubernetes(fields))
    spec = policy(make.resources(job))
    assert reaches(spec, "169.254.169.252", 988) is opened
    assert reaches(spec, "169.254.169.254", 80) is opened
    assert not reaches(spec, "169.254.169.254", 443)
    assert any("metadata server" in note for note in planned.jobs[0].notes) is opened


@pytest.mark.parametrize("address", ["169.254.20.10", "169.254.10.10", "169.254.10.11"])
def test_names_are_asked_of_the_node(make: Any, address: str) -> None:
    """Where a node answers for the cluster's DNS, its address is open for that alone."""
    spec = policy(make.resources(make.kubernetes({f"{V}enable_network_policy": True})))
    assert reaches(spec, address, 53)
    assert not reaches(spec, address, 80)


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("projects/p/topics/t", "", None),
        ("https://acmedata.queue.core.windows.net/q", "", None),
        ("sb://acme.servicebus.windows.net/q", "acme.servicebus.windows.net", 5671),
        ("acme.servicebus.windows.net:9093", "acme.servicebus.windows.net", 9093),
        ("a.example,b.example:9094", "a.example", 9092),
    ],
)
def test_queues(make: Any, url: str, host: str, port: int | None) -> None:
    """A queue is reached on the port that its address means; one that is a name, by HTTPS."""
    job = make.kubernetes({"resources.queue.url": url})
    found = [(each.host, each.port) for each in reach.endpoints(job)]
    assert found[:1] == ([(host, port)] if port else [])
    assert not reach.unknown_ports(job)


@pytest.mark.parametrize(
    ("warehouse", "reason"),
    [
        ("gs://acme_lake/warehouse", "gs://acme_lake"),
        ("abfss://lake@acme.dfs.core.windows.net/warehouse", "abfs://lake"),
        ("wasbs://lake@acme.blob.core.windows.net/warehouse", "abfs://lake"),
        ("gs://user:password@lake/x", ""),
    ],
)
def test_buckets_of_each_cloud(make: Any, warehouse: str, reason: str) -> None:
    """Object storage of each cloud is reached by HTTPS; what is no bucket's name is not shown."""
    job = make.kubernetes(target={"warehouse": warehouse})
    assert set(reach.https_reasons(job)) - {"stripe connector", "iceberg connector"} == (
        {reason} if reason else set()
    )
    assert not reach.endpoints(job)


def test_metadata_as_a_network_is_refused(make: Any) -> None:
    """The metadata address itself cannot be asked for."""
    job = make.kubernetes(
        {f"{V}enable_network_policy": True, f"{V}egress_cidrs": ["169.254.169.254/32"]}
    )
    assert rules.BAD_VARIABLE.code in make.codes(job)


def test_policy_selects_own_pods_alone(make: Any) -> None:
    """The policy selects labels that the job's pods have and no neighbour's."""
    a = make.kubernetes({f"{V}enable_network_policy": True}, name="a.yaml")
    b = make.kubernetes(name="b.yaml")
    planned = make.plan(a, b)
    own, other = (
        {each.key: each for each in planned.unit(job.identity).resources} for job in (a, b)
    )
    selected = policy(own)["podSelector"]["matchLabels"]

    def labels(made: dict[str, Any]) -> dict[str, str]:
        template = made["cron-job"].body["spec"]["jobTemplate"]["spec"]["template"]
        return template["metadata"]["labels"]

    assert selected.items() <= labels(own).items()
    assert not selected.items() <= labels(other).items()


@pytest.mark.parametrize(("port", "open_"), [("8080", True), ("99999", False), ("x", False)])
def test_scraping(make: Any, port: str, *, open_: bool) -> None:
    """A port that is annotated for scraping is open from inside; nothing else comes in."""
    job = make.kubernetes(
        {
            f"{V}enable_network_policy": True,
            "metadata.annotations": {"prometheus.io/scrape": "true", "prometheus.io/port": port},
        }
    )
    ingress = policy(make.resources(job))["ingress"]
    assert [rule["ports"][0]["port"] for rule in ingress] == ([int(port)] if open_ else [])


@pytest.mark.parametrize(
    ("source", "port"),
    [
        ({"connection": {"host": "db", "port": 5433}}, 5433),
        ({"connection": {"host": "db", "port": "5434"}}, 5434),
        ({"postgres": {"host": "db", "port": "${PGPORT}"}}, 5432),
        ({"connection": {"host": "${HOST}", "port": 3307}}, 3307),
        ({"nessie": {"uri": "${NESSIE_URI}"}}, 19120),
        ({"url": "jdbc:postgresql://db:5555/x"}, 5555),
        ({"url": "postgresql+psycopg2://db/x"}, 5432),
        ({"kafka": {"bootstrap_servers": "a:9094,b:9095"}}, 9095),
        ({"url": "http://x.y.svc:8081/"}, 8081),
    ],
    ids=str,
)
def test_declared_ports_are_open(make: Any, source: dict[str, Any], port: int) -> None:
    """The port of a connection is open, and the usual one where a variable stands for it."""
    job = make.kubernetes({f"{V}enable_network_policy": True}, source=source)
    open_ports = {
        each["port"]
        for rule in policy(make.resources(job))["egress"]
        for each in rule.get("ports", ())
    }
    assert open_ports - {53, 443} >= {port}


@pytest.mark.parametrize(
    ("fields", "connector", "port", "postgres"),
    [
        ({}, "stripe", 5432, True),
        ({}, "postgres", 5432, True),
        ({}, "mysql", 3306, False),
        ({}, "mongodb", 27017, False),
        ({"port": 5432}, "mysql", 5432, True),
        ({"port": 6432}, "postgres", 6432, True),
        ({"port": 6432}, "stripe", 6432, False),
        ({"port": 3306}, "stripe", 3306, False),
        ({"endpoint": "mysql://db.example.com"}, "postgres", 3306, False),
        ({"endpoint": "${DB}"}, "mysql", 3306, False),
    ],
)
def test_the_database_follows_the_connector(
    make: Any, fields: dict[str, Any], connector: str, port: int, *, postgres: bool
) -> None:
    """The usual port is that of the job's database, and PG* are for PostgreSQL alone."""
    database = {"endpoint": "db.example.com", **fields}
    job = make.kubernetes(
        {
            f"{V}enable_network_policy": True,
            **{f"resources.database.{name}": value for name, value in database.items()},
        },
        source_connector=connector,
    )
    made = make.resources(job)
    ports = {each["port"] for rule in policy(made)["egress"] for each in rule.get("ports", ())} - {
        53,
        443,
    }
    assert ports == {port}
    data = made["config-map"].body["data"]
    assert ("PGHOST" in data) is postgres
    assert "DATABASE_HOST" in data


def test_unknown_port_is_said(make: Any) -> None:
    """A connection whose port nobody can tell is named in the plan."""
    job = make.kubernetes(
        {f"{V}enable_network_policy": True}, source={"connection": {"host": "thing"}}
    )
    notes = make.plan(job).jobs[0].notes
    assert any("source.connection" in note and "egress_ports" in note for note in notes)


def test_service_of_a_stateful_set(make: Any) -> None:
    """A host name inside the cluster gives its namespace, however many labels stand before."""
    job = make.kubernetes(
        {
            f"{V}enable_network_policy": True,
            "resources.cache.endpoint": "redis-0.redis.data.svc.cluster.local:6380",
        }
    )
    spec = policy(make.resources(job))
    assert reaches(spec, "10.0.0.1", 6380, "data")
    assert not reaches(spec, "10.0.0.1", 6380, "other")


# --- the job's own objects ----------------------------------------------------------------------


def test_role_reads_own_config_maps_alone(make: Any) -> None:
    """The account may read the job's two ConfigMaps, and nothing else."""
    made = make.resources(make.kubernetes())
    (rule,) = made["role"].body["rules"]
    names = {made["config-map"].name, made["job-config-map"].name}
    assert set(rule["resourceNames"]) == names
    assert (rule["verbs"], rule["resources"]) == (["get"], ["configmaps"])
    assert made["role-binding"].body["roleRef"]["name"] == made["role"].name


def test_secret_goes_to_a_secret(make: Any) -> None:
    """A secret in a field is a token in a Secret, whatever the environment holds."""
    job = make.kubernetes(
        {"resources.cache.endpoint": "redis://:${REDIS_PASSWORD}@cache:6379"},
        environment={"REDIS_PASSWORD": "hunter2"},
    )
    made = make.resources(job)
    assert has_secret(made["secret"].body["stringData"]["CACHE_ENDPOINT"])
    assert "CACHE_ENDPOINT" not in made["config-map"].body["data"]
    assert not any(has_secret(each.body) for key, each in made.items() if key != "secret")
    assert "hunter2" not in repr(made)
    (container,) = pod(made)["containers"]
    assert {"secretRef": {"name": made["secret"].name}} in container["envFrom"]


def test_config_map(make: Any) -> None:
    """The container is told what the job refers to, by the names that the runner reads."""
    arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:x"
    made = make.resources(
        make.kubernetes(
            {
                "resources.database.endpoint": "db.example.com",
                "resources.database.port": 5432,
                "resources.secrets.secret_manager_arn": arn,
                "runtime.storage.bucket": "lake",
            }
        )
    )
    data = made["config-map"].body["data"]
    assert data["PGHOST"] == data["DATABASE_HOST"] == "db.example.com"
    assert data["PGPORT"] == "5432"
    assert data["S3_BUCKET"] == "lake"
    assert data["DATIVO_SECRET_MANAGER"] == "aws"
    assert json.loads(data["DATIVO_SECRET_MANAGER_CONFIG"]) == {
        "region_name": "eu-west-1",
        "bundle_format": "json",
        "bundle_secret_id_template": arn,
    }
    assert data["KUBERNETES_NAMESPACE"] == "ingestion"


@pytest.mark.parametrize(
    ("volume_id", "driver", "mode"),
    [
        ("vol-0a1b2c3d", "ebs.csi.aws.com", "ReadWriteOnce"),
        ("fs-0a1b2c3d::fsap-0a1b", "efs.csi.aws.com", "ReadWriteMany"),
        ("projects/p/zones/z/disks/d", "pd.csi.storage.gke.io", "ReadWriteOnce"),
        (
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/disks/d",
            "disk.csi.azure.com",
            "ReadWriteOnce",
        ),
    ],
)
def test_disks(make: Any, volume_id: str, driver: str, mode: str) -> None:
    """A disk that exists becomes a volume and a claim on it, both kept, mounted in the pods."""
    made = make.resources(make.kubernetes({"runtime.storage.volume_id": volume_id}))
    spec = made["volume"].body["spec"]
    assert spec["csi"] == {"driver": driver, "volumeHandle": volume_id}
    assert spec["accessModes"] == made["claim"].body["spec"]["accessModes"] == [mode]
    assert spec["claimRef"]["name"] == made["claim"].name
    assert made["claim"].body["spec"]["volumeName"] == made["volume"].name
    assert made["volume"].lifecycle.retain
    assert made["claim"].lifecycle.retain
    assert made["volume"].namespace is None
    assert pod(made)["volumes"][-1]["persistentVolumeClaim"]["claimName"] == made["claim"].name


def test_claim_that_exists(make: Any) -> None:
    """Another name is a claim that exists: mounted, not built."""
    made = make.resources(
        make.kubernetes(
            {"runtime.storage.volume_id": "state", "runtime.storage.mount_path": "/data"}
        )
    )
    assert not {"claim", "volume"} & made.keys()
    assert pod(made)["volumes"][-1]["persistentVolumeClaim"]["claimName"] == "state"
    assert pod(made)["containers"][0]["volumeMounts"][-1]["mountPath"] == "/data"
    assert made["config-map"].body["data"]["STATE_DIR"] == "/data"


def test_new_volume(make: Any) -> None:
    """A size gives a claim of that size, of the class named."""
    made = make.resources(
        make.kubernetes({f"{V}state_volume_size": "5Gi", f"{V}storage_class": "fast"})
    )
    spec = made["claim"].body["spec"]
    assert spec["resources"] == {"requests": {"storage": "5Gi"}}
    assert spec["storageClassName"] == "fast"
    assert "volume" not in made


def test_cron_job(make: Any) -> None:
    """The CronJob is suspended unless asked, never runs twice at once, and runs the job once."""
    made = make.resources(
        make.kubernetes({"metadata.labels": {"tier": "data"}, "metadata.annotations": {"a": "b"}})
    )
    spec = made["cron-job"].body["spec"]
    assert spec["suspend"] is True
    assert spec["concurrencyPolicy"] == "Forbid"
    (container,) = pod(made)["containers"]
    path = "/app/jobs/acme/acme-prod-orders.yaml"
    assert container["args"] == ["run", "--config", path, "--mode", "self_hosted"]
    assert container["volumeMounts"][0]["mountPath"] == path
    assert made["job-config-map"].body["data"].keys() == {"acme-prod-orders.yaml"}
    template = spec["jobTemplate"]["spec"]["template"]
    assert template["metadata"]["labels"]["tier"] == "data"
    assert template["metadata"]["annotations"]["a"] == "b"
    assert set(made["cron-job"].after) == made.keys() - {"cron-job"}


def test_schedule(make: Any) -> None:
    """`run: schedule` starts the CronJob on its schedule, which it needs."""
    job = make.kubernetes({f"{V}run": "schedule", f"{V}schedule": "0 3 * * *"})
    spec = make.resources(job)["cron-job"].body["spec"]
    assert (spec["suspend"], spec["schedule"]) == (False, "0 3 * * *")
    assert rules.SCHEDULE_MISSING.code in make.codes(make.kubernetes({f"{V}run": "schedule"}))


@pytest.mark.parametrize("stem", ["a" * 200, "Ünïcode_名前", "x-y_z.v1", "UPPER", "0"])
def test_names_are_legal(make: Any, stem: str) -> None:
    """Whatever a job is called, its objects have legal names, the CronJob's not above 52."""
    for unit in make.plan(make.kubernetes(name=f"{stem}.yaml")).units:
        for each in unit.resources:
            assert grammar.is_subdomain(each.name), each
            if each.kind == "CronJob":
                assert len(each.name) <= 52
            for value in each.labels.values():
                assert len(value) <= 63


@pytest.mark.parametrize("namespace", ["Data", "-x", "a_b", "kube-system", "a" * 64])
def test_bad_namespaces(make: Any, namespace: str) -> None:
    """A namespace that Kubernetes refuses, or keeps for itself, is an error."""
    codes = make.codes(make.kubernetes({"runtime.namespace": namespace}))
    assert rules.BAD_NAME.code in codes


@pytest.mark.parametrize("namespace", ["3d-models", "a"])
def test_good_namespaces(make: Any, namespace: str) -> None:
    """A namespace may begin with a digit."""
    make.plan(make.kubernetes({"runtime.namespace": namespace}))


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"runtime.storage.mount_path": "state"}, rules.BAD_NAME),
        ({"runtime.storage.mount_path": "/a/../b"}, rules.BAD_NAME),
        ({"runtime.storage.volume_id": "Not_A_Claim"}, rules.BAD_NAME),
        ({"runtime.service_account": "no good"}, rules.BAD_NAME),
        ({"runtime.service_account": "${LATE}"}, rules.UNRESOLVED_FIELD),
        ({"metadata.labels": {"dativo.io/job": "other"}}, rules.BAD_LABEL),
        ({"metadata.annotations": {"tags.dativo.io/Owner": "x"}}, rules.BAD_LABEL),
        (
            {f"{V}resource_requests_cpu": "2", f"{V}resource_limits_cpu": "1500m"},
            rules.BAD_VARIABLE,
        ),
        ({f"{V}image": "${IMAGE_TOKEN}"}, rules.BAD_VARIABLE),
        ({"resources.database.port": 70000}, rules.OUT_OF_RANGE),
    ],
    ids=str,
)
def test_what_is_refused(make: Any, fields: dict[str, Any], code: Any) -> None:
    """What Kubernetes would refuse, or this tool keeps for itself, is an error."""
    assert code.code in make.codes(make.kubernetes(fields))


def test_late_image(make: Any) -> None:
    """An image may be known at deployment only."""
    made = make.resources(make.kubernetes({f"{V}image": "${IMAGE}"}))
    assert pod(made)["containers"][0]["image"] == Parameter("IMAGE")


def test_variables_of_other_tools_jobs_are_not_judged(make: Any) -> None:
    """A job that is left to its module may give it other variables of the same names."""
    job = make.kubernetes(
        {
            "provider": "terraform",
            "terraform.module_source": "./modules/kubernetes",
            f"{V}run": "schedule",
            f"{V}resource_limits_cpu": 3,
        }
    )
    assert not plan([job]).failed


@pytest.mark.parametrize(
    "arn", ['arn:aws:secretsmanager:eu-west-1:123456789012:secret:x"y', 'arn:a"${BUNDLE}']
)
def test_secret_manager_setting_is_json(make: Any, arn: str) -> None:
    """Whatever stands in the ARN, the runner's setting is JSON; a quote in it is suspicious."""
    job = make.kubernetes({"resources.secrets.secret_manager_arn": arn})
    data = show(make.resources(job)["config-map"].body["data"])
    assert json.loads(data["DATIVO_SECRET_MANAGER_CONFIG"])["bundle_secret_id_template"] == arn
    job = make.emr({"resources.secrets.secret_manager_arn": arn})
    assert "${" in arn or rules.SUSPICIOUS_SHAPE.code in make.codes(job)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("500m", "1"),
        ("1Gi", "2G"),
        ("1023Mi", "1Gi"),
        ("1000k", "1Mi"),
        ("999", "1e3"),
        ("1E3", "1E"),
        ("100n", "100u"),
        ("100u", "1m"),
        (".5", "+1"),
        ("2.", "3"),
        ("1e-3", "2m"),
    ],
)
def test_quantities_compare(one: str, other: str) -> None:
    """Quantities of different units are compared by what they mean."""
    assert grammar.quantity(one) is grammar.quantity(other) is None
    assert grammar.amount(one) < grammar.amount(other)


@pytest.mark.parametrize("text", ["", "1e", "-1", "1 Gi", "1K", "1mi", ".", "1ee3", "+", "1e3Gi"])
def test_what_is_no_quantity(text: str) -> None:
    """A quantity is a number, not negative here, with one suffix or one exponent."""
    assert grammar.quantity(text)
    assert grammar.amount(text) == 0


def test_no_tag_is_lost_as_an_annotation() -> None:
    """Tags whose keys differ only in characters that Kubernetes refuses stay two annotations."""
    tags = {"Cost Center": "1", "Cost-Center": "2", "Cost/Center": "3", "名前": "4", "x" * 128: "5"}
    annotations = tag_annotations(tags)
    assert sorted(map(str, annotations.values())) == ["1", "2", "3", "4", "5"]
    assert all(len(key.partition("/")[2]) <= 63 for key in annotations)


def test_tag_labels_are_legal() -> None:
    """A label has the characters that it may have; a tag of which nothing is left has none."""
    labels = tag_labels({"Owner": "data team@acme.com", "Note": "名前", "aws:x": "y"})
    assert labels == {"Owner": "data-team-acme.com"}


def test_own_managed_by(make: Any) -> None:
    """A job may say itself which tool manages its objects."""
    key = "app.kubernetes.io/managed-by"
    made = make.resources(make.kubernetes({"metadata.labels": {key: "argocd"}}))
    assert made["cron-job"].labels[key] == "argocd"
    assert make.resources(make.kubernetes())["cron-job"].labels[key] == "dativo-infra"


def test_state_and_secrets_are_warned_about(make: Any) -> None:
    """An incremental job without a volume, and a secret written out, are warnings."""
    job = make.kubernetes(
        source={"incremental": {"strategy": "updated_at"}, "credentials": {"api_key": "sk_live"}}
    )
    codes = make.codes(job)
    assert {rules.STATE_LOST.code, rules.LITERAL_SECRET.code} <= codes.keys()


def test_text_of_the_job_is_mounted(make: Any) -> None:
    """The ConfigMap holds the job file as it stands."""
    job = make.kubernetes()
    job = replace(job, source=Source("jobs/orders.yaml", "tenant_id: acme  # as written\n"))
    data = make.resources(job)["job-config-map"].body["data"]
    assert list(data.values()) == ["tenant_id: acme  # as written\n"]
