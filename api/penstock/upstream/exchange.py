"""One request's response, as its bytes come in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from penstock.upstream.patience import after_next_read

BUFFER_BYTES: Final = 256 * 1024
"""Unread body bytes from which a connection stops reading until they are taken."""


class WireError(Exception):
    """The connection did not carry the response to its end."""


class Unreachable(WireError):
    """No connection could be made, or a fresh one was reset before its first byte."""


class Stale(WireError):
    """A reused connection was closed before the first byte: the other side had given it up already."""


class Cut(WireError):
    """The connection ended, or what it carried was not HTTP, after the response had begun."""


class Full(WireError):
    """As many connections as are allowed are in use."""


class Carrier(Protocol):
    """What an exchange may do to the connection under it."""

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def abort(self) -> None: ...


class Exchange:
    """One request's response. Read it with `head` and `read`, or have it poured into a sink as it arrives.

    It keeps its connection only until the last byte has come in, so that it can never see another's bytes.
    """

    __slots__ = (
        "_buffer", "_buffered", "_connection", "_ended", "_error", "_loop", "_sink", "_waiter",
        "complete", "headers", "reused", "status",
    )  # fmt: skip

    def __init__(self, connection: Carrier, loop: asyncio.AbstractEventLoop, *, reused: bool) -> None:
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self.complete = False
        self.reused = reused
        self._connection: Carrier | None = connection
        self._loop = loop
        self._buffer: list[bytes] = []
        self._buffered = 0
        self._error: WireError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._sink: Callable[[bytes], None] | None = None
        self._ended: Callable[[WireError | None], None] | None = None

    async def head(self, deadline: float) -> int:
        """The status, once the response's headers are in. Raises WireError or TimeoutError."""
        while not self.status:
            await self._more(deadline)
        return self.status

    async def read(self, deadline: float) -> bytes:
        """The body bytes that came in since the last read; empty at the end of a whole body."""
        while not self._buffer:
            if self.complete:
                return b""
            await self._more(deadline)
        data = self._buffer[0] if len(self._buffer) == 1 else b"".join(self._buffer)
        self._buffer.clear()
        self._buffered = 0
        self.resume()
        return data

    async def whole(self, limit: int, deadline: float) -> bytes | None:
        """The body; None if it is larger than the limit."""
        while not self.complete and self._buffered <= limit:
            self.resume()
            await self._more(deadline)
        if self._buffered > limit:
            return None
        return self._buffer[0] if len(self._buffer) == 1 else b"".join(self._buffer)

    def pour(self, sink: Callable[[bytes], None], ended: Callable[[WireError | None], None]) -> None:
        """Hand every further body byte to `sink` the moment it arrives, then call `ended` once."""
        self._sink, self._ended = sink, ended
        if self._buffer:
            data = b"".join(self._buffer)
            self._buffer.clear()
            sink(data)
        if self.complete or self._error:
            ended(self._error)
        else:
            self.resume()

    def pause(self) -> None:
        if self._connection is not None:
            self._connection.pause()

    def resume(self) -> None:
        if self._connection is not None:
            self._connection.resume()

    def leave(self, grace_s: float) -> None:
        """Wait for nothing more, but let the last bytes come within `grace_s`: the connection is kept."""
        self._buffer.clear()
        self._sink, self._ended = _discard, None
        if self._connection is not None:
            self.resume()
            self._loop.call_later(grace_s, self.close)

    def close(self) -> None:
        """Give the exchange up. A response that is still coming is cut, which cancels it at the target."""
        self._sink = self._ended = None
        self._buffer.clear()
        if self._connection is not None:
            self._connection.abort()
            self._connection = None

    async def _more(self, deadline: float) -> None:
        if self._error is not None:
            raise self._error
        if deadline <= self._loop.time():
            raise TimeoutError
        self._waiter = self._loop.create_future()
        timer = self._loop.call_at(deadline, after_next_read, self._loop, _expire, self._waiter)
        try:
            await self._waiter
        finally:
            timer.cancel()
            self._waiter = None

    # What the connection tells.

    def began(self, status: int, headers: dict[bytes, bytes]) -> None:
        self.status, self.headers = status, headers
        self._wake()

    def arrived(self, data: bytes) -> None:
        if self._sink is not None:
            self._sink(data)
            return
        self._buffer.append(data)
        self._buffered += len(data)
        if self._buffered > BUFFER_BYTES:
            self.pause()
        self._wake()

    def finished(self) -> None:
        self.complete, self._connection = True, None
        self._wake()
        if self._ended is not None:
            self._ended(None)

    def failed(self, error: WireError) -> None:
        self._error, self._connection = error, None
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error)
        if self._ended is not None:
            self._ended(error)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _discard(data: bytes) -> None:
    del data


def _expire(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_exception(TimeoutError())
