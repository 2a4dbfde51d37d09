"""Kubernetes objects as resources of their kinds, and as manifests."""

from __future__ import annotations

from typing import Any

from dativo_infra.adapters.terraform.native import to_root
from dativo_infra.names import Identity
from dativo_infra.planning import Unit, UnitKind
from dativo_infra.project import AMBIENT, PlacedTarget
from dativo_infra.resources import Lifecycle, Resource
from dativo_infra.resources.kubernetes import KubernetesObject
from dativo_infra.values import Parameter, Ref


def unit(*resources: Resource, target: PlacedTarget = AMBIENT, **changes: Any) -> Unit:
    """Return a unit of some resources."""
    identity = Identity("acme", "prod", "orders")
    return Unit(
        identity=identity,
        kind=UnitKind.JOB,
        component="KubernetesJob",
        owner="terraform",
        target=target,
        jobs=(identity,),
        resources=resources,
        exports={},
        tags={},
        description="objects",
        **changes,
    )


def made(api_version: str, kind: str, body: Any, **fields: Any) -> KubernetesObject:
    """Return an object."""
    return KubernetesObject(
        key="thing", api_version=api_version, kind=kind, name="x", body=body, **fields
    )


def lowered(*resources: KubernetesObject) -> dict[str, Any]:
    """Return the body of the only block of a type, by type."""
    found = to_root(unit(*resources)).document["resource"]
    return {type_: body for type_, bodies in found.items() for body in bodies.values()}


def test_fields_are_renamed_by_rule() -> None:
    """Names are in snake case, lists of blocks in the singular; a user's keys stay as they are."""
    spec = {
        "serviceAccountName": "a",
        "nodeSelector": {"kubernetes.io/os": "linux", "camelCase": "x"},
        "containers": [{"name": "c", "envFrom": [{"configMapRef": {"name": "m"}}]}],
        "volumes": [{"name": "v", "emptyDir": {}}],
        "imagePullSecrets": [{"name": "s"}],
    }
    template = {"metadata": {"labels": {"appKind": "x"}}, "spec": spec}
    body = {"spec": {"timeZone": "UTC", "jobTemplate": {"spec": {"template": template}}}}
    read = lowered(made("batch/v1", "CronJob", body))["kubernetes_cron_job_v1"]
    assert read["spec"]["timezone"] == "UTC"
    inner = read["spec"]["job_template"]["spec"]["template"]
    assert inner["metadata"] == {"labels": {"appKind": "x"}}
    assert inner["spec"] == {
        "service_account_name": "a",
        "node_selector": {"kubernetes.io/os": "linux", "camelCase": "x"},
        "container": [{"name": "c", "env_from": [{"config_map_ref": {"name": "m"}}]}],
        "volume": [{"name": "v", "empty_dir": {}}],
        "image_pull_secrets": [{"name": "s"}],
    }


def test_containers_are_not_root_where_their_pod_is_not() -> None:
    """A container with a security context says itself what its pod says, unless it says more."""
    containers = [
        {"name": "a", "securityContext": {"privileged": False}},
        {"name": "b"},
        {"name": "c", "securityContext": {"runAsNonRoot": False}},
    ]
    pod = {"securityContext": {"runAsNonRoot": True}, "containers": containers}
    job = made("batch/v1", "Job", {"spec": {"template": {"spec": pod}}})
    read = lowered(job)["kubernetes_job_v1"]["spec"]["template"]["spec"]["container"]
    assert [each.get("security_context", {}).get("run_as_non_root") for each in read] == [
        True,
        None,
        False,
    ]


def test_secrets_are_handed_over_as_text() -> None:
    """The provider encodes `data`, so what is encoded already is `binary_data`."""
    body = {
        "type": "Opaque",
        "stringData": {"A": Parameter("TOKEN", "secret")},
        "data": {"B": "Yg"},
    }
    root = to_root(unit(made("v1", "Secret", body)))
    (read,) = root.document["resource"]["kubernetes_secret_v1"].values()
    assert read["data"] == {"A": "${var.token}"}
    assert read["binary_data"] == {"B": "Yg"}
    assert root.document["variable"]["token"]["sensitive"] is True


def test_a_volume_says_apart_what_it_is_made_of() -> None:
    """The source of a volume is a block of its own."""
    spec = {"capacity": {"storage": "1Gi"}, "csi": {"driver": "d", "volumeHandle": "h"}}
    read = lowered(made("v1", "PersistentVolume", {"spec": spec}))
    assert read["kubernetes_persistent_volume_v1"]["spec"] == {
        "capacity": {"storage": "1Gi"},
        "persistent_volume_source": {"csi": {"driver": "d", "volume_handle": "h"}},
    }


def test_what_the_types_cannot_say_is_a_manifest() -> None:
    """Custom resources, and a claim that wants no class, are manifests as they are."""
    claim = made("v1", "PersistentVolumeClaim", {"spec": {"storageClassName": ""}})
    custom = made("ray.io/v1", "RayCluster", {"spec": {"headGroupSpec": {"a": [1]}}}, namespace="n")
    for each in (claim, custom):
        (read,) = lowered(each).values()
        assert list(lowered(each)) == ["kubernetes_manifest"]
        assert read["manifest"]["apiVersion"] == each.api_version
        assert read["manifest"]["spec"] == each.body["spec"]
    other = made("v1", "PersistentVolumeClaim", {"spec": {"storageClassName": "gp3"}})
    assert lowered(other)["kubernetes_persistent_volume_claim_v1"]["wait_until_bound"] is False


def test_what_something_else_owns_is_ignored() -> None:
    """A field that is ignored is an address of a resource, or a computed field of a manifest."""
    lifecycle = Lifecycle(ignore=("body.spec.suspend",))
    job = made("batch/v1", "CronJob", {"spec": {"schedule": "x"}}, lifecycle=lifecycle)
    read = lowered(job)["kubernetes_cron_job_v1"]
    assert read["lifecycle"] == {"ignore_changes": ["spec[0].suspend"]}
    ray = made("ray.io/v1", "RayCluster", {"spec": {}}, lifecycle=lifecycle)
    assert lowered(ray)["kubernetes_manifest"]["computed_fields"] == [
        "metadata.annotations",
        "metadata.labels",
        "spec.suspend",
    ]


def test_objects_are_referred_to_by_name() -> None:
    """A reference to an object is its name, of a resource and of a manifest."""
    root = to_root(
        unit(
            made("v1", "ConfigMap", {}),
            KubernetesObject(key="ray", api_version="ray.io/v1", kind="RayCluster", name="r"),
            KubernetesObject(
                key="second",
                api_version="v1",
                kind="ConfigMap",
                name="y",
                body={"data": {"a": Ref("thing", "name"), "b": Ref("ray", "name")}},
            ),
        )
    )
    read = root.document["resource"]["kubernetes_config_map_v1"]["second"]
    assert read["data"] == {
        "a": "${kubernetes_config_map_v1.thing.metadata[0].name}",
        "b": "${kubernetes_manifest.ray.manifest.metadata.name}",
    }


def test_the_cluster_is_never_the_current_one_by_accident() -> None:
    """The target's context is in the root; without one the root asks for it."""
    thing = made("v1", "ConfigMap", {})
    known = unit(thing, target=PlacedTarget(name="prod", kubernetes_context="prod-eu"))
    document = to_root(known).document
    assert document["provider"] == {"kubernetes": {"config_context": "prod-eu"}}
    assert "variable" not in document
    document = to_root(unit(thing)).document
    assert document["provider"]["kubernetes"] == {"config_context": "${var.kubernetes_context}"}
    assert "default" not in document["variable"]["kubernetes_context"]
