"""How stacks come along, on a terminal and elsewhere."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from dativo_infra.adapters.results import Action, DestroyResult, Doomed, Event
from dativo_infra.cli import progress as module
from dativo_infra.cli.progress import Progress

if TYPE_CHECKING:
    import pytest

DONE = DestroyResult(doomed=Doomed(stack="s", id="s", identity="i"), action=Action.DELETED)


def event(status: str, reason: str = "") -> Event:
    """Return an event of a stack."""
    failed = status.endswith("FAILED")
    return Event(
        stack="s",
        logical_id="Logs",
        type="T",
        status=status,
        reason=reason,
        ended=failed,
        failed=failed,
    )


def tell() -> None:
    """Tell how one stack comes along."""
    with Progress(1) as progress:
        for each in (event("DELETE_IN_PROGRESS"), event("DELETE_FAILED", "[red]in use")):
            progress.event(each)
        progress.result(DONE)


def test_plain_lines_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a terminal there is a line for what ended, with the reason, and nothing else."""
    tell()
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "s  DELETE_FAILED  Logs: [red]in use\ns  deleted\n"


class Terminal(io.StringIO):
    """A terminal that keeps what it was written."""

    def isatty(self) -> bool:
        """Say that it is one."""
        return True


def tell_a_terminal(monkeypatch: pytest.MonkeyPatch) -> str:
    """Return what a terminal gets."""
    stream = Terminal()
    monkeypatch.setattr(module.sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm-256color")
    tell()
    return stream.getvalue()


def test_live_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal shows bars, and each failure and result above them."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    written = tell_a_terminal(monkeypatch)
    assert "1/1" in written
    assert "s  DELETE_FAILED  Logs: [red]in use" in written
    assert "s  deleted" in written
    assert "\x1b[3" in written


def test_no_color_is_heeded(monkeypatch: pytest.MonkeyPatch) -> None:
    """With NO_COLOR nothing is coloured."""
    monkeypatch.setenv("NO_COLOR", "1")
    written = tell_a_terminal(monkeypatch)
    assert "1/1" in written
    assert "\x1b[3" not in written
