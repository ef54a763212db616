"""What the simulator saw, for tests to ask about."""

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

import orjson

from vllm_simulator.exchange import Exchange

_REMEMBERED = 200


@dataclass(slots=True)
class Ledger:
    """Counts of requests outside `/sim`: `completed` were answered whole, `aborted` lost their client."""

    requests: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    aborted: int = 0
    completed: int = 0
    recent: deque[tuple[str, str]] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    last: Exchange | None = None

    def saw(self, exchange: Exchange, generating: bool) -> None:
        """Notes a request when its headers are in; its body is read from it later."""
        self.requests[exchange.path] += 1
        if generating:
            self.recent.append((exchange.header(b"x-request-id"), exchange.path))
            self.last = exchange

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
