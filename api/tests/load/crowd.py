"""Clients with keys, before instances that come and go; what each request came to, by its number."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import aiohttp

from tests.load.traffic import Ended, classify

CHAT = "/v1/chat/completions"


@dataclass
class Crowd:
    """Sends chats, every second one streamed. An async context manager.

    `urls` are the instances that are there now. A request's id, and the `user` in its body, is `caller.number`.
    """

    keys: dict[str, str]
    urls: list[str]
    rng: random.Random
    sent: int = 0
    open: Counter[str] = field(default_factory=Counter)
    """How many requests an instance has now."""
    ended: dict[str, Ended] = field(default_factory=dict)
    usual_s: float = 0.1
    _session: aiohttp.ClientSession | None = None

    async def rush(self, at_once: int, leavers: float, over: Callable[[], bool]) -> None:
        """Send as fast as is answered; a share of the clients leaves, each at any moment of the time that it takes."""
        callers = [*self.keys]
        shares = range(1, len(callers) + 1)

        async def client() -> None:
            while not over():
                leaves = self.rng.random() < leavers
                (caller,) = self.rng.choices(callers, shares)
                await self._send(caller, self.rng.uniform(0, self.usual_s) if leaves else None)

        await asyncio.gather(*(client() for _ in range(at_once)))

    async def _send(self, caller: str, leave_after_s: float | None) -> None:
        self.sent += 1
        name, stream = f"{caller}.{self.sent}", bool(self.sent % 2)
        url, headers = (
            self.rng.choice(self.urls),
            {"authorization": f"Bearer {self.keys[caller]}", "x-request-id": name},
        )
        assert self._session is not None
        loop = asyncio.get_running_loop()
        began = loop.time()
        self.open[url] += 1
        try:
            async with (
                asyncio.timeout(leave_after_s),
                self._session.post(url + CHAT, json=self._body(name, stream), headers=headers) as response,
            ):
                self.ended[name], _ = classify(response.status, await response.text(), stream)
                self.usual_s += (loop.time() - began - self.usual_s) / 100
        except (TimeoutError, aiohttp.ClientError) as error:
            left = isinstance(error, TimeoutError) and leave_after_s is not None
            self.ended[name] = Ended.LEFT if left else Ended.LOST
        finally:
            self.open[url] -= 1

    def _body(self, name: str, stream: bool) -> dict[str, Any]:
        words = " ".join(f"word{at}" for at in range(self.rng.randrange(12)))
        messages = [{"role": "user", "content": f"{name} {words}"}]
        body = {"model": "tiny", "messages": messages, "max_tokens": self.rng.randint(1, 24), "user": name}
        return {**body, "stream": True, "stream_options": {"include_usage": True}} if stream else body

    def ends(self, names: Iterable[str]) -> Counter[str]:
        """How often each end was met among these."""
        return Counter(self.ended[name].name for name in names)

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(limit=0)
        self._session = aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=60))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
