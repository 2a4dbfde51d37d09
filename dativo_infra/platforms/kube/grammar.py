"""What Kubernetes accepts: names, quantities and networks."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_network

_LABEL = "[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_NAMESPACE = re.compile(_LABEL)
_SUBDOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")

_UNITS = {
    "": 1.0, "n": 1e-9, "u": 1e-6, "m": 1e-3,
    "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18,
    "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50, "Ei": 2.0**60,
}  # fmt: skip
_QUANTITY = re.compile(
    r"\+?(?P<number>[0-9]+\.?[0-9]*|\.[0-9]+)"
    r"(?:(?P<unit>[numkMGTPE]|[KMGTPE]i)|[eE](?P<exponent>[+-]?[0-9]{1,3}))?"
)

_SIZE = re.compile(r"(?P<number>[0-9]+(?:\.[0-9]+)?) ?(?P<unit>[kKMGTP]i?)?[bB]?")


def is_namespace(text: str) -> bool:
    """Return whether a text may be the name of a namespace (a DNS label).

    Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
    """
    return len(text) <= 63 and _NAMESPACE.fullmatch(text) is not None


def is_subdomain(text: str) -> bool:
    """Return whether a text may name an object of most kinds (a DNS subdomain)."""
    return len(text) <= 253 and _SUBDOMAIN.fullmatch(text) is not None


def quantity(text: str) -> str | None:
    """Return what is wrong with a quantity, or None; none that is asked for here is negative.

    Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
    """
    return None if _QUANTITY.fullmatch(text) else "must be a quantity such as 500m, 2 or 8Gi"


def amount(text: str) -> float:
    """Return the number that a quantity means; 0 for a text that is none."""
    match = _QUANTITY.fullmatch(text)
    if match is None:
        return 0.0
    return float(f"{match['number']}e{match['exponent'] or 0}") * _UNITS[match["unit"] or ""]


def size(text: str) -> int | None:
    """Return the bytes that a text such as `20GB`, `20GiB`, `20Gi` or `1000000` means, or None."""
    match = _SIZE.fullmatch(text)
    if match is None:
        return None
    unit = (match["unit"] or "").replace("k", "K")
    return round(float(match["number"]) * (1e3 if unit == "K" else _UNITS[unit]))


def network(text: str) -> IPv4Network | IPv6Network | None:
    """Return the network that a text such as `10.0.0.0/16` means, or None."""
    try:
        return ip_network(text)
    except ValueError:
        return None
