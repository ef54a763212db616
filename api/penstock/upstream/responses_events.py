"""The streams of responses."""

from __future__ import annotations

from typing import Final

import orjson

from penstock.errors import PenstockError
from penstock.upstream.sse import data_of, name_of
from penstock.upstream.streams import Events, Seen
from penstock.upstream.usage import usage_of

PREAMBLE: Final = frozenset({b"response.created", b"response.queued", b"response.in_progress"})
LAST: Final = frozenset({b"response.completed", b"response.incomplete"})
FAILED: Final = frozenset({b"response.failed", b"error"})


class ResponsesEvents(Events):
    """Responses: named events. Those that open the answer say nothing yet; the last one holds it whole."""

    def __init__(self, choices: int) -> None:
        del choices
        super().__init__()
        self._complete = False
        self._events = 0

    @property
    def complete(self) -> bool:
        return self._complete

    def glance(self, data: bytes) -> bool:
        """None at all: each is numbered."""
        return False

    def see(self, event: bytes) -> Seen:
        data = data_of(event)
        if data is None:
            return "comment"
        if data == b"[DONE]":
            return "done"
        name = name_of(event)
        if name and name not in LAST and name not in FAILED:
            return self._passed(name)
        return self._read(name, data)

    def _passed(self, name: bytes) -> Seen:
        self._events += 1
        if name in PREAMBLE:
            return "preamble"
        self.tokens += name.endswith(b".delta")
        return "token"

    def _read(self, name: bytes, data: bytes) -> Seen:
        try:
            told = orjson.loads(data)
        except orjson.JSONDecodeError:
            return "malformed"
        if not isinstance(told, dict):
            return "malformed"
        name = name or str(told.get("type", "")).encode()
        response = told.get("response")
        error = told.get("error") or (response.get("error") if isinstance(response, dict) else None)
        if name in FAILED or isinstance(told.get("error"), dict):
            self.error = error if isinstance(error, dict) else told
            return "error"
        if name in LAST:
            self._complete = True
            if isinstance(response, dict):
                self.usage, self.model = usage_of(response.get("usage")), response.get("model")
        return self._passed(name)

    def ending(self) -> bytes:
        return b""

    def failing(self, error: PenstockError) -> bytes:
        told = {
            "type": "error",
            "code": error.code,
            "message": error.message,
            "param": error.param,
            "sequence_number": self._events,
        }
        return b"event: error\ndata: " + orjson.dumps(told) + b"\n\n"
