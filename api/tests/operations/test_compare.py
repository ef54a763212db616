"""Good, breach, or too little data: when each is said of rates and times."""

import random
from bisect import bisect_left

import pytest
from operations.compare import Demands, Hits, rates, times
from operations.histogram import Histogram, histogram_of

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, float("inf"))
DEMANDS = Demands()


def histogram(values: list[float]) -> Histogram:
    counts = [0.0] * len(BOUNDS)
    for value in values:
        counts[bisect_left(BOUNDS, value)] += 1
    return histogram_of({str(bound): sum(counts[: at + 1]) for at, bound in enumerate(BOUNDS)})


def answers(rng: random.Random, count: int, factor: float = 1) -> Histogram:
    return histogram([factor * rng.lognormvariate(-1.2, 0.6) for _ in range(count)])


class TestRates:
    @pytest.mark.parametrize(
        ("canary", "control", "verdict"),
        [
            (Hits(40, 200), Hits(2, 3800), "breach"),
            (Hits(6, 30), Hits(0, 570), "breach"),
            (Hits(0, 200), Hits(2, 3800), "good"),
            (Hits(0, 50), Hits(0, 950), "too little data"),
            (Hits(0, 200), Hits(0, 0), "too little data"),
            (Hits(2, 100), Hits(3, 1900), "too little data"),
            (Hits(12, 2000), Hits(2, 2000), "good"),
            (Hits(40, 200), Hits(40, 200), "good"),
        ],
        ids=[
            "twenty percent",
            "so bad that few are enough",
            "better",
            "few, and nothing wrong",
            "no control",
            "worse, and it may be chance",
            "worse for certain, and too little to matter",
            "both are sick: not the canary's doing",
        ],
    )
    def test_verdict(self, canary: Hits, control: Hits, verdict: str) -> None:
        assert rates("error rate", canary, control, DEMANDS).verdict == verdict

    def test_it_says_the_numbers(self) -> None:
        told = str(rates("error rate", Hits(40, 200), Hits(2, 4000), DEMANDS))
        assert told.startswith("error rate: breach: canary 20.00% of 200, control 0.05% of 4000, by chance ")


class TestTimes:
    @pytest.mark.parametrize("quantile", [0.5, 0.95, 0.99])
    def test_three_times_slower_is_a_breach(self, quantile: float) -> None:
        rng = random.Random(1)
        check = times("p", quantile, answers(rng, 1000, 3), answers(rng, 5000), DEMANDS)
        assert check.verdict == "breach"
        assert check.canary > 2 * check.control

    @pytest.mark.parametrize("quantile", [0.5, 0.95, 0.99])
    def test_equal_ones_are_good(self, quantile: float) -> None:
        rng = random.Random(2)
        assert times("p", quantile, answers(rng, 5000), answers(rng, 5000), DEMANDS).verdict == "good"

    def test_a_tail_alone_is_seen_where_it_is(self) -> None:
        rng = random.Random(3)
        values = [rng.uniform(0.1, 0.2) for _ in range(2000)]
        tailed = histogram([value * 30 if at % 12 == 0 else value for at, value in enumerate(values)])
        assert times("p50", 0.5, tailed, histogram(values), DEMANDS).verdict == "good"
        assert times("p95", 0.95, tailed, histogram(values), DEMANDS).verdict == "breach"

    def test_a_high_quantile_needs_more(self) -> None:
        rng = random.Random(4)
        canary, control = answers(rng, 150), answers(rng, 3000)
        assert times("p50", 0.5, canary, control, DEMANDS).verdict == "good"
        assert times("p99", 0.99, canary, control, DEMANDS).verdict == "too little data"

    def test_a_few_milliseconds_matter_only_between_tokens(self) -> None:
        rng = random.Random(8)
        control = histogram([rng.uniform(0.001, 0.0049) for _ in range(2000)])
        canary = histogram([rng.uniform(0.0051, 0.0095) for _ in range(2000)])
        assert times("first token p50", 0.5, canary, control, DEMANDS).verdict == "good"
        assert times("tokens per second", 0.5, canary, control, DEMANDS, 0.001).verdict == "breach"

    def test_a_cold_start_condemns_nobody(self) -> None:
        rng = random.Random(5)
        check = times("p50", 0.5, answers(rng, 10, 10), answers(rng, 1000), DEMANDS)
        assert check.verdict == "too little data"

    def test_without_any_nothing_is_said(self) -> None:
        rng = random.Random(6)
        assert times("p50", 0.5, histogram([]), answers(rng, 100), DEMANDS).verdict == "too little data"
        assert times("p50", 0.5, histogram_of({}), answers(rng, 100), DEMANDS).verdict == "too little data"

    def test_what_lies_beyond_all_bounds_counts(self) -> None:
        check = times("p50", 0.5, histogram([60.0] * 200), histogram([0.2] * 2000), DEMANDS)
        assert check.verdict == "breach"


def test_equal_ones_are_hardly_ever_condemned() -> None:
    """A thousand stages, four comparisons each, of versions that are alike."""
    rng = random.Random(7)
    breaches = 0
    for _ in range(1000):
        canary, control = answers(rng, 200), answers(rng, 600)
        breaches += any(times("p", q, canary, control, DEMANDS).verdict == "breach" for q in DEMANDS.quantiles)
        hits = (Hits(sum(rng.random() < 0.02 for _ in range(count)), count) for count in (200, 600))
        breaches += rates("errors", next(hits), next(hits), DEMANDS).verdict == "breach"
    assert breaches <= 8


def test_quantiles_are_read_as_prometheus_reads_them() -> None:
    seen = histogram_of({"0.1": 10, "0.5": 30, "1": 40, "+Inf": 50})
    assert seen.quantile(0.1) == pytest.approx(0.05)
    assert seen.quantile(0.4) == pytest.approx(0.3)
    assert seen.quantile(0.8) == pytest.approx(1)
    assert seen.quantile(0.99) == 1
