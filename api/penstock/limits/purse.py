"""Dollars: what may be spent in an hour, a day and a month of UTC, and what a request took of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from penstock.limits.meter import HOLD_S, Meter, Share, Window
from penstock.settings.parts import Period
from penstock.state.grants import Grants
from penstock.telemetry.gauges import BudgetState

MICROS: Final = 1_000_000
"""Amounts are whole millionths of a dollar."""
SPELLED: Final[Mapping[Period, str]] = {"hour": "%Y-%m-%dT%H", "day": "%Y-%m-%d", "month": "%Y-%m"}
WINDOWS: Final[Mapping[Period, Window]] = {
    "hour": Window(3600 + 2 * HOLD_S, parts=100),
    "day": Window(86_400 + 2 * HOLD_S, parts=100),
    "month": Window(31 * 86_400 + 2 * HOLD_S, parts=100),
}
"""A key holds the period's name, so what it counts may outlive the period. A lease that its instance takes to its grave
counts as spent until the period ends, so leases are small."""


def micros(usd: float) -> int:
    """Never less than it is."""
    return math.ceil(usd * MICROS)


@dataclass(frozen=True, slots=True)
class Short:
    """A budget that has not enough left."""

    period: Period
    budget_usd: float
    wait_s: float
    """Until the next period."""


class Payment:
    """What a request took of each budget. `settle` is called once."""

    __slots__ = ("_parts",)

    def __init__(self) -> None:
        self._parts: list[tuple[Meter, Share]] = []

    def add(self, meter: Meter, share: Share) -> None:
        self._parts.append((meter, share))

    def settle(self, usd: float) -> None:
        """It cost so much indeed."""
        amount = micros(usd)
        for meter, share in self._parts:
            meter.settle(share, amount)


class Purse:
    """The budgets of one spender, on this instance and on all that share its grants."""

    def __init__(
        self,
        grants: Grants,
        name: str,
        budgets: Mapping[Period, float],
        holder: str,
        clock: Callable[[], float],
        today: Callable[[], datetime],
    ) -> None:
        self.budgets = budgets
        self._grants = grants
        self._name = name
        self._holder = holder
        self._clock = clock
        self._today = today
        self._meters: dict[Period, Meter] = {}
        self._hour_ends_at = 0.0

    def take(self, usd: float) -> Payment | None:
        """So much of every budget; None if this instance does not hold so much of each."""
        payment, amount = Payment(), micros(usd)
        for meter in self._now().values() if amount else ():
            share = meter.take(amount)
            if share is None:
                payment.settle(0)
                return None
            payment.add(meter, share)
        return payment

    async def ask(self, usd: float) -> Payment | Short:
        """So much of every budget, or nothing of any. What costs nothing needs nothing to be left."""
        payment, amount = Payment(), micros(usd)
        try:
            for period, meter in tuple(self._now().items()) if amount else ():
                share = meter.take(amount) or await meter.fetch(amount)
                if not isinstance(share, Share):
                    payment.settle(0)
                    return Short(period, self.budgets[period], _left_s(period, self._today()))
                payment.add(meter, share)
        except BaseException:  # its client left
            payment.settle(0)
            raise
        return payment

    def charge(self, usd: float) -> Payment:
        """So much, whether or not it is left."""
        payment, amount = Payment(), micros(usd)
        for meter in self._now().values():
            payment.add(meter, meter.charge(amount))
        return payment

    async def tidy(self, *, last: bool = False) -> None:
        for meter in tuple(self._meters.values()):
            await meter.tidy(last=last)

    async def look(self) -> None:
        """Hear what others spent."""
        for meter in tuple(self._now().values()):
            await meter.look()

    @property
    def idle(self) -> bool:
        return all(meter.idle for meter in self._meters.values())

    def states(self) -> Iterator[BudgetState]:
        """As this instance last heard."""
        for period, meter in self._now().items():
            yield BudgetState(period, self.budgets[period], meter.standing().remaining / MICROS)

    def _now(self) -> dict[Period, Meter]:
        """The meters of the periods that it is in now."""
        if self._clock() >= self._hour_ends_at:
            self._turn_page()
        return self._meters

    def _turn_page(self) -> None:
        today = self._today()
        self._hour_ends_at = self._clock() + _left_s("hour", today)
        for period, usd in self.budgets.items():
            key = f"usd:{today.strftime(SPELLED[period])}:{self._name}"
            meter = self._meters.get(period)
            if meter is None or meter.key != key:
                meter = Meter(self._grants, key, micros(usd), self._clock, WINDOWS[period], self._holder)
                self._meters[period] = meter


def utc_now() -> datetime:
    return datetime.now(UTC)


def _left_s(period: Period, now: datetime) -> float:
    """Seconds until the period is over."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    if period == "hour":
        end = hour + timedelta(hours=1)
    elif period == "day":
        end = hour.replace(hour=0) + timedelta(days=1)
    else:
        end = (hour.replace(day=1, hour=0) + timedelta(days=32)).replace(day=1)
    return (end - now).total_seconds()
