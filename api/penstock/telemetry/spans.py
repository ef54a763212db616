"""A request and its attempts as spans, in OTLP's JSON (https://opentelemetry.io/docs/specs/otlp).

The names are the semantic conventions' for HTTP and GenAI; what they have no name for begins with `penstock.`.
The JSON is put together as text, and what is the same for many spans is made once: a tenth of the cost.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import lru_cache

import orjson

from penstock.telemetry.record import Outcome, Record
from penstock.telemetry.trace import Step, Trace

SERVER, CLIENT = 2, 3
VALUES: Mapping[type, str] = {str: "stringValue", bool: "boolValue", int: "intValue", float: "doubleValue"}
OPERATIONS = {"completions": "text_completion", "embeddings": "embeddings"}
"""By surface; the others chat."""
PROVIDERS = {"replica": "vllm", "cloud": "openai"}
OURS: frozenset[Outcome] = frozenset({"failed", "timeout", "broken", "bug"})
"""Outcomes that are errors of the server: a refusal is the client's, and to be busy is none."""
PLACED = '"traceId":"%s","spanId":"%s",%s%s"startTimeUnixNano":"%d000","endTimeUnixNano":"%d000"'
"""A float of today's seconds is no finer than microseconds."""
EVENTS = ',"events":[{"name":"penstock.first_token","timeUnixNano":"%d000"}]'
USAGE = (
    ',{"key":"gen_ai.usage.input_tokens","value":{"intValue":"%d"}}'
    ',{"key":"gen_ai.usage.output_tokens","value":{"intValue":"%d"}}'
)
KEPT = 1024
"""Of what is the same for many."""


def spans_of(record: Record, trace: Trace, now: float) -> bytes:
    """All of a request that ended at `now`, with commas between."""
    since = time.time() - time.monotonic()
    spans = [_request(record, trace, since, now)]
    for number, step in enumerate(trace.steps, 1):
        spans.append(_attempt(step, number, record, trace, since))  # a comprehension is a call more
    return ",".join(spans).encode()


def frame_of(resource: Mapping[str, object], scope: str, version: str) -> tuple[bytes, bytes]:
    """What stands before spans and after them in a request of the protocol."""
    about = f'"resource":{{"attributes":[{_attributes(resource)}]}}'
    scoped = f'"scope":{{"name":{_text(scope)},"version":{_text(version)}}}'
    return f'{{"resourceSpans":[{{{about},"scopeSpans":[{{{scoped},"spans":['.encode(), b"]}]}]}"


def _request(record: Record, trace: Trace, since: float, now: float) -> str:
    fixed = _of_requests(
        trace.method, trace.path, trace.route, record.status, record.surface, record.caller, record.outcome,
        record.code, record.model, record.function, record.target, record.attempts, record.fallback,
    )  # fmt: skip
    told = f'{{"key":"penstock.request_id","value":{{"stringValue":"{record.request_id}"}}}}'  # it is safe: see Visit
    if record.target_kind == "cloud" or record.paid_usd:
        told = f"{told},{_attribute('penstock.cost_usd', record.paid_usd)}"
    events = ""
    if record.first_token_at is not None:
        events = EVENTS % ((since + record.first_token_at) * 1e6)
    placed = _placed(trace, trace.span_id, trace.parent_id, since + record.received_at, since + now)
    return f"{{{placed},{fixed},{told}]{events}}}"


def _attempt(step: Step, number: int, record: Record, trace: Trace, since: float) -> str:
    fixed = _of_attempts(
        record.surface, step.kind, step.asked, record.stream, step.model, step.host, step.port, step.status,
        step.outcome, step.target, number,
    )  # fmt: skip
    told = ""
    if step.tokens is not None:
        told = USAGE % step.tokens
    if record.stream and step.answered_at is not None:
        first = _attribute("gen_ai.response.time_to_first_chunk", step.answered_at - step.began_at)
        told = f"{told},{first}"
    placed = _placed(trace, step.span_id, trace.span_id, since + step.began_at, since + step.ended_at)
    return f"{{{placed},{fixed}{told}]}}"


@lru_cache(KEPT)
def _of_requests(
    method: str, path: str, route: str | None, status: int, surface: str, caller: str, outcome: Outcome,
    code: str | None, model: str, function: str | None, target: str, attempts: int, fallback: str | None,
) -> str:  # fmt: skip
    told: dict[str, object] = {
        "http.request.method": method,
        "http.route": route,
        "url.path": path,
        "url.scheme": "http",
        "http.response.status_code": status or None,
        "error.type": code,
        "penstock.caller": caller,
        "penstock.outcome": outcome,
    }
    if route is not None:
        told |= {
            "gen_ai.operation.name": OPERATIONS.get(surface, "chat"),
            "gen_ai.request.model": model,
            "penstock.function": function,
            "penstock.target": target,
            "penstock.attempts": attempts,
            "penstock.fallback": fallback,
        }
    return _fixed(f"{method} {route}" if route else method, SERVER, told, bad=outcome in OURS)


@lru_cache(KEPT)
def _of_attempts(
    surface: str, kind: str, asked: str, stream: bool, model: str | None, host: str, port: int, status: int | None,
    outcome: str, target: str, number: int,
) -> str:  # fmt: skip
    operation, answered = OPERATIONS.get(surface, "chat"), outcome == "answered"
    told = {
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": PROVIDERS[kind],
        "gen_ai.request.model": asked,
        "gen_ai.request.stream": stream or None,
        "gen_ai.response.model": model,
        "server.address": host,
        "server.port": port,
        "http.response.status_code": status,
        "error.type": None if answered else outcome,
        "penstock.target": target,
        "penstock.target_kind": kind,
        "penstock.attempt": number,
    }
    return _fixed(f"{operation} {asked}", CLIENT, told, bad=not answered)


def _fixed(name: str, kind: int, told: Mapping[str, object], *, bad: bool) -> str:
    """A span's members but for those that place it. Its attributes are left open, for more."""
    status = '"status":{"code":2},' if bad else ""
    return f'"name":{_text(name)},"kind":{kind},"flags":1,{status}"attributes":[{_attributes(told)}'


def _placed(trace: Trace, span_id: str, parent_id: str, began: float, ended: float) -> str:
    """The members that say where in the trace a span stands, and when it was."""
    parent = f'"parentSpanId":"{parent_id}",' if parent_id else ""
    state = f'"traceState":{_text(trace.state)},' if trace.state else ""
    return PLACED % (trace.trace_id, span_id, parent, state, began * 1e6, ended * 1e6)


def _attributes(told: Mapping[str, object]) -> str:
    return ",".join(_attribute(name, value) for name, value in told.items() if value is not None)


def _attribute(name: str, value: object) -> str:
    """64-bit numbers are text in this JSON."""
    told = f'"{value}"' if type(value) is int else _text(value)
    return f'{{"key":"{name}","value":{{"{VALUES[type(value)]}":{told}}}}}'


def _text(value: object) -> str:
    return orjson.dumps(value).decode()
