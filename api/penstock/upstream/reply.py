"""An open answer, its first event in hand. Whoever holds it closes it, and that gives back its lease."""

from __future__ import annotations

from collections.abc import Mapping

from penstock.upstream.call import Call
from penstock.upstream.exchange import Exchange
from penstock.upstream.pool import Seat
from penstock.upstream.stream import PassOn, Stream, Take
from penstock.upstream.target import Lease, Target
from penstock.upstream.usage import Usage, read_by_size
from penstock.upstream.verdicts import VERDICTS, Ending


class Reply:
    """Either `body` (and what it holds, `fields`) or `stream` is set. `left_out`: members the target never saw."""

    body: bytes = b""
    fields: Mapping[str, object] | None = None
    stream: Stream | None = None

    def __init__(self, call: Call, seat: Seat, lease: Lease, exchange: Exchange, left_out: tuple[str, ...]) -> None:
        self.call = call
        self.seat = seat
        self.lease = lease
        self.exchange = exchange
        self.left_out = left_out

    @property
    def target(self) -> Target:
        return self.seat.target

    @property
    def usage(self) -> Usage | None:
        """Tokens as the target counted them; for a stream that ended before it told, those we saw."""
        if self.stream is None:
            return self.call.dialect.usage(self.fields or {})
        events = self.stream.events
        return events.usage or Usage(read_by_size(self.call.raw), events.tokens, counted=False)

    @property
    def model(self) -> object:
        """The model's name as the target told it."""
        return (self.fields or {}).get("model") if self.stream is None else self.stream.events.model

    async def pour(self, take: Take, pass_on: PassOn) -> Ending:
        """Hand the stream's events on until its end; a bad end is one more failure for the breaker."""
        assert self.stream is not None  # noqa: S101  # a reply without a stream has a body
        ending = await self.stream.pour(take, pass_on)
        if VERDICTS[ending.outcome].hears == "failed":
            self.target.breaker.broke_off()
        if self.call.trace is not None:
            self.call.trace.ended(ending.outcome)
        return ending

    def close(self) -> None:
        """Give the lease back, and cancel at the target what is not complete. May be called again."""
        if self.stream is None or not self.stream.over:
            self.exchange.close()
            if self.stream is not None and self.call.trace is not None:
                self.call.trace.left()
        self.lease.release()
