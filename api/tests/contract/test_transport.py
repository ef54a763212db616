"""Connections to a target: made, kept, shared by nobody, bounded and given up."""

import asyncio
import os
import socket
import ssl
import subprocess
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from penstock.upstream.transport import Origin, Transport
from penstock.upstream.wire_errors import Cut, Full, Stale, Unreachable
from tests.asking import BODY, SOON_S, answer, ask, soon, until, whole
from tests.servers import free_port
from tests.wire import CHUNKED, Peer, Wire, chunk, echo, saying, sized

# Connections that are kept, grow old, or go


@pytest.mark.ours("a session of aiohttp's has no way to ask for one")
async def test_a_fresh_connection_can_be_asked_for(transport: Transport) -> None:
    async with Wire(echo) as wire:
        await answer(transport, wire.origin)
        exchange = await ask(transport, wire.origin, fresh=True)
        assert not exchange.reused
        assert (await whole(exchange))[1] == BODY
        assert len(wire.peers) == 2


async def test_targets_do_not_share_connections(transport: Transport) -> None:
    async with Wire(saying(*[sized(b"one")] * 2)) as one, Wire(saying(*[sized(b"other")] * 2)) as other:
        for _ in range(2):
            assert await answer(transport, one.origin) == (200, b"one")
            assert await answer(transport, other.origin) == (200, b"other")
        assert (len(one.peers), len(other.peers)) == (1, 1)


async def test_an_idle_connection_is_given_up_before_the_target_would(transport_type: type[Transport]) -> None:
    transport = transport_type(8, keep_alive_s=0.05)
    gone = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(sized(b""))
        await peer.gone()
        gone.set()

    async with Wire(script) as wire:
        await answer(transport, wire.origin)
        assert transport.connections == 1
        async with asyncio.timeout(SOON_S):
            await gone.wait()
        await until(lambda: transport.connections == 0)
    transport.close()


async def test_one_that_the_target_gave_up_is_not_used_again(transport: Transport) -> None:
    async with Wire(saying(sized(b"one"))) as wire:
        await answer(transport, wire.origin)
        await until(lambda: transport.connections == 0)
        assert await answer(transport, wire.origin) == (200, b"one")
        assert len(wire.peers) == 2


@pytest.mark.parametrize("reset", [False, True])
async def test_a_kept_connection_that_ends_before_its_answer_was_stale(transport: Transport, reset: bool) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(sized(b""))
        await peer.request()
        if reset:
            peer.reset()

    async with Wire(script) as wire:
        await answer(transport, wire.origin)
        exchange = await ask(transport, wire.origin)
        assert exchange.reused
        with pytest.raises(Stale):
            await exchange.head(soon())


@pytest.mark.parametrize("reset", [False, True])
async def test_a_fresh_connection_that_ends_before_its_answer_was_no_connection(
    transport: Transport, reset: bool
) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        if reset:
            peer.reset()

    async with Wire(script) as wire:
        exchange = await ask(transport, wire.origin)
        with pytest.raises(Unreachable):
            await exchange.head(soon())


# Connections that are not made


async def test_nobody_listening(transport: Transport) -> None:
    with pytest.raises(Unreachable, match="cannot connect"):
        await ask(transport, Origin("127.0.0.1", free_port(), tls=False))
    assert transport.connections == 0


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 64 + ".invalid", "a..b"])
async def test_a_host_that_is_none(transport: Transport, host: str) -> None:
    with pytest.raises(Unreachable):
        await ask(transport, Origin(host, 80, tls=False))


async def test_a_target_that_does_not_take_the_connection(transport: Transport) -> None:
    full = socket.socket()
    full.bind(("127.0.0.1", 0))
    full.listen(0)
    waiting = [socket.socket() for _ in range(4)]
    for each in waiting:
        each.setblocking(False)
        each.connect_ex(full.getsockname())
    try:
        with pytest.raises(Unreachable, match=r"within 0\.1 s"):
            await ask(transport, Origin("127.0.0.1", full.getsockname()[1], tls=False), connect_s=0.1)
    finally:
        for each in (*waiting, full):
            each.close()


async def test_a_target_that_does_not_shake_hands(transport: Transport) -> None:
    async with Wire(lambda peer: peer.gone()) as wire:
        with pytest.raises(Unreachable, match=r"within 0\.1 s"):
            await ask(transport, wire.origin._replace(tls=True), connect_s=0.1)


@pytest.mark.ours("aiohttp waits for room; we tell at once, so that another target is asked")
async def test_there_are_no_more_connections_than_allowed(transport_type: type[Transport]) -> None:
    transport = transport_type(2)
    async with Wire(echo) as wire:

        async def hold(peer: Peer) -> None:
            await peer.request()
            await peer.gone()

        async with Wire(hold) as holding:
            exchanges = await asyncio.gather(ask(transport, holding.origin), ask(transport, holding.origin))
            with pytest.raises(Full):
                await ask(transport, holding.origin)
            assert await answer(transport, wire.origin) == (200, BODY), "the bound is each target's"
            exchanges[0].close()
            await until(lambda: transport.connections == 2)
            (await ask(transport, holding.origin)).close()
            results = await asyncio.gather(*[ask(transport, holding.origin) for _ in range(5)], return_exceptions=True)
            assert sum(isinstance(each, Full) for each in results) >= 4, "those that are being made count too"
        transport.close()
        await until(lambda: transport.connections == 0)


async def test_a_caller_that_leaves_while_it_connects_frees_its_place(transport_type: type[Transport]) -> None:
    transport = transport_type(1)
    async with Wire(lambda peer: peer.gone()) as wire:
        for _ in range(3):
            asking = asyncio.create_task(ask(transport, wire.origin._replace(tls=True)))
            await until(lambda: bool(wire.peers))
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
        await until(lambda: transport.connections == 0)
    transport.close()


# TLS


@pytest.fixture
def certificate(require: Callable[[str], str], tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1 that signs itself, with its key."""
    file = tmp_path / "tls.pem"
    command = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test".split()
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(file), "-out", str(tmp_path / "cert.pem")]
    subprocess.run([require("openssl"), *command, *names], check=True, capture_output=True)
    with file.open("a") as joined:
        joined.write((tmp_path / "cert.pem").read_text())
    return file


def tls_server(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


async def test_a_target_that_is_known_is_spoken_to_in_tls(
    transport: Transport, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with Wire(echo, tls_server(certificate)) as wire:
        for _ in range(2):
            assert await answer(transport, wire.origin) == (200, BODY)
        assert len(wire.peers) == 1


async def test_a_target_that_is_not_known_hears_nothing(transport: Transport, certificate: Path) -> None:
    async with Wire(echo, tls_server(certificate)) as wire:
        with pytest.raises(Unreachable, match="certificate"):
            await ask(transport, wire.origin)
        await until(lambda: transport.connections == 0)


async def test_a_target_with_the_certificate_of_another_hears_nothing(
    transport: Transport, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    heard = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.head()
        heard.set()

    async with Wire(script, tls_server(certificate)) as wire:
        with pytest.raises(Unreachable, match="certificate"):
            await ask(transport, wire.origin._replace(host="localhost"))
        await until(lambda: transport.connections == 0)
        assert not heard.is_set()


async def test_a_target_that_does_not_speak_tls_is_not_reached(transport: Transport) -> None:
    async def script(peer: Peer) -> None:
        await peer.send(sized(b"hello"))
        await peer.gone()

    async with Wire(script) as wire:
        with pytest.raises(Unreachable, match="cannot connect"):
            await ask(transport, wire.origin._replace(tls=True))
        await until(lambda: transport.connections == 0)


async def test_in_tls_too_an_answer_is_cut_by_either_side(
    transport: Transport, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    gone = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(CHUNKED, chunk(b"hello"))
        if len(wire.peers) > 1:
            await peer.gone()
            gone.set()

    async with Wire(script, tls_server(certificate)) as wire:
        with pytest.raises(Cut):
            await answer(transport, wire.origin)
        exchange = await ask(transport, wire.origin)
        assert await exchange.read(soon()) == b"hello"
        exchange.close()
        async with asyncio.timeout(1):
            await gone.wait()


# Nothing is left


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


async def test_closing_the_transport_leaves_no_socket_and_no_task(transport_type: type[Transport]) -> None:
    async def hold(peer: Peer) -> None:
        await peer.request()
        await peer.send(CHUNKED, chunk(b"x"))
        await peer.gone()

    async with Wire(echo) as wire, Wire(hold) as holding:
        before, tasks = open_files(), asyncio.all_tasks()
        transport = transport_type(64)
        await asyncio.gather(*(answer(transport, wire.origin) for _ in range(20)))
        exchanges = [await ask(transport, holding.origin) for _ in range(10)]
        exchanges[0].pour(lambda data, framed: None, lambda error: None)
        transport.close()
        await until(lambda: transport.connections == 0)
        await until(lambda: asyncio.all_tasks() <= tasks)
        await until(lambda: open_files() <= before)


@pytest.mark.ours("it is about our memory, not about the wire")
async def test_a_connection_that_is_used_for_long_does_not_grow(transport: Transport) -> None:
    async with Wire(echo) as wire:
        for _ in range(200):
            await answer(transport, wire.origin)
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            for _ in range(1000):
                await answer(transport, wire.origin)
            grown = tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()
        assert grown < 200_000
        assert len(wire.peers) == 1
