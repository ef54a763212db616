"""What there is to tell of one request, told once: a line in the log and a count in each metric."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import orjson

from penstock.settings.parts import Price
from penstock.telemetry.lines import Lines
from penstock.telemetry.metrics import Metrics

Outcome = Literal["ok", "refused", "busy", "failed", "timeout", "broken", "client_gone", "bug"]


@dataclass(slots=True)
class Record:
    """One request. Times are monotonic, in seconds; a model or target that never was known is `none`."""

    surface: str
    request_id: str
    received_at: float
    caller: str = "none"
    model: str = "none"
    function: str | None = None
    target: str = "none"
    target_kind: str = "none"
    attempts: int = 0
    waited_s: float = 0.0
    status: int = 0
    outcome: Outcome = "ok"
    code: str | None = None
    stream: bool = False
    first_byte_at: float | None = None
    first_token_at: float | None = None
    events: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    counted: bool = True
    fallback: str | None = None
    price: Price | None = None

    @property
    def cost_usd(self) -> float:
        """What these tokens cost at a cloud's price."""
        if self.price is None:
            return 0.0
        read = self.input_tokens * self.price.input_per_million_usd
        return (read + self.output_tokens * self.price.output_per_million_usd) / 1e6


class Journal:
    """Where records go when their request is over."""

    def __init__(self, metrics: Metrics, lines: Lines) -> None:
        self._metrics = metrics
        self._lines = lines

    def close(self, record: Record) -> None:
        now = time.monotonic()
        self._count(record, now)
        self._write(record, now)

    def _count(self, record: Record, now: float) -> None:
        metrics, model, kind = self._metrics, record.model, record.target_kind
        metrics.requests(record.surface, model, kind, record.outcome).inc()
        metrics.request_seconds(record.surface, model, kind).observe(now - record.received_at)
        if record.first_byte_at is not None:
            ours = record.first_byte_at - record.received_at - record.waited_s
            metrics.overhead_seconds(record.surface).observe(max(0.0, ours))
        if record.first_token_at is not None:
            metrics.first_token_seconds(model, kind).observe(record.first_token_at - record.received_at)
            if record.events > 1:
                between = (now - record.first_token_at) / (record.events - 1)
                metrics.inter_token_seconds(model, kind).observe(between)
        if record.fallback is not None:
            metrics.fallback(model, record.fallback).inc()
        if record.target_kind != "none":
            self._count_tokens(record)

    def _count_tokens(self, record: Record) -> None:
        metrics, model, kind = self._metrics, record.model, record.target_kind
        metrics.tokens(model, kind, "input").inc(record.input_tokens)
        metrics.tokens(model, kind, "output" if record.counted else "output_estimated").inc(record.output_tokens)
        if kind == "cloud":
            metrics.cost_usd(model, kind).inc(record.cost_usd)
        else:
            metrics.saved_usd(model).inc(record.cost_usd)

    def _write(self, record: Record, now: float) -> None:
        """The line, shaped here: structlog's processors would cost more than the rest of the record."""
        first = record.first_token_at
        line = {
            "event": "request",
            "level": "info",
            "timestamp": datetime.now(UTC).isoformat(),
            "request_id": record.request_id,
            "surface": record.surface,
            "caller": record.caller,
            "model": record.model,
            "function": record.function,
            "target": record.target,
            "attempts": record.attempts,
            "status": record.status,
            "outcome": record.outcome,
            "code": record.code,
            "stream": record.stream,
            "seconds": round(now - record.received_at, 6),
            "first_token_s": None if first is None else round(first - record.received_at, 6),
            "waited_s": round(record.waited_s, 6),
            "input_tokens": record.input_tokens,
            "output_tokens": record.output_tokens,
            "cost_usd": round(record.cost_usd, 9) if record.target_kind == "cloud" else 0.0,
        }
        self._lines.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
