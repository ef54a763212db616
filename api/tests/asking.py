"""Requests of a test over a transport, and waits that end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from penstock.upstream.exchange import Exchange, Sink
from penstock.upstream.transport import Origin, Transport

BODY = b'{"model":"tiny"}'
SOON_S = 3.0  # less than an idle connection is kept: what ends must not end by age
_HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n"


def soon(seconds: float = SOON_S) -> float:
    """A deadline on the loop's clock."""
    return asyncio.get_running_loop().time() + seconds


async def ask(
    transport: Transport, origin: Origin, body: bytes = BODY, *, connect_s: float = SOON_S, fresh: bool = False
) -> Exchange:
    return await transport.send(origin, _HEAD % len(body), body, connect_s=connect_s, fresh=fresh)


async def whole(exchange: Exchange) -> tuple[int, bytes]:
    """The status and the whole body."""
    status, parts = await exchange.head(soon()), []
    while data := await exchange.read(soon()):
        parts.append(data)
    return status, b"".join(parts)


async def answer(transport: Transport, origin: Origin) -> tuple[int, bytes]:
    return await whole(await ask(transport, origin))


def into(got: list[bytes]) -> Sink:
    """A sink that keeps what it is handed."""
    return lambda data, framed: got.append(data)


async def until(is_so: Callable[[], bool]) -> None:
    """Wait until the loop has come around to it."""
    async with asyncio.timeout(SOON_S):
        while not is_so():  # noqa: ASYNC110  # what is waited for has no event of its own
            await asyncio.sleep(0.001)
