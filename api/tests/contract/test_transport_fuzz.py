"""Whatever a target may send, the worst is an error, and the next exchange is well."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from penstock.upstream.exchange import WireError
from penstock.upstream.sse import EventTooLarge, Splitter
from penstock.upstream.transport import Transport
from tests.asking import BODY, ask, soon, until, whole
from tests.wire import Peer, Wire, echo

pieces = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.0 200\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 ",
        b"\r\n",
        b"\r\n\r\n",
        b"content-length: 5\r\n",
        b"content-length: 0\r\n",
        b"content-length: -1\r\n",
        b"transfer-encoding: chunked\r\n",
        b"connection: close\r\n",
        b"connection: upgrade\r\nupgrade: h2c\r\n",
        b"5\r\nhello\r\n",
        b"0\r\n\r\n",
        b"hello",
        b"ffffffffffffffff\r\n",
        b"data: {}\n\n",
        b"x: y\r\n",
        b" folded\r\n",
        b"\x00\xff",
        b"trailer: x\r\n",
    ]
)
says = st.lists(pieces | st.binary(max_size=8), max_size=12)


@pytest.mark.ours("it asks for a fresh connection, which aiohttp cannot be asked for")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(parts=says, reset=st.booleans(), asked_first=st.booleans())
async def test_no_bytes_are_too_strange_and_the_next_exchange_is_well(
    transport: Transport, parts: Sequence[bytes], reset: bool, asked_first: bool
) -> None:
    problems: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda loop, context: problems.append(context))

    async def script(peer: Peer) -> None:
        if len(wire.peers) > 1:
            await echo(peer)
        if asked_first:
            await peer.request()
        await peer.send(*parts)
        if reset:
            peer.reset()

    splitter = Splitter(64)
    async with Wire(script) as wire:
        try:
            exchange = await ask(transport, wire.origin)
            await exchange.head(soon(0.3))
            while data := await exchange.read(soon(0.3)):
                splitter.feed(data)
            exchange.close()
        except (WireError, TimeoutError, EventTooLarge):
            pass
        fresh = await ask(transport, wire.origin, fresh=True)
        assert await whole(fresh) == (200, BODY)
        transport.close()
        await until(lambda: transport.connections == 0)
    assert problems == []
