"""The Pulumi program: builds the jobs that the stack's configuration names.

    pulumi stack init dev
    pulumi up
"""

from __future__ import annotations

from dativo_infra.adapters.pulumi import build_stack

build_stack()
