"""The commands that containers get, read by the verbs and options that the runner documents."""

from __future__ import annotations

from argparse import ArgumentError, ArgumentParser, Namespace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import pytest

from dativo_infra import load, load_project, plan
from dativo_infra.resources.ecs import EcsTaskDefinition
from dativo_infra.resources.kubernetes import KubernetesObject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dativo_infra.resources import Resource

EXAMPLES = Path(__file__).parents[2] / "examples" / "jobs"
V = "metadata.variables."


def runner() -> ArgumentParser:
    """Return a parser of the runner's command line, whose program is the image's entry point."""
    parser = ArgumentParser(exit_on_error=False)
    verbs = parser.add_subparsers(dest="verb", required=True)
    run = verbs.add_parser("run")
    run.add_argument("--config", required=True)
    run.add_argument("--mode", choices=["self_hosted"], required=True)
    start = verbs.add_parser("start")
    start.add_argument("what", choices=["orchestrated"])
    start.add_argument("--runner-config", required=True)
    return parser


def parsed(command: tuple[str, ...]) -> Namespace:
    """Return a command as the runner reads it."""
    return runner().parse_args(command)


def commands(resources: Iterator[Resource]) -> Iterator[tuple[str, ...]]:
    """Yield the arguments of every container."""
    for each in resources:
        if isinstance(each, EcsTaskDefinition):
            yield each.container.command
        elif isinstance(each, KubernetesObject) and each.kind == "CronJob":
            spec = each.body["spec"]["jobTemplate"]["spec"]["template"]["spec"]
            yield from (tuple(container["args"]) for container in spec["containers"])


@pytest.mark.parametrize(
    ("fields", "verb"),
    [
        ({}, "start"),
        ({f"{V}run": "task"}, "run"),
        ({f"{V}run": "schedule", f"{V}schedule": "@daily"}, "run"),
    ],
    ids=["service", "task", "schedule"],
)
@pytest.mark.parametrize("platform", ["ecs", "fargate"])
def test_command_of_each_kind_of_run(
    make: Any, platform: str, fields: dict[str, Any], verb: str
) -> None:
    """The runner accepts the command, and finds the file where its image has it."""
    job = getattr(make, platform)(fields, name="jobs/acme/orders.yaml")
    [command] = commands(iter(make.resources(job).values()))
    read = parsed(command)
    assert read.verb == verb
    path = read.config if verb == "run" else read.runner_config
    folder = "/app/jobs/acme" if verb == "run" else "/app/configs"
    assert str(PurePosixPath(path).parent) == folder


def test_commands_of_the_examples() -> None:
    """The runner accepts the command of every container of the examples."""
    project, _ = load_project(EXAMPLES / "dativo-infra.yaml")
    planned = plan(load([EXAMPLES], {}).jobs, project)
    every = [parsed(each) for unit in planned.units for each in commands(iter(unit.resources))]
    assert {each.verb for each in every} == {"run", "start"}


def test_parser_refuses_what_the_runner_refuses() -> None:
    """A command with the program's name before it, or another verb, is refused."""
    for command in (("dativo", "run"), ("start", "once", "--runner-config", "x")):
        with pytest.raises((ArgumentError, SystemExit)):
            parsed(command)
