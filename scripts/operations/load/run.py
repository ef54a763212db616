"""An open loop: each request leaves when it is due, whatever became of those before."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from operations.load.line import Answer, Broken, Line
from operations.load.outcome import Outcome, Sample


@dataclass(frozen=True, slots=True)
class Plan:
    """So many requests a second for so long. The share `streams` of them are streams of so many tokens."""

    url: str
    rate: float
    seconds: float
    streams: float = 0.5
    stream_tokens: int = 250
    post_tokens: int = 4
    model: str = "demo"
    key: str = ""
    insecure: bool = False
    timeout_s: float = 120

    @property
    def count(self) -> int:
        return round(self.rate * self.seconds)

    def is_stream(self, number: int) -> bool:
        """Spread evenly over the run."""
        return int((number + 1) * self.streams) > int(number * self.streams)

    def request(self, number: int) -> bytes:
        stream = self.is_stream(number)
        tokens = self.stream_tokens if stream else self.post_tokens
        messages = [{"role": "user", "content": f"{number}: tell me of water."}]
        asked = {"model": self.model, "messages": messages, "max_tokens": tokens, "stream": stream}
        if stream:
            asked["ignore_eos"] = True
        body = json.dumps(asked).encode()
        parts = urlsplit(self.url)
        path = parts.path.rstrip("/") + "/v1/chat/completions"
        lines = [f"POST {path} HTTP/1.1", f"host: {parts.netloc}", "content-type: application/json"]
        lines += [f"authorization: Bearer {self.key}"] if self.key else []
        return "\r\n".join([*lines, f"content-length: {len(body)}", "", ""]).encode() + body


@dataclass
class Load:
    """A run of a plan. `stopped` is asked now and then; once it is true what is open is given up."""

    plan: Plan
    stopped: Callable[[], bool] = lambda: False
    outcome: Outcome = field(default_factory=Outcome)
    finished: bool = False
    """Once it is true nothing more is sent, and what is open is waited for."""
    _free: list[Line] = field(default_factory=list)
    _opened: list[Line] = field(default_factory=list)

    async def run(self) -> Outcome:
        """Send all, and wait for the last answers."""
        loop = asyncio.get_running_loop()
        tasks: set[asyncio.Task[None]] = set()
        began = loop.time()
        for number in range(self.plan.count):
            due = began + number / self.plan.rate
            await asyncio.sleep(max(0, due - loop.time()))
            if self.stopped() or self.finished:
                break
            task = loop.create_task(self._send(number, due))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        while tasks and not self.stopped():
            await asyncio.wait(tasks, timeout=0.5)
        for task in tuple(tasks):
            task.cancel()
        for line in self._opened:
            line.close()
        return self.outcome

    async def _send(self, number: int, due: float) -> None:
        loop = asyncio.get_running_loop()
        late = loop.time() - due
        stream = self.plan.is_stream(number)
        line: Line | None = None
        answer: Answer | None = None
        try:
            async with asyncio.timeout(self.plan.timeout_s):
                line = await self._line()
                answer = line.ask(self.plan.request(number))
                await answer.whole
            how = _wrong(answer, stream)
        except TimeoutError:
            how = f"no whole answer in {self.plan.timeout_s:g} s"
            if line:
                line.close()
        except Broken as error:
            how = str(error)
        except OSError as error:
            how = f"cannot connect: {error.strerror or error}"
        status, first = (answer.status, answer.first_byte_at) if answer else (0, 0.0)
        first = first - due if first else 0.0
        self.outcome.add(Sample(due, loop.time() - due, first, late, stream, status, _end(status, how), how))

    async def _line(self) -> Line:
        while self._free:
            line = self._free.pop()
            if line.open:
                return line
        parts = urlsplit(self.plan.url)
        secure = parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        context = _context(self.plan.insecure) if secure else None
        loop = asyncio.get_running_loop()
        host = parts.hostname or "127.0.0.1"
        _, line = await loop.create_connection(lambda: Line(self._free.append), host, port, ssl=context)
        self._opened.append(line)
        return line


def _wrong(answer: Answer, stream: bool) -> str:
    """Empty if it is what was asked for; else what is wrong."""
    if answer.status != 200:
        return f"status {answer.status}"
    if not stream or answer.body is None:
        return ""
    if answer.body.error:
        return "an error in the stream"
    return "" if answer.body.tail.rstrip().endswith(b"data: [DONE]") else "a stream without [DONE]"


def _end(status: int, how: str) -> str:
    if not how:
        return "ok"
    return "broken" if status == 200 else "failed"


def _context(insecure: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if insecure:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
