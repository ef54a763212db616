"""What a person sees while a load runs."""

from __future__ import annotations

import asyncio

from operations.load.outcome import quantiles
from operations.load.run import Load
from operations.telling import tell


async def shown(load: Load, every_s: float) -> None:
    """A line now and then, until cancelled."""
    seen = 0
    while True:
        await asyncio.sleep(every_s)
        recent = load.outcome.samples[seen:]
        seen += len(recent)
        tell(line(load, quantiles(sample.seconds for sample in recent if sample.timed)))


def line(load: Load, recent: dict[str, float]) -> str:
    """With percentiles of what ended since the line before."""
    outcome = load.outcome
    ill = len(outcome.samples) - outcome.count("ok")
    times = f", p50 {recent['p50']:.3f} s, p99 {recent['p99']:.3f} s" if recent else ""
    return f"{outcome.seconds:6.0f} s: {len(outcome.samples)} ended, {ill} of them ill, {len(load.open)} open{times}"
