"""Whether a caller's request may begin, and what it took of each limit when it is over."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from penstock.callers.caller import Caller
from penstock.errors import BudgetSpent, RateLimited, RequestOverLimit
from penstock.limits.meter import Meter, Share, Standing
from penstock.limits.purse import Payment, Purse, Short, utc_now
from penstock.limits.seats import LAST_S, SeatRow
from penstock.state.grants import INSTANCES, Grants

COUNT_S = 3.0
"""How often an instance says that it is there: three times in the time that it is remembered for."""
MOST_INSTANCES = 1_000_000


@dataclass(slots=True)
class Admission:
    """A request that may begin. `close` is called once, however it ends."""

    tokens: Meter | None = None
    seats: SeatRow | None = None
    share: Share | None = None
    """Of the tokens."""
    payment: Payment | None = None

    def close(self, tokens: int, usd: float) -> None:
        """It is over, and took so many tokens and dollars."""
        if self.payment is not None:
            self.payment.settle(usd)
        if self.seats is not None:
            self.seats.rise()
        if self.tokens is not None and self.share is not None:
            self.tokens.settle(self.share, tokens)


FREE = Admission()
"""Of a caller without limits."""


class Limiter:
    """Admits requests. What one instance admits counts on all that share its grants."""

    def __init__(self, grants: Grants, clock: Callable[[], float], today: Callable[[], datetime] = utc_now) -> None:
        self._grants = grants
        self._clock = clock
        self._today = today
        self._me = secrets.token_hex(6)
        self._meters: dict[tuple[str, str], Meter] = {}
        self._rows: dict[str, SeatRow] = {}
        self._purses: dict[str, Purse] = {}
        self._count_at = 0.0

    async def admit(self, caller: Caller, tokens: int, usd: float = 0) -> Admission:
        """Take a request, and so many tokens and dollars. Raises RateLimited; RequestOverLimit for what never fits."""
        if not caller.limited:
            return FREE
        admission = Admission()
        try:
            await self._sit(caller, admission)
            await self._take_tokens(caller, tokens, admission)
            await self._pay(caller, usd, admission)
            await self._take_request(caller, admission)
        except BaseException:  # refused, or its client left
            admission.close(0, 0)
            raise
        return admission

    def standings(self, caller: Caller) -> list[tuple[str, Standing]]:
        """Of a caller's limits by the minute, each by its kind."""
        limits = (("requests", caller.requests_per_minute), ("tokens", caller.tokens_per_minute))
        return [(kind, self._meter(caller.name, kind, limit).standing()) for kind, limit in limits if limit is not None]

    async def tidy(self) -> None:
        """Give back what is not used."""
        now = self._clock()
        if now >= self._count_at:
            self._count_at = now + COUNT_S
            await self._grants.seat(INSTANCES, self._me, want=1, limit=MOST_INSTANCES, ttl_s=LAST_S)
        for meter in tuple(self._meters.values()):
            await meter.tidy()
        for purse in tuple(self._purses.values()):
            await purse.tidy()
        for row in tuple(self._rows.values()):
            await row.refresh()
        self._meters = {name: meter for name, meter in self._meters.items() if not meter.idle}
        self._rows = {name: row for name, row in self._rows.items() if not row.idle}
        self._purses = {name: purse for name, purse in self._purses.items() if not purse.idle}

    async def _sit(self, caller: Caller, admission: Admission) -> None:
        if caller.parallel is None:
            return
        row = self._row(caller.name, caller.parallel)
        if not (row.sit() or await row.find()):
            raise RateLimited(f"This key has {caller.parallel} requests open, and may have no more.", retry_after=1)
        admission.seats = row

    async def _take_tokens(self, caller: Caller, tokens: int, admission: Admission) -> None:
        if caller.tokens_per_minute is None:
            return
        limit = caller.tokens_per_minute
        if tokens > limit:
            raise RequestOverLimit(
                f"This request may take {tokens} tokens, and this key may take {limit} a minute: "
                "send less, or ask for less with max_tokens."
            )
        admission.tokens = self._meter(caller.name, "tokens", limit)
        admission.share = await self._taken(admission.tokens, tokens, f"{limit} tokens a minute")

    async def _pay(self, caller: Caller, usd: float, admission: Admission) -> None:
        if not caller.budgets:
            return
        paid = await self._purse(caller).take(usd)
        if isinstance(paid, Short):
            raise BudgetSpent(
                f"This key may spend ${paid.budget_usd:g} a {paid.period}, and too little is left for this request.",
                retry_after=paid.wait_s,
            )
        admission.payment = paid

    async def _take_request(self, caller: Caller, admission: Admission) -> None:
        if caller.requests_per_minute is None:
            return
        limit = caller.requests_per_minute
        meter = self._meter(caller.name, "requests", limit)
        meter.settle(await self._taken(meter, 1, f"{limit} requests a minute"), 1)

    async def _taken(self, meter: Meter, amount: int, limit: str) -> Share:
        share = meter.take(amount) or await meter.fetch(amount)
        if isinstance(share, Share):
            return share
        raise RateLimited(f"This key may take {limit}, and has.", retry_after=max(share, 0.1))

    def _meter(self, caller: str, kind: str, limit: int) -> Meter:
        meter = self._meters.get((caller, kind))
        if meter is None or meter.limit != limit:
            meter = self._meters[caller, kind] = Meter(self._grants, f"{kind}:{caller}", limit, self._clock)
        return meter

    def _purse(self, caller: Caller) -> Purse:
        purse = self._purses.get(caller.name)
        if purse is None or purse.budgets != caller.budgets:
            purse = Purse(self._grants, f"caller:{caller.name}", caller.budgets, self._me, self._clock, self._today)
            self._purses[caller.name] = purse
        return purse

    def _row(self, caller: str, limit: int) -> SeatRow:
        row = self._rows.get(caller)
        if row is None or row.limit != limit:
            row = self._rows[caller] = SeatRow(self._grants, f"open:{caller}", limit, self._me, self._clock)
        return row
