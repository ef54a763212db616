"""One request, normalised: what to ask, of which model, until when; and what has happened to it so far."""

from __future__ import annotations

from collections.abc import Mapping
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


class Call:
    """`raw` is the request's body, `fields` what it holds. `deadline` is monotonic, as the loop's clock is."""

    crowded_out = False
    """No replica is asked: others wait there."""
    unpaid = False
    """The budget for clouds refused it."""
    attempts = 0
    target = "none"
    """The target that was asked last."""
    waited_s = 0.0
    """Time spent waiting for targets: what is left of the call's time was ours."""
    why: str | None = None
    """What the last failed attempt came to, in a word."""

    def __init__(
        self,
        *,
        dialect: Dialect,
        pool: Pool,
        raw: bytes,
        fields: Mapping[str, object],
        request_id: str,
        deadline: float,
        stream: bool = False,
        wants_usage: bool = False,
        may_fall_back: bool = True,
        trace: Trace | None = None,
        onward: str = "",
    ) -> None:
        self.dialect = dialect
        self.pool = pool
        self.raw = raw
        self.fields = fields
        self.request_id = request_id
        self.deadline = deadline
        self.stream = stream
        self.wants_usage = wants_usage
        self.may_fall_back = may_fall_back
        """A cloud may answer for the pool."""
        self.trace = trace
        """Where its attempts are noted, if it is traced."""
        self.onward = onward
        """What its targets are told of a trace if it is not: lines of HTTP, each after the end of the one before."""
        self.fare: Fare | None = None
        """None: clouds may be asked without counting."""
        self.place: Place | None = None
        self.stops: list[StopMade] = []
