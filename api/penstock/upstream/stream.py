"""A stream from a target: held back until its first token, then handed on event by event, and judged at its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from penstock.errors import ClientTooSlow, PenstockError, StreamBroken, UpstreamTimeout
from penstock.upstream.exchange import Exchange
from penstock.upstream.refusal import Failure, failure_in_stream
from penstock.upstream.sse import EventTooLarge, Splitter
from penstock.upstream.streams import Events, Seen
from penstock.upstream.verdicts import Ending, Outcome
from penstock.upstream.wire_errors import WireError

EVENT_BYTES: Final = 8 * 2**20
LEAVE_S: Final = 1.0
"""How long the bytes that end a response may follow its last event, for the connection to be kept."""


Take = Callable[[list[bytes], bool], None]
"""Handed the events of one read, and whether they are the last."""
PassOn = Callable[[bytes, bytes], None]
"""Handed one event that needed no reading, and the same as it came, if that was as one whole chunk; else nothing."""


class Stream:
    """`between_s` bounds the silence between two events; `deadline` is when the whole call must be over."""

    def __init__(
        self, exchange: Exchange, events: Events, *, between_s: float, deadline: float, wants_usage: bool
    ) -> None:
        self._exchange = exchange
        self._splitter = Splitter(EVENT_BYTES)
        self.events = events
        self._between_s = between_s
        self._deadline = deadline
        self._wants_usage = wants_usage
        self._over: asyncio.Future[Ending] = exchange.loop.create_future()
        self._now: Callable[[], float] = exchange.loop.time
        self._take: Take = _nowhere
        self._pass_on: PassOn = _nowhere
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._rest: list[bytes] = []
        self._is_open = self._has_hole = False
        self._heard_at = 0.0
        self._paused = False

    @property
    def over(self) -> bool:
        """It has ended by itself. One whose reader was cancelled has not: it goes on at the target."""
        return self._over.done() and not self._over.cancelled()

    async def open(self, deadline: float) -> Failure | None:
        """Read up to the first token, and hold it. Raises WireError or TimeoutError."""
        while True:
            data = await self._exchange.read(deadline)
            if not data:
                return Failure("server_error", "a stream without an answer")
            try:
                events = self._splitter.feed(data)
            except EventTooLarge as error:
                return Failure("server_error", str(error))
            failure = self._look_for_token(events)
            if failure is not None or self._is_open:
                return failure

    def _look_for_token(self, events: list[bytes]) -> Failure | None:
        for at, event in enumerate(events):
            seen = self.events.see(event)
            if seen == "error":
                return failure_in_stream(self.events.error or {})
            if seen == "done":
                return Failure("server_error", "a stream without an answer")
            if seen in ("preamble", "token"):
                self._held.append(event)
                self._held_bytes += len(event)
            if self._held_bytes > EVENT_BYTES:
                return Failure("server_error", f"more than {EVENT_BYTES} bytes before any answer")
            if seen == "token":
                self._is_open, self._rest = True, events[at + 1 :]
                break
        return None

    async def pour(self, take: Take, pass_on: PassOn) -> Ending:
        """Hand the events on until the end. Returns how it ended."""
        self._take, self._pass_on = take, pass_on
        self._heard_at = self._now()
        self._check_at(self._heard_at + self._between_s)
        try:
            self._take_events(self._rest, self._held)
            self._held = []
            if not self._over.done():
                self._exchange.pour(self._arrived, self._ended)
                if self._paused:
                    self._exchange.pause()
            return await self._over
        finally:
            self._take = self._pass_on = _nowhere

    def flow(self, flows: bool) -> None:
        """Read on from the target, or, while the client does not keep up, no more."""
        self._paused = not flows
        if flows:
            self._heard_at = self._now()
            self._exchange.resume()
        else:
            self._exchange.pause()

    def _arrived(self, data: bytes, framed: bytes) -> None:
        """Most reads bring one event, and most events a token like the one before: those go straight on."""
        if not self._splitter.rest and self.events.glance(data):
            self._heard_at = self._now()
            try:
                self._pass_on(data, framed)
            except PenstockError as error:
                self._end(error, "answered")
            return
        try:
            events = self._splitter.feed(data)
        except EventTooLarge as error:
            self._end(StreamBroken(f"The target sent {error}."))
            return
        self._take_events(events, [])

    def _take_events(self, events: list[bytes], out: list[bytes]) -> None:
        seen: Seen = "comment"
        heard = False
        for event in events:
            seen = self.events.see(event)
            if seen == "done" or seen == "error":
                break
            if seen == "malformed":
                self._has_hole = True
            elif seen != "usage" or self._wants_usage:
                out.append(event)
            heard = heard or seen != "comment"
        if heard:
            self._heard_at = self._now()
        if out:
            try:
                self._take(out, seen == "done")
            except PenstockError as error:  # the target answered, but not with what its reader can use
                self._end(error, "answered")
        if seen == "error":
            self._end(StreamBroken("The target failed in the middle of its answer."))
        elif seen == "done":
            self._finish()

    def _ended(self, error: WireError | None) -> None:
        """The response is over, and with it an answer that is complete, even without `[DONE]`."""
        del error
        self._finish()

    def _check_at(self, when: float) -> None:
        self._exchange.wake_at(min(when, self._deadline), self._check)

    def _check(self) -> None:
        if self._over.done():
            return
        now = self._now()
        silent_from = now if self._paused else self._heard_at
        if now >= self._deadline and self._paused:
            self._end(ClientTooSlow("The client read its answer too slowly."), "client_gone")
        elif now >= self._deadline:
            self._end(UpstreamTimeout("The call took longer than its total limit."), "timed_out")
        elif now - silent_from >= self._between_s - 0.001:
            if self.events.complete:
                self._finish()
            else:
                silent = UpstreamTimeout(f"The target fell silent for {self._between_s:g} s in its answer.")
                self._end(silent, "timed_out")
        else:
            self._check_at(silent_from + self._between_s)

    def _finish(self) -> None:
        if not self.events.complete:
            self._end(StreamBroken("The target broke off in the middle of its answer."))
        elif self._has_hole:
            self._end(StreamBroken("An event of the target could not be read: a part of its answer is missing."))
        else:
            self._end(None)

    def _end(self, error: PenstockError | None, outcome: Outcome = "cut") -> None:
        if self._over.done():
            return
        if error is None:
            self._exchange.leave(LEAVE_S)
            outcome = "answered"
        else:
            self._exchange.close()
        self._over.set_result(Ending(outcome, error))


def _nowhere(*given: object) -> None:
    del given
