"""Versions that misbehave: each is stopped by the tool, the traffic is back, and the numbers say why."""

import pytest

from tests.operations.prometheus import Prometheus
from tests.operations.traffic import Traffic
from tests.operations.verb import StackHost, Verb

pytestmark = pytest.mark.slow

STAGES = ("--stages", "20,100", "--hold", "30", "--max-hold", "40", "--judge-every", "2")
DEMANDS = ("--min-requests", "40", "--quantiles", "0.5")
"""Enough for a few requests a second."""


def assert_as_before(host: StackHost, stopped: Verb, outcome: str) -> None:
    """Blue serves with version 1, nothing else runs, and the audit tells."""
    assert stopped.code == 1, stopped.text
    assert host.stack.shares() == {"blue": 100, "green": 0}
    assert host.stack.versions() == {"blue": ["1", "1"], "green": ["", ""]}
    assert host.stack.drained() == set()
    assert host.under_way() is None
    assert host.audit()[-1]["outcome"] == outcome
    assert "everything is as it was" in stopped.text


@pytest.mark.parametrize("strategy", ["rolling", "blue-green", "canary"])
class TestBeforeItGetsARequest:
    """No client notices."""

    def deploy(self, host: StackHost, strategy: str, version: str, prometheus: Prometheus) -> Verb:
        words = ("--version", version, "--ready-limit", "6", "--prometheus", prometheus.url)
        with Traffic(host.stack.edge.url, 10, stream_tokens=100) as traffic:
            stopped = host.run("deploy", strategy, *words)
        assert traffic.outcome.whole, traffic.outcome.summary()
        return stopped

    def test_one_that_never_becomes_ready(self, host: StackHost, strategy: str, prometheus: Prometheus) -> None:
        stopped = self.deploy(host, strategy, "unready", prometheus)
        assert_as_before(host, stopped, "failed")
        assert "unready runs, and is not ready" in stopped.text

    def test_one_that_fails_its_smoke_test(self, host: StackHost, strategy: str, prometheus: Prometheus) -> None:
        stopped = self.deploy(host, strategy, "cuts", prometheus)
        assert_as_before(host, stopped, "failed")
        assert "FAIL  stream" in stopped.text

    def test_one_that_does_not_exist(self, host: StackHost, strategy: str, prometheus: Prometheus) -> None:
        stopped = self.deploy(host, strategy, "missing", prometheus)
        assert stopped.code == 1
        assert host.stack.replaced == []
        assert "no image" in stopped.text


def gone_bad(host: StackHost, strategy: str, version: str, *words: str) -> Verb:
    """It does so as soon as it gets requests."""
    verb = host.start("deploy", strategy, "--version", version, *words)
    verb.wait_for("let requests in", 1 if strategy == "rolling" else 2)
    verb.wait_for("watch" if strategy != "canary" else "hold")
    host.stack.go_bad()
    return verb.wait()


@pytest.mark.parametrize("strategy", ["rolling", "blue-green"])
class TestWatchedAtTheEdge:
    def test_one_that_errs(self, host: StackHost, strategy: str) -> None:
        with Traffic(host.stack.edge.url, 20, stream_tokens=50) as traffic:
            stopped = gone_bad(host, strategy, "errs", "--watch", "30")
        assert_as_before(host, stopped, "breach")
        assert "answers of" in stopped.text
        assert 0 < traffic.outcome.count("failed") < 0.2 * len(traffic.outcome.samples)

    def test_one_that_crashes_after_a_while(self, host: StackHost, strategy: str) -> None:
        stopped = gone_bad(host, strategy, "crashes", "--watch", "30")
        assert_as_before(host, stopped, "breach")
        assert "ended by itself" in stopped.text


class TestCanary:
    def test_one_that_is_three_times_slower(self, host: StackHost, prometheus: Prometheus) -> None:
        with Traffic(host.stack.edge.url, 30, stream_tokens=50) as traffic:
            words = ("--version", "slow", "--prometheus", prometheus.url)
            stopped = host.run("deploy", "canary", *words, *STAGES, *DEMANDS)
        assert_as_before(host, stopped, "breach")
        assert "at 20 %" in stopped.text
        assert "breach: canary" in stopped.text
        assert traffic.outcome.whole

    @pytest.mark.parametrize("version", ["errs", "crashes"])
    def test_one_that_goes_bad(self, host: StackHost, version: str, prometheus: Prometheus) -> None:
        """No more than its stage's share of the requests is harmed."""
        with Traffic(host.stack.edge.url, 30, stream_tokens=50) as traffic:
            stopped = gone_bad(host, "canary", version, "--prometheus", prometheus.url, *STAGES, *DEMANDS)
        assert_as_before(host, stopped, "breach")
        harmed = traffic.outcome.count("failed") + traffic.outcome.count("broken")
        assert harmed < 0.2 * len(traffic.outcome.samples)
        assert version == "crashes" or harmed

    def test_without_requests_nothing_is_guessed(self, host: StackHost, prometheus: Prometheus) -> None:
        words = ("--stages", "20,100", "--hold", "2", "--max-hold", "4", "--prometheus", prometheus.url)
        stopped = host.run("deploy", "canary", "--version", "2", *words)
        assert stopped.code == 2
        assert "too little data" in stopped.text
        assert host.stack.shares() == {"blue": 100, "green": 0}
        assert host.audit()[-1]["outcome"] == "too little data"

    def test_without_prometheus_it_does_not_begin(self, host: StackHost) -> None:
        stopped = host.run("deploy", "canary", "--version", "2", "--prometheus", "http://127.0.0.1:9")
        assert stopped.code == 5
        assert host.stack.replaced == []
