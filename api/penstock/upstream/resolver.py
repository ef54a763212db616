"""Looks up from beside the road which addresses are behind a name: replicas that come and go by DNS."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from structlog.typing import FilteringBoundLogger

from penstock.upstream.roster import Roster

Lookup = Callable[[str], Awaitable[Iterable[str]]]


async def addresses_of(host: str) -> set[str]:
    """As this machine's resolver has them. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return {str(address[0]) for *_, address in found}


@dataclass(slots=True)
class Resolver:
    """Looks up every name each `every_s`; the log hears of one whose addresses are others, or cannot be had.

    A name that has no address just now, or a server that does not answer, takes nobody out: those known before stay,
    and whether they are well is the watcher's to find.
    """

    every_s: float
    roster: Roster
    log: FilteringBoundLogger
    lookup: Lookup = addresses_of
    _pending: dict[str, asyncio.Future[Iterable[str]]] = field(default_factory=dict, init=False)
    _failing: set[str] = field(default_factory=set, init=False)

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(self.every_s)
            await self.look(self.every_s)

    async def look(self, limit_s: float) -> None:
        """One round: every name at the same time."""
        await asyncio.gather(*(self._look(url, limit_s) for url in self.roster.by_address))

    async def _look(self, url: str, limit_s: float) -> None:
        """A lookup cannot be called back: one that takes too long goes on, and no second one begins beside it."""
        pending = self._pending.get(url)
        if pending is None:
            pending = self._pending[url] = asyncio.ensure_future(self.lookup(urlsplit(url).hostname or ""))
        await asyncio.wait([pending], timeout=limit_s)
        if not pending.done():
            return self._failed(url)
        del self._pending[url]
        try:
            found = sorted(pending.result())
        except (OSError, UnicodeError):  # the second: it is no host's name
            found = []
        return self._found(url, found) if found else self._failed(url)

    def _found(self, url: str, addresses: list[str]) -> None:
        self._failing.discard(url)
        if self.roster.resolved(url, addresses):
            self.log.info("name looked up", url=url, addresses=addresses)

    def _failed(self, url: str) -> None:
        if url not in self._failing:
            self._failing.add(url)
            self.log.warning("name looked up", url=url, addresses=None)
