"""The way of a stream's bytes to the client."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, cast

from penstock.surfaces.steps import Steps
from penstock.surfaces.visit import Send
from penstock.upstream.stream import Stream


class Pipe:
    """Writes to the client straight from a parser's callback, without a queue or a change of task.

    The server's `send` is stepped by hand: it returns at once, unless the client does not keep up. Then the target
    is paused until what was written has gone.
    """

    def __init__(self, send: Send, stream: Stream, client_left: Callable[[], None]) -> None:
        self._send = send
        self._stream = stream
        self._client_left = client_left
        self._late: list[bytes] = []
        self._sending: Steps[None] | None = None
        self._flushed: asyncio.Future[None] | None = None

    def write(self, data: bytes) -> None:
        if self._sending is not None:
            self._late.append(data)
            return
        message = {"type": "http.response.body", "body": data, "more_body": True}
        sending = cast(Coroutine[Any, Any, None], self._send(message))
        try:
            waits_for = sending.send(None)
        except StopIteration:
            return
        self._stream.pause()
        self._sending = Steps(sending, waits_for, self._sent, self._failed)

    async def flush(self) -> None:
        """Wait until everything is written."""
        if self._sending is not None:
            self._flushed = asyncio.get_running_loop().create_future()
            await self._flushed

    def close(self) -> None:
        self._late.clear()
        if self._sending is not None:
            self._sending.close()

    def _sent(self, nothing: None) -> None:
        del nothing
        self._sending = None
        if self._late:
            data = b"".join(self._late)
            self._late.clear()
            self.write(data)
        if self._sending is None:
            self._stream.resume()
            if self._flushed is not None and not self._flushed.done():
                self._flushed.set_result(None)

    def _failed(self, error: Exception) -> None:
        """How some servers tell that the connection is lost."""
        del error
        self._client_left()
