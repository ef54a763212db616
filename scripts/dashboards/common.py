"""What several dashboards show in the same way: what is planned, who fails, how slow the slowest are."""

from __future__ import annotations

from dashboards.panels import ALLOWED, TOKENS, Panel, Query, Step, series, stat, table

ERRORS = 'outcome=~"failed|timeout|broken|bug"'
ERROR_STEPS: tuple[Step, ...] = ((None, "green"), (0.001, "yellow"), (0.05, "red"))
"""The plan's: what is promised over 30 days, and what ErrorRateHigh allows."""
FALLBACK_STEPS: tuple[Step, ...] = ((None, "green"), (0.1, "red"))
LATENCY_STEPS: tuple[Step, ...] = ((None, "green"), (3, "red"))
FIRST_TOKEN_STEPS: tuple[Step, ...] = ((None, "green"), (2, "red"))
COST_STEPS: tuple[Step, ...] = ((None, "green"), (16, "yellow"), (20, "red"))
"""Of a day's dollars: FallbackBudgetNearlySpent, CostOverPlan."""
BREAKERS = {0: ("closed", "green"), 1: ("half-open", "yellow"), 2: ("open", "red")}

OF_MODEL = '{model=~"$model"}'


def plan(name: str) -> Query:
    """What monitoring/prometheus/rules/plan.yml allows, as a line."""
    return Query(f"plan:penstock_{name}", ALLOWED)


def fallback_share() -> Panel:
    return series(
        "Fallback share",
        "Share of each model's requests that a cloud answered, and what is planned.",
        "percentunit",
        Query(f"model:penstock_fallback_per_request:ratio_rate5m{OF_MODEL}", "{{model}}"),
        plan("fallback_per_request:ratio"),
    )


def paid_within_a_day() -> Panel:
    return stat(
        "Paid within a day",
        "Dollars paid to clouds for all models; yellow from 80 % of the plan on, red above it.",
        "currencyUSD",
        Query("sum(model:penstock_cost_usd:increase1d)"),
        steps=COST_STEPS,
    )


def firing_alerts() -> Panel:
    named = 'sum by (alertname, severity, model, target, instance) (ALERTS{alertstate="firing"})'
    says = "What fires now; its name leads to its page of the runbook."
    return table(
        "Firing alerts", says, {"firing": ("none", Query(named))}, links={"alertname": "${runbook}/${__value.raw}.md"}
    )


def percentile(quantile: float, metric: str, by: str, chosen: str, over: str = "$__rate_interval") -> Query:
    """Of a histogram's values, by one label; `chosen`: its matchers."""
    buckets = f"sum by ({by}, le) (rate({metric}_bucket{{{chosen}}}[{over}]))"
    return Query(f"histogram_quantile({quantile}, {buckets})", f"{{{{{by}}}}}")


def errors_of(what: str, over: str = "$__rate_interval") -> Query:
    """The share of the requests that fail, of each function or caller."""
    counted = f'penstock_{what}_requests_total{{{what}=~"${what}", '
    failed = f"sum by ({what}) (rate({counted}{ERRORS}}}[{over}]))"
    every = f'sum by ({what}) (rate({counted}outcome!="refused"}}[{over}]))'
    return Query(f"({failed} or 0 * {every}) / {every}", f"{{{{{what}}}}}")


def rate_of(metric: str, what: str, *by: str, more: str = "", over: str = "$__rate_interval") -> Query:
    """What a counter of functions or callers counts a second, by these labels, or by the function or caller."""
    labels = by or (what,)
    counted = f'penstock_{what}_{metric}_total{{{what}=~"${what}"{more}}}'
    return Query(
        f"sum by ({', '.join(labels)}) (rate({counted}[{over}]))", " ".join(f"{{{{{each}}}}}" for each in labels)
    )


def each_of(what: str, *, p95: bool) -> Panel:
    """Functions or callers in a table, to be sorted."""
    columns = {
        "requests": ("reqps", rate_of("requests", what, over="1h")),
        "error share": ("percentunit", errors_of(what, over="1h")),
        "tokens": (TOKENS, rate_of("tokens", what, over="1h")),
    }
    if p95:
        columns["p95"] = ("s", percentile(0.95, f"penstock_{what}_seconds", what, f'{what}=~"${what}"', over="1h"))
    return table(f"Each {what} over an hour", "Sorted by a column, the worst stands first.", columns)
