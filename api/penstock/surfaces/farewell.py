"""How a connection ends: what is written goes out first, to a client that takes it and may still be sending."""

from __future__ import annotations

import asyncio

LINGER_S = 5.0
"""How long a client may go on to send a request that has its answer: what it sends is thrown away."""

TAKES_NOTHING_S = 30.0
"""How long a client may take nothing of what is still to go out."""


class Farewell:
    """Of one connection."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, *, unread: bool) -> None:
        """`unread`: more of a request may come. A connection that is closed over it is reset, and a client that only
        then looks for its answer may find none (RFC 9112, 9.6)."""
        self.over()
        if unread and not self._transport.is_closing():
            self._transport.write_eof()
            self._transport.resume_reading()
            self._timer = self._loop.call_later(LINGER_S, self._close)
        else:
            self._close()

    def over(self) -> None:
        """The connection is lost."""
        if self._timer is not None:
            self._timer.cancel()

    def _close(self) -> None:
        self._transport.close()
        if unsent := self._transport.get_write_buffer_size():
            self._timer = self._loop.call_later(TAKES_NOTHING_S, self._look, unsent)

    def _look(self, before: int) -> None:
        unsent = self._transport.get_write_buffer_size()
        if unsent >= before:
            self._transport.abort()
        else:
            self._timer = self._loop.call_later(TAKES_NOTHING_S, self._look, unsent)
