"""One request's stay with us: its body in, its answer out, its record, and what may interrupt it."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from typing import Any, cast

from penstock.errors import BodyTooLarge, BodyTooSlow, ClientGone, InvalidRequest, PenstockError, UnsupportedMediaType
from penstock.surfaces.render import Headers
from penstock.surfaces.steps import Steps
from penstock.telemetry.record import Record

# ASGI's own types: the one boundary whose messages have no narrower one.
Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

RECEIVED_AT = "penstock.received_at"
"""Where in a scope's extensions the server notes when the request's last byte came in."""

ERROR_CODE = "penstock.error_code"
"""Where in a scope's extensions the application notes the code of the error that it answers."""

_SAFE_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


class Visit:
    """`interrupt` ends it from outside: `why` then says what for. `last`: close the connection after it."""

    __slots__ = (
        "_last",
        "_receive",
        "_task",
        "_watch",
        "headers",
        "record",
        "request_id",
        "scope",
        "send",
        "started",
        "why",
    )

    def __init__(self, scope: Scope, receive: Receive, send: Send, surface: str, *, last: bool = False) -> None:
        self.scope = scope
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.request_id = _request_id(self.headers)
        self.record = Record(surface, self.request_id, _received_at(scope))
        self.send = send
        self.started = False
        self.why: PenstockError | None = None
        self._last = last
        self._receive = receive
        self._task = asyncio.current_task()
        self._watch: Steps[Message] | None = None

    async def body(self, limit: int, timeout_s: float) -> bytes:
        """The request's body. From then on, a client that leaves interrupts the visit."""
        self._check_headers()
        body = await self.read(limit, timeout_s)
        self._watch_client()
        return body

    async def read(self, limit: int, timeout_s: float) -> bytes:
        """The same of any content type, and without the watch."""
        length = self.headers.get(b"content-length")
        if length is not None and int(length) > limit:
            raise _too_large(limit)
        too_slow = asyncio.get_running_loop().call_later(timeout_s, self._interrupt_slow, timeout_s)
        try:
            return await self._read(limit)
        finally:
            too_slow.cancel()

    def _check_headers(self) -> None:
        if not self.headers.get(b"content-type", b"").lower().startswith(b"application/json"):
            raise UnsupportedMediaType("Send the request as content-type: application/json.")
        if self.headers.get(b"content-encoding", b"identity") != b"identity":
            raise UnsupportedMediaType("Send the request without content-encoding.")

    async def _read(self, limit: int) -> bytes:
        parts: list[bytes] = []
        size = 0
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGone("The client left.")
            parts.append(message["body"])
            size += len(parts[-1])
            if size > limit:
                raise _too_large(limit)
            if not message["more_body"]:
                self.record.received_at = _received_at(self.scope)
                return b"".join(parts)

    def _watch_client(self) -> None:
        """Wait, beside everything else, for the next message of the client: that it has left."""
        receiving = cast(Coroutine[Any, Any, Message], self._receive())
        try:
            waits_for = receiving.send(None)
        except StopIteration as end:
            self._heard(end.value)
        else:
            self._watch = Steps(receiving, waits_for, self._heard, lambda error: self._left())

    def _heard(self, message: Message) -> None:
        if message["type"] == "http.disconnect":
            self._left()
        else:
            self._watch_client()

    def _left(self) -> None:
        self.interrupt(ClientGone("The client left."))

    def _interrupt_slow(self, timeout_s: float) -> None:
        self.interrupt(BodyTooSlow(f"The request did not arrive within {timeout_s:g} s."))

    def interrupt(self, why: PenstockError) -> None:
        """End it, whatever it waits for. What it was doing hears a cancellation."""
        if self.why is None and self._task is not None:
            self.why = why
            self._task.cancel()

    async def start(self, status: int, headers: Headers) -> None:
        """The head of the answer. Nothing has started if the server refuses it."""
        headers.append((b"x-request-id", self.request_id.encode()))
        if self._last:
            headers.append((b"connection", b"close"))
        await self.send({"type": "http.response.start", "status": status, "headers": headers})
        self.started = True
        self.record.status = status

    async def respond(self, status: int, headers: Headers, body: bytes) -> None:
        """A whole answer."""
        headers.append((b"content-length", b"%d" % len(body)))
        await self.start(status, headers)
        await self.send({"type": "http.response.body", "body": body})

    def close(self) -> None:
        """It is over: stop watching the client."""
        self._task = None
        if self._watch is not None:
            self._watch.close()


def _received_at(scope: Scope) -> float:
    """When the last byte came in, as far as is known; else now."""
    at: float | None = scope.get("extensions", {}).get(RECEIVED_AT)
    return time.monotonic() if at is None else at


def _request_id(headers: dict[bytes, bytes]) -> str:
    """The client's own, if it is safe to log and to send on; else a new one."""
    given = headers.get(b"x-request-id", b"").decode("latin-1")
    return given if _SAFE_ID.fullmatch(given) else f"req-{random.getrandbits(96):024x}"


def _too_large(limit: int) -> InvalidRequest:
    return BodyTooLarge(f"The request is larger than the {limit} bytes that are allowed.")
