"""The streams of chat and completions.

A chunk that differs from one that was read in nothing but its text is passed on unread, and most do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import orjson

from penstock.errors import PenstockError
from penstock.upstream.envelope import Envelope
from penstock.upstream.sse import data_of
from penstock.upstream.streams import Events, Seen
from penstock.upstream.usage import usage_of

DONE: Final = b"data: [DONE]\n\n"


class ChatEvents(Events):
    """Chat and completions: chunks with `choices`, each choice ended by its finish_reason, then `[DONE]`."""

    def __init__(self, choices: int) -> None:
        super().__init__()
        self._choices = choices
        self._finished: set[int] = set()
        self._envelope = Envelope()

    @property
    def complete(self) -> bool:
        return len(self._finished) >= self._choices

    def glance(self, data: bytes) -> bool:
        if not self._envelope.fits(data):
            return False
        self.tokens += 1
        return True

    def see(self, event: bytes) -> Seen:
        if self.glance(event):
            return "token"
        data = data_of(event)
        if not data:
            return "comment"
        if data == b"[DONE]":
            return "done"
        if not (data.startswith(b"{") and data.endswith(b"}")):
            return "malformed"
        seen = self._read(data)
        if seen == "token" and not self.complete:
            self._envelope.learn(event)
        return seen

    def _read(self, data: bytes) -> Seen:
        try:
            chunk = orjson.loads(data)
        except orjson.JSONDecodeError:
            return "malformed"
        if error := chunk.get("error"):
            self.error = error if isinstance(error, dict) else {"message": str(error)}
            return "error"
        self.model = chunk.get("model")
        usage = usage_of(chunk.get("usage"))
        self.usage = usage or self.usage
        choices = chunk.get("choices")
        if not isinstance(choices, list) or not choices:
            return "usage" if usage else "preamble"
        if given_up(chunk):
            self.error = {"message": "The engine gave the answer up.", "code": 500}
            return "error"
        if not self.tokens and not any(map(_says_something, choices)):
            return "preamble"
        for choice in choices:
            if isinstance(choice, dict) and choice.get("finish_reason"):
                index = choice.get("index")
                self._finished.add(index if isinstance(index, int) else 0)
        self.tokens += 1
        return "token"

    def ending(self) -> bytes:
        return DONE

    def failing(self, error: PenstockError) -> bytes:
        body = {"message": error.message, "type": error.type, "param": error.param, "code": error.code}
        return b"data: " + orjson.dumps({"error": body}) + b"\n\n"


def given_up(answer: Mapping[str, object]) -> bool:
    """Whether an answer, or a chunk of one, was given up half-way: a vLLM that shuts down may finish with `abort`."""
    choices = answer.get("choices")
    if isinstance(choices, list):
        for choice in choices:  # not any(): with its generator that takes three times as long
            if isinstance(choice, dict) and choice.get("finish_reason") == "abort":
                return True
    return False


def _says_something(choice: object) -> bool:
    """Whether a choice of a chunk holds a token, or an end: not a role alone, nor an empty text."""
    if not isinstance(choice, dict):
        return False
    delta = choice.get("delta")
    told = {**delta, "role": None} if isinstance(delta, dict) else {"text": choice.get("text")}
    return bool(choice.get("finish_reason")) or any(told.values())
