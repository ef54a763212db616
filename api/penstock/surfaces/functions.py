"""Typed functions over HTTP: arguments in, a value out, down the same road as everything else."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic

import orjson
from pydantic import ValidationError

from penstock.errors import InvalidArguments, PenstockError, UnparseableOutput
from penstock.functions.catalog import Function
from penstock.functions.partials import Partials, broken
from penstock.functions.run import body, text_of
from penstock.settings import Settings
from penstock.surfaces.auth import check_function, check_model
from penstock.surfaces.gate import Gate
from penstock.surfaces.relay import relay
from penstock.surfaces.shape import Shape, Streamed
from penstock.surfaces.visit import Visit
from penstock.upstream.call import Call
from penstock.upstream.dialects import CHAT
from penstock.upstream.dispatch import Dispatcher
from penstock.upstream.roster import Roster

TRIES = 2
"""How often an answer is asked for that cannot be read."""


@dataclass(frozen=True, slots=True)
class FunctionsSurface:
    """Answers every function's routes."""

    settings: Settings
    roster: Roster
    dispatcher: Dispatcher
    gate: Gate

    async def answer(self, visit: Visit, function: Function) -> None:
        """The value, once. An answer that cannot be read is asked for once more, if there is time."""
        await self._relay(visit, await self._call(visit, function, stream=False), function)

    async def stream(self, visit: Visit, function: Function) -> None:
        """The value as it grows, as server-sent events: partial, then final or error."""
        await self._relay(visit, await self._call(visit, function, stream=True), function)

    async def _relay(self, visit: Visit, call: Call, function: Function) -> None:
        passage = await self.gate.admit(visit, call)
        try:
            for tries_left in reversed(range(1 if call.stream else TRIES)):
                try:
                    await relay(visit, call, self.dispatcher, _shape(function))
                    return
                except UnparseableOutput:
                    if not tries_left or monotonic() >= call.deadline:
                        raise
        finally:
            passage.close(visit.record)

    async def _call(self, visit: Visit, function: Function, *, stream: bool) -> Call:
        visit.record.function = function.name
        check_function(visit.caller, function.name)
        raw = await visit.body(self.settings.max_body_bytes, self.settings.body_timeout_s)
        try:
            arguments = function.arguments.model_validate_json(raw)
        except ValidationError as error:
            raise _invalid(error) from None
        asked = body(function, arguments, stream)
        named = str(asked.get("model", "default"))
        pool = self.roster.functions_pool(named)
        check_model(visit.caller, pool.name, named)
        return Call(
            dialect=CHAT,
            pool=pool,
            raw=orjson.dumps(asked),
            fields=asked,
            request_id=visit.request_id,
            trace=visit.record.trace,
            onward=visit.onward,
            deadline=monotonic() + pool.timeouts.total_s,
            stream=stream,
            may_fall_back=visit.caller.fallback,
        )


def _invalid(error: ValidationError) -> InvalidArguments:
    """The first thing that is wrong. Never the value, which may be anything."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    param = ".".join(map(str, first["loc"])) or None
    return InvalidArguments(f"{param or 'The body'}: {first['msg']}.", param=param)


def _shape(function: Function) -> Shape:
    return Shape(
        whole=lambda reply: function.dump(function.parse(text_of(dict(reply.fields or {})))),
        streamed=lambda stream: TypedStream(Partials(function, monotonic)),
    )


class TypedStream(Streamed):
    """A stream as events of typed partials."""

    def __init__(self, partials: Partials) -> None:
        self._partials = partials

    def events(self, events: list[bytes]) -> bytes:
        return b"".join(map(self._partials.event, events))

    def end(self) -> bytes:
        return self._partials.end()

    def failed(self, error: PenstockError) -> bytes:
        return broken(error)
