"""Servers for tests never outlive those who started them."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import processes
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

SERVER = ("sh", "-c", "echo $$ > pid.new; mv pid.new pid; echo said; exec sleep 600")
PROGRAM = f"""
import sys, tempfile
from pathlib import Path
sys.path.insert(0, {str(Path(processes.__file__).parent)!r})
import processes

processes.end_with_input()
with tempfile.TemporaryDirectory(dir=Path(__file__).parent) as name:
    folder = Path(name)
    with processes.server({SERVER!r}, folder, (folder / "pid").exists):
        print((folder / "pid").read_text().strip(), flush=True)
        processes.serve()
"""
STARTER = f"""
import signal, sys, time
from pathlib import Path
# Whoever started the tests may have it ignored, as a shell does in the background.
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.path.insert(0, {str(Path(processes.__file__).parent)!r})
import processes

with processes.hosted(Path(sys.argv[1])) as line:
    print(line, end="", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A program that serves in a folder beside it, and writes its server's process id."""
    file = tmp_path / "program" / "program.py"
    file.parent.mkdir()
    file.write_text(PROGRAM)
    return file


def is_running(pid: int) -> bool:
    """Return whether there is such a process, but for what is left until its parent has noticed."""
    asked = ["ps", "-o", "stat=", "-p", str(pid)]
    state = subprocess.run(asked, stdout=subprocess.PIPE, text=True, check=False).stdout  # noqa: S603
    return bool(state.strip()) and not state.startswith("Z")


def wait_for(condition: Callable[[], bool]) -> bool:
    """Return whether something comes true within 20 seconds."""
    latest = time.monotonic() + 20
    while not condition() and time.monotonic() < latest:
        time.sleep(0.05)
    return condition()


def test_hosted(program: Path) -> None:
    """A server and its folder are gone with the block that used them, though that failed."""
    pid = 0
    with pytest.raises(KeyboardInterrupt), processes.hosted(program) as line:  # noqa: PT012
        pid = int(line)
        assert is_running(pid)
        raise KeyboardInterrupt
    assert not is_running(pid)
    assert list(program.parent.iterdir()) == [program]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_killed(program: Path, how: signal.Signals) -> None:
    """A server and its folder are gone soon after who started them, however that one ends."""
    with subprocess.Popen(  # noqa: S603 - our own interpreter and program
        [sys.executable, "-c", STARTER, str(program)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as starter:
        assert starter.stdout
        pid = int(starter.stdout.readline())
        starter.send_signal(how)
    assert wait_for(lambda: not is_running(pid))
    assert wait_for(lambda: list(program.parent.iterdir()) == [program])


def test_stuck(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that does not end in time is killed together with its servers."""
    monkeypatch.setattr(processes, "ENDS_WITHIN", 0.5)
    program.write_text(PROGRAM.replace("processes.end_with_input()", ""))
    with processes.hosted(program) as line:
        pid = int(line)
    assert wait_for(lambda: not is_running(pid))


def test_failing_program(program: Path) -> None:
    """A program that fails before it serves is told with what it wrote."""
    program.write_text("raise SystemExit('no such thing')")
    with pytest.raises(RuntimeError, match="no such thing"), processes.hosted(program):
        pass


def test_silent_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that does not answer in time is told with its log, and is gone."""
    monkeypatch.setattr(processes, "ANSWERS_WITHIN", 0.5)
    with (
        pytest.raises(RuntimeError, match="sh does not answer:\nsaid"),
        processes.server(SERVER, tmp_path, lambda: False),
    ):
        pass
    assert not is_running(int((tmp_path / "pid").read_text()))


def test_ended_server(tmp_path: Path) -> None:
    """A server that ends by itself is told with its exit code and its log."""
    with (
        pytest.raises(RuntimeError, match="sh ended with 3:\nno port"),
        processes.server(("sh", "-c", "echo no port; exit 3"), tmp_path, lambda: False),
    ):
        pass


def test_free_port() -> None:
    """A port is kept for a server that shares it, and no other gets it."""
    with processes.free_port() as port, socket.socket() as other, socket.socket() as server:
        with pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", port))
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        server.bind(("127.0.0.1", port))
        server.listen()
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
