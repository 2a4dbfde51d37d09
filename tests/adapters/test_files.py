"""Writing files into an output folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dativo_infra.adapters.files import Written, write_files
from dativo_infra.diagnostics import DiagnosticError


def refused(folder: Path, files: dict[str, str]) -> str:
    """Return what is said about files that are refused."""
    with pytest.raises(DiagnosticError) as caught:
        write_files(folder, files)
    assert {each.code for each in caught.value.diagnostics} == {"DI603"}
    return str(caught.value)


def test_writes_into_new_folders(tmp_path: Path) -> None:
    """The folder and folders in it are created, and the text is written as UTF-8."""
    folder = tmp_path / "out" / "here"
    result = write_files(folder, {"a.json": "ä\n", "sub/b.json": "{}"})
    assert result == Written(("a.json", "sub/b.json"), ())
    assert (folder / "a.json").read_bytes() == "ä\n".encode()
    assert (folder / "sub" / "b.json").read_text() == "{}"
    assert sorted(path.name for path in folder.iterdir()) == ["a.json", "sub"]


def test_equal_file_is_not_touched(tmp_path: Path) -> None:
    """A file that has the content already keeps its time; another is replaced."""
    write_files(tmp_path, {"a": "1", "b": "1"})
    os.utime(tmp_path / "a", ns=(1, 1))
    assert write_files(tmp_path, {"a": "1", "b": "2"}) == Written(("b",), ("a",))
    assert (tmp_path / "a").stat().st_mtime_ns == 1
    assert (tmp_path / "b").read_text() == "2"


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    """What is in the folder and was not named stays."""
    (tmp_path / "mine").write_text("keep")
    write_files(tmp_path, {"a": "1"})
    assert (tmp_path / "mine").read_text() == "keep"


def test_mode_follows_the_umask(tmp_path: Path) -> None:
    """A written file can be read by whom the umask allows, not by its owner only."""
    before = os.umask(0o022)
    try:
        write_files(tmp_path, {"a": "1"})
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("name", ["../a", "sub/../../a", "sub/../a", "/tmp/a", "", "."])  # noqa: S108
def test_name_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    """A name that is absolute, goes upwards or is none is refused before anything is written."""
    folder = tmp_path / "out"
    refused(folder, {"good": "1", name: "2"})
    assert list(tmp_path.iterdir()) == []


def test_all_bad_names_are_told_at_once(tmp_path: Path) -> None:
    """Every refused name is in the one error."""
    text = refused(tmp_path, {"../a": "1", "../b": "2"})
    assert "`../a`" in text
    assert "`../b`" in text


@pytest.mark.parametrize("link", ["file", "folder", "dangling"])
def test_link_that_leads_out_is_refused(tmp_path: Path, link: str) -> None:
    """Nothing is written through a symbolic link out of the folder, whatever it leads to."""
    outside, folder = tmp_path / "outside", tmp_path / "out"
    outside.mkdir()
    folder.mkdir()
    (outside / "a").write_text("old")
    target, name = {
        "file": (outside / "a", "x"),
        "folder": (outside, "x/a"),
        "dangling": (outside / "new", "x"),
    }[link]
    (folder / "x").symlink_to(target)
    assert "a link leads out" in refused(folder, {"good": "1", name: "2"})
    assert (outside / "a").read_text() == "old"
    assert not (outside / "new").exists()
    assert not (folder / "good").exists()


def test_link_inside_the_folder_is_followed(tmp_path: Path) -> None:
    """A link to another file of the folder stays a link, and its target is written."""
    write_files(tmp_path, {"a": "1"})
    (tmp_path / "x").symlink_to(tmp_path / "a")
    write_files(tmp_path, {"x": "2"})
    assert (tmp_path / "x").is_symlink()
    assert (tmp_path / "a").read_text() == "2"


def test_folder_may_be_a_link(tmp_path: Path) -> None:
    """The output folder itself may be a link: whoever named it meant what it leads to."""
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "real")
    assert write_files(tmp_path / "out", {"a": "1"}).written == ("a",)


@pytest.mark.parametrize("what", ["file", "dangling link"])
def test_folder_that_is_no_folder_is_refused(tmp_path: Path, what: str) -> None:
    """A file or a broken link in the place of the folder is refused."""
    path = tmp_path / "out"
    if what == "file":
        path.write_text("1")
    else:
        path.symlink_to(tmp_path / "nowhere")
    assert "is not a folder" in refused(path, {"a": "1"})


def test_folder_in_the_place_of_a_file_is_refused(tmp_path: Path) -> None:
    """A folder of a file's name, or a file of a folder's, is refused before anything is written."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").write_text("1")
    text = refused(tmp_path, {"good": "1", "a": "1", "b/c": "1"})
    assert "a folder of that name" in text
    assert "a part of its path is a file" in text
    assert not (tmp_path / "good").exists()


def test_no_half_file_after_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where replacing fails, the old file is whole and no temporary file stays."""
    write_files(tmp_path, {"a": "old"})

    def fail(*_: object) -> None:
        raise OSError(28, "disk full")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(DiagnosticError, match="disk full"):
        write_files(tmp_path, {"a": "new"})
    assert (tmp_path / "a").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_stale_files_stay_unless_pruned(tmp_path: Path) -> None:
    """What is not wanted any more is only named, until it is to be removed; then folders too."""
    write_files(tmp_path, {"a/b/c": "1", "a/d": "1", "e": "1"})
    named = write_files(tmp_path, {"e": "2"}, stale=["a/b/c"])
    assert named == Written(("e",), (), stale=("a/b/c",))
    assert (tmp_path / "a" / "b" / "c").exists()
    gone = write_files(tmp_path, {"e": "2"}, stale=["a/b/c", "missing"], prune=True)
    assert gone == Written((), ("e",), removed=("a/b/c", "missing"))
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["d"]


def test_nothing_is_removed_outside(tmp_path: Path) -> None:
    """A stale name that leads out of the folder is refused before anything is written."""
    (tmp_path / "mine").write_text("1")
    with pytest.raises(DiagnosticError, match="DI603"):
        write_files(tmp_path / "out", {"a": "1"}, stale=["../mine"], prune=True)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
