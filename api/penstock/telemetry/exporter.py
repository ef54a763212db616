"""Spans on their way to a collector: gathered, sent together, tried again for a while, then given up and counted."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from itertools import islice
from typing import NamedTuple

from penstock.telemetry.families import Counters

BATCH = 256
"""Requests whose spans are sent at once."""
WAITING = 4096
"""Requests whose spans may wait; those of one more are dropped."""
PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Before each further try of a batch that the collector cannot take now. After the last it is lost."""
FLUSH_S = 2.0
"""At the end, how long what is left may take."""


class Bundle(NamedTuple):
    """One request's spans, in OTLP's JSON, with commas between; and how many they are."""

    data: bytes
    spans: int


class Answer(NamedTuple):
    """Why a collector did not take a batch, empty if it did; and whether it might `later`."""

    why: str
    later: bool = False


Send = Callable[[bytes], Awaitable[Answer]]
Moved = Callable[[bool, str], None]
"""Told whether the collector takes spans, and if it does not, why."""


class Exporter:
    """Gathers for `every_s`. `frame` is what stands before and after spans in what is sent; `counts` are by their fate:
    exported, failed or dropped.
    """

    def __init__(self, send: Send, every_s: float, frame: tuple[bytes, bytes], counts: Counters, moved: Moved) -> None:
        self._send = send
        self._every_s = every_s
        self._before, self._after = frame
        self._exported, self._failed, self._dropped = map(counts.of, ("exported", "failed", "dropped"))
        self._moved = moved
        self._up = True
        self._waiting: deque[Bundle] = deque()
        self._full = asyncio.Event()

    def put(self, bundle: Bundle) -> None:
        """Send these spans soon. They are dropped if too many wait."""
        if len(self._waiting) >= WAITING:
            self._dropped.inc(bundle.spans)
            return
        self._waiting.append(bundle)
        if len(self._waiting) == BATCH:
            self._full.set()

    @property
    def waiting(self) -> int:
        """Requests whose spans wait."""
        return len(self._waiting)

    async def run(self) -> None:
        """Send what is put, until this is cancelled; then what is left, at most for `FLUSH_S`."""
        try:
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._every_s):
                        await self._full.wait()
                self._full.clear()
                while self._waiting:
                    await self._export(PAUSES_S)
        finally:
            await self._flush()

    async def _flush(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_S):
                while self._waiting:
                    await self._export(())

    async def _export(self, pauses_s: Sequence[float]) -> None:
        """The oldest that wait. They wait until it is known what became of them."""
        batch = list(islice(self._waiting, BATCH))
        taken = await self._taken(b",".join([each.data for each in batch]), pauses_s)
        for _ in batch:
            self._waiting.popleft()
        (self._exported if taken else self._failed).inc(sum(each.spans for each in batch))

    async def _taken(self, spans: bytes, pauses_s: Sequence[float]) -> bool:
        body = b"".join((self._before, spans, self._after))
        for pause_s in (*pauses_s, None):
            answer = await self._send(body)
            self._tell(answer)
            if not answer.later or pause_s is None:
                return not answer.why
            await asyncio.sleep(pause_s)
        return False

    def _tell(self, answer: Answer) -> None:
        up = not answer.why
        if up != self._up:
            self._up = up
            self._moved(up, answer.why)
