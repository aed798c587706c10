"""Makes the SDK importable, as `pointsman plugin build` does."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[4] / "sdk" / "python"))
