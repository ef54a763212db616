"""What comes back over the wire, held to a server that says exactly what a test wants."""

import asyncio

import pytest
from penstock.upstream.transport import Transport
from tests.asking import BODY, answer, ask, soon, whole
from tests.wire import CHUNKED, Peer, Wire, chunk, echo, saying, sized


@pytest.mark.parametrize(
    ("response", "body"),
    [
        (sized(b"hello"), b"hello"),
        (sized(b""), b""),
        (sized(b"hello", b"x-one: 1", b"x-two:"), b"hello"),
        (CHUNKED + chunk(b"hel") + chunk(b"lo") + chunk(b""), b"hello"),
        (CHUNKED + b"5;name=value\r\nhello\r\n0\r\nx-trailer: 1\r\n\r\n", b"hello"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n0A\r\n0123456789\r\n0\r\n\r\n", b"0123456789"),
        (b"HTTP/1.1 200 \r\nContent-Length:5\r\nX: \t y \r\n\r\nhello", b"hello"),
        (b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 5\r\n\r\nhello", b"hello"),
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


async def test_many_calls_at_once_are_each_answered_with_their_own(transport_type: type[Transport]) -> None:
    transport = transport_type(32)
    async with Wire(echo) as wire:

        async def one(number: int) -> None:
            for turn in range(5):
                body = b"%d-%d" % (number, turn) * 1000
                exchange = await ask(transport, wire.origin, body)
                assert (await whole(exchange))[1] == body

        await asyncio.gather(*(one(number) for number in range(32)))
        assert len(wire.peers) <= 32
        transport.close()


@pytest.mark.ours("`whole`, which bounds a body, is a promise of our exchange")
async def test_a_body_without_an_end_is_given_up_at_the_limit(transport: Transport) -> None:
    async def endless(peer: Peer) -> None:
        await peer.request()
        await peer.send(CHUNKED)
        while True:
            await peer.send(chunk(b"x" * 65536))

    async with Wire(endless) as wire:
        exchange = await ask(transport, wire.origin)
        assert await exchange.head(soon()) == 200
        assert await exchange.whole(2**20, soon()) is None
        exchange.close()
