"""The bench's own clients: raw protocols on one loop, cheap enough to leave the program the slower part."""

from __future__ import annotations

import asyncio
import time
from array import array
from typing import cast

import httptools

from benchmark.programs import Running
from benchmark.replies import EVENTS, STAMP, STAMP_DIGITS

END_OF_STREAM = b"\r\n0\r\n\r\n"


def request(running: Running, path: str, body: bytes) -> bytes:
    """An HTTP request, whole."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in running.headers.items())
    head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1:{running.port}\r\n{lines}content-length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Samples:
    """What the streams saw: how many events in all, and while it was recorded, their delays in nanoseconds."""

    def __init__(self) -> None:
        self.recording = False
        self.delays = array("q")
        self.arrivals = array("q")
        self.first_tokens = array("q")
        self.events = 0
        self.broken = 0


class StreamClient(asyncio.Protocol):
    """Asks for one stream after the other on one connection, until told to stop."""

    _transport: asyncio.Transport

    def __init__(self, asked: bytes, samples: Samples) -> None:
        self._asked = asked
        self._samples = samples
        self.stopped = False
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._ask()

    def _ask(self) -> None:
        self._seen = 0
        self._tail = b""
        self._fresh = True
        self._asked_at = time.monotonic_ns()
        self._transport.write(self._asked)

    def data_received(self, data: bytes) -> None:
        now = time.monotonic_ns()
        if self._fresh:
            self._fresh = False
            if not data.startswith(b"HTTP/1.1 200"):
                self._samples.broken += 1
                self._transport.close()
                return
        pieces = (self._tail + data).split(STAMP)
        for stamp in pieces[1:-1]:
            self._event(now, stamp)
        last = pieces[-1]
        if len(pieces) > 1 and len(last) >= STAMP_DIGITS:
            self._event(now, last)
            self._tail = last[-len(END_OF_STREAM) :]
        else:
            self._tail = STAMP + last if len(pieces) > 1 else last[-len(END_OF_STREAM) :]
        if self._tail.endswith(END_OF_STREAM):
            self._ended()

    def _event(self, now: int, stamp: bytes) -> None:
        samples = self._samples
        samples.events += 1
        if samples.recording:
            samples.delays.append(now - int(stamp[:STAMP_DIGITS]))
            samples.arrivals.append(now)
            if not self._seen:
                samples.first_tokens.append(now - self._asked_at)
        self._seen += 1

    def _ended(self) -> None:
        if self._seen != EVENTS:
            self._samples.broken += 1
        if self.stopped:
            self._transport.close()
        else:
            self._ask()

    def abort(self) -> None:
        self._transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.lost.done():
            self.lost.set_result(None)


class Caller(asyncio.Protocol):
    """Asks for whole replies on one connection."""

    _transport: asyncio.Transport

    def __init__(self) -> None:
        self._answer: asyncio.Future[int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    async def ask(self, asked: bytes) -> int:
        """The status of the reply, once it is whole; 0 if the connection was lost."""
        self._answer = asyncio.get_running_loop().create_future()
        self._parser = httptools.HttpResponseParser(self)
        self._transport.write(asked)
        return await self._answer

    def close(self) -> None:
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        self._settle(self._parser.get_status_code())

    def connection_lost(self, error: Exception | None) -> None:
        self._settle(0)

    def _settle(self, status: int) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(status)
