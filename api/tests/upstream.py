"""Parts of the road, for tests that need no more of it."""

from __future__ import annotations

import random
from typing import Any

import orjson
from penstock.settings.parts import Breaker, Price, Queueing, Timeouts
from penstock.telemetry.tariff import Tariff
from penstock.upstream.call import Call
from penstock.upstream.dialects import DIALECTS
from penstock.upstream.pool import Pool, Seat
from penstock.upstream.rank import RANKERS
from penstock.upstream.target import Kind, Place, Target, Told

from tests.clock import Clock


def a_target(name: str = "gpu-1", kind: Kind = "replica", *, url: str = "", clock: Clock | None = None) -> Target:
    told = Told(Breaker(), lambda target, state: None)
    return Target(name, kind, Place(url or f"http://{name}:8000"), clock or Clock(), told)


def a_pool(*replicas: Seat, clouds: tuple[Seat, ...] = (), ranking: str = "least_outstanding") -> Pool:
    return Pool(
        name="tiny",
        aliases=(),
        replicas=replicas,
        clouds=clouds,
        timeouts=Timeouts(),
        queueing=Queueing(),
        tariff=Tariff(Price()),
        ranker=RANKERS[ranking],
        rng=random.Random(1),
        stale_s=10,
    )


def a_call(fields: dict[str, Any] | bytes, dialect: str = "chat", *, pool: Pool | None = None) -> Call:
    """As the OpenAI surface makes it of this body."""
    raw = fields if isinstance(fields, bytes) else orjson.dumps(fields)
    read = orjson.loads(raw)
    return Call(
        dialect=next(each for each in DIALECTS if each.name == dialect),
        pool=pool or a_pool(),
        raw=raw,
        fields=read,
        request_id="req-1",
        deadline=1e9,
        stream=bool(read.get("stream")),
        wants_usage=(read.get("stream_options") or {}).get("include_usage") is True,
    )
