"""What several jobs name is built once, and taking one job away breaks no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cases
import pytest

from dativo_infra import Plan, Project, plan
from dativo_infra.model import Job, Source
from dativo_infra.planning import UnitKind
from dativo_infra.project import LoadedProject, Selector, Target

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
