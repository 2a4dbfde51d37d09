"""Which jobs become which units: identities, sharing, owners and names."""

from __future__ import annotations

import itertools
import os
import time
from typing import TYPE_CHECKING, Any

import pytest

from dativo_infra.diagnostics import rules
from dativo_infra.names import STACK, Identity
from dativo_infra.planning import plan, support
from dativo_infra.platforms import PLATFORMS
from dativo_infra.platforms.base import Platform

if TYPE_CHECKING:
    from dativo_infra.model import Job

NAMESPACE = "KubernetesNamespace"


def test_order_of_jobs_does_not_matter(make: Any) -> None:
    """Every order of the same jobs gives an equal plan, and planning twice does too."""
    jobs = [
        make.emr(name="a.yaml"),
        make.kubernetes({"metadata.tags": {"Owner": "x"}}, name="b.yaml"),
        make.kubernetes({"runtime.service_account": "runner"}, name="c.yaml", tenant_id="beta"),
        make.job({"provider": "terraform", "runtime.platform": "emr"}, name="d.yaml"),
    ]
    first = plan(jobs)
    for order in itertools.permutations(jobs):
        again = plan(order)
        assert again == first
        assert repr(again) == repr(first)


def test_nothing_but_what_is_handed_in_is_read(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planning asks neither the environment, nor the clock, nor the current folder."""
    project = make.project(targets={"a": {"select": {"path": "jobs/*"}, "region": "eu-west-1"}})
    jobs = [make.emr(), make.kubernetes(name="k.yaml")]
    before = plan(jobs, project)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("planning looked around")

    for name in ("getcwd", "getenv"):
        monkeypatch.setattr(os, name, refuse)
    for name in ("time", "time_ns", "monotonic"):
        monkeypatch.setattr(time, name, refuse)
    after = plan(jobs, project)
    monkeypatch.undo()
    assert after == before


def test_identity(make: Any) -> None:
    """A job is its tenant, environment and file, or the name that it says itself."""
    assert make.emr(name="jobs/orders.yaml").identity == Identity("acme", "prod", "orders")
    assert make.emr({"name": "sales"}).identity == Identity("acme", "prod", "sales")


def test_same_identity(make: Any) -> None:
    """Two jobs of one identity are an error that names both files."""
    jobs = make.emr(name="a/x.yaml"), make.emr(name="b/x.yaml")
    message = make.codes(*jobs)[rules.SAME_IDENTITY.code]
    assert "a/x.yaml" in message
    assert "b/x.yaml" in message


def test_shared_infrastructure(make: Any) -> None:
    """Jobs that say the same name are one unit; its role reaches the buckets of both."""
    a = make.emr({"name": "x"}, name="a.yaml", target={"warehouse": "s3://one/w"})
    b = make.emr({"name": "x"}, name="b.yaml", target={"warehouse": "s3://two/w"})
    planned = make.plan(a, b)
    assert len(planned.units) == 1
    assert len(planned.jobs) == 2
    text = repr(planned.units[0].resources)
    assert ":s3:::one" in text
    assert ":s3:::two" in text


def test_shared_infrastructure_must_agree(make: Any) -> None:
    """Each field in which such jobs differ is an error that names both files."""
    a = make.emr({"name": "x"}, name="a.yaml")
    b = make.emr(
        {"name": "x", "runtime.compute.instance_count": 7, "metadata.tags": {"A": "b"}},
        name="b.yaml",
    )
    found = [each for each in plan([a, b]).diagnostics if each.code == rules.UNIT_DISAGREES.code]
    assert {each.message.split("`")[1] for each in found} == {
        "runtime.compute.instance_count",
        "metadata.tags",
    }
    assert all("a.yaml" in each.message and "b.yaml" in each.message for each in found)


def test_one_name_on_kubernetes_is_refused(make: Any) -> None:
    """On Kubernetes two jobs cannot share a name: each has objects of its own."""
    jobs = [make.kubernetes({"name": "x"}, name=f"{each}.yaml") for each in "ab"]
    assert rules.UNIT_DISAGREES.code in make.codes(*jobs)


def test_former_names(make: Any) -> None:
    """A renamed job says what it was, oldest first; names that cannot change in place stay."""
    renamed = make.emr({"former_names": ["older", "old", "new"]}, name="new.yaml")
    unit = make.unit(renamed)
    assert unit.former == (Identity("acme", "prod", "older"), Identity("acme", "prod", "old"))
    cluster = {each.key: each for each in unit.resources}["cluster"]
    assert cluster.name == "acme-prod-older"
    assert cluster.tags["dativo:job"] == "new"
    on_kubernetes = make.kubernetes({"former_names": ["old"]}, name="new.yaml")
    before = make.resources(make.kubernetes(name="old.yaml"))
    after = make.resources(on_kubernetes)
    assert [each.name for each in after.values()] == [each.name for each in before.values()]


@pytest.mark.parametrize("kind", ["emr", "kubernetes"])
def test_former_name_of_another_job(make: Any, kind: str) -> None:
    """What a job was called earlier is no other job's name, or both would own one thing."""
    maker = getattr(make, kind)
    jobs = maker(name="a.yaml"), maker({"former_names": ["a"]}, name="b.yaml")
    assert rules.NAMES_MEET.code in make.codes(*jobs)


def test_two_owners(make: Any) -> None:
    """A namespace that two tools would build is an error that names both files."""
    a = make.kubernetes(name="a.yaml")
    b = make.kubernetes({"provider": "cloudformation"}, name="b.yaml")
    message = make.codes(a, b)[rules.TWO_OWNERS.code]
    for word in ("a.yaml", "b.yaml", "pulumi", "cloudformation"):
        assert word in message


def test_names_that_meet(make: Any) -> None:
    """Two identities that differ in case alone would be one stack, and are refused."""
    jobs = make.emr(tenant_id="Acme"), make.emr(tenant_id="acme")
    assert rules.NAMES_MEET.code in make.codes(*jobs)


def test_objects_that_meet(make: Any) -> None:
    """An account that one job names cannot be the one that another job has for itself."""
    a = make.kubernetes(name="a.yaml")
    b = make.kubernetes({"runtime.service_account": "acme-prod-a"}, name="b.yaml")
    assert "ServiceAccount" in make.codes(a, b)[rules.NAMES_MEET.code]


def test_one_cluster_by_two_targets(make: Any) -> None:
    """Two targets that are one cluster do not each build the namespace."""
    project = make.project(
        targets={
            "one": {"select": {"tenant": "acme"}, "kubernetes_context": "c"},
            "two": {"select": {"tenant": "beta"}, "kubernetes_context": "c"},
        }
    )
    jobs = make.kubernetes(name="a.yaml"), make.kubernetes(name="b.yaml", tenant_id="beta")
    assert "Namespace" in make.codes(*jobs, project=project)[rules.NAMES_MEET.code]


def test_one_namespace_a_target(make: Any) -> None:
    """The same namespace of two clusters is two units, even when a target is called `shared`."""
    project = make.project(
        targets={"shared": {"select": {"tenant": "acme"}, "kubernetes_context": "c"}}
    )
    jobs = make.kubernetes(name="a.yaml"), make.kubernetes(name="b.yaml", tenant_id="beta")
    units = plan(jobs, project).units
    assert len({unit.target for unit in units if unit.component == NAMESPACE}) == 2


def test_quota_refuses_jobs_without_the_amount(make: Any) -> None:
    """A quota that one job asks for is told to each job of the namespace whose pods it refuses."""
    quota = {"quota_limits_cpu": "4", "resource_limits_cpu": "1"}
    asking = make.kubernetes({"metadata.variables": quota}, name="asking.yaml")
    silent = make.kubernetes({"metadata.variables": {"image": "x:1"}}, name="silent.yaml")
    saying = make.kubernetes(
        {"metadata.variables": {"resource_limits_cpu": "1"}}, name="saying.yaml"
    )
    planned = plan([asking, silent, saying])
    code = rules.SHARED_REFUSES.code
    [told] = [each for each in planned.diagnostics if each.code == code]
    assert told.location
    assert told.location.file == "silent.yaml"
    assert told.related[0][0].file == "asking.yaml"
    assert "metadata.variables.resource_limits_cpu" in told.remedy
    assert code not in make.codes(silent, saying)


@pytest.mark.parametrize("platform", ["kubernetes", "databricks"])
def test_what_cloudformation_lacks_is_refused(make: Any, platform: str) -> None:
    """It has no Kubernetes objects and no clusters of Databricks: an error names who can."""
    planned = plan([getattr(make, platform)({"provider": "cloudformation"})])
    refused = [each for each in planned.diagnostics if each.code == rules.REFUSED.code]
    assert planned.failed
    assert refused
    assert all("pulumi" in each.remedy for each in refused)


def test_a_platform_without_a_builder(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A platform that is not built yet is a warning, and each field says so."""
    platform = "dask"
    assert isinstance(PLATFORMS, dict)
    monkeypatch.setitem(PLATFORMS, platform, Platform(name=platform))
    job = make.job({"provider": "pulumi", "runtime.platform": platform})
    planned = make.plan(job)
    assert [each.code for each in planned.diagnostics] == [rules.NOT_BUILT_YET.code]
    assert planned.units == ()
    assert all(platform in use.text for use in planned.jobs[0].fields)


@pytest.mark.parametrize("owner", [None, "manual"])
def test_jobs_of_nobody(make: Any, owner: str | None) -> None:
    """A job of no tool builds nothing, and every field says why."""
    planned = make.plan(make.emr({"provider": owner}))
    (job,) = planned.jobs
    assert planned.units == ()
    assert job.owner == (owner or "manual")
    assert {use.outcome for use in job.fields} <= {"unused", "referenced"}
    assert all(use.text for use in job.fields)


@pytest.mark.parametrize("tool", sorted({*support.TOOLS} & {*support.PROVIDERS}))
def test_override(make: Any, tool: str) -> None:
    """An override builds a job of another provider, and the report says that it was chosen."""
    planned = make.plan(make.emr({"provider": "manual"}), provider=tool)
    assert [unit.owner for unit in planned.units] == [tool]
    (use,) = [each for each in planned.jobs[0].fields if each.path == "provider"]
    assert use.outcome == "unused"
    assert tool in use.text


def test_terraform_builds_what_has_no_module(make: Any) -> None:
    """A job of Terraform without a module has a state, and what is about modules does nothing."""
    backend = {"type": "gcs", "bucket": "state", "prefix": "emr"}
    terraform = {"module_version": "v1", "workspace": "prod", "backend_config": backend}
    fields = {f"terraform.{name}": value for name, value in terraform.items()}
    outputs = {"outputs": {"id": "module.emr.cluster_id"}}
    planned = make.plan(make.emr({"provider": "terraform", **fields, **outputs}))
    (unit,) = planned.owned_by("terraform")
    assert unit.state
    assert unit.state.object == "gs://state/emr/prod.tfstate"
    said = {use.path: use.outcome for use in planned.jobs[0].fields}
    assert [said[path] for path in (*fields, "outputs.id")] == ["unused", "used", "used", "unused"]


def _sharing(make: Any, name: str, **state: Any) -> Job:
    """Return a job of Terraform in a cluster that is shared by its name."""
    fields = {f"terraform.{each}": value for each, value in state.items()}
    variables = {"metadata.variables.cluster_name": "tasks", "metadata.variables.run": "task"}
    return make.fargate({"provider": "terraform", **variables, **fields}, name=f"jobs/{name}.yaml")


def test_what_jobs_share_has_a_state_of_its_own(make: Any) -> None:
    """Three roots have three states; one that would be where another's is, is refused."""
    backend = {"bucket": "b", "key": "one", "region": "us-east-1"}
    one = _sharing(make, "one", backend_config=backend, workspace="prod")
    two = _sharing(make, "two", backend_config={**backend, "key": "two"})
    shared, *others = make.plan(one, two).owned_by("terraform")
    key = f"s3://b/{shared.name(STACK)}"
    states = [unit.state.object for unit in (shared, *others) if unit.state]
    assert states == [key, "s3://b/env:/prod/one", "s3://b/two"]
    same = _sharing(make, "two", backend_config={**backend, "key": shared.name(STACK)})
    assert "DI615" in {each.code for each in plan([one, same]).diagnostics}
    elsewhere = _sharing(make, "two", backend_config={**backend, "bucket": "c"})
    (found,) = (each for each in plan([one, elsewhere]).diagnostics if each.code == "DI503")
    assert "`terraform.backend_config` differs" in found.message
    http = {"type": "http", "address": "https://example.com/state"}
    refused = plan([_sharing(make, "one", backend_config=http)])
    assert "DI614" in {each.code for each in refused.diagnostics}


def test_a_state_on_one_machine_is_a_warning(make: Any) -> None:
    """It is said of each job that Terraform builds, and of none for which nothing is built."""
    job = make.emr({"provider": "terraform"})
    assert [each.code for each in make.plan(job).diagnostics] == ["DI623"]
    there = {"provider": "terraform", "runtime.compute.cluster_id": "j-2AXXXXXXGAPLF"}
    assert "DI623" not in {each.code for each in make.plan(make.emr(there)).diagnostics}


def test_manifests_take_what_runs_in_kubernetes(make: Any) -> None:
    """A tool that no job can name takes the jobs that it can build, and leaves the others."""
    jobs = (
        make.kubernetes({"provider": "terraform"}, name="a"),
        make.emr({"provider": "cloudformation"}, name="b"),
        make.emr({"provider": "manual"}, name="c"),
        make.kubernetes(
            {"provider": None, "runtime.namespace": None, "runtime.compute.cluster_id": "theirs"},
            name="d",
        ),
    )
    planned = make.plan(*jobs, provider="manifests")
    owners = [each.owner for each in planned.jobs]
    assert owners == ["manifests", "cloudformation", "manual", "manual"]
    own = planned.owned_by("manifests")
    assert {unit.component for unit in own} == {"KubernetesNamespace", "KubernetesJob"}
    (warning,) = (each for each in planned.diagnostics if each.code == "DI607")
    assert warning.severity == "warning"


def test_a_refusal_names_who_can_own_the_job(make: Any) -> None:
    """The way out is a tool that a job can name, which manifests are not."""
    planned = plan([make.kubernetes()], provider="cloudformation")
    (refusal,) = (each for each in planned.diagnostics if each.code == "DI601")
    assert "pulumi" in refusal.remedy
    assert "manifests" not in refusal.remedy


def test_override_of_a_tool_that_builds(make: Any) -> None:
    """A provider that this version builds with is unused too when another is chosen."""
    planned = make.plan(make.emr({"provider": "cloudformation"}), provider="pulumi")
    (use,) = [each for each in planned.jobs[0].fields if each.path == "provider"]
    assert use.outcome == "unused"


def test_jobs_without_a_block_are_passed_over(make: Any) -> None:
    """A job without an infrastructure block is no part of the plan."""
    job = make.job()
    bare = type(job)(job.document.model_copy(update={"infrastructure": None}), job.source)
    assert plan([bare]).jobs == ()


def test_no_platform(make: Any) -> None:
    """A job that a tool owns must say where it runs."""
    assert rules.NO_PLATFORM.code in make.codes(make.job({"provider": "pulumi"}))


# --- targets ------------------------------------------------------------------------------------

TARGETS = {
    "first": {"select": {"tenant": "acme", "environment": "prod"}, "account": "123456789012"},
    "by-path": {"select": {"path": "jobs/beta/*"}, "region": "eu-west-1"},
    "rest": {"select": {"tenant": "*"}, "cloud": "gcp"},
}


@pytest.mark.parametrize(
    ("here", "file", "tenant", "target"),
    [
        ("/repo", "jobs/a.yaml", "acme", "first"),
        ("/repo", "jobs/beta/a.yaml", "beta", "by-path"),
        ("/repo", "/repo/jobs/beta/a.yaml", "beta", "by-path"),
        ("/repo", "./jobs/beta/a.yaml", "beta", "by-path"),
        ("/repo", "other/a.yaml", "gamma", "rest"),
    ],
)
def test_first_matching_target(make: Any, here: str, file: str, tenant: str, target: str) -> None:
    """The first selector that matches tenant, environment and path is the job's target."""
    job = make.kubernetes(name=file, tenant_id=tenant)
    planned = plan([job], make.project(here, targets=TARGETS))
    assert planned.unit(job.identity).target.name == target


def test_path_below_a_project_above(make: Any) -> None:
    """A path counts from the project's folder, wherever the command runs."""
    from dataclasses import replace

    from dativo_infra.model import Source

    project = replace(
        make.project("/repo/jobs", targets=TARGETS), source=Source("../dativo-infra.yaml")
    )
    job = make.kubernetes(name="beta/a.yaml", tenant_id="beta")
    assert plan([job], project).unit(job.identity).target.name == "by-path"


def test_wrong_cloud(make: Any) -> None:
    """EMR is a service of AWS alone."""
    project = make.project(targets={"g": {"cloud": "gcp"}})
    assert rules.WRONG_CLOUD.code in make.codes(make.emr(), project=project)
    assert rules.WRONG_CLOUD.code not in make.codes(make.kubernetes(), project=project)


@pytest.mark.parametrize(
    ("target", "word"),
    [
        ({"account": "210987654321"}, "account 123456789012"),
        ({"region": "us-east-1"}, "region eu-west-1"),
    ],
)
def test_arn_of_another_place(make: Any, target: dict[str, str], word: str) -> None:
    """An ARN of another account or region than the target's is a warning."""
    job = make.emr({"resources.queue.arn": "arn:aws:sqs:eu-west-1:123456789012:q"})
    codes = make.codes(job, project=make.project(targets={"t": target}))
    assert word in codes[rules.OTHER_ACCOUNT.code]
