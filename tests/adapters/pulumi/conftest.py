"""Units built by hand, and what becomes of them in Pulumi."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from dativo_infra.adapters.pulumi.build import build_units
from dativo_infra.names import Identity
from dativo_infra.planning import Unit, UnitKind
from dativo_infra.project import AMBIENT
from dativo_infra.testing import Recording, record

if TYPE_CHECKING:
    import pulumi

    from dativo_infra.resources import Resource

EXPORTS = {
    "DatabricksCluster": (),
    "EcsCluster": ("ecs_cluster_arn", "ecs_cluster_name"),
    "EcsService": (
        "ecs_cluster_arn",
        "ecs_cluster_name",
        "ecs_task_definition_arn",
        "ecs_task_family",
        "ecs_task_role_arn",
        "ecs_log_group",
    ),
    "EmrCluster": ("emr_cluster_id", "emr_master_public_dns", "emr_log_bucket"),
    "KubernetesNamespace": ("kubernetes_namespace",),
    "KubernetesServiceAccount": ("kubernetes_service_account",),
    "KubernetesJob": (
        "kubernetes_cron_job",
        "kubernetes_namespace",
        "kubernetes_service_account",
        "kubernetes_config_map",
    ),
}

MakeUnit = Callable[..., Unit]
Built = Callable[..., Recording]


@pytest.fixture
def make_unit() -> MakeUnit:
    """Return a function that puts resources into a unit, by default of acme/prod/orders."""

    def make(*resources: Resource, component: str = "EmrCluster", **changes: Any) -> Unit:
        identity = changes.pop("identity", Identity("acme", "prod", "orders"))
        base: dict[str, Any] = {
            "identity": identity,
            "kind": UnitKind.JOB,
            "component": component,
            "owner": "pulumi",
            "target": AMBIENT,
            "jobs": (identity,),
            "resources": resources,
            "exports": dict.fromkeys(EXPORTS[component], "exported"),
            "tags": {},
            "description": "unit of a test",
        }
        return Unit(**{**base, **changes})

    return make


@pytest.fixture
def built(make_unit: MakeUnit) -> Built:
    """Return a function that builds resources as one unit and records what was registered."""

    def build(
        *resources: Resource,
        parameters: dict[str, Any] | None = None,
        opts: Callable[[], pulumi.ResourceOptions] | None = None,
        preview: bool = False,
        outputs: dict[str, dict[str, Any]] | None = None,
        **changes: Any,
    ) -> Recording:
        def program() -> None:
            unit = make_unit(*resources, **changes)
            build_units([unit], parameters=parameters, opts=opts() if opts else None)

        config = {"kubernetes:context": "test", "databricks:host": "https://test"}
        return record(program, preview=preview, outputs=outputs, config=config)

    return build
