"""Every target and every pool as the gauges show them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from penstock.telemetry.gauges import PoolState, TargetState
from penstock.upstream.breaker import State
from penstock.upstream.roster import Roster

BREAKER_GAUGE: dict[State, int] = {"closed": 0, "half-open": 1, "open": 2}


def target_states(roster: Roster) -> Iterator[TargetState]:
    """Those that the roster has when it is asked."""
    for target in roster.targets.values():
        yield TargetState(target.id, BREAKER_GAUGE[target.breaker.shown], target.in_flight, target.up)


def pool_states(roster: Roster, queued: Callable[[str], int]) -> Iterator[PoolState]:
    """`queued` tells how many calls wait for a model."""
    for pool in roster.models:
        yield PoolState(pool.name, sum(seat.usd_per_hour for seat in pool.replicas), queued(pool.name))
