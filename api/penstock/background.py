"""What runs beside the requests for as long as an instance lives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from structlog.typing import FilteringBoundLogger

Run = Callable[[], Awaitable[None]]
PAUSE_S = 1.0


@asynccontextmanager
async def background(log: FilteringBoundLogger, *runs: Run) -> AsyncIterator[None]:
    """Inside, each of them runs; one that fails is logged and begun again."""
    tasks = [asyncio.create_task(_kept_running(run, log)) for run in runs]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _kept_running(run: Run, log: FilteringBoundLogger) -> None:
    while True:
        try:
            await run()
        except Exception:  # a bug of ours must not end the watching for good
            log.exception("background task failed")
        await asyncio.sleep(PAUSE_S)
