"""The connections to every target: kept warm, reused, bounded and closed."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections import deque
from dataclasses import dataclass, field
from time import monotonic
from typing import Final, NamedTuple

from penstock.settings.tls import NO_FILES, TlsFiles
from penstock.upstream.connection import Connection
from penstock.upstream.exchange import Exchange
from penstock.upstream.patience import patience
from penstock.upstream.wire_errors import Full, Unreachable

KEEP_ALIVE_S: Final = 4.0
"""vLLM's server closes a connection that was idle for 5 s: ours must give it up sooner, or meet its end."""


class Origin(NamedTuple):
    host: str
    port: int
    tls: bool
    files: TlsFiles = NO_FILES


class _Context(NamedTuple):
    stamp: tuple[int, ...]
    """When each of its files was written."""
    made: ssl.SSLContext


@dataclass(slots=True)
class _Pool:
    idle: deque[Connection] = field(default_factory=deque)
    open: set[Connection] = field(default_factory=set)
    connecting: int = 0


class Transport:
    """Sends requests to origins. Opened by its first request, closed by `close`."""

    def __init__(self, max_connections: int, keep_alive_s: float = KEEP_ALIVE_S) -> None:
        self._max_connections = max_connections
        self._keep_alive_s = keep_alive_s
        self._pools: dict[Origin, _Pool] = {}
        self._contexts: dict[TlsFiles, _Context] = {}
        self._sweeper: asyncio.TimerHandle | None = None

    @property
    def connections(self) -> int:
        """Connections that are open now, in use or idle."""
        return sum(len(pool.open) for pool in self._pools.values())

    async def send(
        self, origin: Origin, head: bytes, body: bytes, *, connect_s: float, fresh: bool = False
    ) -> Exchange:
        """Send a request, on a kept connection where there is one and `fresh` does not forbid it.

        Raises Unreachable when no connection is made within `connect_s` seconds, Full when there is no room.
        """
        pool = self._pools.get(origin)
        if pool is None:
            pool = self._pools[origin] = _Pool()
        connection = None if fresh else self._kept(pool)
        if connection is not None:
            return connection.send(head, body, reused=True)
        if len(pool.open) + pool.connecting >= self._max_connections:
            raise Full(f"{self._max_connections} connections are in use")
        connection = await self._connect(origin, pool, connect_s)
        return connection.send(head, body, reused=False)

    def close(self) -> None:
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        for pool in self._pools.values():
            for connection in pool.open:
                connection.abort()

    async def _connect(self, origin: Origin, pool: _Pool, connect_s: float) -> Connection:
        loop = asyncio.get_running_loop()

        def released(connection: Connection) -> None:
            connection.idle_since = monotonic()
            pool.idle.append(connection)
            if self._sweeper is None:
                self._sweeper = loop.call_later(self._keep_alive_s, self._sweep, loop)

        def lost(connection: Connection) -> None:
            pool.open.discard(connection)
            if connection in pool.idle:
                pool.idle.remove(connection)

        pool.connecting += 1
        connection = Connection(loop, released, lost)
        try:
            async with patience(connect_s):
                await loop.create_connection(
                    lambda: connection,
                    origin.host,
                    origin.port,
                    ssl=self._context(origin.files) if origin.tls else None,
                    server_hostname=origin.host if origin.tls else None,
                )
        except TimeoutError:
            raise Unreachable(f"no connection within {connect_s:g} s") from None
        except (OSError, UnicodeError) as error:  # refused, no route, unknown host, a certificate that does not verify
            raise Unreachable(f"cannot connect: {getattr(error, 'strerror', None) or error}") from None
        finally:
            pool.connecting -= 1
        if not connection.usable:
            raise Unreachable("closed as soon as it was connected")
        pool.open.add(connection)
        return connection

    def _kept(self, pool: _Pool) -> Connection | None:
        """The connection that was used last: the others may then grow old and be closed."""
        oldest = monotonic() - self._keep_alive_s
        while pool.idle:
            connection = pool.idle.pop()
            if connection.usable and connection.idle_since > oldest:
                return connection
            connection.abort()
        return None

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        self._sweeper = None
        oldest = monotonic() - self._keep_alive_s
        for pool in self._pools.values():
            while pool.idle and pool.idle[0].idle_since <= oldest:
                pool.idle.popleft().abort()
        if any(pool.idle for pool in self._pools.values()):
            self._sweeper = loop.call_later(self._keep_alive_s / 4, self._sweep, loop)

    def _context(self, files: TlsFiles) -> ssl.SSLContext:
        """Made anew when a file has changed: certificates that live for days are replaced under a running gateway."""
        stamp = tuple([os.stat(path).st_mtime_ns for path in files if path])
        kept = self._contexts.get(files)
        if kept is None or kept.stamp != stamp:
            kept = self._contexts[files] = _Context(stamp, files.context())
        return kept.made
