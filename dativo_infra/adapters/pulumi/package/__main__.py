"""The component package's plugin, which the Pulumi engine runs."""

from __future__ import annotations

from dativo_infra.adapters.pulumi.package import host

if __name__ == "__main__":
    host()
