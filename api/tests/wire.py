"""A TCP server that says what a test's script says, byte for byte."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from typing import Self

from penstock.upstream.transport import Origin

_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
_A_READ = 3  # turns of the loop until the client has read what was written, and not the next part with it
_LINGER_NOT = struct.pack("ii", 1, 0)


class Peer:
    """One client's connection, as the server sees it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.sent = 0

    async def head(self) -> bytes:
        return await self._reader.readuntil(b"\r\n\r\n")

    async def request(self) -> bytes:
        """A request's body, by its content-length."""
        length = _LENGTH.search(await self.head())
        return await self._reader.readexactly(int(length[1]) if length else 0)

    async def send(self, *parts: bytes) -> None:
        """Each part in a write of its own, waiting where the client does not read."""
        for part in parts:
            self._writer.write(part)
            await self._writer.drain()
            self.sent += len(part)
            for _ in range(_A_READ):
                await asyncio.sleep(0)

    async def gone(self) -> None:
        """Returns when the client has closed its side."""
        with contextlib.suppress(ConnectionError):
            while await self._reader.read(65536):
                pass

    def reset(self) -> None:
        """End it by RST, without a word."""
        sock = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        self._writer.transport.abort()


Script = Callable[[Peer], Awaitable[None]]


class Wire:
    """Runs `script` for every connection, and closes it where the script ends. A context manager."""

    def __init__(self, script: Script, tls: ssl.SSLContext | None = None) -> None:
        self._script = script
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._failures: list[BaseException] = []
        self.peers: list[Peer] = []

    @property
    def origin(self) -> Origin:
        assert self._server is not None
        return Origin("127.0.0.1", self._server.sockets[0].getsockname()[1], self._tls is not None)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        peer = Peer(reader, writer)
        self.peers.append(peer)
        try:
            await self._script(peer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client left, or the test is over
        except BaseException as error:  # noqa: BLE001  # raised at the end of the test
            self._failures.append(error)
        finally:
            writer.close()
            self._tasks.discard(task)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        return self

    async def __aexit__(self, *exception: object) -> None:
        assert self._server is not None
        self._server.close()
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for peer in self.peers:
            with contextlib.suppress(AttributeError):  # asyncio has forgotten the parts of one that is over
                peer._writer.transport.abort()
        await self._server.wait_closed()
        if self._failures:
            raise self._failures[0]


def sized(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    """A response with content-length."""
    lines = (b"HTTP/1.1 " + status, b"content-length: %d" % len(body), *headers)
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def saying(*responses: bytes) -> Script:
    """Answers each request of a connection with the next response; ends the connection after the last."""

    async def script(peer: Peer) -> None:
        for response in responses:
            await peer.request()
            await peer.send(response)

    return script


async def echo(peer: Peer) -> None:
    """Answers each request with its own body."""
    while True:
        await peer.send(sized(await peer.request()))
