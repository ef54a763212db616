"""What one caller may do, on this instance: its limits together, and what a request took of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from penstock.callers.caller import Caller
from penstock.errors import BudgetSpent, RateLimited, RequestOverLimit
from penstock.limits.meter import Meter, Share, Standing
from penstock.limits.purse import Payment, Purse, Short
from penstock.limits.seats import SeatRow
from penstock.settings.parts import Period
from penstock.state.grants import Grants


class Admission:
    """A request that may begin. `close` is called once, however it ends."""

    __slots__ = ("payment", "seats", "share", "tokens")

    def __init__(self) -> None:
        self.tokens: Meter | None = None
        self.seats: SeatRow | None = None
        self.share: Share | None = None
        """Of the tokens."""
        self.payment: Payment | None = None

    def close(self, tokens: int, usd: float) -> None:
        """It is over, and took so many tokens and dollars."""
        if self.payment is not None:
            self.payment.settle(usd)
        if self.seats is not None:
            self.seats.rise()
        if self.tokens is not None and self.share is not None:
            self.tokens.settle(self.share, tokens)


FREE: Final = Admission()
"""Of a caller without limits."""


class Allowance:
    """`take` asks nobody, and is for most requests; `ask` asks the grants for what this instance does not hold."""

    def __init__(
        self,
        caller: Caller,
        grants: Grants,
        holder: str,
        clock: Callable[[], float],
        today: Callable[[], datetime],
    ) -> None:
        name = caller.name
        self.caller = caller
        self.limits = limits_of(caller)
        self._seats: SeatRow | None = None
        self._tokens: Meter | None = None
        self._purse: Purse | None = None
        self._requests: Meter | None = None
        if caller.parallel is not None:
            self._seats = SeatRow(grants, f"open:{name}", caller.parallel, holder, clock)
        if caller.tokens_per_minute is not None:
            self._tokens = Meter(grants, f"tokens:{name}", caller.tokens_per_minute, clock)
        if caller.budgets:
            self._purse = Purse(grants, f"caller:{name}", caller.budgets, holder, clock, today)
        if caller.requests_per_minute is not None:
            self._requests = Meter(grants, f"requests:{name}", caller.requests_per_minute, clock)

    def succeed(self, former: Allowance) -> None:
        """Go on with the seats of one whose limits were others: those who sit there still do."""
        if self._seats is not None and former._seats is not None:
            former._seats.limit = self._seats.limit
            self._seats, former._seats = former._seats, None

    def take(self, tokens: int, usd: float) -> Admission | None:
        """A request, and so many tokens and dollars; None if this instance does not hold all of it."""
        admission = Admission()
        if self._take(admission, tokens, usd):
            return admission
        admission.close(0, 0)
        return None

    async def ask(self, tokens: int, usd: float) -> Admission:
        """The same. Raises RateLimited; RequestOverLimit for what never fits."""
        admission = Admission()
        try:
            await self._ask(admission, tokens, usd)
        except BaseException:  # refused, or its client left
            admission.close(0, 0)
            raise
        return admission

    def standings(self) -> list[tuple[str, Standing]]:
        """Of the limits by the minute, each by its kind."""
        told: list[tuple[str, Standing]] = []
        if self._requests is not None:
            told.append(("requests", self._requests.standing()))
        if self._tokens is not None:
            told.append(("tokens", self._tokens.standing()))
        return told

    async def tidy(self, *, last: bool = False) -> None:
        """Give back what is not used."""
        if self._requests is not None:
            await self._requests.tidy(last=last)
        if self._tokens is not None:
            await self._tokens.tidy(last=last)
        if self._purse is not None:
            await self._purse.tidy(last=last)
        if self._seats is not None:
            await self._seats.refresh()

    @property
    def idle(self) -> bool:
        """Nothing is held, owed or open."""
        parts = (self._seats, self._tokens, self._purse, self._requests)
        return all(part is None or part.idle for part in parts)

    def _take(self, admission: Admission, tokens: int, usd: float) -> bool:
        if self._seats is not None:
            if not self._seats.sit():
                return False
            admission.seats = self._seats
        if self._tokens is not None:
            admission.tokens, admission.share = self._tokens, self._tokens.take(tokens)
            if admission.share is None:
                return False
        if self._purse is not None:
            admission.payment = self._purse.take(usd)
            if admission.payment is None:
                return False
        return self._requests is None or self._requests.spend(1)

    async def _ask(self, admission: Admission, tokens: int, usd: float) -> None:
        if self._seats is not None:
            if not (self._seats.sit() or await self._seats.find()):
                told = f"This key has {self._seats.limit} requests open, and may have no more."
                raise RateLimited(told, retry_after=1)
            admission.seats = self._seats
        if self._tokens is not None:
            if tokens > self._tokens.limit:
                raise RequestOverLimit(
                    f"This request may take {tokens} tokens, and this key may take {self._tokens.limit} a minute: "
                    "send less, or ask for less with max_tokens."
                )
            admission.share = await _fetched(self._tokens, tokens, "tokens")
            admission.tokens = self._tokens
        if self._purse is not None:
            _check_fits(usd, self._purse.budgets)
            admission.payment = _paid(await self._purse.ask(usd))
        if self._requests is not None and not self._requests.spend(1):
            self._requests.settle(await _fetched(self._requests, 1, "requests"), 1)


def limits_of(caller: Caller) -> tuple[object, ...]:
    return caller.parallel, caller.tokens_per_minute, caller.requests_per_minute, caller.budgets


async def _fetched(meter: Meter, amount: int, kind: str) -> Share:
    share = await meter.fetch(amount)
    if isinstance(share, Share):
        return share
    raise RateLimited(f"This key may take {meter.limit} {kind} a minute, and has.", retry_after=max(share, 0.1))


def _check_fits(usd: float, budgets: Mapping[Period, float]) -> None:
    for period, budget_usd in budgets.items():
        if usd > budget_usd:
            raise RequestOverLimit(
                f"This request may cost ${usd:.4g}, and this key may spend ${budget_usd:g} a {period}: "
                "send less, or ask for less with max_tokens."
            )


def _paid(payment: Payment | Short) -> Payment:
    if isinstance(payment, Payment):
        return payment
    told = (
        f"This key may spend ${payment.budget_usd:g} a {payment.period}, and too little is left for this request. "
        "One that asks for less with max_tokens may still fit."
    )
    raise BudgetSpent(told, retry_after=payment.wait_s)
