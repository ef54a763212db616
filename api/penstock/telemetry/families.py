"""Counters and histograms for one thread: plain numbers, turned into prometheus-client's samples when they are read.

The library's own take a lock for every addition and walk their buckets: six to eight times the cost, on every request.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import ItemsView, Iterator, Sequence
from itertools import accumulate
from typing import Generic, TypeVar

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar
from prometheus_client.utils import floatToGoString


class Counter:
    """It only grows."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0

    def inc(self, amount: float = 1.0) -> None:
        self.value += amount


class Histogram:
    """Values by the smallest bound that they do not exceed."""

    __slots__ = ("bounds", "counts", "exemplars", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0
        self.exemplars: dict[int, tuple[str, float, float]] = {}
        """The last of each bucket: trace, value, time."""

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def exemplify(self, value: float, trace_id: str) -> None:
        """Tell the trace of a value that was observed."""
        self.exemplars[bisect_left(self.bounds, value)] = (trace_id, value, time.time())


Child = TypeVar("Child")


class Family(Collector, Generic[Child]):
    """All with one name."""

    def __init__(self, name: str, says: str, labels: Sequence[str]) -> None:
        self._told = (name, says)
        self._labels = labels
        self._children: dict[tuple[str, ...], Child] = {}

    def of(self, *labels: str) -> Child:
        """The child with these values of the labels, always the same."""
        child = self._children.get(labels)
        if child is None:
            if len(labels) != len(self._labels):
                raise ValueError(f"{self._told[0]} has the labels {self._labels}")
            child = self._children[labels] = self._make()
        return child

    def items(self) -> ItemsView[tuple[str, ...], Child]:
        """The children by their labels' values."""
        return self._children.items()

    def _make(self) -> Child:
        raise NotImplementedError


class Counters(Family[Counter]):
    """Counters of one name."""

    def _make(self) -> Counter:
        return Counter()

    def collect(self) -> Iterator[CounterMetricFamily]:
        family = CounterMetricFamily(*self._told, labels=self._labels)
        for labels, counter in self._children.items():
            family.add_metric(labels, counter.value)
        yield family


class Histograms(Family[Histogram]):
    """Histograms of one name."""

    def __init__(self, name: str, says: str, labels: Sequence[str], bounds: Sequence[float]) -> None:
        super().__init__(name, says, labels)
        self._bounds = bounds

    def _make(self) -> Histogram:
        return Histogram(self._bounds)

    def collect(self) -> Iterator[HistogramMetricFamily]:
        family = HistogramMetricFamily(*self._told, labels=self._labels)
        bounds = [*map(floatToGoString, self._bounds), "+Inf"]
        for labels, histogram in self._children.items():
            counts = map(float, accumulate(histogram.counts))  # each bucket counts the smaller ones too
            told = histogram.exemplars
            buckets = [
                (bound, count, _exemplar(*told[at])) if at in told else (bound, count)
                for at, (bound, count) in enumerate(zip(bounds, counts, strict=True))
            ]
            family.add_metric(labels, buckets, histogram.total)
        yield family


def _exemplar(trace_id: str, value: float, at: float) -> Exemplar:
    return Exemplar({"trace_id": trace_id}, value, at)
