"""Makes the SDK in `vendor` importable, as `pointsman plugin build` does."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "vendor"))
