"""What an instance shares with the others, and whether it does so now."""

from __future__ import annotations

from collections.abc import Callable

from structlog.typing import FilteringBoundLogger

from penstock.state.from_url import grants_from_url, ledger_from_url, store_from_url


class Shared:
    """A store, grants and a ledger in the Redis at `url`; with an empty one its own. Raises SettingsError."""

    def __init__(self, url: str, clock: Callable[[], float], log: FilteringBoundLogger) -> None:
        self._log = log
        self.up = True
        """Redis answers, or there is none."""
        self.store = store_from_url(url, clock=clock, on_change=self._changed)
        self.grants = grants_from_url(url, clock)
        self.ledger = ledger_from_url(url)

    async def aclose(self) -> None:
        await self.store.aclose()
        await self.grants.aclose()
        await self.ledger.aclose()

    def _changed(self, up: bool, why: str) -> None:
        self.up = up
        self._log.warning("store moved", up=up, why=why)
