"""Runs what is left of a coroutine from the loop's call-backs, without a task.

A task costs more than most sends and receives do: they seldom wait. So the first step is taken by hand, where the
coroutine is made, and only what then waits comes here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Steps(Generic[T]):
    """Steps a coroutine each time that what it waits for is there. `done` hears its result, `failed` its error.

    `waits_for` is what its first step gave: a future that asyncio's own futures yield when awaited (PEP 3156).
    """

    def __init__(
        self,
        coroutine: Coroutine[Any, Any, T],
        waits_for: asyncio.Future[Any],
        done: Callable[[T], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self._coroutine = coroutine
        self._done = done
        self._failed = failed
        self._closed = False
        self._wait(waits_for)

    def close(self) -> None:
        """Run it no further."""
        self._closed = True
        self._coroutine.close()

    def _wait(self, waits_for: asyncio.Future[Any]) -> None:
        waits_for._asyncio_future_blocking = False  # as a task does to say that it took note
        waits_for.add_done_callback(self._step)

    def _step(self, future: asyncio.Future[Any]) -> None:
        del future  # the coroutine asks it for its result by itself
        if self._closed:
            return
        try:
            waits_for = self._coroutine.send(None)
        except StopIteration as end:
            self._done(end.value)
        except Exception as error:  # noqa: BLE001  # whatever it is, it belongs to who made the coroutine
            self._failed(error)
        else:
            self._wait(waits_for)
