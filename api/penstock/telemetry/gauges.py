"""What stands at a moment: read whenever the metrics are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector


class TargetState(NamedTuple):
    """`breaker`: 0 closed, 1 half-open, 2 open."""

    id: str
    breaker: int
    in_flight: int
    up: bool


class BudgetState(NamedTuple):
    """What clouds may be paid in an hour, a day or a month, and what is left of it, in dollars."""

    period: str
    budget_usd: float
    left_usd: float


class PoolState(NamedTuple):
    """What an hour of a model's replicas costs, and the calls that wait for their turn at them."""

    model: str
    usd_per_hour: float
    queued: int


class UsageState(NamedTuple):
    """Requests that are counted and not in the ledger, and how long ago it had all; 0 if it has all now."""

    waiting: int
    lag_s: float


class States(NamedTuple):
    """What there is to read."""

    targets: Iterable[TargetState]
    store_up: bool
    budgets: Iterable[BudgetState] = ()
    pools: Iterable[PoolState] = ()
    usage: UsageState = UsageState(0, 0.0)
    callers_age_s: float = 0.0


class Gauges(Collector):
    """`version` is what this instance is called beside others."""

    def __init__(self, states: Callable[[], States], version: str) -> None:
        self._states = states
        self._version = version

    def collect(self) -> Iterator[GaugeMetricFamily]:
        states = self._states()
        yield from _of_targets(states.targets)
        yield from _of_budgets(states.budgets)
        yield from _of_pools(states.pools)
        store_up = "Whether the shared store answers; while it does not, the instance works from its own memory."
        yield GaugeMetricFamily("penstock_store_up", store_up, value=states.store_up)
        waiting = "Requests that were counted for their callers and are not yet in Redis."
        yield GaugeMetricFamily("penstock_usage_waiting_requests", waiting, value=states.usage.waiting)
        lag = "How long ago Redis had all that was counted for callers; up to 1 while it takes it."
        yield GaugeMetricFamily("penstock_usage_lag_seconds", lag, value=states.usage.lag_s)
        age = "For how long the callers cannot be read by now; those read last go on. 0 while they can."
        yield GaugeMetricFamily("penstock_callers_age_seconds", age, value=states.callers_age_s)
        build = _gauge("build_info", "Always 1; which version this is.", "version")
        build.add_metric((self._version,), 1)
        yield build


def _of_targets(targets: Iterable[TargetState]) -> Iterator[GaugeMetricFamily]:
    breaker = _gauge("breaker_state", "0 closed, 1 half-open, 2 open.", "target")
    in_flight = _gauge("in_flight", "Requests that a target holds for this instance now.", "target")
    up = _gauge("target_up", "Whether the watcher finds the target well.", "target")
    for state in targets:
        breaker.add_metric((state.id,), state.breaker)
        in_flight.add_metric((state.id,), state.in_flight)
        up.add_metric((state.id,), state.up)
    yield from (breaker, in_flight, up)


def _of_budgets(budgets: Iterable[BudgetState]) -> Iterator[GaugeMetricFamily]:
    budget = _gauge("fallback_budget_usd", "Dollars that clouds may be paid in all of a period.", "period")
    left = _gauge("fallback_left_usd", "Dollars of that which are left, as far as this instance knows.", "period")
    for state in budgets:
        budget.add_metric((state.period,), state.budget_usd)
        left.add_metric((state.period,), state.left_usd)
    yield from (budget, left)


def _of_pools(pools: Iterable[PoolState]) -> Iterator[GaugeMetricFamily]:
    usd = _gauge("pool_usd_per_hour", "Dollars that an hour of a model's replicas costs.", "model")
    queued = _gauge("queued", "Calls that wait for their turn at a model's replicas.", "model")
    for state in pools:
        usd.add_metric((state.model,), state.usd_per_hour)
        queued.add_metric((state.model,), state.queued)
    yield from (usd, queued)


def _gauge(name: str, says: str, label: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"penstock_{name}", says, labels=(label,))
