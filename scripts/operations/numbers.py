"""Numbers that a person writes, held to their limits."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable


def within(low: float, high: float) -> Callable[[str], float]:
    """What reads a number from one to the other."""

    def number(text: str) -> float:
        value = float(text)
        if not (math.isfinite(value) and low <= value <= high):
            raise argparse.ArgumentTypeError(f"from {low:g} to {high:g}")
        return value

    return number


def share(text: str) -> float:
    """Percent, as a share."""
    return within(0, 100)(text) / 100
