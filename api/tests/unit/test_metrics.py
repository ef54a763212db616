"""The metrics that dashboards and alerts rely on: their names, kinds and labels."""

import pytest
from penstock.telemetry.gauges import States, TargetState
from penstock.telemetry.metrics import Metrics
from prometheus_client.parser import text_string_to_metric_families
from tests.exposition import samples

LABELS = {
    "requests_total": {"surface", "model", "target_kind", "outcome"},
    "request_seconds": {"surface", "model", "target_kind"},
    "first_token_seconds": {"model", "target_kind"},
    "inter_token_seconds": {"model", "target_kind"},
    "overhead_seconds": {"surface"},
    "attempts_total": {"target", "verdict"},
    "fallback_total": {"model", "reason"},
    "tokens_total": {"model", "target_kind", "kind"},
    "cost_usd_total": {"model", "target_kind"},
    "saved_usd_total": {"model"},
    "breaker_state": {"target"},
    "in_flight": {"target"},
    "target_up": {"target"},
    "store_up": set(),
    "usage_waiting_requests": set(),
    "usage_lag_seconds": set(),
    "callers_age_seconds": set(),
    "build_info": {"version"},
    "function_requests_total": {"function", "outcome"},
    "function_seconds": {"function"},
    "function_tokens_total": {"function", "kind"},
    "caller_requests_total": {"caller", "outcome"},
    "caller_tokens_total": {"caller", "kind"},
    "caller_cost_usd_total": {"caller"},
}
GAUGES = {
    "breaker_state",
    "in_flight",
    "target_up",
    "store_up",
    "usage_waiting_requests",
    "usage_lag_seconds",
    "callers_age_seconds",
    "build_info",
}


@pytest.fixture
def metrics() -> Metrics:
    """All of them, each seen once."""
    metrics = Metrics()
    metrics.show(lambda: States([TargetState("gpu-1", 2, 3, up=False)], store_up=True))
    for name, labels in LABELS.items():
        if name in GAUGES:
            continue
        make = getattr(metrics, name.removesuffix("_total"))
        child = make.of(*["x"] * len(labels))
        child.observe(0.03) if name.endswith("_seconds") else child.inc()
    return metrics


def test_names_and_labels_are_the_contracts(metrics: Metrics) -> None:
    found = {
        (sample.name.removesuffix("_count"), frozenset(sample.labels))
        for family in text_string_to_metric_families(metrics.exposition().decode())
        for sample in family.samples
        if not sample.name.endswith(("_bucket", "_sum", "_created"))
    }
    assert found == {(f"penstock_{name}", frozenset(labels)) for name, labels in LABELS.items()}


def test_kinds_are_the_contracts(metrics: Metrics) -> None:
    kinds = {family.name: family.type for family in text_string_to_metric_families(metrics.exposition().decode())}
    for name in LABELS:
        kind = "gauge" if name in GAUGES else "histogram" if name.endswith("_seconds") else "counter"
        assert kinds[f"penstock_{name.removesuffix('_total')}"] == kind


def test_each_has_its_sentence(metrics: Metrics) -> None:
    for family in text_string_to_metric_families(metrics.exposition().decode()):
        assert family.documentation.endswith("."), family.name


def test_states_are_read_when_the_metrics_are() -> None:
    metrics, states, up = Metrics(), [TargetState("gpu-1", 0, 0, up=True)], [True]
    metrics.show(lambda: States(states, up[0]))
    one = frozenset({("target", "gpu-1")})
    first = samples(metrics.exposition())
    states[0], up[0] = TargetState("gpu-1", 2, 7, up=False), False
    then = samples(metrics.exposition())
    told = [
        (at["penstock_breaker_state", one], at["penstock_in_flight", one], at["penstock_target_up", one])
        for at in (first, then)
    ]
    assert told == [(0, 0, 1), (2, 7, 0)]
    assert [at["penstock_store_up", frozenset()] for at in (first, then)] == [1, 0]


def test_two_instances_in_one_process_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one.attempts.of("gpu-1", "answered").inc()
    assert b"gpu-1" not in other.exposition()


def test_a_child_is_bound_once() -> None:
    metrics = Metrics()
    assert metrics.attempts.of("a", "b") is metrics.attempts.of("a", "b")
