"""Ways to put load on a program: wrk, many streams at once, calls at a steady pace, one call after the other."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmark.client import Caller, Samples, StreamClient, request
from benchmark.programs import Running
from benchmark.replies import EVENT_S, EVENTS

LUA = """
wrk.method = "POST"
wrk.path = [==[{path}]==]
wrk.body = [==[{body}]==]
{headers}
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('{{"requests": %d, "us": %d, "errors": %d}}\\n',
    summary.requests, summary.duration, e.connect + e.read + e.write + e.status + e.timeout))
end
"""


@dataclass(frozen=True)
class Flood:
    """What wrk saw."""

    requests: int
    seconds: float
    errors: int


def flood(running: Running, path: str, body: bytes, seconds: float, folder: Path, connections: int = 32) -> Flood:
    """As many requests as go through on so many connections, each asking again at once."""
    script = folder / "wrk.lua"
    headers = "\n".join(f'wrk.headers["{name}"] = [==[{value}]==]' for name, value in running.headers.items())
    script.write_text(LUA.format(path=path, body=body.decode(), headers=headers))
    words = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "20s", "-s", str(script)]
    run = subprocess.run([*words, f"http://127.0.0.1:{running.port}"], capture_output=True, text=True, check=True)
    told = json.loads(run.stdout.strip().splitlines()[-1])
    return Flood(told["requests"] - told["errors"], told["us"] / 1e6, told["errors"])


@asynccontextmanager
async def streams(running: Running, path: str, body: bytes, count: int) -> AsyncIterator[Samples]:
    """So many streams at once, each followed by another, their beginnings spread over a stream's life."""
    loop = asyncio.get_running_loop()
    samples, clients = Samples(), list[StreamClient]()
    asked = request(running, path, body)
    began = loop.time()
    try:
        for number in range(count):
            await asyncio.sleep(max(0, began + number * EVENTS * EVENT_S / count - loop.time()))
            _, client = await loop.create_connection(lambda: StreamClient(asked, samples), "127.0.0.1", running.port)
            clients.append(client)
        yield samples
    finally:
        for client in clients:
            client.stopped = True
        await asyncio.wait([client.lost for client in clients], timeout=EVENTS * EVENT_S * 2)
        for client in clients:
            client.abort()


@dataclass
class Paced:
    """Calls made at a steady pace: when each began and ended (nanoseconds), and how many failed or were not begun."""

    spans: list[tuple[int, int]] = field(default_factory=list)
    failed: int = 0
    skipped: int = 0


async def paced_calls(running: Running, asked: bytes, every_s: float, seconds: float, connections: int = 8) -> Paced:
    """A call every so often, whatever became of those before; skipped where no connection is free."""
    loop = asyncio.get_running_loop()
    done = Paced()
    free: list[Caller] = [
        (await loop.create_connection(Caller, "127.0.0.1", running.port))[1] for _ in range(connections)
    ]
    callers, tasks = tuple(free), set[asyncio.Task[None]]()

    async def call(caller: Caller) -> None:
        began = time.monotonic_ns()
        status = await caller.ask(asked)
        done.spans.append((began, time.monotonic_ns()))
        done.failed += status != 200
        if status:
            free.append(caller)

    due = loop.time()
    end = due + seconds
    while due < end:
        if free:
            task = loop.create_task(call(free.pop()))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        else:
            done.skipped += 1
        due += every_s
        await asyncio.sleep(max(0, due - loop.time()))
    if tasks:
        await asyncio.wait(tasks, timeout=5)
    for caller in callers:
        caller.close()
    return done


class Line:
    """One connection, one call after the other, with nothing but the socket between."""

    def __init__(self, running: Running, path: str, body: bytes) -> None:
        self._asked = request(running, path, body)
        self._socket = socket.create_connection(("127.0.0.1", running.port), 10)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self) -> float:
        """Seconds from the request to the last byte of its reply."""
        began = time.perf_counter()
        self._socket.sendall(self._asked)
        got = self._socket.recv(65536)
        while not _is_whole(got):
            more = self._socket.recv(65536)
            if not more:
                raise RuntimeError("the connection was closed in a reply")
            got += more
        took = time.perf_counter() - began
        if not got.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"answered {got[:60]!r}")
        return took

    def close(self) -> None:
        self._socket.close()


def _is_whole(got: bytes) -> bool:
    head, separator, body = got.partition(b"\r\n\r\n")
    if not separator:
        return False
    _, sized, length = head.lower().partition(b"content-length:")
    return len(body) >= int(length.split(b"\r\n", 1)[0]) if sized else body.endswith(b"0\r\n\r\n")


@contextmanager
def no_pauses() -> Iterator[None]:
    """Without garbage collection, which would count as a program's pause."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
