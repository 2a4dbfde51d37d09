"""What the tests with real engines share: the engines, or the reason why they are skipped."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from api_server import PROGRAMS, api_server  # noqa: E402 - found by the line above
from aws_server import aws_server  # noqa: E402 - found by the line above
from warm import warm_pythons  # noqa: E402 - found by the line above
from workspace import (  # noqa: E402 - found by the line above
    PYTHON,
    REPOSITORY,
    Workspace,
    find,
    install_providers,
    python_variables,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from api_server import ApiServer
    from aws_server import Aws

OPERATED = ("sparkoperator.k8s.io", "ray.io", "kubernetes.dask.org")
"""The groups of the kinds that the platforms are built with."""
ENGINES = ("pulumi", "pulumi-language-python")


def _need(programs: tuple[str, ...]) -> None:
    if missing := [each for each in programs if not find(each)]:
        pytest.skip(f"no {', '.join(missing)} on this machine: run `make engines`")


@pytest.fixture(scope="session")
def pulumi_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A PULUMI_HOME in which the test providers are installed, with a Python that has begun."""
    _need(ENGINES)
    home = tmp_path_factory.mktemp("pulumi-home")
    install_providers(home)
    (home / PYTHON).mkdir()
    with warm_pythons(home / PYTHON, python_variables()):
        yield home


@pytest.fixture
def workspace(pulumi_home: Path, tmp_path: Path) -> Workspace:
    """The repository's Pulumi program, without jobs, a stack, or anything to build in."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    return Workspace.of_repository(folder, pulumi_home)


@pytest.fixture
def aws(workspace: Workspace) -> Iterator[Aws]:
    """An AWS without anything in it, which the programs of the workspace build in."""
    with aws_server() as server:
        workspace.environment.update(server.variables, AWS_REGION="us-east-1")
        yield server


@pytest.fixture(scope="session")
def crds() -> Path:
    """The folder with the definitions of the operators' kinds, which lives beside this one."""
    folder = REPOSITORY.parent / "shared" / "crds"
    if not folder.is_dir():
        reason = "the definitions of custom resources are not in ../shared/crds"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder


@pytest.fixture(scope="session")
def operated(server: ApiServer, crds: Path) -> ApiServer:
    """The API server, with the kinds of the operators of Spark, Ray and Dask."""
    for file in sorted(crds.glob("*.yaml")):
        definition = yaml.safe_load(file.read_text())
        if definition["spec"]["group"] in OPERATED:
            server.api.define(definition)
    return server


@pytest.fixture(scope="session")
def server() -> Iterator[ApiServer]:
    """A Kubernetes API server; a test leaves nothing in it, see `ApiServer.cleared`."""
    _need(PROGRAMS)
    with api_server() as running:
        yield running
