"""How many replicas an autoscaler wants, by the two signs that the project's own go by."""

from __future__ import annotations

from math import ceil
from statistics import fmean

from penstock.capacity.pool import Pool

EVERY_S = 15.0
WAITING, CACHE = 4, 0.7
"""Requests that wait at a replica and the used share of its KV cache, on average: what is aimed at."""


def wanted(pool: Pool) -> int:
    """At most twice as many as there are. The larger number of the two signs."""
    if not pool.replicas:
        return 1
    engines = [each.engine for each in pool.replicas]
    waiting = fmean(len(each.waiting) for each in engines) / WAITING
    cache = fmean(each.blocks.used / each.blocks.total for each in engines) / CACHE
    return ceil(len(engines) * min(2.0, max(waiting, cache)))
