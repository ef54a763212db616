"""The routes that are not hot: FastAPI answers them, over ASGI."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from penstock.errors import PenstockError
from penstock.surfaces.audit import signed
from penstock.surfaces.visit import Visit

# ASGI's own types: the one boundary whose messages have no narrower one.
Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGI = Callable[[Scope, Receive, Send], Awaitable[None]]

ERROR_CODE = "penstock.error_code"
"""Where in a scope's extensions the application notes the code of the error that it answers."""

MAX_BYTES = 64 * 1024
"""Of a body: an operator's few words."""


async def through(app: ASGI, visit: Visit, body_timeout_s: float) -> None:
    """Have the application answer. Raises what it raises."""
    wire = visit.wire
    scope = _scope(visit)
    gone: asyncio.Future[None] = wire.loop.create_future()
    unread = True

    async def receive() -> Message:
        nonlocal unread
        if unread:
            unread = False
            return {"type": "http.request", "body": await _body(visit, body_timeout_s), "more_body": False}
        if not wire.gone:
            wire.left = lambda: None if gone.done() else gone.set_result(None)
            await gone
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            if message["status"] >= 400:
                visit.record.outcome = "refused" if message["status"] < 500 else "failed"
                visit.record.code = scope["extensions"].get(ERROR_CODE)
            headers = list(message["headers"])
            visit.start(message["status"], headers)
            if all(name != b"content-length" for name, _ in headers):  # there may be nothing to say for a while
                wire.loop.call_soon(wire.write, b"")
        elif message.get("more_body"):
            wire.write(message["body"])
            await wire.drained()
        else:
            wire.finish(message.get("body", b""))

    if visit.record.surface == "admin":
        with signed(visit):
            await app(scope, receive, send)
    else:
        await app(scope, receive, send)


async def _body(visit: Visit, timeout_s: float) -> bytes:
    """FastAPI makes errors of reading its own, so a body that is refused ends the visit by an interruption."""
    try:
        return await visit.read(MAX_BYTES, timeout_s)
    except PenstockError as error:
        visit.interrupt(error)
        await asyncio.sleep(0)
        raise


def _scope(visit: Visit) -> Scope:
    wire = visit.wire
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": wire.version,
        "method": wire.method,
        "scheme": "http",
        "path": wire.path,
        "raw_path": wire.path.encode(),
        "root_path": "",
        "query_string": wire.query,
        "headers": list(wire.headers.items()),
        "client": wire.peer,
        "server": None,
        "state": {"caller": visit.caller},
        "extensions": {},
    }
