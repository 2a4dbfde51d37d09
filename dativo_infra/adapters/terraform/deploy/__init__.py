"""Running terraform or tofu: fetching modules, and working on roots."""

from dativo_infra.adapters.terraform.deploy.binary import Binary, find_binary
from dativo_infra.adapters.terraform.deploy.fetching import Fetcher

__all__ = ["Binary", "Fetcher", "find_binary"]
