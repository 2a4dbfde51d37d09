"""The parts of a URN.

Source: https://www.pulumi.com/docs/iac/concepts/resources/names/#urns
"""

from __future__ import annotations


def name_of(urn: str) -> str:
    """Return the logical name in a URN."""
    return urn.rpartition("::")[2]


def type_of(urn: str) -> str:
    """Return the type in a URN, without those of its parents; nothing where there is no URN."""
    return "" if not urn else urn.split("::", 2)[2].rpartition("::")[0].rpartition("$")[2]
