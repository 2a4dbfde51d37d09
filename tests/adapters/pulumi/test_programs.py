"""The programs that people start from."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import yaml

from dativo_infra.adapters.pulumi.values import SETTINGS
from dativo_infra.testing import Recording, record

ROOT = Path(__file__).parents[3]
SECRETS = {"REDIS_PASSWORD": "hush"}


def run(folder: str, root: str, **options: Any) -> Recording:
    """Run the program in a folder as the engine would, from its Pulumi.yaml's folder."""
    project = yaml.safe_load((ROOT / root / "Pulumi.yaml").read_text())
    return record(
        lambda: runpy.run_path(str(ROOT / folder / "__main__.py"), run_name="__main__"),
        project=project["name"],
        root_directory=ROOT / root,
        **options,
    )


def test_the_stack_builds_the_example_jobs() -> None:
    """With the configuration that is in the repository."""
    settings = yaml.safe_load((ROOT / "stacks/Pulumi.prod.yaml").read_text())["config"]
    recording = run("stacks", ".", stack="prod", config=settings, secrets=SECRETS)
    assert recording.of_type("dativo:index:EmrCluster")
    assert recording.of_type("dativo:index:KubernetesJob")
    assert recording.exports


def test_the_stack_knows_the_keys_that_are_documented() -> None:
    """Pulumi.yaml describes each key, with a value for stacks that leave it out."""
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())
    assert set(project["config"]) == SETTINGS
    code = (ROOT / "dativo_infra/adapters/pulumi/build.py").read_text()
    for key, described in project["config"].items():
        assert f'("{key}")' in code
        assert described["description"]
        assert "default" in described


def test_a_fleet_in_a_program_of_ones_own() -> None:
    """All that Pulumi owns of a folder, with its outputs."""
    folder = "examples/programs/fleet"
    recording = run(folder, folder, secrets=SECRETS)
    clusters = recording.of_type("dativo:index:EmrCluster")
    assert len(recording.exports) == len(clusters) > 0


def test_one_cluster_in_the_programs_own_network() -> None:
    """What the program creates is used by the component's resources, and waited for."""
    folder = "examples/programs/one_cluster"
    arn = "arn:aws:iam::123456789012:role/machines"
    recording = run(folder, folder, outputs={"machines": {"arn": arn}})
    cluster = recording.one("aws:emr/cluster:Cluster")
    assert cluster.inputs["ec2Attributes"]["subnetId"] == "<machines.id>"
    assert recording.one("aws:ec2/subnet:Subnet").urn in cluster.dependencies
    profile = recording.one("aws:iam/instanceProfile:InstanceProfile")
    assert profile.inputs["role"] == "machines"
    assert recording.one("aws:iam/role:Role", "machines").urn in profile.dependencies
    assert set(recording.exports) == {"cluster_id", "log_bucket"}
