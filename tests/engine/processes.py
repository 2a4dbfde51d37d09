"""Servers for tests: used when they answer, and gone when the tests are, however these end.

A program in a process of its own starts the servers in a temporary folder. It ends when its
standard input does, and that ends with the tests' process: at the end of a test run, at Ctrl-C,
which does not reach the program as it has a session of its own, and when the tests' process is
killed.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import FrameType

ANSWERS_WITHIN = 60.0
"""Seconds in which a server answers, on a machine that has much else to do."""
ENDS_WITHIN = 20.0
"""Seconds in which a program stops its servers and removes its folder."""


@contextmanager
def hosted(
    program: Path, *arguments: str, environment: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Run a Python program that ends with its input; yield the line that it writes when ready.

    Raises:
        RuntimeError: it ended without such a line; what it wrote on standard error is told.
    """
    with subprocess.Popen(  # noqa: S603 - our own interpreter and program
        [sys.executable, str(program), *arguments],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        try:
            line = process.stdout.readline()
            if not line:
                raise RuntimeError(f"{program.name} has ended:\n{process.stderr.read()}")
            yield line
        finally:
            process.stdin.close()
            try:
                process.wait(ENDS_WITHIN)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)  # its servers, too


def end_with_input() -> None:
    """Have this program exit, by SystemExit, when its standard input ends or SIGTERM comes."""

    def end(_: int, __: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # cleaning up is not interrupted
        sys.exit()

    def watch() -> None:
        while os.read(0, 1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    signal.signal(signal.SIGTERM, end)
    Thread(target=watch, daemon=True).start()


@contextmanager
def server(command: Sequence[str], folder: Path, answers: Callable[[], bool]) -> Iterator[None]:
    """Run a server in a folder, from when it answers to the end of the block, when it is killed.

    Raises:
        RuntimeError: it has ended, or did not answer in time; the end of its log is told.
    """
    name = Path(command[0]).name
    log = folder / f"{name}.log"
    with (
        log.open("wb") as output,
        subprocess.Popen(  # noqa: S603 - the servers that tests run against
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            latest = time.monotonic() + ANSWERS_WITHIN
            while not answers():
                code = process.poll()
                if code is not None or time.monotonic() > latest:
                    what = f"ended with {code}" if code is not None else "does not answer"
                    raise RuntimeError(f"{name} {what}:\n{log.read_text()[-4000:]}")
                time.sleep(0.05)
            yield
        finally:
            process.kill()


@contextmanager
def free_port() -> Iterator[int]:
    """Yield a loopback port kept for a server that binds it with SO_REUSEPORT."""
    with socket.socket() as kept:
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        kept.bind(("127.0.0.1", 0))
        yield kept.getsockname()[1]


def serve() -> None:
    """Wait for the end that `end_with_input` brings."""
    while True:
        signal.pause()
