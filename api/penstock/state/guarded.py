"""A shared store that may fail without anyone noticing but the log."""

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from penstock.state.memory import MemoryStore
from penstock.state.store import Store, StoreUnavailableError

T = TypeVar("T")

MOST_OWED = 256  # keys; what is paid back on return stays a matter of milliseconds


class GuardedStore:
    """The primary store while it answers, this instance's own memory while it does not.

    No verb raises. After a failure the primary is left alone for `retry_s`; then one caller, and no other,
    finds out whether it is back. `on_change(up, why)` hears each change once. A primary never yet asked
    counts as up.

    Marks and clears are kept in memory as well, so an instance goes on from what it said itself; those that
    the primary missed are told to it, the latest for each key and with the time they have left, before it
    counts as back. Counts and claims are not: while away they are this instance's alone. Nor are marks of
    other instances known while away: who must not forget those keeps the last reading while `up` is false.
    """

    def __init__(
        self,
        primary: Store,
        memory: MemoryStore,
        *,
        clock: Callable[[], float],
        on_change: Callable[[bool, str], None],
        retry_s: float = 1.0,
    ) -> None:
        self._primary = primary
        self._memory = memory
        self._clock = clock
        self._on_change = on_change
        self._retry_s = retry_s
        self._retry_at = 0.0
        self._owed: dict[str, float | None] = {}  # key -> when its mark ends, or None where it was cleared
        self.up = True

    async def count(self, key: str, window_s: float) -> int:
        try:
            return await self._ask(lambda: self._primary.count(key, window_s))
        except StoreUnavailableError:
            return await self._memory.count(key, window_s)

    async def mark(self, key: str, ttl_s: float) -> None:
        await self._memory.mark(key, ttl_s)
        await self._tell([key], self._clock() + ttl_s, lambda: self._primary.mark(key, ttl_s))

    async def marked(self, keys: Iterable[str]) -> frozenset[str]:
        asked = list(keys)
        try:
            return await self._ask(lambda: self._primary.marked(asked))
        except StoreUnavailableError:
            return await self._memory.marked(asked)

    async def claim(self, key: str, ttl_s: float) -> bool:
        try:
            return await self._ask(lambda: self._primary.claim(key, ttl_s))
        except StoreUnavailableError:
            return await self._memory.claim(key, ttl_s)

    async def clear(self, keys: Iterable[str]) -> None:
        named = list(keys)
        await self._memory.clear(named)
        await self._tell(named, None, lambda: self._primary.clear(named))

    async def aclose(self) -> None:
        await self._primary.aclose()
        await self._memory.aclose()

    async def _tell(self, keys: list[str], until: float | None, verb: Callable[[], Awaitable[None]]) -> None:
        try:
            await self._ask(verb)
        except StoreUnavailableError:
            for key in keys:
                self._owed.pop(key, None)  # to the end of the queue: the oldest are let go first
                self._owed[key] = until
            while len(self._owed) > MOST_OWED:
                del self._owed[next(iter(self._owed))]

    async def _ask(self, verb: Callable[[], Awaitable[T]]) -> T:
        """The primary's answer, or StoreUnavailableError: at once while it is left alone."""
        probing = not self.up
        if probing:
            if self._clock() < self._retry_at:
                raise StoreUnavailableError("away")
            self._retry_at = self._clock() + self._retry_s  # the others do not wait beside this one
        try:
            if probing:
                await self._pay()
            answer = await verb()
            if probing:
                await self._pay()  # what was said since
        except StoreUnavailableError as error:
            self._gone(str(error))
            raise
        if probing:
            self._back()
        return answer

    async def _pay(self) -> None:
        while self._owed:
            key, until = next(iter(self._owed.items()))
            if until is None:
                await self._primary.clear([key])
            elif (left_s := until - self._clock()) > 0:
                await self._primary.mark(key, left_s)
            if self._owed.get(key, 0) == until:  # else it was said anew meanwhile, and is owed again
                del self._owed[key]

    def _gone(self, why: str) -> None:
        self._retry_at = self._clock() + self._retry_s
        if self.up:
            self.up = False
            self._on_change(False, why)

    def _back(self) -> None:
        if not self.up:
            self.up = True
            self._on_change(True, "it answers again")
