"""Running terraform or tofu: fetching modules, and working on roots."""

from dativo_infra.adapters.terraform.deploy.binary import Binary, find_binary
from dativo_infra.adapters.terraform.deploy.fetching import Fetcher
from dativo_infra.adapters.terraform.deploy.site import Site
from dativo_infra.adapters.terraform.deploy.working import (
    deploy,
    destroy,
    doomed,
    outputs,
    preview,
    root_outputs,
)

__all__ = [
    "Binary",
    "Fetcher",
    "Site",
    "deploy",
    "destroy",
    "doomed",
    "find_binary",
    "outputs",
    "preview",
    "root_outputs",
]
