"""When requests are due: a rate that changes over time, and the gaps between one request and the next."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, pairwise

ALMOST = 1e-9
"""Of a request: sums of fractions are not exact."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Requests a second at some moments, in seconds and in order; straight lines between them."""

    points: tuple[tuple[float, float], ...]

    def even(self) -> Iterator[float]:
        """As a clock would send them; the first at once."""
        yield from self._at(float(number) for number in count())

    def poisson(self, seed: int) -> Iterator[float]:
        """As many who know nothing of each other would: the gaps are exponential, the rate is only an average."""
        yield from self._at(_sums(random.Random(seed)))

    def _at(self, sums: Iterator[float]) -> Iterator[float]:
        """The moments at which the requests asked for until then reach these sums."""
        wanted, before = next(sums), 0.0
        for (start, low), (end, high) in pairwise(self.points):
            area = (low + high) / 2 * (end - start)
            while wanted < before + area - ALMOST:
                yield start + _reached(wanted - before, low, (high - low) / (end - start))
                wanted = next(sums)
            before += area


def constant(rate: float, seconds: float) -> Rate:
    return Rate(((0, rate), (seconds, rate)))


def ramp(rate: float, to: float, seconds: float) -> Rate:
    """From one rate to the other."""
    return Rate(((0, rate), (seconds, to)))


def spike(rate: float, to: float, seconds: float, lasting: float) -> Rate:
    """Suddenly another rate for so long, in the middle."""
    start = (seconds - lasting) / 2
    end = start + lasting
    return Rate(((0, rate), (start, rate), (start, to), (end, to), (end, rate), (seconds, rate)))


def _reached(area: float, rate: float, slope: float) -> float:
    """After how many seconds a rate that changes by `slope` a second has added up to so much."""
    if area <= 0:
        return 0.0
    return 2 * area / (rate + math.sqrt(max(0.0, rate * rate + 2 * slope * area)))


def _sums(chance: random.Random) -> Iterator[float]:
    total = 0.0
    while True:
        total += chance.expovariate(1)
        yield total
