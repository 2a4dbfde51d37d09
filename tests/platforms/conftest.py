"""Gives the fixture that the tests of planning use."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "planning"))

from making import make  # pyright: ignore[reportMissingImports]

__all__ = ["make"]
