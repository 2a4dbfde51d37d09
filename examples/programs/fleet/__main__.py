"""A fleet of jobs in a program of one's own, beside whatever else the program builds."""

from __future__ import annotations

import pulumi

from dativo_infra.adapters.pulumi import EmrCluster, build

# Builds the jobs whose provider is pulumi, as the dativo-infra.yaml above them says; raises before
# anything is registered if one of them is wrong. The path begins at the folder of Pulumi.yaml.
components = build(["../../jobs"])

for name, component in components.items():
    if isinstance(component, EmrCluster):
        pulumi.export(name, component.cluster_id)
