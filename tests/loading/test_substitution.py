"""Variables in the block, and environment files."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from dativo_infra.diagnostics.render import as_data, as_text
from dativo_infra.loading import load_document, read_env_file
from dativo_infra.loading.substitution import BadSubstitutionError, substitute
from dativo_infra.values import Concat, Parameter

if TYPE_CHECKING:
    from pathlib import Path

    from dativo_infra.loading import Loaded

LoadBlock = Callable[..., "Loaded"]
VALUES = {
    "A": "x",
    "EMPTY": "",
    "N": "3",
    "DOLLAR": "${A}",
    "DB_PASSWORD": "hunter2",
    "REDIS_URL": "rediss://:hunter2@h",
}


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("plain", "plain"),
        ("${A}", "x"),
        ("1${A}2${A}", "1x2x"),
        ("${A:-y}", "x"),
        ("${EMPTY}", ""),
        ("${EMPTY:-y}", "y"),
        ("${UNSET:-y}", "y"),
        ("${UNSET:-}", ""),
        ("${UNSET:-a:-b}", "a:-b"),
        ("$$", "$"),
        ("$${A}", "${A}"),
        ("$$$${A}", "$${A}"),
        ("$A $ 5$", "$A $ 5$"),
        ("${DOLLAR}", "${A}"),
        ("${UNSET}", Parameter("UNSET")),
        ("s3://${UNSET}/${A}/b", Concat(("s3://", Parameter("UNSET"), "/x/b"))),
        ("${DB_PASSWORD}", Parameter("DB_PASSWORD", "secret")),
        ("${DB_PASSWORD:-letmein}", Parameter("DB_PASSWORD", "secret")),
        ("${REDIS_URL}", Parameter("REDIS_URL", "secret")),
        ("${REDIS_URL:-redis://h}/0", Concat((Parameter("REDIS_URL", "secret"), "/0"))),
        ("u:${DB_PASSWORD}", Concat(("u:", Parameter("DB_PASSWORD", "secret")))),
    ],
)
def test_substitution(text: str, result: object):
    """Variables are looked up once, defaults fill gaps, and what is open stays a token."""
    assert substitute(text, VALUES) == result


@pytest.mark.parametrize(
    "text",
    ["${", "a${", "${}", "${1X}", "${A", "${A-b}", "${A:?b}", "${A${A}}", "${U:-${A}}", "${ A }"],
)
def test_what_is_no_variable(text: str):
    """A `${` that opens no variable, and a variable in another, are refused."""
    with pytest.raises(BadSubstitutionError):
        substitute(text, VALUES)


@pytest.mark.parametrize("text", ["${", "${1X}", "${U:-${A}}"])
def test_bad_substitution_has_its_place(load_block: LoadBlock, text: str):
    """What cannot be understood is an error where the value stands."""
    loaded = load_block(f'runtime: {{storage: {{bucket: "{text}"}}}}')
    assert [(each.code, str(each.location)) for each in loaded.diagnostics] == [
        ("DI207", "orders.yaml:7:31")
    ]
    assert loaded.jobs == ()


def test_own_fields(load_block: LoadBlock):
    """TENANT_ID and ENVIRONMENT are the job's own, whatever the environment says."""
    loaded = load_block(
        "runtime: {storage: {bucket: '${TENANT_ID}-${ENVIRONMENT}'}}",
        {"TENANT_ID": "other", "ENVIRONMENT": "other"},
    )
    assert loaded.jobs[0].get("runtime.storage.bucket") == "acme-prod"


def test_only_the_block_is_substituted(load_text: LoadBlock):
    """Outside the block nothing is looked up, and what is no variable there is no mistake."""
    loaded = load_text(
        "tenant_id: a\nsource_connector_path: ${A}\ntarget_connector_path: '${'\n"
        "asset_path: p\nsource: {credentials: {password: '${DB_PASSWORD}', x: '$$'}}\n"
        "infrastructure: {}\n",
        VALUES,
    )
    assert loaded.diagnostics == ()
    document = loaded.jobs[0].document
    assert document.source_connector_path == "${A}"
    assert document.source == {"credentials": {"password": "${DB_PASSWORD}", "x": "$$"}}


def test_open_text_stays_a_parameter(load_block: LoadBlock):
    """A variable without value in a text that may be late is a parameter, with a note."""
    loaded = load_block("runtime: {compute: {cluster_id: '${EMR_CLUSTER_ID}'}}")
    assert loaded.jobs[0].get("runtime.compute.cluster_id") == Parameter("EMR_CLUSTER_ID")
    assert [(each.code, each.severity) for each in loaded.diagnostics] == [("DI208", "note")]


def test_open_list_is_a_list_parameter(load_block: LoadBlock):
    """A variable that stands for a whole list is a parameter of that type."""
    loaded = load_block("runtime: {network: {subnet_ids: '${SUBNETS}'}}")
    assert loaded.jobs[0].get("runtime.network.subnet_ids") == Parameter("SUBNETS", "list")


@pytest.mark.parametrize(
    ("text", "items"), [("a,b", ("a", "b")), (" a , b, ", ("a", "b")), ("a", ("a",)), ("", ())]
)
def test_list_from_the_environment(load_block: LoadBlock, text: str, items: tuple[str, ...]):
    """A variable that stands for a whole list is cut at its commas."""
    loaded = load_block("runtime: {network: {subnet_ids: '${SUBNETS}'}}", {"SUBNETS": text})
    assert loaded.jobs[0].get("runtime.network.subnet_ids") == items


def test_text_with_commas_is_no_list(load_block: LoadBlock):
    """Only a variable is cut at commas: text in the file must be a list."""
    loaded = load_block("runtime: {network: {subnet_ids: 'a,b'}}")
    assert [each.code for each in loaded.diagnostics] == ["DI202"]


@pytest.mark.parametrize(
    ("block", "path"),
    [
        ("provider: '${X}'", "infrastructure.provider"),
        ("runtime: {namespace: 'a-${X}'}", "infrastructure.runtime.namespace"),
        (
            "runtime: {compute: {instance_count: '${X}'}}",
            "infrastructure.runtime.compute.instance_count",
        ),
        ("outputs: {a: '${X}'}", "infrastructure.outputs.a"),
        (
            "runtime: {network: {subnet_ids: '${X},${X}'}}",
            "infrastructure.runtime.network.subnet_ids",
        ),
        ("former_names: [a, '${X}']", "infrastructure.former_names.1"),
    ],
)
def test_open_plain_fields_are_left_out(load_block: LoadBlock, block: str, path: str):
    """A field that must be known now is left out of the document, and listed as unresolved."""
    loaded = load_block(block)
    (job,) = loaded.jobs
    assert {(".".join(map(str, where)), name.name) for where, name in job.unresolved} == {
        (path, "X")
    }
    assert "Parameter" not in repr(job.block)
    assert loaded.diagnostics == ()


def test_several_open_items_of_one_list(load_block: LoadBlock):
    """A list with several open items is left out as a whole."""
    (job,) = load_block("former_names: ['${X}', a, '${Y}']\nname: n").jobs
    assert [name.name for _, name in job.unresolved] == ["X", "Y"]
    assert list(job.set_fields()) == ["name"]


@pytest.mark.parametrize("block", ["runtime: '${X}'", "metadata: {tags: '${X}'}"])
def test_a_variable_is_no_mapping(load_block: LoadBlock, block: str):
    """Where a mapping is wanted no variable can help, known or not."""
    for environment in ({}, {"X": "a"}):
        loaded = load_block(block, environment)
        assert "DI202" in [each.code for each in loaded.diagnostics]
        assert loaded.jobs == ()


def test_numbers_and_booleans_from_the_environment(load_block: LoadBlock):
    """A variable is read as the type that its field wants; in a tag it stays text."""
    block = """
runtime:
  compute: {instance_count: '${N}', auto_scaling: {enabled: '${YES}'}}
metadata: {tags: {n: '${N}', b: '${YES}'}}
"""
    (job,) = load_block(block, {"N": "3", "YES": "True"}).jobs
    assert job.get("runtime.compute.instance_count") == 3
    assert job.get("runtime.compute.auto_scaling.enabled") is True
    assert job.get("metadata.tags") == {"n": "3", "b": "True"}


@pytest.mark.parametrize("value", ["", "three", "3.5", "9" * 5_000, "-1", "0"])
def test_bad_numbers_from_the_environment(load_block: LoadBlock, value: str):
    """A variable whose text is no such number is an error that does not show it."""
    loaded = load_block("runtime: {compute: {instance_count: '${N}'}}", {"N": value})
    (diagnostic,) = loaded.diagnostics
    assert diagnostic.code in {"DI202", "DI204"}
    assert not value or f"not {value}" not in diagnostic.message


SECRET = "tr0ub4dor"


@pytest.mark.parametrize(
    "name", ["REDIS_PASSWORD", "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "PGPASSWORD"]
)
@pytest.mark.parametrize(
    "block",
    [
        "resources: {cache: {endpoint: '${%s}'}}",
        "resources: {cache: {endpoint: 'x:${%s}@y'}}",
        "runtime: {namespace: '${%s}'}",
        "runtime: {network: {subnet_ids: '${%s}'}}",
        "runtime: {compute: {instance_count: '${%s}'}}",
        "metadata: {variables: {a: [{b: '${%s}'}]}}",
        "metadata: {tags: {a: '${%s}'}}",
        "unknown: '${%s}'",
    ],
)
def test_secrets_are_never_looked_up(load_block: LoadBlock, name: str, block: str):
    """The value of what looks like a secret is in nothing that loading returns."""
    loaded = load_block(block % name, {name: SECRET})
    everything = [
        repr(loaded),
        str(loaded),
        as_text(loaded.diagnostics),
        repr(as_data(loaded.diagnostics)),
    ]
    assert not any(SECRET in text for text in everything)


@pytest.mark.parametrize("field", ["tags", "labels", "annotations"])
@pytest.mark.parametrize("text", ["${DB_PASSWORD}", "x-${DB_PASSWORD}"])
def test_secrets_in_metadata(load_block: LoadBlock, field: str, text: str):
    """A secret that everybody could read is an error, and the job is not among those loaded."""
    loaded = load_block(f"metadata: {{{field}: {{a: '{text}'}}}}")
    assert [(each.code, each.severity) for each in loaded.diagnostics] == [("DI210", "error")]
    assert loaded.jobs == ()


def test_documents_of_programs():
    """Data from a program is substituted too, in tuples as in lists, and is not changed."""
    document: dict[str, Any] = {
        "tenant_id": "a",
        "source_connector_path": "s",
        "target_connector_path": "t",
        "asset_path": "p",
        "source": None,
        "infrastructure": {
            "former_names": (Parameter("X"), "${A}", Parameter("Y")),
            "runtime": {"network": {"subnet_ids": ("${A}", Parameter("S"))}},
        },
    }
    before = repr(document)
    loaded = load_document(document, name="n", environment=VALUES)
    (job,) = loaded.jobs
    assert job.get("runtime.network.subnet_ids") == ("x", Parameter("S"))
    assert job.get("former_names") is None
    assert [each.code for each in loaded.diagnostics] == ["DI208"]
    assert repr(document) == before


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=b", "b"),
        ("A = b ", "b"),
        ("export A=b", "b"),
        ("A=", ""),
        ("A= # comment", ""),
        ("A=b c", "b c"),
        ("A=b # comment", "b"),
        ("A=p#ss", "p#ss"),
        ("A=a=b", "a=b"),
        ("A='b # c'", "b # c"),
        ('A="b c" # d', "b c"),
        ("A=${B} $(c)", "${B} $(c)"),
        ('A={"b": 1}', '{"b": 1}'),
        ("A=b\x0bc", "b\x0bc"),
        ("\ufeffA=b", "b"),
    ],
)
def test_env_file(tmp_path: Path, line: str, value: str):
    """A line is a name and a value; nothing in it is evaluated."""
    file = tmp_path / ".env"
    file.write_text(f"{line}\r\n\n# comment\nLAST=1", encoding="utf-8", newline="")
    assert read_env_file(file) == ({"A": value, "LAST": "1"}, ())


@pytest.mark.parametrize(
    "line",
    [SECRET, f"1A={SECRET}", f"A-B={SECRET}", f"A='{SECRET}", f'A="{SECRET}"x', f": {SECRET}"],
)
def test_bad_lines_of_an_env_file(tmp_path: Path, line: str):
    """A line that cannot be understood is an error with its number, and is never shown."""
    file = tmp_path / ".env"
    file.write_text(f"A=1\n{line}\nB=2\n")
    found, diagnostics = read_env_file(file)
    assert found == {"A": "1", "B": "2"}
    assert [(each.code, str(each.location)) for each in diagnostics] == [("DI113", f"{file}:2:1")]
    assert SECRET not in as_text(diagnostics) + repr(diagnostics)


@pytest.mark.parametrize(
    ("content", "code"), [(None, "DI101"), (b"A=\xff" + SECRET.encode(), "DI102")]
)
def test_env_files_that_cannot_be_read(tmp_path: Path, content: bytes | None, code: str):
    """An environment file that is missing or no text is an error that shows nothing of it."""
    file = tmp_path / ".env"
    if content is not None:
        file.write_bytes(content)
    found, diagnostics = read_env_file(file)
    assert found == {}
    assert [each.code for each in diagnostics] == [code]
    assert SECRET not in as_text(diagnostics) + repr(diagnostics)
