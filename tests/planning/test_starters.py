"""Jobs whose tenant's jobs would be started from two sides."""

from __future__ import annotations

from typing import Any

import pytest

from dativo_infra.diagnostics import rules

V = "metadata.variables."
SCHEDULE = {f"{V}run": "schedule", f"{V}schedule": "0 3 * * *"}


@pytest.mark.parametrize("platform", ["fargate", "kubernetes"])
def test_schedule_beside_a_runner(make: Any, platform: str) -> None:
    """A schedule in the tenant and environment of a long-running runner is an error."""
    runner = make.fargate(name="jobs/runner.yaml")
    scheduled = getattr(make, platform)(SCHEDULE, name="jobs/nightly.yaml")
    found = make.codes(runner, scheduled)
    assert "acme/prod/nightly" in found[rules.TWO_STARTERS.code]
    assert "acme/prod/runner" in found[rules.TWO_STARTERS.code]


@pytest.mark.parametrize(
    "outer", [{"tenant_id": "globex"}, {"environment_": "dev"}], ids=["tenant", "environment"]
)
def test_others_may_have_a_schedule(make: Any, outer: dict[str, str]) -> None:
    """Another tenant, or another environment of the same, may have a schedule."""
    document = {key.rstrip("_"): value for key, value in outer.items()}
    runner = make.fargate(name="jobs/runner.yaml")
    scheduled = make.fargate(SCHEDULE, name="jobs/nightly.yaml")
    job = type(scheduled)(
        document=scheduled.document.model_copy(update=document), source=scheduled.source
    )
    assert rules.TWO_STARTERS.code not in make.codes(runner, job)


def test_two_runners(make: Any) -> None:
    """Two runners of one tenant are a warning, unless each has a configuration of its own."""
    one, two = (make.fargate(name=f"jobs/{name}.yaml") for name in ("one", "two"))
    assert rules.TWO_RUNNERS.code in make.codes(one, two)
    same = make.fargate({f"{V}runner_config": "/app/configs/runner.yaml"}, name="jobs/two.yaml")
    assert rules.TWO_RUNNERS.code in make.codes(one, same)
    other = make.fargate({f"{V}runner_config": "/app/other.yaml"}, name="jobs/two.yaml")
    assert rules.TWO_RUNNERS.code not in make.codes(one, other)
    shared = [make.fargate({"name": "all"}, name=f"jobs/{name}.yaml") for name in ("one", "two")]
    assert rules.TWO_RUNNERS.code not in make.codes(*shared)


def test_what_starts_nothing(make: Any) -> None:
    """A task that others start, and a command of the job's own, are nobody's scheduler."""
    runner = make.fargate(name="jobs/runner.yaml")
    task = make.fargate({f"{V}run": "task"}, name="jobs/task.yaml")
    own = make.fargate({f"{V}command": ["serve"]}, name="jobs/own.yaml")
    suspended = make.kubernetes(name="jobs/suspended.yaml")
    found = make.codes(runner, task, own, suspended)
    assert not {rules.TWO_RUNNERS.code, rules.TWO_STARTERS.code} & found.keys()
