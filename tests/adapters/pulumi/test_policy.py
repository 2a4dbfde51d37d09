"""The policy pack's rules, on resources as the engine gives them to a policy."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pulumi_policy import PolicyProviderResource, ResourceValidationArgs
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, UnknownValueError, unknown_checking_proxy

from dativo_infra.adapters.pulumi import build, policy
from dativo_infra.adapters.pulumi.policy import GROUP, TAGGABLE, identity_tags, required_tags
from dativo_infra.diagnostics import DiagnosticError
from dativo_infra.testing import record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROOT = Path(__file__).parents[3]
BUCKET = "aws:s3/bucket:Bucket"
IN_JOB = f"urn:pulumi:dev::shop::dativo:index:EmrCluster${BUCKET}::logs"
IN_SHARED = f"urn:pulumi:dev::shop::dativo:index:EcsCluster${BUCKET}::logs"
COST_CENTER: Mapping[str, Any] = {"tags": {"CostCenter": ["data", "analytics"]}}
IDENTITY = {"dativo:tenant": "acme", "dativo:environment": "prod", "dativo:job": "orders"}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each test begin in a folder with no project above it."""
    monkeypatch.chdir(tmp_path)
    policy._load.cache_clear()


def violations(
    rule: Callable[..., None],
    tags: Any,
    *,
    type_: str = BUCKET,
    urn: str | None = None,
    config: Mapping[str, Any] = COST_CENTER,
    provider: Mapping[str, Any] | None = None,
) -> list[str]:
    """Return what a rule reports of a resource with these tags."""
    urn = urn or f"urn:pulumi:dev::shop::{type_}::logs"
    args = ResourceValidationArgs(
        type_,
        unknown_checking_proxy({} if tags is None else {"tags": tags}),
        urn,
        urn.rpartition("::")[2],
        opts=None,  # pyright: ignore[reportArgumentType] - not read
        provider=PolicyProviderResource("pulumi:providers:aws", provider, "", "")
        if provider is not None
        else None,
        config=config,
    )
    reported: list[str] = []
    rule(args, lambda message, _urn: reported.append(message))
    return reported


def test_what_is_taggable_is_what_the_provider_says() -> None:
    """The table has the types of the installed pulumi-aws to whose tags it adds its own.

    After another version of it was taken, write `found` into taggable.txt, sorted, a line each.
    """
    package = find_spec("pulumi_aws")
    assert package
    assert package.origin
    texts = (file.read_text() for file in Path(package.origin).parent.glob("*/*.py"))
    found = {
        token
        for text in texts
        if 'name="tagsAll"' in text
        for token in re.findall(r"__init__\(\s*'(aws:[^']+)'", text)
    }
    assert len(found) > 500
    assert found | {GROUP} == TAGGABLE


def test_the_pack_imports_no_provider() -> None:
    """Each preview starts it."""
    program = (
        "import dativo_infra.adapters.pulumi.policy, sys;"
        "sys.exit(bool({'pulumi_aws', 'pulumi_kubernetes'} & {*sys.modules}))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0  # noqa: S603


def test_what_the_components_build_passes() -> None:
    """But for a shared cluster whose jobs say different owners: it has none."""
    jobs = ROOT / "examples/jobs"
    config = {"project": str(jobs / "dativo-infra.yaml")}
    secrets = {"REDIS_PASSWORD": "hush"}
    recording = record(lambda: build([jobs / "acme"], provider="pulumi"), secrets=secrets)
    reported = [
        message
        for each in recording
        for rule in (required_tags, identity_tags)
        for message in violations(
            rule, each.inputs.get("tags"), type_=each.type, urn=each.urn, config=config
        )
    ]
    assert reported
    assert all("lacks the tags `Owner`. It has those that all" in each for each in reported)
    assert len([each for each in recording if each.type in TAGGABLE]) > len(reported) * 3


def test_a_missing_tag_is_reported() -> None:
    """With the resource, what it lacks, and where it is added."""
    config = {"tags": {"CostCenter": [], "Owner": [], "Team": []}}
    (message,) = violations(required_tags, {"Owner": "ana"}, config=config)
    assert message == (
        "aws:s3/bucket:Bucket `logs` lacks the tags `CostCenter`, `Team`. "
        "Add them to its `tags`, or to the provider's `defaultTags`."
    )
    assert len(violations(required_tags, None, config=config)) == 1


def test_a_missing_tag_of_a_job_is_added_in_the_job() -> None:
    """A component's resources take their tags from there."""
    (message,) = violations(required_tags, IDENTITY, urn=IN_JOB)
    assert message.endswith("Add them to `metadata.tags` of its job.")
    (message,) = violations(required_tags, {}, urn=IN_SHARED)
    assert message.endswith("It has those that all jobs on the cluster say alike.")


def test_a_value_that_is_not_allowed_is_reported() -> None:
    """With those that are."""
    assert not violations(required_tags, {"CostCenter": "data"})
    (message,) = violations(required_tags, {"CostCenter": "dta"})
    assert "`CostCenter: dta`; `CostCenter` must be one of data, analytics" in message


def test_what_cannot_be_tagged_is_not_asked_for_tags() -> None:
    """Nor is what another cloud has."""
    for type_ in ("aws:iam/rolePolicy:RolePolicy", "kubernetes:core/v1:Namespace"):
        assert not violations(required_tags, None, type_=type_)


def test_default_tags_of_the_provider_count() -> None:
    """The engine gives them as JSON; the resource's own win."""
    provider = {"defaultTags": '{"tags": {"CostCenter": "data"}}'}
    assert not violations(required_tags, None, provider=provider)
    assert violations(required_tags, {"CostCenter": "dta"}, provider=provider)
    assert violations(required_tags, None, provider={})


def test_the_tags_of_a_group_of_machines_are_a_list() -> None:
    """The provider's default tags do not reach it."""
    tags = [{"key": "CostCenter", "value": "data", "propagateAtLaunch": True}]
    assert not violations(required_tags, tags, type_=GROUP)
    provider = {"defaultTags": '{"tags": {"CostCenter": "data"}}'}
    assert violations(required_tags, None, type_=GROUP, provider=provider)


def test_a_value_that_is_not_known_yet_counts() -> None:
    """Whether it is allowed cannot be told; then the engine says so, and asks again later."""
    tags = {"CostCenter": UNKNOWN_STRING_VALUE}
    assert not violations(required_tags, tags, config={"tags": {"CostCenter": []}})
    with pytest.raises(UnknownValueError):
        violations(required_tags, tags)


def test_the_project_says_what_is_required(tmp_path: Path) -> None:
    """The nearest above the program, or the one in the pack's configuration."""
    folder = tmp_path / "jobs"
    folder.mkdir()
    (tmp_path / "Pulumi.yaml").touch()
    (folder / "dativo-infra.yaml").write_text("tags: {required: {Owner: []}}")
    given = {"project": "jobs/dativo-infra.yaml"}
    (message,) = violations(required_tags, {}, config={**given, **COST_CENTER})
    assert "lacks the tags `Owner`, `CostCenter`" in message
    assert not violations(required_tags, {}, config={})
    (tmp_path / "dativo-infra.yaml").write_text("tags: {required: {Team: []}}")
    policy._load.cache_clear()
    (message,) = violations(required_tags, {}, config={})
    assert "`Team`" in message


def test_a_project_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    """Nothing is let through unchecked."""
    (tmp_path / "wrong.yaml").write_text("tags: 1")
    with pytest.raises(DiagnosticError):
        violations(required_tags, {}, config={"project": "wrong.yaml"})


def test_a_resource_of_a_job_tells_whose_it_is() -> None:
    """What the program builds beside the jobs need not, nor what jobs share."""
    assert not violations(identity_tags, IDENTITY, urn=IN_JOB, config={})
    (message,) = violations(identity_tags, {"dativo:tenant": "acme"}, urn=IN_JOB, config={})
    assert "lacks the tags `dativo:environment`, `dativo:job`" in message
    assert not violations(identity_tags, {}, config={})
    assert not violations(identity_tags, {}, urn=IN_SHARED, config={})


def test_the_project_names_the_tags_of_identity(tmp_path: Path) -> None:
    """As for the components."""
    (tmp_path / "other.yaml").write_text("tags: {identity: {job: Job}}")
    (message,) = violations(identity_tags, IDENTITY, urn=IN_JOB, config={"project": "other.yaml"})
    assert "`Job`" in message
