"""What stands between a call and the road: its caller's limits, the budget for clouds, and its turn at the replicas."""

from __future__ import annotations

from math import ceil
from time import monotonic
from typing import Final

from penstock.errors import Overloaded
from penstock.limits.allowance import FREE, Admission
from penstock.limits.limits import Limits
from penstock.limits.meter import Standing
from penstock.limits.queue import Place, Queue
from penstock.limits.till import Fare
from penstock.surfaces.visit import Visit
from penstock.telemetry.record import Record
from penstock.upstream.call import Call
from penstock.upstream.usage import read_by_size

UNSAID: Final = 512
"""Tokens that a request may generate which does not say how many."""


class Passage:
    """What a call was let through with. `close` is called once, however it ends."""

    __slots__ = ("admission", "fare", "place")

    def __init__(self, admission: Admission) -> None:
        self.admission = admission
        self.fare: Fare | None = None
        self.place: Place | None = None

    def close(self, record: Record) -> None:
        self.admission.close(record.tokens, record.cost_usd)
        if self.fare is not None:
            self.fare.close(record.paid_usd)
        if self.place is not None:
            self.place.leave()


OPEN: Final = Passage(FREE)
"""Of a call that nothing holds back."""


class Gate:
    """`admit` waits for a call's turn; for its limits, at most for one answer of the grants, and mostly for none."""

    def __init__(self, limits: Limits) -> None:
        self._limiter = limits.limiter
        self._till = limits.till
        self._queues = limits.queues

    async def admit(self, visit: Visit, call: Call) -> Passage:
        """Raises RateLimited, RequestOverLimit or Overloaded."""
        pays = self._till.counts and call.may_fall_back and bool(call.pool.clouds)
        queues = call.pool.queueing.parallel is not None
        if not (visit.caller.limited or pays or queues):
            return OPEN
        read, written = estimate(call)
        tokens, usd = read + written, call.pool.tariff.usd(read, written)
        passage = Passage(FREE)
        if visit.caller.limited:
            passage.admission = self._limiter.take(visit.caller, tokens, usd) or await self._asked(visit, tokens, usd)
            self._tell(visit)
        if pays:
            call.fare = passage.fare = self._till.fare(visit.caller, usd)
        if queues:
            queue = self._queues.of(call.pool.name, call.pool.queueing)
            passage.place = queue.take(visit.caller.name)
            if passage.place is None:
                try:
                    passage.place = await self._turn(queue, visit, call, tokens)
                except BaseException:  # refused, or its client left
                    passage.close(visit.record)
                    raise
            call.place = passage.place
        return passage

    async def _asked(self, visit: Visit, tokens: int, usd: float) -> Admission:
        try:
            return await self._limiter.ask(visit.caller, tokens, usd)
        except BaseException:  # refused, or its client left
            self._tell(visit)
            raise

    def _tell(self, visit: Visit) -> None:
        """How its limits stand, in the answer's headers."""
        for kind, standing in self._limiter.standings(visit.caller):
            visit.more_headers += headers_of(kind, standing)

    async def _turn(self, queue: Queue, visit: Visit, call: Call, tokens: int) -> Place | None:
        """A place at the replicas; none where a cloud has to answer."""
        began = monotonic()
        try:
            place = await queue.enter(visit.caller, tokens, call.deadline)
        finally:
            visit.record.queued_s = monotonic() - began
        if isinstance(place, Place):
            return place
        if not (call.may_fall_back and call.pool.clouds):
            raise Overloaded("Too many calls wait for this model.", retry_after=place)
        call.crowded_out = True
        return None


def headers_of(kind: str, standing: Standing) -> bytes:
    """As OpenAI spells them: https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers."""
    return (
        f"x-ratelimit-limit-{kind}: {standing.limit}\r\n"
        f"x-ratelimit-remaining-{kind}: {standing.remaining}\r\n"
        f"x-ratelimit-reset-{kind}: {ceil(standing.full_s)}s\r\n"
    ).encode()


def estimate(call: Call) -> tuple[int, int]:
    """The most tokens that a call should take: what it reads, by its size, and what it may generate."""
    asked = call.dialect.max_tokens(call.fields) or UNSAID
    return read_by_size(call.raw), asked * call.dialect.choices(call.fields) if call.dialect.limits else 0
