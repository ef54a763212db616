"""Every target as the gauges show it."""

from __future__ import annotations

from collections.abc import Iterator

from penstock.telemetry.metrics import TargetState
from penstock.upstream.breaker import State
from penstock.upstream.roster import Roster

BREAKER_GAUGE: dict[State, int] = {"closed": 0, "half-open": 1, "open": 2}


def states(roster: Roster) -> Iterator[TargetState]:
    """Those that the roster has when it is asked."""
    for target in roster.targets.values():
        yield TargetState(target.id, BREAKER_GAUGE[target.breaker.shown], target.in_flight, target.up)
