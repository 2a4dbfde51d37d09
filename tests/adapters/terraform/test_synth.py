"""Roots and variable files: what is in them, and where what a job says stands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dativo_infra import DiagnosticError, load, load_document, plan
from dativo_infra.adapters.terraform import learn, synth, synth_tfvars
from dativo_infra.adapters.terraform.synth import left_to_the_environment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dativo_infra import Plan
    from dativo_infra.model import Job

NAME = "acme-prod-orders"
BACKEND = {"bucket": "b", "key": "k", "region": "us-east-1"}


def job(fields: Mapping[str, Any] | None = None, *, name: str = "orders.yaml") -> Job:
    """Return a job with a module in a git repository, changed by parts of its block."""
    block: dict[str, Any] = {
        "provider": "terraform",
        "terraform": {
            "module_source": "git::https://example.com/infra.git//emr",
            "module_version": "v1",
            "backend_config": BACKEND,
        },
        "runtime": {"platform": "emr", "compute": {"instance_type": "m5.xlarge"}},
        "outputs": {"id": "output.emr_cluster_id"},
        **(fields or {}),
    }
    document = {
        "tenant_id": "acme",
        "environment": "prod",
        "source_connector_path": "/c/a.yaml",
        "target_connector_path": "/c/b.yaml",
        "asset_path": "/a/c.yaml",
        "infrastructure": block,
    }
    loaded = load_document(document, name=name, environment={})
    assert loaded.jobs, loaded.diagnostics
    return loaded.jobs[0]


def files(folder: Path, planned: Plan) -> dict[str, Any]:
    """Write the only root, and return its files: JSON as data, text as text."""
    synth(planned, folder)
    return {
        each.name: json.loads(each.read_text()) if each.suffix == ".json" else each.read_text()
        for each in (folder / NAME).iterdir()
    }


def test_a_root_has_a_call_and_its_values_apart(tmp_path: Path) -> None:
    """The call refers to variables by their names; values and backend are files of their own."""
    found = files(tmp_path, plan([job()]))
    assert found["main.tf.json"]["module"] == {
        "infrastructure": {
            "source": "git::https://example.com/infra.git//emr?ref=v1",
            "tenant_id": "${var.tenant_id}",
            "environment": "${var.environment}",
            "instance_type": "${var.instance_type}",
            "tags": "${var.tags}",
        }
    }
    assert found["main.tf.json"]["variable"]["instance_type"] == {
        "type": "any",
        "description": "runtime.compute.instance_type",
    }
    assert found["main.tf.json"]["terraform"]["backend"] == {"s3": {}}
    assert found["main.tf.json"]["output"] == {
        "emr_cluster_id": {"value": "${module.infrastructure.emr_cluster_id}", "sensitive": True}
    }
    assert "moved" not in found["main.tf.json"]
    assert found["backend.tfbackend.json"] == BACKEND
    assert found["terraform.tfvars.json"]["instance_type"] == "m5.xlarge"
    assert ".terraform/" in found[".gitignore"].splitlines()


def test_a_second_run_writes_nothing(tmp_path: Path) -> None:
    """Equal jobs give equal files, which are then left alone."""
    synth(plan([job()]), tmp_path)
    assert synth(plan([job()]), tmp_path).written == ()


def test_naming_the_call_moves_what_it_has_built(tmp_path: Path) -> None:
    """An expected output `module.emr.x` names the call, and nothing is destroyed by it."""
    planned = plan([job({"outputs": {"id": "module.emr.emr_cluster_id"}})])
    main = files(tmp_path, planned)["main.tf.json"]
    assert list(main["module"]) == ["emr"]
    assert main["moved"] == [{"from": "module.infrastructure", "to": "module.emr"}]


def test_without_a_backend_there_is_no_block(tmp_path: Path) -> None:
    """A partial block without a file beside it would be asked for."""
    terraform = {"module_source": "github.com/acme/infra", "module_version": "v1"}
    found = files(tmp_path, plan([job({"terraform": terraform})]))
    assert "backend" not in found["main.tf.json"]["terraform"]
    assert "backend.tfbackend.json" not in found


def test_a_registry_gets_the_version(tmp_path: Path) -> None:
    """Only a registry address has a version beside it."""
    terraform = {"module_source": "acme/emr/aws", "module_version": "~> 3.2"}
    main = files(tmp_path, plan([job({"terraform": terraform})]))["main.tf.json"]
    assert main["module"]["infrastructure"]["source"] == "acme/emr/aws"
    assert main["module"]["infrastructure"]["version"] == "~> 3.2"


def test_a_local_module_is_found_from_the_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The path leads from the root's folder to the module, also where a link is in the way."""
    module = tmp_path / "modules" / "emr"
    module.mkdir(parents=True)
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "out").symlink_to(tmp_path / "deep" / "er")
    monkeypatch.chdir(tmp_path)
    local = job({"terraform": {"module_source": "../modules/emr"}}, name="jobs/orders.yaml")
    source = files(Path("out"), plan([local]))["main.tf.json"]["module"]["infrastructure"]["source"]
    assert source.startswith("../")
    assert (tmp_path / "deep" / "er" / NAME / source).resolve() == module


def test_what_is_known_late_is_put_together_by_the_root(tmp_path: Path) -> None:
    """A parameter is a variable that the environment gives; the rest stays data beside it."""
    variables = {
        "whole": "${DB_PASSWORD}",
        "url": "redis://:${DB_PASSWORD}@host",
        "nested": {"a": [1, "${OTHER}"], "plain": True},
    }
    found = files(tmp_path, plan([job({"metadata": {"variables": variables}})]))
    call = found["main.tf.json"]["module"]["infrastructure"]
    declared = found["main.tf.json"]["variable"]
    assert call["whole"] == "${var.env_DB_PASSWORD}"
    assert call["url"] == '${join("", [var.url[0], var.env_DB_PASSWORD, var.url[1]])}'
    assert found["terraform.tfvars.json"]["url"] == ["redis://:", "@host"]
    assert "whole" not in found["terraform.tfvars.json"]
    assert declared["env_DB_PASSWORD"]["sensitive"] is True
    assert "sensitive" not in declared["env_OTHER"]
    assert "${" not in json.dumps(found["terraform.tfvars.json"])


def test_a_list_is_given_as_text_with_commas(tmp_path: Path) -> None:
    """A whole variable in a list field is split, as everywhere else."""
    network = {"platform": "emr", "network": {"subnet_ids": "${SUBNETS}"}}
    main = files(tmp_path, plan([job({"runtime": network})]))["main.tf.json"]
    assert main["module"]["infrastructure"]["subnet_ids"] == '${split(",", var.env_SUBNETS)}'
    assert main["variable"]["env_SUBNETS"]["type"] == "string"


def test_variable_files_have_the_values_alone(tmp_path: Path) -> None:
    """A team's own root takes the values by its variables; a secret is left to the environment."""
    planned = plan([job({"metadata": {"variables": {"password": "${DB_PASSWORD}", "n": 3}}})])
    synth_tfvars(planned, tmp_path)
    values = json.loads((tmp_path / f"{NAME}.tfvars.json").read_text())
    assert values["n"] == 3
    assert values["instance_type"] == "m5.xlarge"
    assert "password" not in values
    assert left_to_the_environment(planned) == ["TF_VAR_password"]


def test_a_variable_file_cannot_put_values_together(tmp_path: Path) -> None:
    """What is known in part only is an error, and nothing is written."""
    planned = plan([job({"metadata": {"variables": {"url": "x://${HOST}/"}}})])
    with pytest.raises(DiagnosticError, match="DI625"):
        synth_tfvars(planned, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_jobs_that_share_have_one_root_with_the_outputs_of_all(tmp_path: Path) -> None:
    """Jobs of one infrastructure are one root, which gives what any of them expects."""
    one = job({"name": "orders", "outputs": {"a": "x"}}, name="one.yaml")
    two = job({"name": "orders", "outputs": {"b": "y"}}, name="two.yaml")
    assert list(files(tmp_path, plan([one, two]))["main.tf.json"]["output"]) == ["x", "y"]


def test_the_seed_gives_roots_of_which_each_argument_is_explained(
    seed: Path, tmp_path: Path
) -> None:
    """Each argument of the runner's own example says the field that it comes from."""
    jobs = load([seed / "terraform_emr_postgres.yaml"], {}).jobs
    modules, problems = learn(jobs)
    assert not problems
    planned = plan(jobs, modules=modules)
    synth(planned, tmp_path)
    (root,) = tmp_path.iterdir()
    main = json.loads((root / "main.tf.json").read_text())
    call = main["module"]["infrastructure"]
    assert call.pop("source").endswith("//modules/data-ingestion?ref=v3.2.1")
    said = {use.path for use in planned.jobs[0].fields if use.outcome == "used"}
    explained = {each["description"] for each in main["variable"].values()}
    assert explained <= said | {"tenant_id", "environment"}
    assert set(call) == set(main["variable"])
    assert set(call) == set(json.loads((root / "terraform.tfvars.json").read_text()))
