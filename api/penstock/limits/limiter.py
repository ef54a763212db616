"""Whether a caller's request may begin, and what it took of each limit when it is over."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from penstock.callers.caller import Caller
from penstock.errors import RateLimited, RequestOverLimit
from penstock.limits.meter import Meter, Share, Standing
from penstock.limits.seats import LAST_S, SeatRow
from penstock.state.grants import INSTANCES, Grants

TIDY_S = 0.5
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

    def close(self, tokens: int) -> None:
        """It is over, and took so many tokens."""
        if self.seats is not None:
            self.seats.rise()
        if self.tokens is not None and self.share is not None:
            self.tokens.settle(self.share, tokens)


FREE = Admission()
"""Of a caller without limits."""


class Limiter:
    """Admits requests. What one instance admits counts on all that share its grants."""

    def __init__(self, grants: Grants, clock: Callable[[], float]) -> None:
        self._grants = grants
        self._clock = clock
        self._me = secrets.token_hex(6)
        self._meters: dict[tuple[str, str], Meter] = {}
        self._rows: dict[str, SeatRow] = {}
        self._count_at = 0.0

    async def admit(self, caller: Caller, tokens: int) -> Admission:
        """Take a request and so many tokens. Raises RateLimited, and RequestOverLimit for what never fits."""
        if not caller.limited:
            return FREE
        admission = Admission()
        try:
            await self._sit(caller, admission)
            await self._take_tokens(caller, tokens, admission)
            await self._take_request(caller, admission)
        except BaseException:  # refused, or its client left
            admission.close(0)
            raise
        return admission

    def standings(self, caller: Caller) -> list[tuple[str, Standing]]:
        """Of a caller's limits by the minute, each by its kind."""
        limits = (("requests", caller.requests_per_minute), ("tokens", caller.tokens_per_minute))
        return [(kind, self._meter(caller.name, kind, limit).standing()) for kind, limit in limits if limit is not None]

    async def run(self) -> None:
        """Give back in time what is not used, for as long as the instance lives."""
        while True:
            await self.tidy()
            await asyncio.sleep(TIDY_S)

    async def tidy(self) -> None:
        now = self._clock()
        if now >= self._count_at:
            self._count_at = now + COUNT_S
            await self._grants.seat(INSTANCES, self._me, want=1, limit=MOST_INSTANCES, ttl_s=LAST_S)
        if not (self._meters or self._rows):
            return
        for meter in tuple(self._meters.values()):
            await meter.tidy()
        for row in tuple(self._rows.values()):
            await row.refresh()
        self._meters = {name: meter for name, meter in self._meters.items() if not meter.idle}
        self._rows = {name: row for name, row in self._rows.items() if not row.idle}

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

    async def _take_request(self, caller: Caller, admission: Admission) -> None:
        if caller.requests_per_minute is None:
            return
        limit = caller.requests_per_minute
        await self._taken(self._meter(caller.name, "requests", limit), 1, f"{limit} requests a minute")

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

    def _row(self, caller: str, limit: int) -> SeatRow:
        row = self._rows.get(caller)
        if row is None or row.limit != limit:
            row = self._rows[caller] = SeatRow(self._grants, f"open:{caller}", limit, self._me, self._clock)
        return row
