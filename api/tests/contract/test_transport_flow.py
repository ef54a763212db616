"""How an answer flows: as it comes, no faster than it is taken, and no longer than it is wanted."""

import asyncio

import pytest
from penstock.upstream.exchange import BUFFER_BYTES
from penstock.upstream.transport import Transport
from penstock.upstream.wire_errors import Cut, Unreachable, WireError
from tests.asking import BODY, SOON_S, answer, ask, into, soon, until, whole
from tests.wire import CHUNKED, Peer, Wire, chunk, echo, saying, sized

# Requests and their ends


async def test_an_answer_may_come_before_the_request_is_sent_whole(transport: Transport) -> None:
    large = b"x" * (16 * 2**20)
    read = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.send(sized(b"too large", status=b"413 Content Too Large"))
        await read.wait()

    async with Wire(script) as wire:
        exchange = await ask(transport, wire.origin, large)
        assert await whole(exchange) == (413, b"too large")
        read.set()


async def test_a_target_that_ends_while_it_is_sent_a_request_did_not_answer(transport: Transport) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        peer.reset()

    async with Wire(script) as wire:
        exchange = await ask(transport, wire.origin, b"x" * (16 * 2**20))
        with pytest.raises(Unreachable):
            await exchange.head(soon())


@pytest.mark.parametrize("begun", [False, True])
async def test_closing_an_exchange_reaches_the_target_at_once(transport: Transport, begun: bool) -> None:
    gone = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        if begun:
            await peer.send(CHUNKED, chunk(b"hello"))
        await peer.gone()
        gone.set()

    async with Wire(script) as wire:
        exchange = await ask(transport, wire.origin)
        if begun:
            await exchange.read(soon())
        else:
            with pytest.raises(TimeoutError):
                await exchange.head(soon(0.02))
        exchange.close()
        exchange.close()
        async with asyncio.timeout(1):
            await gone.wait()
        assert transport.connections == 0


async def test_a_reader_that_is_cancelled_leaves_the_exchange_usable(transport: Transport) -> None:
    go = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await go.wait()
        await peer.send(sized(b"hello"))

    async with Wire(script) as wire:
        exchange = await ask(transport, wire.origin)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await exchange.head(soon())
        go.set()
        assert await whole(exchange) == (200, b"hello")


async def test_silence_ends_at_the_deadline_and_a_drip_does_not_extend_it(transport: Transport) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        while True:
            await peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            await asyncio.sleep(0.01)

    async with Wire(script) as wire:
        exchange = await ask(transport, wire.origin)
        began = asyncio.get_running_loop().time()
        with pytest.raises(TimeoutError):
            await exchange.head(soon(0.1))
        assert asyncio.get_running_loop().time() - began < 1
        with pytest.raises(TimeoutError):
            await exchange.read(soon(-1))
        exchange.close()


async def test_a_response_may_come_a_byte_at_a_time(transport: Transport) -> None:
    response = CHUNKED + b"".join(chunk(b"token %d" % number) for number in range(50)) + chunk(b"")

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(*[response[at : at + 1] for at in range(len(response))])

    async with Wire(script) as wire:
        assert await answer(transport, wire.origin) == (200, b"".join(b"token %d" % number for number in range(50)))


# Pouring


async def test_pouring_hands_on_what_came_before_and_after_and_then_ends_once(transport: Transport) -> None:
    go = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(CHUNKED + chunk(b"one") + chunk(b"two"))
        await go.wait()
        await peer.send(chunk(b"three"), chunk(b"four") + chunk(b""))
        await peer.request()

    got: list[bytes] = []
    ends: list[WireError | None] = []
    async with Wire(script) as wire:
        exchange = await ask(transport, wire.origin)
        await exchange.head(soon())
        exchange.pour(into(got), ends.append)
        await until(lambda: bool(got))
        go.set()
        await until(lambda: bool(ends))
        assert (b"".join(got), ends) == (b"onetwothreefour", [None])
        assert (await ask(transport, wire.origin)).reused


@pytest.mark.ours("aiohttp hands over nothing without a task in between")
async def test_pouring_what_is_complete_or_broken_already_ends_at_once(transport: Transport) -> None:
    async with Wire(saying(sized(b"hello"))) as wire:
        exchange = await ask(transport, wire.origin)
        await until(lambda: exchange.complete)
        got: list[bytes] = []
        ends: list[WireError | None] = []
        exchange.pour(into(got), ends.append)
        assert (got, ends) == ([b"hello"], [None])
    async with Wire(saying(sized(b"hello")[:-1])) as wire:
        exchange = await ask(transport, wire.origin)
        await until(lambda: transport.connections == 0)
        exchange.pour(into(got), ends.append)
        assert got[1:] == [b"hell"]
        assert isinstance(ends[1], Cut)


async def test_pouring_tells_of_a_cut(transport: Transport) -> None:
    ends: list[WireError | None] = []

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(CHUNKED + chunk(b"one"))

    async with Wire(script) as wire:
        exchange = await ask(transport, wire.origin)
        exchange.pour(into([]), ends.append)
        await until(lambda: bool(ends))
        assert isinstance(ends[0], Cut)
        assert len(ends) == 1


async def test_leaving_keeps_the_connection_if_the_rest_comes_in_time(transport: Transport) -> None:
    go = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(CHUNKED + chunk(b"data: [DONE]\n\n"))
        await go.wait()
        await peer.send(chunk(b""))
        await echo(peer)

    async with Wire(script) as wire:
        exchange = await ask(transport, wire.origin)
        await exchange.read(soon())
        exchange.leave(SOON_S)
        go.set()
        await until(lambda: exchange.complete)
        assert await answer(transport, wire.origin) == (200, BODY)
        assert len(wire.peers) == 1


async def test_leaving_gives_up_a_connection_whose_rest_does_not_come(transport: Transport) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(CHUNKED + chunk(b"data: [DONE]\n\n"))
        await peer.gone()

    async with Wire(script) as wire:
        exchange = await ask(transport, wire.origin)
        await exchange.read(soon())
        exchange.leave(0.02)
        await until(lambda: transport.connections == 0)


# Back-pressure


async def flood(peer: Peer) -> None:
    await peer.request()
    await peer.send(CHUNKED)
    for _ in range(64):
        await peer.send(chunk(b"x" * 2**20))
    await peer.send(chunk(b""))


async def stalled(peer: Peer) -> int:
    """Wait until the server can send no more; what it has sent by then."""
    sent = -1
    while sent != peer.sent:
        sent = peer.sent
        await asyncio.sleep(0.1)
    return sent


async def test_what_nobody_reads_is_not_taken_from_the_target(transport: Transport) -> None:
    async with Wire(flood) as wire:
        exchange = await ask(transport, wire.origin)
        await exchange.head(soon())
        assert await stalled(wire.peers[0]) < 16 * 2**20, "what kernels buffer, and no more"
        assert len(await exchange.read(soon())) <= BUFFER_BYTES + 2**20
        assert len((await whole(exchange))[1]) > 60 * 2**20
        assert exchange.complete


async def test_a_sink_can_pause_and_resume_the_target(transport: Transport) -> None:
    got = [0]
    ends: list[WireError | None] = []
    async with Wire(flood) as wire:
        exchange = await ask(transport, wire.origin)
        await exchange.head(soon())

        def sink(data: bytes, framed: bytes) -> None:
            got[0] += len(data)
            exchange.pause()

        exchange.pour(sink, ends.append)
        assert await stalled(wire.peers[0]) < 16 * 2**20
        paused_at = got[0]
        await asyncio.sleep(0.02)
        assert got[0] == paused_at
        while not ends:
            exchange.resume()
            await asyncio.sleep(0)
        assert (got[0], ends) == (64 * 2**20, [None])


async def test_a_paused_connection_is_read_again_when_it_is_used_again(transport: Transport) -> None:
    body = b"x" * (2 * BUFFER_BYTES)
    async with Wire(saying(sized(body), sized(b"next"))) as wire:
        exchange = await ask(transport, wire.origin)
        await exchange.head(soon())
        exchange.pause()
        exchange.resume()
        assert (await whole(exchange))[1] == body
        exchange.pause()
        assert await answer(transport, wire.origin) == (200, b"next")
