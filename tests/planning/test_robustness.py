"""Any block that the model accepts is planned, whatever it says."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dativo_infra.loading import load_document
from dativo_infra.planning import plan
from dativo_infra.platforms import PLATFORMS
from dativo_infra.project import EDITIONS

_WORDS = st.sampled_from(
    [
        "", "x", "a-b", "A_B", "名前", "${LATE}", "${A}-${B}", "x${DB_PASSWORD}", "arn:", "a@b",
        "arn:aws:iam::123456789012:role/a/b", "arn:aws:secretsmanager:::x", "host:99999", "host:",
        "http://[", "s3://b/k", "jdbc:", "vol-0a", "fs-0a", "/", "default", "8Gi", "0 0 * * *",
        "output.emr_cluster_id", "module.a", "169.254.169.254/32", "alias/x", ",", "a\nb",
    ]
)  # fmt: skip
_TEXT = _WORDS | st.text(max_size=8)
_PAIRS = st.dictionaries(_TEXT, _TEXT, max_size=3)
_COUNT = st.integers(1, 12)
_KNOWN = sorted({each.name for platform in PLATFORMS.values() for each in platform.variables})
_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=5,
)
_KEYS = ["host", "port", "uri", "bucket", "s3", "nessie", "connection", "incremental", "password"]
_OUTER = st.recursive(
    st.none() | st.booleans() | st.integers() | _TEXT,
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=4)
    ),
    max_leaves=8,
)


def _some(**fields: Any) -> Any:
    return st.fixed_dictionaries({}, optional=fields)


_BLOCKS = _some(
    name=st.text(min_size=1, max_size=5),
    former_names=st.lists(_TEXT, max_size=2),
    provider=st.sampled_from(["terraform", "cloudformation", "pulumi", "manual"]),
    runtime=_some(
        platform=st.sampled_from(sorted(PLATFORMS)),
        compute=_some(
            cluster_id=_TEXT,
            instance_type=_TEXT,
            instance_count=_COUNT,
            auto_scaling=_some(enabled=st.booleans(), min_instances=_COUNT, max_instances=_COUNT),
        ),
        storage=_some(bucket=_TEXT, volume_id=_TEXT, mount_path=_TEXT),
        network=_some(
            vpc_id=_TEXT,
            subnet_ids=_TEXT | st.lists(_TEXT, max_size=2),
            security_group_ids=_TEXT | st.lists(_TEXT, max_size=2),
        ),
        namespace=_TEXT,
        service_account=_TEXT,
    ),
    metadata=_some(
        tags=_PAIRS,
        labels=_PAIRS,
        annotations=_PAIRS,
        variables=st.dictionaries(st.sampled_from(_KNOWN) | _TEXT, _ANY, max_size=5),
    ),
    resources=_some(
        database=_some(endpoint=_TEXT, port=st.integers(), database_name=_TEXT, instance_id=_TEXT),
        cache=_some(endpoint=_TEXT, cluster_id=_TEXT),
        queue=_some(url=_TEXT, arn=_TEXT),
        secrets=_some(secret_manager_arn=_TEXT, kms_key_id=_TEXT),
    ),
    outputs=st.dictionaries(_TEXT, _TEXT, max_size=2),
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    blocks=st.lists(st.tuples(_BLOCKS, _OUTER, _OUTER), min_size=1, max_size=3),
    provider=st.sampled_from([None, "pulumi", "cloudformation"]),
)
def test_planning_never_raises(blocks: list[Any], provider: str | None) -> None:
    """Whatever jobs say together, planning gives a plan, and the same one from the other end."""
    jobs = []
    for index, (block, source, target) in enumerate(blocks):
        document = {
            "tenant_id": "acme",
            "source_connector_path": "c/x.yaml",
            "target_connector_path": "c/y.yaml",
            "asset_path": "a.yaml",
            "source": source,
            "target": target,
            "infrastructure": block,
        }
        jobs += load_document(document, name=f"{index}.yaml", environment={}).jobs
    for allow in (False, True):
        planned = plan(jobs, provider=provider, allow_unresolved=allow)
        assert planned == plan(reversed(jobs), provider=provider, allow_unresolved=allow)
        keys = [(unit.identity, each.key) for unit in planned.units for each in unit.resources]
        assert planned.failed or len(keys) == len(set(keys))


def test_defaults_pass_their_own_checks() -> None:
    """The default of every variable, in every edition, is one that a job could write."""
    for platform in PLATFORMS.values():
        for variable in platform.variables:
            for edition in EDITIONS:
                default = variable.default_of(edition)
                if default is not None:
                    assert variable.read(default) == (default, None), variable.name


def test_variables_have_one_name_each() -> None:
    """No platform knows two variables of one name, and each says what it means."""
    for platform in PLATFORMS.values():
        names = [each.name for each in platform.variables]
        assert len(names) == len(set(names))
        assert all(each.meaning.endswith(".") for each in platform.variables)
