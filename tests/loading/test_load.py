"""Job files and documents as a whole: what is read, and what is said of mistakes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dativo_infra.diagnostics.render import as_data, as_text
from dativo_infra.loading import load, load_document
from dativo_infra.model import BLOCK, fields
from dativo_infra.names import KUBERNETES, render

if TYPE_CHECKING:
    from dativo_infra.loading import Loaded

Load = Callable[..., "Loaded"]

REQUIRED = {
    "tenant_id": "acme",
    "source_connector_path": "s",
    "target_connector_path": "t",
    "asset_path": "a",
}
JOB = "".join(f"{key}: {value}\n" for key, value in REQUIRED.items())


def told(loaded: Loaded) -> list[tuple[str, str]]:
    """Return the code and place of each diagnostic."""
    return [(each.code, str(each.location)) for each in loaded.diagnostics]


def leaves(schema: Mapping[str, Any], prefix: str = "") -> dict[str, Mapping[str, Any]]:
    """Return the fields of a schema by their dotted paths."""
    found: dict[str, Mapping[str, Any]] = {}
    for name, inner in schema["properties"].items():
        found |= (
            leaves(inner, f"{prefix}{name}.") if "properties" in inner else {prefix + name: inner}
        )
    return found


def sample(schema: Mapping[str, Any]) -> Any:
    """Return a value that a schema allows."""
    if "enum" in schema:
        return schema["enum"][0]
    if schema["type"] == "array":
        return [sample(schema["items"])]
    return {"string": "x", "integer": 7, "boolean": True, "object": {"k": "v"}}[schema["type"]]


def test_every_field_of_the_block_is_read(seed: Path):
    """Each field of the runner's schema is read, by the name and with the value it has there."""
    schema = json.loads((seed / "job-config.schema.json").read_text())
    block = leaves(schema["properties"][BLOCK])
    assert set(block) | {"name", "former_names"} == set(fields())
    for path, wanted in block.items():
        document: Any = sample(wanted)
        for part in reversed(path.split(".")):
            document = {part: document}
        loaded = load_document({**REQUIRED, BLOCK: document}, name="n", environment={})
        assert loaded.diagnostics == ()
        (job,) = loaded.jobs
        assert list(job.set_fields()) == [path]
        read = job.get(path)
        assert (list(read) if isinstance(read, tuple) else read) == sample(wanted)


@pytest.mark.parametrize("name", ["terraform_emr_postgres", "kubernetes_stripe_to_iceberg"])
def test_examples_of_the_runner(seed: Path, name: str):
    """The runner's examples are read without a mistake, and every field of them."""
    file = seed / f"{name}.yaml"
    loaded = load([file], {"EMR_CLUSTER_ID": "j-1"})
    (job,) = loaded.jobs
    assert loaded.diagnostics == ()
    written = yaml.safe_load(file.read_text())[BLOCK]
    for path in job.set_fields():
        value: Any = written
        for part in path.split("."):
            value = value[part]
        read = job.get(path)
        if path != "runtime.compute.cluster_id":
            assert (list(read) if isinstance(read, tuple) else read) == value


def test_databricks_as_provider(seed: Path, load_text: Load):
    """`provider: databricks` beside a cluster is a warning and read as `manual`."""
    text = (seed / "databricks_cluster_example.yaml").read_text()
    loaded = load_text(text)
    assert [(each.code, each.severity) for each in loaded.diagnostics] == [("DI301", "warning")]
    assert loaded.jobs[0].get("provider") == "manual"
    alone = load_text(text.replace("cluster_id:", "# cluster_id:"))
    assert [(each.code, each.severity) for each in alone.diagnostics] == [("DI301", "error")]
    assert "terraform, cloudformation or pulumi" in alone.diagnostics[0].remedy
    assert alone.jobs == ()


def test_five_mistakes_are_five_diagnostics(load_block: Load):
    """All mistakes of a file are found in one run, each at its place."""
    loaded = load_block("""
provider: pullumi
runtime:
  platfrom: emr
  compute: {instance_count: 0}
metadata:
  tags: {a: 1, b: "${DB_PASSWORD}"}
  labels:
""")
    assert told(loaded) == [
        ("DI203", "orders.yaml:7:13"),
        ("DI205", "orders.yaml:9:5"),
        ("DI204", "orders.yaml:10:31"),
        ("DI202", "orders.yaml:12:15"),
        ("DI210", "orders.yaml:12:21"),
        ("DI202", "orders.yaml:13:5"),
    ]
    remedies = [each.remedy for each in loaded.diagnostics]
    assert remedies[0].startswith("Did you mean `pulumi`?")
    assert remedies[1].startswith("Did you mean `platform`?")


@pytest.mark.parametrize(
    ("written", "given"),
    [
        ("1", "a number"),
        ("1.5", "a decimal number"),
        ("true", "a boolean"),
        ("on", "a boolean"),
        ("2024-01-01", "a date"),
        ("2024-01-01T00:00:00Z", "a date"),
        ("1:30", "a number"),
    ],
)
@pytest.mark.parametrize("field", ["tags", "labels", "annotations"])
def test_what_is_no_text_needs_quotes(load_block: Load, field: str, written: str, given: str):
    """A tag that YAML reads as something else than text is an error that says to quote it."""
    (diagnostic,) = load_block(f"metadata: {{{field}: {{a: {written}}}}}").diagnostics
    assert diagnostic.code == "DI202"
    assert diagnostic.message.endswith(f"must be text, not {given}.")
    assert diagnostic.remedy == "Put the value in quotes."


@pytest.mark.parametrize(
    "block",
    ["provider:", "runtime:", "runtime: {compute: }", "metadata: {tags: {a: }}", "outputs: ~"],
)
def test_keys_without_a_value(load_block: Load, block: str):
    """A key of the block without a value is an error, since the runner refuses it."""
    assert [each.code for each in load_block(block).diagnostics] == ["DI202"]


def test_null_in_open_mappings(load_block: Load):
    """Variables may be null, as the runner's schema allows."""
    (job,) = load_block("metadata: {variables: {a: , b: [~]}}").jobs
    assert job.variables == {"a": None, "b": [None]}


def test_a_block_without_a_value(load_text: Load):
    """`infrastructure:` with nothing below is an error; a job without the key has no block."""
    assert told(load_text(f"{JOB}infrastructure:\n")) == [("DI202", "orders.yaml:5:1")]
    loaded = load_text(JOB)
    assert (len(loaded.jobs), loaded.without_infrastructure, loaded.diagnostics) == (1, 1, ())


def test_missing_fields(load_text: Load):
    """Each required field that is missing is an error; its misspelling is noted beside it."""
    loaded = load_text("tenant: a\nasset_path: p\n")
    assert [each.code for each in loaded.diagnostics] == ["DI201", "DI201", "DI201", "DI206"]
    assert loaded.diagnostics[-1].remedy.startswith("Did you mean `tenant_id`?")


@pytest.mark.parametrize("key", ["copy", "model_fields", "model_config", "json", "_x", "__class__"])
def test_keys_named_like_python(load_block: Load, key: str):
    """An unknown key is reported whatever it is called, and so is a variable in it."""
    loaded = load_block(f"{key}: '${{X}}'")
    assert [each.code for each in loaded.diagnostics] == ["DI205", "DI208"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "DI108"),
        ("# comment\n", "DI108"),
        ("- a\n", "DI109"),
        ("text\n", "DI109"),
        ("a: 1\n", "DI109"),
        (f"{JOB}---\n{JOB}", "DI107"),
        (b"\xff\xfe", "DI102"),
        (b"\xef\xbb\xbf" + JOB.encode(), None),
        (JOB.replace("\n", "\r\n"), None),
        (JOB.replace("\n", "\r"), None),
    ],
)
def test_named_files(load_text: Load, text: str | bytes, code: str | None):
    """A file that is named must be one job; how its lines end does not matter."""
    loaded = load_text(text)
    assert [each.code for each in loaded.diagnostics] == ([code] if code else [])
    assert len(loaded.jobs) == (code is None)


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\n",
        "- a\n",
        "on: push\n",
        "a: 1\n---\nb: 1\n",
        "Resources: {A: !Ref B}\n",
        "{{- if .Values.a }}\na: 1\n{{- end }}\n",
    ],
)
def test_other_yaml_in_a_folder(load_text: Load, text: str):
    """YAML that is no job is passed over in a folder, and counted; named it is an error."""
    named = load_text(text)
    assert [each.severity for each in named.diagnostics] == ["error"]
    loaded = load(["."], {})
    assert (loaded.not_jobs, loaded.jobs, loaded.diagnostics) == (1, (), ())


@pytest.mark.parametrize(
    "text", ["tenant_id: [\n", f"{JOB}x: !Ref a\n", "", "tenant_id: 1\n---\na\n"]
)
def test_broken_jobs_in_a_folder(load_text: Load, text: str):
    """A broken or empty job file in a folder is never passed over."""
    load_text(text)
    loaded = load(["."], {})
    assert loaded.not_jobs == 0
    assert [each.severity for each in loaded.diagnostics][:1] == ["error"]


def test_errors_of_all_files_together(load_text: Load):
    """One broken file does not hide another, nor the jobs that are well."""
    load_text(JOB)
    Path("bad1.yaml").write_text("tenant_id: [")
    Path("bad2.yaml").write_bytes(b"\xff")
    Path("link.yaml").symlink_to("nowhere")
    loaded = load([".", "missing.yaml"], {})
    assert [each.code for each in loaded.diagnostics] == ["DI110", "DI103", "DI102", "DI101"]
    assert len(loaded.jobs) == 1


def test_identity(load_text: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A job is called as its file, or its folder for `job.yaml`, from wherever it is named."""
    assert load_text(JOB).jobs[0].identity.name == "orders"
    folder = tmp_path / "billing"
    (folder / "below").mkdir(parents=True)
    (folder / "job.yaml").write_text(JOB)
    for here, path in (
        (tmp_path, "billing/job.yaml"),
        (folder, "job.yaml"),
        (folder / "below", "../job.yaml"),
    ):
        monkeypatch.chdir(here)
        assert load([path], {}).jobs[0].identity.name == "billing"
    assert load_document(REQUIRED, name="job", environment={}).jobs[0].identity.name == "job"


def test_file_names_that_are_no_text(tmp_path: Path):
    """A file whose name is no UTF-8 still has an identity, and can be reported."""
    file = tmp_path / "a\udcff.yaml"
    try:
        file.write_text(f"{JOB}infrastructure: {{x: 1}}\n")
    except OSError:
        pytest.skip("the file system takes no such name")
    loaded = load([tmp_path], {})
    assert KUBERNETES.accepts(render(loaded.jobs[0].identity, KUBERNETES))
    as_text(loaded.diagnostics).encode()


def check(loaded: Loaded) -> None:
    """Look at all that loading returns."""
    as_text(loaded.diagnostics).encode()
    json.dumps(as_data(loaded.diagnostics))
    for job in loaded.jobs:
        repr(job)
        assert list(job.set_fields()) is not None
        render(job.identity, KUBERNETES)


quiet = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@quiet
@given(
    st.one_of(
        st.binary(max_size=200),
        st.text(max_size=200).map(lambda t: t.encode(errors="surrogatepass")),
    )
)
def test_no_file_makes_load_raise(tmp_path: Path, content: bytes):
    """Whatever bytes a file holds, loading returns, and the same twice."""
    for text in (content, JOB.encode() + content, f"{JOB}infrastructure:\n  ".encode() + content):
        file = tmp_path / "job.yaml"
        file.write_bytes(text)
        loaded = load([file], {"A": "1"})
        check(loaded)
        assert load([file], {"A": "1"}).diagnostics == loaded.diagnostics


WORDS = sorted({part for path in fields() for part in path.split(".")} | {"a", "", "${A}", "<<"})
values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.dates(),
        st.text(max_size=8),
        st.sampled_from(["${A}", "${B}", "x${B}", "${", "$$", "${DB_PASSWORD}", "emr", "pulumi"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(WORDS), inner, max_size=4)
    ),
    max_leaves=12,
)


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """Return a valid block with arbitrary values in arbitrary places."""
    block = deepcopy(BASE)
    for path in draw(st.lists(st.sampled_from(sorted(fields())), min_size=1, max_size=4)):
        inner = block
        *above, last = path.split(".")[: draw(st.integers(1, 4))]
        for part in above:
            if not isinstance(inner.get(part), dict):
                inner[part] = {}
            inner = inner[part]
        inner[last] = draw(values)
    return block


BASE: dict[str, Any] = {
    "provider": "pulumi",
    "runtime": {
        "platform": "emr",
        "compute": {"instance_count": 2, "auto_scaling": {"enabled": True}},
        "network": {"subnet_ids": ["subnet-1"]},
    },
    "metadata": {"tags": {"a": "b"}, "variables": {"x": 1}},
    "outputs": {"a": "output.b"},
}


@quiet
@given(st.one_of(values, mutated()))
def test_no_block_makes_load_raise(tmp_path: Path, block: Any):
    """Whatever the block holds, from a file or from a program, loading returns the same twice."""
    document = {**REQUIRED, BLOCK: block}
    file = tmp_path / "orders.yaml"
    file.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    for make in (
        lambda: load([file], {"A": "1"}),
        lambda: load_document(document, name="n", environment={"A": "1"}),
    ):
        loaded = make()
        check(loaded)
        again = make()
        assert (again.diagnostics, repr(again.jobs)) == (loaded.diagnostics, repr(loaded.jobs))
        failed = any(each.severity == "error" for each in loaded.diagnostics)
        assert len(loaded.jobs) == (not failed)


def test_one_path_is_not_a_list_of_characters(tmp_path: Path):
    """A single path may be given as it is."""
    file = tmp_path / "orders.yaml"
    file.write_text("tenant_id: a\nsource_connector_path: b\n")
    assert load(str(file)).broken == load(file).broken == 1
