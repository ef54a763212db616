"""uvicorn's HTTP protocol, with what it leaves out: errors in OpenAI's shape, and limits for clients' headers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, cast

import httptools
from uvicorn._types import ASGISendEvent
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from penstock.errors import HeadersTooLarge, InvalidRequest, PenstockError
from penstock.surfaces.render import error_body
from penstock.surfaces.visit import RECEIVED_AT

HEADERS_S = 10.0
"""How long a client may take to send a request's headers, from its connection or from their first byte."""

MAX_HEADER_BYTES = 64 * 1024
"""Of a request line and its headers; later, of bytes in a row that are not body: trailers, chunk extensions."""

MAX_HEADERS = 200


class Protocol(HttpToolsProtocol):
    """Notes when a request is in whole, so that a wait for the handler can be told."""

    _headers_due: asyncio.TimerHandle | None = None
    _bodiless = 0
    _in_headers = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn narrows it
        super().connection_made(transport)
        self._await_headers()

    def data_received(self, data: bytes) -> None:
        self._bodiless += len(data)
        try:
            while data:
                data = self._feed(data)
            if self._bodiless > MAX_HEADER_BYTES:
                raise _too_large()
        except HeadersTooLarge as error:
            self._refuse(error)
        except httptools.HttpParserError as error:
            cause = error.__context__  # what a callback of ours raised
            self._refuse(cause if isinstance(cause, PenstockError) else InvalidRequest("This is not HTTP."))

    def _feed(self, data: bytes) -> bytes:
        """What is still to be fed. A request to upgrade is fed again without it: we offer none (RFC 9110, 7.8)."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:  # it stops after the headers, at their end's offset
            return self._without_upgrade() + data[upgrade.args[0] :]
        return b""

    def _without_upgrade(self) -> bytes:
        lines = [b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())]
        lines += [b"%b: %b" % header for header in self.headers if header[0] != b"upgrade"]
        return b"\r\n".join((*lines, b"", b""))

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._unset_keepalive_if_required()
        self._in_headers = True
        if self._headers_due is None:
            self._await_headers()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_headers:  # else it is a trailer: none is of use, and the application may hold the list by now
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > MAX_HEADER_BYTES or len(self.headers) > MAX_HEADERS:
            raise _too_large()
        if self.parser.get_method() == b"CONNECT":
            raise InvalidRequest("CONNECT is for proxies.")
        if self.parser.should_upgrade():
            return
        self._stop_waiting()
        self._in_headers = False
        self._bodiless = 0
        super().on_headers_complete()
        if self.parser.get_http_version() == "1.0":
            self.cycle.send = _unchunked(self.cycle)  # type: ignore[method-assign, assignment]  # uvicorn's to make

    def on_body(self, body: bytes) -> None:
        self._bodiless = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._bodiless = 0
        if self._in_headers:  # of an upgrade
            return
        cast(dict[str, Any], self.scope).setdefault("extensions", {})[RECEIVED_AT] = time.monotonic()
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _refuse(self, error: PenstockError) -> None:
        """Read no more. The client is told why, unless it still gets the answer to an earlier request."""
        self.logger.warning(error.message)
        cycle = cast(RequestResponseCycle | None, self.cycle)
        if cycle is None or cycle.response_complete:
            body = error_body(error)
            self.transport.write(
                b"%bcontent-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%b"
                % (STATUS_LINE[error.status], len(body), body)
            )
        self.transport.close()

    def _await_headers(self) -> None:
        self._headers_due = self.loop.call_later(HEADERS_S, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._headers_due is not None:
            self._headers_due.cancel()
            self._headers_due = None


def _too_large() -> HeadersTooLarge:
    return HeadersTooLarge(f"More than {MAX_HEADERS} headers, or {MAX_HEADER_BYTES} bytes of them, are not read.")


def _unchunked(cycle: RequestResponseCycle) -> Callable[[ASGISendEvent], Coroutine[Any, Any, None]]:
    """Its `send` for HTTP/1.0, which knows no chunks: an answer without a length ends with its connection.

    uvicorn announces chunks unless it believes that they were, and writes none if each part is all that it expects.
    """
    send = cycle.send

    async def send_unchunked(message: ASGISendEvent) -> None:
        if message["type"] == "http.response.start":
            cycle.chunked_encoding = True
            await send(message)
            cycle.chunked_encoding = False
        else:
            cycle.expected_content_length = len(message.get("body", b""))  # type: ignore[arg-type]  # bytes, always
            await send(message)

    return send_unchunked
