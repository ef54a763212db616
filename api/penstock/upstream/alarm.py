"""One timer for the waits of a connection, which come one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from penstock.upstream.patience import after_next_read

EARLY_S: Final = 0.001
"""By so much a timer may be: the loop's count in milliseconds."""


class Alarm:
    """Rings when it is time, once, unless it was set anew or cleared before.

    A wait mostly ends long before its time, and the next one's time is later: the timer is left to run, and when it is
    due it looks what there is to wait for. So a request seldom makes one, which costs as much as reading its headers.
    """

    __slots__ = ("_due", "_ring", "_timer", "_when", "loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._ring: Callable[[], None] | None = None
        self._when = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0
        """When the timer is."""

    def set(self, when: float, ring: Callable[[], None]) -> None:
        """Ring at this time of the loop's clock, and no more at what was set before."""
        self._when, self._ring = when, ring
        if self._timer is None:
            self._start()
        elif when < self._due:
            self._timer.cancel()
            self._start()

    def clear(self) -> None:
        self._ring = None

    def close(self) -> None:
        self._ring = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _start(self) -> None:
        self._due = self._when
        self._timer = self.loop.call_at(self._due, after_next_read, self.loop, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._ring is None:
            return
        if self.loop.time() < self._when - EARLY_S:
            self._start()
            return
        ring, self._ring = self._ring, None
        ring()
