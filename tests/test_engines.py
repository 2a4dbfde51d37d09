"""Which engines are used, and what is built where one is missing: tools and Go are stand-ins."""

from __future__ import annotations

import os
import re
import shutil
import stat
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from dativo_infra.cli import tools
from dativo_infra.cli.tools import Tool
from engines import build
from engines.build import ENGINES, Beside, Engine

FOLDERS = Path(build.__file__).parent

# Names that no machine has.
LANTERN = Engine(
    tool=Tool(name="lantern-engine", purpose="gives light"),
    version="2.10.0",
    folder="lantern",
    package="example.com/lantern",
    ldflags=("-X example.com/lantern.version=v2.10.0",),
)
KETTLE = replace(
    LANTERN,
    tool=Tool(name="kettle-engine", purpose="boils water"),
    folder="kettle",
    package="example.com/kettle",
)
SILENT = replace(
    LANTERN,
    tool=replace(LANTERN.tool, ask=("-help",), tells_version=False),
    beside=Beside(folder="kettle", module="example.com/wick", path="bin/lantern-wick"),
)

# Builds what the file `made` beside it says, and fails half way at packages that `failing` lists.
GO = """#!{python}
import json, os, sys
from pathlib import Path

here, arguments = Path(__file__).parent.parent, sys.argv[1:]
with (here / "log").open("a") as log:
    print(Path.cwd().name, *arguments, file=log)
if arguments[:2] == ["mod", "download"]:
    print(json.dumps({{"Dir": str(here / "module")}}))
else:
    target = Path(arguments[arguments.index("-o") + 1])
    target.write_text((here / "made").read_text())
    target.chmod(0o755)
sys.exit(arguments[-1] in (here / "failing").read_text().split())
"""


class Machine:
    """A project's folder, a PATH of one folder, and a Go that builds scripts."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch):
        self.root, self.folder = folder / "project", folder
        self.path, self.built = folder / "path", folder / "project/.engines/bin"
        self.path.mkdir()
        for name, version in (("lantern", "1.24.0"), ("kettle", "1.9.3")):
            (self.root / "engines" / name).mkdir(parents=True)
            text = f"module lantern\n\ngo {version}\n"
            (self.root / "engines" / name / "go.mod").write_text(text)
        (folder / "module/bin").mkdir(parents=True)
        (folder / "module/bin/lantern-wick").write_text("wick")
        self.go_makes("echo v2.10.0")
        self.go_fails_at()
        tool(self.path / "go", GO.format(python=sys.executable))
        monkeypatch.setenv("PATH", str(self.path))

    def go_makes(self, script: str) -> None:
        """What a built engine does when it is run."""
        (self.folder / "made").write_text(f"#!/bin/sh\n{script}\n")

    def go_fails_at(self, *packages: str) -> None:
        """Which of Go's last arguments it ends badly with."""
        (self.folder / "failing").write_text(" ".join(packages))

    def without_go(self) -> None:
        """Take Go away."""
        (self.path / "go").unlink()

    def run(self, *engines: Engine) -> int:
        """Run the script for these engines."""
        return build.main(engines, self.root)

    def calls(self) -> list[str]:
        """What Go was asked to do: the folder's name and its arguments."""
        log = self.folder / "log"
        return log.read_text().splitlines() if log.exists() else []

    def left(self) -> list[str]:
        """Every file and folder that runs left behind, below `.engines`."""
        engines = self.root / ".engines"
        return sorted(str(file.relative_to(engines)) for file in engines.rglob("*"))


def tool(path: Path, text: str) -> Path:
    """Write a program."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine that has Go and no engine."""
    return Machine(tmp_path, monkeypatch)


@pytest.mark.parametrize(
    "answer", ["v2.10.0", "Lantern Version: 2.10.1-rc.1", "v2.11.0", "v10.0.0", "3.0; echo 9 >&2"]
)
def test_new_enough(machine: Machine, answer: str, capfd: pytest.CaptureFixture[str]):
    """A tool on PATH that is as new as what would be built is used as it is."""
    path = tool(machine.path / LANTERN.tool.name, f"#!/bin/sh\necho {answer}\n")
    assert machine.run(LANTERN) == 0
    assert str(path) in capfd.readouterr().out
    assert machine.calls() == machine.left() == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("#!/bin/sh\necho v2.9.9\n", "too old"),
        ("#!/bin/sh\necho v2.10.0\nexit 3\n", "broken"),
        ("#!/bin/sh\necho no idea\n", "broken"),
        ("#!/nowhere/sh\n", "broken"),
        ("\x7fELF but not really", "broken"),
    ],
)
def test_unusable(machine: Machine, text: str, fault: str, capfd: pytest.CaptureFixture[str]):
    """A tool on PATH that is too old or does not run is said to be, and built instead."""
    path = tool(machine.path / LANTERN.tool.name, text)
    assert machine.run(LANTERN) == 0
    assert f"{LANTERN.tool.name:24}{path} ({fault}: " in capfd.readouterr().out
    assert machine.left() == ["bin", f"bin/{LANTERN.tool.name}"]


def test_hanging(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    """A tool on PATH that never answers is given up, and built instead."""
    monkeypatch.setattr(tools, "ANSWERS_WITHIN", 2.0)
    sleep = shutil.which("sleep", path=os.defpath)
    tool(machine.path / LANTERN.tool.name, f"#!/bin/sh\nexec {sleep} 10\n")
    assert machine.run(LANTERN) == 0
    assert "(hanging: no answer within 2 s)" in capfd.readouterr().out
    assert f"bin/{LANTERN.tool.name}" in machine.left()


def test_waits_for_nobody(machine: Machine, monkeypatch: pytest.MonkeyPatch):
    """A tool that reads its input finds none, where a person's terminal would keep it waiting."""
    monkeypatch.setattr(tools, "ANSWERS_WITHIN", 2.0)
    tool(machine.path / LANTERN.tool.name, "#!/bin/sh\nread line || echo v2.10.0\n")
    terminal, person = os.pipe()
    kept = os.dup(0)
    os.dup2(terminal, 0)
    try:
        assert machine.run(LANTERN) == 0
    finally:
        os.dup2(kept, 0)
        for end in (terminal, person, kept):
            os.close(end)
    assert machine.calls() == []


def test_missing(machine: Machine):
    """A missing engine is built in its folder from exactly the committed modules."""
    assert machine.run(LANTERN) == 0
    (call,) = machine.calls()
    assert call.startswith("lantern build -mod=readonly ")
    assert call.endswith(" example.com/lantern")
    assert "-X example.com/lantern.version=v2.10.0" in call
    assert machine.left() == ["bin", f"bin/{LANTERN.tool.name}"]


def test_second_run(machine: Machine):
    """A second run builds nothing, and so needs no Go."""
    assert machine.run(LANTERN, KETTLE, SILENT) == 0
    calls = machine.calls()
    machine.without_go()
    assert machine.run(LANTERN, KETTLE, SILENT) == 0
    assert machine.calls() == calls


def test_newer_wanted(machine: Machine):
    """An engine that was built before is built again when a newer one is wanted."""
    assert machine.run(LANTERN) == 0
    machine.go_makes("echo v2.11.0")
    assert machine.run(replace(LANTERN, version="2.11.0")) == 0
    assert "v2.11.0" in (machine.built / LANTERN.tool.name).read_text()


def test_built_before_path(machine: Machine):
    """What was built counts before PATH, where the tool that made it necessary may still be."""
    tool(machine.path / LANTERN.tool.name, "#!/bin/sh\necho v1.0.0\n")
    assert machine.run(LANTERN) == machine.run(LANTERN) == 0
    assert len(machine.calls()) == 1


def test_without_go(machine: Machine, capfd: pytest.CaptureFixture[str]):
    """Without Go the run fails, and says which Go builds everything that is missing."""
    machine.without_go()
    assert machine.run(KETTLE, LANTERN) == 1
    told = capfd.readouterr().err
    assert "install Go 1.24.0 or newer" in told
    assert told.splitlines()[-2:] == ["  kettle-engine 2.10.0", "  lantern-engine 2.10.0"]
    assert machine.left() == []


def test_failing_build(machine: Machine, capfd: pytest.CaptureFixture[str]):
    """A build that fails leaves nothing, the others go on, and the exit code tells."""
    machine.go_fails_at(LANTERN.package)
    assert machine.run(LANTERN, KETTLE) == 1
    assert machine.left() == ["bin", f"bin/{KETTLE.tool.name}"]
    assert capfd.readouterr().err.splitlines()[-1].endswith(f": {LANTERN.tool.name}")


@pytest.mark.parametrize("script", ["echo v2.9.0", "exit 1"])
def test_built_in_vain(machine: Machine, script: str, capfd: pytest.CaptureFixture[str]):
    """What was built and is not what was wanted takes nobody's place."""
    old = tool(machine.built / LANTERN.tool.name, "#!/bin/sh\necho v2.0.0\n")
    machine.go_makes(script)
    assert machine.run(LANTERN) == 1
    assert "FAILED: what was built is " in capfd.readouterr().out
    assert "v2.0.0" in old.read_text()


def test_beside(machine: Machine):
    """A file that an engine wants beside it comes from the module that a go.mod names."""
    machine.go_makes("exit 0")
    assert machine.run(SILENT) == 0
    assert machine.calls()[-1] == "kettle mod download -json example.com/wick"
    wick = machine.built / "lantern-wick"
    assert wick.read_text() == "wick"
    assert wick.stat().st_mode & stat.S_IXUSR


@pytest.mark.parametrize("how", ["the download fails", "the file is not in it"])
def test_nothing_beside(machine: Machine, how: str):
    """An engine whose file cannot be had is not built, and the others are."""
    if how == "the download fails":
        machine.go_fails_at("example.com/wick")
    else:
        (machine.folder / "module/bin/lantern-wick").unlink()
    assert machine.run(SILENT, KETTLE) == 1
    assert machine.left() == ["bin", f"bin/{KETTLE.tool.name}"]


def test_incomplete(machine: Machine, capfd: pytest.CaptureFixture[str]):
    """A tool on PATH counts only with the file that it wants beside it; links are followed."""
    program = tool(machine.folder / "installed" / SILENT.tool.name, "#!/bin/sh\n")
    (machine.path / SILENT.tool.name).symlink_to(program)
    tool(program.with_name("lantern-wick"), "")
    assert machine.run(SILENT) == 0
    assert machine.calls() == []
    program.with_name("lantern-wick").unlink()
    assert machine.run(SILENT) == 0
    assert "(incomplete: no lantern-wick beside it)" in capfd.readouterr().out
    assert machine.left() == ["bin", f"bin/{SILENT.tool.name}", "bin/lantern-wick"]


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.tool.name)
def test_table(engine: Engine):
    """The table wants what the committed modules build."""
    modules = (FOLDERS / engine.folder / "go.mod").read_text()
    assert re.search(rf"^(tool )?\t?{re.escape(engine.package)}$", modules, re.MULTILINE)
    required = re.findall(r"^(?:require )?\t?(\S+) (v\S+)", modules, re.MULTILINE)
    assert f"v{engine.version}" in {
        version for module, version in required if f"{engine.package}/".startswith(f"{module}/")
    }
    assert (FOLDERS / engine.folder / "go.sum").stat().st_size


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.tool.name)
def test_told_version(engine: Engine):
    """A version that is written into a binary is the one that is built."""
    told = re.findall(r"v\d+\.\d+\.\d+", " ".join(engine.ldflags))
    assert set(told) <= {f"v{engine.version}"}
