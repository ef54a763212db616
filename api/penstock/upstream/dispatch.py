"""The road: a call goes down its plan until a target answers, and comes back as an open reply."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Final

from penstock.errors import FallbackBudgetExhausted, NoTarget, StopMade, UpstreamError, UpstreamFailed
from penstock.settings.parts import Retry
from penstock.upstream.attempt import Attempt
from penstock.upstream.backoff import RetryBudget, pause_s
from penstock.upstream.call import Call
from penstock.upstream.pool import Seat
from penstock.upstream.refusal import Failure
from penstock.upstream.reply import Reply
from penstock.upstream.verdicts import VERDICTS, Outcome

Heard = Callable[[str, Outcome], None]
"""Told of each attempt: the target and what happened there."""
UNHEARD: Final[frozenset[Outcome]] = frozenset({"timed_out", "client_gone"})
"""A cloud goes on to its answer nevertheless, and wants to be paid for it."""


class Dispatcher:
    """Opens calls. `heard` is told of every attempt that was made."""

    def __init__(
        self, attempt: Attempt, retry: Retry, clock: Callable[[], float], rng: random.Random, heard: Heard
    ) -> None:
        self._attempt = attempt
        self._retry = retry
        self._budget = RetryBudget(retry, clock)
        self._clock = clock
        self._rng = rng
        self._heard = heard

    async def open(self, call: Call) -> Reply:
        """The first answer. Raises UpstreamFailed with every stop made, or TargetRefused."""
        self._budget.called()
        last: Failure | None = None
        waits: list[float] = []
        now = self._clock()
        for seat in call.pool.plan(now, clouds=call.may_fall_back, replicas=not call.crowded_out):
            if now >= call.deadline:
                break
            result = await self._stop(call, seat, last)
            if isinstance(result, Reply):
                return result
            if result is not None:
                if result.refusal is not None:
                    raise result.refusal
                last = result
                waits.append(result.retry_after or 0.0)
                now = self._clock()
        raise self._no_answer(call, last, max(waits, default=0.0))

    async def _stop(self, call: Call, seat: Seat, last: Failure | None) -> Reply | Failure | None:
        """Make a stop at a target; None where its breaker or the retry budget forbids it."""
        permit = seat.target.breaker.admit()
        if permit is None:
            return None
        outcome: Outcome | None = None
        try:
            if seat.target.kind == "cloud":
                if not await _may_pay(call):
                    return None
            elif last is not None and not await self._may_retry(call, last):
                return None
            outcome = "bug"
            result = await self._try(call, seat)
            outcome = "answered" if isinstance(result, Reply) else result.outcome
            return result
        except asyncio.CancelledError:
            outcome = "client_gone"
            raise
        finally:
            permit.report(VERDICTS[outcome].hears if outcome else "nothing")
            if call.fare is not None and outcome in UNHEARD and seat.target.kind == "cloud":
                call.fare.unheard()
            if outcome is not None:
                self._heard(seat.target.id, outcome)
                if call.trace is not None:
                    call.trace.came_to(outcome)

    async def _may_retry(self, call: Call, last: Failure) -> bool:
        """A retry on a replica has its budget, and its pause unless the last was busy; a cloud has neither."""
        if not self._budget.take():
            return False
        if last.outcome != "busy":
            await asyncio.sleep(pause_s(self._retry, call.attempts - 1, self._rng))
        return True

    async def _try(self, call: Call, seat: Seat) -> Reply | Failure:
        """One attempt; where a kept connection had gone stale, once more on a fresh one."""
        call.attempts += 1
        call.target = seat.target.id
        if call.trace is not None:
            call.trace.attempt(seat.target.id, seat.target.kind, seat.target.origin[:3], seat.model)
        lease = seat.target.lease()
        result: Reply | Failure | None = None
        try:
            result = await self._attempt.make(call, seat, lease, fresh=False)
            if isinstance(result, Failure) and VERDICTS[result.outcome].onward == "same_target":
                result = await self._attempt.make(call, seat, lease, fresh=True)
            if isinstance(result, Failure):
                call.stops.append(StopMade(seat.target.id, result.what))
                call.why = result.outcome
            return result
        finally:
            if not isinstance(result, Reply):
                lease.release()

    def _no_answer(self, call: Call, last: Failure | None, wait_s: float) -> UpstreamFailed:
        if call.unpaid:
            wait_s = min((seat.target.breaker.retry_in_s for seat in call.pool.replicas), default=0.0)
            return FallbackBudgetExhausted(
                "No replica answered, and of the budget for clouds too little is left for this request.",
                stops=call.stops,
                retry_after=max(wait_s, 1.0),
            )
        if last is None:
            targets = [seat.target for seat in (*call.pool.replicas, *call.pool.clouds) if not seat.target.drained]
            wait_s = min((target.breaker.retry_in_s for target in targets), default=0.0)
            return NoTarget("No target can be tried now.", retry_after=max(wait_s, 1.0))
        error = VERDICTS[last.outcome].error or UpstreamError
        busy = last.outcome == "busy"
        return error("No target answered.", stops=call.stops, retry_after=max(wait_s, 1.0) if busy else None)


async def _may_pay(call: Call) -> bool:
    """Whether a cloud may be asked. Who goes there needs no place at the replicas any more."""
    if call.place is not None:
        call.place.leave()
    call.unpaid = call.fare is not None and not await call.fare.take()
    return not call.unpaid
