"""Who watches the status page: a few at a time, each told how things stand every second until it leaves."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from penstock.errors import TooManyWatchers
from penstock.surfaces.board import Board

EVERY_S = 1.0
MOST = 16
STALL_S = 5.0
"""How long a watcher may read nothing."""
HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no", "x-content-type-options": "nosniff"}


class Watchers:
    """`end` lets go of all of them, for good: one that comes later is told once."""

    def __init__(self, board: Board) -> None:
        self.count = 0
        self._board = board
        self._ended = asyncio.Event()
        self._told_at = -EVERY_S
        self._told = b""

    def join(self) -> Watch:
        """A place. Raises TooManyWatchers."""
        if self.count >= MOST:
            raise TooManyWatchers(f"{MOST} watch already, and that is all there can be.", retry_after=5)
        return Watch(self)

    def end(self) -> None:
        self._ended.set()

    async def events(self) -> AsyncIterator[bytes]:
        """Server-sent events, each the whole status."""
        while True:
            ended = self._ended.is_set()
            yield self._event(fresh=ended)
            if ended:
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(EVERY_S):
                    await self._ended.wait()

    def _event(self, *, fresh: bool) -> bytes:
        """All are told the same, so it is put together once."""
        now = time.monotonic()
        if fresh or now - self._told_at >= EVERY_S / 2:
            self._told_at = now
            self._told = b"data: %b\n\n" % self._board.status().model_dump_json().encode()
        return self._told


class Watch(StreamingResponse):
    """One watcher's answer, and its place, which is given back however it ends."""

    def __init__(self, watchers: Watchers) -> None:
        super().__init__(watchers.events(), headers=HEADERS, media_type="text/event-stream")
        self._watchers = watchers
        watchers.count += 1

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._watchers.count -= 1

    async def stream_response(self, send: Send) -> None:
        """Break off where the watcher does not read: it would keep a drain waiting."""

        async def sent(message: Message) -> None:
            async with asyncio.timeout(STALL_S):
                await send(message)

        with contextlib.suppress(TimeoutError):
            await super().stream_response(sent)
