"""The typed stream: what a chat stream says so far, as values of the function's type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from penstock.errors import PenstockError, StreamBroken
from penstock.functions.catalog import Function
from penstock.functions.run import check_end, whole_text

PARTIAL_SECONDS = 0.1  # at most ten partials a second: people do not read faster
PARTIAL_GROWTH = 1 / 8  # and only when the answer grew by this, so that reading it again and again stays linear


def server_sent(event: str, data: bytes) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (event.encode(), data)


def broken(error: PenstockError) -> bytes:
    """The event that ends a stream which cannot be finished."""
    told = {"message": error.message, "type": error.type, "param": error.param, "code": error.code}
    return server_sent("error", orjson.dumps({"error": told}))


class Partials:
    """Turns the events of a chat stream into a typed one's: `partial` as the answer grows, then `final`.

    Feed it each whole event as it came, comments too, then `end`. `clock` gives seconds that never go back.
    """

    def __init__(self, function: Function, clock: Callable[[], float]) -> None:
        self._function = function
        self._clock = clock
        self._pieces: list[str] = []
        self._refused = False
        self._finish_reason: object = None
        self._size = 0
        self._read_size = 0
        self._read_at = float("-inf")
        self._sent = b""

    def event(self, raw: bytes) -> bytes:
        """What to send on: a partial, or nothing yet. Raises StreamBroken at an error event."""
        for line in raw.splitlines():
            if line.startswith(b"data:") and (data := line[5:].strip()) != b"[DONE]":
                self._take(_loaded(data))
        return self._partial() if self._is_due() else b""

    def end(self) -> bytes:
        """The final event, or the reason why there is none: cut off, refused, empty or not of the type."""
        if self._finish_reason is None and not self._refused:
            raise StreamBroken("The stream ended before the answer did.")
        check_end(self._finish_reason, self._refused)
        value = self._function.parse(whole_text("".join(self._pieces)))
        return server_sent("final", self._function.dump(value))

    def _take(self, data: Any) -> None:
        match data:
            case {"choices": [{"delta": {**delta}, **choice}, *_]}:
                self._finish_reason = choice.get("finish_reason") or self._finish_reason
                self._refused = self._refused or bool(delta.get("refusal"))
                if isinstance(piece := delta.get("content"), str):
                    self._pieces.append(piece)
                    self._size += len(piece)
            case {"error": _}:
                raise StreamBroken("The target broke the stream off.")

    def _is_due(self) -> bool:
        grown = self._size - self._read_size
        enough = grown > self._read_size * PARTIAL_GROWTH
        return enough and self._clock() - self._read_at >= PARTIAL_SECONDS

    def _partial(self) -> bytes:
        text = "".join(self._pieces)
        self._pieces = [text]
        self._read_size, self._read_at = self._size, self._clock()
        value = self._function.parse_partial(text)
        event = b"" if value is None else server_sent("partial", self._function.dump_partial(value))
        if event == self._sent:
            return b""
        self._sent = event
        return event


def _loaded(data: bytes) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        raise StreamBroken("The target sent an event that is not JSON.") from None
