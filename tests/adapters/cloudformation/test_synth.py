"""Writing templates."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import cfn_flip
import pytest

from dativo_infra.adapters.cloudformation import synth
from dativo_infra.diagnostics import DiagnosticError
from dativo_infra.diagnostics.rules import EMPTY_FILE
from dativo_infra.names import Identity
from dativo_infra.planning.result import Plan, Unit
from dativo_infra.resources.kubernetes import KubernetesObject

if TYPE_CHECKING:
    from pathlib import Path

MakePlan = Callable[..., Plan]


def test_one_file_a_stack(tmp_path: Path, emr_unit: Unit, plan: MakePlan) -> None:
    """Each unit is written to a file called as its stack; a second run writes nothing."""
    other = replace(emr_unit, identity=Identity("acme", "prod", "daily_orders"))
    name = f"{other.identity.tenant}-prod-daily-orders-{other.identity.digest[:6]}.json"
    first = synth(plan(emr_unit, other), tmp_path)
    assert first.written == ("acme-prod-orders.json", name)
    assert json.loads((tmp_path / name).read_text())["Resources"]
    second = synth(plan(emr_unit, other), tmp_path)
    assert (second.written, second.unchanged) == ((), first.written)


def test_yaml(tmp_path: Path, emr_unit: Unit, plan: MakePlan) -> None:
    """In the form `yaml` the same template is written as YAML."""
    synth(plan(emr_unit), tmp_path)
    synth(plan(emr_unit), tmp_path, form="yaml")
    text = (tmp_path / "acme-prod-orders.yaml").read_text()
    same = json.loads((tmp_path / "acme-prod-orders.json").read_text())
    assert json.loads(cfn_flip.to_json(text)) == same


def test_what_is_left_out(tmp_path: Path, emr_unit: Unit, plan: MakePlan) -> None:
    """Units of other tools and units without resources have no template."""
    elsewhere = replace(emr_unit, owner="pulumi")
    empty = replace(emr_unit, resources=(), exports={})
    assert synth(plan(elsewhere, empty), tmp_path / "out").written == ()


@pytest.mark.parametrize("problem", ["failed plan", "refusal", "limit", "folder"])
def test_nothing_is_written_after_a_problem(
    tmp_path: Path, emr_unit: Unit, plan: MakePlan, samples: dict[str, Any], problem: str
) -> None:
    """With any error nothing is written, not even for the units that are fine."""
    folder = tmp_path / "out"
    bad = replace(emr_unit, identity=Identity("acme", "prod", "bad"))
    if problem == "refusal":
        pod = KubernetesObject(key="pod", api_version="v1", kind="Pod", name="x")
        made = plan(emr_unit, replace(bad, resources=(pod,), exports={}))
    elif problem == "limit":
        exports = {f"e{n}": "x" for n in range(201)}
        made = plan(emr_unit, replace(bad, resources=(samples["logs"],), exports=exports))
    elif problem == "failed plan":
        made = replace(plan(emr_unit), diagnostics=(EMPTY_FILE.at(None),))
    else:
        folder.write_text("")
        made = plan(emr_unit)
    with pytest.raises(DiagnosticError):
        synth(made, folder)
    assert not folder.is_dir()


def test_link_out_of_the_folder_is_refused(tmp_path: Path, emr_unit: Unit, plan: MakePlan) -> None:
    """A template is not written through a link that leads elsewhere."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "acme-prod-orders.json").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DiagnosticError, match="DI603"):
        synth(plan(emr_unit), tmp_path / "out")
    assert not (tmp_path / "elsewhere").exists()
