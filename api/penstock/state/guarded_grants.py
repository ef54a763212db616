"""Grants that outlive their Redis."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from penstock.state.grants import INSTANCES, Grant, Grants, Seats
from penstock.state.memory_grants import MemoryGrants
from penstock.state.store import StoreUnavailableError


class GuardedGrants:
    """The shared grants while they answer; while they do not, this instance's own, of its share of each limit.

    Its share is the limit divided by the instances that were last seen, and never nothing; what it took of the shared
    ones counts as taken of it. After a failure the shared ones are left alone for `retry_s`; when they are back, they
    hear of what was taken and corrected meanwhile, as far as it still counts.
    """

    def __init__(self, shared: Grants, own: MemoryGrants, *, clock: Callable[[], float], retry_s: float = 1.0) -> None:
        self._shared = shared
        self._own = own
        self._clock = clock
        self._retry_s = retry_s
        self._retry_at = 0.0
        self._instances = 1  # that were last seen
        self._untold: dict[str, dict[str, int]] = {}  # by key and grant, what the shared ones have not heard of

    async def take(self, key: str, grant: str, *, limit: int, want: int, least: int, charged_s: float) -> Grant:
        if self._trusted:
            try:
                await self._tell(key, charged_s)
                taken = await self._shared.take(key, grant, limit=limit, want=want, least=least, charged_s=charged_s)
            except StoreUnavailableError:
                self._gone()
            else:
                await self._own.correct(key, {grant: taken.amount}, charged_s)
                return taken
        share = max(self._share(limit), least)  # what all of the limit has room for is not refused for ever
        taken = await self._own.take(key, grant, limit=share, want=want, least=least, charged_s=charged_s)
        if taken.amount:
            self._note(key, {grant: taken.amount})
        return taken

    async def correct(self, key: str, changes: Mapping[str, int], charged_s: float) -> None:
        await self._own.correct(key, changes, charged_s)
        self._note(key, changes)
        if self._trusted:
            try:
                await self._tell(key, charged_s)
            except StoreUnavailableError:
                self._gone()

    async def seat(self, key: str, holder: str, *, want: int, limit: int, ttl_s: float) -> Seats:
        if self._trusted:
            try:
                seats = await self._shared.seat(key, holder, want=want, limit=limit, ttl_s=ttl_s)
            except StoreUnavailableError:
                self._gone()
            else:
                if key == INSTANCES:
                    self._instances = max(1, seats.holders)
                return seats
        return await self._own.seat(key, holder, want=want, limit=self._share(limit), ttl_s=ttl_s)

    async def aclose(self) -> None:
        await self._shared.aclose()
        await self._own.aclose()

    async def _tell(self, key: str, charged_s: float) -> None:
        self._note(key, {})
        if untold := self._untold.pop(key, None):  # several may come here at once
            try:
                await self._shared.correct(key, untold, charged_s)
            except StoreUnavailableError:  # perhaps it was heard: what was used is told twice rather than never
                self._note(key, {grant: change for grant, change in untold.items() if change > 0})
                raise

    def _note(self, key: str, changes: Mapping[str, int]) -> None:
        """What the shared ones have to hear; they need not hear of what has ceased to count."""
        untold = self._untold.pop(key, {})
        for grant, change in changes.items():
            untold[grant] = untold.get(grant, 0) + change
        counted = self._own.counted(key)
        if untold := {grant: change for grant, change in untold.items() if grant in counted}:
            self._untold[key] = untold

    @property
    def _trusted(self) -> bool:
        return self._clock() >= self._retry_at

    def _gone(self) -> None:
        self._retry_at = self._clock() + self._retry_s

    def _share(self, limit: int) -> int:
        return max(1, limit // self._instances)
