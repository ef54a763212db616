"""Which requests are traced, and what is told of them."""

from __future__ import annotations

import random
from collections.abc import Mapping

from penstock.telemetry.exporter import Bundle, Exporter
from penstock.telemetry.record import Record
from penstock.telemetry.spans import spans_of
from penstock.telemetry.trace import Trace, onward, parent_in


class Tracing:
    """Begins traces, and hands the spans of those that are sampled to the exporter."""

    def __init__(self, exporter: Exporter, ratio: float, rng: random.Random) -> None:
        self.exporter = exporter
        self._ratio = ratio
        self._rng = rng
        self._chance = rng.randbytes

    def begin(self, headers: Mapping[bytes, bytes]) -> Trace | str:
        """A request's trace: the caller's if it has one, sampled if the caller's is, else by chance.

        Of one that is not sampled, what its targets are told, so that they do not trace it by themselves.
        """
        parent = parent_in(headers)
        if parent is not None:
            if not parent.sampled:
                return onward(parent.trace_id, parent.span_id, parent.state, sampled=False)
            return Trace(parent.trace_id, self._chance(8).hex(), parent.span_id, parent.state, self._chance)
        ids = self._chance(24).hex()
        if self._rng.random() >= self._ratio:
            return onward(ids[:32], ids[32:], "", sampled=False)
        return Trace(ids[:32], ids[32:], "", "", self._chance)

    def close(self, record: Record, trace: Trace, now: float) -> None:
        """The request ended at `now`."""
        self.exporter.put(Bundle(spans_of(record, trace, now), 1 + len(trace.steps)))
