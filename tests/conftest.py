"""What the tests of all modules share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dativo_infra.loading import load

if TYPE_CHECKING:
    from collections.abc import Callable

    from dativo_infra.loading import Loaded

REQUIRED = """\
tenant_id: acme
environment: prod
source_connector_path: /c/postgres.yaml
target_connector_path: /c/iceberg.yaml
asset_path: /a/orders.yaml
"""


@pytest.fixture(scope="session")
def seed() -> Path:
    """The folder with the schema and the examples of the runner, which live beside this one."""
    folder = Path(__file__).parent.parent.parent / "shared" / "seed"
    if not folder.is_dir():
        reason = "the runner's schema and examples are not in ../shared/seed"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder


@pytest.fixture
def load_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Loaded]:
    """Load a job file `orders.yaml` with a text, in a folder that becomes the current one."""
    monkeypatch.chdir(tmp_path)

    def load_it(text: str | bytes, environment: dict[str, str] | None = None) -> Loaded:
        content = text if isinstance(text, bytes) else text.encode()
        Path("orders.yaml").write_bytes(content)
        return load(["orders.yaml"], environment or {})

    return load_it


@pytest.fixture
def load_block(load_text: Callable[..., Loaded]) -> Callable[..., Loaded]:
    """Load a job with the text of its infrastructure block, written from the first column."""

    def load_it(block: str, environment: dict[str, str] | None = None) -> Loaded:
        lines = "".join(f"  {line}\n" for line in block.strip("\n").splitlines())
        return load_text(f"{REQUIRED}infrastructure:\n{lines}", environment)

    return load_it


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell how many fields and variables were set and changed, by platform, tool and use."""
    reports = terminalreporter.getreports("passed")
    counts = [
        value for each in reports for name, value in each.user_properties if name == "mutations"
    ]
    if counts:
        terminalreporter.write_line(f"{sum(counts)} uses of fields, variables and outputs mutated")
