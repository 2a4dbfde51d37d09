"""Roots of the native road, with the real Terraform or OpenTofu and the providers' own schemas."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from dataclasses import fields, is_dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from terraform_provider import Running, providers
from workspace import find

from dativo_infra.adapters.terraform.native import Root, to_root
from dativo_infra.resources.kubernetes import KubernetesObject
from dativo_infra.values import TOKENS, Concat

sys.path.insert(0, str(Path(__file__).parents[1] / "conformance"))
cases: Any = import_module("cases")
schemas: Any = import_module("terraform_schema").schemas

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dativo_infra.planning import Unit

BINARIES = [each for each in ("terraform", "tofu") if find(each)] or ["tofu"]

HOSTILE = (
    '${file("/etc/passwd")}',
    "%{ for x in [1] }${x}%{ endfor }",
    "$${a} $$${b} %%{c} $",
    "${",
    'quote " and \\ and \\"',
    "line\n\ttab \b \f \x7f",
    "Größe 😀 \u2028",
    "<<EOT\n${path.root}\nEOT",
    "//",
    "${var.api_token}",
)
"""Texts of which Terraform would evaluate some, and misread others."""


class Engine:
    """One binary in one folder."""

    def __init__(self, binary: str, folder: Path, running: Running) -> None:
        self._binary = find(binary) or pytest.skip(f"no {binary} on this machine: `make engines`")
        self.folder = folder
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "CHECKPOINT_DISABLE": "1",
            "TF_IN_AUTOMATION": "1",
            "TF_INPUT": "0",
            **running.environment,
        }
        self.settings = running.settings

    def write(self, folder: str, root: Root, values: Mapping[str, str]) -> None:
        """Write a root, and note the values of its variables."""
        place = self.folder / folder
        place.mkdir(exist_ok=True)
        for name, text in root.files.items():
            (place / name).write_text(text)
        self._environment.update(root.environment(values))

    def run(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """Run a command; it ends with the code, and warns of nothing."""
        done = subprocess.run(  # noqa: S603 - the binary that is tested
            [self._binary, *arguments],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        assert "Warning" not in done.stdout + done.stderr
        return done

    def apply(self) -> str:
        """Apply the root, see that it is at rest then, and return what was shown."""
        self.run("init", "-no-color")
        shown = self.run("apply", "-auto-approve", "-no-color").stdout
        self.run("plan", "-detailed-exitcode", "-no-color")
        return shown

    def state(self) -> list[dict[str, Any]]:
        """Return the resources in the state, with all values evaluated."""
        shown = json.loads(self.run("show", "-json").stdout)["values"]["root_module"]
        return [
            each
            for module in (shown, *shown.get("child_modules", ()))
            for each in module.get("resources", ())
            if each["mode"] == "managed"
        ]


@pytest.fixture(params=BINARIES)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A binary with the providers beside it."""
    with providers() as running:
        yield Engine(request.param, tmp_path, running)


def values_of(root: Root, **given: str) -> dict[str, str]:
    """Return a value for each parameter of a root; the lists have two texts."""
    values = {
        each.name: "one/1,two/2" if each.type == "list" else "before/after"
        for each in root.parameters.values()
    }
    return {**values, **given}


def shapes(body: Mapping[str, Any], block: Mapping[str, Any], where: str) -> Iterator[str]:
    """Yield the place of every argument of a block, and of the blocks in it."""
    for name, item in body.items():
        yield f"{where}.{name}"
        inner = block["block_types"].get(name)
        for each in (item if isinstance(item, list) else [item]) if inner else ():
            yield from shapes(each, inner["block"], f"{where}.{name}")


def representatives() -> list[Root]:
    """Return roots that have all arguments of all types among them, and as few as are found."""
    left = {
        cases.label(unit): (
            root := to_root(unit),
            {
                each
                for type_, bodies in root.document["resource"].items()
                for body in bodies.values()
                for each in shapes(body, schemas()["resource"][type_], type_)
            },
        )
        for unit in cases.units("terraform")
    }
    chosen: list[Root] = []
    seen: set[str] = set()
    while left:
        root, arguments = left.pop(max(left, key=lambda name: len(left[name][1] - seen)))
        if arguments <= seen:
            return chosen
        seen |= arguments
        chosen.append(root)
    return chosen


def test_every_argument_is_applied_and_then_at_rest(engine: Engine) -> None:
    """Units with every argument of the suite are applied, and a second plan has no change.

    Each is a module of one root. Arguments are decoded by the provider's own schema, and
    expressions evaluated.
    """
    modules = {}
    for index, root in enumerate(representatives()):
        # A module is given its providers by the root.
        document = {name: each for name, each in root.document.items() if name != "provider"}
        folder = engine.folder / f"unit{index}"
        folder.mkdir()
        (folder / "main.tf.json").write_text(json.dumps(document))
        values = values_of(root)
        given = {
            name: values[each.name].split(",") if each.type == "list" else values[each.name]
            for name, each in root.parameters.items()
        }
        modules[f"unit{index}"] = {"source": f"./unit{index}", **given}
    (engine.folder / "main.tf.json").write_text(json.dumps({"module": modules}))
    engine.apply()
    assert len(engine.state()) == sum(len(root.addresses) for root in representatives())


def spoilt(value: Any, text: str) -> Any:
    """Return nested data with a text added to every text, and to the keys that are a user's."""
    if isinstance(value, str):
        return value + text
    if isinstance(value, Concat):
        return Concat(tuple(spoilt(part, text) for part in value.parts))
    if isinstance(value, TOKENS):
        return value
    if isinstance(value, dict):
        return {spoilt(key, text): spoilt(item, text) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(spoilt(item, text) for item in value)
    if is_dataclass(value):
        changed = {
            each.name: spoilt(getattr(value, each.name), text)
            for each in fields(value)
            if each.name not in KEPT
        }
        return replace(value, **changed)  # pyright: ignore[reportArgumentType]
    return value


KEPT = frozenset(("key", "origin", "after", "lifecycle", "api_version", "kind", "body"))
"""Fields that are never a job's text; the body of an object has names of fields."""


def spoilt_unit(unit: Unit, text: str) -> Unit:
    """Return a unit with a text added to every text that could be a job's."""
    resources = [spoilt(each, text) for each in unit.resources]
    for index, each in enumerate(resources):
        if isinstance(each, KubernetesObject) and each.kind in {"ConfigMap", "Secret"}:
            resources[index] = replace(each, body=_spoilt_data(each.body, text))
    target = replace(
        unit.target, region=f"r{text}", kubernetes_context=f"c{text}", databricks_host=f"h{text}"
    )
    return replace(
        unit,
        resources=tuple(resources),
        target=target,
        description=unit.description + text,
        exports={name: spoilt(value, text) for name, value in unit.exports.items()},
    )


def _spoilt_data(body: Mapping[str, Any], text: str) -> dict[str, Any]:
    return {
        name: spoilt(item, text) if name in {"data", "stringData"} else item
        for name, item in body.items()
    }


def texts(value: Any) -> Iterator[str]:
    """Yield every text inside nested data of a state, also inside JSON and what is encoded."""
    if isinstance(value, str):
        yield value
        yield from texts(_decoded(value))
    elif isinstance(value, dict):
        yield from value
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)


def _decoded(text: str) -> Any:
    if text.startswith(("{", "[")):
        try:
            return json.loads(text)
        except ValueError:
            return None
    try:
        return [base64.b64decode(text, validate=True).decode()] if len(text) > 40 else None
    except ValueError:
        return None


def plain_texts(value: Any) -> Iterator[str]:
    """Yield every text inside nested data of a plan that has no token in it."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from value
        for item in value.values():
            yield from plain_texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from plain_texts(item)
    elif is_dataclass(value) and not isinstance(value, TOKENS):
        for each in fields(value):
            if each.name not in {"key", "origin", "after", "lifecycle"}:
                yield from plain_texts(getattr(value, each.name))


def test_no_text_of_a_job_is_evaluated(engine: Engine) -> None:
    """Whatever stands in a text, the provider is given that text, in every field of every kind.

    Variables, which the environment gives, hold the same texts.
    """
    secret = "".join(HOSTILE)
    for number, name in enumerate(
        ("by-hand/test/all", "variants/test/k8s-secret", "by-hand/test/databricks")
    ):
        # At the end dollars, which could double that of what follows.
        text = f"{secret}{number}$$"
        unit = spoilt_unit(cases.unit_named("terraform", name), text)
        root = to_root(unit)
        values = {each.name: text for each in root.parameters.values() if each.type != "list"}
        engine.write(".", root, values_of(root, **values))
        shown = engine.apply()
        # Some are a part of a text in the state, as where several are joined by commas.
        found = "\0".join(texts([each["values"] for each in engine.state()]))
        wanted = {each for each in plain_texts(unit.resources) if text in each}
        assert {each for each in wanted if each not in found} == set()
        assert len(wanted) > 5
        told = {
            "aws": ("region", "r"),
            "databricks": ("host", "h"),
            "kubernetes": ("config_context", "c"),
        }
        for provider in root.document["provider"]:
            setting, first = told[provider]
            assert engine.settings[provider][setting] == first + text
        assert "root:x:" not in found + shown
        # Of the next unit nothing is there yet.
        (engine.folder / "terraform.tfstate").unlink()


def test_secrets_are_not_shown(engine: Engine) -> None:
    """Neither what is written nor what is shown has a secret; outputs can be asked for."""
    root = to_root(cases.unit_named("terraform", "runners/test/fargate-secret"))
    (name,) = (each.name for each in root.parameters.values() if each.secret)
    engine.write(".", root, values_of(root, **{name: "hunter2-do-not-tell"}))
    shown = engine.apply()
    written = [file for file in engine.folder.glob("*") if file.is_file()]
    assert not any("hunter2" in file.read_text() for file in written if "tfstate" not in file.name)
    assert "hunter2" not in shown
    assert "sensitive" in shown
    outputs = json.loads(engine.run("output", "-json").stdout)
    assert outputs["ecs_cluster_name"]["value"].startswith("runners-test-fargate-secret")


def test_what_is_retained_stays(engine: Engine) -> None:
    """Terraform refuses to destroy what is retained, until it is taken out of the state."""
    root = to_root(cases.unit_named("terraform", "variants/test/emr-unprotected"))
    engine.write(".", root, values_of(root))
    engine.apply()
    refused = engine.run("destroy", "-auto-approve", "-no-color", code=1)
    assert "prevent_destroy" in refused.stderr
    assert {each["address"] for each in engine.state()} == set(root.addresses)
    engine.run("state", "rm", *root.retained)
    engine.run("destroy", "-auto-approve", "-no-color")
    assert any("aws_s3_bucket." in each for each in root.retained)
    assert "values" not in json.loads(engine.run("show", "-json").stdout)


def test_a_rename_replaces_nothing(engine: Engine) -> None:
    """A unit that is called otherwise, with its state, changes no name that the provider made."""
    unit = cases.unit_named("terraform", "variants/test/emr-protected")
    renamed = replace(unit, identity=replace(unit.identity, name="renamed"))
    root = to_root(unit)
    engine.write(".", root, values_of(root))
    engine.apply()
    assert to_root(renamed).files != root.files
    engine.write(".", to_root(renamed), values_of(root))
    engine.run("plan", "-detailed-exitcode", "-no-color")


def test_parts_of_texts_are_cut_as_planned(engine: Engine) -> None:
    """Elements and pieces of parameters are those that the plan means, counted from both ends."""
    unit = cases.unit_named("terraform", "by-hand/test/all")
    root = to_root(unit)
    engine.write(".", root, values_of(root, LISTED="a,b", PATHS="x/y/z"))
    engine.apply()
    (policy,) = (
        each["values"]["policy"]
        for each in engine.state()
        if each["address"] == "aws_iam_role_policy.reader_one"
    )
    (statement,) = json.loads(policy)["Statement"]
    assert statement["Resource"][-3:] == ["b", "y", "aab"]
    assert json.loads(policy)["Ids"] == ["a", "b"]
