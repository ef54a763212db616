"""Traffic as clients make it, and what became of each request as a client sees it."""

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from types import TracebackType
from typing import Any, Self

import aiohttp

DONE = "[DONE]"


WELL = "COMPLETE 200"
"""How `outcomes` spells what all should be."""


class Ended(Enum):
    COMPLETE = "complete"
    ERROR_STATUS = "error status"
    SAID_BROKEN = "broken, and says so: an error event, and no [DONE]"
    LOOKS_COMPLETE = "broken, but looks complete"
    LOST = "the connection was lost without a word"
    LEFT = "the client left"


@dataclass(frozen=True, slots=True)
class Result:
    """One request. `began` is monotonic; what no answer told is empty or 0."""

    began: float
    seconds: float
    stream: bool
    ended: Ended
    status: int = 0
    target: str = ""
    attempts: int = 0
    retry_after: str = ""
    code: str = ""


class Traffic:
    """Chats of `max_tokens` tokens with one gateway, every second one streamed, over connections that are kept.

    An async context manager. `prompt` is what every chat says, after its number.
    """

    def __init__(
        self, url: str, *, max_tokens: int = 16, prompt: str = "Tell me of water.", clients: int = 1, key: str = ""
    ) -> None:
        self._url = f"{url}/v1/chat/completions"
        self._max_tokens = max_tokens
        self._prompt = prompt
        self._clients = clients
        self._headers = {"authorization": f"Bearer {key}"} if key else {}
        self._sessions: list[aiohttp.ClientSession] = []
        self._sent = 0
        self._usual_s = 0.1

    async def flow(self, rate: float, seconds: float) -> list[asyncio.Task[Result]]:
        """Send so many a second for so long, whatever becomes of them: returns with the last ones still open."""
        tasks: list[asyncio.Task[Result]] = []
        began = time.monotonic()
        for number in range(round(rate * seconds)):
            await asyncio.sleep(began + number / rate - time.monotonic())
            tasks.append(asyncio.create_task(self.send()))
        return tasks

    async def rush(self, count: int, at_once: int, leavers: float, rng: random.Random) -> list[Result]:
        """Send so many as fast as they are answered, `at_once` being open.

        A share of the clients leaves, each at any moment of the time that an answer takes; few are too late for it.
        """
        left = iter(range(count))

        async def client() -> list[Result]:
            return [await self.send(rng.uniform(0, self._usual_s) if rng.random() < leavers else None) for _ in left]

        return [result for results in await asyncio.gather(*(client() for _ in range(at_once))) for result in results]

    async def send(self, leave_after_s: float | None = None) -> Result:
        """One request to its end, or until its client leaves."""
        self._sent += 1
        stream = bool(self._sent % 2)
        session = self._sessions[self._sent % len(self._sessions)]
        began = time.monotonic()
        try:
            async with (
                asyncio.timeout(leave_after_s),
                session.post(self._url, json=self._body(self._sent, stream)) as response,
            ):
                ended, code = classify(response.status, await response.text(), stream)
                seconds = time.monotonic() - began
                self._usual_s += (seconds - self._usual_s) / 100
                return Result(
                    began,
                    seconds,
                    stream,
                    ended,
                    response.status,
                    response.headers.get("x-penstock-target", ""),
                    int(response.headers.get("x-penstock-attempts", 0)),
                    response.headers.get("retry-after", ""),
                    code,
                )
        except (TimeoutError, aiohttp.ClientError) as error:
            left = isinstance(error, TimeoutError) and leave_after_s is not None
            return Result(began, time.monotonic() - began, stream, Ended.LEFT if left else Ended.LOST)

    def _body(self, number: int, stream: bool) -> dict[str, Any]:
        messages = [{"role": "user", "content": f"{number} {self._prompt}"}]
        body: dict[str, Any] = {"model": "tiny", "messages": messages, "max_tokens": self._max_tokens}
        return {**body, "stream": True, "stream_options": {"include_usage": True}} if stream else body

    async def __aenter__(self) -> Self:
        for _ in range(self._clients):
            connector = aiohttp.TCPConnector(limit=0, ssl=False)  # an edge's certificate is one of its own
            limit = aiohttp.ClientTimeout(total=60)
            self._sessions.append(aiohttp.ClientSession(connector=connector, timeout=limit, headers=self._headers))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for session in self._sessions:
            await session.close()
        await asyncio.sleep(0.01)  # what was TLS is closed by the loop, a moment later


def classify(status: int, body: str, stream: bool) -> tuple[Ended, str]:
    """How an answer that came to its end ended, and the error's code if it tells one."""
    if status != 200:
        return Ended.ERROR_STATUS, str(json.loads(body)["error"]["code"])
    if not stream:
        return Ended.COMPLETE if _whole([json.loads(body)]) else Ended.LOOKS_COMPLETE, ""
    data = [line.removeprefix("data: ") for line in body.splitlines() if line.startswith("data: ")]
    events = [json.loads(each) for each in data if each != DONE]
    errors = [event["error"] for event in events if "error" in event]
    if errors:
        return Ended.LOOKS_COMPLETE if DONE in data else Ended.SAID_BROKEN, str(errors[0]["code"])
    whole = data[-1:] == [DONE] and _whole(events) and _every_token(events)
    return Ended.COMPLETE if whole else Ended.LOOKS_COMPLETE, ""


def _whole(events: Sequence[dict[str, Any]]) -> bool:
    """It says why it ended, and what it cost."""
    finished = any(choice["finish_reason"] for event in events for choice in event["choices"])
    return finished and bool(events[-1].get("usage"))


def _every_token(events: Sequence[dict[str, Any]]) -> bool:
    """As many pieces of text came as the usage counts; the last token may be one without text."""
    pieces = sum(bool(choice["delta"].get("content")) for event in events for choice in event["choices"])
    return events[-1]["usage"]["completion_tokens"] - pieces in (0, 1)


def outcomes(results: Iterable[Result]) -> Counter[str]:
    """How often each end was met, and with which status and code."""
    return Counter(" ".join([each.ended.name, str(each.status), each.code]).rstrip() for each in results)


def quantile(values: Iterable[float], share: float) -> float:
    """The value that this share of them does not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
