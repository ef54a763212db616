"""One exchange never sees another's bytes."""

import pytest
from penstock.upstream.transport import Transport
from tests.asking import answer, ask, soon, until, whole
from tests.wire import CHUNKED, Peer, Wire, chunk, sized


@pytest.mark.parametrize(
    "more",
    [
        sized(b"not asked for"),
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\npart",
    ],
)
@pytest.mark.parametrize("together", [True, False])
async def test_a_second_answer_to_one_request_reaches_nobody(transport: Transport, more: bytes, together: bool) -> None:
    await lost(transport, more, together)


@pytest.mark.ours("aiohttp keeps the connection, or fails the answer that was whole before such bytes came")
@pytest.mark.parametrize("more", [b"HTTP/1.1 200", b"H", b"garbage", b"\r\n\r\ngarbage"])
@pytest.mark.parametrize("together", [True, False])
async def test_bytes_after_an_answer_reach_nobody(transport: Transport, more: bytes, together: bool) -> None:
    await lost(transport, more, together)


async def lost(transport: Transport, more: bytes, together: bool) -> None:
    """The target says `more` than one answer; the next request has a connection of its own."""
    first = True

    async def script(peer: Peer) -> None:
        nonlocal first
        await peer.request()
        if not first:
            await peer.send(sized(b"second"))
            return
        first = False
        await peer.send(*([sized(b"first") + more] if together else [sized(b"first"), more]))
        await peer.gone()

    async with Wire(script) as wire:
        exchange = await ask(transport, wire.origin)
        assert (await whole(exchange))[1] == b"first"
        assert exchange.status == 200
        await until(lambda: transport.connections == 0)
        assert await answer(transport, wire.origin) == (200, b"second")


async def test_an_exchange_that_was_closed_hears_no_more(transport: Transport) -> None:
    heard: list[object] = []

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(CHUNKED)
        while True:
            await peer.send(chunk(b"x" * 100))

    async with Wire(script) as wire:
        exchange = await ask(transport, wire.origin)
        await exchange.head(soon())

        def sink(data: bytes) -> None:
            heard.append(data)
            exchange.close()

        exchange.pour(sink, heard.append)
        await until(lambda: transport.connections == 0)
        assert len(heard) == 1
