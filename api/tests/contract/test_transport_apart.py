"""One exchange never sees another's bytes."""

import asyncio

import pytest
from penstock.upstream.transport import Transport
from tests.asking import answer, ask, soon, until, whole
from tests.wire import CHUNKED, Peer, Wire, chunk, sized

ANSWERS = [sized(b"not asked for"), b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\npart"]
GARBAGE = [b"HTTP/1.1 200", b"H", b"garbage", b"\r\n\r\ngarbage"]


@pytest.mark.parametrize("more", ANSWERS)
async def test_a_second_answer_to_one_request_reaches_nobody(transport: Transport, more: bytes) -> None:
    await lost(transport, more, together=True)


@pytest.mark.ours("aiohttp keeps the connection, or fails the answer that was whole before such bytes came")
@pytest.mark.parametrize("more", GARBAGE)
async def test_garbage_after_an_answer_reaches_nobody(transport: Transport, more: bytes) -> None:
    await lost(transport, more, together=True)


@pytest.mark.ours("aiohttp keeps a connection on which something came unasked")
@pytest.mark.parametrize("more", ANSWERS + GARBAGE)
async def test_bytes_that_nobody_asked_for_reach_nobody(transport: Transport, more: bytes) -> None:
    await lost(transport, more, together=False)


async def lost(transport: Transport, more: bytes, *, together: bool) -> None:
    """The target says `more` than one answer; the next request has a connection of its own."""
    read = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        if len(wire.peers) > 1:
            await peer.send(sized(b"second"))
            return
        if together:
            await peer.send(sized(b"first") + more)
        else:
            await peer.send(sized(b"first"))
            await read.wait()
            await peer.send(more)
        await peer.gone()

    async with Wire(script) as wire:
        exchange = await ask(transport, wire.origin)
        assert (await whole(exchange))[1] == b"first"
        assert exchange.status == 200
        read.set()
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

        def sink(data: bytes, framed: bytes) -> None:
            heard.append(data)
            exchange.close()

        exchange.pour(sink, heard.append)
        await until(lambda: transport.connections == 0)
        assert len(heard) == 1
