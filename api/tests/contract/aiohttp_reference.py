"""aiohttp's client in the place of our transport: an expectation that it meets too is HTTP, and no habit of ours."""

from __future__ import annotations

import asyncio
import contextlib
import io
import socket
import ssl
from collections.abc import Awaitable, Callable, Coroutine
from types import SimpleNamespace
from typing import TypeVar

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError
from penstock.upstream.connection import MAX_HEADER_BYTES
from penstock.upstream.exchange import Ended, Sink
from penstock.upstream.transport import KEEP_ALIVE_S, Origin
from penstock.upstream.wire_errors import Cut, Stale, Unreachable, WireError
from yarl import URL

T = TypeVar("T")
Signal = Callable[[aiohttp.ClientSession, SimpleNamespace, object], Awaitable[None]]


class ReferenceLoop(asyncio.SelectorEventLoop):
    """The loop by which a test knows that it runs against the reference."""


class Reference:
    """As a Transport, but it waits where there is no room, and has no way to be asked for a fresh connection."""

    def __init__(self, max_connections: int, keep_alive_s: float = KEEP_ALIVE_S) -> None:
        self._sockets: list[socket.socket] = []
        self._exchanges: list[ReferenceExchange] = []
        self._tls: ssl.SSLContext | None = None
        self._closing: asyncio.Task[None] | None = None
        connected = aiohttp.TraceConfig()
        connected.on_connection_create_end.append(_connected(reused=False))
        connected.on_connection_reuseconn.append(_connected(reused=True))
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit_per_host=max_connections, keepalive_timeout=keep_alive_s, socket_factory=self._socket
            ),
            trace_configs=[connected],
            auto_decompress=False,
            max_line_size=MAX_HEADER_BYTES,
            max_field_size=MAX_HEADER_BYTES,
        )

    @property
    def connections(self) -> int:
        """As the kernel sees it: sockets that are open."""
        return sum(each.fileno() != -1 for each in self._sockets)

    async def send(
        self, origin: Origin, head: bytes, body: bytes, *, connect_s: float, fresh: bool = False
    ) -> ReferenceExchange:
        assert not fresh, "a session cannot be asked for it"
        first, *lines = head.decode().rstrip().splitlines()
        method, path, _ = first.split()
        if origin.tls and self._tls is None:
            self._tls = ssl.create_default_context()
        exchange = ReferenceExchange()
        request = self._session.request(
            method,
            URL.build(scheme="https" if origin.tls else "http", host=origin.host, port=origin.port, path=path),
            headers=[(name, value) for name, _, value in (line.partition(": ") for line in lines)],
            data=io.BytesIO(body),
            ssl=self._tls or True,
            timeout=aiohttp.ClientTimeout(total=None, connect=connect_s),
            trace_request_ctx=exchange,
        )
        self._exchanges.append(exchange)
        await exchange.sent(asyncio.ensure_future(request), connect_s)
        return exchange

    def close(self) -> None:
        for exchange in self._exchanges:
            exchange.close()
        self._closing = asyncio.ensure_future(self._session.close())

    def _socket(self, address: aiohttp.AddrInfoType) -> socket.socket:
        made = socket.socket(*address[:3])
        self._sockets.append(made)
        return made


class ReferenceExchange:
    """As an Exchange, but what it pours goes through a task."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self.reused: bool | None = None
        self.connected = asyncio.Event()
        self._answer: asyncio.Future[aiohttp.ClientResponse] | None = None
        self._response: aiohttp.ClientResponse | None = None
        self._tasks: set[asyncio.Future[None]] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()

    async def sent(self, answer: asyncio.Future[aiohttp.ClientResponse], connect_s: float) -> None:
        """Return when there is a connection; raises Unreachable when there is none."""
        self._answer = answer
        answer.add_done_callback(self._answered)
        try:
            await self.connected.wait()
        except asyncio.CancelledError:
            self.close()
            raise
        if self.reused is None:
            error = answer.exception()
            told = (
                f"no connection within {connect_s:g} s"
                if isinstance(error, TimeoutError)
                else f"cannot connect: {error}"
            )
            raise Unreachable(told) from error

    def _answered(self, answer: asyncio.Future[aiohttp.ClientResponse]) -> None:
        self.connected.set()
        if not answer.cancelled() and answer.exception() is None:
            self._response = answer.result()

    @property
    def complete(self) -> bool:
        if self._response is None:
            return False
        return self._response.content.is_eof() and self._response.content.exception() is None

    async def head(self, deadline: float | None) -> int:
        assert self._answer is not None
        response = await self._within(deadline, asyncio.shield(self._answer))
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.raw_headers}
        return self.status

    async def read(self, deadline: float | None) -> bytes:
        await self.head(deadline)
        assert self._response is not None
        return await self._within(deadline, self._response.content.readany())

    def pour(self, sink: Sink, ended: Ended) -> None:
        self._spawn(self._pour(sink, ended))

    def pause(self) -> None:
        self._flowing.clear()

    def resume(self) -> None:
        self._flowing.set()

    def leave(self, grace_s: float) -> None:
        self._spawn(self._rest(asyncio.get_running_loop().time() + grace_s))

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._answer is not None:
            self._answer.cancel()
        if self._response is not None and not self.complete:
            self._response.close()

    async def _pour(self, sink: Sink, ended: Ended) -> None:
        error = None
        try:
            while data := await self.read(None):
                sink(data, b"")
                await self._flowing.wait()
        except WireError as cut:
            error = cut
        ended(error)

    async def _rest(self, deadline: float) -> None:
        with contextlib.suppress(WireError, TimeoutError):
            while await self.read(deadline):
                pass
        self.close()

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _within(self, deadline: float | None, awaited: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout_at(deadline):
                return await awaited
        except (aiohttp.ClientPayloadError, aiohttp.ClientResponseError, HttpProcessingError) as error:
            self.close()
            raise Cut(str(error)) from error
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
            raise (Stale if self.reused else Unreachable)(str(error)) from error


def _connected(*, reused: bool) -> Signal:
    async def tell(session: aiohttp.ClientSession, context: SimpleNamespace, params: object) -> None:
        context.trace_request_ctx.reused = reused
        context.trace_request_ctx.connected.set()

    return tell
