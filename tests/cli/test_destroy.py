"""Tests of `dativo-infra destroy`."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("aws")


@pytest.fixture
def deployed(run, write_job, emr: str) -> Any:
    """The folder of a job that is deployed."""
    path = write_job(emr)
    assert run("deploy", path).exit_code == 0
    return path.parent


def test_destroy_shows_and_deletes(run, aws, stacks, deployed) -> None:
    """It shows what goes and what is retained; afterwards only that is left."""
    result = run("destroy", deployed, "--yes")
    assert result.exit_code == 0
    assert "acme-prod-orders  acme/prod/orders" in result.stdout
    assert "1 AWS::EMR::Cluster" in result.stdout
    assert "2 AWS::IAM::Role" in result.stdout
    [bucket] = aws.client("s3").list_buckets()["Buckets"]
    assert f"    AWS::S3::Bucket {bucket['Name']}" in result.stdout
    assert "1 stack: 1 deleted." in result.stderr
    assert stacks() == set()
    again = run("destroy", deployed, "--yes")
    assert again.exit_code == 0
    assert "Nothing is deployed." in again.stderr


def test_nobody_to_ask_is_a_wrong_call(run, stacks, deployed) -> None:
    """Without a terminal and without --yes nothing is done."""
    result = run("destroy", deployed)
    assert result.exit_code == 2
    assert "--yes" in result.stderr
    assert stacks() == {"acme-prod-orders"}


@pytest.mark.parametrize("answer", [False, True])
def test_person_is_asked(run, stacks, deployed, monkeypatch, answer: bool) -> None:
    """A person is asked once, and a no deletes nothing."""
    from dativo_infra.cli import destroy

    asked: list[str] = []

    def ask(question: str) -> bool:
        asked.append(question)
        return answer

    monkeypatch.setattr(destroy, "need_answer", lambda _: None)
    monkeypatch.setattr(destroy, "ask", ask)
    assert run("destroy", deployed).exit_code == 0
    assert asked == ["Delete 1 stack?"]
    assert stacks() == (set() if answer else {"acme-prod-orders"})


def test_protected_stack_stays(run, stacks, write_job, emr: str) -> None:
    """It is listed with how to take it down."""
    path = write_job(emr.replace("protect: false", "protect: true"))
    run("deploy", path)
    result = run("destroy", path, "--yes")
    assert result.exit_code == 0
    assert "stays: protected; to take it down: set protect: false" in result.stdout
    assert "Nothing was deleted." in result.stderr
    assert stacks() == {"acme-prod-orders"}


def test_failed_deletion_is_shown(run, deployed, monkeypatch) -> None:
    """What cannot be deleted is an error, and the exit code tells."""
    from dativo_infra.adapters import results
    from dativo_infra.adapters.cloudformation import deploy as adapter
    from dativo_infra.diagnostics.rules import DESTROY_FAILED

    def failing(found: Any, **_: Any) -> Any:
        diagnostics = (DESTROY_FAILED.at(None, "in use"),)
        failed = results.Action.FAILED
        return [
            results.DestroyResult(doomed=each, action=failed, diagnostics=diagnostics)
            for each in found
        ]

    monkeypatch.setattr(adapter, "destroy", failing)
    result = run("destroy", deployed, "--yes")
    assert result.exit_code == 1
    assert "error[DI711]: in use" in result.stderr
    assert "1 stack: 1 failed." in result.stderr


def test_ctrl_c(run, deployed, monkeypatch) -> None:
    """An interrupted run exits with 130."""
    from dativo_infra.adapters import results
    from dativo_infra.adapters.cloudformation import deploy as adapter

    def interrupted(found: Any, **_: Any) -> Any:
        raise results.InterruptedRunError(
            [results.DestroyResult(doomed=each, action=results.Action.LEFT) for each in found]
        )

    monkeypatch.setattr(adapter, "destroy", interrupted)
    result = run("destroy", deployed, "--yes")
    assert result.exit_code == 130
    assert "1 left in progress" in result.stderr
