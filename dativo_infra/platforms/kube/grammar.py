"""What Kubernetes accepts: names, quantities, schedules and networks."""

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

_CRON_FIELDS = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of month", 1, 31, ()),
    (
        "month",
        1,
        12,
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
    ),
    ("day of week", 0, 6, ("sun", "mon", "tue", "wed", "thu", "fri", "sat")),
)
_CRON_WORDS = ("@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually")
_CRON_EVERY = re.compile(r"@every (?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+")


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


def cron(text: str) -> str | None:
    """Return what is wrong with a schedule, or None.

    Kubernetes reads it by https://pkg.go.dev/github.com/robfig/cron/v3, where Sunday is 0 only.
    """
    if text in _CRON_WORDS or _CRON_EVERY.fullmatch(text):
        return None
    parts = text.split()
    if len(parts) != len(_CRON_FIELDS):
        return "must be a cron expression of five fields, such as `0 3 * * *`"
    for part, (what, least, most, names) in zip(parts, _CRON_FIELDS, strict=True):
        for item in part.split(","):
            if not _cron_item(item, least, most, names):
                return f"has `{item}` for the {what}, which goes from {least} to {most}"
    return None


def _cron_item(item: str, least: int, most: int, names: tuple[str, ...]) -> bool:
    span, slash, step = item.partition("/")
    if slash and not (re.fullmatch("[0-9]{1,4}", step) and int(step) > 0):
        return False
    if span in {"*", "?"}:
        return True
    ends = [_cron_number(end, least, names) for end in span.split("-")]
    return len(ends) <= 2 and least <= min(ends) and ends == sorted(ends) and ends[-1] <= most


def _cron_number(text: str, least: int, names: tuple[str, ...]) -> int:
    if text.lower() in names:
        return names.index(text.lower()) + least
    return int(text) if re.fullmatch("[0-9]{1,4}", text) else -1


def network(text: str) -> IPv4Network | IPv6Network | None:
    """Return the network that a text such as `10.0.0.0/16` means, or None."""
    try:
        return ip_network(text)
    except ValueError:
        return None
