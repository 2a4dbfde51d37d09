"""Data as YAML that every reader takes for the same, whether it knows YAML 1.1 or 1.2."""

from __future__ import annotations

import re
from typing import Any

import yaml

_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9_./-]*")
"""Text that stands without quotes: no reader takes it for a number, a date or syntax."""
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"})
"""What some reader takes for a boolean, a number or nothing, in whatever case.

Sources: https://yaml.org/type/bool.html, https://yaml.org/spec/1.2.2/#103-core-schema
"""
_ESCAPED = re.compile(
    "[^\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
"""Control characters, and line breaks of YAML 1.1 that are none in YAML 1.2."""

# As the loader: the C library where PyYAML has it, five times as fast.
_Base: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _Dumper(_Base):
    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the name is PyYAML's
        """Write out what stands at two places twice: people read it, and not all readers can."""
        return True


def _represent(dumper: Any, text: str) -> Any:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=_style(text))


def _style(text: str) -> str | None:
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return None
    if _ESCAPED.search(text):
        return '"'
    return "|" if "\n" in text else "'"


_Dumper.add_representer(str, _represent)


def to_yaml(data: Any) -> str:
    """Return plain data as one YAML document, mappings in their own order.

    Text of several lines is a literal block where YAML can write it as one.
    """
    return yaml.dump(
        data,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=False,
        width=1_000_000,  # lines are never folded
    )
