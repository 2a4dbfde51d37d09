"""A fleet deployed by the command line to an endpoint in another process, eight at once."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import boto3
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

JOBS = 50
PROGRAM = "from dativo_infra.adapters.cloudformation.local import serve; serve()"


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of an AWS that answers from another process, which ends with the test."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with subprocess.Popen(  # noqa: S603 - our own interpreter and program
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout
            yield process.stdout.readline().strip()
        finally:
            process.terminate()
            process.wait(10)


def test_fleet(
    endpoint: str, run: Any, write_job: Callable[..., Path], emr: str, tmp_path: Path
) -> None:
    """One stack of fifty fails alone; what is done is done, a tag updates, and all can go."""
    for number in range(JOBS - 1):
        write_job(emr, f"job_{number:02}")
    write_job(
        emr.replace("emr\n", "emr\n  service_account: arn:aws:iam::123456789012:role/none\n", 1),
        "wrong",
    )

    def call(command: str, *options: str) -> tuple[int, str, str]:
        where = ("--endpoint-url", endpoint, "--concurrency", "8")
        result = run(command, tmp_path, *where, *options)
        return result.exit_code, result.stdout, result.stderr

    code, _, told = call("deploy", "--yes")
    assert code == 1
    assert "50 stacks: 49 created, 1 failed." in told
    assert "error[DI702]: `instance-profile`" in told
    assert "wrong.yaml:" in told

    boto3.client("iam", endpoint_url=endpoint).create_role(
        RoleName="none", AssumeRolePolicyDocument="{}"
    )
    write_job(emr + "  tags: {Team: other}\n", "job_07")
    code, out, told = call("deploy", "--recreate-failed", "--format", "json")
    assert code == 0
    actions = {each["identity"]: each["action"] for each in json.loads(out)["stacks"]}
    assert actions.pop("acme/prod/wrong") == "created"
    assert actions.pop("acme/prod/job_07") == "updated"
    assert set(actions.values()) == {"unchanged"}
    assert list(actions) == sorted(actions)

    code, _, told = call("destroy", "--yes")
    assert (code, "50 stacks: 50 deleted." in told) == (0, True)
    left = boto3.client("cloudformation", endpoint_url=endpoint).describe_stacks()["Stacks"]
    assert left == []
