"""Each adapter says of every kind that it builds it or why not, and refuses before it acts."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import cases
import pytest
from click.testing import CliRunner

from dativo_infra import DiagnosticError, Plan, plan
from dativo_infra.adapters.cloudformation import synth
from dativo_infra.adapters.pulumi import build
from dativo_infra.cli import main
from dativo_infra.planning.support import LOSSES, REFUSALS, TOOLS
from dativo_infra.resources import Resource
from dativo_infra.resources.kinds import KINDS, is_taggable
from dativo_infra.resources.kubernetes import KubernetesObject
from dativo_infra.testing import record
from dativo_infra.values import Ref

NAMES = {kind.__name__ for kind in KINDS}


PACKAGES = {"terraform": "terraform.native"}
"""Where an adapter's lowerings are, if not right below it."""


def tables(tool: str) -> tuple[set[str], dict[str, str]]:
    """Return the names of the kinds that an adapter builds, and those it refuses with reasons."""
    package = PACKAGES.get(tool, tool)
    module: Any = importlib.import_module(f"dativo_infra.adapters.{package}.lowerings")
    # A module of a team's own is called on a road of its own, see adapters/terraform/root.py.
    called = {"TerraformModule"} if tool == "terraform" else set[str]()
    return called | {kind.__name__ for kind in module.LOWERINGS}, dict(module.REFUSALS)


def test_the_adapters_are_those_that_planning_knows() -> None:
    """Planning's table of support speaks of exactly the adapters of this suite."""
    assert set(TOOLS) == set(cases.TOOLS)


@pytest.mark.parametrize("tool", cases.TOOLS)
def test_every_kind_is_built_or_refused(tool: str) -> None:
    """Each kind is in exactly one of an adapter's two tables."""
    lowered, refused = tables(tool)
    assert lowered | set(refused) == NAMES
    assert not lowered & set(refused)


@pytest.mark.parametrize("tool", cases.TOOLS)
def test_refusals_are_those_that_planning_says(tool: str) -> None:
    """The reasons that plans and documentation give are the adapter's own."""
    assert tables(tool)[1] == REFUSALS[tool]


@pytest.mark.parametrize("tool", cases.TOOLS)
def test_losses_are_of_kinds_that_are_built(tool: str) -> None:
    """A loss names a field of a kind that the tool builds, and says why it is bearable."""
    lowered, _ = tables(tool)
    kinds = {kind.__name__: kind for kind in KINDS}
    for (kind, field), reason in LOSSES[tool].items():
        assert kind in lowered
        assert field in kinds[kind].__dataclass_fields__
        assert reason


def subclasses(kind: type[Resource] = Resource) -> set[type[Resource]]:
    """Return the kinds that are defined in the package, at any depth."""
    found = set(kind.__subclasses__())
    return found.union(*(subclasses(each) for each in found))


def test_every_kind_that_exists_is_listed() -> None:
    """No kind is defined in a module of resources and forgotten in the list of kinds."""
    folder = Path(importlib.import_module("dativo_infra.resources").__file__ or "").parent
    for file in folder.glob("*.py"):
        importlib.import_module(f"dativo_infra.resources.{file.stem}".removesuffix(".__init__"))
    # A dataclass with slots is made anew: the class that it was made of lives until collected.
    ours = {each.__name__ for each in subclasses() if each.__module__.startswith("dativo_infra.")}
    assert ours == NAMES


def test_taggable_kinds_require_tags() -> None:
    """A kind that can be tagged cannot be made without saying its tags."""
    for kind in KINDS:
        if is_taggable(kind):
            with pytest.raises(TypeError, match="tags"):
                kind(key="x")


@pytest.mark.parametrize("tool", cases.CLOUD_TOOLS)
def test_every_attribute_can_be_referred_to(tool: str) -> None:
    """A policy that names every attribute of every kind is built, and says the same read back."""
    from test_parity import read_back

    unit = cases.unit_named(tool, "by-hand/test/all")
    kinds = {each.key: type(each) for each in unit.resources}
    (role,) = (each for each in read_back(tool, unit) if each.key == "reader")
    policies: Any = getattr(role, "policies")  # noqa: B009 - a field of the kind read back
    named = [each for each in policies["one"]["Statement"][0]["Resource"] if isinstance(each, Ref)]
    wanted = {(kind, attribute) for kind in cases.OF_AWS for attribute in kind.ATTRIBUTES}
    assert {(kinds[each.key], each.attribute) for each in named} == wanted


def test_a_kubernetes_object_is_referred_to_by_name() -> None:
    """A reference to a Kubernetes object is its name, which is known when planning."""
    first, second = (
        KubernetesObject(
            key=key, api_version="v1", kind="ConfigMap", name=f"named-{key}", body=body
        )
        for key, body in (("first", {}), ("second", {"data": {"other": Ref("first", "name")}}))
    )
    like = cases.unit_named("pulumi", "by-hand/test/objects")
    unit = cases.unit_of("pair", first, second, component="KubernetesJob", exports=like.exports)
    recording = cases.record_units([unit])
    read = cases.Reader(recording, cases.component_of(unit, recording)).folded["second"].resource
    assert isinstance(read, KubernetesObject)
    assert read.body == {"data": {"other": "named-first"}}
    assert read.after == ("first",)


# --- refusals -----------------------------------------------------------------------------------


def refused_plan() -> Plan:
    """Return the plan of the examples' Kubernetes jobs for a tool that cannot build them."""
    platforms = cases.ON_KUBERNETES
    jobs = [job for job in cases.example_jobs() if job.get("runtime.platform") in platforms]
    return plan(jobs, provider="cloudformation")


def test_a_refusal_names_its_reason_and_a_way_out() -> None:
    """Planning says which kind a tool cannot build, why, and which tools can."""
    found = [each for each in refused_plan().diagnostics if "cannot build" in each.message]
    assert found
    for each in found:
        assert each.severity == "error"
        assert REFUSALS["cloudformation"]["KubernetesObject"] in each.message
        assert "pulumi" in (each.remedy or "")
        assert each.location is not None


def test_nothing_is_written_where_a_unit_is_refused(tmp_path: Path) -> None:
    """The adapter writes no template at all when one unit of several cannot be built."""
    mixed = Plan(
        units=(
            cases.unit_named("cloudformation", "variants/test/emr-groups"),
            *refused_plan().units,
        ),
        jobs=(),
        diagnostics=(),
    )
    with pytest.raises(DiagnosticError) as caught:
        synth(mixed, tmp_path / "out")
    assert REFUSALS["cloudformation"]["KubernetesObject"] in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_the_command_writes_nothing_where_a_unit_is_refused(tmp_path: Path) -> None:
    """The command line exits with 1, says the way out, and leaves no folder."""
    out = tmp_path / "out"
    job = cases.EXAMPLES / "acme" / "payments_sync.yaml"
    arguments = ["synth", "--to", "cloudformation", "--provider", "cloudformation"]
    result = CliRunner().invoke(main, [*arguments, "-o", str(out), str(job)])
    assert result.exit_code == 1
    assert "pulumi" in result.output
    assert not out.exists()


def test_pulumi_registers_nothing_where_a_job_has_an_error() -> None:
    """One job with an error stops the program before the first registration."""
    broken = cases.load_jobs(
        {
            "good": cases.kubernetes(),
            "bad": cases.kubernetes(variables={"resource_requests_cpu": "many"}),
        }
    )

    def program() -> None:
        with pytest.raises(DiagnosticError):
            build(broken)

    assert not record(program, config={"kubernetes:context": "test"}).registrations
