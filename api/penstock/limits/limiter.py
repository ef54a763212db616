"""The allowances of all callers, on this instance. What it admits counts on all that share its grants."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Final

from penstock.callers.caller import Caller
from penstock.limits.allowance import FREE, Admission, Allowance, limits_of
from penstock.limits.leaver import answered
from penstock.limits.meter import Standing
from penstock.limits.purse import utc_now
from penstock.limits.seats import LAST_S
from penstock.state.grants import INSTANCES, Grants

COUNT_S: Final = 3.0
"""How often an instance says that it is there: three times in the time that it is remembered for."""
MOST_INSTANCES: Final = 1_000_000


class Limiter:
    """Admits requests."""

    def __init__(self, grants: Grants, clock: Callable[[], float], today: Callable[[], datetime] = utc_now) -> None:
        self._grants = grants
        self._clock = clock
        self._today = today
        self._me = secrets.token_hex(6)
        self._of: dict[str, Allowance] = {}
        self._former: list[Allowance] = []
        """Those of limits that were changed; what is open there goes on."""
        self._count_at = 0.0

    def take(self, caller: Caller, tokens: int, usd: float) -> Admission | None:
        """Admit a request that may take so many tokens and dollars, if nobody has to be asked."""
        return self.allowance(caller).take(tokens, usd) if caller.limited else FREE

    async def ask(self, caller: Caller, tokens: int, usd: float) -> Admission:
        """Admit it, or raise RateLimited; RequestOverLimit for what never fits."""
        if not caller.limited:
            return FREE
        return await answered(self.allowance(caller).ask(tokens, usd), lambda admission: admission.close(0, 0))

    def standings(self, caller: Caller) -> list[tuple[str, Standing]]:
        """Of a caller's limits by the minute, each by its kind."""
        return self.allowance(caller).standings()

    async def tidy(self, *, last: bool = False) -> None:
        """Give back what is not used."""
        now = self._clock()
        if last or now >= self._count_at:
            self._count_at = now + COUNT_S
            await self._grants.seat(INSTANCES, self._me, want=0 if last else 1, limit=MOST_INSTANCES, ttl_s=LAST_S)
        for allowance in (*self._of.values(), *self._former):
            await allowance.tidy(last=last)
        self._of = {name: allowance for name, allowance in self._of.items() if not allowance.idle}
        self._former = [allowance for allowance in self._former if not allowance.idle]

    def allowance(self, caller: Caller) -> Allowance:
        """As the caller's limits are now."""
        former = self._of.get(caller.name)
        if former is not None and former.caller is caller:
            return former
        if former is not None and former.limits == limits_of(caller):
            former.caller = caller
            return former
        allowance = self._of[caller.name] = Allowance(caller, self._grants, self._me, self._clock, self._today)
        if former is not None:
            self._former.append(former)
            for each in self._former:
                if each.caller.name == caller.name:
                    allowance.succeed(each)
        return allowance
