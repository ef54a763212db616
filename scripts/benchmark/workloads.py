"""The table of workloads: what is asked of a program, and which figures come of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from benchmark.conditions import Conditions, Figures
from benchmark.programs import Running
from benchmark.streaming import beside_large_prompts, large_reply, long_list, many_streams, mix
from benchmark.throughput import flooded, function, latency, memory


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
        Workload("memory", "Memory, before and after many requests", "instant", _MEMORY, memory, once=True),
        Workload("small", "Chat of 250 bytes, not streaming, 32 connections", "instant", (_CPU, _RATE), flooded(250)),
        Workload("prompt-8k", "Chat with a prompt of 8 KB, 32 connections", "instant", (_CPU, _RATE), flooded(8192)),
        Workload(
            "prompt-128k", "Chat with a prompt of 128 KB, 32 connections", "instant", (_CPU, _RATE), flooded(131072)
        ),
        Workload("latency", "Added latency, one request at a time", "instant", _LATENCY, latency),
        Workload(
            "function",
            "Typed function (ClassifyTicket), 64 connections",
            "typed",
            (Column("cpu", "CPU µs per call"), Column("rate", "calls/s on one core", 0)),
            function,
            needs="functions",
        ),
        Workload(
            "streams-200", "200 streams of 65 events, 20 ms apart", "paced", _PER_STREAM, many_streams(200), direct=True
        ),
        Workload(
            "streams-512", "512 streams of 65 events, 20 ms apart", "paced", _PER_STREAM, many_streams(512), direct=True
        ),
        Workload("mix", "A mix: 100 streams, 200 small calls/s, 20 calls/s of 8 KB", "paced", _MIX, mix, direct=True),
        Workload(
            "large-prompts",
            "200 streams beside a prompt of 128 KB every 50 ms",
            "paced",
            _EVENTS,
            beside_large_prompts,
            direct=True,
        ),
        Workload(
            "large-reply",
            "100 streams beside a reply of 0.5 MB every 200 ms",
            "paced",
            _HOLD,
            large_reply,
            direct=True,
        ),
        Workload(
            "long-list",
            "100 streams beside a typed list of 40 KB every 200 ms",
            "paced",
            _HOLD,
            long_list,
            needs="both",
        ),
    )
}
