"""The road of a generating request through the simulator: faults, checks, the engine, the answer."""

import asyncio
from collections.abc import Mapping
from time import monotonic
from typing import Protocol

from vllm_simulator import cloud, errors
from vllm_simulator.bodies import Body, read_body
from vllm_simulator.breakage import PAGE, CutError, DieError, StallError, bend, bend_body, failure
from vllm_simulator.errors import ApiError
from vllm_simulator.exchange import EVENTS, Exchange
from vllm_simulator.faults import Fault
from vllm_simulator.job import Dialect, Job
from vllm_simulator.settings import Settings
from vllm_simulator.shape import DONE, body, error_event
from vllm_simulator.ticker import Ticker, Ticket

KEEP_ALIVE = b": keep-alive\n\n"


class Process(Protocol):
    """The process around the app, as far as a fault may touch it."""

    def crash(self) -> None:
        """Ends the process soon, as a dead engine does."""


class Generation:
    """Serves one dialect's requests. `process` dies where a fault says so."""

    def __init__(self, settings: Settings, ticker: Ticker, process: Process) -> None:
        self._settings = settings
        self._ticker = ticker
        self._process = process

    async def serve(self, exchange: Exchange, dialect: Dialect, drawn: Mapping[str, Fault]) -> None:
        """Answers. Raises ApiError before the answer has begun, ClientGoneError when nobody is left."""
        if drawn and await mislead(exchange, drawn, self._settings.role):
            return
        job = dialect.read(self._checked(exchange), exchange.header(b"x-request-id"), self._settings)
        pieces = [piece for prompt in job.prompts for piece in prompt.pieces]
        reason = job.choices[0].finish_reason if job.choices else "stop"
        ticket = self._ticker.submit(
            pieces, job.steps, job.stream, reason, max(1, len(job.choices)), job.completion_tokens
        )
        exchange.on_gone = ticket.abandon
        try:
            if job.stream:
                await self._stream(exchange, dialect, job, ticket, drawn)
            else:
                await self._whole(exchange, dialect, job, ticket, drawn)
        finally:
            exchange.on_gone = None
            self._ticker.drop(ticket)

    def _checked(self, exchange: Exchange) -> Body:
        asked = read_body(exchange.header(b"content-type"), exchange.body)
        model, known = asked.get("model"), self._settings.models
        if self._settings.role == "cloud":
            cloud.check_parameters(exchange.path, asked)
            if model not in known:
                raise cloud.unknown_model(model)
        elif model is not None and model not in known:
            raise errors.unknown_model(model, known)
        return asked

    async def _whole(
        self, exchange: Exchange, dialect: Dialect, job: Job, ticket: Ticket, drawn: Mapping[str, Fault]
    ) -> None:
        if "silent" in drawn:
            await exchange.linger()
        await self._progress(exchange, ticket, drawn, 0)
        job.cached = ticket.run.cached
        try:
            answer = bend_body(body(job, dialect.whole(job)), drawn)
        except DieError:
            self._process.crash()
            raise errors.engine_dead() from None
        if "cut" not in drawn and "stall" not in drawn:
            await exchange.answer(200, answer)
            return
        await exchange.open(200, b"application/json", [(b"content-length", str(len(answer)).encode())])
        await exchange.write(answer[: len(answer) // 2])
        if "stall" in drawn:
            await exchange.linger()
        exchange.wire.cut()

    async def _stream(
        self, exchange: Exchange, dialect: Dialect, job: Job, ticket: Ticket, drawn: Mapping[str, Fault]
    ) -> None:
        await exchange.open(200, EVENTS)
        try:
            await self._events(exchange, dialect, job, ticket, drawn)
        except CutError:
            exchange.wire.cut()
        except StallError:
            await exchange.linger()
        except DieError:
            self._process.crash()
            await exchange.close(error_event(errors.engine_dead().body) + DONE)
        except ApiError as error:
            told = cloud.dress_error(error) if job.cloud else error
            await exchange.close(error_event(told.body) + DONE)
        else:
            await exchange.close()

    async def _events(
        self, exchange: Exchange, dialect: Dialect, job: Job, ticket: Ticket, drawn: Mapping[str, Fault]
    ) -> None:
        ready, batch = await self._first(exchange, ticket, drawn), list[bytes]()
        job.cached = ticket.run.cached
        try:
            for event in bend(dialect.events(job), drawn, job):
                while event.after > ready:
                    await exchange.write(b"".join(batch))
                    batch.clear()
                    ready = await self._progress(exchange, ticket, drawn, ready)
                batch.append(event.data)
        finally:
            if not exchange.gone:
                await exchange.write(b"".join(batch))

    async def _first(self, exchange: Exchange, ticket: Ticket, drawn: Mapping[str, Fault]) -> int:
        """Waits for the first token, with comments in between if they were asked for."""
        every = drawn["keepalive"].seconds if "keepalive" in drawn else self._settings.sse_keep_alive
        silent = "silent" in drawn
        if every is None:
            return await (exchange.linger() if silent else self._progress(exchange, ticket, drawn, 0)) or 0
        waiting = asyncio.ensure_future(exchange.linger() if silent else ticket.more())
        while not (await asyncio.wait([waiting], timeout=every or 1.0))[0]:
            await exchange.write(KEEP_ALIVE)
        return waiting.result() or 0

    async def _progress(self, exchange: Exchange, ticket: Ticket, drawn: Mapping[str, Fault], seen: int) -> int:
        began = monotonic()
        ready = await ticket.more()
        if slow := drawn.get("slow"):
            waited = monotonic() - began
            await exchange.linger(waited * (slow.factor - 1) + (0 if seen else slow.seconds))
        return ready


async def mislead(exchange: Exchange, drawn: Mapping[str, Fault], role: str) -> bool:
    """Applies the faults that come before any thought of an answer; False when there was none."""
    if "hang" in drawn:
        await exchange.linger()
    if "reset" in drawn:
        exchange.wire.reset()
        return True
    if "status" in drawn:
        raise failure(drawn["status"], role)
    if "html200" in drawn:
        await exchange.answer(200, PAGE, b"text/html; charset=utf-8")
        return True
    return False
