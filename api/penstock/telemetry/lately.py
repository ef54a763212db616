"""What was counted in the last minutes. The counts only grow: readings of them are kept, and subtracted."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from operator import add
from typing import NamedTuple

from penstock.telemetry.metrics import SECONDS, Metrics

EVERY_S = 5.0
KEPT = 60
NOT_GENERATING = frozenset({"models", "admin", "other"})
"""Surfaces whose requests no model answers."""
ERRORS = frozenset({"failed", "timeout", "broken", "bug"})
"""Outcomes that are not the client's doing, and no lack of room."""


def _buckets() -> list[int]:
    return [0] * (len(SECONDS) + 1)


@dataclass(slots=True)
class Counts:
    """Of one model, or of all. `answered`: a target was asked; `seconds`, `first_token`: how many in each bucket."""

    requests: float = 0.0
    errors: float = 0.0
    answered: float = 0.0
    fallbacks: float = 0.0
    output_tokens: float = 0.0
    cost_usd: float = 0.0
    saved_usd: float = 0.0
    seconds: list[int] = field(default_factory=_buckets)
    first_token: list[int] = field(default_factory=_buckets)

    def add(self, other: Counts, sign: int = 1) -> Counts:
        """Add them to these; these."""
        self.requests += sign * other.requests
        self.errors += sign * other.errors
        self.answered += sign * other.answered
        self.fallbacks += sign * other.fallbacks
        self.output_tokens += sign * other.output_tokens
        self.cost_usd += sign * other.cost_usd
        self.saved_usd += sign * other.saved_usd
        self.seconds = [a + sign * b for a, b in zip(self.seconds, other.seconds, strict=True)]
        self.first_token = [a + sign * b for a, b in zip(self.first_token, other.first_token, strict=True)]
        return self


class Reading(NamedTuple):
    """All counts since the start, by model. `at` is monotonic."""

    at: float
    models: Mapping[str, Counts]
    total: Counts


class Span(NamedTuple):
    """What came in between two readings."""

    seconds: float
    models: Mapping[str, Counts]
    total: Counts


class Lately:
    """Keeps a reading each `EVERY_S`. `clock` is monotonic, in seconds."""

    def __init__(self, metrics: Metrics, clock: Callable[[], float]) -> None:
        self._metrics = metrics
        self._clock = clock
        self._readings = deque([self.read()], maxlen=KEPT + 1)

    async def run(self) -> None:
        """Read until cancelled."""
        while True:
            await asyncio.sleep(EVERY_S)
            self.keep()

    def keep(self) -> None:
        self._readings.append(self.read())

    def span(self, limit_s: float = KEPT * EVERY_S) -> Span:
        """The last so many seconds, or as many as are known."""
        now = self.read()
        since = next((each for each in self._readings if now.at - each.at <= limit_s), now)
        models = {name: counts.add(since.models.get(name, Counts()), -1) for name, counts in now.models.items()}
        return Span(now.at - since.at, models, now.total.add(since.total, -1))

    def series(self) -> Iterator[tuple[float, float]]:
        """Requests and errors a second, between each two readings, the oldest first."""
        for before, after in pairwise((each.at, each.total) for each in self._readings):
            seconds = max(after[0] - before[0], 1e-3)
            requests = (after[1].requests - before[1].requests) / seconds
            yield requests, (after[1].errors - before[1].errors) / seconds

    def read(self) -> Reading:
        """The counts now."""
        models: defaultdict[str, Counts] = defaultdict(Counts)
        self._read_requests(models)
        self._read_sums(models)
        return Reading(self._clock(), models, _total(models.values()))

    def _read_requests(self, models: defaultdict[str, Counts]) -> None:
        for (surface, model, kind, outcome), counter in self._metrics.requests.items():
            if surface not in NOT_GENERATING:
                counts = models[model]
                counts.requests += counter.value
                counts.errors += counter.value * (outcome in ERRORS)
                counts.answered += counter.value * (kind != "none")
        for (_, model, kind), histogram in self._metrics.request_seconds.items():
            if kind != "none":
                counts = models[model]
                counts.seconds = list(map(add, counts.seconds, histogram.counts))
        for (model, _), histogram in self._metrics.first_token_seconds.items():
            counts = models[model]
            counts.first_token = list(map(add, counts.first_token, histogram.counts))

    def _read_sums(self, models: defaultdict[str, Counts]) -> None:
        for (model, _), counter in self._metrics.fallback.items():
            models[model].fallbacks += counter.value
        for (model, _, what), counter in self._metrics.tokens.items():
            models[model].output_tokens += counter.value * (what != "input")
        for (model, _), counter in self._metrics.cost_usd.items():
            models[model].cost_usd += counter.value
        for (model,), counter in self._metrics.saved_usd.items():
            models[model].saved_usd += counter.value


def _total(all_counts: Iterable[Counts]) -> Counts:
    total = Counts()
    for counts in all_counts:
        total.add(counts)
    return total


def percentile(share: float, counts: Sequence[int], bounds: Sequence[float] = SECONDS) -> float | None:
    """Under which so large a share lies, as if each bucket were filled evenly; None of nothing."""
    wanted = share * sum(counts)
    if not wanted:
        return None
    below, lower = 0, 0.0
    for count, upper in zip(counts, bounds, strict=False):
        if count and below + count >= wanted:
            return lower + (upper - lower) * (wanted - below) / count
        below, lower = below + count, upper
    return bounds[-1]  # it is more
