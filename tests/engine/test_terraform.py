"""Roots on the real Terraform and OpenTofu, with modules that need only the built-in provider."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from workspace import REPOSITORY, find

from dativo_infra import load, load_document, load_project, plan
from dativo_infra.adapters.terraform import learn, synth
from dativo_infra.platforms.terraform.inputs import TABLE, VARIABLES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dativo_infra import Plan
    from dativo_infra.model import Job

EXAMPLES = REPOSITORY / "examples" / "jobs"
NOTHING, CHANGES = 0, 2
"""What `plan -detailed-exitcode` says."""


@dataclass(frozen=True)
class Program:
    """One of the two programs, which sees nothing of whoever runs the tests."""

    path: str
    home: Path

    def run(self, root: Path, *arguments: str, code: int = 0, **variables: str) -> str:
        """Run a command in a root, which must end with a code; return its standard output."""
        done = subprocess.run(  # noqa: S603 - a program of the machine, with our arguments
            [self.path, *arguments],
            cwd=root,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.home),
                "CHECKPOINT_DISABLE": "1",
                "TF_IN_AUTOMATION": "1",
                "TF_INPUT": "0",
                **variables,
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def init(self, root: Path) -> None:
        """Prepare a root, with its backend where it has one."""
        backend = root / "backend.tfbackend.json"
        self.run(root, "init", *([f"-backend-config={backend.name}"] if backend.exists() else []))

    def plan(self, root: Path, code: int, **variables: str) -> None:
        """Plan a root, with or without changes, into the file `p`."""
        self.run(root, "plan", "-detailed-exitcode", "-out=p", code=code, **variables)

    def outputs(self, root: Path) -> dict[str, Any]:
        """Return the values of a root's outputs, of which each is sensitive."""
        found = json.loads(self.run(root, "output", "-json"))
        assert all(each["sensitive"] for each in found.values())
        return {name: each["value"] for name, each in found.items()}


@pytest.fixture(params=["terraform", "tofu"])
def program(request: pytest.FixtureRequest, tmp_path: Path) -> Program:
    """Terraform, and OpenTofu."""
    path = find(request.param)
    if path is None:
        pytest.skip(f"no {request.param} on this machine")
    home = tmp_path / "home"
    home.mkdir()
    return Program(path, home)


def planned(*jobs: Job, project: Any = None) -> Plan:
    """Return the plan of jobs whose modules are read."""
    modules, problems = learn(jobs)
    assert not problems
    made = plan(jobs, project, modules=modules)
    assert not made.failed, [str(each) for each in made.diagnostics]
    return made


@pytest.mark.parametrize("example", ["acme/reviews_emr.yaml", "globex/carts_kubernetes.yaml"])
def test_an_example_lives_and_ends(program: Program, example: str, tmp_path: Path) -> None:
    """A module to start from is initialised, valid, built, unchanged the second time, and gone."""
    project, _ = load_project(EXAMPLES / "dativo-infra.yaml")
    made = planned(*load([EXAMPLES / example], {}).jobs, project=project)
    synth(made, tmp_path / "roots")
    (root,) = (tmp_path / "roots").iterdir()
    program.init(root)
    program.run(root, "validate")
    program.run(root, "workspace", "select", "-or-create=true", "prod")
    program.plan(root, CHANGES)
    program.run(root, "apply", "p")
    (unit,) = made.units
    # A password that was not given is null, and Terraform keeps no output that is.
    assert set(program.outputs(root)) | {"registry_password"} == {
        *unit.exports,
        "registry_password",
    }
    # The same root, written again to the same place, with the cluster that is known now.
    jobs = load([EXAMPLES / example], {"EMR_CLUSTER_ID": "j-2AXXXXXXGAPLF"}).jobs
    assert synth(planned(*jobs, project=project), tmp_path / "roots").written == ()
    program.plan(root, NOTHING)
    tags = json.loads((root / "terraform.tfvars.json").read_text())["tags"]
    shown = program.run(root, "show", "-json")
    assert tags == dict(unit.tags)
    assert all(tag in shown for tag in tags)
    program.run(root, "destroy", "-auto-approve")
    assert program.outputs(root) == {}


# --- nothing is evaluated -----------------------------------------------------------------------

HOSTILE = (
    '$${file("/etc/passwd")}',
    "$${var.tenant_id} %{ if true }yes%{ endif }",
    "%{ for x in [1] }${y}%{ endfor }".replace("${y}", "$${x}"),
    "\"quoted\" \\ back 'single' \n second line \t tab",
    "Größe ☃ \u2028 \U0001d518 \u0085",
    '"}, "x": {"y": "$${path.cwd}"}',
    "../../..",
)
"""Texts that do something where they are evaluated, as a job file has them: `$$` is a dollar."""
FIELDS = (
    "runtime.compute.instance_type",
    "runtime.storage.bucket",
    "runtime.storage.volume_id",
    "runtime.storage.mount_path",
    "runtime.network.vpc_id",
    "runtime.service_account",
    "resources.database.endpoint",
    "resources.database.database_name",
    "resources.database.instance_id",
    "resources.cache.endpoint",
    "resources.cache.cluster_id",
    "resources.queue.url",
    "resources.queue.arn",
    "resources.secrets.secret_manager_arn",
    "resources.secrets.kms_key_id",
)
"""Fields of free text; the others are refused before anything is written, or lists and maps."""


LARGE = 23456789012345678901234


def echo(folder: Path) -> None:
    """Write a module that takes every name of the table, and gives each back."""
    names = {name for each in TABLE for cloud in ("aws", "gcp") for name in each.names(cloud, None)}
    blocks = [
        f'variable "{name}" {{\n  type    = any\n  default = null\n}}\n'
        f'output "{name}" {{ value = var.{name} }}\n'
        for name in sorted({*names, VARIABLES})
    ]
    folder.mkdir()
    (folder / "main.tf").write_text("".join(blocks))


def job_of(fields: Mapping[str, Any], tmp_path: Path, environment: dict[str, str]) -> Job:
    """Return a job whose module gives back what it is given."""
    document: dict[str, Any] = {
        "tenant_id": "acme",
        "environment": "prod",
        "source_connector_path": "/c/a.yaml",
        "target_connector_path": "/c/b.yaml",
        "asset_path": "/a/c.yaml",
        "infrastructure": {
            "provider": "terraform",
            "terraform": {"module_source": "./echo", "backend_config": {"type": "local"}},
        },
    }
    for path, value in fields.items():
        *above, last = path.split(".")
        inner = document["infrastructure"]
        for part in above:
            inner = inner.setdefault(part, {})
        inner[last] = value
    loaded = load_document(document, name=str(tmp_path / "job.yaml"), environment=environment)
    assert loaded.jobs, loaded.diagnostics
    return loaded.jobs[0]


def echoed(program: Program, job: Job, tmp_path: Path, **variables: str) -> dict[str, Any]:
    """Return what the module of a job was given, as the program understood it."""
    synth(planned(job), tmp_path / "roots")
    (root,) = (tmp_path / "roots").iterdir()
    program.init(root)
    program.run(root, "validate")
    program.run(root, "apply", "-auto-approve", code=0, **variables)
    return program.outputs(root)


def test_nothing_of_a_job_is_evaluated(program: Program, tmp_path: Path) -> None:
    """Hostile texts in every field of free text, list and map arrive as they were written."""
    echo(tmp_path / "echo")
    texts = {path: HOSTILE[index % len(HOSTILE)] for index, path in enumerate(FIELDS)}
    variables = {f"{text} {index}": text for index, text in enumerate(HOSTILE)}
    job = job_of(
        {
            **texts,
            "runtime.network.subnet_ids": list(HOSTILE),
            "runtime.network.security_group_ids": list(HOSTILE),
            "metadata.annotations": {f"a{index}": text for index, text in enumerate(HOSTILE)},
            "metadata.variables": {**variables, "nested": {"list": [{**variables}, None, 1.5]}},
        },
        tmp_path,
        {},
    )
    meant = {path: text.replace("$$", "$") for path, text in texts.items()}
    plain = [text.replace("$$", "$") for text in HOSTILE]
    # Keys stay as they are written.
    as_data = {key: value.replace("$$", "$") for key, value in variables.items()}
    found = echoed(program, job, tmp_path)
    entries = {each.path: each for each in TABLE}
    for path, text in meant.items():
        for name in entries[path].names("aws", None):
            assert found[name] == text, path
    assert found["subnet_ids"] == found["security_group_ids"] == plain
    assert list(found["annotations"].values()) == plain
    assert found["variables"] == {**as_data, "nested": {"list": [as_data, None, 1.5]}}


def test_what_is_known_late_is_put_together_as_it_was_meant(
    program: Program, tmp_path: Path
) -> None:
    """Values of the environment arrive in texts, lists and maps; hostile ones stay texts."""
    echo(tmp_path / "echo")
    secret = '${file("/etc/passwd")} %{ "'
    job = job_of(
        {
            "runtime.network.subnet_ids": "${SUBNETS}",
            "metadata.variables": {
                "url": "redis://:${CACHE_PASSWORD}@host",
                "nested": {
                    "a b": [1, {"$${x}": "${CACHE_PASSWORD}"}],
                    "n": LARGE,
                },
            },
        },
        tmp_path,
        {"CACHE_PASSWORD": "never read"},
    )
    given = {"TF_VAR_env_CACHE_PASSWORD": secret, "TF_VAR_env_SUBNETS": "a,b"}
    found = echoed(program, job, tmp_path, **given)
    assert found["subnet_ids"] == ["a", "b"]
    assert found["variables"] == {
        "url": f"redis://:{secret}@host",
        "nested": {"a b": [1, {"$${x}": secret}], "n": LARGE},
    }
    for file in (tmp_path / "roots").rglob("*.json"):
        assert "never read" not in file.read_text()
        assert secret not in file.read_text()
