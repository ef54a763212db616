"""The engine's clock: moves its arithmetic along real time and wakes those who wait for tokens."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from math import ceil, inf

from vllm_simulator import errors
from vllm_simulator.engine import Engine, QueueFullError
from vllm_simulator.errors import ApiError, ClientGoneError
from vllm_simulator.metrics import Metrics
from vllm_simulator.run import Run


class Ticket:
    """A request's claim on the engine. Abandon it when nobody waits any more: its place is free at once."""

    def __init__(self, ticker: "Ticker", run: Run) -> None:
        self.run = run
        self._ticker = ticker
        self._seen = 0
        self._waiter: asyncio.Future[None] | None = None
        self._failure: Exception | None = None
        run.notify = self._wake

    async def more(self) -> int:
        """Waits for more tokens than the last call told of, and tells how many there are.

        Raises ApiError when the engine died, ClientGoneError after `abandon`.
        """
        while self.run.produced == self._seen and self._failure is None:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        if self._failure is not None:
            raise self._failure
        self._seen = self.run.produced
        return self._seen

    def abandon(self) -> None:
        self._ticker.drop(self)
        self.fail(ClientGoneError())

    def fail(self, error: Exception) -> None:
        self._failure = error
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Ticker:
    """Takes runs in, unless the engine is draining or dead."""

    def __init__(self, engine: Engine, metrics: Metrics) -> None:
        self.engine = engine
        engine.on_finish = self._finished
        self.prompt_tokens = 0
        self.generation_tokens = 0
        self._metrics = metrics
        self.draining = False
        self._dead = False
        self._live: set[Ticket] = set()
        self._idle: asyncio.Event | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._armed = inf

    def submit(
        self,
        prompt: Sequence[str],
        steps: int,
        each_token: bool,
        reason: str,
        choices: int,
        tokens: int,
        stretch: float,
    ) -> Ticket:
        """Raises ApiError: 503 with the queue full, 500 while draining or dead."""
        if self._dead:
            raise errors.engine_dead()
        if self.draining:
            raise errors.draining()
        run = Run(prompt, steps, each_token, _nobody, reason, choices, tokens, stretch)
        ticket = Ticket(self, run)
        try:
            self.engine.submit(run, asyncio.get_running_loop().time())
        except QueueFullError:
            self._metrics.rejected()
            raise errors.busy() from None
        self._live.add(ticket)
        self._arm()
        return ticket

    def drop(self, ticket: Ticket) -> None:
        """Forgets a ticket that is done with, or aborts it."""
        self._live.discard(ticket)
        if self._idle is not None and not self._live:
            self._idle.set()
        if not ticket.run.ended:
            self.engine.abort(ticket.run, asyncio.get_running_loop().time())
            self._arm()

    def die(self, error: ApiError) -> None:
        """Fails everything in flight with `error`, and everything that comes later."""
        self._dead = True
        for ticket in list(self._live):
            self.drop(ticket)
            ticket.fail(error)

    async def drain(self, seconds: float) -> None:
        """Takes nothing new, and waits until nothing is in flight or the time is over."""
        self.draining = True
        if self._live:
            self._idle = asyncio.Event()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._idle.wait(), seconds)

    def _finished(self, run: Run) -> None:
        self.prompt_tokens += len(run.prompt)
        self.generation_tokens += run.tokens
        self._metrics.finished(run)

    def _arm(self) -> None:
        at = self.engine.next_at()
        if at == inf or (self._timer is not None and self._armed <= at):
            return
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        # uvloop counts milliseconds: rounding up avoids waking early, only to wait again.
        delay = ceil(max(0.0, at - loop.time()) * 1000) / 1000
        self._armed = at
        self._timer = loop.call_later(delay, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self.engine.advance(asyncio.get_running_loop().time())
        self._arm()


def _nobody() -> None:
    """Nobody is told yet."""
