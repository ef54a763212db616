"""The workloads: what is asked of a program, and which figures come of it."""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import uvloop

from benchmark import replies
from benchmark.client import Samples, request
from benchmark.load import Line, Paced, flood, no_pauses, paced_calls, streams
from benchmark.measure import cpu_s, rss_mb
from benchmark.programs import CHAT, Running

Figures = dict[str, float]
FUNCTION_CONNECTIONS = 64
AFTER_CALL_NS = 25_000_000
"""How long after a call its hold may still be seen: an event comes on each stream every 20 ms."""


@dataclass(frozen=True)
class Conditions:
    """How long, beside what."""

    seconds: float
    warm_s: float
    memory_requests: int
    memory_limit_s: float
    folder: Path
    direct: Running
    """The back end itself, asked without a program between."""


@dataclass(frozen=True)
class Column:
    """One figure of a workload. The first of each is the one whose ratios are told."""

    key: str
    title: str
    digits: int = 1


@dataclass(frozen=True)
class Workload:
    """What is measured; `direct` says that the back end itself is measured too."""

    name: str
    title: str
    backend: Literal["instant", "typed", "paced"]
    columns: tuple[Column, ...]
    measure: Callable[[Running, Conditions], Figures]
    needs: Literal["chat", "functions", "both"] = "chat"
    direct: bool = False
    once: bool = False


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return float(ordered[min(len(ordered) - 1, int(len(ordered) * share))]) if ordered else float("nan")


def _ms(values: Sequence[float], share: float) -> float:
    return percentile(values, share) / 1e6


# As many as go through


def _flooded(size: int) -> Callable[[Running, Conditions], Figures]:
    return lambda running, given: _flood(running, given, CHAT, replies.chat(size), 32)


def _function(running: Running, given: Conditions) -> Figures:
    return _flood(running, given, f"{running.functions}/ClassifyTicket", replies.ticket(), FUNCTION_CONNECTIONS)


def _flood(running: Running, given: Conditions, path: str, body: bytes, connections: int) -> Figures:
    assert running.pid is not None
    flood(running, path, body, given.warm_s, given.folder, connections)
    before = cpu_s(running.pid)
    seen = flood(running, path, body, given.seconds, given.folder, connections)
    used = cpu_s(running.pid) - before
    per_request = used * 1e6 / seen.requests if seen.requests else float("nan")
    return {"cpu": per_request, "rate": seen.requests / seen.seconds, "errors": seen.errors}


def _memory(running: Running, given: Conditions) -> Figures:
    assert running.pid is not None
    fresh, requests, spent = rss_mb(running.pid), 0, 0.0
    while requests < given.memory_requests and spent < given.memory_limit_s:
        seen = flood(running, CHAT, replies.chat(), 5, given.folder)
        requests, spent = requests + seen.requests, spent + 5
    return {"rss": rss_mb(running.pid), "fresh": fresh, "requests": requests}


def _latency(running: Running, given: Conditions) -> Figures:
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


# Streams, and what goes on beside them

Beside = Callable[[], Coroutine[Any, Any, Paced]]


@dataclass(frozen=True)
class Watched:
    """What was seen of some streams, and of the calls beside them."""

    samples: Samples
    calls: tuple[Paced, ...]
    cpu_s: float
    seconds: float


def watch(running: Running, seconds: float, count: int, *beside: Beside) -> Watched:
    """So many streams at once for so long, and these calls beside them."""

    async def watched() -> Watched:
        loop = asyncio.get_running_loop()
        async with streams(running, CHAT, replies.chat(stream=True), count) as samples:
            await asyncio.sleep(0.5)
            if samples.broken and not samples.events:
                raise RuntimeError("answered no stream")
            events, before, began = samples.events, _cpu(running), loop.time()
            await asyncio.sleep(0.05)  # reading /proc held our own loop; that is not the program's delay
            samples.recording = True
            calls = [asyncio.create_task(each()) for each in beside]
            await asyncio.sleep(seconds)
            done = [await call for call in calls]
            samples.recording = False
            took = loop.time() - began
            used = _cpu(running) - before
            samples.events -= events
        return Watched(samples, tuple(done), used, took)

    with no_pauses():
        return uvloop.run(watched())


def _cpu(running: Running) -> float:
    return cpu_s(running.pid) if running.pid is not None else float("nan")


def _delays(samples: Samples) -> Figures:
    delays = samples.delays
    return {"p99": _ms(delays, 0.99), "p999": _ms(delays, 0.999), "max": _ms(delays, 1), "errors": samples.broken}


def _streams(count: int) -> Callable[[Running, Conditions], Figures]:
    def measure(running: Running, given: Conditions) -> Figures:
        seen = watch(running, given.seconds, count)
        events = seen.samples.events
        per_stream = seen.cpu_s * 1e6 * replies.EVENTS / events if events else float("nan")
        first = seen.samples.first_tokens
        return {"cpu": per_stream, "first50": _ms(first, 0.5), "first99": _ms(first, 0.99), **_delays(seen.samples)}

    return measure


def _mix(running: Running, given: Conditions) -> Figures:
    """100 streams, and beside them 200 small calls and 20 of 8 KB a second."""
    small, larger = (request(running, CHAT, replies.chat(size)) for size in (250, 8192))
    seen = watch(
        running,
        given.seconds,
        100,
        lambda: paced_calls(running, small, 1 / 200, given.seconds, connections=32),
        lambda: paced_calls(running, larger, 1 / 20, given.seconds),
    )
    wanted = sum(len(each.spans) + each.skipped for each in seen.calls)
    served = sum(len(each.spans) - each.failed for each in seen.calls)
    return {"cpu": seen.cpu_s / seen.seconds * 100, "served": served / wanted * 100, **_delays(seen.samples)}


def _beside_large_prompts(running: Running, given: Conditions) -> Figures:
    asked = request(running, CHAT, replies.chat(128 * 1024))
    seen = watch(running, given.seconds, 200, lambda: paced_calls(running, asked, 0.05, given.seconds))
    return {**_delays(seen.samples), "errors": seen.samples.broken + seen.calls[0].failed}


def _large_reply(running: Running, given: Conditions) -> Figures:
    asked = request(running, CHAT, replies.chat(ask=replies.LARGE_REPLY_MARK.decode()))
    return _held(running, asked, given.seconds)


def _long_list(running: Running, given: Conditions) -> Figures:
    asked = request(running, f"{running.functions}/ExtractInvoice", replies.invoice())
    return _held(running, asked, given.seconds)


def _held(running: Running, asked: bytes, seconds: float) -> Figures:
    """For each call made beside 100 streams, the worst delay of an event during it."""
    seen = watch(running, seconds, 100, lambda: paced_calls(running, asked, 0.2, seconds))
    samples, calls = seen.samples, seen.calls[0]
    worst = [hold for began, ended in calls.spans if (hold := _worst(samples, began, ended + AFTER_CALL_NS))]
    took = [ended - began for began, ended in calls.spans]
    errors = samples.broken + calls.failed
    return {"hold": _ms(worst, 0.5), "max": _ms(worst, 1), "took": _ms(took, 0.5), "errors": errors}


def _worst(samples: Samples, began: int, ended: int) -> int:
    first, last = (bisect_left(samples.arrivals, edge) for edge in (began, ended))
    return max(samples.delays[first:last], default=0)


# The table

_CPU = Column("cpu", "CPU µs per request")
_RATE = Column("rate", "requests/s on one core", 0)
_EVENTS = (Column("p99", "event delay p99, ms", 2), Column("p999", "p99.9, ms", 2), Column("max", "worst, ms", 1))
_PER_STREAM = (
    Column("cpu", "CPU µs per stream", 0),
    Column("first50", "first token p50, ms", 2),
    Column("first99", "first token p99, ms", 2),
    *_EVENTS,
)
_HOLD = (
    Column("hold", "an event's worst delay in a call, ms", 2),
    Column("max", "worst of all, ms", 1),
    Column("took", "the call itself, ms", 1),
)
_MEMORY = (
    Column("rss", "RSS after, MB", 0),
    Column("fresh", "RSS before, MB", 0),
    Column("requests", "requests", 0),
)
_LATENCY = (
    Column("p50", "added p50, ms", 3),
    Column("p99", "added p99, ms", 3),
    Column("direct50", "direct p50, ms", 3),
    Column("direct99", "direct p99, ms", 3),
)
_MIX = (Column("cpu", "CPU, % of a core"), Column("served", "calls served, %"), *_EVENTS)

WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload("memory", "Memory, before and after many requests", "instant", _MEMORY, _memory, once=True),
        Workload("small", "Chat of 250 bytes, not streaming, 32 connections", "instant", (_CPU, _RATE), _flooded(250)),
        Workload("prompt-8k", "Chat with a prompt of 8 KB, 32 connections", "instant", (_CPU, _RATE), _flooded(8192)),
        Workload(
            "prompt-128k", "Chat with a prompt of 128 KB, 32 connections", "instant", (_CPU, _RATE), _flooded(131072)
        ),
        Workload("latency", "Added latency, one request at a time", "instant", _LATENCY, _latency),
        Workload(
            "function",
            "Typed function (ClassifyTicket), 64 connections",
            "typed",
            (Column("cpu", "CPU µs per call"), Column("rate", "calls/s on one core", 0)),
            _function,
            needs="functions",
        ),
        Workload(
            "streams-200", "200 streams of 65 events, 20 ms apart", "paced", _PER_STREAM, _streams(200), direct=True
        ),
        Workload(
            "streams-512", "512 streams of 65 events, 20 ms apart", "paced", _PER_STREAM, _streams(512), direct=True
        ),
        Workload("mix", "A mix: 100 streams, 200 small calls/s, 20 calls/s of 8 KB", "paced", _MIX, _mix, direct=True),
        Workload(
            "large-prompts",
            "200 streams beside a prompt of 128 KB every 50 ms",
            "paced",
            _EVENTS,
            _beside_large_prompts,
            direct=True,
        ),
        Workload(
            "large-reply",
            "100 streams beside a reply of 0.5 MB every 200 ms",
            "paced",
            _HOLD,
            _large_reply,
            direct=True,
        ),
        Workload(
            "long-list",
            "100 streams beside a typed list of 40 KB every 200 ms",
            "paced",
            _HOLD,
            _long_list,
            needs="both",
        ),
    )
}
