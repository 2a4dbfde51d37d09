"""What `kubectl` makes of the folders."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from manifest_jobs import PROJECT, REPOSITORY, document

from dativo_infra.adapters.manifests import synth, synth_stacks
from dativo_infra.adapters.manifests.gitops.argocd import ArgoCd
from dativo_infra.adapters.manifests.gitops.flux import Flux
from dativo_infra.adapters.manifests.gitops.pulumi_operator import Operator
from dativo_infra.adapters.manifests.layout import Folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dativo_infra.planning import Plan

EVERYTHING = {
    "full": document(
        runtime__service_account="runner",
        runtime__storage={"volume_id": "vol-0123456789abcdef0"},
        metadata__variables={"enable_network_policy": True, "quota_pods": "9"},
    ),
    "plain": document(),
    "far": document(tenant="nowhere", runtime__namespace="far"),
}


def built(folder: Path) -> list[Any]:
    """Return what kubectl builds of a folder, in the order in which it is applied."""
    kubectl = shutil.which("kubectl")
    if not kubectl:
        pytest.skip("no kubectl on this machine")
    done = subprocess.run(  # noqa: S603 - a program that the machine has
        [kubectl, "kustomize", str(folder)], capture_output=True, text=True, check=True
    )
    return list(yaml.safe_load_all(done.stdout))


def test_a_cluster_is_built_in_order(tmp_path: Path, planned: Callable[..., Plan]) -> None:
    """All objects of a cluster are there, unchanged, each after what must be there before."""
    plan = planned(EVERYTHING, PROJECT)
    synth(plan, tmp_path)
    for cluster in ("east", "in-cluster"):
        found = built(tmp_path / "clusters" / cluster)
        names = [name_of(each) for each in found]
        files = [
            yaml.safe_load(path.read_text())
            for path in tmp_path.glob(f"clusters/{cluster}/*/*.yaml")
            if path.name != "kustomization.yaml"
        ]
        assert sorted(files, key=name_of) == sorted(found, key=name_of)
        for unit in plan.units:
            if Folder(unit=unit).cluster != cluster:
                continue
            resources: dict[str, Any] = {each.key: each for each in unit.resources}
            place = {key: names.index(name_of(each)) for key, each in resources.items()}
            for each in unit.resources:
                assert all(place[key] < place[each.key] for key in each.after)
            for need in unit.needs:
                above: Any = plan.unit(need).resources[0]
                assert names.index(name_of(above)) < min(place.values())


def name_of(thing: Any) -> tuple[str, str, str]:
    """Return what an object is called, of a plan or of a file."""
    if isinstance(thing, dict):
        metadata = thing["metadata"]
        return thing["kind"], metadata["name"], metadata.get("namespace", "")
    return thing.kind, thing.name, thing.namespace or ""


def test_folders_of_gitops_are_built(tmp_path: Path, planned: Callable[..., Plan]) -> None:
    """What is bootstrapped with `kubectl apply -k` can be built, all of it."""
    plan = planned(EVERYTHING, PROJECT)
    synth(plan, tmp_path, gitops=ArgoCd(repository=REPOSITORY))
    kinds = [each["kind"] for each in built(tmp_path / "argocd")]
    assert kinds.count("Application") == len(plan.units) + 1
    assert kinds.count("AppProject") == 2
    synth(plan, tmp_path, gitops=Flux(repository=REPOSITORY))
    kinds = [each["kind"] for each in built(tmp_path / "flux" / "in-cluster")]
    assert sorted(kinds) == ["GitRepository", "Kustomization", "Kustomization", "Kustomization"]
    owned = planned({"a": document(provider="pulumi")}, provider=None)
    stacks = Operator(repository=REPOSITORY, jobs=("jobs",), settings={}, shards=3)
    synth_stacks(owned, tmp_path, stacks)
    assert [each["kind"] for each in built(tmp_path / "pulumi-operator")] == ["Stack"] * 3
