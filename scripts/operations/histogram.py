"""A histogram's counts, and the quantiles that can be read from them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Histogram:
    """Upper bounds, rising, the last infinite; and how many values lie at or below each."""

    bounds: tuple[float, ...]
    below: tuple[int, ...]

    @property
    def count(self) -> int:
        return self.below[-1] if self.below else 0

    def bucket(self, quantile: float) -> int:
        """Where the quantile lies."""
        wanted = quantile * self.count
        return next(at for at, below in enumerate(self.below) if below >= wanted)

    def quantile(self, quantile: float) -> float:
        """As Prometheus reads it: on a line through its bucket; the last finite bound for what lies beyond."""
        at = self.bucket(quantile)
        if math.isinf(self.bounds[at]):
            return self.bounds[at - 1]
        low, under = (self.bounds[at - 1], self.below[at - 1]) if at else (0.0, 0)
        held = self.below[at] - under
        return low + (self.bounds[at] - low) * (quantile * self.count - under) / held if held else self.bounds[at]

    def above(self, bucket: int) -> int:
        """How many values lie beyond this bucket."""
        return self.count - self.below[bucket]


def histogram_of(counts: Mapping[str, float]) -> Histogram:
    """From counts by `le`, as Prometheus has them."""
    ordered = sorted((float(bound), count) for bound, count in counts.items())
    return Histogram(tuple(bound for bound, _ in ordered), tuple(round(count) for _, count in ordered))
