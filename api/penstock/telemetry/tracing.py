"""Which requests are traced, and what is told of them."""

from __future__ import annotations

import random
from collections.abc import Mapping
from itertools import cycle

from penstock.telemetry.exporter import Bundle, Exporter
from penstock.telemetry.record import Record
from penstock.telemetry.spans import spans_of
from penstock.telemetry.trace import Trace, onward, parent_in

UNSAMPLED = 1024
"""Ids for traces that nobody keeps. They take turns, and cost no request anything."""


class Tracing:
    """Begins traces, and hands the spans of those that are sampled to the exporter."""

    def __init__(self, exporter: Exporter, ratio: float, rng: random.Random) -> None:
        self.exporter = exporter
        self._ratio = ratio
        self._random = rng.random
        self._bits = rng.getrandbits
        ids = [f"{rng.getrandbits(192):048x}" for _ in range(UNSAMPLED)]
        self._unsampled = cycle([onward(each[:32], each[32:], "", sampled=False) for each in ids])

    def begin(self, headers: Mapping[bytes, bytes]) -> Trace | str:
        """A request's trace: the caller's if it has one, sampled if the caller's is, else by chance.

        Of one that is not sampled, what its targets are told, so that they do not trace it by themselves.
        """
        parent = parent_in(headers) if b"traceparent" in headers else None
        if parent is not None:
            if not parent.sampled:
                return onward(parent.trace_id, parent.span_id, parent.state, sampled=False)
            return Trace(parent.trace_id, f"{self._bits(64):016x}", parent.span_id, parent.state, self._bits)
        if self._random() >= self._ratio:
            return next(self._unsampled)
        ids = f"{self._bits(192):048x}"
        return Trace(ids[:32], ids[32:], "", "", self._bits)

    def close(self, record: Record, trace: Trace, now: float) -> None:
        """The request ended at `now`."""
        self.exporter.put(Bundle(spans_of(record, trace, now), 1 + len(trace.steps)))
