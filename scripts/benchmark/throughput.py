"""As many requests as go through, or one after the other: CPU, rate, memory, latency."""

from __future__ import annotations

import time
from collections.abc import Callable

from benchmark import replies
from benchmark.conditions import Conditions, Figures, percentile
from benchmark.load import Line, flood, no_pauses
from benchmark.measure import cpu_s, rss_mb
from benchmark.programs import CHAT, Running

FUNCTION_CONNECTIONS = 64


def flooded(size: int) -> Callable[[Running, Conditions], Figures]:
    return lambda running, given: _flood(running, given, CHAT, replies.chat(size), 32)


def function(running: Running, given: Conditions) -> Figures:
    return _flood(running, given, f"{running.functions}/ClassifyTicket", replies.ticket(), FUNCTION_CONNECTIONS)


def _flood(running: Running, given: Conditions, path: str, body: bytes, connections: int) -> Figures:
    assert running.pid is not None
    flood(running, path, body, given.warm_s, given.folder, connections)
    before = cpu_s(running.pid)
    seen = flood(running, path, body, given.seconds, given.folder, connections)
    used = cpu_s(running.pid) - before
    per_request = used * 1e6 / seen.requests if seen.requests else float("nan")
    return {"cpu": per_request, "rate": seen.requests / seen.seconds, "errors": seen.errors}


def memory(running: Running, given: Conditions) -> Figures:
    assert running.pid is not None
    fresh, requests, spent = rss_mb(running.pid), 0, 0.0
    while requests < given.memory_requests and spent < given.memory_limit_s:
        seen = flood(running, CHAT, replies.chat(), 5, given.folder)
        requests, spent = requests + seen.requests, spent + 5
    return {"rss": rss_mb(running.pid), "fresh": fresh, "requests": requests}


def latency(running: Running, given: Conditions) -> Figures:
    """The program and the back end in turn, so that what disturbs one disturbs the other."""
    through, direct = (Line(each, CHAT, replies.chat()) for each in (running, given.direct))
    took: tuple[list[float], list[float]] = ([], [])
    with no_pauses():
        for _ in range(200):
            through.ask()
            direct.ask()
        end = time.monotonic() + given.seconds
        while time.monotonic() < end:
            took[0].append(through.ask())
            took[1].append(direct.ask())
    through.close()
    direct.close()
    p50, p99 = (tuple(percentile(each, share) * 1e3 for each in took) for share in (0.5, 0.99))
    return {"p50": p50[0] - p50[1], "p99": p99[0] - p99[1], "direct50": p50[1], "direct99": p99[1]}
