"""Under which conditions something is measured, and what comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.programs import Running

Figures = dict[str, float]


@dataclass(frozen=True)
class Conditions:
    """How long, beside what."""

    seconds: float
    warm_s: float
    memory_requests: int
    memory_limit_s: float
    folder: Path
    direct: Running
    """The back end itself, asked without a program between."""


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return float(ordered[min(len(ordered) - 1, int(len(ordered) * share))]) if ordered else float("nan")
