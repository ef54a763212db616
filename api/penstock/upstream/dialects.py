"""The routes that generate, each a row: where its fields stand, and how its streams are read.

Nothing else knows these routes by name: a new one is a new row, not a new road.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from penstock.upstream.chat_events import ChatEvents
from penstock.upstream.responses_events import ResponsesEvents
from penstock.upstream.streams import Events
from penstock.upstream.usage import Usage, usage_of


@dataclass(frozen=True, slots=True)
class Dialect:
    """One generating route of the OpenAI API.

    `prompt` is the member that must be there; `limits` are the members that bound the tokens, the first that is
    set counting; `events` reads a stream, and is None where the route has none; `asks_usage` says that usage in a
    stream has to be asked for; `choices` counts the answers that a stream must finish.
    """

    name: str
    path: str
    prompt: str
    answer: str
    limits: tuple[str, ...]
    events: Callable[[int], Events] | None
    asks_usage: bool
    choices: Callable[[Mapping[str, object]], int]

    def max_tokens(self, fields: Mapping[str, object]) -> int | None:
        for name in self.limits:
            value = fields.get(name)
            if isinstance(value, int) and value > 0:
                return value
        return None

    def usage(self, reply: Mapping[str, object]) -> Usage | None:
        return usage_of(reply.get("usage"))


def _one(fields: Mapping[str, object]) -> int:
    del fields
    return 1


def _n(fields: Mapping[str, object]) -> int:
    n = fields.get("n")
    return n if isinstance(n, int) and n > 0 else 1


def _n_each_prompt(fields: Mapping[str, object]) -> int:
    """A list of texts, or of token lists, is as many prompts; a list of numbers is one prompt in tokens."""
    prompt = fields.get("prompt")
    several = isinstance(prompt, list) and bool(prompt) and not isinstance(prompt[0], int)
    return _n(fields) * (len(prompt) if several and isinstance(prompt, list) else 1)


CHAT = Dialect(
    name="chat",
    path="/v1/chat/completions",
    prompt="messages",
    answer="choices",
    limits=("max_completion_tokens", "max_tokens"),
    events=ChatEvents,
    asks_usage=True,
    choices=_n,
)

DIALECTS = (
    CHAT,
    Dialect(
        name="completions",
        path="/v1/completions",
        prompt="prompt",
        answer="choices",
        limits=("max_tokens",),
        events=ChatEvents,
        asks_usage=True,
        choices=_n_each_prompt,
    ),
    Dialect(
        name="responses",
        path="/v1/responses",
        prompt="input",
        answer="output",
        limits=("max_output_tokens",),
        events=ResponsesEvents,
        asks_usage=False,
        choices=_one,
    ),
    Dialect(
        name="embeddings",
        path="/v1/embeddings",
        prompt="input",
        answer="data",
        limits=(),
        events=None,
        asks_usage=False,
        choices=_one,
    ),
)
