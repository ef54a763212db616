"""What the simulator saw, for tests to ask about."""

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

import orjson

from vllm_simulator.exchange import Exchange

_REMEMBERED = 200


@dataclass(slots=True)
class Used:
    """What a `user` of the request's body had: of answers that told their usage, and of those that broke off before."""

    told: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cut: int = 0
    cut_prompt_tokens: int = 0
    cut_completion_tokens: int = 0


@dataclass(slots=True)
class Ledger:
    """Counts of requests outside `/sim`: `completed` were answered whole, `aborted` lost their client."""

    requests: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    aborted: int = 0
    completed: int = 0
    recent: deque[tuple[str, str]] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    last: Exchange | None = None
    users: dict[str, Used] = field(default_factory=dict)

    def saw(self, exchange: Exchange, generating: bool) -> None:
        """Notes a request when its headers are in; its body is read from it later."""
        self.requests[exchange.path] += 1
        if generating:
            self.recent.append((exchange.header(b"x-request-id"), exchange.path))
            self.last = exchange

    def answered(self, user: object, prompt_tokens: int, completion_tokens: int, *, told: bool) -> None:
        """Notes an answer that is over, if its request named a user. `completion_tokens` exist of it."""
        if not isinstance(user, str):
            return
        used = self.users.setdefault(user, Used())
        if told:
            used.told += 1
            used.prompt_tokens += prompt_tokens
            used.completion_tokens += completion_tokens
        else:
            used.cut += 1
            used.cut_prompt_tokens += prompt_tokens
            used.cut_completion_tokens += completion_tokens

    def told(self) -> dict[str, Any]:
        """All of it as JSON. `last` is the last generating request: its `text` as it came, its `body` as JSON if it is.

        Of a repeated header it has the last.
        """
        return {
            "requests": dict(self.requests),
            "aborted": self.aborted,
            "completed": self.completed,
            "recent": [{"id": name, "path": path} for name, path in self.recent],
            "last": _shown(self.last) if self.last else None,
        }


def _shown(exchange: Exchange) -> dict[str, Any]:
    try:
        body: Any = orjson.loads(exchange.body)
    except orjson.JSONDecodeError:
        body = None
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in exchange.headers}
    text = exchange.body.decode("utf-8", "replace")
    return {"method": exchange.method, "path": exchange.path, "headers": headers, "body": body, "text": text}
