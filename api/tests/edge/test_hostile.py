"""Clients that are slow, many or in a hurry: the others stay served."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.edge.conftest import Fleet, MakeEdge
from tests.edge.edge import Edge, trusting
from tests.figures import Figures
from tests.load.traffic import WELL, Result, Traffic, outcomes, quantile
from tests.talk import until

pytestmark = [pytest.mark.slow]

IDLE = 2000
SLOW = 300
RATE = 40


async def usual(edge: Edge, seconds: float = 4) -> list[Result]:
    """What everyone else asks."""
    async with Traffic(edge.url, max_tokens=16) as traffic:
        return list(await asyncio.gather(*await traffic.flow(RATE, seconds)))


def p99_ms(results: list[Result]) -> float:
    return quantile((each.seconds for each in results), 0.99) * 1000


def in_flight(edge: Edge) -> set[int]:
    return {peer["in_flight"] for peer in edge.peers().values()}


@contextlib.asynccontextmanager
async def connections(edge: Edge, count: int, *, tls: bool) -> AsyncIterator[list[asyncio.StreamWriter]]:
    """So many connections, open at once. Idle ones without TLS have not even begun their handshake."""
    context = trusting() if tls else None
    opened = []
    try:
        for _ in range(count):
            _, writer = await asyncio.open_connection("127.0.0.1", edge.port, ssl=context)
            opened.append(writer)
        yield opened
    finally:
        for writer in opened:
            writer.transport.abort()
        await asyncio.sleep(0.05)


async def test_many_idle_connections(make_edge: MakeEdge, fleet: Fleet, figures: Figures) -> None:
    edge = await asyncio.to_thread(make_edge, {"blue": fleet.addresses})
    before = await usual(edge)
    async with connections(edge, IDLE, tls=False), connections(edge, 200, tls=True):
        during = await usual(edge)
    assert outcomes(before + during).keys() == {WELL}
    figures(p99_before_ms=p99_ms(before), p99_with_idle_ms=p99_ms(during), idle=IDLE + 200)
    assert p99_ms(during) < 1.5 * p99_ms(before) + 50


async def test_more_idle_connections_than_it_can_hold(make_edge: MakeEdge, fleet: Fleet) -> None:
    """Those that are idle are given up for those that ask."""
    edge = await asyncio.to_thread(
        make_edge, {"blue": fleet.addresses}, EDGE_WORKER_CONNECTIONS="256", EDGE_WORKERS="1"
    )
    async with connections(edge, 400, tls=False):
        assert outcomes(await usual(edge, 2)).keys() == {WELL}


async def test_slow_loris(make_edge: MakeEdge, fleet: Fleet, figures: Figures) -> None:
    """A byte of the headers now and then does not hold a connection for long, and holds nobody else up."""
    edge = await asyncio.to_thread(make_edge, {"blue": fleet.addresses}, EDGE_HEADER_TIMEOUT_S="2")
    async with connections(edge, SLOW, tls=True) as slow:

        async def drip() -> None:
            began = time.monotonic()
            for writer in slow:
                writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nX: ")
            while time.monotonic() - began < 6:
                for writer in slow:
                    if not writer.is_closing():
                        writer.write(b"x")
                await asyncio.sleep(0.5)

        dripping = asyncio.create_task(drip())
        results = await usual(edge, 5)
        await dripping
        assert all(writer.is_closing() for writer in slow), "all were cut off"
    assert outcomes(results).keys() == {WELL}
    figures(p99_ms=p99_ms(results))


async def test_bodies_that_drip_reach_no_instance(make_edge: MakeEdge, fleet: Fleet) -> None:
    edge = await asyncio.to_thread(make_edge, {"blue": fleet.addresses}, EDGE_ADDRESS_OPEN="64")
    start = b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n{"
    async with connections(edge, 32, tls=True) as slow:
        for writer in slow:
            writer.write(start)
        assert outcomes(await usual(edge, 2)).keys() == {WELL}
        assert await asyncio.to_thread(in_flight, edge) == {0}


async def test_a_client_at_a_hundred_times_its_rate(make_edge: MakeEdge, fleet: Fleet, figures: Figures) -> None:
    limits = {"EDGE_KEY_RATE": "5", "EDGE_KEY_BURST": "5"}
    edge = await asyncio.to_thread(make_edge, {"blue": fleet.addresses}, **limits)
    before = await usual(edge)
    seen: list[int] = []

    async def rush(session: aiohttp.ClientSession) -> None:
        """500 a second, of which 5 are let in."""
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for number in range(2000):
                await asyncio.sleep(began + number / 500 - time.monotonic())
                group.create_task(once(session))

    async def once(session: aiohttp.ClientSession) -> None:
        async with session.get(f"{edge.url}/v1/models", headers={"authorization": "Bearer rushing"}) as answer:
            seen.append(answer.status)

    connector = aiohttp.TCPConnector(limit=50, ssl=False)
    async with aiohttp.ClientSession(connector=connector, trust_env=False) as session:
        during, _ = await asyncio.gather(usual(edge), rush(session))
    await asyncio.sleep(0.01)
    assert outcomes(before + during).keys() == {WELL}
    assert 20 <= seen.count(200) <= 40
    assert seen.count(200) + seen.count(429) == 2000
    figures(p99_before_ms=p99_ms(before), p99_with_the_rush_ms=p99_ms(during), refused=seen.count(429))
    assert p99_ms(during) < 1.5 * p99_ms(before) + 50


async def test_a_client_that_does_not_read(make_edge: MakeEdge, fleet: Fleet) -> None:
    """Its stream ends at the instance too, and it takes nothing from others."""
    edge = await asyncio.to_thread(make_edge, {"blue": fleet.addresses}, EDGE_SEND_TIMEOUT_S="1")
    body = b'{"model":"tiny","messages":[{"role":"user","content":"x"}],"stream":true,"n":20,"temperature":1,'
    body += b'"max_tokens":8000,"min_tokens":8000,"ignore_eos":true}'
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    with socket.create_connection(("127.0.0.1", edge.port), 10) as plain:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        with trusting().wrap_socket(plain) as client:
            client.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
            assert outcomes(await usual(edge, 2)).keys() == {WELL}
            await asyncio.to_thread(until, lambda: in_flight(edge) == {0}, 40)
