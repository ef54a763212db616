"""What comes back over the wire, held to a server that says exactly what a test wants."""

import asyncio

import pytest
from penstock.upstream.connection import MAX_HEADER_BYTES
from penstock.upstream.exchange import Cut
from penstock.upstream.transport import Transport
from tests.asking import BODY, answer, ask, soon, until, whole
from tests.wire import CHUNKED, Peer, Wire, chunk, echo, saying, sized

# Bodies of every kind


@pytest.mark.parametrize(
    ("response", "body"),
    [
        (sized(b"hello"), b"hello"),
        (sized(b""), b""),
        (sized(b"hello", b"x-one: 1", b"x-two:"), b"hello"),
        (CHUNKED + chunk(b"hel") + chunk(b"lo") + chunk(b""), b"hello"),
        (CHUNKED + b"5;name=value\r\nhello\r\n0\r\nx-trailer: 1\r\n\r\n", b"hello"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + sized(b"hello"), b"hello"),
        (b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" * 2 + sized(b"hello"), b"hello"),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 10_000])
async def test_a_body_comes_whole_however_it_is_cut_and_its_connection_is_kept(
    transport: Transport, response: bytes, body: bytes, size: int
) -> None:
    parts = [response[at : at + size] for at in range(0, len(response), size)]

    async def script(peer: Peer) -> None:
        while True:
            assert await peer.request() == BODY
            await peer.send(*parts)

    async with Wire(script) as wire:
        for turn in range(3):
            exchange = await ask(transport, wire.origin)
            assert exchange.reused is (turn > 0)
            assert await whole(exchange) == (200, body)
            assert exchange.complete
        assert len(wire.peers) == 1
        assert transport.connections == 1


@pytest.mark.parametrize(
    "response",
    [
        b"HTTP/1.1 200 OK\r\n\r\nhello",
        b"HTTP/1.0 200 OK\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\nhello",
        sized(b"hello", b"connection: close"),
        b"HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello",
    ],
)
async def test_a_body_that_ends_with_its_connection_is_whole_and_the_next_has_its_own(
    transport: Transport, response: bytes
) -> None:
    async with Wire(saying(response)) as wire:
        assert await answer(transport, wire.origin) == (200, b"hello")
        assert await answer(transport, wire.origin) == (200, b"hello")
        assert len(wire.peers) == 2


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
async def test_a_status_without_a_body_ends_at_its_headers(transport: Transport, status: bytes) -> None:
    async with Wire(saying(*[b"HTTP/1.1 " + status + b"\r\n\r\n"] * 2)) as wire:
        for _ in range(2):
            assert await answer(transport, wire.origin) == (int(status[:3]), b"")
        assert len(wire.peers) == 1


async def test_headers_are_the_responses_own_by_lower_name(transport: Transport) -> None:
    first = b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + sized(b"", b"Retry-After: 7", b"X-One:  a b")
    async with Wire(saying(first, sized(b""))) as wire:
        exchange = await ask(transport, wire.origin)
        await exchange.head(soon())
        assert exchange.headers == {b"content-length": b"0", b"retry-after": b"7", b"x-one": b"a b"}
        exchange = await ask(transport, wire.origin)
        await exchange.head(soon())
        assert exchange.headers == {b"content-length": b"0"}


async def test_many_calls_at_once_are_each_answered_with_their_own() -> None:
    transport = Transport(32)
    async with Wire(echo) as wire:

        async def one(number: int) -> None:
            for turn in range(5):
                body = b"%d-%d" % (number, turn) * 1000
                exchange = await ask(transport, wire.origin, body)
                assert (await whole(exchange))[1] == body

        await asyncio.gather(*(one(number) for number in range(32)))
        assert len(wire.peers) <= 32
        transport.close()


# Answers that break off, or are none


@pytest.mark.parametrize(
    "response",
    [
        sized(b"hello")[:-2],
        CHUNKED + chunk(b"hello"),
        CHUNKED + b"5\r\nhel",
        b"HTTP/1.1 200 OK\r\ncontent-le",
        b"HTTP/1.1",
        b"HTTP/1.1 100 Continue\r\n\r\n",
    ],
)
@pytest.mark.parametrize("reset", [False, True])
async def test_an_answer_that_breaks_off_is_never_whole(transport: Transport, response: bytes, reset: bool) -> None:
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
        b"\x16\x03\x01\x00\x05hello",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
    ],
)
async def test_what_is_not_http_is_cut_off(transport: Transport, garbage: bytes) -> None:
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
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(CHUNKED + chunk(b"hello") + b"xyz\r\n")
        await peer.gone()

    async with Wire(script) as wire:
        exchange = await ask(transport, wire.origin)
        assert await exchange.read(soon()) == b"hello"
        with pytest.raises(Cut):
            await exchange.read(soon())


@pytest.mark.parametrize(
    "line", [b"x-one: 1\r\n", b"x" * 1000, b"HTTP/1.1 100 Continue\r\n\r\n"], ids=["headers", "header", "interim"]
)
async def test_headers_without_end_are_not_read_to_it(transport: Transport, line: bytes) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        if not line.startswith(b"HTTP"):
            await peer.send(b"HTTP/1.1 200 OK\r\n")
        while True:
            await peer.send(line * 100)

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


# One exchange never sees another's bytes


@pytest.mark.parametrize(
    "more",
    [
        sized(b"not asked for"),
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\npart",
        b"HTTP/1.1 200",
        b"H",
        b"garbage",
        b"\r\n\r\ngarbage",
    ],
)
@pytest.mark.parametrize("together", [True, False])
async def test_bytes_after_an_answer_reach_nobody(transport: Transport, more: bytes, together: bool) -> None:
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
