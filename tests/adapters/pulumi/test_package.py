"""The component package, without an engine."""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pytest

from dativo_infra.adapters.pulumi.package import Package
from dativo_infra.testing import Recording, record

MACHINES = {
    "compute": {"instanceType": "m5.xlarge", "instanceCount": 2.0},
    "network": {"subnetIds": ["subnet-0a1b2c3d"]},
}
CLUSTER = "aws:emr/cluster:Cluster"


def built(component: str = "EmrCluster", config: Any = None, **inputs: Any) -> Recording:
    """Return what the package registers for a component with these inputs."""

    def program() -> None:
        Package().construct("orders", f"dativo:index:{component}", {"tenantId": "acme", **inputs})

    return record(program, config=config)


def test_whole_numbers_are_whole() -> None:
    """On the wire all are floats, and what the runner reads must not have changed."""
    cluster = built(**MACHINES, variables={"idle_timeout_minutes": 90.0}).one(CLUSTER)
    assert cluster.inputs["coreInstanceGroup"]["instanceCount"] == 2
    assert cluster.inputs["autoTerminationPolicy"] == {"idleTimeout": 5400}
    connectors = dict.fromkeys(("source_connector_path", "target_connector_path"), "/c.yaml")
    document = {**connectors, "asset_path": "/a.yaml", "limits": [{"rows": 3.0, "share": 0.5}]}
    recording = built(
        "KubernetesJob",
        {"kubernetes:context": "somewhere"},
        namespace="data",
        document=document,
        variables={"image": "runner:1"},
    )
    job = recording.one("kubernetes:core/v1:ConfigMap", "orders-job-config-map").inputs
    (text,) = job["data"].values()
    assert json.loads(text)["limits"] == [{"rows": 3, "share": 0.5}]
    assert '"rows": 3,' in text


def test_a_number_with_a_fraction_is_refused() -> None:
    """It is not cut where a whole one is wanted."""
    with pytest.raises(pulumi.InputPropertiesError, match="instance_count"):
        built(compute={"instanceType": "m5.xlarge", "instanceCount": 2.5})


def test_every_input_is_described() -> None:
    """Those that a component's arguments inherit, too."""
    schema = json.loads(Package().schema or "")
    for token, resource in schema["resources"].items():
        for key, each in resource["inputProperties"].items():
            assert each["description"], f"{token}.{key}"


@pytest.mark.parametrize(
    ("inputs", "path", "reason"),
    [
        ({"tag": {}}, "tag", "EmrCluster has no such input. Did you mean `tags`?"),
        ({"zebra": 1.0}, "zebra", "EmrCluster has no such input."),
        (
            {"compute": {"autoScaling": {"maxInstance": 1.0}}},
            "compute.autoScaling.maxInstance",
            "EmrCluster has no such input. Did you mean `maxInstances`?",
        ),
        ({"compute": "big"}, "compute", "It must be an object that is known when previewing."),
    ],
)
def test_an_input_that_would_be_dropped_is_refused(
    inputs: dict[str, Any], path: str, reason: str
) -> None:
    """With its place, and the one that was meant."""
    with pytest.raises(pulumi.InputPropertyError) as caught:
        built(**inputs)
    assert (caught.value.property_path, caught.value.reason) == (path, reason)


def test_an_object_that_is_an_output_is_refused() -> None:
    """Its fields are not known when previewing, so what is built is not known either."""

    def program() -> None:
        compute = pulumi.Output.from_input(MACHINES["compute"])
        Package().construct("orders", "dativo:index:EmrCluster", {**MACHINES, "compute": compute})

    with pytest.raises(pulumi.InputPropertyError):
        record(program)


def test_what_is_wrong_with_a_job_is_said_as_of_an_input() -> None:
    """Such an error the engine shows without a traceback."""
    with pytest.raises(pulumi.InputPropertiesError, match=r"DI204.*`tenant_id` is empty"):
        built(tenantId="")
    with pytest.raises(pulumi.InputPropertiesError, match="nothing is built"):
        built(compute={"clusterId": "j-2AXXXXXXGAPLF"})
