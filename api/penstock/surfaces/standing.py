"""How a target stands, as operators are told."""

from __future__ import annotations

import math
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
        return "breaker open" if self.breaker == "open" else ""


def standing_of(target: Target, stale_s: float = math.inf) -> Standing:
    """Now. With a `stale_s`, what the engine said is left out from that age on, and where the replica is down."""
    now, engine = time.monotonic(), target.engine
    if engine is not None and (now - engine.read_at >= stale_s or (stale_s < math.inf and not target.up)):
        engine = None
    return Standing(
        id=target.id,
        kind=target.kind,
        up=target.up,
        drained=target.drained,
        breaker=target.breaker.shown,
        retry_in_s=round(target.breaker.retry_in_s, 3),
        in_flight=target.in_flight,
        engine=engine
        and Engine(
            running=engine.running,
            waiting=engine.waiting,
            kv_cache_usage=engine.kv_cache_usage,
            tokens_per_s=round(engine.tokens_per_s, 1),
            age_s=round(now - engine.read_at, 3),
        ),
    )
