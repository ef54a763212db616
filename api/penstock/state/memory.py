"""The store of a single instance, and what stands in for Redis while it is away."""

import heapq
from collections.abc import Callable, Iterable
from typing import NamedTuple

SMALLEST_SWEEP = 1024  # below this many keys, looking for ended ones is not worth the walk


class Entry(NamedTuple):
    value: int
    ends_at: float


class MemoryStore:
    """The five verbs over one dict.

    No verb awaits anything, so each is atomic on its event loop. Ended keys are swept whenever the table
    has doubled since the last sweep; of more than `max_keys` living ones, those that would end soonest are
    dropped.
    """

    def __init__(self, clock: Callable[[], float], max_keys: int = 50_000) -> None:
        self._clock = clock
        self._max_keys = max_keys
        self._entries: dict[str, Entry] = {}
        self._sweep_at = min(SMALLEST_SWEEP, max_keys)

    async def count(self, key: str, window_s: float) -> int:
        entry = self._living(key) or Entry(0, self._clock() + window_s)
        counted = entry._replace(value=entry.value + 1)
        self._set(key, counted)
        return counted.value

    async def mark(self, key: str, ttl_s: float) -> None:
        self._set(key, Entry(1, self._clock() + ttl_s))

    async def marked(self, keys: Iterable[str]) -> frozenset[str]:
        return frozenset(key for key in keys if self._living(key))

    async def claim(self, key: str, ttl_s: float) -> bool:
        if self._living(key):
            return False
        self._set(key, Entry(1, self._clock() + ttl_s))
        return True

    async def clear(self, keys: Iterable[str]) -> None:
        for key in keys:
            self._entries.pop(key, None)

    async def aclose(self) -> None:
        self._entries.clear()

    def __len__(self) -> int:
        return len(self._entries)

    def _living(self, key: str) -> Entry | None:
        entry = self._entries.get(key)
        return entry if entry and entry.ends_at > self._clock() else None

    def _set(self, key: str, entry: Entry) -> None:
        if key not in self._entries and len(self._entries) >= self._sweep_at:
            self._sweep()
        self._entries[key] = entry

    def _sweep(self) -> None:
        now = self._clock()
        self._entries = {key: entry for key, entry in self._entries.items() if entry.ends_at > now}
        if len(self._entries) >= self._max_keys:
            # A tenth at once, so that a full table is not walked again at the next key.
            soonest = heapq.nsmallest(self._max_keys // 10 + 1, self._entries, key=lambda k: self._entries[k].ends_at)
            for key in soonest:
                del self._entries[key]
        self._sweep_at = min(max(2 * len(self._entries), SMALLEST_SWEEP), self._max_keys)
