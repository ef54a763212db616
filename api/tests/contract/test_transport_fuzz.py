"""Whatever a target may send, the worst is an error, and no other exchange has a byte of it."""

import asyncio
import itertools
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from penstock.upstream.sse import EventTooLarge, Splitter
from penstock.upstream.transport import Origin, Transport
from penstock.upstream.wire_errors import Stale, WireError
from tests.asking import BODY, SOON_S, ask, soon, until, whole
from tests.contract.aiohttp_reference import Reference
from tests.wire import CHUNKED, Peer, Wire, chunk, echo, sized

MARK = b"MARK!"  # five bytes, in place of which each reply has its own
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
        b"5\r\nMARK!\r\n",
        b"0\r\n\r\n",
        MARK,
        b"ffffffffffffffff\r\n",
        b"data: {}\n\n",
        b"x: MARK!\r\n",
        b" folded\r\n",
        b"\x00\xff",
        b"trailer: x\r\n",
    ]
)
wholes = st.sampled_from(
    [
        sized(MARK, b"x-one: MARK!"),
        CHUNKED + chunk(MARK) + chunk(b""),
        CHUNKED + b"5\r\nMARK!\r\n0\r\nx-trailer: MARK!\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nlink: MARK!\r\n\r\n" + sized(MARK),
        b"HTTP/1.1 204 No Content\r\nx-one: MARK!\r\n\r\n",
    ]
)
says = st.lists(pieces | st.binary(max_size=8), max_size=12)
fuzz = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
some_bytes = st.binary(max_size=8)
says = st.lists(pieces | some_bytes, max_size=12)
more = st.lists(wholes | wholes.map(lambda reply: reply[:-3]) | pieces | some_bytes, max_size=3)


class Turn(NamedTuple):
    """What a target says to a request, what it says when its reply was heard, and what it does then."""

    at_once: list[bytes]
    later: list[bytes]
    end: str


whole_and_more = st.builds(lambda reply, rest: [reply, *rest], wholes, more)
at_once = whole_and_more | whole_and_more.map(lambda parts: [b"".join(parts)]) | more
turns = st.builds(Turn, at_once, st.just([]) | more, st.sampled_from(["stay", "stay", "close", "reset"]))


@pytest.fixture(autouse=True)
async def no_trouble() -> AsyncIterator[None]:
    """Nothing that a test's target says may raise where nobody waits for it."""
    troubles: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: troubles.append(context))
    yield
    assert troubles == []


@pytest.mark.ours("it asks for a fresh connection, which aiohttp cannot be asked for")
@fuzz
@given(parts=says, reset=st.booleans(), asked_first=st.booleans())
async def test_no_bytes_are_too_strange_and_the_next_exchange_is_well(
    transport: Transport, parts: Sequence[bytes], reset: bool, asked_first: bool
) -> None:
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


def mark(number: int) -> bytes:
    return b"<%03d>" % number


@pytest.mark.ours("aiohttp keeps a connection on which more came than an answer")
@fuzz
@given(turns=st.lists(turns, min_size=1, max_size=4))
async def test_no_exchange_has_a_byte_of_another(transport: Transport, turns: Sequence[Turn]) -> None:
    heard, said = [asyncio.Event() for _ in turns], [asyncio.Event() for _ in turns]

    async def script(peer: Peer) -> None:
        while (number := int(await peer.request())) < len(turns):
            turn = turns[number]
            try:
                await peer.send(*(part.replace(MARK, mark(number)) for part in turn.at_once))
                await heard[number].wait()
                await peer.send(*(part.replace(MARK, mark(number)) for part in turn.later))
            finally:  # the client may hear enough and leave
                said[number].set()
            if turn.end == "reset":
                peer.reset()
            if turn.end != "stay":
                return
        await peer.send(sized(mark(number)))

    async with Wire(script) as wire:
        for number in range(len(turns)):
            told = await all_of(transport, wire.origin, number)
            assert set(re.findall(rb"<\d+>", told)) <= {mark(number)}
            heard[number].set()
            async with asyncio.timeout(SOON_S):
                await said[number].wait()
        assert await all_of(transport, wire.origin, len(turns)) == b"200" + b"content-length" + b"5" + mark(len(turns))


async def all_of(transport: Transport, origin: Origin, number: int, *, fresh: bool = False) -> bytes:
    """Everything that a call is told, to its end or until it is told no more."""
    exchange = await ask(transport, origin, b"%d" % number, fresh=fresh)
    told = []
    try:
        told.append(b"%d" % await exchange.head(soon(0.02)))
        told.extend(part for header in exchange.headers.items() for part in header)
        while data := await exchange.read(soon(0.02)):
            told.append(data)
    except Stale:
        return await all_of(transport, origin, number, fresh=True)
    except (WireError, TimeoutError):
        pass
    exchange.close()
    return b"".join(told)


class Reply(NamedTuple):
    """A reply that is HTTP, and what is in it."""

    wire: bytes
    status: int
    body: bytes
    last: bool


@st.composite
def replies(draw: st.DrawFn) -> Reply:
    status = draw(st.sampled_from([200, 204, 404, 503]))
    framing = draw(st.sampled_from(["length", "chunked", "end"])) if status != 204 else "none"
    chunks = draw(st.lists(st.binary(min_size=1, max_size=40), max_size=3)) if status != 204 else []
    closing = framing == "end" or draw(st.booleans())
    interim = draw(st.sampled_from([b"", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Hints\r\nx-one: 0\r\n\r\n"]))
    headers = [b"X-One: 1", b"x-two:", *draw(st.lists(st.sampled_from([b"Server: \t x y \t", b"date:now"])))]
    body = b"".join(chunks)
    if framing == "length":
        headers.append(b"Content-Length: %d" % len(body))
    if framing == "chunked":
        headers.append(draw(st.sampled_from([b"Transfer-Encoding: chunked", b"transfer-encoding:Chunked"])))
        extension = draw(st.sampled_from([b"", b";x", b";x=y"]))
        trailer = draw(st.sampled_from([b"", b"x-trailer: 1\r\n"]))
        body_wire = b"".join(b"%X%b\r\n%b\r\n" % (len(each), extension, each) for each in chunks)
        body_wire += b"0\r\n" + trailer + b"\r\n"
    else:
        body_wire = body
    if closing:
        headers.append(draw(st.sampled_from([b"Connection: close", b"connection:Close"])))
    start = b"HTTP/1.1 %d %b" % (status, draw(st.sampled_from([b"", b"As You Like"])))
    return Reply(b"\r\n".join([interim + start, *headers, b"", body_wire]), status, body, closing)


@fuzz
@given(said=st.lists(replies(), min_size=1, max_size=4), sizes=st.lists(st.integers(1, 60), min_size=1, max_size=5))
async def test_what_is_http_is_read_wherever_it_is_cut(
    transport_type: type[Transport], said: Sequence[Reply], sizes: Sequence[int]
) -> None:
    left = iter(said)

    async def script(peer: Peer) -> None:
        for reply in left:
            await peer.request()
            await peer.send(*cut(reply.wire, sizes))
            if reply.last:
                return

    transport = transport_type(8)
    async with Wire(script) as wire:
        kept = False
        for reply in said:
            exchange = await ask(transport, wire.origin)
            assert await whole(exchange) == (reply.status, reply.body)
            assert (exchange.headers[b"x-one"], exchange.headers[b"x-two"]) == (b"1", b"")
            assert exchange.reused is kept
            kept = not reply.last
        transport.close()
        await until(lambda: transport.connections == 0)


def cut(data: bytes, sizes: Sequence[int]) -> Iterator[bytes]:
    at = 0
    for size in itertools.cycle(sizes):
        if at >= len(data):
            return
        yield data[at : at + size]
        at += size


@pytest.mark.ours("it asks aiohttp beside ours")
@fuzz
@given(parts=st.lists(wholes | pieces | some_bytes, max_size=6))
async def test_an_answer_that_aiohttp_reads_too_is_the_same(
    transport: Transport, reference: type[Reference], parts: Sequence[bytes]
) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(*parts)

    other = reference(8)
    async with Wire(script) as wire:
        ours, theirs = [await outcome(each, wire.origin) for each in (transport, other)]
        other.close()
        await until(lambda: other.connections == 0)
    assert ours == theirs or None in (ours, theirs)


async def outcome(transport: Transport | Reference, origin: Origin) -> tuple[int, bytes] | None:
    """The status and the body, or None where they were not whole."""
    try:
        return await whole(await ask(transport, origin))
    except WireError:
        return None
