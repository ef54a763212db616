"""The replicas of one model, and the clouds behind them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean

from penstock.settings.parts import Queueing, Timeouts
from penstock.telemetry.tariff import Tariff
from penstock.upstream.rank import Ranker, Standing
from penstock.upstream.target import Target


@dataclass(frozen=True, slots=True)
class Seat:
    """A target in a pool: its weight there, the name that it knows the model by, and what it costs."""

    target: Target
    model: str
    weight: float = 1.0
    usd_per_hour: float = 0.0


@dataclass(slots=True)
class Pool:
    """One model: where it is served and within which limits."""

    name: str
    aliases: tuple[str, ...]
    replicas: tuple[Seat, ...]
    clouds: tuple[Seat, ...]
    timeouts: Timeouts
    queueing: Queueing
    tariff: Tariff
    ranker: Ranker
    rng: random.Random
    stale_s: float
    _turn: int = field(default=0, init=False)

    def plan(self, now: float, *, clouds: bool = True, replicas: bool = True) -> list[Seat]:
        """Where to go, in order: the replicas that are up, as ranked; clouds, if wanted; the replicas that are down.

        Those come last, not never: the watcher can be wrong, and a call without a cloud has nothing to lose.
        """
        up: list[Seat] = []
        down: list[Seat] = []
        for seat in self.replicas if replicas else ():
            if not seat.target.drained:
                (up if seat.target.up else down).append(seat)
        plan = self._ranked(up, now)
        for seat in self.clouds if clouds else ():
            if not seat.target.drained:
                plan.append(seat)  # a comprehension is a call more, for a cloud or two
        return plan + self._ranked(down, now) if down else plan

    def _ranked(self, seats: list[Seat], now: float) -> list[Seat]:
        if len(seats) < 2:
            return seats
        self._turn += 1
        return [seats[at] for at in self.ranker(standings(seats, now, self.stale_s), self._turn, self.rng)]


def standings(seats: Sequence[Seat], now: float, stale_s: float) -> list[Standing]:
    """Loads: our own calls, and those of others as the engines told. One that is silent counts as the others do."""
    elsewhere = [
        engine.elsewhere if (engine := seat.target.engine) and now - engine.read_at < stale_s else None
        for seat in seats
    ]
    known = [load for load in elsewhere if load is not None]
    neutral = fmean(known) if known else 0.0
    return [
        Standing(seat.weight, seat.target.in_flight + (neutral if load is None else load))
        for seat, load in zip(seats, elsewhere, strict=True)
    ]
