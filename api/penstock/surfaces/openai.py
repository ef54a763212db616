"""The OpenAI API's generating routes: one handler for every dialect."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from typing import Final

import orjson

from penstock.errors import InvalidJSON, InvalidRequest, ModelNotFound, PenstockError
from penstock.settings import Settings
from penstock.surfaces.auth import check_model
from penstock.surfaces.bounds import Bounds
from penstock.surfaces.gate import Gate
from penstock.surfaces.relay import relay
from penstock.surfaces.shape import Shape, Streamed
from penstock.surfaces.visit import Visit
from penstock.upstream.call import Call
from penstock.upstream.dialects import Dialect
from penstock.upstream.dispatch import Dispatcher
from penstock.upstream.roster import Roster
from penstock.upstream.stream import Stream

# The members that we read, besides the model, and what they must be. The rest is the target's to judge.
_TYPES: Final[dict[str, tuple[tuple[type, ...], str]]] = {
    "stream": ((bool,), "true or false"),
    "stream_options": ((dict,), "an object"),
    "n": ((int,), "a whole number"),
    "max_tokens": ((int,), "a whole number"),
    "max_completion_tokens": ((int,), "a whole number"),
    "max_output_tokens": ((int,), "a whole number"),
}


@dataclass(frozen=True, slots=True)
class OpenAISurface:
    """Answers every dialect's route."""

    settings: Settings
    roster: Roster
    dispatcher: Dispatcher
    gate: Gate
    bounds: Bounds

    async def answer(self, visit: Visit, dialect: Dialect) -> None:
        raw = await visit.body(self.settings.max_body_bytes, self.settings.body_timeout_s)
        fields = object_in(raw)
        check(dialect, fields)
        self.bounds.check(fields)
        try:
            pool = self.roster.pool(asked := str(fields["model"]))
            check_model(visit.caller, pool.name, asked)
        except ModelNotFound:
            visit.record.model = "other"
            raise
        options = fields.get("stream_options")
        call = Call(
            dialect=dialect,
            pool=pool,
            raw=raw,
            fields=fields,
            request_id=visit.request_id,
            trace=visit.record.trace,
            onward=visit.onward,
            deadline=monotonic() + pool.timeouts.total_s,
            stream=bool(fields.get("stream")),
            may_fall_back=visit.caller.fallback,
            wants_usage=isinstance(options, dict) and options.get("include_usage") is True,
        )
        passage = await self.gate.admit(visit, call)
        try:
            await relay(visit, call, self.dispatcher, VERBATIM)
        finally:
            passage.close(visit.record)


def object_in(raw: bytes) -> dict[str, object]:
    """The JSON object in a body. Raises InvalidJSON."""
    try:
        fields = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise InvalidJSON(f"The body is not valid JSON in UTF-8: {error}.") from None
    if not isinstance(fields, dict):
        raise InvalidJSON("The body must be a JSON object.")
    return fields


def check(dialect: Dialect, fields: dict[str, object]) -> None:
    """Raises InvalidRequest if a member that we read is missing or of the wrong type."""
    model = fields.get("model")
    if not isinstance(model, str) or not model:
        raise InvalidRequest("`model` must be the name of a model, as GET /v1/models lists them.", param="model")
    if dialect.prompt and fields.get(dialect.prompt) is None:
        raise InvalidRequest(f"`{dialect.prompt}` is missing.", param=dialect.prompt)
    for name, value in fields.items():
        if value is not None and name in _TYPES:
            types, spelled = _TYPES[name]
            if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
                raise InvalidRequest(f"`{name}` must be {spelled}.", param=name)
    if dialect.events is None and fields.get("stream"):
        raise InvalidRequest(f"{dialect.path} does not stream.", param="stream")


class Verbatim(Streamed):
    """A stream as it came, byte for byte."""

    verbatim = True

    def __init__(self, stream: Stream) -> None:
        self._reader = stream.events

    def events(self, events: list[bytes]) -> bytes:
        return events[0] if len(events) == 1 else b"".join(events)

    def end(self) -> bytes:
        return self._reader.ending()

    def failed(self, error: PenstockError) -> bytes:
        return self._reader.failing(error)


VERBATIM: Final = Shape(whole=lambda reply: reply.body, streamed=Verbatim)
