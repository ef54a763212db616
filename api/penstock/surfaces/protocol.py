"""uvicorn's HTTP protocol, with what it leaves out: errors in OpenAI's shape, and a limit for slow clients."""

from __future__ import annotations

import asyncio
import time
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from penstock.errors import InvalidRequest
from penstock.surfaces.render import error_body
from penstock.surfaces.visit import RECEIVED_AT

HEADERS_S = 10.0
"""How long a client may take to send a request's headers, from its connection or from their first byte."""


class Protocol(HttpToolsProtocol):
    """Notes when a request is in whole, so that a wait for the handler can be told."""

    _headers_due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn narrows it
        super().connection_made(transport)
        self._await_headers()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._headers_due is None:
            self._await_headers()

    def on_headers_complete(self) -> None:
        self._stop_waiting()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        cast(dict[str, Any], self.scope).setdefault("extensions", {})[RECEIVED_AT] = time.monotonic()
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """What is not HTTP, such as a length that stands twice."""
        body = error_body(InvalidRequest(msg))
        self.transport.write(
            b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\nconnection: close\r\n"
            b"content-length: %d\r\n\r\n%b" % (len(body), body)
        )
        self.transport.close()

    def _await_headers(self) -> None:
        self._headers_due = self.loop.call_later(HEADERS_S, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._headers_due is not None:
            self._headers_due.cancel()
            self._headers_due = None
