"""The clients' connections: HTTP/1.1 requests one after the other, each handed to who answers it."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Final, cast

from uvicorn.server import ServerState

from penstock.errors import PenstockError
from penstock.surfaces.farewell import Farewell
from penstock.surfaces.framing import refusal
from penstock.surfaces.reader import Reader
from penstock.surfaces.render import error_body
from penstock.surfaces.wire import Wire

LOG = logging.getLogger("uvicorn.error")

Answer = Callable[[Wire], Coroutine[Any, Any, None]]

HEADERS_S = 10.0
"""How long a client may take to send a request's headers, from its connection or from their first byte."""

KEEP_ALIVE_S = 75.0
"""How long a connection may be idle between two requests."""
MAX_WAITING: Final = 32
"""Requests that may wait for an earlier one's answer. Those that came after them are not answered."""


class Protocol(asyncio.Protocol):
    """One connection. uvicorn makes it, counts it in `server_state.connections`, and calls `shutdown` on it."""

    def __init__(self, answer: Answer, server_state: ServerState, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.writable = True
        self._answer = answer
        self._state = server_state
        self._reader = Reader(self, self._begun)
        self._transport: asyncio.Transport
        self._farewell: Farewell
        self._wire: Wire | None = None
        """The request that is answered now."""
        self._waiting: deque[Wire] = deque()
        """Requests that came before an earlier one was answered, and its answer taken."""
        self._standing: tuple[list[tuple[bytes, bytes]], bytes] = [], b""
        self._paused = self._deaf = False
        self._headers_since: float | None = loop.time()
        self._idle_since = 0.0
        self._timer: asyncio.TimerHandle | None = None

    # What the transport tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._farewell = Farewell(self._transport, self.loop)
        self.write: Callable[[bytes], None] = self._transport.write
        self.about: Callable[[str], object] = transport.get_extra_info
        self._state.connections.add(self)  # type: ignore[arg-type]  # it lists the protocols that it knows
        self._check()

    def connection_lost(self, exc: Exception | None) -> None:
        self._state.connections.discard(self)
        self._farewell.over()
        if self._timer is not None:
            self._timer.cancel()
        self._waiting.clear()
        if self._wire is not None:
            self._wire.lost()
            self._wire = None

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        try:
            self._reader.feed(data)
        except PenstockError as error:
            self._refuse(error)
        if not self._reader.in_headers:
            self._headers_since = None
        elif self._headers_since is None:
            self._headers_since = self.loop.time()
            self._check()

    def pause_writing(self) -> None:
        self._flows(False)

    def resume_writing(self) -> None:
        self._flows(True)
        if self._wire is None and not self._deaf:
            self._go_on()

    def _flows(self, writable: bool) -> None:
        self.writable = writable
        if self._wire is not None and self._wire.flows is not None:
            self._wire.flows(writable)

    # What a wire asks of its line

    def pause(self) -> None:
        if not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        if self._paused:
            self._paused = False
            self._transport.resume_reading()

    def standing_headers(self) -> bytes:
        headers = self._state.default_headers  # a new list each second, for the date
        if headers is not self._standing[0]:
            self._standing = headers, b"".join(b"%b: %b\r\n" % header for header in headers)
        return self._standing[1]

    def answered(self, *, keep_alive: bool) -> None:
        self._state.total_requests += 1
        self._wire = None
        self._idle_since = self.loop.time()
        if self._headers_since is not None:
            self._headers_since = self._idle_since
        if not keep_alive:
            self._leave(unread=self._reader.in_body or self._paused)
        elif self.writable:
            self._go_on()
        if self._timer is None:
            self._check()

    def shutdown(self) -> None:
        """The server is going: close, or do so after the answer."""
        if self._wire is None:
            self._leave()
        else:
            self._wire.close_after()

    def _go_on(self) -> None:
        """With the next request, if it is here. The client has taken the last answer: it cannot pile them up."""
        if self._waiting:
            self._begin(self._waiting.popleft())
        else:
            self.resume()

    def _begun(self, wire: Wire) -> None:
        if self._wire is None and self.writable:
            self._begin(wire)
            return
        self.pause()
        if len(self._waiting) < MAX_WAITING:
            self._waiting.append(wire)
        else:
            self._waiting[-1].close_after()

    def _begin(self, wire: Wire) -> None:
        self._wire = wire
        wire.begin(asyncio.Task(self._run(wire), loop=self.loop, name=wire.path))  # to number one takes longer

    async def _run(self, wire: Wire) -> None:
        try:
            await self._answer(wire)
        finally:
            if not (wire.answered or wire.gone):
                self._leave()

    def _check(self) -> None:
        """Hang up on a client that is quiet for too long. The timer is left to run while a request is answered."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._wire is not None:
            return
        if self._headers_since is not None and not self._waiting:
            due = self._headers_since + HEADERS_S
        else:
            due = self._idle_since + KEEP_ALIVE_S
        if due <= self.loop.time():
            self._leave()
        else:
            self._timer = self.loop.call_at(due, self._check)

    def _leave(self, *, unread: bool = False) -> None:
        self._deaf = True
        self._waiting.clear()
        self._farewell.begin(unread=unread)

    def _refuse(self, error: PenstockError) -> None:
        """Hear no more, and answer what is whole. The client is told why where no answer is under way."""
        LOG.warning(error.message)
        self._deaf = True
        if self._waiting and self._waiting[-1].received_at is None:
            self._waiting.pop()
        last = self._waiting[-1] if self._waiting else self._wire
        if last is not None and last.received_at is not None:
            last.close_after()
            return
        if last is None and self._reader.in_headers:
            self._transport.write(refusal(error.status, error_body(error)))
        self._leave()
