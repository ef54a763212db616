"""Hands a reply to the client: owns it to its last byte, and closes it on every way out."""

from __future__ import annotations

import asyncio
import time
from functools import lru_cache
from typing import Final

from penstock.errors import ClientTooSlow, Draining, PenstockError
from penstock.surfaces.framing import Headers, header_lines
from penstock.surfaces.outcomes import outcome_of
from penstock.surfaces.render import JSON
from penstock.surfaces.shape import Outlet, Shape, Streamed, Whole
from penstock.surfaces.visit import Visit
from penstock.upstream.call import Call
from penstock.upstream.dispatch import Dispatcher
from penstock.upstream.reply import Reply
from penstock.upstream.stream import Stream
from penstock.upstream.usage import Usage

SSE_HEADERS: Final[tuple[tuple[bytes, bytes], ...]] = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
)


NOTHING: Final = Usage(0, 0)
"""What an answer used that does not say."""
LAST_BYTES_S: Final = 5.0
"""How long a client may take for what is written when its stream is over."""


async def relay(visit: Visit, call: Call, dispatcher: Dispatcher, shape: Shape) -> None:
    """Open the call and hand its reply to the client in the given shape."""
    record = visit.record
    record.model, record.tariff, record.stream = call.pool.name, call.pool.tariff, call.stream
    try:
        reply = await dispatcher.open(call)
    finally:
        record.attempts, record.waited_s, record.target = call.attempts, call.waited_s, call.target
    try:
        _note_target(visit, reply)
        if reply.stream is None:
            _note_usage(visit, reply)
            _whole(visit, reply, shape.whole)
        else:
            await _stream(visit, reply, reply.stream, shape.streamed(reply.stream))
    finally:
        reply.close()


def _whole(visit: Visit, reply: Reply, whole: Whole) -> None:
    body = whole(reply)
    visit.record.first_byte_at = time.monotonic()
    visit.more_headers += _lines((JSON,), reply.target.id, reply.call.attempts, reply.seat.model)
    visit.respond(200, _left_out(reply), body)


async def _stream(visit: Visit, reply: Reply, stream: Stream, shape: Streamed) -> None:
    wire = visit.wire
    outlet = Outlet(wire, shape)
    wire.flows = stream.flow
    try:
        visit.more_headers += _lines(SSE_HEADERS, reply.target.id, reply.call.attempts, reply.seat.model)
        visit.start(200, _left_out(reply))
        visit.record.first_byte_at = visit.record.first_token_at = time.monotonic()
        error = await _pour(visit, reply, outlet)
    finally:
        reply.close()  # the target is done with, however long the client takes
        _note_usage(visit, reply)
    if not wire.keeps_up:
        try:
            async with asyncio.timeout(LAST_BYTES_S):
                await wire.drained()
        except TimeoutError:
            raise ClientTooSlow("The client did not take the end of its answer.") from error
    wire.finish(outlet.last + _end(visit, shape, error))


async def _pour(visit: Visit, reply: Reply, outlet: Outlet) -> PenstockError | None:
    """Why it is not complete, if it is not."""
    try:
        return (await reply.pour(outlet.take, outlet.pass_on)).error
    except asyncio.CancelledError:
        if not isinstance(visit.why, Draining):
            raise
        return visit.why


def _end(visit: Visit, shape: Streamed, error: PenstockError | None) -> bytes:
    if error is None:
        try:
            return shape.end()
        except PenstockError as not_usable:
            error = not_usable
    visit.record.outcome, visit.record.code = outcome_of(error, started=True), error.code
    return shape.failed(error)


@lru_cache(maxsize=1024)
def _lines(first: tuple[tuple[bytes, bytes], ...], target: str, attempts: int, model: str) -> bytes:
    """Of the answer's head, those that are the same for many: they are written once."""
    told = (
        (b"x-penstock-target", target.encode()),
        (b"x-penstock-attempts", b"%d" % attempts),
        (b"x-penstock-model", model.encode()),
    )
    return header_lines([*first, *told])


def _left_out(reply: Reply) -> Headers:
    return [(b"x-penstock-left-out", _printable(reply.left_out))] if reply.left_out else []


def _printable(names: tuple[str, ...]) -> bytes:
    """A client chose these names, so they may hold what no header may."""
    text = ", ".join(names)
    return "".join(each if each.isascii() and each.isprintable() else "?" for each in text)[:1000].encode()


def _note_target(visit: Visit, reply: Reply) -> None:
    record = visit.record
    record.target, record.target_kind = reply.target.id, reply.target.kind
    if reply.target.kind == "cloud":
        record.fallback = reply.call.why or ("queue" if reply.call.crowded_out else "no_replica")


def _note_usage(visit: Visit, reply: Reply) -> None:
    """Once for each reply, and before its client has the last of it: who is killed in between must have counted it."""
    record, usage, usd = visit.record, reply.usage, 0.0
    if reply.stream is not None:
        record.events = reply.stream.events.tokens
    if usage is not None:
        if record.trace is not None:
            record.trace.used(reply.model, (usage.input, usage.output))
        usd = record.answered(usage.input, usage.output, counted=usage.counted)
    if visit.used is not None:
        read, written, counted = usage or NOTHING
        visit.used(record, read, written, counted, usd, time.time())
