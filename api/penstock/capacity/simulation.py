"""One load through one pool, from the first request to the last answer, by the engines' clocks alone."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from itertools import count

from penstock.capacity import scaler
from penstock.capacity.calls import Asked, Call
from penstock.capacity.inputs import Filled
from penstock.capacity.pool import Pool, Replica, Shape

THE_END = 1e9
"""Seconds after which all that can be answered is."""


class Scenario(Enum):
    NOTHING = "nothing fails"
    REPLICA = "one replica lost"
    ZONE = "one zone lost"
    DOUBLING = "the rate doubles"


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds; infinite where so many were not answered."""

    p50: float
    p99: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Times:
        """Values that there were, as scripts/load_test tells them."""
        ordered = sorted(values)
        return cls(*(ordered[min(len(ordered) - 1, int(share * len(ordered)))] for share in (0.5, 0.99)))


@dataclass(frozen=True, slots=True)
class Outcome:
    """Times from a request's arrival. What failed counts as never answered."""

    calls: Sequence[Call]
    most: int
    """Replicas at one time, while requests came."""

    @property
    def first_token(self) -> Times:
        return Times.of(call.first_token_s for call in self.calls)

    @property
    def total(self) -> Times:
        return Times.of(call.total_s for call in self.calls)

    @property
    def failed(self) -> float:
        """The share of those that were not answered, or broke off."""
        return sum(call.total_s == float("inf") for call in self.calls) / len(self.calls)


@dataclass(slots=True)
class Simulation:
    """`size` replicas at the beginning. What happens, happens after a third of the time."""

    asked: Sequence[Asked]
    inputs: Filled
    scenario: Scenario
    size: int
    pool: Pool = field(init=False)
    _agenda: list[tuple[float, int, Callable[[float], None]]] = field(default_factory=list)
    _order: count[int] = field(default_factory=count)
    _starting: int = 0
    _most: int = 0

    def run(self) -> Outcome:
        self.pool = Pool(Shape.of(self.inputs), self.inputs.zones)
        for _ in range(self.size):
            self._grow(0)
        calls = [Call(asked) for asked in self.asked]
        for call in calls:
            self._at(call.asked.at, partial(self.pool.take, call))
        self._prepare()
        while self._agenda:
            now, _, happen = heapq.heappop(self._agenda)
            self.pool.advance(now)
            happen(now)
        self.pool.advance(THE_END)
        return Outcome(calls, self._most)

    def _prepare(self) -> None:
        when = trouble_at(self.inputs)
        if self.scenario in (Scenario.REPLICA, Scenario.ZONE):
            self._at(when, self._lose)
        if self.scenario is Scenario.DOUBLING:
            last = self.asked[-1].at
            for number in range(int(last / scaler.EVERY_S)):
                self._at((number + 1) * scaler.EVERY_S, self._scale)

    def _lose(self, now: float) -> None:
        """The first, or all in its zone; as many others are begun once it is noticed."""
        first = self.pool.replicas[0]
        gone = [each for each in self.pool.replicas if each.zone == first.zone]
        gone = gone if self.scenario is Scenario.ZONE else [first]
        for each in gone:
            each.lose()
        self._at(now + float(self.inputs.notice_s), lambda then: self._replace(gone, then))

    def _replace(self, gone: Sequence[Replica], now: float) -> None:
        self.pool.forget(gone, now)
        for _ in gone:
            self._begin(now)

    def _scale(self, now: float) -> None:
        there = len(self.pool.replicas) + self._starting
        for _ in range(min(scaler.wanted(self.pool), self.inputs.most) - there):
            self._begin(now)

    def _begin(self, now: float) -> None:
        self._starting += 1
        self._at(now + float(self.inputs.start_s), self._arrive)

    def _arrive(self, now: float) -> None:
        self._starting -= 1
        self._grow(now)

    def _grow(self, now: float) -> None:
        self.pool.grow(now)
        if now <= self.asked[-1].at:
            self._most = max(self._most, len(self.pool.replicas))

    def _at(self, when: float, happen: Callable[[float], None]) -> None:
        heapq.heappush(self._agenda, (when, next(self._order), happen))


def trouble_at(inputs: Filled) -> float:
    """Seconds from the beginning."""
    return float(inputs.minutes) * 20
