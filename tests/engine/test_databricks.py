"""The Databricks examples through the real engine, judged by Databricks' own SDK."""

from __future__ import annotations

import shutil
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from workspace import PROVIDERS, REPOSITORY

from dativo_infra import load, load_project, plan

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from workspace import Done
    from workspace import Workspace as Program

sys.path.insert(0, str(PROVIDERS / "databricks"))  # as where the engine starts it
requests = import_module("databricks_requests")
workspaces = import_module("databricks_workspace")

EXAMPLES = REPOSITORY / "examples" / "jobs"
JOBS: Mapping[str, str] = {
    str(path.relative_to(EXAMPLES)): path.read_text()
    for path in sorted(EXAMPLES.glob("*/*.yaml"))
    if "platform: databricks" in path.read_text()
}
"""The examples that run on Databricks, built or referred to."""
BASKETS, TELEMETRY = "globex/baskets_databricks.yaml", "initech/telemetry_databricks.yaml"
GLOBEX = "https://globex-prod.cloud.databricks.com"
INITECH = "https://adb-1234567890123456.7.azuredatabricks.net"


def change(program: Program, name: str, **fields: Any) -> None:
    """Set variables of a job, and the owner that its tags say."""
    file = program.jobs / name
    document = yaml.safe_load(file.read_text())
    metadata = document["infrastructure"]["metadata"]
    metadata["tags"]["Owner"] = fields.pop("owner", metadata["tags"]["Owner"])
    metadata["variables"] |= fields
    file.write_text(yaml.safe_dump(document))


def done(operation: Done) -> set[str]:
    """Return what an operation did, which must have ended well."""
    assert operation.code == 0, operation.log
    return set(operation.changes)


@pytest.fixture
def fleet(workspace: Program, monkeypatch: pytest.MonkeyPatch) -> Program:
    """The examples, and workspaces without anything in them."""
    for name, text in JOBS.items():
        (workspace.jobs / name).parent.mkdir(exist_ok=True)
        (workspace.jobs / name).write_text(text)
    shutil.copy(EXAMPLES / "dativo-infra.yaml", workspace.jobs)
    store = str(workspace.folder / "databricks.json")
    workspace.environment[workspaces.STORE] = store
    monkeypatch.setenv(workspaces.STORE, store)
    return workspace


def clusters(host: str) -> Iterator[dict[str, Any]]:
    """Yield every cluster of a workspace, those of its jobs' runs among them."""
    for type_ in requests.REQUESTS:
        for asked in workspaces.Workspace(host).get(type_).values():
            yield from requests.clusters_of(type_, asked)


def carried(program: Program) -> None:
    """Hold that the machines of every cluster carry every tag of its job, as planned."""
    project, _ = load_project(program.jobs / "dativo-infra.yaml")
    units = plan(load([program.jobs], {}).jobs, project).units
    assert {unit.target.databricks_host for unit in units} == {GLOBEX, INITECH}
    for unit in units:
        host = unit.target.databricks_host
        assert host
        found = list(clusters(host))
        assert found
        for each in found:
            assert workspaces.Workspace(host).machine_tags(each) == dict(unit.tags)


def test_the_examples(fleet: Program) -> None:
    """They are built each in its own workspace, change in place, and are gone when destroyed."""
    stack = fleet.create("prod")
    assert done(fleet.up(stack)) == {"create"}
    assert fleet.types(stack) == {
        "dativo:index:DatabricksCluster": 2,
        requests.CLUSTER: 1,
        requests.POOL: 1,
        requests.JOB: 1,
    }
    carried(fleet)
    (job,) = workspaces.Workspace(INITECH).get(requests.JOB).values()
    (pool,) = workspaces.Workspace(INITECH).get(requests.POOL)
    assert job["tasks"][0]["new_cluster"]["instance_pool_id"] == pool
    outputs = fleet.outputs(stack)
    (cluster,) = workspaces.Workspace(GLOBEX).get(requests.CLUSTER)
    assert outputs["globex/prod/baskets_databricks"]["cluster_id"] == cluster
    assert outputs["initech/prod/telemetry_databricks"]["pool_id"] == pool
    assert done(fleet.preview(stack)) == set()

    change(fleet, BASKETS, owner="somebody@globex.example", protect=False)
    change(fleet, TELEMETRY, owner="somebody@initech.example", pool_max_capacity=9)
    changed = fleet.up(stack)
    assert done(changed) == {"update"}
    assert changed.names("update") == {
        "globex-prod-baskets_databricks-cluster",
        "initech-prod-telemetry_databricks-instance-pool",
    }
    carried(fleet)

    # A pool is replaced by one of its own name, which the job's cluster then names.
    change(fleet, TELEMETRY, spark_version="15.4.x-scala2.12")
    assert {"replace", "delete-replaced"} <= done(fleet.up(stack))
    (new,) = workspaces.Workspace(INITECH).get(requests.POOL)
    (job,) = workspaces.Workspace(INITECH).get(requests.JOB).values()
    assert new != pool
    assert job["tasks"][0]["new_cluster"]["instance_pool_id"] == new

    assert done(fleet.destroy(stack)) == {"delete"}
    for host in (GLOBEX, INITECH):
        assert not any(workspaces.Workspace(host).get(type_) for type_ in requests.REQUESTS)


def test_nothing_is_built_in_a_workspace_by_accident(fleet: Program) -> None:
    """An address that only the environment has is none: the program ends before it builds."""
    fleet.environment["DATABRICKS_HOST"] = GLOBEX
    project = fleet.jobs / "dativo-infra.yaml"
    project.write_text(project.read_text().replace("databricks_host:", "region: # "))
    project.write_text(
        "\n".join(line for line in project.read_text().splitlines() if "region: # " not in line)
    )
    stack = fleet.create("prod")
    refused = fleet.up(stack)
    assert refused.code != 0
    assert "DI327" in refused.log
    assert not (fleet.folder / "databricks.json").exists()


# --- the judge ----------------------------------------------------------------------------------

SMALL: Mapping[str, Any] = {
    "sparkVersion": "16.4.x-scala2.12",
    "nodeTypeId": "i3.xlarge",
    "numWorkers": 1,
    "customTags": {"Owner": "data"},
}
POOL: Mapping[str, Any] = {
    "instancePoolName": "one",
    "nodeTypeId": "i3.xlarge",
    "customTags": {"Owner": "data"},
}


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({}, ""),
        ({"sparkVersions": "x"}, "`sparkVersions` is nothing"),
        ({"numWorkers": "1"}, "`numWorkers` is str"),
        ({"dataSecurityMode": "SINGLE"}, "`dataSecurityMode` is str, and no"),
        ({"awsAttributes": {"zone": "a"}}, "`awsAttributes.zone` is nothing"),
        ({"awsAttributes": {"availability": "SPOT_AZURE"}}, "`awsAttributes.availability`"),
        ({"customTags": {"Owner": 1}}, "`customTags.Owner` is int"),
        ({"clusterLogConf": {"s3": {"region": "x"}}}, "`clusterLogConf.s3.destination` is missing"),
    ],
)
def test_the_sdk_judges_names_and_types(more: Mapping[str, Any], fault: str) -> None:
    """What is no field of a request, of another type, or missing is told; what is right is not."""
    reader = requests.Reader()
    reader.request(requests.CLUSTER, {**SMALL, **more})
    assert len(reader.faults) == bool(fault)
    assert fault in "".join(reader.faults)


def asked(type_: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return properties as a request."""
    reader = requests.Reader()
    request = reader.request(type_, properties)
    assert not reader.faults
    return request


@pytest.mark.parametrize(
    ("more", "refusal"),
    [
        ({}, ""),
        ({"autoscale": {"minWorkers": 1, "maxWorkers": 2}}, "num_workers"),
        ({"nodeTypeId": None}, "node_type_id"),
        ({"instancePoolId": "{pool}"}, "cannot be supplied when an instance pool"),
        ({"instancePoolId": "{pool}", "nodeTypeId": None}, "Invalid tags"),
        ({"instancePoolId": "{pool}", "nodeTypeId": None, "customTags": None}, ""),
        ({"instancePoolId": "x", "nodeTypeId": None}, "Can't find an instance pool"),
        ({"autoterminationMinutes": 5}, "autotermination_minutes"),
        ({"customTags": {str(number): "x" for number in range(46)}}, "46 of at most 45"),
    ],
)
def test_what_databricks_refuses(
    more: Mapping[str, Any], refusal: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cluster, also one of a job, is refused for what Databricks refuses it for."""
    monkeypatch.setenv(workspaces.STORE, str(tmp_path / "store.json"))
    there = workspaces.Workspace("https://test")
    pool = there.create(requests.POOL, asked(requests.POOL, POOL))
    known = {
        key: pool if value == "{pool}" else value
        for key, value in {**SMALL, **more}.items()
        if value is not None
    }
    refusals = list(there.refusals(requests.CLUSTER, asked(requests.CLUSTER, known)))
    assert bool(refusals) == bool(refusal)
    assert refusal in "".join(refusals)
    task = {"taskKey": "run", "newCluster": known}
    known.pop("autoterminationMinutes", None)
    if "autotermination" not in refusal and "at most" not in refusal:
        of_job = there.refusals(requests.JOB, asked(requests.JOB, {"tasks": [task]}))
        assert refusal in "".join(of_job)
    again = there.refusals(requests.POOL, asked(requests.POOL, POOL))
    assert "already exists" in "".join(again)
