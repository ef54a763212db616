"""An answer as JSON. Times in seconds; null where so many were never answered, or where no number of replicas holds."""

from __future__ import annotations

from math import isinf
from typing import TypedDict

from penstock.capacity.answer import Answer, Found
from penstock.capacity.inputs import Inputs
from penstock.capacity.simulation import Scenario, Times
from penstock.costing.assumed import Assumed, told_of


class Quantiles(TypedDict):
    p50: float | None
    p99: float | None


class Row(TypedDict):
    scenario: str
    replicas: int | None
    most_replicas: int | None
    first_token_s: Quantiles | None
    total_s: Quantiles | None
    failed: float | None
    month_usd: float | None


class Alone(TypedDict):
    first_token_s: Quantiles
    total_s: Quantiles


class Step(TypedDict):
    first_token_p99_s: float
    replicas: int
    month_usd: float


class Told(TypedDict):
    assumed: dict[str, Assumed]
    simulated: int
    alone: Alone
    scenarios: list[Row]
    steps: dict[str, list[Step]]


def told(answer: Answer) -> Told:
    alone = answer.search.alone
    return {
        "assumed": told_of(answer.case, Inputs),
        "simulated": len(answer.search.asked),
        "alone": {"first_token_s": _quantiles(alone.first_token), "total_s": _quantiles(alone.total)},
        "scenarios": [_row(row) for row in answer.rows],
        "steps": {scenario.value: _steps(answer, scenario) for scenario in (Scenario.NOTHING, Scenario.REPLICA)},
    }


def _row(row: Found) -> Row:
    outcome = row.outcome if row.replicas else None
    return {
        "scenario": row.scenario.value,
        "replicas": row.replicas,
        "most_replicas": outcome.most if outcome else None,
        "first_token_s": _quantiles(outcome.first_token) if outcome else None,
        "total_s": _quantiles(outcome.total) if outcome else None,
        "failed": outcome.failed if outcome else None,
        "month_usd": None if row.month_usd is None else float(row.month_usd),
    }


def _quantiles(times: Times) -> Quantiles:
    return {"p50": _finite(times.p50), "p99": _finite(times.p99)}


def _finite(seconds: float) -> float | None:
    return None if isinf(seconds) else seconds


def _steps(answer: Answer, scenario: Scenario) -> list[Step]:
    return [
        {"first_token_p99_s": each.first_token_p99, "replicas": each.replicas, "month_usd": float(each.month_usd)}
        for each in answer.steps(scenario)
    ]
