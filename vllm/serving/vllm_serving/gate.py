"""A middleware for vLLM's server, `vllm serve --middleware vllm_serving.gate.Gate`: shut until warm, and while leaving.

By itself vLLM says 200 on /health as soon as it listens, and all through a drain, in which it answers requests with
500. Behind the gate both are a 503 in OpenAI's shape, which balancers and the gateway take elsewhere at once. What is
being answered goes on: the gate looks at a request when it comes, and never again.
"""

import hmac
import os
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

WARM_UP_HEADER = "x-warm-up-key"
METRICS = "/metrics"
BODY = (
    b'{"error":{"message":"This replica is starting or leaving.","type":"ServiceUnavailableError",'
    b'"param":null,"code":503}}'
)
HEADERS = [
    (b"content-type", b"application/json"),
    (b"content-length", str(len(BODY)).encode()),
    (b"retry-after", b"1"),
    (b"connection", b"close"),  # whoever keeps connections shall not keep one to us
]


class Gate:
    """Open while the file named by SERVE_OPEN exists; to whoever knows SERVE_WARM_UP_KEY, and for /metrics, always."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._open = Path(os.environ["SERVE_OPEN"])
        self._key = os.environ["SERVE_WARM_UP_KEY"].encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._open.exists() or scope["path"] == METRICS or self._warms(scope):
            await self._app(scope, receive, send)
        else:
            await send({"type": "http.response.start", "status": 503, "headers": HEADERS})
            await send({"type": "http.response.body", "body": BODY})

    def _warms(self, scope: Scope) -> bool:
        sent: bytes = dict(scope["headers"]).get(WARM_UP_HEADER.encode(), b"")
        return hmac.compare_digest(sent, self._key)
