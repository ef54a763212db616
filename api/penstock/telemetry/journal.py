"""Where a request is told, once, when it is over: a line in the log and a count in each metric."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import orjson

from penstock.telemetry.lines import Lines
from penstock.telemetry.metrics import Metrics
from penstock.telemetry.record import Record, Traced


class Journal:
    """Where records go when their request is over."""

    def __init__(self, metrics: Metrics, lines: Lines, traced: Traced | None = None) -> None:
        self._metrics = metrics
        self._lines = lines
        self._traced = traced
        self._second = (0, "")

    def close(self, record: Record) -> None:
        now = time.monotonic()
        self._count(record, now)
        self._write(record, now)
        if record.trace is not None and self._traced is not None:
            self._exemplify(record, now, record.trace.trace_id)
            self._traced(record, record.trace, now)

    def _count(self, record: Record, now: float) -> None:
        metrics, model, kind = self._metrics, record.model, record.target_kind
        metrics.requests.of(record.surface, model, kind, record.outcome).inc()
        metrics.request_seconds.of(record.surface, model, kind).observe(now - record.received_at)
        if record.queued_s:
            metrics.queue_seconds.of(model).observe(record.queued_s)
        if record.first_byte_at is not None:
            ours = record.first_byte_at - record.received_at - record.waited_s - record.queued_s
            metrics.overhead_seconds.of(record.surface).observe(max(0.0, ours))
        if record.first_token_at is not None:
            metrics.first_token_seconds.of(model, kind).observe(record.first_token_at - record.received_at)
            if record.events > 1:
                between = (now - record.first_token_at) / (record.events - 1)
                metrics.inter_token_seconds.of(model, kind).observe(between)
        if record.fallback is not None:
            metrics.fallback.of(model, record.fallback).inc()
        metrics.caller_requests.of(record.caller, record.outcome).inc()
        if record.function is not None:
            metrics.function_requests.of(record.function, record.outcome).inc()
            metrics.function_seconds.of(record.function).observe(now - record.received_at)
        if record.target_kind != "none":
            self._count_tokens(record, "input" if record.counted else "input_estimated", record.input_tokens)
            self._count_tokens(record, "output" if record.counted else "output_estimated", record.output_tokens)
            self._count_dollars(record)

    def _count_tokens(self, record: Record, kind: str, tokens: int) -> None:
        self._metrics.tokens.of(record.model, record.target_kind, kind).inc(tokens)
        self._metrics.caller_tokens.of(record.caller, kind).inc(tokens)
        if record.function is not None:
            self._metrics.function_tokens.of(record.function, kind).inc(tokens)

    def _count_dollars(self, record: Record) -> None:
        metrics, model, by_cloud = self._metrics, record.model, record.target_kind == "cloud"
        if by_cloud or record.paid_usd:
            metrics.cost_usd.of(model, "cloud").inc(record.paid_usd)
            metrics.caller_cost_usd.of(record.caller).inc(record.paid_usd)
        if record.saved_usd or not by_cloud:
            metrics.saved_usd.of(model).inc(record.saved_usd)

    def _exemplify(self, record: Record, now: float, trace_id: str) -> None:
        """From the histograms a trace can be found that took so long."""
        metrics, model, kind = self._metrics, record.model, record.target_kind
        metrics.request_seconds.of(record.surface, model, kind).exemplify(now - record.received_at, trace_id)
        if record.first_token_at is not None:
            first = record.first_token_at - record.received_at
            metrics.first_token_seconds.of(model, kind).exemplify(first, trace_id)

    def _write(self, record: Record, now: float) -> None:
        """The line, shaped here: structlog's processors would cost more than the rest of the record."""
        first = record.first_token_at
        line = {
            "event": "request",
            "level": "info",
            "timestamp": self._timestamp(),
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
            "seconds": _micros(now - record.received_at),
            "first_token_s": None if first is None else _micros(first - record.received_at),
            "waited_s": _micros(record.waited_s),
            "queued_s": _micros(record.queued_s),
            "input_tokens": record.input_tokens,
            "output_tokens": record.output_tokens,
            "estimated": not record.counted,
            "cost_usd": round(record.paid_usd, 9) if record.paid_usd else 0.0,
        }
        if record.trace is not None:
            line["trace_id"], line["span_id"] = record.trace.trace_id, record.trace.span_id
        self._lines.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))

    def _timestamp(self) -> str:
        """UTC, as structlog's are. The second is spelled once for all its requests."""
        now = time.time()
        second = int(now)
        if second != self._second[0]:
            self._second = (second, datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S."))
        return self._second[1] + str(1_000_000 + int((now - second) * 1e6))[1:] + "Z"


def _micros(seconds: float) -> float:
    """Cut to microseconds; `round` would print and parse the number to do so."""
    return int(seconds * 1e6) / 1e6
