"""Tests of `dativo-infra explain`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dativo_infra.diagnostics.rules import RULES
from dativo_infra.model import examples, fields
from dativo_infra.planning.support import LOSSES, REFUSALS, tools_for
from dativo_infra.platforms import PLATFORMS
from dativo_infra.resources.kinds import KINDS

VARIABLES = {
    f"{platform.name}.{variable.name}": variable
    for platform in PLATFORMS.values()
    for variable in platform.variables
}


def words(text: str) -> str:
    """Return a text without its line breaks."""
    return " ".join(text.split())


def data(run: Any, topic: str) -> list[dict[str, Any]]:
    """Return what a topic means, as the command gives it to programs."""
    result = run("explain", topic, "--format", "json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert (found["kind"], found["version"]) == ("explanation", 1)
    return found["topics"]


@pytest.mark.parametrize("topic", [*RULES, *PLATFORMS, *fields()])
def test_explain_knows_every_topic(run, topic: str) -> None:
    """Every code, platform and field can be explained."""
    result = run("explain", topic)
    assert result.exit_code == 0
    assert topic in result.stdout


def test_a_field_is_explained_on_each_platform(run) -> None:
    """A field has its values, examples, and what becomes of it on every platform."""
    text = words(run("explain", "infrastructure.runtime.compute.instance_count").stdout)
    assert "a whole number, 1 or more" in text
    assert "Number of workers." in text
    assert "for example: 3; or 4" in text
    assert "on emr: unused: the cluster exists and is only referred to used: core nodes" in text
    (field,) = data(run, "runtime.compute.instance_count")
    assert field["examples"] == list(examples()["runtime.compute.instance_count"])
    assert {name for each in field["platforms"] for name in each["names"]} == set(PLATFORMS)


def test_a_field_has_the_examples_of_a_platform(run) -> None:
    """Where a field means another thing on a platform, that has its own examples."""
    assert "on ecs: used: volume" in words(run("explain", "runtime.storage.volume_id").stdout)
    assert "for example: fs-" in words(run("explain", "runtime.storage.volume_id").stdout)


def test_a_field_is_found_by_its_last_name(run) -> None:
    """The last part of a field is enough, and where several end in it all are explained."""
    assert [each["name"] for each in data(run, "instance_type")] == [
        "runtime.compute.instance_type"
    ]
    assert [each["name"] for each in data(run, "cluster_id")] == [
        "runtime.compute.cluster_id",
        "resources.cache.cluster_id",
    ]


@pytest.mark.parametrize("topic", VARIABLES)
def test_every_variable_can_be_explained(run, topic: str) -> None:
    """A variable of a platform has its meaning, values, default and examples."""
    platform, _, name = topic.partition(".")
    (variable,) = data(run, topic)
    assert (variable["name"], variable["platforms"]) == (name, [platform])
    assert variable["meaning"] == VARIABLES[topic].meaning
    assert len(variable["examples"]) == len(VARIABLES[topic].examples)
    text = words(run("explain", topic).stdout)
    assert f"metadata.variables.{name}, on {platform}" in text
    assert words(variable["meaning"]) in text


def test_a_variable_is_explained_wherever_it_is_known(run) -> None:
    """A variable by its own name is explained once for each meaning, with its platforms."""
    text = run("explain", "log_retention_days").stdout
    assert "metadata.variables.log_retention_days, on emr\n" in text
    assert "metadata.variables.log_retention_days, on ecs, fargate\n" in text


def test_defaults_are_shown(run) -> None:
    """A default is shown as a job would have it, and with its edition where it belongs to one."""
    assert "default emr-7.10.0 in edition 2026-11" in run("explain", "emr.release_label").stdout
    assert "default false" in run("explain", "emr.enable_spot_instances").stdout
    assert 'default ["Hadoop", "Spark"]' in run("explain", "emr.applications").stdout
    assert "default" not in run("explain", "emr.idle_timeout_minutes").stdout


def test_what_every_variable_has_alike_is_said_once(run) -> None:
    """The variables of a platform are listed with what becomes of all of them first."""
    assert run("explain", "emr").stdout.count("the cluster exists and is only referred to") == 1


@pytest.mark.parametrize("kind", [kind.__name__ for kind in KINDS])
def test_every_kind_can_be_explained(run, kind: str) -> None:
    """A kind has the tools that build it, and the reasons of those that do not."""
    topic = next(each for each in data(run, kind) if each["type"] == "kind")
    assert topic["meaning"].endswith(".")
    assert topic["tools"] == list(tools_for(kind))
    text = words(run("explain", kind.lower()).stdout)
    assert f"built by: {', '.join(tools_for(kind))}" in text
    for tool, refused in REFUSALS.items():
        assert (f"not by {tool}: {refused.get(kind)}" in text) == (kind in refused)
    for tool, losses in LOSSES.items():
        for (lossy, field), reason in losses.items():
            assert (f"{tool} leaves out {field}: {reason}" in text) == (kind == lossy)


@pytest.mark.parametrize(
    ("topic", "near"),
    [
        ("runtime.compute.instance_typ", "runtime.compute.instance_type"),
        ("relese_label", "release_label"),
        ("emr.relese_label", "emr.release_label"),
        ("EmrClustr", "EmrCluster"),
        ("fargat", "fargate"),
    ],
)
def test_explain_suggests_a_near_topic(run, topic: str, near: str) -> None:
    """A misspelt topic is answered with the nearest one."""
    result = run("explain", topic)
    assert result.exit_code == 2
    assert f"Did you mean `{near}`?" in result.stderr
