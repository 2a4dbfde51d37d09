"""What the tests of the command line share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from dativo_infra.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLES = Path(__file__).parents[2] / "examples" / "jobs"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run the command line with arguments, and an environment of its own."""

    def invoke(*arguments: object, **environment: str) -> Result:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        result = CliRunner().invoke(main, [str(each) for each in arguments])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return invoke


@pytest.fixture
def examples() -> Path:
    """The folder of the example jobs."""
    return EXAMPLES


JOB = """\
tenant_id: acme
environment: prod
source_connector_path: /app/connectors/postgres.yaml
target_connector_path: /app/connectors/iceberg.yaml
asset_path: /app/assets/orders.yaml
infrastructure:
"""


@pytest.fixture
def write_job(tmp_path: Path) -> Callable[..., Path]:
    """Write a job file with a block, and return its path."""

    def write(block: str, name: str = "orders") -> Path:
        path = tmp_path / f"{name}.yaml"
        indented = "".join(f"  {line}\n" for line in block.strip().splitlines())
        path.write_text(JOB + indented)
        return path

    return write
