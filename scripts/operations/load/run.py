"""An open loop: each request leaves when it is due, whatever became of those before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from operations.load.asking import Door, Due
from operations.load.line import Answer, Broken, Line
from operations.load.outcome import Outcome, Sample

PULSE_S = 0.02


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds for one whole answer, and how many requests may be open at once."""

    timeout_s: float = 120
    in_flight: int = 4096


@dataclass
class Load:
    """A run of a schedule. `stopped` is asked now and then; once it is true what is open is given up."""

    door: Door
    schedule: Iterable[Due]
    limits: Limits = field(default_factory=Limits)
    stopped: Callable[[], bool] = lambda: False
    outcome: Outcome = field(default_factory=Outcome)
    finished: bool = False
    """Once it is true nothing more is sent, and what is open is waited for."""
    open: set[asyncio.Task[None]] = field(default_factory=set)
    _free: list[Line] = field(default_factory=list)
    _opened: list[Line] = field(default_factory=list)

    async def run(self) -> Outcome:
        """Send all, and wait for the last answers."""
        loop = asyncio.get_running_loop()
        self.outcome.began = loop.time()
        pulse = loop.create_task(self._pulse())
        await self._send_all()
        while self.open and not self.stopped():
            await asyncio.wait(self.open, timeout=0.5)
        self.outcome.unfinished = len(self.open)
        for task in (pulse, *self.open):
            task.cancel()
        for line in self._opened:
            line.close()
        self.outcome.seconds = loop.time() - self.outcome.began
        return self.outcome

    async def _send_all(self) -> None:
        loop = asyncio.get_running_loop()
        for due in self.schedule:
            while (left := self.outcome.began + due.at - loop.time()) > 0 and not self._ends():  # noqa: ASYNC110  # a signal sets no event
                await asyncio.sleep(min(left, 0.5))
            if self._ends():
                break
            await asyncio.sleep(0)
            task = loop.create_task(self._send(due))
            self.open.add(task)
            task.add_done_callback(self.open.discard)

    def _ends(self) -> bool:
        return self.finished or self.stopped()

    async def _pulse(self) -> None:
        """A sender that is too busy to send is too busy to notice answers."""
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            await asyncio.sleep(PULSE_S)
            self.outcome.pauses.append(max(0.0, loop.time() - began - PULSE_S))
            self.outcome.seconds = loop.time() - self.outcome.began

    async def _send(self, due: Due) -> None:
        loop = asyncio.get_running_loop()
        at = self.outcome.began + due.at
        late = loop.time() - at
        answer: Answer | None = None
        gave_up = False
        if len(self.open) > self.limits.in_flight:
            how = f"not sent: {self.limits.in_flight} are open"
        else:
            answer, how, gave_up = await self._asked(due)
        seconds = loop.time() - at
        status, first, tokens, target = _told(answer)
        first = first - at if first else 0.0
        ended = "ok" if not how else "broken" if status == 200 else "failed"
        self.outcome.add(Sample(due.at, seconds, first, late, due.stream, status, ended, how, gave_up, tokens, target))

    async def _asked(self, due: Due) -> tuple[Answer | None, str, bool]:
        """The answer, what is wrong with it, and whether it was given up."""
        line: Line | None = None
        answer: Answer | None = None
        try:
            async with asyncio.timeout(self.limits.timeout_s):
                line = await self._line()
                answer = line.ask(self.door.request(due))
                await answer.whole
        except TimeoutError:
            if line:
                line.close()
            return answer, f"no whole answer in {self.limits.timeout_s:g} s", True
        except Broken as error:
            return answer, str(error), False
        except OSError as error:
            return answer, f"cannot connect: {error.strerror or error}", False
        return answer, _wrong(answer, due.stream), False

    async def _line(self) -> Line:
        while self._free:
            line = self._free.pop()
            if line.open:
                return line
        host, port, secure = self.door.address
        context = self.door.context if secure else None
        loop = asyncio.get_running_loop()
        _, line = await loop.create_connection(lambda: Line(self._free.append), host, port, ssl=context)
        self._opened.append(line)
        return line


def _told(answer: Answer | None) -> tuple[int, float, int, str]:
    if answer is None:
        return 0, 0.0, 0, ""
    return answer.status, answer.first_token_at, answer.body.tokens if answer.body else 0, answer.target


def _wrong(answer: Answer, stream: bool) -> str:
    """Empty if it is what was asked for; else what is wrong."""
    if answer.status != 200:
        return f"status {answer.status}"
    if not stream or answer.body is None:
        return ""
    if answer.body.error:
        return "an error in the stream"
    return "" if answer.body.tail.rstrip().endswith(b"data: [DONE]") else "a stream without [DONE]"
