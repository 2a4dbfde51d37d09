"""Jobs with a module, and their plans with modules that are known to have been read."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "planning"))

from making import Make, make  # pyright: ignore[reportMissingImports]

from dativo_infra.planning import Plan, plan
from dativo_infra.platforms.terraform import ModuleInterface, ModuleVariable, address_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dativo_infra.model import Job

__all__ = ["make"]

SMALLEST = {
    "provider": "terraform",
    "terraform.module_source": "git::https://example.com/infra.git//emr",
    "terraform.module_version": "v1",
    "terraform.backend_config": {"bucket": "b", "key": "k", "region": "us-east-1"},
    "runtime.platform": "emr",
}


@pytest.fixture
def calling(make: Make) -> Callable[..., Job]:
    """Return a function that makes a job with a module, changed by fields."""

    def job(fields: Mapping[str, Any] | None = None, **more: Any) -> Job:
        return make.job({**SMALLEST, **(fields or {})}, **more)

    return job


@pytest.fixture
def planned() -> Callable[..., Plan]:
    """Return a function that plans jobs whose module has these variables, by name and type.

    A type that ends in `!` is that of a required variable.
    """

    def make_plan(*jobs: Job, outputs: Mapping[str, bool] | None = None, **types: str) -> Plan:
        interface = ModuleInterface(
            variables={
                name: ModuleVariable(
                    name=name, type=kind.removesuffix("!"), required=kind.endswith("!")
                )
                for name, kind in types.items()
            },
            outputs=outputs or {},
        )
        modules = {found: interface for job in jobs if (found := address_of(job))}
        return plan(jobs, modules=modules)

    return make_plan
