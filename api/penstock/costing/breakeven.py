"""From how many requests a month on one's own pool costs less than the API.

The API's cost is a straight line, the pool's a flight of steps: a line may cross steps several times. On the step of k
machines the pool costs `fixed + k * machine`, up to `k * carried` requests. A full machine saves
`gain = price * carried - machine`. The line is above the step at the step's end if `k * gain > fixed`, and stays above
when the next machine comes if `k * gain >= fixed + machine`. So the first k and the last follow without a search.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from math import ceil, floor

from penstock.costing.api import Api
from penstock.costing.selfhost import SelfHost


@dataclass(frozen=True, slots=True)
class Window:
    """Requests a month between which one's own pool costs less. Without an end: from there on."""

    start: Fraction
    end: Fraction | None


@dataclass(frozen=True, slots=True)
class BreakEven:
    """The windows, by the number of machines in which each begins. Empty if the last comes before the first."""

    api: Api
    own: SelfHost
    first: int
    last: int

    @classmethod
    def of(cls, api: Api, own: SelfHost) -> BreakEven:
        if own.gpus_paid is not None:
            paid = own.machines(0)
            return cls(api, own, paid, paid if api.request_usd else paid - 1)
        gain = api.request_usd * own.carried - own.machine_usd
        if gain <= 0:
            return cls(api, own, 1, 0)
        first = floor(own.fixed_usd / gain) + 1
        return cls(api, own, first, max(first, ceil((own.fixed_usd + own.machine_usd) / gain)))

    @property
    def count(self) -> int:
        return self.last - self.first + 1

    def windows(self, most: int) -> tuple[Window, ...]:
        """The first of them."""
        return tuple(islice(self._all(), most))

    @property
    def for_good(self) -> Fraction | None:
        """From here on it costs less whatever the load; None if never."""
        return self._start(self.last) if self.count else None

    def _all(self) -> Iterator[Window]:
        for machines in range(self.first, self.last):
            yield Window(self._start(machines), machines * self.own.carried)
        if self.count:
            yield Window(self._start(self.last), None)

    def _start(self, machines: int) -> Fraction:
        return (self.own.fixed_usd + machines * self.own.machine_usd) / self.api.request_usd
