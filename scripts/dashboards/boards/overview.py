"""Is it well?"""

from dashboards.board import FIRING, MOVED, Board, Variable
from dashboards.common import (
    BREAKERS,
    ERROR_STEPS,
    FALLBACK_STEPS,
    FIRST_TOKEN_STEPS,
    LATENCY_STEPS,
    OF_MODEL,
    fallback_share,
    firing_alerts,
    paid_within_a_day,
    plan,
)
from dashboards.panels import GREEN, NONE_IS_GOOD, PLAIN, Query, series, stat, timeline

MODEL = Variable("model", "Model", "label_values(penstock_requests_total, model)")


def _share(of: str) -> Query:
    return Query(f"sum(model:penstock_{of}:rate5m{OF_MODEL}) / sum(model:penstock_requests:rate5m{OF_MODEL})")


def _percentiles(metric: str) -> list[Query]:
    return [Query(f"model:penstock_{metric}:{p}_5m{OF_MODEL}", f"{{{{model}}}} {p}") for p in ("p50", "p95", "p99")]


def _burn(window: str) -> Query:
    burnt = f"model:penstock_errors_per_request:ratio_rate{window}{OF_MODEL}"
    return Query(f"{burnt} / scalar(plan:penstock_errors_per_request:ratio30d)", f"{{{{model}}}} {window}")


NOW = [
    stat(
        "Firing alerts",
        "Alerts that fire now; the table below names them.",
        "none",
        Query('count(ALERTS{alertstate="firing"}) or vector(0)'),
        steps=NONE_IS_GOOD,
    ),
    stat(
        "Instances that serve",
        "Instances of the gateway that the edge finds up and nobody drained.",
        "none",
        Query("sum(instance:edge_peers_usable:sum)"),
        steps=((None, "red"), (1, "yellow"), (2, "green")),
    ),
    stat(
        "Replicas up",
        "Share of the replicas that at least one instance finds well.",
        "percentunit",
        Query("sum(target_model:penstock_target_up:max) / count(target_model:penstock_target_up:max)"),
        steps=((None, "red"), (0.5, "yellow"), (1, "green")),
    ),
    stat(
        "Requests",
        "Requests that ended within 5 minutes, without those refused.",
        "reqps",
        Query(f"sum(model:penstock_requests:rate5m{OF_MODEL})"),
        steps=PLAIN,
    ),
    stat(
        "Error share",
        "Share of the requests that failed, timed out, broke off or met a bug; red above ErrorRateHigh's limit.",
        "percentunit",
        _share("errors"),
        steps=ERROR_STEPS,
    ),
    stat(
        "Fallback share",
        "Share of the requests that a cloud answered; red above FallbackRateHigh's limit.",
        "percentunit",
        _share("fallback"),
        steps=FALLBACK_STEPS,
    ),
    stat(
        "Latency p99",
        "Of the slowest model, from a request's last byte to its answer's last; red above LatencyHigh's limit.",
        "s",
        Query(f"max(model:penstock_request_seconds:p99_5m{OF_MODEL})"),
        steps=LATENCY_STEPS,
    ),
    stat(
        "First token p95",
        "Of the slowest model's streams; red above FirstTokenSlow's limit.",
        "s",
        Query(f"max(model:penstock_first_token_seconds:p95_5m{OF_MODEL})"),
        steps=FIRST_TOKEN_STEPS,
    ),
    stat(
        "Breakers not closed",
        "Breakers that some instance holds open, or probes.",
        "none",
        Query("count(penstock_breaker_state > 0) or vector(0)"),
        steps=NONE_IS_GOOD,
    ),
    stat(
        "GPU utilisation",
        "Mean of all GPUs over 5 minutes.",
        "percent",
        Query("avg(instance_gpu:DCGM_FI_DEV_GPU_UTIL:avg5m)"),
        steps=PLAIN,
    ),
    paid_within_a_day(),
    stat(
        "Saved within a day",
        "Dollars that a cloud would have cost for the pool's answers.",
        "currencyUSD",
        Query("sum(model:penstock_saved_usd:increase1d)"),
        steps=GREEN,
    ),
]

CLIENTS = [
    series(
        "Requests by outcome",
        "How requests end: refused is the clients' doing, busy a lack of room.",
        "reqps",
        Query(f"sum by (outcome) (model_outcome:penstock_requests:rate5m{OF_MODEL})", "{{outcome}}"),
        stacked=True,
    ),
    series(
        "Error share",
        "Share of each model's requests that fail, and what ErrorRateHigh allows.",
        "percentunit",
        Query(f"model:penstock_errors_per_request:ratio_rate5m{OF_MODEL}", "{{model}}"),
        plan("errors_per_request:ratio"),
    ),
    series(
        "Error budget burn",
        "How many times too fast the errors of 30 days are spent: ErrorBudgetBurns pages at 14.4 over 1 h, 6 over 6 h.",
        "none",
        *map(_burn, ("1h", "6h", "3d")),
    ),
    series(
        "Latency",
        "From a request's last byte to its answer's last, and the promised p99.",
        "s",
        *_percentiles("request_seconds"),
        plan("request_seconds:p99"),
    ),
    series(
        "First token",
        "From a request's last byte to the first token of its stream, and the promised p95.",
        "s",
        *_percentiles("first_token_seconds"),
        plan("first_token_seconds:p95"),
    ),
    series("Inter-token time", "Mean of each stream, between its events.", "s", *_percentiles("inter_token_seconds")),
]

ANSWERS = [
    fallback_share(),
    timeline(
        "Breakers",
        "The worst that any instance thinks of each target.",
        Query("max by (target) (penstock_breaker_state)", "{{target}}"),
        BREAKERS,
    ),
    series(
        "Our own time p99",
        "Time to the first byte of the answer that was ours, not a target's.",
        "s",
        Query("surface:penstock_overhead_seconds:p99_5m", "{{surface}}"),
    ),
    series(
        "Answers of the edge",
        "Answers by class of status, as clients see them.",
        "reqps",
        Query("sum by (status) (instance_status:edge_requests:rate5m)", "{{status}}"),
        stacked=True,
    ),
    series(
        "Replicas up",
        "Replicas of each model that are well, by the name that vLLM serves.",
        "none",
        Query("model:penstock_target_up:sum", "{{model}}"),
    ),
    series(
        "Waiting at replicas",
        "Requests in the engines' queues, by the name that vLLM serves.",
        "none",
        Query("model:vllm_num_requests_waiting:sum", "{{model}}"),
    ),
    firing_alerts(),
]

OVERVIEW = Board(
    "penstock-overview",
    "overview",
    "Is it well? What clients get, who answers them, what it costs.",
    [*NOW, "What clients get", *CLIENTS, "Who answers", *ANSWERS],
    [MODEL],
    [FIRING, MOVED],
)
