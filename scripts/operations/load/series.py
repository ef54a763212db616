"""The run, cut into slices of time by when requests were due."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from operations.load.outcome import Sample, quantiles

MOST = 120
"""Slices: more than a picture can show."""


@dataclass(frozen=True, slots=True)
class Slice:
    """`ended` counts by how they ended, `in_flight` is the most that were open at once. Times as in a summary."""

    start: float
    seconds: float
    ended: dict[str, int]
    latency_s: dict[str, float]
    first_token_s: dict[str, float]
    in_flight: int

    @property
    def arrivals(self) -> float:
        """A second."""
        return sum(self.ended.values()) / self.seconds


def slices(samples: Sequence[Sample]) -> list[Slice]:
    """Whole seconds each, from the beginning to the last request that was due."""
    if not samples:
        return []
    lasted = max(sample.due for sample in samples)
    width = max(1, math.ceil((lasted + 1e-9) / MOST))
    among: defaultdict[int, list[Sample]] = defaultdict(list)
    for sample in samples:
        among[int(sample.due / width)].append(sample)
    count = int(lasted / width) + 1
    most = _in_flight(samples, width, count)
    return [_slice(number, width, among[number], most[number]) for number in range(count)]


def _slice(number: int, width: int, samples: Sequence[Sample], in_flight: int) -> Slice:
    timed = [sample for sample in samples if sample.timed]
    return Slice(
        number * width,
        width,
        dict(Counter(sample.ended for sample in samples)),
        quantiles(sample.seconds for sample in timed),
        quantiles(sample.first_token_s for sample in timed if sample.stream and sample.first_token_s),
        in_flight,
    )


def _in_flight(samples: Sequence[Sample], width: int, count: int) -> list[int]:
    spans = ((sample.due + sample.late_s, sample.due + sample.seconds) for sample in samples)
    moves = sorted(move for start, end in spans for move in ((start, 1), (end, -1)))
    most, now, at = [0] * count, 0, 0
    for when, step in moves:
        while at < count - 1 and when >= (at + 1) * width:
            at += 1
            most[at] = now
        if when >= count * width:
            break
        now += step
        most[at] = max(most[at], now)
    return most
