"""The policy pack, which the Pulumi engine runs."""

from __future__ import annotations

from pulumi_policy import EnforcementLevel, PolicyPack

from dativo_infra.adapters.pulumi.policy import POLICIES

if __name__ == "__main__":
    PolicyPack("dativo", [*POLICIES], EnforcementLevel.MANDATORY)
