"""Keeps an instance's keyring as its book is: what was revoked anywhere opens nothing here two seconds later."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from structlog.typing import FilteringBoundLogger

from penstock.callers.book import Book, BookUnreadable, Edit
from penstock.callers.edits import Callers
from penstock.callers.keyring import Keyring

EVERY_S = 1.0


class Follower:
    """Looks at the book every second. While it cannot be read, those last read go on, and the log says so once.

    A book that was there and is gone was lost, not emptied. `fixed` are the callers that the settings name.
    """

    def __init__(self, book: Book, fixed: Callers, clock: Callable[[], float], log: FilteringBoundLogger) -> None:
        self.keyring = Keyring(fixed)
        self._book = book
        self._fixed = fixed
        self._clock = clock
        self._log = log
        self._seen: object = None
        self._told = ""
        self._read_at = clock()
        self.has_read = False
        """The book was read, or was found not to be there yet."""

    @property
    def age_s(self) -> float:
        """How long the book cannot be read by now; 0 while it can."""
        return self._clock() - self._read_at if self._told else 0.0

    async def read(self) -> Callers:
        """Those in the book. Raises BookUnreadable."""
        return await self._book.read()

    async def write(self, edit: Edit) -> Callers:
        """Change the book, and what this instance knows of it. Raises BookUnreadable, and what the edit raises."""
        after = await self._book.write(edit)
        await self.look()
        return after

    async def look(self) -> None:
        """Read the book if it is another than last time."""
        try:
            await self._read_anew(await self._book.version())
        except BookUnreadable as error:
            if str(error) != self._told:
                self._told = str(error)
                self._log.error("callers unreadable", why=self._told)  # the message says it all
        else:
            self._told = ""
            self._read_at = self._clock()
            self.has_read = True

    async def run(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            await self.look()

    async def aclose(self) -> None:
        await self._book.aclose()

    async def _read_anew(self, version: object) -> None:
        if version is None and self._seen is not None:
            raise BookUnreadable("The callers are gone. Those that were read last go on until others are there.")
        if version != self._seen:
            self.keyring.load((*self._fixed, *await self._book.read()))
            self._seen = version
