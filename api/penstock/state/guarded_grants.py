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
        self._untold: dict[str, tuple[float, dict[str, int]]] = {}
        """By key, what the shared ones have not heard of: for how long it counts, and how much of each grant."""

    async def take(self, key: str, grant: str, *, limit: int, want: int, least: int, charged_s: float) -> Grant:
        if self._trusted:
            try:
                await self._tell(key)
                taken = await self._shared.take(key, grant, limit=limit, want=want, least=least, charged_s=charged_s)
            except StoreUnavailableError:
                self._gone()
            else:
                await self._own.correct(key, {grant: taken.amount}, charged_s)
                return taken
        share = max(self._share(limit), min(least, limit))  # what all of the limit has room for is not refused for ever
        taken = await self._own.take(key, grant, limit=share, want=want, least=least, charged_s=charged_s)
        if taken.amount:
            self._note(key, {grant: taken.amount}, charged_s)
        return taken

    async def correct(self, key: str, changes: Mapping[str, int], charged_s: float) -> None:
        await self._own.correct(key, changes, charged_s)
        self._note(key, changes, charged_s)
        if self._trusted:
            try:
                await self._tell(key)
            except StoreUnavailableError:
                self._gone()

    async def seat(self, key: str, holder: str, *, want: int, limit: int, ttl_s: float) -> Seats:
        if self._trusted:
            try:
                seats = await self._shared.seat(key, holder, want=want, limit=limit, ttl_s=ttl_s)
                for untold in tuple(self._untold) if key == INSTANCES else ():  # each few seconds, whoever asks
                    await self._tell(untold)
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

    async def _tell(self, key: str) -> None:
        charged_s, untold = self._untold.pop(key, (0.0, {}))  # several may come here at once
        counted = self._own.counted(key)
        untold = {grant: change for grant, change in untold.items() if grant in counted}
        if untold:
            try:
                await self._shared.correct(key, untold, charged_s)
            except StoreUnavailableError:  # perhaps it was heard: what was used is told twice rather than never
                used = {grant: change for grant, change in untold.items() if change > 0}
                self._note(key, used, charged_s)
                raise

    def _note(self, key: str, changes: Mapping[str, int], charged_s: float) -> None:
        """What the shared ones have to hear; they need not hear of what has ceased to count."""
        _, before = self._untold.pop(key, (0.0, {}))
        counted = self._own.counted(key)
        untold = {
            grant: before.get(grant, 0) + changes.get(grant, 0) for grant in {**before, **changes} if grant in counted
        }
        if untold:
            self._untold[key] = charged_s, untold

    @property
    def _trusted(self) -> bool:
        return self._clock() >= self._retry_at

    def _gone(self) -> None:
        self._retry_at = self._clock() + self._retry_s

    def _share(self, limit: int) -> int:
        return max(1, limit // self._instances)
