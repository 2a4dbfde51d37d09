"""Text in YAML is the same text for every reader."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dativo_infra.adapters.manifests.yaml import to_yaml

if TYPE_CHECKING:
    from pathlib import Path

ODD = (
    *("on", "Off", "y", "N", "yes", "NO", "true", "False", "null", "~", "nan", "inf", ".inf"),
    *("1", "012", "0o17", "0x1f", "1e3", "1E3", "1_000", "1:30", "+1", "-0", ".5", "1.", "500m"),
    *("2020-01-01", "2001-12-14t21:59:43.10-05:00", "<<", "=", "", " ", "  x", "x  ", "-", "--"),
    *(
        "a: b",
        "x #y",
        "#x",
        "- a",
        "? b",
        "*a",
        "&a",
        "!t",
        "%x",
        "@x",
        "`x",
        "{a}",
        "[a]",
        "|",
        ">",
    ),
    *("'", '"', "a'b", 'a"b', "a\\b", "---", "...", "k\u00a0v", "é", "Größe", "😀", "\ufeffx"),
    *("tab\tx", "bell\x07", "nel\x85x", "ls\u2028x", "\x7f", "a\r\nb\r\n", "x" * 300, "x y " * 100),
    *(
        "one\ntwo\n",
        "one\ntwo",
        "one\n\n",
        "\n",
        "\none",
        " one\ntwo\n",
        "one \ntwo\n",
        "---\none\n",
    ),
    *("# one\ntwo\n", "\tone\n", "one\n  two\n", "nel\x85\ntwo", "ls\u2028\ntwo\n", "on\n", "12\n"),
)


class Core(yaml.SafeLoader):
    """A reader of YAML 1.2's core schema, which most languages' libraries follow.

    Source: https://yaml.org/spec/1.2.2/#103-core-schema
    """


Core.yaml_implicit_resolvers = {}
for _tag, _pattern in (
    ("null", r"null|Null|NULL|~|"),
    ("bool", r"true|True|TRUE|false|False|FALSE"),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+"),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
    ),
):
    Core.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), None)


def data_of(text: str) -> dict[str, Any]:
    """Return data with a text at every kind of place."""
    return {"data": {text or "k": text}, "list": [text, {"inner": text}]}


def read_by(loader: Any, text: str) -> Any:
    """Return the data that a reader finds in a text."""
    return loader(text).get_single_data()


@pytest.mark.parametrize("loader", [yaml.SafeLoader, yaml.CSafeLoader, Core])
@pytest.mark.parametrize("text", ODD)
def test_odd_text_stays_what_it_is(text: str, loader: Any) -> None:
    """Readers of YAML 1.1 and of 1.2 take a text for that text, as a value and as a key."""
    assert read_by(loader, to_yaml(data_of(text))) == data_of(text)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_stays_what_it_is(text: str) -> None:
    """Whatever the text, both readers get it back."""
    for loader in (yaml.CSafeLoader, Core):
        assert read_by(loader, to_yaml(data_of(text))) == data_of(text)


def test_kubectl_reads_the_same(tmp_path: Path) -> None:
    """The reader of kubectl, which is neither of these two, gets each text back as it was."""
    kubectl = shutil.which("kubectl")
    if not kubectl:
        pytest.skip("no kubectl on this machine")
    data = {f"k{number}": text for number, text in enumerate(ODD)}
    metadata = {"name": "odd", "annotations": {f"a/{key}": text for key, text in data.items()}}
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
    path = tmp_path / "odd.yaml"
    path.write_text(to_yaml(manifest))
    labelled = ["label", "--local", "--filename", str(path), "x=y", "--output", "json"]
    done = subprocess.run(  # noqa: S603 - a program that the machine has
        [kubectl, *labelled], capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    del found["metadata"]["labels"]
    assert found == manifest


def test_text_of_lines_is_a_block() -> None:
    """A job's file is read in the manifest as in the job's own file; accents stay."""
    text = "tenant_id: acme\nlist:\n  - größe\n\n# end\n"
    written = to_yaml({"data": {"job.yaml": text}})
    assert written.splitlines()[1] == "  job.yaml: |"
    assert [line.removeprefix("    ") for line in written.splitlines()[2:]] == text.splitlines()


def test_what_stands_twice_is_written_twice() -> None:
    """There are no anchors: not every reader of manifests knows them."""
    shared = {"a": ["b"]}
    assert yaml.safe_load(to_yaml([shared, shared])) == [shared, shared]
    assert "&" not in to_yaml([shared, shared])


def test_numbers_and_booleans_are_no_text() -> None:
    """What is no text is written without quotes."""
    data = {"a": 1, "b": True, "c": None, "d": [], "e": {}, "f": -1.5}
    assert yaml.safe_load(to_yaml(data)) == json.loads(json.dumps(data)) == data
    assert "'" not in to_yaml(data)
