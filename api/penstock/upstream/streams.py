"""How the streams of a dialect are read: which event is the first token, where usage stands, what an end looks like.

An event is looked into only where a byte test says that it may matter: most are passed on unread.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Protocol

import orjson

from penstock.errors import PenstockError
from penstock.upstream.sse import data_of, name_of
from penstock.upstream.usage import Usage, usage_of

DONE = b"data: [DONE]\n\n"


class Seen(Enum):
    """What an event is to us."""

    TOKEN = "token"  # noqa: S105  # a token of text
    COMMENT = "comment"
    PREAMBLE = "preamble"
    """Sent before there is any answer, and so proof of nothing."""
    USAGE = "usage"
    """A closing event with nothing but usage, for clients that asked for it."""
    ERROR = "error"
    DONE = "done"
    MALFORMED = "malformed"


def given_up(answer: Mapping[str, object]) -> bool:
    """Whether an answer, or a chunk of one, was given up half-way: a vLLM that shuts down may finish with `abort`."""
    choices = answer.get("choices")
    return isinstance(choices, list) and any(
        isinstance(choice, dict) and choice.get("finish_reason") == "abort" for choice in choices
    )


class Events(Protocol):
    """Reads one stream. `complete`: the answer is whole; `usage` and `error`: as the target told them."""

    usage: Usage | None
    error: dict[str, object] | None
    tokens: int

    @property
    def complete(self) -> bool: ...

    def see(self, event: bytes) -> Seen: ...

    def ending(self) -> bytes:
        """What closes a stream that is complete but was not closed."""
        ...

    def failing(self, error: PenstockError) -> bytes:
        """The event that tells an error in the stream."""
        ...


class ChatEvents:
    """Chat and completions: chunks with `choices`, each choice ended by its finish_reason, then `[DONE]`."""

    def __init__(self, choices: int) -> None:
        self._choices = choices
        self._finished: set[int] = set()
        self.usage: Usage | None = None
        self.error: dict[str, object] | None = None
        self.tokens = 0

    @property
    def complete(self) -> bool:
        return len(self._finished) >= self._choices

    def see(self, event: bytes) -> Seen:
        if self.tokens and self._is_plain(event):
            self.tokens += 1
            return Seen.TOKEN
        data = data_of(event)
        if data is None:
            return Seen.COMMENT
        if data == b"[DONE]":
            return Seen.DONE
        if not (data.startswith(b"{") and data.endswith(b"}")):
            return Seen.MALFORMED
        return self._read(data)

    def _is_plain(self, event: bytes) -> bool:
        """A chunk with a token and nothing else that we care for, by tests of its bytes alone."""
        return (
            b'"finish_reason":null' in event
            and self._choices == 1
            and event.startswith(b"data: {")
            and event.endswith(b"}\n\n")
            and (b'"usage"' not in event or b'"usage":null' in event)
            and b'"error"' not in event
        )

    def _read(self, data: bytes) -> Seen:
        try:
            chunk = orjson.loads(data)
        except orjson.JSONDecodeError:
            return Seen.MALFORMED
        if error := chunk.get("error"):
            self.error = error if isinstance(error, dict) else {"message": str(error)}
            return Seen.ERROR
        usage = usage_of(chunk.get("usage"))
        self.usage = usage or self.usage
        choices = chunk.get("choices")
        if not isinstance(choices, list) or not choices:
            return Seen.USAGE if usage else Seen.PREAMBLE
        if given_up(chunk):
            self.error = {"message": "The engine gave the answer up.", "code": 500}
            return Seen.ERROR
        for choice in choices:
            if isinstance(choice, dict) and choice.get("finish_reason") is not None:
                index = choice.get("index")
                self._finished.add(index if isinstance(index, int) else 0)
        self.tokens += 1
        return Seen.TOKEN

    def ending(self) -> bytes:
        return DONE

    def failing(self, error: PenstockError) -> bytes:
        body = {"message": error.message, "type": error.type, "param": error.param, "code": error.code}
        return b"data: " + orjson.dumps({"error": body}) + b"\n\n"


class ResponsesEvents:
    """Responses: named events. Those that open the answer say nothing yet; the last one holds it whole."""

    PREAMBLE = frozenset({b"response.created", b"response.queued", b"response.in_progress"})
    LAST = frozenset({b"response.completed", b"response.incomplete"})
    FAILED = frozenset({b"response.failed", b"error"})

    def __init__(self, choices: int) -> None:
        del choices
        self._complete = False
        self._events = 0
        self.usage: Usage | None = None
        self.error: dict[str, object] | None = None
        self.tokens = 0

    @property
    def complete(self) -> bool:
        return self._complete

    def see(self, event: bytes) -> Seen:
        data = data_of(event)
        if data is None:
            return Seen.COMMENT
        if data == b"[DONE]":
            return Seen.DONE
        name = name_of(event)
        if name and name not in self.LAST and name not in self.FAILED:
            return self._passed(name)
        return self._read(name, data)

    def _passed(self, name: bytes) -> Seen:
        self._events += 1
        if name in self.PREAMBLE:
            return Seen.PREAMBLE
        self.tokens += name.endswith(b".delta")
        return Seen.TOKEN

    def _read(self, name: bytes, data: bytes) -> Seen:
        try:
            told = orjson.loads(data)
        except orjson.JSONDecodeError:
            return Seen.MALFORMED
        if not isinstance(told, dict):
            return Seen.MALFORMED
        name = name or str(told.get("type", "")).encode()
        response = told.get("response")
        error = told.get("error") or (response.get("error") if isinstance(response, dict) else None)
        if name in self.FAILED or isinstance(told.get("error"), dict):
            self.error = error if isinstance(error, dict) else told
            return Seen.ERROR
        if name in self.LAST:
            self._complete = True
            self.usage = usage_of(response.get("usage")) if isinstance(response, dict) else None
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
