"""Waiting: always for something, never without a limit, always open to an interruption."""

from __future__ import annotations

import time
from collections.abc import Callable

from operations.errors import TookTooLong
from operations.interrupts import Interrupts

TICK_S = 0.1
"""How late an interruption is noticed, at most."""


class Patience:
    """`dry` waits for nothing."""

    def __init__(
        self,
        interrupts: Interrupts,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        *,
        dry: bool = False,
    ) -> None:
        self.interrupts = interrupts
        self.clock = clock
        self.dry = dry
        self._sleep = sleep

    def until(self, what: str, met: Callable[[], str], limit_s: float, every_s: float = 0.5) -> None:
        """Wait until `met` says nothing more; what it says is what is still wanting. Raises TookTooLong."""
        if self.dry:
            return
        deadline = self.clock() + limit_s
        while wanting := met():
            if self.clock() >= deadline:
                raise TookTooLong(f"{what}: not within {limit_s:g} s: {wanting}")
            self.pause(every_s)

    def pause(self, seconds: float) -> None:
        """Raises Interrupted within a tick of a signal."""
        deadline = self.clock() + seconds
        self.interrupts.check()
        while not self.dry and (left := deadline - self.clock()) > 0:
            self._sleep(min(left, TICK_S))
            self.interrupts.check()
