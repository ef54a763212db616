"""Clients that hold on: they reach no instance, and the others stay served."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest

from tests.edge.conftest import Fleet, MakeEdge
from tests.edge.edge import Edge, trusting
from tests.edge.others import usual
from tests.load.traffic import WELL, outcomes
from tests.talk import until

pytestmark = [pytest.mark.slow]


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


async def test_more_idle_connections_than_it_can_hold(make_edge: MakeEdge, fleet: Fleet) -> None:
    """Those that are idle are given up for those that ask."""
    edge = await asyncio.to_thread(
        make_edge, {"blue": fleet.addresses}, EDGE_WORKER_CONNECTIONS="256", EDGE_WORKERS="1"
    )
    async with connections(edge, 400, tls=False):
        assert outcomes(await usual(edge, 2)).keys() == {WELL}


async def test_bodies_that_drip_reach_no_instance(make_edge: MakeEdge, fleet: Fleet) -> None:
    edge = await asyncio.to_thread(make_edge, {"blue": fleet.addresses}, EDGE_ADDRESS_OPEN="64")
    start = b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n{"
    async with connections(edge, 32, tls=True) as slow:
        for writer in slow:
            writer.write(start)
        assert outcomes(await usual(edge, 2)).keys() == {WELL}
        assert await asyncio.to_thread(in_flight, edge) == {0}


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
