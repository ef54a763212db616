"""One connection to a target, speaking HTTP/1.1: a request out, a response in, never two at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, cast

import httptools

from penstock.upstream.alarm import Alarm
from penstock.upstream.chunks import alone
from penstock.upstream.exchange import Exchange
from penstock.upstream.wire_errors import Cut, Stale, Unreachable

MAX_HEADER_BYTES: Final = 64 * 1024
"""How much may come without a byte of body: headers, interim responses, trailers. The parser would keep it all."""


JOINED_BYTES: Final = 16 * 1024
"""Up to here a body is copied behind its head, for the kernel to be handed one piece."""


class Connection(asyncio.Protocol):
    """The protocol under an exchange. `released` is called when it may carry another request."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        released: Callable[[Connection], None],
        lost: Callable[[Connection], None],
    ) -> None:
        self.idle_since = 0.0
        self.released = released
        self.lost = lost
        self._alarm = Alarm(loop)
        self._transport: asyncio.Transport | None = None
        self._exchange: Exchange | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._parts: list[bytes] = []
        self._headers: dict[bytes, bytes] = {}
        self._bodiless = 0
        self._between_chunks = False
        """The parser has read all of a chunk, and nothing after it."""
        self._paused = self._begun = self._interim = self._message_done = self._kept = self._spoiled = False

    @property
    def usable(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def send(self, head: bytes, body: bytes, *, reused: bool) -> Exchange:
        assert self._transport is not None  # noqa: S101  # the pool hands out open connections only
        exchange = self._exchange = Exchange(self, self._alarm, reused=reused)
        self._begun = self._message_done = self._between_chunks = False
        if len(body) < JOINED_BYTES:
            self._transport.write(head + body)
        else:
            self._transport.writelines((head, body))
        return exchange

    def pause(self) -> None:
        if self._transport is not None and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        if self._transport is not None and self._paused:
            self._paused = False
            self._transport.resume_reading()

    def abort(self) -> None:
        self._exchange = None
        if self._transport is not None:
            self._transport.abort()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self._exchange is None:  # bytes that nobody asked for: whatever follows cannot be trusted
            self.abort()
            return
        if self._between_chunks and (chunk := alone(data)):  # as the parser, which it does not bother, would have it
            self._exchange.arrived(chunk, data)
            return
        self._begun = True
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._spoiled = True
        if not data.endswith(b"\r\n"):  # there may be the beginning of the next chunk's line
            self._between_chunks = False
        if self._parts or self._message_done:
            self._bodiless = 0
        else:
            self._bodiless += len(data)
            if self._bodiless > MAX_HEADER_BYTES:
                self._spoiled = True
        self._hand_over(self._exchange)

    def _hand_over(self, exchange: Exchange) -> None:
        """Give the exchange what one read brought: its body bytes at once, and its end."""
        done = self._message_done
        if done:
            exchange.let_go()
            self._free()
        if self._parts:
            data = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
            self._parts.clear()
            exchange.arrived(data, b"")
        if done:
            exchange.finished()
        elif self._spoiled:
            self.abort()
            exchange.failed(Cut("what it sent is not HTTP"))

    def _free(self) -> None:
        self._exchange = None
        self.resume()
        if self._spoiled or not self._kept:
            self.abort()
        else:
            self.released(self)

    def connection_lost(self, error: Exception | None) -> None:
        exchange, self._exchange = self._exchange, None
        self._transport = None
        self._alarm.close()
        self.lost(self)
        if exchange is None:
            return
        if not self._begun:
            told = Stale if exchange.reused else Unreachable
            exchange.failed(told("closed before it answered" if error is None else f"reset: {error}"))
        elif error is None and exchange.status and not _sized(exchange.headers):
            exchange.finished()
        else:
            exchange.failed(Cut("closed before the end of its answer"))

    # httptools' callbacks

    def on_message_begin(self) -> None:
        if self._message_done:  # a second response to one request
            self._spoiled = True
        self._headers = {}

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        self._interim = status < 200
        if not self._interim and self._exchange is not None and not self._message_done:
            self._exchange.began(status, self._headers)

    def on_body(self, data: bytes) -> None:
        if not self._message_done:
            self._parts.append(data)

    def on_chunk_header(self) -> None:
        self._between_chunks = False

    def on_chunk_complete(self) -> None:
        self._between_chunks = True

    def on_message_complete(self) -> None:
        if not self._interim:
            self._message_done = True
            self._kept = self._parser.should_keep_alive()  # after this call-back it would say no


def _sized(headers: dict[bytes, bytes]) -> bool:
    """Whether the body's end is marked; one that is not ends with the connection (RFC 9112, 6.3)."""
    return b"content-length" in headers or b"transfer-encoding" in headers
