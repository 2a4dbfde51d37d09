"""Which jobs and units a stack is for."""

from __future__ import annotations

from typing import Any

import pytest

from dativo_infra.planning import Selection, parse_shard


def test_tenant_and_environment(make: Any) -> None:
    """Jobs are chosen by tenant and environment, and those left out are given back."""
    a, b = make.emr(), make.emr(tenant_id="beta")
    assert Selection(tenant="acme").jobs([a, b]) == ((a,), (b,))
    assert Selection(environment="prod").jobs([a, b]) == ((a, b), ())
    assert Selection(environment="dev").jobs([a, b]) == ((), (a, b))
    assert Selection().jobs([a, b]) == ((a, b), ())


@pytest.mark.parametrize("count", [1, 2, 7])
def test_shards_partition_the_units(make: Any, count: int) -> None:
    """Every unit, shared ones too, is in exactly one shard, and keeps its order there."""
    jobs = [
        make.kubernetes({"runtime.service_account": "runner"}, name=f"{number}.yaml")
        for number in range(9)
    ]
    planned = make.plan(*jobs)
    shards = [Selection(shard=(index, count)).units(planned, "pulumi") for index in range(count)]
    merged = [unit.identity for shard in shards for unit in shard]
    assert sorted(merged) == sorted(unit.identity for unit in planned.units)
    for shard in shards:
        assert list(shard) == [unit for unit in planned.units if unit in shard]


def test_other_tools_units_are_left_out(make: Any) -> None:
    """A tool gets its own units alone."""
    planned = make.plan(make.emr(), make.emr({"provider": "cloudformation"}, name="b.yaml"))
    assert [unit.owner for unit in Selection().units(planned, "pulumi")] == ["pulumi"]


@pytest.mark.parametrize("text", ["", "1", "1/1", "2/1", "-1/2", "a/b", "0/0", "1/2/3"])
def test_bad_shards(text: str) -> None:
    """What is no shard is refused."""
    with pytest.raises(ValueError, match="shard"):
        parse_shard(text)


def test_shard() -> None:
    """A shard is written index/count, counted from 0."""
    assert parse_shard("0/8") == (0, 8)
