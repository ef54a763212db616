"""A back end that streams at a steady pace, cheaply enough not to be what is measured.

`python -m benchmark.paced PORT`. One ticker serves all streams; the time of sending stands in every event.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from typing import cast

import httptools
import uvloop

from benchmark import replies

TICK_S = 0.001
SLOTS = round(replies.EVENT_S / TICK_S)
STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n"
NO_STAMP = b"0" * replies.STAMP_DIGITS
USAGE_WANTED = b'"include_usage":true'


def framed(data: bytes) -> bytes:
    """As a chunk of HTTP."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def sized(body: str, kind: bytes = b"application/json") -> bytes:
    """As a whole response."""
    data = body.encode()
    return b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ncontent-length: %d\r\n\r\n%b" % (kind, len(data), data)


def _around_stamp(event: bytes) -> tuple[bytes, bytes]:
    before, _, after = framed(event).partition(NO_STAMP)
    return before, after


_TEXT = (replies.STAMP + NO_STAMP).decode()
FIRST = _around_stamp(replies.chunk(f'{{"role":"assistant","content":" {_TEXT}"}}'))
NEXT = _around_stamp(replies.chunk(f'{{"content":" {_TEXT}"}}'))
LAST = _around_stamp(replies.chunk(f'{{"content":" {_TEXT}"}}', '"stop"'))
END = framed(b"data: [DONE]\n\n") + b"0\r\n\r\n"
END_WITH_USAGE = framed(replies.usage_chunk()) + END

SMALL = sized(replies.SMALL)
ASIDE = {
    b"/metrics": sized(replies.METRICS, b"text/plain"),
    b"/health": sized(""),
    b"/v1/models": sized(replies.MODELS),
}
MARKED = {replies.LARGE_REPLY_MARK: sized(replies.LARGE), replies.LIST_MARK: sized(replies.INVOICE)}


class Wheel:
    """Who is to be sent an event in which millisecond of the twenty."""

    def __init__(self) -> None:
        self.now = 0
        self._slots: list[set[Connection]] = [set() for _ in range(SLOTS)]

    def join(self, connection: Connection) -> int:
        """Every `EVENT_S` from now on; returns the slot to leave."""
        self._slots[self.now].add(connection)
        return self.now

    def leave(self, connection: Connection, slot: int) -> None:
        self._slots[slot].discard(connection)

    async def turn(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due += TICK_S
            await asyncio.sleep(max(0, due - loop.time()))
            self.now = (self.now + 1) % SLOTS
            for connection in tuple(self._slots[self.now]):
                connection.send_event()


class Connection(asyncio.Protocol):
    """Answers one request after the other."""

    transport: asyncio.Transport

    def __init__(self, wheel: Wheel) -> None:
        self._wheel = wheel
        self._parser = httptools.HttpRequestParser(self)
        self._left = 0
        self._slot = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, error: Exception | None) -> None:
        self._wheel.leave(self, self._slot)

    def on_message_begin(self) -> None:
        self._path, self._body = b"", b""

    def on_url(self, url: bytes) -> None:
        self._path += url

    def on_body(self, data: bytes) -> None:
        self._body += data

    def on_message_complete(self) -> None:
        body = self._body
        if self._path in ASIDE:
            self.transport.write(ASIDE[self._path])
        elif b'"stream":true' in body or b'"stream": true' in body:
            self._end = END_WITH_USAGE if USAGE_WANTED in body.replace(b": ", b":") else END
            self._left = replies.EVENTS - 1
            self._slot = self._wheel.join(self)
            self.transport.write(STREAM_HEAD + stamped(FIRST))
        else:
            marked = (reply for mark, reply in MARKED.items() if mark in body)
            self.transport.write(next(marked, SMALL))

    def send_event(self) -> None:
        self._left -= 1
        if self._left:
            self.transport.write(stamped(NEXT))
        else:
            self._wheel.leave(self, self._slot)
            self.transport.write(stamped(LAST) + self._end)


def stamped(around: tuple[bytes, bytes]) -> bytes:
    """The event, with the time that it is now."""
    return b"%b%019d%b" % (around[0], time.monotonic_ns(), around[1])


async def serve(port: int) -> None:
    wheel = Wheel()
    await asyncio.get_running_loop().create_server(lambda: Connection(wheel), "127.0.0.1", port, backlog=2048)
    gc.freeze()
    gc.disable()  # a pause of ours would count as a program's
    await wheel.turn()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
