"""A request's trace: whose it is, and what came of each attempt. It is told on as W3C Trace Context says."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import NamedTuple

PARENT = re.compile(rb"(?!ff)([0-9a-f]{2})-((?!0+-)[0-9a-f]{32})-((?!0+-)[0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
STATE = re.compile(rb"[\x20-\x7e]{1,512}")
SAMPLED = 1
"""The flag."""

Bits = Callable[[int], int]
"""So many by chance."""


@dataclass(slots=True)
class Step:
    """One attempt. Times are monotonic."""

    span_id: str
    target: str
    kind: str
    host: str
    port: int
    asked: str
    """The model's name there."""
    began_at: float
    ended_at: float = 0.0
    answered_at: float | None = None
    """When the first event, or the whole answer, was in hand."""
    outcome: str = ""
    status: int | None = None
    model: str | None = None
    """As the target named it in its answer."""
    tokens: tuple[int, int] | None = None
    """Read, and written."""


@dataclass(slots=True)
class Trace:
    """One request's that is sampled. `parent_id` is the caller's span, empty where the trace begins here."""

    trace_id: str
    span_id: str
    parent_id: str
    state: str
    """The `tracestate` as it came."""
    bits: Bits
    method: str = ""
    path: str = ""
    route: str | None = None
    """The path again, where it is one of the few that generate."""
    steps: list[Step] = field(default_factory=list)

    @property
    def onward(self) -> str:
        """What the target of the latest attempt is told."""
        return onward(self.trace_id, self.steps[-1].span_id, self.state, sampled=True)

    def attempt(self, target: str, kind: str, origin: tuple[str, int, bool], asked: str) -> None:
        """One begins."""
        self.steps.append(Step(f"{self.bits(64):016x}", target, kind, origin[0], origin[1], asked, monotonic()))

    def heard(self, status: int) -> None:
        """The target said so."""
        self.steps[-1].status = status

    def came_to(self, outcome: str) -> None:
        """The latest attempt ended, or has its first event in hand. One that has ended is left as it is."""
        step = self.steps[-1]
        if not step.outcome:
            step.outcome, step.ended_at = outcome, monotonic()
            step.answered_at = step.ended_at if outcome == "answered" else None

    def ended(self, outcome: str) -> None:
        """The answer of the latest attempt is over, and in the end it was this."""
        self.steps[-1].outcome, self.steps[-1].ended_at = outcome, monotonic()

    def left(self) -> None:
        """The answer was left before its end."""
        self.steps[-1].ended_at = monotonic()

    def used(self, model: object, tokens: tuple[int, int]) -> None:
        """What the latest attempt's answer told of itself."""
        self.steps[-1].model = model if isinstance(model, str) else None
        self.steps[-1].tokens = tokens


class Parent(NamedTuple):
    """The span of the caller's that a request belongs to, as the caller told it."""

    trace_id: str
    span_id: str
    sampled: bool
    state: str


def parent_in(headers: Mapping[bytes, bytes]) -> Parent | None:
    """None if there is none that can be read: then the trace begins here."""
    given = headers.get(b"traceparent")
    found = PARENT.fullmatch(given) if given is not None else None
    if found is None or (found[1] == b"00" and found[5]):
        return None
    state = headers.get(b"tracestate", b"")
    told = state.decode() if STATE.fullmatch(state) else ""
    return Parent(found[2].decode(), found[3].decode(), bool(int(found[4], 16) & SAMPLED), told)


def onward(trace_id: str, span_id: str, state: str, *, sampled: bool) -> str:
    """What a target is told: lines of HTTP, each after the end of the line before it."""
    told = f"\r\ntraceparent: 00-{trace_id}-{span_id}-{'01' if sampled else '00'}"
    return f"{told}\r\ntracestate: {state}" if state else told
