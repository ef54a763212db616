"""One answer on its way out: whole or in events, as the engine goes and as the drawn faults bend it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from vllm_simulator import cloud, errors
from vllm_simulator.breakage import CutError, DieError, StallError, bend, fail
from vllm_simulator.errors import ApiError
from vllm_simulator.exchange import EVENTS, JSON, Exchange
from vllm_simulator.faults import Fault
from vllm_simulator.job import Dialect, Job
from vllm_simulator.shape import DONE, body, error_event
from vllm_simulator.ticker import Ticket

KEEP_ALIVE = b": keep-alive\n\n"


class Process(Protocol):
    """The process around the app, as far as an answer may touch it."""

    def crash(self) -> None:
        """Ends the process soon, as a dead engine does."""


@dataclass(slots=True)
class Reply:
    """What is needed to answer one request. `process` dies where a fault says so.

    `told`: its usage went out, in a whole body or as a stream's event, to a client that was not known to be gone.
    """

    exchange: Exchange
    dialect: Dialect
    job: Job
    ticket: Ticket
    drawn: Mapping[str, Fault]
    process: Process
    told: bool = False

    async def whole(self) -> None:
        """Answers in one piece. Raises ApiError or ClientGoneError instead."""
        if "silent" in self.drawn:
            await self.exchange.linger()
        try:
            fail(self.drawn, self.job.settings.role)
        except DieError:
            self.process.crash()
            raise errors.engine_dead() from None
        await self.ticket.more()
        self.job.cached = self.ticket.run.cached
        answer = body(self.job, self.dialect.whole(self.job))
        if "malformed" in self.drawn:
            await self.exchange.answer(200, answer[: len(answer) // 2])
        elif "cut" in self.drawn or "stall" in self.drawn:
            await self._half(answer)
        else:
            self.told = not self.exchange.gone
            await self.exchange.answer(200, answer)

    async def stream(self) -> None:
        """Sends 200 at once, as vLLM does, and events as they come. Raises ClientGoneError."""
        await self.exchange.open(200, EVENTS)
        try:
            await self._events()
        except CutError:
            self.exchange.wire.cut()
        except StallError:
            await self.exchange.linger()
        except DieError:
            self.process.crash()
            await self._fail(errors.engine_dead())
        except ApiError as error:
            await self._fail(error)
        else:
            await self.exchange.close()

    async def _half(self, answer: bytes) -> None:
        await self.exchange.open(200, JSON, [(b"content-length", str(len(answer)).encode())])
        await self.exchange.write(answer[: len(answer) // 2])
        if "stall" in self.drawn:
            await self.exchange.linger()
        self.exchange.wire.cut()

    async def _fail(self, error: ApiError) -> None:
        told = cloud.dress_error(error) if self.job.cloud else error
        await self.exchange.close(error_event(told.body) + DONE)

    async def _events(self) -> None:
        ready, batch = await self._first(), list[bytes]()
        self.job.cached = self.ticket.run.cached
        told = False
        try:
            for event in bend(self.dialect.events(self.job), self.drawn, self.job):
                while event.after > ready:
                    await self.exchange.write(b"".join(batch))
                    batch.clear()
                    ready = await self.ticket.more()
                batch.append(event.data)
                told = told or (event.kind in ("usage", "finish") and b'"usage":{' in event.data)
        finally:
            self.told = told and not self.exchange.gone
            await self.exchange.write(b"".join(batch))

    async def _first(self) -> int:
        """Waits for the first token, with comments in between if they are asked for."""
        first = self._never() if "silent" in self.drawn else self.ticket.more()
        every = self.job.settings.sse_keep_alive
        if "keepalive" in self.drawn:
            every = self.drawn["keepalive"].seconds
        if not every:
            return await first
        waiting = asyncio.ensure_future(first)
        while not (await asyncio.wait([waiting], timeout=every))[0]:
            await self.exchange.write(KEEP_ALIVE)
        return waiting.result()

    async def _never(self) -> int:
        await self.exchange.linger()
        return 0
