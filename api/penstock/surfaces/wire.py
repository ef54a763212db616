"""One request as a client sends it, and the answer as it goes back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final, Protocol

from penstock.surfaces.framing import Framing, Headers

HIGH_WATER_BYTES: Final = 64 * 1024
"""Of a body that nobody asks for yet: beyond it the client is read no further."""


class Line(Protocol):
    """The connection under it."""

    loop: asyncio.AbstractEventLoop
    writable: bool
    """The client keeps up with what is written."""

    @property
    def write(self) -> Callable[[bytes], None]: ...

    @property
    def about(self) -> Callable[[str], object]: ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def answered(self, *, keep_alive: bool) -> None: ...

    def standing_headers(self) -> bytes: ...


class Wire:
    """What the protocol fills and the front answers. `received_at`: when the request's last byte came in."""

    __slots__ = (
        "_expects_continue", "_framing", "_line", "_parts", "_waiter", "_write", "answered", "flows", "gone", "headers",
        "left", "loop", "method", "path", "query", "received_at", "size", "started", "task", "version",
    )  # fmt: skip

    def __init__(
        self, line: Line, asked: tuple[str, str, bytes], headers: dict[bytes, bytes], version: str, *, keep_alive: bool
    ) -> None:
        self.method, self.path, self.query = asked
        self.headers = headers
        self.version = version
        self.received_at: float | None = None
        self.left: Callable[[], None] | None = None
        """Called when the client leaves before it has its answer."""
        self.flows: Callable[[bool], None] | None = None
        """Told False when the client does not keep up with what is written, and True when it does again."""
        self.started = self.answered = self.gone = False
        """`gone`: the client has left."""
        self.size = 0
        """Bytes of the request's body that have come in so far."""
        self.task: asyncio.Task[None] | None = None
        """Who answers it."""
        self.loop = line.loop
        self._line = line
        self._write = line.write
        self._framing = Framing(self.method, version, keep_alive=keep_alive)
        self._expects_continue = version == "1.1" and headers.get(b"expect", b"").lower() == b"100-continue"
        self._parts: list[bytes] = []
        self._waiter: asyncio.Future[None] | None = None

    @property
    def peer(self) -> tuple[str, int] | None:
        """The address and port of who is connected. Looked up when it is asked for, which is seldom."""
        name = self._line.about("peername")
        return (str(name[0]), int(name[1])) if isinstance(name, tuple) else None

    @property
    def keeps_up(self) -> bool:
        """The client does, with what is written."""
        return self._line.writable or self.gone

    def begin(self, task: asyncio.Task[None]) -> None:
        """Its turn has come. That it waited for an earlier request's answer was the client's doing, not our time."""
        self.task = task
        if self.received_at is not None:
            self.received_at = time.monotonic()

    # The request

    def body(self) -> bytes:
        """What has come in of the body."""
        return self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)

    async def more(self) -> None:
        """Wait until more of the body has come in, or its end, or the client has left."""
        if self._expects_continue:
            self._expects_continue = False
            self._write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._line.resume()
        self._waiter = self.loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def arrived(self, data: bytes) -> None:
        if self.answered:  # without it
            return
        self._parts.append(data)
        self.size += len(data)
        if self._waiter is not None:
            self._wake()
        elif self.size > HIGH_WATER_BYTES:
            self._line.pause()

    def complete(self) -> None:
        self.received_at = time.monotonic()
        self._wake()

    def lost(self) -> None:
        """The connection is."""
        if self.answered:
            return
        self.gone = True
        self._wake()
        if self.left is not None:
            self.left()
        if self.flows is not None:
            self.flows(True)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # The answer

    def close_after(self) -> None:
        """Do not keep the connection when this is answered."""
        self._framing.keep_alive = False

    def start(self, status: int, headers: Headers, more: bytes = b"") -> None:
        """Say how the answer begins; `more` are lines of its head. Raises ValueError for a header that is none.

        It goes out with the first of the body, even if that is empty.
        """
        self._framing.start(status, headers, more + self._line.standing_headers())
        self.started = True
        self._expects_continue = False

    def write(self, data: bytes) -> None:
        """More of the body. A client that does not keep up is not waited for: see `flows` and `drained`."""
        if (data := self._framing.more(data)) and not self.gone:
            self._write(data)

    def pass_on(self, data: bytes, framed: bytes) -> None:
        """More of the body, which came as the chunk `framed` if that is not empty: in chunks, it stays one."""
        if not (framed and self._framing.in_chunks):
            self.write(data)
        elif not self.gone:
            self._write(framed)

    async def drained(self) -> None:
        """Wait until the client keeps up."""
        if not self.keeps_up:
            waiter = self.loop.create_future()
            self.flows = lambda flows: waiter.set_result(None) if flows and not waiter.done() else None
            await waiter

    def finish(self, data: bytes) -> None:
        """The last of the body."""
        data = self._framing.last(data)
        if self.gone:
            return
        if data:
            self._write(data)
        self.answered = True
        self._line.answered(keep_alive=self._framing.keep_alive)
