"""The way of a stream's bytes to the client."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from typing import Any

from penstock.surfaces.visit import Send
from penstock.upstream.stream import Stream


class Pipe:
    """Writes to the client straight from a parser's callback, without a queue or a change of task.

    The server's `send` is stepped by hand: it returns at once, unless the client does not keep up. Then the target
    is paused, and a task finishes the write.
    """

    def __init__(self, send: Send, stream: Stream, client_left: Callable[[], None]) -> None:
        self._send = send
        self._stream = stream
        self._client_left = client_left
        self._late: list[bytes] = []
        self._finishing: asyncio.Task[None] | None = None

    def write(self, data: bytes) -> None:
        if self._finishing is not None:
            self._late.append(data)
            return
        sending = self._send({"type": "http.response.body", "body": data, "more_body": True})
        assert isinstance(sending, Coroutine)  # noqa: S101  # ASGI servers' send is an async def
        try:
            waits_for = sending.send(None)
        except StopIteration:
            return
        self._stream.pause()
        self._finishing = asyncio.ensure_future(self._finish(_Rest(sending, waits_for)))

    async def flush(self) -> None:
        """Wait until everything is written."""
        if self._finishing is not None:
            await self._finishing

    def close(self) -> None:
        if self._finishing is not None:
            self._finishing.cancel()

    async def _finish(self, sending: _Rest) -> None:
        try:
            await sending
            while self._late:
                data = b"".join(self._late)
                self._late.clear()
                await self._send({"type": "http.response.body", "body": data, "more_body": True})
        except OSError:  # how some servers tell that the connection is lost
            self._client_left()
        self._finishing = None
        self._stream.resume()


class _Rest:
    """What is left of a coroutine that was stepped once and now waits."""

    def __init__(self, coroutine: Coroutine[Any, Any, None], waits_for: object) -> None:
        self._coroutine = coroutine
        self._waits_for = waits_for

    def __await__(self) -> Generator[object, None, None]:
        waits_for = self._waits_for
        while True:
            thrown: BaseException | None = None
            try:
                yield waits_for
            except BaseException as error:  # noqa: BLE001  # it is the coroutine's to handle, whatever it is
                thrown = error
            try:
                waits_for = self._coroutine.send(None) if thrown is None else self._coroutine.throw(thrown)
            except StopIteration:
                return
