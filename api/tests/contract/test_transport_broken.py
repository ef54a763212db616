"""Answers that break off, have no end or are none: what was good is handed over, and no part is taken for a whole."""

import asyncio

import pytest
from penstock.upstream.connection import MAX_HEADER_BYTES
from penstock.upstream.transport import Transport
from penstock.upstream.wire_errors import Cut
from tests.asking import ask, soon, until, whole
from tests.wire import CHUNKED, Peer, Script, Wire, chunk, saying, sized


@pytest.mark.parametrize(
    "response",
    [
        sized(b"hello")[:-2],
        CHUNKED + chunk(b"hello"),
        CHUNKED + b"5\r\nhel",
        CHUNKED + chunk(b"hello") + b"0\r\nx-trailer: 1\r\n",
    ],
)
@pytest.mark.parametrize("reset", [False, True])
async def test_an_answer_that_breaks_off_is_never_whole(transport: Transport, response: bytes, reset: bool) -> None:
    await cut_off(transport, response, reset)


@pytest.mark.ours("aiohttp does not tell it from an end before the first byte")
@pytest.mark.parametrize("response", [b"HTTP/1.1 200 OK\r\ncontent-le", b"HTTP/1.1", b"HTTP/1.1 100 Continue\r\n\r\n"])
@pytest.mark.parametrize("reset", [False, True])
async def test_headers_that_break_off_are_a_cut_too(transport: Transport, response: bytes, reset: bool) -> None:
    await cut_off(transport, response, reset)


async def cut_off(transport: Transport, response: bytes, reset: bool) -> None:
    read = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(response)
        if reset:
            await read.wait()
            peer.reset()

    async with Wire(script) as wire:
        exchange = await ask(transport, wire.origin)
        asyncio.get_running_loop().call_later(0.02, read.set)
        with pytest.raises(Cut):
            await whole(exchange)
        assert not exchange.complete


@pytest.mark.ours("aiohttp takes the reset for the body's end")
async def test_a_body_without_an_end_that_is_reset_is_not_whole(transport: Transport) -> None:
    read = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\nhello")
        await read.wait()
        peer.reset()

    async with Wire(script) as wire:
        exchange = await ask(transport, wire.origin)
        assert await exchange.read(soon()) == b"hello"
        read.set()
        with pytest.raises(Cut):
            await exchange.read(soon())


@pytest.mark.parametrize(
    "garbage",
    [
        b"hello\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
    ],
)
async def test_what_is_not_http_is_cut_off(transport: Transport, garbage: bytes) -> None:
    await refused(transport, garbage)


@pytest.mark.ours(
    "aiohttp waits for the garbage's first line, takes the first of two lengths, and lets a target upgrade"
)
@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x00\x05hello",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
    ],
)
async def test_what_others_may_read_is_cut_off_too(transport: Transport, garbage: bytes) -> None:
    await refused(transport, garbage)


async def refused(transport: Transport, garbage: bytes) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(garbage)
        await peer.gone()

    async with Wire(script) as wire:
        exchange = await ask(transport, wire.origin)
        with pytest.raises(Cut):
            await whole(exchange)
        await until(lambda: transport.connections == 0)


async def test_a_chunk_that_is_none_ends_the_answer_after_what_was_good(transport: Transport) -> None:
    read = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(CHUNKED + chunk(b"hello"))
        await read.wait()
        await peer.send(b"xyz\r\n")
        await peer.gone()

    async with Wire(script) as wire:
        exchange = await ask(transport, wire.origin)
        assert await exchange.read(soon()) == b"hello"
        read.set()
        with pytest.raises(Cut):
            await exchange.read(soon())


@pytest.mark.ours("aiohttp fails the whole answer where both come at once")
async def test_what_was_good_is_handed_over_though_what_is_not_came_with_it(transport: Transport) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(CHUNKED + chunk(b"hello") + b"xyz\r\n")
        await peer.gone()

    async with Wire(script) as wire:
        exchange = await ask(transport, wire.origin)
        assert await exchange.read(soon()) == b"hello"
        with pytest.raises(Cut):
            await exchange.read(soon())


@pytest.mark.parametrize("line", [b"x-one: 1\r\n", b"x" * 1000], ids=["headers", "header"])
async def test_headers_without_end_are_not_read_to_it(transport: Transport, line: bytes) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n")
        while True:
            await peer.send(line * 100)

    await given_up(transport, script)


@pytest.mark.ours("aiohttp reads interim responses for as long as they come")
async def test_interim_responses_without_end_are_not_read_to_it(transport: Transport) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        while True:
            await peer.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)

    await given_up(transport, script)


async def given_up(transport: Transport, script: Script) -> None:
    async with Wire(script) as wire:
        exchange = await ask(transport, wire.origin)
        with pytest.raises(Cut):
            await exchange.head(soon())
        assert wire.peers[0].sent < 16 * 2**20, "what kernels buffer, and no more"
        await until(lambda: transport.connections == 0)


@pytest.mark.parametrize("line", [b"x-%d: 1\r\n", b"x-%d"], ids=["trailers", "trailer"])
async def test_trailers_without_end_are_not_read_to_it(transport: Transport, line: bytes) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(CHUNKED + chunk(b"hello") + b"0\r\n")
        while True:
            await peer.send(b"".join(line % number for number in range(1000)))

    async with Wire(script) as wire:
        exchange = await ask(transport, wire.origin)
        with pytest.raises(Cut):
            await whole(exchange)
        assert wire.peers[0].sent < 16 * 2**20


async def test_headers_up_to_the_limit_are_read(transport: Transport) -> None:
    value = b"v" * (MAX_HEADER_BYTES - 1000)
    async with Wire(saying(sized(b"hello", b"x-large: " + value))) as wire:
        exchange = await ask(transport, wire.origin)
        await exchange.head(soon())
        assert exchange.headers[b"x-large"] == value
