"""Makes the module beside the tests importable, and gives its fixture."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from manifest_jobs import planned

__all__ = ["planned"]
