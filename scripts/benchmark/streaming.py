"""Many streams at once, and what goes on beside them: CPU, first tokens, how late events are."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

import uvloop

from benchmark import replies
from benchmark.client import Samples, request
from benchmark.conditions import Conditions, Figures, percentile
from benchmark.load import Paced, no_pauses, paced_calls, streams
from benchmark.measure import cpu_s
from benchmark.programs import CHAT, Running

AFTER_CALL_NS = 25_000_000
"""How long after a call its hold may still be seen: an event comes on each stream every 20 ms."""
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


def many_streams(count: int) -> Callable[[Running, Conditions], Figures]:
    def measure(running: Running, given: Conditions) -> Figures:
        seen = watch(running, given.seconds, count)
        events = seen.samples.events
        per_stream = seen.cpu_s * 1e6 * replies.EVENTS / events if events else float("nan")
        first = seen.samples.first_tokens
        return {"cpu": per_stream, "first50": _ms(first, 0.5), "first99": _ms(first, 0.99), **_delays(seen.samples)}

    return measure


def mix(running: Running, given: Conditions) -> Figures:
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


def beside_large_prompts(running: Running, given: Conditions) -> Figures:
    asked = request(running, CHAT, replies.chat(128 * 1024))
    seen = watch(running, given.seconds, 200, lambda: paced_calls(running, asked, 0.05, given.seconds))
    return {**_delays(seen.samples), "errors": seen.samples.broken + seen.calls[0].failed}


def large_reply(running: Running, given: Conditions) -> Figures:
    asked = request(running, CHAT, replies.chat(ask=replies.LARGE_REPLY_MARK.decode()))
    return _held(running, asked, given.seconds)


def long_list(running: Running, given: Conditions) -> Figures:
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


def _ms(values: Sequence[float], share: float) -> float:
    return percentile(values, share) / 1e6
