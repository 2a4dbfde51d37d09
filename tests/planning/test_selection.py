"""Which jobs and units a stack is for."""

from __future__ import annotations

from typing import Any

import pytest

from dativo_infra.planning import Selection, contested, parse_shard, plan


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


def test_a_renamed_unit_stays_in_its_shard(make: Any) -> None:
    """A new name does not move what was built under the old one to another stack."""
    for number in range(8):
        old = make.plan(make.emr(name=f"old{number}.yaml"))
        fields = {"name": f"new{number}", "former_names": [f"old{number}"]}
        new = make.plan(make.emr(fields, name=f"old{number}.yaml"))
        for index in range(4):
            shard = Selection(shard=(index, 4))
            assert len(shard.units(old, "pulumi")) == len(shard.units(new, "pulumi"))


def test_a_shared_thing_belongs_to_one_selection(make: Any) -> None:
    """A namespace of one target that jobs left out name too is an error that names them."""
    project = make.project(targets={"one": {"kubernetes_context": "one"}})
    ours = make.kubernetes(name="a.yaml")
    theirs = make.kubernetes(name="b.yaml", tenant_id="beta")
    planned = make.plan(ours, project=project)
    (found,) = contested(planned, [theirs], project)
    assert (found.code, found.severity) == ("DI507", "error")
    assert "beta/prod/b" in found.message
    elsewhere = make.kubernetes({"runtime.namespace": "other"}, name="b.yaml", tenant_id="beta")
    assert list(contested(planned, [elsewhere], project)) == []


def test_stacks_of_their_own_places_share_names(make: Any) -> None:
    """Without a named target each stack is configured for a place of its own."""
    planned = make.plan(make.kubernetes(name="a.yaml"))
    assert list(contested(planned, [make.kubernetes(name="b.yaml", tenant_id="beta")])) == []


def test_an_unknown_provider_is_refused(make: Any) -> None:
    """A mistyped provider would leave every job to nobody, and so delete what was built."""
    with pytest.raises(ValueError, match="`Pulumi` is no provider"):
        plan([make.emr()], provider="Pulumi")
