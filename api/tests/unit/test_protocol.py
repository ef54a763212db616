"""What a connection does as time goes by, and to a client that does not take what it is told."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvloop
from penstock.surfaces import farewell, protocol
from penstock.surfaces.protocol import Protocol
from penstock.surfaces.wire import Wire
from uvicorn.server import ServerState

ASK = b"GET / HTTP/1.1\r\n\r\n"
LARGE = b"." * (16 * 2**20)
"""More than two kernels hold between them."""


async def answer(wire: Wire, body: bytes = b"ok") -> None:
    wire.start(200, [(b"content-length", b"%d" % len(body))])
    wire.finish(body)


@asynccontextmanager
async def connected(
    answered: Callable[[Wire], Coroutine[Any, Any, None]],
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter, ServerState]]:
    """A client's side of one connection to a server that answers so."""
    loop, state = asyncio.get_running_loop(), ServerState()
    server = await loop.create_server(lambda: Protocol(answered, state, loop), "127.0.0.1", 0)
    sock = socket.create_connection(server.sockets[0].getsockname())
    reader, writer = await asyncio.open_connection(sock=sock)
    try:
        yield reader, writer, state
    finally:
        writer.close()
        server.close()


def on_uvloop(part: Coroutine[Any, Any, None]) -> None:
    """Its transports are what serves."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(part)


async def until(found: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not found():  # noqa: ASYNC110  # a moment
            await asyncio.sleep(0.01)


def test_the_wait_for_headers_ends_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a request behind one whose answer takes longer than headers may."""
    monkeypatch.setattr(protocol, "HEADERS_S", 0.1)

    async def slowly(wire: Wire) -> None:
        await asyncio.sleep(0.3)
        await answer(wire)

    async def part() -> None:
        async with connected(slowly) as (reader, writer, _):
            writer.write(ASK + ASK + ASK[:5])
            told = await reader.read()
        assert told.count(b"200 OK") == 2

    on_uvloop(part())


def test_half_a_request_that_came_early_may_take_its_time_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEADERS_S", 0.2)
    gate = asyncio.Event()

    async def slowly(wire: Wire) -> None:
        await gate.wait()
        await answer(wire)

    async def part() -> None:
        async with connected(slowly) as (reader, writer, _):
            writer.write(ASK + ASK[:5])
            await asyncio.sleep(0.3)
            gate.set()
            await reader.readuntil(b"ok")
            writer.write(ASK[5:])
            await reader.readuntil(b"ok")

    on_uvloop(part())


@pytest.mark.parametrize("last", [True, False])
def test_one_that_takes_nothing_is_cut_off(monkeypatch: pytest.MonkeyPatch, *, last: bool) -> None:
    monkeypatch.setattr(protocol, "HEADERS_S", 0.1)
    monkeypatch.setattr(protocol, "KEEP_ALIVE_S", 0.1)
    monkeypatch.setattr(farewell, "TAKES_NOTHING_S", 0.1)

    async def much(wire: Wire) -> None:
        if last:
            wire.close_after()
        await answer(wire, LARGE)

    async def part() -> None:
        async with connected(much) as (_, writer, state):
            writer.write(ASK)
            await until(lambda: state.total_requests == 1)
            await until(lambda: not state.connections)

    on_uvloop(part())


def test_one_that_breaks_off_unread_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """The handler gave it up in its middle: nobody waits for the rest to be taken."""
    monkeypatch.setattr(farewell, "TAKES_NOTHING_S", 0.1)

    async def half(wire: Wire) -> None:
        wire.start(200, [])
        wire.write(LARGE)

    async def part() -> None:
        async with connected(half) as (_, writer, state):
            writer.write(ASK)
            await until(lambda: bool(state.connections))
            await until(lambda: not state.connections)

    on_uvloop(part())


def test_one_that_takes_it_slowly_gets_it_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEADERS_S", 0.1)
    monkeypatch.setattr(protocol, "KEEP_ALIVE_S", 0.1)
    monkeypatch.setattr(farewell, "TAKES_NOTHING_S", 3.0)

    async def part() -> None:
        taken = 0
        async with connected(lambda wire: answer(wire, LARGE)) as (reader, writer, _):
            writer.write(ASK)
            while some := await reader.read(2**20):
                taken += len(some)
                await asyncio.sleep(0.1)
        assert taken > len(LARGE)

    on_uvloop(part())


def test_one_that_takes_no_answer_is_given_no_other() -> None:
    """Its next requests wait, those that are here and those that come, and get theirs when it takes them."""

    async def part() -> None:
        async with connected(lambda wire: answer(wire, LARGE)) as (reader, writer, state):
            writer.write(ASK + ASK)
            await until(lambda: state.total_requests == 1)
            writer.write(ASK)
            await asyncio.sleep(0.1)
            assert state.total_requests == 1
            for _ in range(3):
                await reader.readuntil(b"\r\n\r\n")
                assert len(await reader.readexactly(len(LARGE))) == len(LARGE)

    on_uvloop(part())


def test_one_that_still_sends_is_not_reset(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was answered before its body was in. It may send for a while, and then finds the answer."""
    monkeypatch.setattr(farewell, "LINGER_S", 0.3)

    async def at_once(wire: Wire) -> None:
        wire.close_after()
        await answer(wire)

    async def part() -> None:
        async with connected(at_once) as (reader, writer, state):
            writer.write(b"POST / HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % (2 * len(LARGE)))
            await until(lambda: state.total_requests == 1)
            writer.write(LARGE)
            await writer.drain()
            assert (await reader.read()).endswith(b"ok")
            assert state.connections
            await until(lambda: not state.connections)

    on_uvloop(part())


def test_one_that_still_sends_does_not_hold_up_the_end() -> None:
    async def at_once(wire: Wire) -> None:
        wire.close_after()
        await answer(wire)

    async def part() -> None:
        async with connected(at_once) as (_, writer, state):
            writer.write(b"POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\n")
            await until(lambda: state.total_requests == 1)
            for each in list(state.connections):
                each.shutdown()
            async with asyncio.timeout(1):
                await until(lambda: not state.connections)

    on_uvloop(part())
