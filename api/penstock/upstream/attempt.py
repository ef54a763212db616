"""One attempt at one target: it returns at the first event, or with what went wrong."""

from __future__ import annotations

from time import monotonic
from typing import Final

import orjson

from penstock.upstream.call import Call
from penstock.upstream.chat_events import given_up
from penstock.upstream.exchange import Exchange
from penstock.upstream.pool import Seat
from penstock.upstream.refusal import Failure, failure_of
from penstock.upstream.reply import Reply
from penstock.upstream.stream import Stream
from penstock.upstream.target import Lease
from penstock.upstream.transport import Transport
from penstock.upstream.wire_errors import Full, Stale, Unreachable, WireError
from penstock.upstream.wording import worded

ERROR_BYTES: Final = 256 * 1024
"""How much of an error's body is read."""
ERROR_S: Final = 1.0
"""How long it is waited for."""


class Attempt:
    """Where a call goes now. `max_reply_bytes` bounds a body that is not streamed."""

    def __init__(self, transport: Transport, max_reply_bytes: int) -> None:
        self._transport = transport
        self._max_reply_bytes = max_reply_bytes

    async def make(self, call: Call, seat: Seat, lease: Lease, *, fresh: bool) -> Reply | Failure:
        """Send the call to the target. The reply takes over the lease; a failure leaves it to the caller."""
        body, left_out = worded(call, seat)
        began = monotonic()
        exchange: Exchange | None = None
        answered = False
        try:
            exchange = await self._send(call, seat, body, fresh=fresh)
            reply = Reply(call, seat, lease, exchange, left_out)
            failure = await self._answer(reply)
            if failure is not None and failure.refusal is not None:
                seat.target.hide_key(failure.refusal)
            answered = failure is None
            return failure or reply
        except WireError as error:
            return _broken(error)
        except TimeoutError:
            return Failure("timed_out", "no answer in time")
        finally:
            call.waited_s += monotonic() - began
            if exchange is not None and not answered:
                exchange.close()

    async def _send(self, call: Call, seat: Seat, body: bytes, *, fresh: bool) -> Exchange:
        target = seat.target
        left_s = call.deadline - monotonic()
        onward = call.onward if call.trace is None else call.trace.onward
        head = target.head(call.dialect.path, len(body), call.request_id, left_s, onward)
        connect_s = min(call.pool.timeouts.connect_s, left_s)
        return await self._transport.send(target.origin, head, body, connect_s=connect_s, fresh=fresh)

    async def _answer(self, reply: Reply) -> Failure | None:
        call, exchange = reply.call, reply.exchange
        deadline = first_deadline(call, monotonic())
        status = await exchange.head(deadline)
        if call.trace is not None:
            call.trace.heard(status)
        if not 200 <= status < 300:
            return failure_of(status, exchange.headers, await _error_body(exchange))
        if call.stream:
            return await self._opened(reply, deadline)
        body = await exchange.whole(self._max_reply_bytes, deadline)
        if body is None:
            return Failure("server_error", f"a reply of more than {self._max_reply_bytes} bytes")
        return _read(reply, body)

    async def _opened(self, reply: Reply, deadline: float) -> Failure | None:
        call = reply.call
        assert call.dialect.events is not None  # noqa: S101  # the surface refuses such a stream
        reply.stream = Stream(
            reply.exchange,
            call.dialect.events(call.dialect.choices(call.fields)),
            between_s=call.pool.timeouts.between_events_s,
            deadline=call.deadline,
            wants_usage=call.wants_usage,
        )
        return await reply.stream.open(deadline)


def first_deadline(call: Call, now: float) -> float:
    """When an answer must have begun; one that is not streamed begins at its end, so it may take as long as that."""
    limits = call.pool.timeouts
    if call.stream:
        return min(call.deadline, now + limits.first_event_s)
    max_tokens = call.dialect.max_tokens(call.fields)
    if max_tokens is None:
        return call.deadline
    return min(call.deadline, now + limits.first_event_s + limits.token_s * max_tokens)


async def _error_body(exchange: Exchange) -> bytes:
    """What comes of it in a moment: the status has said enough to go on."""
    try:
        return await exchange.whole(ERROR_BYTES, monotonic() + ERROR_S) or b""
    except (TimeoutError, WireError):
        return b""


def _read(reply: Reply, body: bytes) -> Failure | None:
    """A success must hold an answer: some proxies say 200 over an error, or over HTML."""
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError:
        return Failure("server_error", "HTTP 200 with something that is not JSON")
    answer = fields.get(reply.call.dialect.answer) if isinstance(fields, dict) else None
    if not isinstance(answer, list) or (not answer and reply.call.dialect.answer == "choices"):
        return Failure("server_error", "HTTP 200 without an answer")
    if given_up(fields) or fields.get("status") == "failed":
        return Failure("server_error", "HTTP 200 with an answer that was given up")
    reply.body, reply.fields = body, fields
    return None


def _broken(error: WireError) -> Failure:
    if isinstance(error, Full):
        return Failure("busy", str(error))
    if isinstance(error, Stale):
        return Failure("stale", str(error))
    if isinstance(error, Unreachable):
        return Failure("unreachable", str(error))
    return Failure("server_error", str(error))
