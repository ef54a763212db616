"""One limit on this instance: so much in any minute, or in all of an hour, a day or a month."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from penstock.state.grants import Grants

WINDOW_S: Final = 60.0
HOLD_S = 2.0
"""How long an instance may use what it took: longer spares Redis work, shorter leaves less where it is not used."""
REFUSES_S: Final = 1.0
"""How long a refusal is repeated without asking anew: others may give back."""


@dataclass(frozen=True, slots=True)
class Window:
    """How long what was taken counts, and into how many parts a limit is cut to be taken."""

    charged_s: float
    parts: int


MINUTE = Window(HOLD_S + WINDOW_S, parts=20)
"""Any sixty seconds, wherever they begin."""


class _Lease:
    __slots__ = ("ends_at", "grant", "left")

    def __init__(self, grant: str = "", left: int = 0, ends_at: float = 0.0) -> None:
        self.grant = grant
        self.left = left
        self.ends_at = ends_at


class Share:
    """What a request took of a limit."""

    __slots__ = ("amount", "grant")

    def __init__(self, grant: str, amount: int) -> None:
        self.grant = grant
        self.amount = amount


class Standing:
    """How a limit stands, as far as this instance knows; `full_s`: until all of it is there again."""

    __slots__ = ("full_s", "limit", "remaining")

    def __init__(self, limit: int, remaining: int, full_s: float) -> None:
        self.limit = limit
        self.remaining = remaining
        self.full_s = full_s


class Meter:
    """Shares of a limit. `take` is for most requests and asks nobody; `fetch` is for the rest and asks the grants.

    Each lease is a grant of its own, unless `holder` names the one that all of this instance's are parts of.
    """

    def __init__(
        self,
        grants: Grants,
        key: str,
        limit: int,
        clock: Callable[[], float],
        window: Window = MINUTE,
        holder: str = "",
    ) -> None:
        self.limit = limit
        self.key = key
        self._grants = grants
        self._clock = clock
        self._window = window
        self._holder = holder
        self._lease = _Lease()
        self._open = 0  # shares that are not settled
        self._owed: dict[str, int] = {}  # by grant: what is to be added to it, or taken back
        self._others = limit  # what was left for all when this instance asked last
        self._full_at = 0.0
        self._refuses_until = 0.0
        self._refused = 0  # the least amount that was
        self._retry_at = 0.0
        self._asking = asyncio.Lock()

    def take(self, amount: int) -> Share | None:
        """So much of what this instance holds; None if it does not hold so much."""
        lease = self._lease
        if lease.left < amount or self._clock() >= lease.ends_at:
            return None
        lease.left -= amount
        self._open += 1
        return Share(lease.grant, amount)

    def spend(self, amount: int) -> bool:
        """The same, used at once: there is nothing to settle."""
        lease = self._lease
        if lease.left < amount or self._clock() >= lease.ends_at:
            return False
        lease.left -= amount
        return True

    async def fetch(self, amount: int) -> Share | float:
        """The same from what all may take; where that is too little, seconds until it may be enough."""
        async with self._asking:  # those who wait here find what the one before them brought
            share = self.take(amount)
            if share is not None:
                return share
            now = self._clock()
            if now < self._refuses_until and amount >= self._refused:
                return self._retry_at - now
            return await self._ask(amount)

    def charge(self, amount: int) -> Share:
        """So much, whether or not it is left. Needs a holder."""
        share = self.take(amount)
        if share is not None:
            return share
        self._open += 1
        self._owe(self._holder, amount)
        return Share(self._holder, amount)

    def settle(self, share: Share, used: int) -> None:
        """A request is over, and took so much indeed. Each share is settled once."""
        self._open -= 1
        change = used - share.amount
        lease = self._lease
        if share.grant == lease.grant and self._clock() < lease.ends_at:
            lease.left -= change  # below nothing, it is owed when the lease ends
        elif change:
            self._owe(share.grant, change)

    async def look(self) -> None:
        """Hear how the limit stands, without taking of it. Needs a holder."""
        taken = await self._grants.take(
            self.key, self._holder, limit=self.limit, want=0, least=0, charged_s=self._window.charged_s
        )
        self._others, self._full_at = taken.left, self._clock() + taken.full_s

    async def tidy(self, *, last: bool = False) -> None:
        """Give back what this instance took and will not use, `last`: all of it; and tell what was used beyond."""
        if last or self._clock() >= self._lease.ends_at:
            self._close()
        if self._owed:
            owed, self._owed = self._owed, {}
            try:
                await self._grants.correct(self.key, owed, self._window.charged_s)
            except BaseException:  # a client that leaves ends it: what was used beyond is told again rather than never
                for grant, change in owed.items():
                    if change > 0:
                        self._owe(grant, change)
                raise

    @property
    def idle(self) -> bool:
        """Nothing is held or owed, no share is open, and nobody waits."""
        return not (self._lease.grant or self._owed or self._open or self._asking.locked())

    def standing(self) -> Standing:
        now = self._clock()
        if now >= self._full_at:
            return Standing(self.limit, self.limit, 0.0)
        held = self._lease.left if now < self._lease.ends_at else 0
        return Standing(self.limit, max(0, self._others + held), self._full_at - now)

    async def _ask(self, amount: int) -> Share | float:
        self._close()
        await self.tidy()
        grant, want = self._holder or secrets.token_hex(6), max(amount, self.limit // self._window.parts)
        now = self._clock()  # not after the answer: a grant counts from when it was taken
        taken = await self._grants.take(
            self.key, grant, limit=self.limit, want=want, least=amount, charged_s=self._window.charged_s
        )
        self._others, self._full_at = taken.left, now + taken.full_s
        if not taken.amount:
            self._refuses_until, self._refused, self._retry_at = now + REFUSES_S, amount, now + taken.wait_s
            return taken.wait_s
        self._refuses_until = 0.0
        self._lease = _Lease(grant, taken.amount - amount, now + HOLD_S)
        self._open += 1
        return Share(grant, amount)

    def _close(self) -> None:
        """End the lease: what is left of it goes back."""
        lease, self._lease = self._lease, _Lease()
        if lease.left:
            self._owe(lease.grant, -lease.left)

    def _owe(self, grant: str, change: int) -> None:
        self._owed[grant] = self._owed.get(grant, 0) + change
