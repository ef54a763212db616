"""The budget for clouds: what all fallbacks together may cost."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from datetime import datetime

from penstock.callers.caller import Caller
from penstock.limits.leaver import answered
from penstock.limits.purse import Payment, Purse, Short, utc_now
from penstock.settings.parts import FallbackBudget, Period
from penstock.state.grants import Grants
from penstock.telemetry.gauges import BudgetState

LOOK_S = 5.0


class Fare:
    """What one request may cost at clouds. `close` is called once, however it ends."""

    __slots__ = ("_critical", "_payment", "_purse", "_unheard_usd", "_usd")

    def __init__(self, purse: Purse, usd: float, *, critical: bool) -> None:
        self._purse = purse
        self._usd = usd
        self._critical = critical
        self._payment: Payment | None = None
        self._unheard_usd = 0.0

    async def take(self) -> bool:
        """Whether a cloud may be asked. A request that asks several pays once."""
        if self._payment is not None:
            return True
        if self._critical:
            self._payment = self._purse.charge(self._usd)
            return True
        paid = await answered(self._purse.ask(self._usd), _unwanted)
        if isinstance(paid, Short):
            return False
        self._payment = paid
        return True

    def unheard(self) -> None:
        """A cloud was asked and not heard out: it may be paid nevertheless, and nobody tells how much."""
        self._unheard_usd += self._usd

    def close(self, usd: float) -> None:
        """It is over, and what was heard of it cost so much."""
        if self._payment is not None:
            self._payment.settle(usd + self._unheard_usd)


def _unwanted(paid: Payment | Short) -> None:
    if isinstance(paid, Payment):
        paid.settle(0)


class Till:
    """Fares for requests. Without a budget each is free, and nothing is counted."""

    def __init__(
        self,
        budget: FallbackBudget,
        grants: Grants,
        clock: Callable[[], float],
        today: Callable[[], datetime] = utc_now,
    ) -> None:
        budgets: dict[Period, float] = {period: usd for period, usd in budget.periods() if usd is not None}
        self._clock = clock
        self._look_at = 0.0
        self._purse = Purse(grants, "fallback", budgets, secrets.token_hex(6), clock, today)

    @property
    def counts(self) -> bool:
        """There is a budget."""
        return bool(self._purse.budgets)

    def fare(self, caller: Caller, usd: float) -> Fare:
        """For a request that may cost so much at a cloud."""
        return Fare(self._purse, usd, critical=caller.critical)

    def states(self) -> Iterator[BudgetState]:
        return self._purse.states()

    async def tidy(self, *, last: bool = False) -> None:
        """Give back what is not used, and now and then hear what others spent."""
        await self._purse.tidy(last=last)
        if self._clock() >= self._look_at:
            self._look_at = self._clock() + LOOK_S
            await self._purse.look()
