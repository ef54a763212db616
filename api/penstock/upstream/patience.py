"""Limits on a target's time that are not used up by this process standing still.

A timer that is due after a pause of our own (no core was free, the machine slept) runs before the bytes are read
that came meanwhile: it would blame the target.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

MOMENT_S = 0.05


def after_next_read(loop: asyncio.AbstractEventLoop, then: Callable[..., object], *given: object) -> None:
    """Call `then` when the loop has read what came in by now."""
    loop.call_soon(loop.call_soon, then, *given)


@asynccontextmanager
async def patience(seconds: float) -> AsyncIterator[None]:
    """As asyncio.timeout, with a moment more for what has happened already and only has to be noticed."""
    loop = asyncio.get_running_loop()
    waiting = True

    def expire() -> None:
        if waiting:
            limit.reschedule(loop.time())

    async with asyncio.timeout(None) as limit:
        timer = loop.call_later(seconds, loop.call_later, MOMENT_S, expire)
        try:
            yield
        finally:
            waiting = False
            timer.cancel()
