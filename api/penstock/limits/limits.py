"""All that holds calls back on an instance."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from penstock.limits.limiter import Limiter
from penstock.limits.queue import Queues
from penstock.limits.till import Till
from penstock.settings.parts import FallbackBudget
from penstock.state.grants import Grants

TIDY_S = 0.5


class Limits:
    """Callers' limits and the budget for clouds, over all that share the grants; the queues, of this instance alone."""

    def __init__(self, budget: FallbackBudget, grants: Grants, clock: Callable[[], float]) -> None:
        self.limiter = Limiter(grants, clock)
        self.till = Till(budget, grants, clock)
        self.queues = Queues(clock)

    async def run(self) -> None:
        """Give back in time what is not used, for as long as the instance lives."""
        while True:
            await self.limiter.tidy()
            await self.till.tidy()
            await asyncio.sleep(TIDY_S)

    async def aclose(self) -> None:
        """Give back all of it: nothing is open any more."""
        await self.limiter.tidy(last=True)
        await self.till.tidy(last=True)
