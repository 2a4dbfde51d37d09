"""Texts as Terraform's languages have them, so that nothing of them is evaluated.

Source: https://developer.hashicorp.com/terraform/language/expressions/strings#escape-sequences
"""

from __future__ import annotations

import json
import re

_ESCAPES = {"b": r"\u0008", "f": r"\u000c"}


def escaped(text: str) -> str:
    """Return a text as a template that gives it."""
    return text.replace("${", "$${").replace("%{", "%%{")


def quoted(text: str) -> str:
    """Return a text as it stands between the quotes of an expression."""
    # Of JSON's own escapes the native syntax lacks these two.
    written = json.dumps(escaped(text), ensure_ascii=False)[1:-1]
    return re.sub(r"\\(\\|b|f)", lambda match: _ESCAPES.get(match[1], match[0]), written)
