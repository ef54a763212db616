"""One request, normalised: what to ask, of which model, until when; and what has happened to it so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from penstock.errors import StopMade
from penstock.telemetry.trace import Trace
from penstock.upstream.dialects import Dialect
from penstock.upstream.pool import Pool


class Fare(Protocol):
    """What a call may spend at clouds."""

    async def take(self) -> bool:
        """Whether a cloud may be asked."""
        ...

    def unheard(self) -> None:
        """It was asked, and not heard out."""
        ...


class Place(Protocol):
    """A call's place at the replicas."""

    def leave(self) -> None: ...


@dataclass(slots=True)
class Call:
    """`raw` is the request's body, `fields` what it holds. `deadline` is monotonic, as the loop's clock is."""

    dialect: Dialect
    pool: Pool
    raw: bytes
    fields: Mapping[str, object]
    request_id: str
    deadline: float
    stream: bool = False
    wants_usage: bool = False
    may_fall_back: bool = True
    """A cloud may answer for the pool."""
    crowded_out: bool = False
    """No replica is asked: others wait there."""
    fare: Fare | None = None
    """None: clouds may be asked without counting."""
    unpaid: bool = False
    """The budget for clouds refused it."""
    place: Place | None = None
    trace: Trace | None = None
    """Where its attempts are noted, if it is traced."""
    onward: str = ""
    """What its targets are told of a trace if it is not: lines of HTTP, each after the end of the line before it."""
    attempts: int = 0
    target: str = "none"
    """The target that was asked last."""
    waited_s: float = 0.0
    """Time spent waiting for targets: what is left of the call's time was ours."""
    stops: list[StopMade] = field(default_factory=list)
    why: str | None = None
    """What the last failed attempt came to, in a word."""
