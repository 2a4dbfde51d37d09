"""A fleet of jobs in a program of one's own, beside whatever else the program builds."""

from __future__ import annotations

from pathlib import Path

import pulumi

from dativo_infra import load, load_project
from dativo_infra.adapters.pulumi import EmrCluster, build

folder = Path(pulumi.get_root_directory()).parents[1] / "jobs"
project, _ = load_project(near=[str(folder)])

# Builds the jobs whose provider is pulumi; raises before anything is registered if one
# of them is wrong.
components = build(load([folder]), project=project)

for name, component in components.items():
    if isinstance(component, EmrCluster):
        pulumi.export(name, component.cluster_id)
