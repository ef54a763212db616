"""The grants of an instance that is alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from penstock.state.grants import Grant, Seats

MOST_BOOKS = 1000
"""Beyond so many it looks for those that are empty, and again when there are twice as many as were left."""


@dataclass(slots=True)
class _Taken:
    amount: int
    ends_at: float


@dataclass(slots=True)
class _Book:
    taken: dict[str, _Taken] = field(default_factory=dict)

    def forget_ended(self, now: float) -> None:
        for name in [name for name, each in self.taken.items() if each.ends_at <= now]:
            del self.taken[name]

    @property
    def total(self) -> int:
        return sum(each.amount for each in self.taken.values())

    def full_s(self, now: float) -> float:
        return max((each.ends_at - now for each in self.taken.values()), default=0.0)

    def wait_s(self, missing: int, now: float) -> float:
        """Seconds until that much more is free."""
        for each in sorted(self.taken.values(), key=lambda each: each.ends_at):
            missing -= each.amount
            if missing <= 0:
                return each.ends_at - now
        return math.inf


class MemoryGrants:
    """The three verbs over dicts. No verb awaits anything, so each is atomic on its event loop."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._books: dict[str, _Book] = {}
        self._most = MOST_BOOKS

    async def take(self, key: str, grant: str, *, limit: int, want: int, least: int, charged_s: float) -> Grant:
        now, book = self._clock(), self._book(key)
        free = limit - book.total
        if free < least:
            return Grant(0, book.wait_s(least - free, now), max(0, free), book.full_s(now))
        amount = min(want, free)
        held = book.taken.get(grant)
        book.taken[grant] = _Taken(amount + (held.amount if held else 0), now + charged_s)
        return Grant(amount, 0.0, free - amount, book.full_s(now))

    async def correct(self, key: str, changes: Mapping[str, int], charged_s: float) -> None:
        now, book = self._clock(), self._book(key)
        for name, change in changes.items():
            taken = book.taken.get(name)
            if taken is not None:
                taken.amount = max(0, taken.amount + change)
            elif change > 0:
                book.taken[name] = _Taken(change, now + charged_s)

    async def seat(self, key: str, holder: str, *, want: int, limit: int, ttl_s: float) -> Seats:
        now, book = self._clock(), self._book(key)
        book.taken.pop(holder, None)
        granted = max(0, min(want, limit - book.total))
        if granted:
            book.taken[holder] = _Taken(granted, now + ttl_s)
        return Seats(granted, len(book.taken))

    def counted(self, key: str) -> Collection[str]:
        """The grants that count now."""
        return self._book(key).taken

    async def aclose(self) -> None:
        self._books.clear()

    def _book(self, key: str) -> _Book:
        book = self._books.get(key)
        if book is None:
            if len(self._books) >= self._most:
                self._forget_ended()
            book = self._books[key] = _Book()
        book.forget_ended(self._clock())
        return book

    def _forget_ended(self) -> None:
        """Seldom: keys of days and months that are over are never asked for again."""
        now = self._clock()
        for key, book in tuple(self._books.items()):
            book.forget_ended(now)
            if not book.taken:
                del self._books[key]
        self._most = max(MOST_BOOKS, 2 * len(self._books))
