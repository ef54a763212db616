"""How many requests of one caller are open at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from penstock.state.grants import Grants

LAST_S: Final = 10.0
"""How long seats are kept that nobody speaks for: so long those of an instance that died are taken."""
SPARES: Final = 20
"""An instance keeps a twentieth of the limit beyond what it needs, so that few requests have to ask."""

REFUSES_S: Final = 0.2
"""How long a refusal is repeated without asking anew: others may leave seats."""


class SeatRow:
    """An instance's seats of a caller's limit. What it holds is told anew by `refresh`, each second or so."""

    def __init__(self, grants: Grants, key: str, limit: int, holder: str, clock: Callable[[], float]) -> None:
        self.limit = limit
        self._grants = grants
        self._key = key
        self._holder = holder
        self._clock = clock
        self._granted = 0
        self._ends_at = 0.0
        self._refuses_until = 0.0
        self._asking = asyncio.Lock()
        self.open = 0

    def sit(self) -> bool:
        """Take a seat that this instance holds."""
        if self.open >= self._granted or self._clock() >= self._ends_at:
            return False
        self.open += 1
        return True

    async def find(self) -> bool:
        """Take a seat that this instance holds or can get."""
        async with self._asking:
            if self.sit():
                return True
            if self._clock() < self._refuses_until:
                return False
            await self._ask(self.open + 1)
            if self.sit():
                return True
            self._refuses_until = self._clock() + REFUSES_S
            return False

    def rise(self) -> None:
        self.open -= 1

    async def refresh(self) -> None:
        """Keep the seats that are needed, and leave the rest to others."""
        if self._granted or self.open:
            async with self._asking:
                await self._ask(self.open)

    @property
    def idle(self) -> bool:
        return not (self._granted or self.open or self._asking.locked())

    async def _ask(self, needed: int) -> None:
        want = min(self.limit, needed + self.limit // SPARES) if needed else 0
        now = self._clock()
        seats = await self._grants.seat(self._key, self._holder, want=want, limit=self.limit, ttl_s=LAST_S)
        self._granted, self._ends_at = seats.granted, now + LAST_S
