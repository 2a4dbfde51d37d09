"""All tools build what was planned: their output, read back, is the plan again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cases
import pytest
from read_back_cloudformation import read_back as read_cloudformation
from read_back_manifests import read_back as read_manifests
from read_back_pulumi import read_back as read_pulumi
from read_back_terraform import read_back as read_terraform
from reading import comparable, referred

from dativo_infra import load_project, plan
from dativo_infra.adapters.cloudformation import is_protected
from dativo_infra.names import TERRAFORM as TERRAFORM_NAME
from dativo_infra.planning.support import LOSSES
from dativo_infra.resources.kubernetes import KubernetesObject

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dativo_infra.planning import Unit
    from dativo_infra.resources import Resource

ENVELOPE_LOSSES: Mapping[str, Mapping[str, str]] = {
    "pulumi": {},
    "cloudformation": {
        "lifecycle.protect": "protection is the stack's, not a resource's: see is_protected",
        "lifecycle.ignore": "only values that changed in the template are applied anyway",
        "lifecycle.delete_first": "no physical name is given that a replacement could collide with",
    },
    "manifests": {
        "after": "objects are applied by kind, and so after what they wait for: kubectl is asked",
        "lifecycle.protect": "objects are kept as what is retained is; no file forbids a deletion",
        "lifecycle.delete_first": "an object is changed in place; no file says how it is replaced",
    },
    "terraform": {
        "lifecycle.delete_first": "what has a name given is always deleted first",
    },
}
"""What a tool's output does not say of any resource, and why that is bearable."""

PULUMI = [cases.label(unit) for unit in cases.units("pulumi")]
CLOUDFORMATION = [cases.label(unit) for unit in cases.units("cloudformation")]
MANIFESTS = [cases.label(unit) for unit in cases.units("manifests")]
TERRAFORM = [cases.label(unit) for unit in cases.units("terraform")]


def lost(tool: str, kind: str) -> set[str]:
    """Return the fields that a tool cannot say of a kind."""
    return {field for of, field in LOSSES[tool] if of == kind} | set(ENVELOPE_LOSSES[tool])


def by_key(resources: tuple[Resource, ...] | list[Resource], *tools: str) -> dict[str, Any]:
    """Return resources by key as they are compared, without what the tools cannot say."""
    found = {
        each.key: comparable(
            each, lost={name for tool in tools for name in lost(tool, type(each).__name__)}
        )
        for each in resources
    }
    assert len(found) == len(resources)
    return found


def read_back(tool: str, unit: Unit) -> list[Resource]:
    """Return a unit's resources as its output in a tool says them."""
    if tool == "cloudformation":
        return read_cloudformation(cases.template(cases.label(unit)))
    if tool == "manifests":
        return list(read_manifests(cases.manifests(cases.label(unit))))
    if tool == "terraform":
        return read_terraform(cases.root(cases.label(unit)), unit.name(TERRAFORM_NAME))
    recording = cases.recording()
    return read_pulumi(recording, cases.component_of(unit, recording))


def test_everything_is_planned() -> None:
    """No example and no variant is left out because of an error."""
    assert not cases.errors()


def test_every_example_is_compared() -> None:
    """Each unit that the examples' own providers build is among those compared, for its tool."""
    project, _ = load_project(cases.EXAMPLES / "dativo-infra.yaml")
    for unit in plan(cases.example_jobs(), project).units:
        # What a team's module builds is said by the module.
        assert unit.component == "TerraformModule" or unit in cases.units(unit.owner)


@pytest.mark.parametrize("name", PULUMI)
def test_pulumi_registers_what_was_planned(name: str) -> None:
    """The registrations of a unit, read back, are its resources with their envelopes."""
    unit = cases.unit_named("pulumi", name)
    assert by_key(read_back("pulumi", unit)) == by_key(unit.resources)


@pytest.mark.parametrize("name", CLOUDFORMATION)
def test_cloudformation_describes_what_was_planned(name: str) -> None:
    """The template of a unit, read back, is its resources but for the losses that are declared."""
    unit = cases.unit_named("cloudformation", name)
    read = [comparable(each) for each in read_back("cloudformation", unit)]
    assert {each["key"]: each for each in read} == by_key(unit.resources, "cloudformation")


@pytest.mark.parametrize("name", MANIFESTS)
def test_manifests_are_what_was_planned(name: str) -> None:
    """The files of a unit, read back, are its resources but for the losses that are declared."""
    unit = cases.unit_named("manifests", name)
    read = [comparable(each) for each in read_back("manifests", unit)]
    assert {each["key"]: each for each in read} == by_key(unit.resources, "manifests")


@pytest.mark.parametrize("name", TERRAFORM)
def test_terraform_describes_what_was_planned(name: str) -> None:
    """The root of a unit, read back, is its resources but for the losses that are declared."""
    unit = cases.unit_named("terraform", name)
    assert by_key(read_back("terraform", unit)) == by_key(unit.resources, "terraform")


def test_what_has_no_manifest_is_what_is_late() -> None:
    """The units of Kubernetes that are not written are those that wait for a value or a secret."""
    units = {cases.label(unit): unit for unit in cases.units("pulumi") if cases.is_late(unit)}
    late = {name for name, unit in units.items() if cases.is_in_cluster(unit)}
    assert {"acme/prod/payments_sync", "variants/test/k8s-late", "variants/test/k8s-secret"} <= late
    everything = {
        cases.label(unit)
        for unit in cases.units("pulumi")
        if all(isinstance(each, KubernetesObject) for each in unit.resources)
    }
    assert everything == {*MANIFESTS, *late}


@pytest.mark.parametrize(
    ("tool", "name"),
    [
        *(("cloudformation", name) for name in CLOUDFORMATION),
        *(("manifests", name) for name in MANIFESTS),
        *(("terraform", name) for name in TERRAFORM),
    ],
)
def test_two_tools_build_the_same(tool: str, name: str) -> None:
    """What a tool builds and what Pulumi does, read back, is equal but for the declared losses."""
    one, other = (
        by_key(read_back(each, cases.unit_named(each, name)), "pulumi", tool)
        for each in ("pulumi", tool)
    )
    assert one == other


@pytest.mark.parametrize(
    ("tool", "name"),
    [
        *(("cloudformation", name) for name in CLOUDFORMATION),
        *(("manifests", name) for name in MANIFESTS),
    ],
)
def test_resources_stand_in_the_order_planned(tool: str, name: str) -> None:
    """Resources are listed in the order of the plan, so that equal plans give equal text."""
    unit = cases.unit_named(tool, name)
    assert [each.key for each in read_back(tool, unit)] == [each.key for each in unit.resources]


@pytest.mark.parametrize("name", CLOUDFORMATION)
def test_protection_is_the_stacks(name: str) -> None:
    """A stack is protected exactly when the plan protects one of its resources."""
    unit = cases.unit_named("cloudformation", name)
    assert is_protected(unit) == any(each.lifecycle.protect for each in unit.resources)


@pytest.mark.parametrize("name", PULUMI)
def test_what_refers_waits_for_the_whole(name: str) -> None:
    """What refers to a resource waits for all its parts, as for the policies of a role."""
    folded = cases.reader(name).folded
    for each in folded.values():
        for key in waited_for(each.resource):
            wanted = {registration.urn for registration in folded[key].registrations}
            assert wanted <= set(each.main.dependencies) | _through(each, folded)


def waited_for(resource: Resource) -> set[str]:
    """Return the keys that a resource's own fields and its envelope name."""
    return referred(resource) | set(resource.after)


def _through(folded: Any, everything: Mapping[str, Any]) -> set[str]:
    """Return what the parts of a resource wait for; a part is what refers, then."""
    return {urn for each in folded.parts for urn in each.dependencies} & {
        registration.urn
        for key, other in everything.items()
        if key != folded.key
        for registration in other.registrations
    }


@pytest.mark.parametrize("name", PULUMI)
def test_units_wait_for_those_they_need(name: str) -> None:
    """A component waits for all that is registered below the components that its unit needs."""
    unit = cases.unit_named("pulumi", name)
    waited = set(cases.reader(name).component.dependencies)
    for needed in unit.needs:
        for folded in cases.reader(str(needed)).folded.values():
            assert {each.urn for each in folded.registrations} <= waited


@pytest.mark.parametrize("tool", cases.TOOLS)
def test_every_loss_is_real(tool: str) -> None:
    """A loss that hides no difference any more is not declared any longer."""
    planned: dict[str, dict[str, Any]] = {"as": {}, "without": {}}
    for unit in cases.units(tool):
        for each in unit.resources:
            for kind, field in LOSSES[tool]:
                if type(each).__name__ == kind:
                    planned["as"][field] = comparable(each)[field]
                    planned["without"][field] = comparable(each, lost={field})[field]
            for field in ENVELOPE_LOSSES[tool]:
                part, _, name = field.partition(".")
                if comparable(each)[part] != comparable(each, lost={field})[part]:
                    planned["as"][field] = comparable(each)[part][name] if name else each.after
                    planned["without"][field] = None
    declared = {field for _, field in LOSSES[tool]} | set(ENVELOPE_LOSSES[tool])
    assert {name for name in declared if planned["as"].get(name)} == declared
    assert all(planned["as"][name] != planned["without"][name] for name in declared)
