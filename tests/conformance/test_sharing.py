"""What several jobs name is built once, and taking one job away breaks no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cases
import pytest

from dativo_infra import Plan, Project, plan
from dativo_infra.model import Job, Source
from dativo_infra.planning import Unit, UnitKind
from dativo_infra.project import LoadedProject, Selector, Target
from dativo_infra.resources.ecs import EcsCluster
from dativo_infra.resources.iam import IamRole

if TYPE_CHECKING:
    from dativo_infra.testing import Recording

NAMESPACE = "kubernetes:core/v1:Namespace"
SHARING = ("payments_sync", "customers_sync")


def sharing_jobs() -> dict[str, Job]:
    """Return the two examples that share a namespace."""
    jobs = {job.identity.name: job for job in cases.example_jobs()}
    return {name: jobs[name] for name in SHARING}


def planned(*jobs: Job) -> Plan:
    """Return the plan of some jobs, without errors."""
    made = plan(jobs, provider="pulumi")
    assert not made.failed
    return made


def below(recording: Recording, component: str) -> dict[str, Any]:
    """Return a component and all below it by URN, without what other components change."""
    found: dict[str, Any] = {}
    for each in recording:
        if each.urn == component or each.parent in found:
            found[each.urn] = each
    return found


def test_the_namespace_is_one_object() -> None:
    """Two jobs in one namespace give one unit for it, and one registration."""
    made = planned(*sharing_jobs().values())
    shared = [unit for unit in made.units if unit.component == "KubernetesNamespace"]
    assert [unit.kind for unit in shared] == [UnitKind.SHARED]
    assert {job.name for job in shared[0].jobs} == set(SHARING)
    names = [
        each.inputs["metadata"]["name"]
        for each in cases.record_units(made.units).of_type(NAMESPACE)
    ]
    assert names == ["ingestion"]


@pytest.mark.parametrize("stays", SHARING)
def test_taking_a_job_away_leaves_the_other(stays: str) -> None:
    """The other job's registrations are as before, and the namespace keeps its URN and name."""
    jobs = sharing_jobs()
    both = planned(*jobs.values())
    alone = planned(jobs[stays])
    before, after = cases.record_units(both.units), cases.record_units(alone.units)
    identity = jobs[stays].identity
    component = cases.component_of(both.unit(identity), before)
    assert below(before, component).keys() == below(after, component).keys()
    for urn, each in below(before, component).items():
        # Of the namespace there may be less, when a quota was the other job's.
        if urn != component:
            assert each == below(after, component)[urn]
    namespaces = [recording.one(NAMESPACE) for recording in (before, after)]
    assert namespaces[0].urn == namespaces[1].urn
    assert namespaces[0].retain_on_delete == namespaces[1].retain_on_delete
    gone = {each.urn for each in before} - {each.urn for each in after}
    others = {name for name in SHARING if name != stays}
    assert gone
    assert {each.urn for each in after} <= {each.urn for each in before}
    own = [urn for urn in gone if f"acme-prod-{next(iter(others))}" in urn]
    shared = [urn for urn in gone if "KubernetesNamespace" in urn or "ServiceAccount" in urn]
    assert gone == {*own, *shared}


@pytest.mark.parametrize("stays", SHARING)
def test_taking_a_job_away_leaves_the_other_planned(stays: str) -> None:
    """The other job's own unit is equal, and the shared unit keeps its identity."""
    jobs = sharing_jobs()
    both, alone = planned(*jobs.values()), planned(jobs[stays])
    identity = jobs[stays].identity
    assert both.unit(identity) == alone.unit(identity)
    (namespace,) = (unit for unit in alone.units if unit.component == "KubernetesNamespace")
    assert both.unit(namespace.identity).resources[0].key == namespace.resources[0].key


def two_tenants() -> tuple[Job, ...]:
    """Return jobs of two tenants that name one namespace."""
    return cases.load_jobs(
        {
            "one": cases.kubernetes(tenant="first", namespace="same"),
            "two": cases.kubernetes(tenant="second", namespace="same"),
        }
    )


def test_a_namespace_of_two_targets_is_two_units() -> None:
    """Where two tenants go to two places, each place gets a namespace of that name."""
    targets = {
        name: Target(select=Selector(tenant=name), kubernetes_context=name)
        for name in ("first", "second")
    }
    project = LoadedProject(Project(targets=targets), Source(""))
    made = plan(two_tenants(), project, provider="pulumi")
    assert not made.failed
    shared = [unit for unit in made.units if unit.kind == UnitKind.SHARED]
    assert [unit.target.kubernetes_context for unit in shared] == ["first", "second"]
    recording = cases.record_units(made.units)
    found = recording.of_type(NAMESPACE)
    assert [each.inputs["metadata"]["name"] for each in found] == ["same", "same"]
    assert len({each.provider for each in found}) == 2


def test_a_namespace_of_one_target_is_one_unit() -> None:
    """Where two tenants go to one place, nobody owns its namespace twice."""
    made = planned(*two_tenants())
    assert [len(unit.jobs) for unit in made.units if unit.kind == UnitKind.SHARED] == [2]


# --- clusters of ECS ----------------------------------------------------------------------------

MACHINES = {
    "one": cases.ecs(variables={"cluster_name": "machines"}),
    "two": cases.ecs(
        tenant="runners",
        variables={"cluster_name": "machines", "command": ["serve"], "log_retention_days": 7},
    ),
}
"""Two jobs that name one cluster with the same machines."""
OF_CLUSTER = {
    "aws:autoscaling/group:Group",
    "aws:ec2/launchTemplate:LaunchTemplate",
    "aws:ecs/capacityProvider:CapacityProvider",
    "aws:ecs/cluster:Cluster",
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders",
}
"""What a cluster with machines is; there is one of each, however many jobs run in it."""


def machine_jobs() -> dict[str, Job]:
    """Return two jobs that name one cluster."""
    return {job.identity.name: job for job in cases.load_jobs(MACHINES)}


def cluster_unit(made: Plan) -> Unit:
    """Return the only unit of a cluster that is shared."""
    (unit,) = (unit for unit in made.units if unit.component == "EcsCluster")
    return unit


@pytest.mark.parametrize("tool", cases.CLOUD_TOOLS)
def test_a_named_cluster_is_one_unit(tool: str) -> None:
    """Two jobs with one cluster give one unit for it, which both need and neither owns."""
    made = plan(machine_jobs().values(), provider=tool)
    assert not made.failed
    shared = cluster_unit(made)
    assert shared.kind == UnitKind.SHARED
    assert {job.name for job in shared.jobs} == set(MACHINES)
    for identity in shared.jobs:
        own = made.unit(identity)
        assert shared.identity in own.needs
        kinds = {type(each) for each in own.resources}
        assert not kinds & {type(each) for each in shared.resources} - {IamRole}
    # The name is given, so jobs in other stacks refer to it without a word about this one.
    (cluster,) = (each for each in shared.resources if isinstance(each, EcsCluster))
    assert cluster.name == "machines"


def test_a_named_cluster_is_registered_once() -> None:
    """There is one cluster with one group of machines, and what runs in it waits for all of it."""
    made = planned(*machine_jobs().values())
    recording = cases.record_units(made.units)
    component = cases.component_of(cluster_unit(made), recording)
    parts = set(below(recording, component)) - {component}
    for type_ in OF_CLUSTER:
        assert [each.urn in parts for each in recording.of_type(type_)] == [True]
    services = recording.of_type("aws:ecs/service:Service")
    assert len(services) == 2
    for each in services:
        owner = next(one for one in recording if one.urn == each.parent)
        assert parts <= set(owner.dependencies)
        assert each.inputs["cluster"] == "machines"


@pytest.mark.parametrize("stays", MACHINES)
def test_taking_a_job_out_of_a_cluster_leaves_the_other(stays: str) -> None:
    """The other job's own unit is equal, and the cluster keeps its URNs, name and machines."""
    jobs = machine_jobs()
    both, alone = planned(*jobs.values()), planned(jobs[stays])
    identity = jobs[stays].identity
    assert both.unit(identity) == alone.unit(identity)
    shared = [cluster_unit(made) for made in (both, alone)]
    assert shared[0].identity == shared[1].identity
    assert [each.key for each in shared[0].resources] == [each.key for each in shared[1].resources]
    before, after = cases.record_units(both.units), cases.record_units(alone.units)
    component = cases.component_of(shared[0], before)
    assert below(before, component).keys() == below(after, component).keys()
    for urn, each in below(before, component).items():
        if each.type in OF_CLUSTER:
            # Tags are what the jobs have in common, so a job alone has more.
            tags = {"tags": None, "tagSpecifications": None}
            assert {**each.inputs, **tags} == {**below(after, component)[urn].inputs, **tags}
    gone = {each.urn for each in before} - {each.urn for each in after}
    other_name = next(name for name in MACHINES if name != stays)
    assert gone
    assert all(f"-{other_name}" in urn for urn in gone)


def test_a_cluster_of_two_minds_is_an_error() -> None:
    """Two jobs that want other machines in one cluster are told, and nothing is built."""
    documents = {**MACHINES, "three": cases.ecs(count=5, variables={"cluster_name": "machines"})}
    made = plan(cases.load_jobs(documents), provider="pulumi")
    assert made.failed
    assert any("machines" in each.message for each in made.diagnostics if each.severity == "error")
