"""The canary monitor on a real Prometheus that watches real gateways: good, breach, too little data."""

import json
import time
from typing import Any

import pytest

from tests.operations.prometheus import Prometheus
from tests.operations.traffic import Traffic
from tests.operations.verb import StackHost, Verb
from tests.talk import until

pytestmark = pytest.mark.slow

DEMANDS = ("--min-requests", "40", "--quantiles", "0.5")
SECONDS = 8


@pytest.fixture
def both(host: StackHost) -> StackHost:
    """Half of the requests to each colour, which run the same."""
    for name in host.stack.of["green"]:
        host.stack.run(name, "errs")
    until(lambda: len(host.stack.edge.up()) == 4, 20)
    host.stack.edge.shares(blue=50, green=50)
    return host


def monitor(host: StackHost, prometheus: str, *words: str) -> Verb:
    told = ("--canary", "green", "--window", str(SECONDS + 2), "--prometheus", prometheus)
    return host.run("canary_monitor", *told, *DEMANDS, *words)


def busy(host: StackHost, prometheus: Prometheus) -> None:
    """So long that Prometheus has seen what came of it."""
    with Traffic(host.stack.edge.url, 40, stream_tokens=30) as traffic:
        until(lambda: len(traffic.outcome.samples) > 40 * SECONDS, 60)
    ended = time.time()
    until(lambda: prometheus.value("min(timestamp(up == 1))") > ended, 5)


def checks(verb: Verb) -> dict[str, Any]:
    return {check["name"]: check for check in json.loads(verb.out)["checks"]}


def test_good(both: StackHost, prometheus: Prometheus) -> None:
    busy(both, prometheus)
    good = monitor(both, prometheus.url, "--json")
    assert good.code == 0, good.text + good.out
    told = checks(good)
    assert json.loads(good.out)["verdict"] == "good"
    assert told["error rate"]["canary"] == 0
    assert 40 <= told["error rate"]["canary_count"] < 400
    assert told["tokens per second"]["unit"] == "tokens/s"
    assert set(told) == {
        "error rate",
        "refusal rate",
        "fallback rate",
        "request p50",
        "first token p50",
        "tokens per second",
    }


def test_breach(both: StackHost, prometheus: Prometheus) -> None:
    both.stack.go_bad()
    busy(both, prometheus)
    bad = monitor(both, prometheus.url)
    assert bad.code == 1, bad.out
    assert "error rate: breach" in bad.text
    assert "error rate: breach: canary" in bad.out


def test_too_little_data(both: StackHost, prometheus: Prometheus) -> None:
    until(lambda: prometheus.value("vector(1)") == 1)
    few = monitor(both, prometheus.url, "--window", "1")
    assert few.code == 2
    assert "too little data" in few.text


def test_the_counts_are_those_of_the_window(both: StackHost, prometheus: Prometheus) -> None:
    """What was counted before it, and what a new instance counted before its first scrape, is told apart."""
    busy(both, prometheus)
    end = time.time()
    name = both.stack.of["green"][0]
    both.stack.run(name, "2")
    until(lambda: name in both.stack.edge.up(), 20)
    busy(both, prometheus)
    window = str(time.time() - end)
    told = checks(monitor(both, prometheus.url, "--json", "--window", window))
    counted = told["error rate"]["canary_count"] + told["error rate"]["control_count"]
    assert counted == pytest.approx(40 * SECONDS, rel=0.35)


def test_a_dry_run_shows_the_queries(both: StackHost, prometheus: Prometheus) -> None:
    assert "max_over_time(penstock_requests_total" in monitor(both, prometheus.url, "--dry-run").text


def test_a_prometheus_that_is_away_cannot_be_asked(host: StackHost) -> None:
    assert monitor(host, "http://127.0.0.1:9").code == 5


def test_wrong_words_are_no_verdict(host: StackHost) -> None:
    assert host.run("canary_monitor", "--canary", "red").code == 64
