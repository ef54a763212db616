"""One request's response, as its bytes come in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from penstock.upstream.alarm import Alarm
from penstock.upstream.wire_errors import Cut, WireError

BUFFER_BYTES: Final = 256 * 1024
"""Unread body bytes from which a connection stops reading until they are taken."""


class Carrier(Protocol):
    """What an exchange may do to the connection under it."""

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def abort(self) -> None: ...


Sink = Callable[[bytes, bytes], None]
"""Handed body bytes, and the same as they came, if that was as one whole chunk; else nothing."""
Ended = Callable[[WireError | None], None]


class Exchange:
    """One request's response. Read it with `head` and `read`, or have it poured into a sink as it arrives.

    It keeps its connection only until the last byte has come in, so that it can never see another's bytes.
    """

    __slots__ = (
        "_alarm", "_buffer", "_buffered", "_connection", "_ended", "_error", "_sink", "_waiter",
        "complete", "headers", "loop", "reused", "status",
    )  # fmt: skip

    def __init__(self, connection: Carrier, alarm: Alarm, *, reused: bool) -> None:
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self.complete = False
        self.reused = reused
        self._connection: Carrier | None = connection
        self.loop = alarm.loop
        self._alarm: Alarm | None = alarm
        """Its connection's. It has neither any more when it is over: they may serve another."""
        self._buffer: list[bytes] = []
        self._buffered = 0
        self._error: WireError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._sink: Sink | None = None
        self._ended: Ended | None = None

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

    def pour(self, sink: Sink, ended: Ended) -> None:
        """Hand every further body byte to `sink` the moment it arrives, then call `ended` once."""
        self._sink, self._ended = sink, ended
        if self._buffer:
            data = b"".join(self._buffer)
            self._buffer.clear()
            sink(data, b"")
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
        self.resume()
        self.wake_at(self.loop.time() + grace_s, self.close)

    def close(self) -> None:
        """Give the exchange up. A response that is still coming is cut, which cancels it at the target."""
        self._sink = self._ended = None
        self._buffer.clear()
        if self._connection is not None:
            self._connection.abort()
            self.let_go()
        self._throw(Cut("it was given up"))

    def wake_at(self, when: float, then: Callable[[], None]) -> None:
        """Call it at this time of the loop's clock, unless the response is over by then. One call waits at a time."""
        if self._alarm is not None:
            self._alarm.set(when, then)

    async def _more(self, deadline: float) -> None:
        if self._error is not None:
            raise self._error
        if self._alarm is None:
            raise Cut("it was given up")
        if deadline <= self.loop.time():
            raise TimeoutError
        self._waiter = self.loop.create_future()
        self._alarm.set(deadline, self._expire)
        try:
            await self._waiter
        finally:
            self._waiter = None

    # What the connection tells.

    def began(self, status: int, headers: dict[bytes, bytes]) -> None:
        self.status, self.headers = status, headers
        self._wake()

    def arrived(self, data: bytes, framed: bytes) -> None:
        if self._sink is not None:
            self._sink(data, framed)
            return
        self._buffer.append(data)
        self._buffered += len(data)
        if self._buffered > BUFFER_BYTES:
            self.pause()
        self._wake()

    def let_go(self) -> None:
        """Nothing more is to be had of the connection: it may serve another."""
        self._connection = None
        if self._alarm is not None:
            self._alarm.clear()
            self._alarm = None

    def finished(self) -> None:
        self.complete = True
        self.let_go()
        self._wake()
        if self._ended is not None:
            self._ended(None)

    def failed(self, error: WireError) -> None:
        self._error = error
        self.let_go()
        self._throw(error)
        if self._ended is not None:
            self._ended(error)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _expire(self) -> None:
        self._throw(TimeoutError())

    def _throw(self, error: Exception) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error)


def _discard(data: bytes, framed: bytes) -> None:
    del data, framed
