"""One request's stay with us: its body in, its answer out, its record, and what may interrupt it."""

from __future__ import annotations

import os
import re
import time
from typing import Final

from penstock.callers.caller import ANYONE
from penstock.errors import BodyTooLarge, BodyTooSlow, ClientGone, InvalidRequest, PenstockError, UnsupportedMediaType
from penstock.surfaces.framing import Headers
from penstock.surfaces.wire import Wire
from penstock.telemetry.record import Record, Used

_SAFE_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")


class Visit:
    """`interrupt` ends it from outside: `why` then says what for. `last`: close the connection after it."""

    __slots__ = ("_task", "caller", "cors", "more_headers", "onward", "record", "request_id", "used", "why", "wire")

    def __init__(self, wire: Wire, surface: str, used: Used | None = None, *, last: bool = False) -> None:
        self.wire = wire
        self.used = used
        """Hears what each answer used, before its client has the last of it."""
        self.request_id = _request_id(wire.headers)
        self.caller = ANYONE
        self.more_headers = b""
        """Lines of the answer's head, each with its end."""
        self.cors: Headers = []
        self.record = Record(surface, self.request_id, wire.received_at or time.monotonic())
        self.why: PenstockError | None = None
        self.onward = ""
        """What targets are told of its trace, if it is not sampled."""
        self._task = wire.task
        if last:
            wire.close_after()

    async def body(self, limit: int, timeout_s: float) -> bytes:
        """The request's body. From then on, a client that leaves interrupts the visit."""
        self._check_headers()
        body = await self.read(limit, timeout_s)
        if self.wire.gone:
            raise ClientGone("The client left.")
        self.wire.left = self._left
        return body

    async def read(self, limit: int, timeout_s: float) -> bytes:
        """The same of any content type, and without the watch."""
        wire = self.wire
        if wire.received_at is None:
            await self._wait_for_body(limit, timeout_s)
        if wire.size > limit:
            raise _too_large(limit)
        self.record.received_at = wire.received_at or time.monotonic()
        return wire.body()

    async def _wait_for_body(self, limit: int, timeout_s: float) -> None:
        wire = self.wire
        if int(wire.headers.get(b"content-length", b"0")) > limit:
            raise _too_large(limit)
        too_slow = BodyTooSlow(f"The request did not arrive within {timeout_s:g} s.")
        timer = wire.loop.call_later(timeout_s, self.interrupt, too_slow)
        try:
            while wire.received_at is None and wire.size <= limit:
                if wire.gone:
                    raise ClientGone("The client left.")
                await wire.more()
        finally:
            timer.cancel()

    def _check_headers(self) -> None:
        if not self.wire.headers.get(b"content-type", b"").lower().startswith(b"application/json"):
            raise UnsupportedMediaType("Send the request as content-type: application/json.")
        if self.wire.headers.get(b"content-encoding", b"identity") != b"identity":
            raise UnsupportedMediaType("Send the request without content-encoding.")

    def _left(self) -> None:
        self.interrupt(ClientGone("The client left."))

    def interrupt(self, why: PenstockError) -> None:
        """End it, whatever it waits for. What it was doing hears a cancellation."""
        if self.why is None and self._task is not None:
            self.why = why
            self._task.cancel()

    def start(self, status: int, headers: Headers) -> None:
        """The head of the answer. Nothing has started if it is refused: ValueError, for a header that is not one."""
        headers.append((b"x-request-id", self.request_id.encode()))
        headers += self.cors
        self.wire.start(status, headers, self.more_headers)
        self.record.status = status

    def respond(self, status: int, headers: Headers, body: bytes) -> None:
        """A whole answer."""
        headers.append((b"content-length", b"%d" % len(body)))
        self.start(status, headers)
        self.wire.finish(body)

    def close(self) -> None:
        """It is over: nothing interrupts it any more."""
        self._task = self.wire.left = self.wire.flows = None


def _request_id(headers: dict[bytes, bytes]) -> str:
    """The client's own, if it is safe to log and to send on; else a new one."""
    given = headers.get(b"x-request-id", b"").decode("latin-1")
    return given if _SAFE_ID.fullmatch(given) else f"req-{os.urandom(12).hex()}"


def _too_large(limit: int) -> InvalidRequest:
    return BodyTooLarge(f"The request is larger than the {limit} bytes that are allowed.")
