"""The streams of chat and completions.

An event is looked into only where a byte test says that it may matter: most are passed on unread.
"""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from penstock.errors import PenstockError
from penstock.upstream.sse import data_of
from penstock.upstream.streams import Seen
from penstock.upstream.usage import Usage, usage_of

DONE = b"data: [DONE]\n\n"


class ChatEvents:
    """Chat and completions: chunks with `choices`, each choice ended by its finish_reason, then `[DONE]`."""

    def __init__(self, choices: int) -> None:
        self._choices = choices
        self._finished: set[int] = set()
        self.usage: Usage | None = None
        self.model: object = None
        self.error: dict[str, object] | None = None
        self.tokens = 0

    @property
    def complete(self) -> bool:
        return len(self._finished) >= self._choices

    def see(self, event: bytes) -> Seen:
        if (  # a chunk with a token and nothing else that we care for, by tests of its bytes alone (`in` is slow)
            self.tokens
            and self._choices == 1
            and event.startswith(b"data: {")
            and event.endswith(b"}\n\n")
            and event.find(b'"finish_reason":null') > 0
            and event.find(b'"error"') < 0
            and ((at := event.find(b'"usage"')) < 0 or event.startswith(b":null", at + 7))
        ):
            self.tokens += 1
            return "token"
        data = data_of(event)
        if not data:
            return "comment"
        if data == b"[DONE]":
            return "done"
        if not (data.startswith(b"{") and data.endswith(b"}")):
            return "malformed"
        return self._read(data)

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
