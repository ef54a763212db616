"""One HTTP request, and the means to answer it."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any

import orjson

from vllm_simulator.errors import ClientGoneError, Header
from vllm_simulator.wire import Wire

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

JSON = b"application/json"
EVENTS = b"text/event-stream; charset=utf-8"


class Exchange:
    """A request as it came, and its answer as it goes. `extra` headers go out with any answer."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.headers: Sequence[Header] = scope["headers"]
        self.wire: Wire = scope["state"]["wire"]
        self.body = b""
        self.began = monotonic()
        self.extra: list[Header] = []
        self.gone = False
        self.started = False
        self.on_gone: Callable[[], None] | None = None
        self._receive, self._send = receive, send
        self.wire.on_gone = self._lost

    def header(self, name: bytes) -> str:
        """The first header of that lower-case name, or nothing."""
        return next((value.decode("latin-1") for key, value in self.headers if key == name), "")

    async def read(self) -> None:
        """Reads the body. Raises ClientGoneError when it does not come whole."""
        parts = []
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            parts.append(message.get("body", b""))
            if not message.get("more_body"):
                break
        self.body = b"".join(parts) if len(parts) > 1 else parts[0]

    async def answer_json(self, status: int, payload: object, headers: Sequence[Header] = ()) -> None:
        await self.answer(status, orjson.dumps(payload), JSON, headers)

    async def answer(
        self, status: int, body: bytes, content_type: bytes | None = JSON, headers: Sequence[Header] = ()
    ) -> None:
        await self.open(status, content_type, [(b"content-length", str(len(body)).encode()), *headers])
        await self.close(body)

    async def open(self, status: int, content_type: bytes | None, headers: Sequence[Header] = ()) -> None:
        """Sends the status line and headers; without a content-length the body will be chunked."""
        typed = [(b"content-type", content_type)] if content_type else []
        self.started = True
        lines = [*headers, *typed, *self.extra]
        await self._send({"type": "http.response.start", "status": status, "headers": lines})

    async def write(self, data: bytes) -> None:
        if data:
            await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def close(self, data: bytes = b"") -> None:
        self.wire.on_gone = None
        await self._send({"type": "http.response.body", "body": data, "more_body": False})

    async def linger(self, seconds: float = float("inf")) -> None:
        """Does nothing for some time. Raises ClientGoneError as soon as the client is gone."""
        lost = asyncio.Event()
        before, self.on_gone = self.on_gone, lost.set
        if not self.gone:
            with suppress(TimeoutError):
                await asyncio.wait_for(lost.wait(), None if seconds == float("inf") else seconds)
        self.on_gone = before
        if self.gone:
            raise ClientGoneError

    def _lost(self) -> None:
        self.gone = True
        if self.on_gone is not None:
            self.on_gone()
