"""Which files are meant, and their text."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dativo_infra.diagnostics import Diagnostic
from dativo_infra.loading import load, load_project
from dativo_infra.loading.files import find, project_file_above, read
from dativo_infra.loading.yaml import MAX_SIZE


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(*names: str, text: str | bytes = "a: 1\n") -> None:
    """Write files with the same text."""
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(text if isinstance(text, bytes) else text.encode())


def paths(*arguments: str) -> list[str]:
    """Return the paths that arguments mean."""
    return [candidate.path for candidate in find(arguments)[0]]


def test_folders_are_searched_below():
    """A folder means its YAML files at every depth, in order, without hidden ones."""
    write("jobs/b.yaml", "jobs/a.yml", "jobs/x/c.yaml", "jobs/d.txt", "jobs/dativo-infra.yaml")
    write("jobs/.git/e.yaml", "jobs/.f.yaml")
    assert paths("jobs") == ["jobs/a.yml", "jobs/b.yaml", "jobs/x/c.yaml"]


@pytest.mark.parametrize("pattern", ["jobs/*/*.yaml", "jobs/**/*.yaml", "jobs/*", "jobs/t?"])
def test_patterns(pattern: str):
    """A pattern means the YAML files that it matches, and what is below matched folders."""
    write("jobs/t1/a.yaml", "jobs/t2/b.yaml", "jobs/t2/dativo-infra.yaml", "jobs/t2/c.txt")
    assert paths(pattern) == ["jobs/t1/a.yaml", "jobs/t2/b.yaml"]


def test_names_with_brackets_are_names():
    """A file that exists is meant itself, whatever its name looks like."""
    write("[a].yaml", "a.yaml")
    assert paths("[a].yaml") == ["[a].yaml"]


def test_the_same_file_is_one():
    """A file given in several ways is read once."""
    write("jobs/a.yaml")
    assert len(paths("jobs", "jobs/a.yaml", "./jobs/../jobs", os.path.abspath("jobs"))) == 1  # noqa: PTH100


def test_a_file_named_beside_its_folder_is_named():
    """Naming a file counts, whether its folder is given before or after it."""
    write("jobs/a.yaml")
    for arguments in (("jobs", "jobs/a.yaml"), ("jobs/a.yaml", "jobs")):
        assert [candidate.named for candidate in find(arguments)[0]] == [True]


@pytest.mark.parametrize("argument", ["nothing", "*.yaml", "empty", "nothing/*", "x.yaml"])
def test_nothing_found(argument: str):
    """An argument that means no YAML file is an error that names it; the others still count."""
    Path("empty").mkdir()
    Path("x.yaml").mkdir()
    write("jobs/a.txt", "jobs/b.yaml")
    candidates, (diagnostic,) = find([argument, "jobs"])
    assert diagnostic.code == "DI110"
    assert f"`{argument}`" in diagnostic.message
    assert len(candidates) == 1


def test_a_folder_named_like_a_file_is_a_folder():
    """A folder `x.yaml` is searched as every folder is."""
    write("jobs/x.yaml/a.yaml")
    assert paths("jobs") == paths("jobs/x.yaml") == ["jobs/x.yaml/a.yaml"]


def test_unreadable_files_are_reported_with_the_others():
    """A dangling link and a file without permission are errors beside those of other files."""
    write("jobs/bad.yaml", text="a: [\ntenant_id: 1")
    Path("jobs/link.yaml").symlink_to("nowhere")
    loaded = load(["jobs", "jobs/link.yaml"], {})
    assert [each.code for each in loaded.diagnostics] == ["DI103", "DI101"]
    assert "No such file" in loaded.diagnostics[1].message


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission():
    """A file that may not be read is an error."""
    write("a.yaml")
    Path("a.yaml").chmod(0)
    assert [each.code for each in load(["a.yaml"], {}).diagnostics] == ["DI101"]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"a: 1", "a: 1"),
        (b"\xef\xbb\xbfa: 1", "a: 1"),
        (b"a: 1\r\nb: 2\r", "a: 1\r\nb: 2\r"),
        ("ä".encode(), "ä"),
    ],
)
def test_text(content: bytes, text: str):
    """The text of a file comes without byte order mark and otherwise as it is."""
    write("a.yaml", text=content)
    assert read("a.yaml") == text


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"\xff", "1:1"),
        (b"a: 1\nb: \xe4\n", "2:4"),
        ("ä: ".encode() + b"\xe4", "1:4"),
        (b"\xef\xbb\xbfa: \xe4", "1:4"),
        (b"a\r\nb\r\xe4", "3:1"),
        ("a: 1".encode("utf-16"), "1:1"),
    ],
)
def test_place_of_what_is_no_utf8(content: bytes, place: str):
    """The first byte that is no UTF-8 is reported where it stands, counted in characters."""
    write("a.yaml", text=content)
    diagnostic = read("a.yaml")
    assert isinstance(diagnostic, Diagnostic)
    assert (diagnostic.code, str(diagnostic.location)) == ("DI102", f"a.yaml:{place}")


def test_large_files_are_not_read_whole():
    """A file without end costs no more than the limit."""
    diagnostic = read("/dev/zero")
    assert isinstance(diagnostic, Diagnostic)
    assert diagnostic.code == "DI106"
    write("a.yaml", text="#" * MAX_SIZE)
    assert isinstance(read("a.yaml"), str)


def test_project_file_is_found_upwards():
    """The nearest project file above the jobs counts."""
    write("dativo-infra.yaml", "a/dativo-infra.yaml", "a/b/c/job.yaml", "d/job.yaml")
    assert project_file_above(["a/b/c/job.yaml", "a/b"]) == [Path("a/dativo-infra.yaml").absolute()]
    assert project_file_above(["d", "d/*.yaml"]) == [Path("dativo-infra.yaml").absolute()]


def test_project_file_is_not_sought_beside(monkeypatch: pytest.MonkeyPatch):
    """A path with `..` leads out of the current folder, whose project file is not above it."""
    write("jobs/a.yaml", "here/dativo-infra.yaml")
    monkeypatch.chdir("here")
    assert project_file_above(["../jobs"]) == []


def test_several_projects():
    """Jobs of two projects are an error that names both files."""
    write("a/dativo-infra.yaml", "b/dativo-infra.yaml", "a/x.yaml", "b/x.yaml")
    _, (diagnostic,) = load_project(near=["a/x.yaml", "b/x.yaml"])
    assert diagnostic.code == "DI405"
    assert "a/dativo-infra.yaml" in diagnostic.message
    assert "b/dativo-infra.yaml" in diagnostic.message
