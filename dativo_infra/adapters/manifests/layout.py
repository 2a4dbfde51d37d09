"""Where things are written: a folder for each cluster, in it one for each unit.

    clusters/acme-prod/kustomization.yaml                      all units of a cluster
    clusters/acme-prod/acme-prod-orders/kustomization.yaml     the objects of a unit, in order
    clusters/acme-prod/acme-prod-orders/cron-job.yaml          an object, called as its key
    argocd/, flux/acme-prod/, pulumi-operator/                 what applies them, by `gitops`

The first line of a file says whose it is. So a later run knows what an earlier one wrote, and no
list of all files has to be merged when two people each add a job.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dativo_infra.adapters.manifests.yaml import to_yaml
from dativo_infra.diagnostics import DiagnosticError
from dativo_infra.diagnostics.rules import UNSAFE_OUTPUT
from dativo_infra.names import KUBERNETES, Identity, render, render_word
from dativo_infra.planning.result import UnitKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from dativo_infra.planning.result import Unit

CLUSTERS = "clusters"
ROOTS = (CLUSTERS, "argocd", "flux", "pulumi-operator")
"""The folders in which everything is written."""
KUSTOMIZATION = "kustomization.yaml"
IN_CLUSTER = "in-cluster"
"""The cluster of jobs without a target, as Argo CD calls the one that it runs in itself."""

FIRST = ["Namespace", "ResourceQuota", "LimitRange", "ServiceAccount"]
LAST = [
    "RayCluster",
    "DaskCluster",
    "DaskAutoscaler",
    "SparkApplication",
    "ScheduledSparkApplication",
    "CronJob",
]
"""The kinds that start pods, which wait for all others: by itself Kustomize would put a network
policy after them.

Source: https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/sortoptions/
"""

_MARK = re.compile(r'# Written by dativo-infra(?: for (?P<job>"([^"\\]|\\u[0-9a-f]{4})+"))?\.\n')
_LONGEST_MARK = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """The folder of a unit."""

    unit: Unit

    @property
    def cluster(self) -> str:
        """What the folder of the unit's cluster is called."""
        name = self.unit.target.name
        return render_word(name, KUBERNETES) if name else IN_CLUSTER

    @property
    def name(self) -> str:
        """What the unit is called, as a folder and as an object of GitOps."""
        return name_of(self.unit.identity)

    @property
    def path(self) -> str:
        """Return the path below the output folder."""
        return f"{CLUSTERS}/{self.cluster}/{self.name}"

    @property
    def job(self) -> Identity | None:
        """The job that the unit is for; None where jobs share it."""
        return self.unit.identity if self.unit.kind is UnitKind.JOB else None


def name_of(identity: Identity) -> str:
    """Return what a unit is called, as a folder and as an object of GitOps."""
    return render(identity, KUBERNETES)


def text_of(data: Mapping[str, Any], job: Identity | None = None) -> str:
    """Return a file's text, which says whose it is."""
    whose = f" for {json.dumps(str(job))}" if job else ""
    return f"# Written by dativo-infra{whose}.\n{to_yaml(data)}"


def kustomization(resources: Iterable[str], job: Identity | None = None) -> str:
    """Return a list of what belongs together, for `kubectl apply -k`.

    Objects are applied by kind, so what is listed may stand in any order.
    """
    data = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "sortOptions": {
            "order": "legacy",
            "legacySortOptions": {"orderFirst": FIRST, "orderLast": LAST},
        },
        "resources": list(resources),
    }
    return text_of(data, job)


def written_before(folder: Path) -> dict[str, str | None]:
    """Return the files that earlier runs wrote, each with the identity of the job it is for.

    Raises:
        DiagnosticError: one cannot be read, so that it is not known whose it is.
    """
    found: dict[str, str | None] = {}
    for root in ROOTS:
        for path in sorted((folder / root).rglob("*.yaml")):
            try:
                with path.open(encoding="utf-8", errors="replace") as file:
                    match = _MARK.fullmatch(file.readline(_LONGEST_MARK))
            except OSError as error:
                what = f"`{path}` cannot be read: {error.strerror}."
                raise DiagnosticError([UNSAFE_OUTPUT.at(None, what)]) from error
            if match:
                job = match["job"]
                found[path.relative_to(folder).as_posix()] = json.loads(job) if job else None
    return found


def listings(names: Iterable[str]) -> dict[str, str]:
    """Return the lists of what is in each cluster's folder, and in those of GitOps.

    Args:
        names: All files that there are, but for these lists.
    """
    found: dict[str, set[str]] = {}
    for name in names:
        parts = name.split("/")
        depth = 2 if parts[0] == CLUSTERS else len(parts) - 1
        found.setdefault("/".join(parts[:depth]), set()).add(parts[depth])
    return {
        f"{group}/{KUSTOMIZATION}": kustomization(sorted(entries))
        for group, entries in sorted(found.items())
    }


def is_listing(name: str) -> bool:
    """Return whether a file is one of `listings`, and not the list of a unit's own objects."""
    *above, last = name.split("/")
    return last == KUSTOMIZATION and not (above[0] == CLUSTERS and len(above) == 3)
