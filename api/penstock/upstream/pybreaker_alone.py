"""pybreaker, without Redis's client: it imports that wherever it is installed, and makes no use of it here: 6 MB."""

from __future__ import annotations

import sys

_unasked = "redis" not in sys.modules
if _unasked:
    sys.modules["redis"] = None  # type: ignore[assignment]  # an import fails then, as if it were not installed
try:
    import pybreaker
finally:
    if _unasked:
        del sys.modules["redis"]

__all__ = ["pybreaker"]
