"""Writing folders of manifests, and what becomes of those of earlier runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from manifest_jobs import EMR, PROJECT, REPOSITORY, document, read, tree

from dativo_infra import DiagnosticError
from dativo_infra.adapters.manifests import synth
from dativo_infra.adapters.manifests.gitops.argocd import ArgoCd
from dativo_infra.diagnostics.rules import NAMES_MEET
from dativo_infra.names import Identity
from dativo_infra.planning import Plan
from dativo_infra.resources.kubernetes import KubernetesObject
from dativo_infra.values import Pseudo, Ref, Select, Split, concat

if TYPE_CHECKING:
    from pathlib import Path

MakePlan = Callable[..., Plan]
OWN = "clusters/in-cluster/acme-prod-orders"
SHARED = "shared-kubernetesnamespace-data-*"


def test_a_folder_a_unit(tmp_path: Path, planned: MakePlan) -> None:
    """A unit is a folder with a file an object and their list; a cluster lists its units."""
    synth(planned({"orders": document()}), tmp_path)
    names = read(tmp_path, f"{OWN}/kustomization.yaml")["resources"]
    assert names[-1] == "cron-job.yaml"
    assert sorted([*names, "kustomization.yaml"]) == [
        path.name for path in sorted((tmp_path / OWN).iterdir())
    ]
    (shared,) = tmp_path.glob(f"clusters/in-cluster/{SHARED}")
    assert read(tmp_path, "clusters/in-cluster/kustomization.yaml")["resources"] == [
        "acme-prod-orders",
        shared.name,
    ]


def test_equal_input_gives_equal_files(tmp_path: Path, planned: MakePlan) -> None:
    """Jobs in any order give the same bytes, and a second run writes nothing."""
    documents = {name: document(runtime__service_account="x") for name in ("a", "b", "c")}
    first = synth(planned(documents), tmp_path / "one")
    synth(planned(dict(reversed(documents.items()))), tmp_path / "two")
    assert tree(tmp_path / "one") == tree(tmp_path / "two")
    again = synth(planned(documents), tmp_path / "one")
    assert (again.written, again.unchanged) == ((), first.written)


def test_the_job_is_in_a_config_map(tmp_path: Path, planned: MakePlan) -> None:
    """The job's own text is in a labelled ConfigMap, from which the CronJob's pods read it."""
    plan = planned({"orders": document(metadata__labels={"team": "payments"})})
    synth(plan, tmp_path)
    config = read(tmp_path, f"{OWN}/job-config-map.yaml")
    assert config["data"] == {"acme-prod-orders.yaml": plan.jobs[0].job.text}
    labels = {"team": "payments", "dativo.io/tenant": "acme", "dativo.io/job": "orders"}
    assert labels.items() <= config["metadata"]["labels"].items()
    cron_job = read(tmp_path, f"{OWN}/cron-job.yaml")
    pod = cron_job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (volume,) = (each for each in pod["volumes"] if each["name"] == "job")
    assert volume["configMap"]["name"] == config["metadata"]["name"]
    (container,) = pod["containers"]
    (mount,) = container["volumeMounts"]
    assert (mount["name"], mount["subPath"]) == ("job", "acme-prod-orders.yaml")
    assert mount["mountPath"] in container["args"]


def test_targets_are_folders(tmp_path: Path, planned: MakePlan) -> None:
    """Each target has a folder of its own, so that one cluster never gets what is another's."""
    documents = {
        "orders": document(),
        "other": document(tenant="bare"),
        "third": document(tenant="nowhere"),
    }
    synth(planned(documents, PROJECT), tmp_path)
    clusters = {path.name: path for path in (tmp_path / "clusters").iterdir()}
    assert set(clusters) == {"east", "bare", "in-cluster"}
    for cluster, tenant in {"east": "acme", "bare": "bare", "in-cluster": "nowhere"}.items():
        folders = [path.name for path in clusters[cluster].iterdir() if path.is_dir()]
        assert len(folders) == 2
        assert any(name.startswith(f"{tenant}-prod-") for name in folders)


# --- what is refused ----------------------------------------------------------------------------


def refused(plan: Plan, folder: Path) -> list[Any]:
    """Return the errors for which nothing was written."""
    with pytest.raises(DiagnosticError) as caught:
        synth(plan, folder / "out")
    assert not (folder / "out").exists()
    return [each for each in caught.value.diagnostics if each.severity == "error"]


def test_what_is_late_is_refused_where_it_stands(tmp_path: Path, planned: MakePlan) -> None:
    """Every value without one and every secret is told at its place, of all jobs at once."""
    cache = {"endpoint": "rediss://:${REDIS_PASSWORD}@cache.acme.example"}
    documents = {
        "one": document(
            metadata__tags={"Stage": "${STAGE}"}, runtime__storage={"bucket": "x-${LAKE}"}
        ),
        "two": document(resources__cache=cache),
        "three": document(),
    }
    found = {
        (each.code, each.message.split("`")[1]) for each in refused(planned(documents), tmp_path)
    }
    assert found == {
        ("DI605", "${STAGE}"),
        ("DI605", "${LAKE}"),
        ("DI606", "${REDIS_PASSWORD}"),
    }


def test_each_place_of_a_value_is_told(tmp_path: Path, load_block: Any) -> None:
    """A value that stands at two places is told at both, with line and column."""
    from dativo_infra import plan

    loaded = load_block(
        "runtime: {platform: kubernetes, namespace: data}\n"
        "metadata:\n"
        "  labels: {stage: '${STAGE}'}\n"
        "  tags: {Stage: 'at ${STAGE}'}\n"
    )
    found = refused(plan(loaded.jobs, provider="manifests"), tmp_path)
    places = [(each.location.line, each.location.column) for each in found]
    assert places == [(9, 21), (10, 19)]


def test_a_fact_of_aws_is_refused(tmp_path: Path, planned: MakePlan) -> None:
    """No manifest can have what only AWS knows."""
    plan = with_body(planned, {"data": {"region": Pseudo("region")}})
    assert [each.code for each in refused(plan, tmp_path)] == ["DI605"]


def test_kinds_of_a_cloud_are_refused(tmp_path: Path, planned: MakePlan) -> None:
    """A unit with a kind that is no object of Kubernetes is refused, with who can build it."""
    cloud = planned({"x": document(**EMR)}, provider="pulumi").units[0]
    plan = planned({"orders": document()})
    mixed = replace(plan, units=(*plan.units, replace(cloud, owner="manifests")))
    found = refused(mixed, tmp_path)
    assert {each.code for each in found} == {"DI601"}
    assert all("pulumi, cloudformation" in each.remedy for each in found)


def test_a_run_with_nothing_to_write_is_an_error(tmp_path: Path, planned: MakePlan) -> None:
    """Where no job runs in Kubernetes there is no folder, and no success either."""
    assert [each.code for each in refused(planned({"x": document(**EMR)}), tmp_path)] == ["DI608"]


def test_an_error_in_a_job_stops_the_run(tmp_path: Path, planned: MakePlan) -> None:
    """What planning found, and what cannot be written, is told together."""
    documents = {
        "bad": document(metadata__variables={"run": "never"}),
        "late": document(metadata__tags={"Stage": "${STAGE}"}),
    }
    codes = {each.code for each in refused(planned(documents), tmp_path)}
    assert "DI605" in codes
    assert len(codes) > 1


def test_two_units_never_have_one_folder(tmp_path: Path, planned: MakePlan) -> None:
    """Units whose names happen to be one, as hashes can be, are refused."""
    plan = planned({"orders": document()})
    unit = plan.unit(Identity("acme", "prod", "orders"))
    twin = replace(unit, jobs=())
    found = refused(replace(plan, units=(unit, twin)), tmp_path)
    assert [each.code for each in found] == [NAMES_MEET.code]


def with_body(planned: MakePlan, body: dict[str, Any]) -> Plan:
    """Return a plan of one unit with two objects, of which the second has a body."""
    plan = planned({"orders": document()})
    unit = plan.unit(Identity("acme", "prod", "orders"))
    first = KubernetesObject(key="first", api_version="v1", kind="ConfigMap", name="one")
    second = replace(first, key="second", name="two", body=body)
    return replace(plan, units=(replace(unit, resources=(first, second)),))


def test_references_are_names(tmp_path: Path, planned: MakePlan) -> None:
    """What refers to another object has its name, also inside other text."""
    ref = Ref("first", "name")
    data = {
        "plain": ref,
        "inside": concat("x-", ref, "/y"),
        "part": Select(Split("n", concat(ref, "-", "two")), 1),
    }
    synth(with_body(planned, {"data": data}), tmp_path)
    written = read(tmp_path, f"{OWN}/second.yaml")["data"]
    assert written == {"plain": "one", "inside": "x-one/y", "part": "e-two"}


# --- what earlier runs wrote --------------------------------------------------------------------

BOTH = {"orders": document(), "gone": document()}
GONE = "clusters/in-cluster/acme-prod-gone"


def test_what_is_stale_stays_until_it_is_pruned(tmp_path: Path, planned: MakePlan) -> None:
    """A job that is gone keeps its folder, listed as before and named in the result."""
    synth(planned(BOTH), tmp_path)
    before = tree(tmp_path)
    result = synth(planned({"orders": document()}), tmp_path)
    assert result.stale == tuple(name for name in before if name.startswith(GONE))
    assert result.written == result.removed == ()
    assert tree(tmp_path) == before
    result = synth(planned({"orders": document()}), tmp_path, prune=True)
    assert result.removed == tuple(name for name in before if name.startswith(GONE))
    assert result.stale == ()
    synth(planned({"orders": document()}), tmp_path / "fresh")
    after = tree(tmp_path)
    fresh = {name.removeprefix("fresh/") for name in after if name.startswith("fresh/")}
    assert {name for name in after if not name.startswith("fresh/")} == fresh
    assert not (tmp_path / GONE).exists()


def test_jobs_that_were_left_out_are_not_stale(tmp_path: Path, planned: MakePlan) -> None:
    """A run with some of the jobs leaves the others' files, and what those may share."""
    documents = {"orders": document(), "gone": document(runtime__namespace="apart")}
    synth(planned(documents), tmp_path)
    before = tree(tmp_path)
    result = synth(planned({"orders": document()}), tmp_path, left={"acme/prod/gone"}, prune=True)
    assert result.stale == result.removed == result.written == ()
    assert tree(tmp_path) == before


def test_an_object_that_is_gone_is_stale(tmp_path: Path, planned: MakePlan) -> None:
    """A file of a unit that has fewer objects now is not in its list, and removed on request."""
    scaled = document(metadata__variables={"enable_network_policy": True})
    synth(planned({"orders": scaled}), tmp_path)
    result = synth(planned({"orders": document()}), tmp_path)
    assert result.stale == (f"{OWN}/network-policy.yaml",)
    listed = read(tmp_path, f"{OWN}/kustomization.yaml")["resources"]
    assert "network-policy.yaml" not in listed
    synth(planned({"orders": document()}), tmp_path, prune=True)
    assert not (tmp_path / OWN / "network-policy.yaml").exists()


def test_only_own_files_are_removed(tmp_path: Path, planned: MakePlan) -> None:
    """Files that people put beside, or that do not say they are ours, are left alone."""
    synth(planned(BOTH), tmp_path)
    patch = tmp_path / GONE / "patch.yaml"
    patch.write_text("kind: CronJob\n")
    taken = tmp_path / GONE / "cron-job.yaml"
    taken.write_text("# mine now\n" + taken.read_text())
    synth(planned({"orders": document()}), tmp_path, prune=True)
    assert sorted(path.name for path in (tmp_path / GONE).iterdir()) == [
        "cron-job.yaml",
        "patch.yaml",
    ]


def test_a_cluster_without_units_goes(tmp_path: Path, planned: MakePlan) -> None:
    """With its last unit goes the list of a cluster; and GitOps objects where none is asked for."""
    documents = {"orders": document(), "third": document(tenant="nowhere")}
    argocd = ArgoCd(repository=REPOSITORY)
    synth(planned(documents, PROJECT), tmp_path, gitops=argocd)
    assert (tmp_path / "argocd" / "project_in-cluster.yaml").exists()
    synth(planned({"orders": document()}, PROJECT), tmp_path, prune=True)
    assert [path.name for path in tmp_path.iterdir()] == ["clusters"]
    assert [path.name for path in (tmp_path / "clusters").iterdir()] == ["east"]


def test_nothing_is_removed_through_a_link(tmp_path: Path, planned: MakePlan) -> None:
    """A stale file behind a link out of the folder is refused, and nothing is written."""
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    synth(planned(BOTH), out)
    (out / GONE).rename(elsewhere)
    (out / GONE).mkdir()
    (out / GONE / "cron-job.yaml").symlink_to(elsewhere / "cron-job.yaml")
    changed = {"orders": document(metadata__labels={"x": "y"})}
    before = tree(out)
    with pytest.raises(DiagnosticError, match="DI603"):
        synth(planned(changed), out, prune=True)
    assert tree(out) == before
    assert (elsewhere / "cron-job.yaml").exists()


@pytest.mark.parametrize("name", ["größe", "a b", "line\u2028break", "x" * 200])
def test_jobs_are_known_by_any_name(tmp_path: Path, planned: MakePlan, name: str) -> None:
    """What a file says of its job is read again, whatever the job is called."""
    synth(planned({name: document(), "other": document()}), tmp_path)
    result = synth(planned({"other": document()}), tmp_path, left={f"acme/prod/{name}"})
    assert result.stale == ()
    result = synth(planned({"other": document()}), tmp_path, left={"acme/prod/another"})
    assert len({each.split("/")[2] for each in result.stale}) == 1


def test_what_cannot_be_read_is_told(tmp_path: Path, planned: MakePlan) -> None:
    """A folder in the place of a file is an error, and no traceback."""
    synth(planned({"orders": document()}), tmp_path)
    (tmp_path / OWN / "more.yaml").mkdir()
    with pytest.raises(DiagnosticError, match="DI603"):
        synth(planned({"orders": document()}), tmp_path)
