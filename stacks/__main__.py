"""The Pulumi program: builds the jobs that the stack's configuration names, see Pulumi.yaml."""

from __future__ import annotations

from dativo_infra.adapters.pulumi import build_stack

build_stack()
