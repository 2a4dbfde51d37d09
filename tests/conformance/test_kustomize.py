"""kubectl builds every folder of manifests, and applies each object after what it waits for."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from typing import TYPE_CHECKING, Any

import cases
import pytest
import yaml

from dativo_infra.adapters.manifests.layout import Folder

if TYPE_CHECKING:
    from collections.abc import Mapping

UNITS = {Folder(unit=unit).path: unit for unit in cases.units("manifests")}
CLUSTERS = sorted({path.rpartition("/")[0] for path in UNITS})


@cache
def built(folder: str) -> list[Any]:
    """Return what kubectl builds of a folder, in the order in which it applies it."""
    kubectl = shutil.which("kubectl")
    if not kubectl:
        pytest.skip("no kubectl on this machine")
    done = subprocess.run(  # noqa: S603 - a program that the machine has
        [kubectl, "kustomize", str(cases.manifests_folder() / folder)],
        capture_output=True,
        text=True,
        check=True,
    )
    return list(yaml.safe_load_all(done.stdout))


def named(thing: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return what names an object."""
    metadata = thing["metadata"]
    return thing["kind"], metadata["name"], metadata.get("namespace", "")


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_what_waits_is_applied_later(cluster: str) -> None:
    """All objects of a cluster are built as they are written, each after those in its `after`."""
    found = {named(each): (place, each) for place, each in enumerate(built(cluster))}
    written = 0
    for path, unit in UNITS.items():
        if path.rpartition("/")[0] != cluster:
            continue
        documents = cases.manifests(cases.label(unit))
        places: dict[str, int] = {}
        for each in unit.resources:
            place, thing = found[named(documents[f"{each.key}.yaml"])]
            assert thing == documents[f"{each.key}.yaml"]
            places[each.key] = place
        for each in unit.resources:
            assert all(places[key] < places[each.key] for key in each.after), (path, each.key)
        written += len(places)
    assert written == len(found)


def test_the_folder_of_argocd_is_built() -> None:
    """There is an Application for each unit, and the one of all."""
    kinds = [each["kind"] for each in built("argocd")]
    assert kinds.count("Application") == len(UNITS) + 1
