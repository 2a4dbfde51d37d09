"""What the tests of the command line share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from dativo_infra.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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


EMR = """
provider: cloudformation
runtime:
  platform: emr
  compute: {instance_type: m5.xlarge}
  network: {subnet_ids: [subnet-0a1b2c3d]}
metadata:
  variables: {protect: false}
"""


@pytest.fixture
def emr() -> str:
    """The block of a job whose stack can be destroyed again."""
    return EMR


@pytest.fixture
def aws() -> Iterator[Any]:
    """An embedded AWS that commands talk to as if it were the real one; gives a session."""
    from dativo_infra.adapters.cloudformation.deploy import open_session
    from dativo_infra.adapters.cloudformation.local import embedded

    with embedded():
        yield open_session()


@pytest.fixture
def stacks(aws: Any) -> Callable[[], set[str]]:
    """The names of the stacks that exist."""

    def names() -> set[str]:
        found = aws.client("cloudformation").describe_stacks()["Stacks"]
        return {each["StackName"] for each in found}

    return names
