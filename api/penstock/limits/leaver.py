"""What a request asked for comes also when its client has left meanwhile, and then has to go back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TypeVar

T = TypeVar("T")


async def answered(asking: Coroutine[object, object, T], give_back: Callable[[T], None]) -> T:
    """What is answered. Cancelled, it asks to the end in the background, and gives back what it gets."""
    task = asyncio.ensure_future(asking)

    def unwanted(done: asyncio.Future[T]) -> None:
        if not done.cancelled() and done.exception() is None:
            give_back(done.result())

    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        task.add_done_callback(unwanted)
        raise
