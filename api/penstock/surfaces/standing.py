"""How a target stands, as operators are told."""

from __future__ import annotations

import time

from pydantic import BaseModel

from penstock.upstream.breaker import State
from penstock.upstream.target import Kind, Target


class Engine(BaseModel):
    """What the engine said of itself, and how long ago."""

    running: int
    waiting: int
    kv_cache_usage: float
    tokens_per_s: float
    age_s: float


class Standing(BaseModel):
    id: str
    kind: Kind
    up: bool
    drained: bool
    breaker: State
    retry_in_s: float
    in_flight: int
    engine: Engine | None

    @property
    def out_for(self) -> str:
        """Why nothing is sent there; empty if it is."""
        if self.drained:
            return "drained"
        if not self.up:
            return "down"
        return "" if self.breaker == "closed" else f"breaker {self.breaker}"


def standing_of(target: Target) -> Standing:
    """Now."""
    engine = target.engine
    return Standing(
        id=target.id,
        kind=target.kind,
        up=target.up,
        drained=target.drained,
        breaker=target.breaker.state,
        retry_in_s=round(target.breaker.retry_in_s, 3),
        in_flight=target.in_flight,
        engine=engine
        and Engine(
            running=engine.running,
            waiting=engine.waiting,
            kv_cache_usage=engine.kv_cache_usage,
            tokens_per_s=round(engine.tokens_per_s, 1),
            age_s=round(time.monotonic() - engine.read_at, 3),
        ),
    )
