"""Makes the modules beside the tests importable, whatever the tests are started with."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
