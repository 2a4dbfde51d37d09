"""What a root's folder gives the program, of which a script tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dativo_infra.adapters.terraform.deploy import Binary, Site
from dativo_infra.names import Identity
from dativo_infra.planning import Unit, UnitKind
from dativo_infra.project import AMBIENT
from dativo_infra.resources.ecs import EcsCluster
from dativo_infra.resources.kubernetes import KubernetesObject

if TYPE_CHECKING:
    from pathlib import Path

    from dativo_infra.resources import Resource

SCRIPT = """\
#!/bin/sh
printf %s "$KUBE_CONFIG_PATHS" > "$0.told"
echo '{}'
"""
NAMESPACE = KubernetesObject(key="namespace", api_version="v1", kind="Namespace", name="x")
CLUSTER = EcsCluster(key="cluster", name="x", tags={})


@pytest.mark.parametrize(
    ("resource", "environment", "told"),
    [
        (NAMESPACE, {"KUBECONFIG": "/etc/one:/etc/two"}, "/etc/one:/etc/two"),
        (NAMESPACE, {"KUBECONFIG": "/etc/one", "KUBE_CONFIG_PATHS": "/etc/own"}, "/etc/own"),
        (NAMESPACE, {"KUBECONFIG": "/etc/one", "KUBE_CONFIG_PATH": "/etc/own"}, ""),
        (NAMESPACE, {}, "{home}/.kube/config"),
        (CLUSTER, {"KUBECONFIG": "/etc/one"}, ""),
    ],
)
def test_the_kubeconfig_is_the_one_of_kubectl(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    resource: Resource,
    environment: dict[str, str],
    told: str,
) -> None:
    """The provider does not read KUBECONFIG, so it is told, where there are objects for it."""
    for name in ("KUBECONFIG", "KUBE_CONFIG_PATH", "KUBE_CONFIG_PATHS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HOME": str(tmp_path), **environment}.items():
        monkeypatch.setenv(name, value)
    (tmp_path / ".kube").mkdir()
    (tmp_path / ".kube" / "config").touch()
    script = tmp_path / "script"
    script.write_text(SCRIPT)
    script.chmod(0o755)
    identity = Identity("acme", "prod", "orders")
    unit = Unit(
        identity=identity,
        kind=UnitKind.JOB,
        component="Anything",
        owner="terraform",
        target=AMBIENT,
        jobs=(identity,),
        resources=(resource,),
        exports={},
        tags={},
        description="",
    )
    site = Site(unit=unit, workdir=tmp_path, binary=Binary(path=str(script)))
    site.folder.mkdir()
    assert site.held() == []
    assert (tmp_path / "script.told").read_text() == told.format(home=tmp_path)
