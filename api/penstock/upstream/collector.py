"""The collector of traces: OTLP over HTTP, spoken by our own transport beside the road."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

from structlog.typing import FilteringBoundLogger

from penstock import __version__
from penstock.settings import Settings
from penstock.telemetry.exporter import Answer, Exporter
from penstock.telemetry.families import Counters
from penstock.telemetry.spans import frame_of
from penstock.telemetry.tracing import Tracing
from penstock.upstream.exchange import Exchange
from penstock.upstream.transport import Origin, Transport
from penstock.upstream.wire_errors import WireError

PATH = "/v1/traces"
TIMEOUT_S = 5.0
"""For a batch to be taken."""
ANSWER_BYTES = 64 * 1024
"""Of its answer: what it says beside the status is not for us."""
LATER = frozenset({429, 502, 503, 504})
"""Statuses that ask for another try."""


class Collector:
    """At `url`, which is without the path that OTLP gives traces. `headers` hold its key, if it has one."""

    def __init__(self, url: str, headers: Mapping[str, str], transport: Transport) -> None:
        parts = urlsplit(url)
        tls = parts.scheme == "https"
        self._origin = Origin(parts.hostname or "", parts.port or (443 if tls else 80), tls)
        self._transport = transport
        told = {"host": parts.netloc, "content-type": "application/json", "connection": "close", **headers}
        lines = [f"POST {parts.path}{PATH} HTTP/1.1", *(f"{name}: {value}" for name, value in told.items())]
        self._head = "\r\n".join(lines).encode()

    async def take(self, body: bytes) -> Answer:
        """Hand it a batch."""
        deadline = asyncio.get_running_loop().time() + TIMEOUT_S
        head = b"%b\r\ncontent-length: %d\r\n\r\n" % (self._head, len(body))
        exchange: Exchange | None = None
        try:
            exchange = await self._transport.send(self._origin, head, body, connect_s=TIMEOUT_S, fresh=True)
            status = await exchange.head(deadline)
            await exchange.whole(ANSWER_BYTES, deadline)
        except (WireError, TimeoutError) as error:
            return Answer(str(error) or "no answer in time", later=True)
        finally:
            if exchange is not None:
                exchange.close()
        return Answer("" if 200 <= status < 300 else f"HTTP {status}", status in LATER)


def tracing_of(settings: Settings, counts: Counters, log: FilteringBoundLogger, rng: random.Random) -> Tracing | None:
    """None where no collector is named: then nothing is traced."""
    traces = settings.traces
    if not traces.endpoint:
        return None

    def moved(up: bool, why: str) -> None:
        log.warning("collector moved", up=up, why=why)

    instance = {
        "service.name": "penstock",
        "service.version": settings.version,
        "service.instance.id": socket.gethostname(),
    }
    collector = Collector(traces.endpoint, traces.header_fields, Transport(max_connections=2))
    exporter = Exporter(collector.take, traces.every_s, frame_of(instance, "penstock", __version__), counts, moved)
    return Tracing(exporter, traces.ratio, rng)
